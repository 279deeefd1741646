package bench

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/explain"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/rest"
)

// TestPlansAreSeen walks the shapes of an operation for both people on few rows, and sees that a statement that no index can
// answer is told from others.
func TestPlansAreSeen(t *testing.T) {
	t.Parallel()
	r, server := fixture(t, 300)
	var out bytes.Buffer
	e := &explainer{options: Explanation{Findings: 40, Operations: "roles.list"}, superURL: server.DB.URL(pgtest.Superuser), client: r.client, tenant: r.tenant,
		limits: explain.Limits{Rows: 1 << 40, Sequential: 1 << 40, Blocks: 1 << 40}, rows: 40, out: &out,
		settings: app.Settings{AppURL: server.DB.URL(pgtest.App), SystemURL: server.DB.URL(pgtest.System), KeyDir: server.KeyDir}}
	conn, err := pgx.Connect(t.Context(), e.superURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	account, err := r.client.create(t.Context(), "/providers", "providers", map[string]any{"provider": "aws", "uid": smallAccount})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := newClient(r.client.base).join(t.Context(), otherEmail)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.furnish(t.Context(), conn, theirs, account.Data.ID); err != nil {
		t.Fatal(err)
	}
	if err := e.fill(t.Context()); err != nil { // everything is there
		t.Fatal(err)
	}
	if err := e.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"Not judged:", "Declined", "error", "nothing found", "refused", "NEW"} {
		if strings.Contains(out.String(), word) {
			t.Errorf("%q in\n%s", word, out.String())
		}
	}
	for _, line := range []string{"owner roles.list", "limited roles.list"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no %q in\n%s", line, out.String())
		}
	}
	if err := e.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer e.close(t.Context())
	first, err := e.ask(t.Context(), asker{name: "owner", client: r.client}, "/tasks")
	if err != nil || len(first.trips[e.inside]) == 0 {
		t.Fatal(first, err)
	}
	opening := first.trips[e.inside][0].opening
	unindexed := append(slices.Clone(opening), statement{sql: "select set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'off', true)"})
	for _, row := range []struct {
		opening    []statement
		text, want string
	}{
		{opening, "select id from findings where number_of_nothing(id) = $1", "error"},
		{unindexed, "select id from findings where status_extended = $1", "seq:findings"},
		{opening, "select id from tasks where id = $1::text::uuid", ""},
	} {
		one, err := e.explain(t.Context(), e.conns[e.inside], row.opening, statement{sql: row.text, args: []any{"00000000-0000-4000-8000-00000000000a"}})
		if err != nil {
			t.Fatal(err)
		}
		found := ""
		for _, fault := range one.plan.Faults(explain.Small) {
			found += fault.Name
		}
		if one.error != "" {
			found = "error"
		}
		if found != row.want {
			t.Errorf("%s: %q, want %q: %+v %s", row.text, found, row.want, one.plan, one.error)
		}
	}
}

// anything is something to ask for everywhere.
type anything struct{}

func (anything) Of(*rest.Operation, *filter.Field) (explain.Sample, bool) {
	return explain.Sample{Common: "1", Rare: "2"}, true
}
func (anything) Search(*rest.Operation) (explain.Sample, bool) {
	return explain.Sample{Common: "1", Rare: "2"}, true
}
func (anything) Parameter(*rest.Operation, string) string { return "1" }
func (anything) Always(*rest.Operation) url.Values        { return nil }

// TestExceptionsNameShapes sees that every known exception is about shapes that there are.
func TestExceptionsNameShapes(t *testing.T) {
	t.Parallel()
	server, err := app.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	exceptions, err := explain.Known()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range exceptions {
		found := false
		for _, operation := range explain.Operations(server.Operations()) {
			if ok, _ := path.Match(one.Operation, string(operation.ID)); !ok {
				continue
			}
			for _, shape := range explain.Shapes(operation, anything{}) {
				for _, who := range []string{"owner", "limited"} {
					ok, _ := path.Match(one.Shape, shape.Name+"/"+who)
					found = found || ok
				}
			}
		}
		if !found {
			t.Errorf("nobody can ask for %s %s", one.Operation, one.Shape)
		}
	}
}

const (
	plansDocument = "../../docs/plans.md"
	plansBegin    = "<!-- exceptions: written by make gen -->\n"
	plansEnd      = "<!-- end of the exceptions -->"
)

// TestExceptionsAreDocumented keeps docs/plans.md equal to the known exceptions.
func TestExceptionsAreDocumented(t *testing.T) {
	content, err := os.ReadFile(plansDocument)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(content), plansBegin)
	_, after, closed := strings.Cut(rest, plansEnd)
	if !found || !closed {
		t.Fatalf("%s has no place for the exceptions", plansDocument)
	}
	exceptions, err := explain.Known()
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| operation | shape | reads | why |\n|---|---|---|---|\n")
	for _, one := range exceptions {
		fmt.Fprintf(&table, "| `%s` | `%s` | `%s` | %s |\n", one.Operation, one.Shape, one.Fault, one.Reason)
	}
	want := before + plansBegin + table.String() + plansEnd + after
	if *update {
		if err := os.WriteFile(plansDocument, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(content) != want {
		t.Errorf("%s is not what internal/explain/exceptions.txt says: make gen", plansDocument)
	}
}
