package explain

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/rest"
)

const planted = `[{"Plan": {"Node Type": "Limit", "Actual Rows": 10, "Actual Loops": 1, "Shared Hit Blocks": 70000, "Shared Read Blocks": 5, "Total Cost": 12.5, "Plans": [
	{"Node Type": "Seq Scan", "Relation Name": "tasks", "Actual Rows": 100, "Actual Loops": 3, "Rows Removed by Filter": 900},
	{"Node Type": "Append", "Actual Rows": 1, "Actual Loops": 1, "Plans": [
		{"Node Type": "Index Scan", "Relation Name": "findings_2026_10", "Actual Rows": 1, "Actual Loops": 20000, "Rows Removed by Index Recheck": 1},
		{"Node Type": "Seq Scan", "Relation Name": "findings_2026_11", "Actual Rows": 0, "Actual Loops": 0},
		{"Node Type": "Seq Scan", "Relation Name": "findings_2026_12", "Actual Rows": 0, "Actual Loops": 1}]},
	{"Node Type": "Seq Scan", "Relation Name": "check_metadata", "Actual Rows": 600, "Actual Loops": 100}]}, "Execution Time": 3.25}]`

func TestPlansAreJudged(t *testing.T) {
	t.Parallel()
	plan, err := ParsePlan([]byte(planted))
	if err != nil {
		t.Fatal(err)
	}
	if plan.Milliseconds != 3.25 || plan.Cost != 12.5 || plan.Reads["findings"] != (Read{Rows: 40000}) || plan.Reads["tasks"] != (Read{3000, 3000}) {
		t.Errorf("%+v", plan)
	}
	want := []Fault{{"rows:findings", 40000}, {"seq:tasks", 3000}, {"blocks", 70005}}
	if got := plan.Faults(Standard); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, bad := range []string{"", "{}", "[]", "[{},{}]"} {
		if _, err := ParsePlan([]byte(bad)); err == nil {
			t.Errorf("%q is a plan", bad)
		}
	}
}

func TestExceptions(t *testing.T) {
	t.Parallel()
	all, err := parseExceptions("# about\n\n things.list filter/*__icontains/*/* rows:things It has to be so.\nthings.list sort/x/owner * so\nothers.* * * so\n")
	if err != nil || len(all) != 3 || all[0].Reason != "It has to be so." {
		t.Fatal(all, err)
	}
	for _, row := range []struct {
		operation, shape, fault string
		want                    *Exception
	}{
		{"things.list", "filter/name__icontains/rare/owner", "rows:things", all[0]},
		{"things.list", "filter/name__icontains/rare/owner", "seq:things", nil},
		{"things.list", "filter/name__icontains/owner", "rows:things", nil},
		{"things.get", "filter/name__icontains/rare/owner", "rows:things", nil},
	} {
		if got := all.Allow(row.operation, row.shape, row.fault); got != row.want {
			t.Errorf("%v: %v", row, got)
		}
	}
	if left := all.Unused([]string{"things.list"}); len(left) != 1 || left[0] != all[1] {
		t.Errorf("unused: %v", left)
	}
	for _, bad := range []string{"things.list default rows:things", "things.list [ rows:things because"} {
		if _, err := parseExceptions(bad); err == nil {
			t.Errorf("%q is an exception", bad)
		}
	}
}

// sampled has the same values everywhere.
type sampled struct{}

func (sampled) Of(*rest.Operation, *filter.Field) (Sample, bool) {
	return Sample{"common", "rare"}, true
}
func (sampled) Search(*rest.Operation) (Sample, bool)    { return Sample{"word", "lone"}, true }
func (sampled) Parameter(*rest.Operation, string) string { return "an id" }
func (sampled) Always(*rest.Operation) url.Values        { return nil }

func TestShapes(t *testing.T) {
	t.Parallel()
	table := filter.MustTable(filter.Table{
		Fields: []filter.Field{{Name: "name", Column: "t.name", Lookups: filter.Exact | filter.IContains}, {Name: "on", Kind: filter.Bool, Column: "t.on"},
			{Name: "at", Kind: filter.Date, Column: "t.at", Lookups: filter.Exact | filter.GTE}},
		Sorts: []filter.Sort{{Name: "name", Column: "t.name"}}, Tiebreak: "t.id", Search: &filter.Search{Columns: []filter.Column{"t.name"}}, Includes: []string{"owner"},
		Required: &filter.RequiredDates{Fields: []string{"at"}}})
	shapes := Shapes(&rest.Operation{ID: "things.list", Method: http.MethodGet, Path: "/places/{place}/things", Query: table}, sampled{})
	var names []string
	for _, one := range shapes {
		names = append(names, one.Name)
		query, err := url.Parse(one.Path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(one.Path, "/places/an%20id/things?") {
			t.Errorf("%s: %s", one.Name, one.Path)
		}
		if _, err := filter.Parse(filter.ParamsOf(query.Query()), table); err != nil {
			t.Errorf("%s: %s: %v", one.Name, one.Path, err)
		}
	}
	want := strings.Fields(`default include filter/name/common filter/name/rare filter/name/none filter/name__icontains/common filter/name__icontains/rare
		filter/name__icontains/none filter/on/true filter/on/false filter/at/today filter/at/few filter/at/none filter/at__gte/most filter/at__gte/few filter/at__gte/none
		search/common search/rare search/none sort/name sort-filtered/name sort/-name sort-filtered/-name page/middle cursor/default cursor/name cursor/-name`)
	if !slices.Equal(names, want) {
		t.Errorf("%v\nwant\n%v", names, want)
	}
	if one := Shapes(&rest.Operation{ID: "things.retrieve", Method: http.MethodGet, Path: "/things/{id}", Query: table, Mode: rest.One}, sampled{}); len(one) != 2 {
		t.Errorf("one thing can be asked for in %d ways", len(one))
	}
}
