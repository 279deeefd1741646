package findinggroup_test

import (
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/findinggroup"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

const account = "111111111111"

// arguments are those of the statements, in the order of their placeholders.
var arguments = map[string][]any{
	"listFindingGroups":         {int64(1), int64(10)},
	"listFindingGroupsOfPlaces": {(*int64)(nil), int64(1), int64(10)},
	"listFilteredFindingGroups": {(*int64)(nil), true, int64(1), int64(10)},
	"placesKnowFindingGroups":   {(*int64)(nil)},
	"listFindingGroupResources": {(*int64)(nil), "s3_sample_check_1", true, int64(1), int64(10)},
}

// bounded are the columns of which a look into an index of what grows with scans must name one: with the tenant alone it would read
// everything that the tenant's scans have found.
var bounded = []string{"(scan_id =", "(id =", "(id >=", "(uid_hash =", "(resource_id ="}

// TestEveryListUsesAnIndex explains every statement with every filter and every sort of the allow-lists, as the role that runs them.
// Sequential scans are made unattractive, because the planner prefers them on tables as small as a test's: one that remains has no
// index to use.
func TestEveryListUsesAnIndex(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 1500})
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 1500, Flip: 5})
	pool := server.DB.Pool(t, pgtest.Superuser)
	if _, err := pool.Exec(t.Context(), `analyze`); err != nil {
		t.Fatal(err)
	}
	// Of partitions only those with rows: whatever index is taken of the others has nothing to read. Resources are not among the
	// tables: those of a provider are looked through, and here one provider has them all.
	large := []string{"scan_check_summaries", "scan_check_places", ""}
	if err := pool.QueryRow(t.Context(), `select tableoid::regclass::text from findings limit 1`).Scan(&large[2]); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, server, ada.Tenant)
	texts := constants(t, "../../gen/tenantdb/finding_group.sql.go")
	parse := func(table *filter.Table, shape string) *filter.Query {
		query, err := filter.Parse(filter.ReadParams(shape), table)
		if err != nil {
			t.Fatalf("%s: %v", shape, err)
		}
		return &query
	}
	check := func(shape string, statements map[string]map[string]filter.Fragment) {
		for name, fragments := range statements {
			text, more, err := filter.Splice(texts[name], fragments, len(arguments[name]))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, problem := range problems(explain(t, conn, text, slices.Concat(arguments[name], more)), large) {
				t.Errorf("%s with %s: %s", name, shape, problem)
			}
		}
	}
	for _, shape := range shapes(findinggroup.Query, scan) {
		check(shape, answering(findinggroup.Statements(parse(findinggroup.Query, shape), nil), shape))
	}
	for _, shape := range shapes(findinggroup.ResourcesQuery, scan) {
		check(shape, findinggroup.Statements(nil, parse(findinggroup.ResourcesQuery, shape)))
	}
}

// answering leaves out the statement over places for filters that places do not know.
func answering(statements map[string]map[string]filter.Fragment, shape string) map[string]map[string]filter.Fragment {
	for _, unknown := range []string{"[uid]", "[updated_at]", "[resource_uid", "[resource_name", "[resources]", "[resource_type__icontains]"} {
		if strings.Contains(shape, unknown) {
			delete(statements, "listFindingGroupsOfPlaces")
		}
	}
	return statements
}

// shapes are queries: each filter alone, each sort alone.
func shapes(table *filter.Table, scan string) []string {
	today := time.Now().UTC().Format("2006-01-02")
	values := map[string]string{"id": uuid.NewString(), "provider": uuid.NewString(), "provider_id": uuid.NewString(), "provider_groups": uuid.NewString(),
		"resources": uuid.NewString(), "scan": scan, "status": "FAIL", "severity": "high", "impact": "high", "delta": "new", "muted": "true",
		"include_muted": "false", "provider_type": "aws", "updated_at": today}
	var all []string
	for _, key := range table.Keys() {
		field, _, _ := strings.Cut(key, "__")
		value, known := values[field]
		if !known {
			value = "x"
		}
		if field == "inserted_at" {
			all = append(all, "filter["+key+"]="+today)
			continue
		}
		all = append(all, "filter[inserted_at]="+today+"&filter["+key+"]="+url.QueryEscape(value))
	}
	for _, sort := range table.Sorts {
		if !sort.Hidden {
			all = append(all, "filter[inserted_at]="+today+"&sort=-"+sort.Name)
		}
	}
	return all
}

func connect(t *testing.T, server *apitest.Server, tenantID string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.DB.URL(pgtest.App))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	pgxuuid.Register(conn.TypeMap())
	_, err = conn.Exec(t.Context(), `select set_config('app.tenant_id', $1, false), set_config('app.visible_providers', '*', false), set_config('enable_seqscan', 'off', false)`, tenantID)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// constants are the string constants of a Go file.
func constants(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string)
	ast.Inspect(file, func(n ast.Node) bool {
		if value, ok := n.(*ast.ValueSpec); ok && len(value.Values) == 1 {
			if literal, ok := value.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				texts[value.Names[0].Name], _ = strconv.Unquote(literal.Value)
			}
		}
		return true
	})
	return texts
}

// node is a node of a plan.
type node struct {
	Type     string `json:"Node Type"`
	Relation string `json:"Relation Name"`
	Index    string `json:"Index Name"`
	Cond     string `json:"Index Cond"`
	Plans    []node `json:"Plans"`
}

func explain(t *testing.T, conn *pgx.Conn, text string, args []any) node {
	t.Helper()
	var encoded []byte
	if err := conn.QueryRow(t.Context(), "explain (format json) "+text, args...).Scan(&encoded); err != nil {
		t.Fatalf("explain: %v\n%s", err, text)
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal(encoded, &plans); err != nil {
		t.Fatal(err)
	}
	return plans[0].Plan
}

// problems are the nodes that read all rows of a tenant in a large table.
func problems(plan node, large []string) []string {
	var found []string
	of := func(name string) bool {
		return plan.Relation == name || plan.Relation == "" && strings.HasPrefix(plan.Index, name+"_")
	}
	switch {
	case !slices.ContainsFunc(large, of) || plan.Type == "Bitmap Heap Scan":
	case plan.Type == "Seq Scan":
		found = append(found, "sequential scan of "+plan.Relation)
	case !slices.ContainsFunc(bounded, func(part string) bool { return strings.Contains(plan.Cond, part) }):
		found = append(found, plan.Type+" by "+plan.Index+" where "+plan.Cond)
	}
	for _, child := range plan.Plans {
		found = append(found, problems(child, large)...)
	}
	return found
}
