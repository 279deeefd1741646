package accounting

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/system"
)

// scopes are the constants of type Scope that internal/system declares.
func scopes() []system.Scope {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "system", "system.go"), nil, 0)
	if err != nil {
		panic(err)
	}
	var found []system.Scope
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Scope" {
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
				found = append(found, system.Scope(strings.Trim(literal.Value, `"`)))
			}
		}
		return true
	})
	return found
}

// unscoped are queries that reach no table of a tenant, so that no scope is needed, and why.
var unscoped = map[string]string{
	"RescueOrphans":     "the queue's own table, which the worker role works on in whole",
	"EnsurePartitions":  "makes partitions, which hold nothing yet",
	"ListFindingMonths": "the names of partitions, which tell nothing of a tenant",
	"DropFindingMonth":  "drops months of which the database finds by itself that nobody needs them",
}

// TestSystemQueriesNeedTheirScope calls every system query without a scope, in one that does not exist and in all that do,
// with the values of real rows. Outside the scopes that the database admits it finds nothing and changes nothing; within its
// own it is allowed to run.
func TestSystemQueriesNeedTheirScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	everything := func(one table) string { return "true" }
	full, empty := w.copyWithout(t, func(table) string { return "" }), w.copyWithout(t, everything)
	values := w.values(t, everything)
	with, without := openSystem(t, full), openSystem(t, empty)
	home := make(map[string]system.Scope)
	for file, source := range sqlFiles(t, "system") {
		for name := range split(source) {
			home[name] = system.Scope(strings.TrimSuffix(filepath.Base(file), ".sql"))
		}
	}
	for _, one := range generated(t, reflect.TypeFor[*systemdb.Queries](), "systemdb") {
		t.Run(one.name, func(t *testing.T) {
			call := func(executor *system.Executor, scope system.Scope, variant int) (outcome, bool) {
				method, _ := reflect.TypeFor[*systemdb.Queries]().MethodByName(one.name)
				arguments := newArguments(values, variant, mainTable(one.text))
				var in []reflect.Value
				for i := 2; i < method.Type.NumIn(); i++ {
					in = append(in, arguments.value(t, method.Type.In(i), soleParameter[one.name]))
				}
				return callSystem(t, executor, scope, one, in), arguments.varied
			}
			home := home[one.name]
			ran := false
			for variant, varied := 0, true; varied && variant < 30; variant++ {
				var own outcome
				own, varied = call(with, home, variant)
				if own.refused == "42501" {
					t.Fatalf("may not run in its own scope %s", home)
				}
				ran = true
				for _, scope := range []system.Scope{"", "nonsense", "*", system.Scope(home + "x")} {
					if unscoped[one.name] != "" {
						continue
					}
					seen, _ := call(with, scope, variant)
					blind, _ := call(without, scope, variant)
					if seen.refused != blind.refused && seen.refused != "42501" || !reflect.DeepEqual(seen.results, blind.results) {
						t.Fatalf("in scope %q it can tell whether there are rows: %s %s, without %s %s", scope, show(seen.results), seen.refused, show(blind.results), blind.refused)
					}
				}
			}
			if !ran {
				t.Fatal("was never called")
			}
		})
	}
}

// TestScopesReachTheirTables: which tables a scope reaches is what its own queries need; everything else is empty to it.
func TestScopesReachTheirTables(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pool, err := pipeline.Open(t.Context(), pipeline.Config{URL: w.server.DB.URL(pgtest.System), MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	texts := make(map[string]string)
	for file, source := range sqlFiles(t, "system") {
		texts[strings.TrimSuffix(filepath.Base(file), ".sql")] += source
	}
	for name, text := range texts {
		texts[name] = comment.ReplaceAllString(text, "")
	}
	texts["catalogue"] += " catalogue_framework_revisions" // keep_framework_revisions runs as its caller
	texts["sign_up"] += texts["invitation"]                // whoever signs up may do so by an invitation
	for _, scope := range append(scopes(), "", "nonsense") {
		for _, one := range tables(t, w.pool) {
			rows, err := pool.Read(pipeline.Settings{System: string(scope), UserID: w.ada.User}).Query(t.Context(), `select count(*)::integer from `+pgx.Identifier{one.name}.Sanitize())
			var count []int
			if err == nil {
				count, err = pgx.CollectRows(rows, pgx.RowTo[int])
			}
			if err != nil && code(err) != "42501" {
				t.Errorf("%s in scope %q: %v", one.name, scope, err)
			}
			if len(count) == 1 && count[0] > 0 && !slices.Contains(strings.FieldsFunc(texts[string(scope)], notName), one.name) {
				t.Errorf("scope %q reaches %d rows of %s, which its queries do not name", scope, count[0], one.name)
			}
		}
	}
}

var comment = regexp.MustCompile(`--[^\n]*`)

func notName(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }

func openSystem(t *testing.T, db *pgtest.DB) *system.Executor {
	t.Helper()
	executor, err := system.Open(t.Context(), pipeline.Config{URL: db.URL(pgtest.System), MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(executor.Close)
	return executor
}

// callSystem runs a query in a transaction that is undone.
func callSystem(t *testing.T, executor *system.Executor, scope system.Scope, one query, in []reflect.Value) outcome {
	t.Helper()
	var out outcome
	err := executor.Write(t.Context(), scope, uuid.New(), func(ctx context.Context, db system.DB) error {
		results := reflect.ValueOf(systemdb.New(db.Shaped(one.markers))).MethodByName(one.name).Call(append([]reflect.Value{reflect.ValueOf(ctx)}, in...))
		last := len(results) - 1
		if err, _ := results[last].Interface().(error); err != nil {
			if out.refused = code(err); out.refused == "" {
				out.refused = err.Error()
			}
			return errUndo
		}
		for _, result := range results[:last] {
			out.results = append(out.results, plain(result))
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatalf("%s in scope %s: %v", one.name, strconv.Quote(string(scope)), err)
	}
	return out
}
