package pipeline_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
)

// A single change is committed when Exec returns, runs under its settings, leaves none of them behind, and takes one round trip.
func TestASingleChangeIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	between := pgtest.NewProxy(t, db.URL(pgtest.App))
	targets := open(t, pipeline.Config{URL: between.URL})
	tenant, other := uuid.NewString(), uuid.NewString()
	arrange(t, db, `insert into tenants (id, name) values ($1, 'Acme'), ($2, 'Other')`, tenant, other)
	settings := pipeline.Settings{TenantID: tenant, Visible: "*"}
	const insert = `insert into roles (tenant_id, id, name) select $1::uuid, gen_random_uuid(), $2 from generate_series(1, 2) n where n = 1 or $3`
	add := func(tenant, name string, twice bool) error {
		_, err := targets.Exec(t.Context(), settings, insert, tenant, name, twice)
		return err
	}
	if err := add(tenant, "first", false); err != nil { // describes the statements, once a connection
		t.Fatal(err)
	}
	between.Reset()
	if err := add(tenant, "second", false); err != nil {
		t.Fatal(err)
	}
	if syncs := between.Count('S') + between.Count('Q'); syncs != 1 {
		t.Errorf("a single change took %d round trips", syncs)
	}
	if err := add(other, "third", false); sqlState(err) != "42501" {
		t.Error("a row of another tenant:", err)
	}
	if err := add(tenant, "twice", true); sqlState(err) != "23505" {
		t.Error("a statement that fails at its second row:", err)
	}
	idle(t, targets)
	var got shown
	if err := targets.Primary().QueryRow(t.Context(), settingsQuery).Scan(got.targets()...); err != nil || got != (shown{readOnly: "off", timeout: "0", idle: "0"}) {
		t.Errorf("the connection still has %+v, %v", got, err)
	}
	var names string
	if err := db.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select string_agg(name, ' ' order by name) from roles`).Scan(&names); err != nil || names != "first second" {
		t.Errorf("there are %q, %v", names, err)
	}
}
