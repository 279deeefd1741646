package finding_test

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
	"github.com/palisade-sec/palisade/internal/finding"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

const account = "123456789012"

// statements are the generated statements that read findings, with arguments in the order of their placeholders and the
// markers that they have.
func statements() map[string]struct {
	args    []any
	markers []string
} {
	everything := []any{true, true, true, (*int64)(nil)}
	page := []any{int64(10), int64(0), int64(10)}
	return map[string]struct {
		args    []any
		markers []string
	}{
		"listFindings":             {slices.Concat(everything, []any{[]int16{1, 2, 3}, []int16{1, 2, 3, 4, 5}}, page), []string{"where", "looked_up", "order", "position"}},
		"listFindingsByTime":       {slices.Concat(everything, []any{int64(0), int64(10)}), []string{"where", "looked_up", "order", "position"}},
		"listFindingsInOrder":      {slices.Concat(everything, page), []string{"where", "looked_up", "order", "position"}},
		"listFindingsOfPlaces":     {slices.Concat(everything, []any{true, int64(0), int64(10)}), []string{"where", "placed", "order", "position"}},
		"listFindingsOfResources":  {slices.Concat(everything, []any{int64(2000), int64(0), int64(10)}), []string{"where", "resources", "order", "position"}},
		"countFindingsOfResources": {[]any{(*int64)(nil), int64(2000)}, []string{"where", "resources"}},
		"listPlacesOfResources":    {[]any{(*int64)(nil), int64(2000)}, []string{"where", "resources"}},
		"countFindingsInPlaces":    {[]any{(*int64)(nil), true, true, true, true, true}, []string{"where", "whole", "placed"}},
		"countFindings":            {[]any{(*int64)(nil)}, []string{"where"}},
		"countFindingsInSummaries": {[]any{true, true, true, true, true, (*int64)(nil), true}, []string{"where", "whole", "summary"}},
		"listFindingPlaces":        {[]any{(*int64)(nil)}, []string{"where"}},
	}
}

// bounded are the columns of which a look into an index of findings must name one: with the tenant alone it would read all
// findings of the tenant.
var bounded = []string{"(scan_id =", "(id =", "(id >=", "(uid_hash =", "(resource_id ="}

// TestEveryListUsesAnIndex explains every statement that reads findings with every filter and every sort of the allow-lists,
// as the role that runs them, and fails when one reads all findings of a tenant. Sequential scans are made unattractive,
// because the planner prefers them on tables as small as a test's: one that remains has no index to use.
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
	// Plans of partitions without rows say nothing: whatever index is taken there has nothing to read.
	var partition string
	if err := pool.QueryRow(t.Context(), `select tableoid::regclass::text from findings limit 1`).Scan(&partition); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, server, ada.Tenant)
	texts := constants(t, "../../gen/tenantdb/finding.sql.go")
	today := url.QueryEscape(time.Now().UTC().Format("2006-01-02"))
	for _, shape := range shapes(scan, today) {
		query, err := filter.Parse(filter.ReadParams(shape), finding.Query)
		if err != nil {
			t.Fatalf("%s: %v", shape, err)
		}
		for name, statement := range statements() {
			fragments, err := finding.Fragments(query, finding.All, statement.markers...)
			if err != nil {
				t.Fatal(err)
			}
			if !suits(name, query) {
				continue
			}
			text, more, err := filter.Splice(texts[name], fragments, len(statement.args))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, problem := range problems(explain(t, conn, text, append(slices.Clone(statement.args), more...)), partition) {
				t.Errorf("%s with %s: %s", name, shape, problem)
			}
		}
	}
}

// suits reports whether a statement can give the order of the query.
func suits(name string, query filter.Query) bool {
	sort := query.Sort[0].Name
	switch name {
	case "listFindings":
		return sort != "check_id" && sort != "updated_at"
	case "listFindingsByTime":
		return sort == "inserted_at"
	case "listFindingsOfPlaces", "countFindingsInPlaces":
		return query.Has(finding.PlaceFilters...)
	case "listFindingsOfResources", "countFindingsOfResources":
		return query.Has(finding.ResourceFilters...)
	}
	return true
}

// shapes are queries: each filter alone, each sort alone.
func shapes(scan, today string) []string {
	var all []string
	for _, key := range finding.Query.Keys() {
		field, _, _ := strings.Cut(key, "__")
		value := "x"
		switch field {
		case "id", "provider", "provider_id", "provider_groups", "resources":
			value = uuid.NewString()
		case "scan":
			value = scan
		case "status":
			value = "FAIL"
		case "severity", "impact":
			value = "high"
		case "delta":
			value = "new"
		case "muted":
			value = "true"
		case "provider_type":
			value = "aws"
		case "inserted_at", "updated_at":
			value = today
		}
		dated := "&filter[inserted_at]=" + today
		if key == "inserted_at" {
			dated = ""
		}
		all = append(all, "filter["+key+"]="+url.QueryEscape(value)+dated)
	}
	for _, sort := range finding.Query.Sorts {
		all = append(all, "filter[scan]="+scan+"&sort="+sort.Name, "filter[inserted_at]="+today+"&sort=-"+sort.Name)
	}
	return append(all, "filter[search]=sample&filter[scan]="+scan)
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
	for _, declaration := range file.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			value := spec.(*ast.ValueSpec)
			if literal, ok := value.Values[0].(*ast.BasicLit); ok {
				if texts[value.Names[0].Name], err = strconv.Unquote(literal.Value); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return texts
}

// node is a node of a plan.
type node struct {
	Type     string `json:"Node Type"`
	Relation string `json:"Relation Name"`
	Index    string `json:"Index Name"`
	Cond     string `json:"Index Cond"`
	Filter   string `json:"Filter"`
	Plans    []node `json:"Plans"`
}

// TestManyResourcesAreHashed: a set of resources that the planner believes to be large is hashed too. Looked through for each finding, it
// took minutes.
func TestManyResourcesAreHashed(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 300})
	pool := server.DB.Pool(t, pgtest.Superuser)
	for _, statement := range []string{`analyze`, `update pg_class set reltuples = 1e8 where relname = 'resources'`} {
		if _, err := pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	conn, texts := connect(t, server, ada.Tenant), constants(t, "../../gen/tenantdb/finding.sql.go")
	query, err := filter.Parse(filter.ReadParams("filter[scan]="+scan+"&filter[resource_uid.icontains]=arn"), finding.Query)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"countFindingsOfResources", "listPlacesOfResources"} {
		statement := statements()[name]
		fragments, err := finding.Fragments(query, finding.All, statement.markers...)
		if err != nil {
			t.Fatal(err)
		}
		text, more, err := filter.Splice(texts[name], fragments, len(statement.args))
		if err != nil {
			t.Fatal(err)
		}
		sets := setsOf(explain(t, conn, text, append(slices.Clone(statement.args), more...)))
		if len(sets) == 0 || slices.ContainsFunc(sets, func(condition string) bool { return !strings.Contains(condition, "hashed SubPlan") }) {
			t.Errorf("%s looks for resources by %q", name, sets)
		}
	}
}

// setsOf are the conditions of a plan that ask whether something is in a set.
func setsOf(plan node) []string {
	var found []string
	if strings.Contains(plan.Filter, "SubPlan") && strings.Contains(plan.Filter, "IS TRUE") {
		found = append(found, plan.Filter)
	}
	for _, child := range plan.Plans {
		found = append(found, setsOf(child)...)
	}
	return found
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

// problems are the nodes that read all findings of a tenant in a partition.
func problems(plan node, partition string) []string {
	var found []string
	switch {
	case plan.Relation != partition && !strings.HasPrefix(plan.Index, partition) || plan.Type == "Bitmap Heap Scan":
	case plan.Type == "Seq Scan":
		found = append(found, "sequential scan of "+plan.Relation)
	case !slices.ContainsFunc(bounded, func(part string) bool { return strings.Contains(plan.Cond, part) }):
		found = append(found, plan.Type+" by "+plan.Index+" where "+plan.Cond)
	}
	for _, child := range plan.Plans {
		found = append(found, problems(child, partition)...)
	}
	return found
}
