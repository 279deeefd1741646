package filter

import (
	"slices"
	"strings"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// SortKey is one key of the order that a request asks for.
type SortKey struct {
	Name       string
	Descending bool
}

// order reads the sort parameter; without one the default order holds.
func (t *Table) order(params Params) ([]SortKey, error) {
	raw, _ := params.Last("sort")
	if raw == "" || t.Tolerate.has(AnySort) {
		return t.defaultOrder(), nil
	}
	var keys []SortKey
	var unknown []string
	for part := range strings.SplitSeq(raw, ",") {
		part = strings.TrimSpace(part)
		if part == "" && t.Tolerate.has(LateSort) {
			continue
		}
		bare := strings.TrimLeft(part, "-")
		s := t.sorts[bare]
		if s == nil {
			s = t.sorts[strings.ReplaceAll(bare, ".", "__")]
		}
		if s == nil || s.Hidden {
			unknown = append(unknown, part)
			continue
		}
		if !slices.ContainsFunc(keys, func(k SortKey) bool { return k.Name == s.Name }) {
			keys = append(keys, SortKey{Name: s.Name, Descending: part != bare})
		}
	}
	if len(unknown) > 0 {
		return nil, t.unknownSort(unknown)
	}
	if len(keys) == 0 {
		return t.defaultOrder(), nil
	}
	return keys, nil
}

func (t *Table) unknownSort(keys []string) error {
	if t.Tolerate.has(LateSort) {
		return jsonapi.Invalid("invalid sort parameter: " + strings.TrimLeft(keys[0], "-"))
	}
	if len(keys) > 1 {
		return jsonapi.Invalid("invalid sort parameters: " + strings.Join(keys, ","))
	}
	return jsonapi.Invalid("invalid sort parameter: " + keys[0])
}

func (t *Table) defaultOrder() []SortKey {
	keys := make([]SortKey, len(t.DefaultSort))
	for i, key := range t.DefaultSort {
		name, descending := strings.CutPrefix(key, "-")
		keys[i] = SortKey{Name: name, Descending: descending}
	}
	return keys
}

// orderKey is one key of ORDER BY.
type orderKey struct {
	column     Column
	expression Fragment
	kind       Kind
	nullable   bool
	descending bool
}

// orderKeys are the keys of ORDER BY with the tiebreak. A column that has been named already decides nothing more.
func (t *Table) orderKeys(sort []SortKey) []orderKey {
	var keys []orderKey
	add := func(key orderKey) {
		for _, named := range keys {
			if named.column == key.column {
				return
			}
		}
		keys = append(keys, key)
	}
	descending := false
	for _, key := range sort {
		s := t.sorts[key.Name]
		descending = key.Descending
		add(orderKey{s.Column, s.expression(), s.Kind, s.Nullable || len(s.Ranked) > 0, descending})
		for _, c := range s.Also {
			add(orderKey{c, Fragment{text: string(c)}, s.Kind, s.Nullable, descending})
		}
	}
	if t.Tiebreak != "" {
		add(orderKey{t.Tiebreak, Fragment{text: string(t.Tiebreak)}, t.tiebreakKind(), false, descending})
	}
	return keys
}

func (t *Table) tiebreakKind() Kind {
	if t.Cursor != nil {
		return t.Cursor.Kind
	}
	for i := range t.Sorts {
		if s := &t.Sorts[i]; s.Text && s.Column == t.Tiebreak {
			return Text
		}
	}
	return UUID
}

// orderBy is what follows ORDER BY.
func orderBy(keys []orderKey) Fragment {
	parts := make([]Fragment, len(keys))
	for i, key := range keys {
		parts[i] = key.expression
		if key.descending {
			parts[i].text += " desc"
		}
	}
	return list(parts)
}

func (s *Sort) expression() Fragment {
	switch {
	case len(s.Ranked) > 0:
		return Fragment{text: "array_position(" + placeholder + "::text[], " + string(s.Column) + ")", args: []any{s.Ranked}}
	case s.Text:
		return Fragment{text: string(s.Column) + ` collate "C"`}
	}
	return Fragment{text: string(s.Column)}
}
