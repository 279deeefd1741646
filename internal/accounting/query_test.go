package accounting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// TestNoQueryCrossesTheWall calls every generated tenant query with the ids and values of rows that it must not reach, once in
// a database that has those rows and once in one that never had them. A query that can tell the two apart leaks; a query that
// changes such a row is worse. New queries are called without anybody adding them here.
func TestNoQueryCrossesTheWall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.copyWithout(t, func(table) string { return "" })
	inside := tenant.NewScope(uuid.MustParse(w.ada.Tenant), uuid.MustParse(w.ada.User), tenant.SeeAll())
	cases := map[string]struct {
		picked  func(table) string
		scope   tenant.Scope
		control bool // the scope may see it all: shows that the calls would notice
	}{
		"another tenant": {w.withoutA, tenant.NewScope(uuid.MustParse(w.bob.Tenant), uuid.MustParse(w.bob.User), tenant.SeeAll()), false},
		"a hidden provider": {w.withoutHidden, tenant.NewScope(uuid.MustParse(w.ada.Tenant), uuid.MustParse(w.dan.User),
			tenant.SeeWhere(filter.MustCondition("p.id", filter.In, []uuid.UUID{w.open}))), false},
		"one's own tenant":   {w.withoutA, inside, true},
		"a visible provider": {w.withoutHidden, inside, true},
	}
	for name, one := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			probe := &probe{t: t, control: one.control, world: w, picked: one.picked, scope: one.scope, values: w.values(t, one.picked),
				with: open(t, all), rows: all.Pool(t, pgtest.Superuser), without: open(t, w.copyWithout(t, one.picked)), watch: watchQuery(tables(t, w.pool), one.picked)}
			methods := generated(t, reflect.TypeFor[*tenantdb.Queries](), "tenantdb")
			for _, method := range methods {
				probe.run(method)
			}
			t.Logf("%d queries, %d calls", len(methods), probe.calls)
			if !one.control {
				return
			}
			if name == "one's own tenant" {
				for _, blind := range probe.blind {
					if method, _, _ := strings.Cut(blind, "="); quiet[method] == "" {
						t.Errorf("%s notices nothing of rows that it may see: its arguments prove nothing. Teach hints, seed a row in world, or give a reason in quiet", blind)
					}
				}
			}
		})
	}
}

// quiet are queries on which rows of the tenant have no bearing with the arguments that are made here, and why.
var quiet = map[string]string{
	"CountSoughtFindings":              "the texts that are tried are no words; internal/finding compares searches between tenants",
	"ListSoughtFindings":               "the texts that are tried are no words; internal/finding compares searches between tenants",
	"FindFrameworks":                   "reference data of all tenants",
	"GetFrameworkContent":              "reference data of all tenants",
	"ForgetVersionOfUnheldScans":       "the scans of the samples were held against what the catalogue has",
	"GetCatalogueRevision":             "reference data of all tenants",
	"KnownChecks":                      "reference data of all tenants",
	"ListChecksOfFrameworks":           "reference data of all tenants",
	"ListCatalogueChecks":              "reference data of all tenants",
	"SummariseCatalogue":               "reference data of all tenants",
	"CountFailedFindingsOfResources":   "the counts are right already",
	"InsertScanResourceGroupSummaries": "the samples have no resource groups",
	"AddRoleProviderGroups":            "the pairs that are tried exist",
	"RecountFailedFindings":            "the counts are right already",
	"NextWaitingScan":                  "the sample's job is queued",
	"PlanScan":                         "the sample's next run is planned",
	"EraseProvider":                    "no provider of the samples is being deleted",
	"LockProviderOfHeldTask":           "it locks, and neither returns nor changes anything",
	"ProviderIsGoing":                  "no provider of the samples is being deleted",
	"CountOutdatedScans":               "the samples are counted as this version does",
	"ListOutdatedScans":                "the samples are counted as this version does",
	"RecountScan":                      "the numbers are right already",
	"ListCompletedScans":               "it is asked for a scan behind itself",
	"EraseScanChunks":                  "a provider and a scan of its are not made together",
	"EraseScanIngestionErrors":         "a provider and a scan of its are not made together",
	"EraseUnseenResources":             "a finding is about each resource of the samples",
	"ExpireScans":                      "the samples are young",
	"LockResources":                    "it locks, and neither returns nor changes anything",
}

// query is a generated query: its method and its text.
type query struct {
	name    string
	text    string
	markers map[string]filter.Fragment
}

var constant = regexp.MustCompile("(?s)const (\\w+) = `(-- name: (\\w+) :\\w+\n.*?)`\n")

// generated finds every query of a generated package in its files, and checks that they are the methods of the type.
func generated(t *testing.T, methods reflect.Type, pkg string) []query {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "gen", pkg, "*.sql.go"))
	if err != nil {
		t.Fatal(err)
	}
	var queries []query
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range constant.FindAllStringSubmatch(string(source), -1) {
			one := query{name: found[3], text: found[2], markers: map[string]filter.Fragment{}}
			if _, ok := methods.MethodByName(one.name); !ok {
				t.Fatalf("%s of %s is no method", one.name, file)
			}
			names, err := filter.Markers(one.text)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				one.markers[name] = filter.Fragment{}
			}
			queries = append(queries, one)
		}
	}
	if len(queries) != methods.NumMethod() {
		t.Fatalf("%d queries in the files, %d methods", len(queries), methods.NumMethod())
	}
	return queries
}

// open is an executor whose sessions belong to a superuser in the role of the app: the wall holds as for the app itself, and
// the test can leave the role at the end of the transaction to see what was changed.
func open(t *testing.T, db *pgtest.DB) *tenant.Executor {
	t.Helper()
	executor, err := tenant.Open(t.Context(), pipeline.Config{URL: db.URL(pgtest.Superuser) + "&options=-c%20role%3D" + pgtest.App, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(executor.Close)
	return executor
}

// watchQuery counts the picked rows, and those of them that this transaction wrote.
func watchQuery(all []table, picked func(table) string) string {
	var parts []string
	for _, one := range all {
		if condition := picked(one); condition != "" {
			parts = append(parts, fmt.Sprintf(`select '%s' as t, count(*) as n, count(*) filter (where xmin = pg_current_xact_id_if_assigned()::xid) as w from %[1]s where %s`,
				one.name, condition))
		}
	}
	return `select string_agg(t || ' ' || n || ' ' || w, ', ' order by t), sum(w) from (` + strings.Join(parts, " union all ") + `) x`
}

type probe struct {
	t             *testing.T
	world         *world
	picked        func(table) string
	scope         tenant.Scope
	values        map[string][]string // of the rows that must not be reached, by column
	with, without *tenant.Executor
	rows          *pgxpool.Pool // of with, past the wall
	watch         string
	calm          string // what watch says when nothing happened

	control bool
	calls   int
	blind   []string // queries that could not tell the databases apart
}

// outcome is what a caller can learn from a call.
type outcome struct {
	results []any
	refused string // SQLSTATE or the error's text
	changed string // what happened to rows that must not be reached; empty: nothing
}

var errUndo = errors.New("undo")

func (p *probe) run(one query) {
	p.t.Helper()
	signature := reflect.TypeFor[*tenantdb.Queries]()
	method, _ := signature.MethodByName(one.name)
	refused := ""
	for variant := range 100 {
		arguments := newArguments(p.values, variant, mainTable(one.text))
		arguments.hint = hints[one.name]
		var in []reflect.Value
		for i := 2; i < method.Type.NumIn(); i++ {
			in = append(in, arguments.value(p.t, method.Type.In(i), soleParameter[one.name]))
		}
		p.calls++
		seen, blind := p.call(p.with, one, in), p.call(p.without, one, in)
		refused = seen.refused
		same := reflect.DeepEqual(seen.results, blind.results) && seen.refused == blind.refused && seen.changed == ""
		switch {
		case p.control && !same:
			return
		case p.control || same:
		case seen.changed != "":
			p.t.Errorf("%s(%s) changed rows beyond the wall: %s", one.name, show(in), seen.changed)
			return
		case strings.HasPrefix(seen.refused, "23505 ") && strings.HasSuffix(seen.refused, "_pkey"):
			// The program makes ids at random; that one is taken tells nothing.
		case knownDifferences[one.name] != "" && seen.refused != "":
			p.t.Logf("%s: %s (%s)", one.name, knownDifferences[one.name], seen.refused)
			return
		default:
			p.t.Errorf("%s(%s) can tell whether rows beyond the wall exist:\n with    %s %s\n without %s %s",
				one.name, show(in), show(seen.results), seen.refused, show(blind.results), blind.refused)
			return
		}
		if !arguments.varied {
			break
		}
	}
	if mainTable(one.text) == "" {
		return // it reads no table
	}
	p.blind = append(p.blind, strings.TrimSuffix(one.name+"="+refused, "="))
}

// knownDifferences are queries that refuse because of a row that they cannot see, and why that is as it must be.
var knownDifferences = map[string]string{
	"CreateProvider": "an account is connected once in an organisation, also when the provider is hidden",
}

// call runs a query in a transaction of its own that is undone.
func (p *probe) call(executor *tenant.Executor, one query, in []reflect.Value) outcome {
	p.t.Helper()
	var out outcome
	err := executor.Write(p.t.Context(), p.scope, func(ctx context.Context, tx *tenant.Tx) error {
		method := reflect.ValueOf(tenantdb.New(tx.Shaped(one.markers))).MethodByName(one.name)
		results := method.Call(append([]reflect.Value{reflect.ValueOf(ctx)}, in...))
		for _, result := range results {
			if err, ok := result.Interface().(error); ok && err != nil {
				out.refused = err.Error()
				if state := code(err); state != "" {
					out.refused = state
					if named := constraint(err); named != "" {
						out.refused += " " + named
					}
				}
				return errUndo
			}
		}
		for _, result := range results[:len(results)-1] {
			out.results = append(out.results, plain(result))
		}
		out.changed = p.changes(ctx, tx.Unwrap(), executor)
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		p.t.Fatalf("%s: %v", one.name, err)
	}
	return out
}

func (p *probe) changes(ctx context.Context, tx pgx.Tx, executor *tenant.Executor) string {
	p.t.Helper()
	if executor != p.with {
		return ""
	}
	if _, err := tx.Exec(ctx, `set local role none`); err != nil {
		p.t.Fatal(err)
	}
	var state string
	var written int
	if err := tx.QueryRow(ctx, p.watch).Scan(&state, &written); err != nil {
		p.t.Fatal(err)
	}
	if p.calm == "" {
		if err := p.rows.QueryRow(ctx, p.watch).Scan(&p.calm, new(int)); err != nil {
			p.t.Fatal(err)
		}
	}
	if state != p.calm || written != 0 {
		return state
	}
	return ""
}

// plain is a result without what differs from one call to the next: the moment.
func plain(value reflect.Value) any {
	encoded, err := json.Marshal(value.Interface())
	if err != nil {
		return fmt.Sprintf("%+v", value.Interface())
	}
	return moment.ReplaceAllString(string(encoded), "moment")
}

// moment is a time of today: both databases hold the same older ones.
var moment = regexp.MustCompile(regexp.QuoteMeta(time.Now().UTC().Format("2006-01-02")) + `T[0-9:.]+Z`)

func show(value any) string {
	text := fmt.Sprintf("%+v", value)
	if list, ok := value.([]reflect.Value); ok {
		parts := make([]string, len(list))
		for i, one := range list {
			parts[i] = fmt.Sprintf("%+v", reflect.Indirect(one).Interface())
		}
		text = strings.Join(parts, ", ")
	}
	if len(text) > 1500 {
		text = text[:1500] + "..."
	}
	return text
}

// values are some of the values in the rows that a condition picks, by column; under "id" those of every table.
func (w *world) values(t *testing.T, picked func(table) string) map[string][]string {
	t.Helper()
	values := make(map[string][]string)
	for _, one := range tables(t, w.pool) {
		condition := picked(one)
		if condition == "" {
			continue
		}
		for _, c := range one.columns {
			rows, err := w.pool.Query(t.Context(), fmt.Sprintf(`select distinct %s::text from %s where (%s) and %[1]s is not null order by 1 limit 24`,
				pgx.Identifier{c.name}.Sanitize(), pgx.Identifier{one.name}.Sanitize(), condition))
			if err != nil {
				t.Fatal(err)
			}
			found, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			values[c.name] = append(values[c.name], found...)
			values[one.name+"."+c.name] = found
		}
	}
	return values
}

// arguments makes the values of one call: of the variant's row where a name can mean several.
type arguments struct {
	values  map[string][]string
	variant int
	hint    string // column of ids that the query takes
	table   string // whose id is meant by a plain id
	varied  bool   // there are further variants
	single  bool   // lists have one member, as those of an insert go together
}

func newArguments(values map[string][]string, variant int, table string) *arguments {
	return &arguments{values: values, variant: variant, table: table}
}

// hints name the column whose values a parameter takes where its own name does not say.
var hints = map[string]string{"FindMembers": "memberships.user_id", "ExistUsers": "memberships.user_id", "AddRoleUsers": "memberships.user_id",
	"GetFindings": "findings.id", "GetRole": "roles.id", "GetResource": "resources.id", "GetResourceAccount": "resources.id",
	"AttemptStands": "tasks.id", "ListUnknownFrameworks": "compliance_frameworks.compliance_id"}

var tableWord = regexp.MustCompile(`(?:update|insert into|delete from|from) ([a-z_]+)`)

// mainTable is the first table that a query names.
func mainTable(text string) string {
	if found := tableWord.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}

// of are the values for a parameter: of its column, in the singular for a list, of the query's table for a plain id.
func (a *arguments) of(name string) []string {
	if a.hint != "" && (name == "id" || name == "ids" || strings.HasSuffix(name, "_ids")) {
		return a.values[a.hint]
	}
	for _, spelling := range []string{name, strings.TrimSuffix(name, "s"), strings.TrimSuffix(name, "es"), strings.TrimSuffix(name, "ies") + "y"} {
		if found := a.values[a.table+"."+spelling]; len(found) > 0 {
			return found
		}
		if found := a.values[spelling]; len(found) > 0 {
			return found
		}
	}
	return nil
}

// pick is a value of the column that a parameter is named after.
func (a *arguments) pick(name, kind string) (string, bool) {
	found := a.of(name)
	if kind == "uuid" {
		found = only(found, isUUID)
		if len(found) == 0 { // member_id, parent, ...: any row may be meant
			found = only(a.values["id"], isUUID)
		}
	}
	if len(found) == 0 {
		return "", false
	}
	if a.variant < len(found)-1 {
		a.varied = true
	}
	return found[min(a.variant, len(found)-1)], true
}

func isUUID(text string) bool { return uuid.Validate(text) == nil }

func only(list []string, keep func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(list), func(one string) bool { return !keep(one) })
}

// value makes a value of a type, for a parameter of a name.
func (a *arguments) value(t *testing.T, kind reflect.Type, name string) reflect.Value {
	t.Helper()
	made := reflect.New(kind).Elem()
	switch made.Interface().(type) {
	case uuid.UUID:
		text, ok := a.pick(name, "uuid")
		if !ok {
			t.Fatalf("no id for %q", name)
		}
		return reflect.ValueOf(uuid.MustParse(text))
	case time.Time:
		moment := time.Now().UTC().Truncate(time.Hour)
		if name == "until" { // the end of a range holds what is there now
			moment = moment.AddDate(0, 0, 1)
		}
		return reflect.ValueOf(moment)
	case json.RawMessage:
		return reflect.ValueOf(json.RawMessage(`{}`))
	case []byte:
		return reflect.ValueOf(bytes.Repeat([]byte{1}, 32)) // a digest, where one is asked for
	case []uuid.UUID:
		var ids []uuid.UUID
		found := only(a.of(name), isUUID)
		if len(found) == 0 {
			found = only(a.values["id"], isUUID)
		}
		if a.single {
			a.varied = a.varied || a.variant < len(found)-1
			found = found[min(a.variant, len(found)-1):][:1]
		}
		for _, text := range found {
			ids = append(ids, uuid.MustParse(text))
		}
		return reflect.ValueOf(ids)
	}
	switch kind.Kind() {
	case reflect.Struct:
		lists := 0
		for i := range kind.NumField() {
			if kind.Field(i).Type.Kind() == reflect.Slice && kind.Field(i).Type.Elem().Kind() != reflect.Uint8 {
				lists++
			}
		}
		a.single = lists > 1
		for i := range kind.NumField() {
			made.Field(i).Set(a.value(t, kind.Field(i).Type, snake(kind.Field(i).Name)))
		}
	case reflect.Pointer:
		made.Set(reflect.New(kind.Elem()))
		made.Elem().Set(a.value(t, kind.Elem(), name))
	case reflect.Slice:
		made.Set(reflect.Append(made, a.value(t, kind.Elem(), name)))
	case reflect.String:
		text, ok := a.pick(name, "text")
		if !ok {
			text = "filled"
		}
		made.SetString(text)
	case reflect.Bool:
		made.SetBool(true)
	case reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		number := int64(1)
		for part, value := range map[string]int64{"offset": 0, "size": 100, "limit": 100, "batch": 100, "depth": 100, "rank": 1, "statuses": 200} {
			if strings.Contains(name, part) {
				number = value
			}
		}
		made.SetInt(number)
	case reflect.Float32, reflect.Float64:
		made.SetFloat(1)
	default:
		t.Fatalf("no value for a parameter of type %s: teach arguments.value", kind)
	}
	return made
}

// snake is a field's name as the query spells it.
func snake(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]) && runes[i+1] != 's') {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// soleParameter names the parameter of every query that has just one: the generated method takes it bare.
var soleParameter = soleParameters("tenant", "system")

var (
	named     = regexp.MustCompile(`(?m)^-- name: (\w+) :\w+`)
	parameter = regexp.MustCompile(`@(\w+)|sqlc\.n?arg\('?(\w+)'?\)`)
)

func soleParameters(folders ...string) map[string]string {
	sole := make(map[string]string)
	for _, folder := range folders {
		files, _ := filepath.Glob(filepath.Join("..", "..", "sql", folder, "*.sql"))
		for _, file := range files {
			source, _ := os.ReadFile(file)
			starts := named.FindAllStringSubmatchIndex(string(source), -1)
			for i, start := range starts {
				end := len(source)
				if i+1 < len(starts) {
					end = starts[i+1][0]
				}
				found := make(map[string]bool)
				for _, match := range parameter.FindAllStringSubmatch(string(source[start[0]:end]), -1) {
					found[match[1]+match[2]] = true
				}
				if len(found) == 1 {
					sole[string(source[start[2]:start[3]])] = slices.Collect(maps.Keys(found))[0]
				}
			}
		}
	}
	return sole
}
