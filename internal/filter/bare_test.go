package filter

import "testing"

// TestFiltersWithoutBrackets: a table that takes them does so for the filters that it knows, spelled as they are; others do not.
func TestFiltersWithoutBrackets(t *testing.T) {
	t.Parallel()
	declare := func(tolerate Tolerance) *Table {
		return MustTable(Table{Unpaged: true, Tolerate: tolerate, Fields: []Field{{Name: "kind", Column: "x.kind", Lookups: Exact | In}, {Name: "sort", Column: "x.sort"}}})
	}
	open, closed := declare(AnyQuery|NoDots|BareFilters), declare(AnyQuery)
	for raw, want := range map[string]string{
		"kind=a": "x.kind = $1", "kind__in=a,b": "x.kind = any($1)", "filter[kind]=a": "x.kind = $1", "kind.in=a": "", "Kind=a": "", "kind=": "",
		"filter[sort]=a": "x.sort = $1", "colour=red": "", "filter[kind]=a&kind__in=b": "(x.kind = $1 and x.kind = any($2))",
	} {
		q, err := Parse(ReadParams(raw), open)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if text, _ := q.Where.Render(1); text != want && "("+text+")" != want {
			t.Errorf("%s: %s, want %s", raw, text, want)
		}
	}
	q, err := Parse(ReadParams("kind=a&kind__in=b"), closed)
	if text, _ := q.Where.Render(1); err != nil || !q.Where.IsZero() {
		t.Errorf("a table that does not take them: %s, %v", text, err)
	}
	if _, err := Parse(ReadParams("kind=a"), declare(0)); err == nil {
		t.Error("a strict table takes a filter without brackets")
	}
}
