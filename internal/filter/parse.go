package filter

import (
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// Query is a request's query, checked and compiled.
type Query struct {
	Where  Fragment  // all filters and the search; says nothing without any
	Order  Fragment  // what follows ORDER BY; says nothing for a table without sorts
	Sort   []SortKey // the same order as data
	Page   Page      // as asked for; Resolve needs the count
	Behind Fragment  // rows behind the cursor; says nothing on the first page and for numbered pages
	// Position is what a row's cursor is made of, for the marker "position" of its list; says nothing for numbered pages.
	Position Fragment
	// AsOf leaves the scans that had ended when the walk began; says nothing on its first page and for tables without Ended.
	AsOf    Fragment
	Fields  map[string][]string // sparse fieldsets: members to keep per type; a type that is absent keeps all
	Include Include             // relationships to put into the document
	Search  string              // filter[search], trimmed
	Params  Params              // as sent, for pagination links
	// References are the filters that refuse ids which do not exist.
	References []Referred

	values []value
	search Fragment
	keys   []orderKey
	after  []any // values of the cursor, one for each of keys; nil: there is none
	ended  Column
}

// Referred is a filter by objects that must exist in the tenant, visible or not: the domain looks the ids up and answers
// with the refusal when one is missing.
type Referred struct {
	Target  string // as declared: "providers"
	IDs     []uuid.UUID
	Refusal jsonapi.Error
}

// Parse checks the query of a list request against its table. The error is a jsonapi.Error or jsonapi.Errors, except
// for a table that NewTable has not checked. The order of checks is that of the wire contract: parameter names, sort,
// filters, obligatory dates, search, page, include.
func Parse(params Params, t *Table) (Query, error) { return t.parse(params, time.Now(), true) }

// ParseOne is Parse for an operation on one object: its filters, sort and include are checked in the same way and the
// filters narrow the look-up, but there is no page.
func ParseOne(params Params, t *Table) (Query, error) { return t.parse(params, time.Now(), false) }

// ParseDocument reads only what shapes the document, for operations on one object whose other parameters the wire
// contract ignores: fields[...] and include.
func ParseDocument(params Params, t *Table) (Query, error) {
	if !t.checked {
		return Query{}, errUnchecked
	}
	include, err := t.include(params)
	if err != nil {
		return Query{}, err
	}
	return Query{Params: params, Fields: sparseFields(params), Include: include}, nil
}

var errUnchecked = errors.New("filter: the table was not made by NewTable")

func (t *Table) parse(params Params, now time.Time, paged bool) (Query, error) {
	if !t.checked {
		return Query{}, errUnchecked
	}
	q := Query{Params: params}
	steps := []func(*Query, time.Time) error{t.parseNames, t.parseSort, t.parseFilters, t.parseDates, t.parseSearch}
	if t.Tolerate.has(LateSort) {
		steps = []func(*Query, time.Time) error{t.parseNames, t.parseFilters, t.parseDates, t.parseSearch, t.parseSort}
	}
	for _, step := range steps {
		if err := step(&q, now); err != nil {
			return Query{}, err
		}
	}
	var err error
	if paged {
		if q.Page, err = t.page(params); err != nil {
			return Query{}, err
		}
		if err = t.walk(&q); err != nil {
			return Query{}, err
		}
	}
	if q.Include, err = t.include(params); err != nil {
		return Query{}, err
	}
	q.Fields = sparseFields(params)
	q.Where = q.part(func(string) bool { return true })
	return q, nil
}

func (t *Table) parseNames(q *Query, _ time.Time) error {
	if t.Tolerate.has(AnyParameter) {
		return nil
	}
	for _, e := range q.Params.entries {
		if !legal(e.key) {
			return jsonapi.Invalid("invalid query parameter: " + e.key)
		}
		if len(e.values) > 1 && !strings.HasPrefix(e.key, "filter") {
			return jsonapi.Invalid("repeated query parameter not allowed: " + e.key)
		}
	}
	return nil
}

func (t *Table) parseSort(q *Query, _ time.Time) (err error) {
	q.Sort, err = t.order(q.Params)
	q.keys = t.orderKeys(q.Sort)
	q.Order = orderBy(q.keys)
	return err
}

func (t *Table) parseFilters(q *Query, _ time.Time) error {
	given, err := t.given(q.Params)
	if err != nil {
		return err
	}
	var refusals jsonapi.Errors
	for _, g := range given {
		v, bad := g.fieldKey.read(g.key, g.raw)
		if bad != nil {
			refusals = append(refusals, v.refuse(bad, t.Tolerate))
			continue
		}
		q.values = append(q.values, v)
		if v.field.Kind == Reference && len(v.ids) > 0 {
			q.References = append(q.References, v.reference(t.Tolerate))
		}
	}
	if len(refusals) > 0 {
		return refusals.Sorted()
	}
	return nil
}

// givenFilter is a filter of the request that the table knows.
type givenFilter struct {
	fieldKey
	key, raw string
}

// given finds the filters of the request, in the order of the table, so that the same filters always make the same SQL.
// Of a repeated filter the last value counts.
func (t *Table) given(params Params) ([]givenFilter, error) {
	var keys []string
	last := map[string]string{}
	for _, e := range params.entries {
		if e.key == searchKey || !strings.HasPrefix(e.key, "filter") && !t.bare(e.key) {
			continue
		}
		name, ok := member(e.key, "filter")
		if t.bare(e.key) {
			name, ok = e.key, true
		}
		switch {
		case !ok && t.Tolerate.has(AnyFilter):
			continue
		case !ok:
			return nil, jsonapi.Invalid("invalid query parameter: " + e.key)
		case t.Tolerate.has(NoDots) && strings.Contains(name, "."):
			continue
		}
		if hasEmpty(e.values) && !t.Tolerate.has(AnyFilter) {
			return nil, jsonapi.Invalid("missing value for query parameter " + e.key)
		}
		name = strings.ReplaceAll(name, ".", "__")
		if raw := e.values[len(e.values)-1]; raw != "" {
			if _, again := last[name]; !again {
				keys = append(keys, name)
			}
			last[name] = raw
		}
	}
	given := make([]givenFilter, 0, len(keys))
	for _, key := range keys {
		k, known := t.keys[key]
		if known {
			given = append(given, givenFilter{k, key, last[key]})
		} else if !t.Tolerate.has(AnyFilter) {
			return nil, jsonapi.Invalid("invalid filter[" + key + "]")
		}
	}
	sortGiven(given)
	return given, nil
}

// bare reports whether a parameter is a filter that came without brackets.
func (t *Table) bare(key string) bool {
	_, known := t.keys[key]
	return known && t.Tolerate.has(BareFilters)
}

func hasEmpty(values []string) bool {
	for _, v := range values {
		if v == "" {
			return true
		}
	}
	return false
}

// sortGiven is an insertion sort: requests hold a handful of filters, at most one per key of the table.
func sortGiven(given []givenFilter) {
	for i := 1; i < len(given); i++ {
		for j := i; j > 0 && given[j].order < given[j-1].order; j-- {
			given[j], given[j-1] = given[j-1], given[j]
		}
	}
}

// reference asks the domain to look the ids up.
func (v *value) reference(tolerate Tolerance) Referred {
	missing := &refusal{"invalid_choice", "Select a valid choice. That choice is not one of the available choices.", nil}
	for _, id := range v.ids {
		missing.bad = append(missing.bad, id.String())
	}
	return Referred{Target: v.field.Target, IDs: v.ids, Refusal: v.refuse(missing, tolerate)}
}

func (t *Table) parseDates(q *Query, now time.Time) error {
	if t.Required != nil {
		if err := t.Required.check(q, now); err != nil {
			return err
		}
	}
	for i := range q.values {
		v := &q.values[i]
		if v.field.Kind != UUIDv7 {
			continue
		}
		for _, id := range v.ids {
			if id.Version() != 7 {
				return jsonapi.Relationship(v.field.Name, "invalid", "Invalid UUIDv7 value.")
			}
		}
	}
	return nil
}

func (t *Table) parseSearch(q *Query, _ time.Time) (err error) {
	q.Search, q.search, err = t.search(q.Params)
	return err
}

// sparseFields reads fields[type]=a,b. An empty value keeps nothing but the identity of the resource.
func sparseFields(params Params) map[string][]string {
	var fields map[string][]string
	for _, e := range params.entries {
		resource, ok := member(e.key, "fields")
		if !ok {
			continue
		}
		if fields == nil {
			fields = map[string][]string{}
		}
		fields[resource] = strings.Split(e.values[len(e.values)-1], ",")
	}
	return fields
}
