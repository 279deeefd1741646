package explain

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/rest"
)

// Shape is one way to ask an operation.
type Shape struct {
	Operation string
	Name      string // "filter/region__icontains/common", "sort/-status", "cursor/default"
	Path      string // below the base of the API
	Cursor    int    // how many pages to go on by cursor before the page that is judged
	Middle    bool   // the page that is judged is the one in the middle
	Found     bool   // there has to be something to find, or the shape shows nothing
}

// Sample is what values a column has.
type Sample struct{ Common, Rare string }

// Samples say what to ask for.
type Samples interface {
	// Of are values of a filter; ok is false when there are none.
	Of(operation *rest.Operation, field *filter.Field) (sample Sample, ok bool)
	// Search are texts to search for.
	Search(operation *rest.Operation) (Sample, bool)
	// Parameter is the value of a path parameter; empty: there is none.
	Parameter(operation *rest.Operation, name string) string
	// Always are filters without which an operation answers nothing.
	Always(operation *rest.Operation) url.Values
}

// nowhere is a value that nothing has.
const nowhere = "zzqq-nowhere"

// Operations are those that have shapes: what answers by the query language.
func Operations(all []*rest.Operation) []*rest.Operation {
	var listing []*rest.Operation
	for _, one := range all {
		if one.Method == http.MethodGet && one.Query != nil && !one.Anonymous {
			listing = append(listing, one)
		}
	}
	return listing
}

// Shapes are all ways to ask an operation: by each of its filters with each lookup, for something rare, something common and
// something that is not there; in each of its orders, also of what a filter leaves; page by page, by cursor, by search, with
// what it includes.
func Shapes(operation *rest.Operation, samples Samples) []Shape {
	l := &lister{operation: operation, samples: samples, path: operation.Path}
	for _, segment := range strings.Split(operation.Path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			value := samples.Parameter(operation, strings.TrimSuffix(name, "}"))
			if value == "" {
				return nil
			}
			l.path = strings.Replace(l.path, segment, url.PathEscape(value), 1)
		}
	}
	l.add("default", url.Values{}).Found = true
	table := operation.Query
	if len(table.Includes) > 0 {
		l.add("include", url.Values{"include": {strings.Join(table.Includes, ",")}})
	}
	if operation.Mode == rest.One || operation.Mode == rest.Document {
		return l.shapes // of one object: its filters apply to the row that the id has found
	}
	for i := range table.Fields {
		l.filters(&table.Fields[i])
	}
	l.search()
	l.orders()
	l.pages()
	return l.shapes
}

type lister struct {
	operation *rest.Operation
	samples   Samples
	path      string
	shapes    []Shape
	common    url.Values // the most common value of the first filter that has one
}

func (l *lister) add(name string, parameters url.Values) *Shape {
	for key, values := range l.samples.Always(l.operation) {
		if !given(parameters, key) {
			parameters[key] = values
		}
	}
	if required := l.operation.Query.Required; required != nil &&
		!slices.ContainsFunc(append(append([]string(nil), required.Fields...), required.Bypass...), func(name string) bool { return given(parameters, "filter["+name+"]") }) {
		parameters.Set("filter["+required.Fields[0]+"]", today())
	}
	path := l.path
	if len(parameters) > 0 {
		path += "?" + parameters.Encode()
	}
	l.shapes = append(l.shapes, Shape{Operation: string(l.operation.ID), Name: name, Path: path})
	return &l.shapes[len(l.shapes)-1]
}

// given reports whether a filter is there, with any lookup.
func given(parameters url.Values, key string) bool {
	bare := strings.TrimSuffix(key, "]")
	for name := range parameters {
		if strings.TrimSuffix(name, "]") == bare || strings.HasPrefix(name, bare+"__") {
			return true
		}
	}
	return false
}

func today() string { return time.Now().UTC().Format(time.DateOnly) }

var lookups = []struct {
	lookup filter.Lookup
	suffix string
}{{filter.Exact, ""}, {filter.In, "__in"}, {filter.IContains, "__icontains"}, {filter.GT, "__gt"}, {filter.GTE, "__gte"}, {filter.LT, "__lt"}, {filter.LTE, "__lte"},
	{filter.OnDate, "__date"}, {filter.IsNull, "__isnull"}}

// filters adds the shapes of one field.
func (l *lister) filters(field *filter.Field) {
	for _, one := range lookups {
		if field.Lookups&one.lookup == 0 {
			continue
		}
		key := "filter[" + field.Name + one.suffix + "]"
		for _, value := range l.values(field, one.lookup) {
			shape := l.add("filter/"+field.Name+one.suffix+"/"+value.name, url.Values{key: {value.text}})
			shape.Found = value.name == "common" || value.name == "rare"
			if value.name == "common" && l.common == nil && one.lookup == filter.Exact {
				l.common = url.Values{key: {value.text}}
			}
		}
	}
}

// value is one to ask for, with what it stands for.
type value struct{ name, text string }

func (l *lister) values(field *filter.Field, lookup filter.Lookup) []value {
	if lookup == filter.IsNull {
		return []value{{"true", "true"}, {"false", "false"}}
	}
	sample, found := l.samples.Of(l.operation, field)
	switch field.Kind {
	case filter.Bool:
		return []value{{"true", "true"}, {"false", "false"}}
	case filter.Choice:
		return choices(field, lookup, sample)
	case filter.DateTime, filter.Moment, filter.Date:
		return dates(lookup)
	case filter.Integer, filter.Decimal:
		return numbers(lookup, sample, found)
	}
	var values []value
	if found {
		values = []value{{"common", sample.Common}, {"rare", sample.Rare}}
	}
	none := nowhere
	switch field.Kind {
	case filter.Reference:
		none = "" // is refused
	case filter.UUID:
		none = "6f0d4a1e-0000-4000-8000-00000000dead"
	case filter.UUIDv7:
		none = "019a0000-0000-7000-8000-00000000dead"
	}
	switch lookup {
	case filter.IContains:
		if found {
			values[0].text = part(sample.Common)
		}
	case filter.In:
		for i := range values {
			values[i].text += "," + cmp.Or(none, sample.Common)
		}
	}
	if none != "" {
		values = append(values, value{"none", none})
	}
	return values
}

// part is a piece out of a text, short enough to be common.
func part(text string) string {
	runes := []rune(text)
	return strings.TrimSpace(string(runes[:min(len(runes), 4)]))
}

// choices are all of a few, else the common one, the first and the last.
func choices(field *filter.Field, lookup filter.Lookup, sample Sample) []value {
	chosen := field.Choices
	if len(chosen) > 5 {
		chosen = []string{chosen[0], chosen[len(chosen)-1]}
		for _, one := range []string{sample.Common, sample.Rare} {
			if slices.Contains(field.Choices, one) && !slices.Contains(chosen, one) {
				chosen = append(chosen, one)
			}
		}
	}
	var values []value
	for i, one := range chosen {
		text := one
		if lookup == filter.In {
			text += "," + chosen[(i+1)%len(chosen)]
		}
		values = append(values, value{one, text})
	}
	return values
}

// dates lie within what an operation with obligatory dates takes.
func dates(lookup filter.Lookup) []value {
	day := func(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	switch lookup {
	case filter.GT, filter.GTE:
		return []value{{"most", day(-6)}, {"few", day(0)}, {"none", day(2)}}
	case filter.LT, filter.LTE:
		return []value{{"most", day(1)}, {"few", day(-5)}}
	}
	return []value{{"today", day(0)}, {"few", day(-3)}, {"none", day(2)}}
}

func numbers(lookup filter.Lookup, sample Sample, found bool) []value {
	switch {
	case lookup == filter.GT || lookup == filter.GTE:
		return []value{{"most", "0"}, {"none", "1000000000"}}
	case lookup == filter.LT || lookup == filter.LTE:
		return []value{{"most", "1000000000"}, {"none", "0"}}
	case !found:
		return []value{{"none", "1000000000"}}
	}
	return []value{{"common", sample.Common}, {"rare", sample.Rare}, {"none", "1000000000"}}
}

func (l *lister) search() {
	if l.operation.Query.Search == nil {
		return
	}
	if sample, ok := l.samples.Search(l.operation); ok {
		l.add("search/common", url.Values{"filter[search]": {sample.Common}}).Found = true
		l.add("search/rare", url.Values{"filter[search]": {sample.Rare}}).Found = true
	}
	l.add("search/none", url.Values{"filter[search]": {nowhere}})
}

// orders adds every order, of everything and of what the common filter leaves.
func (l *lister) orders() {
	for _, sort := range l.operation.Query.Sorts {
		if sort.Hidden || l.operation.Query.Tolerate&filter.AnySort != 0 {
			continue
		}
		for _, name := range []string{sort.Name, "-" + sort.Name} {
			l.add("sort/"+name, url.Values{"sort": {name}})
			if l.common != nil {
				filtered := url.Values{"sort": {name}}
				for key, values := range l.common {
					filtered[key] = values
				}
				l.add("sort-filtered/"+name, filtered)
			}
		}
	}
}

// deep is how many pages of the largest size are gone on by cursor: further than a page may read.
const deep = 600

// pages adds the page in the middle, and pages behind a cursor.
func (l *lister) pages() {
	table := l.operation.Query
	if table.Unpaged || table.Tiebreak == "" {
		return
	}
	if table.Cursor == nil {
		l.add("page/middle", url.Values{}).Middle = true
	}
	largest := url.Values{"page[after]": {""}, "page[size]": {"100"}}
	l.add("cursor/default", clone(largest)).Cursor = deep
	for _, sort := range table.Sorts {
		if sort.Hidden || table.Tolerate&filter.AnySort != 0 {
			continue
		}
		for _, name := range []string{sort.Name, "-" + sort.Name} {
			ordered := clone(largest)
			ordered.Set("sort", name)
			l.add("cursor/"+name, ordered).Cursor = 1
		}
	}
}

func clone(parameters url.Values) url.Values {
	same := url.Values{}
	for key, values := range parameters {
		same[key] = values
	}
	return same
}
