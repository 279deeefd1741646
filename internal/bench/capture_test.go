package bench

import (
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// TestStatementsOfARequestAreSeen sees that what is captured is what a list asks, with its arguments, and nothing else.
func TestStatementsOfARequestAreSeen(t *testing.T) {
	t.Parallel()
	r, server := fixture(t, 40)
	c, err := newCapture(t.Context(), app.Settings{AppURL: server.DB.URL(pgtest.App), SystemURL: server.DB.URL(pgtest.System), KeyDir: server.KeyDir}, r.client)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	trips, err := c.trips(t.Context(), "/findings/latest?filter[service]=s3&include=resources")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range trips {
		if len(one.opening) == 0 || len(one.statements) == 0 {
			t.Errorf("a trip with %d statements that open its scope and %d others", len(one.opening), len(one.statements))
		}
	}
	statements, err := c.statements(t.Context(), "/findings/latest?filter[service]=s3&include=resources")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := bare(t.Context(), r.appURL, r.tenant, "auto")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var filtered, rows int
	for _, one := range statements {
		if strings.Contains(one.sql, "set_config") {
			t.Error("a statement that opens a scope:", one.sql)
		}
		for _, argument := range one.args {
			if argument == "s3" {
				filtered++
			}
		}
		got, err := conn.Query(t.Context(), one.sql, one.args...)
		if err != nil {
			t.Fatal(err)
		}
		for got.Next() {
			rows++
		}
		if got.Close(); got.Err() != nil {
			t.Errorf("%v in\n%s", got.Err(), one.sql)
		}
	}
	if filtered == 0 || rows == 0 {
		t.Errorf("%d arguments of the filter in %d statements, which returned %d rows on a connection of their own", filtered, len(statements), rows)
	}
	if _, err := c.trips(t.Context(), "/nothing"); err == nil {
		t.Error("a refusal has statements")
	}
}
