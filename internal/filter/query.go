package filter

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Has tells whether the request filters by one of the named fields, with any lookup.
func (q *Query) Has(names ...string) bool {
	for i := range q.values {
		if !q.values[i].ignored && slices.Contains(names, q.values[i].field.Name) {
			return true
		}
	}
	return false
}

// IDs returns the ids that the filters name and name__in of a UUID field leave; ok is false when there is neither.
func (q *Query) IDs(name string) (ids []uuid.UUID, ok bool) {
	for i := range q.values {
		v := &q.values[i]
		if v.field.Name != name || v.ignored || v.lookup&(Exact|In) == 0 {
			continue
		}
		ids, ok = narrow(ids, v.ids, ok), true
	}
	return ids, ok
}

// Texts returns the values that the filters name and name__in of a Text or Choice field leave; ok is false when there
// is neither.
func (q *Query) Texts(name string) (texts []string, ok bool) {
	for i := range q.values {
		v := &q.values[i]
		if v.field.Name != name || v.ignored || v.lookup&(Exact|In) == 0 {
			continue
		}
		texts, ok = narrow(texts, v.texts, ok), true
	}
	return texts, ok
}

func narrow[T comparable](have, given []T, narrowing bool) []T {
	if !narrowing {
		return given
	}
	var both []T
	for _, x := range have {
		if slices.Contains(given, x) {
			both = append(both, x)
		}
	}
	return both
}

// Matches reports whether a text passes the filters of a Text field without a column: for texts that the database does not hold.
func (q *Query) Matches(name, text string) bool {
	for i := range q.values {
		v := &q.values[i]
		if v.field.Name != name || v.ignored {
			continue
		}
		passes := slices.Contains(v.texts, text)
		if v.lookup == IContains || v.lookup == Exact && v.field.Bare == IContains {
			passes = strings.Contains(strings.ToLower(text), strings.ToLower(v.texts[0]))
		}
		if !passes {
			return false
		}
	}
	return true
}

// Bool returns the value of a Bool filter; ok is false when there is none.
func (q *Query) Bool(name string) (flag, ok bool) {
	v := q.find(name, Exact)
	if v == nil || v.ignored {
		return false, false
	}
	return v.flag, true
}

// Range returns the half-open range of moments that the filters of a date field leave; nil is an open end.
func (q *Query) Range(name string) (from, to *time.Time) {
	for i := range q.values {
		v := &q.values[i]
		if v.field.Name != name {
			continue
		}
		if v.from != nil && (from == nil || v.from.After(*from)) {
			from = v.from
		}
		if v.to != nil && (to == nil || v.to.Before(*to)) {
			to = v.to
		}
	}
	return from, to
}

// Part returns the condition of the named fields alone ("search" is the search): for domains that apply some filters
// to one table and some to another.
func (q *Query) Part(names ...string) Fragment {
	return q.part(func(name string) bool { return slices.Contains(names, name) })
}

// Without returns the condition of all but the named fields.
func (q *Query) Without(names ...string) Fragment {
	return q.part(func(name string) bool { return !slices.Contains(names, name) })
}

// At returns the condition of the named fields on the last table that they walk to (Field.Via), for statements that begin there.
func (q *Query) At(names ...string) Fragment {
	var conditions []Fragment
	for i := range q.values {
		if v := &q.values[i]; slices.Contains(names, v.field.Name) && !v.ignored {
			conditions = append(conditions, v.condition())
		}
	}
	return And(conditions...)
}

func (q *Query) part(wanted func(name string) bool) Fragment {
	var conditions []Fragment
	for i := range q.values {
		if v := &q.values[i]; wanted(v.field.Name) {
			conditions = append(conditions, v.fragment())
		}
	}
	if wanted("search") {
		conditions = append(conditions, q.search)
	}
	return And(conditions...)
}

func (q *Query) find(name string, lookup Lookup) *value {
	for i := range q.values {
		if v := &q.values[i]; v.field.Name == name && v.lookup == lookup {
			return v
		}
	}
	return nil
}
