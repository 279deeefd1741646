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

// orderBy renders the keys and the tiebreak. A column that has been named already decides nothing more.
func (t *Table) orderBy(keys []SortKey) Fragment {
	var parts []Fragment
	var named []Column
	add := func(c Column, f Fragment, descending bool) {
		for _, n := range named {
			if n == c {
				return
			}
		}
		named = append(named, c)
		if descending {
			f.text += " desc"
		}
		parts = append(parts, f)
	}
	descending := false
	for _, key := range keys {
		s := t.sorts[key.Name]
		descending = key.Descending
		add(s.Column, s.expression(), descending)
		for _, c := range s.Also {
			add(c, Fragment{text: string(c)}, descending)
		}
	}
	if t.Tiebreak != "" {
		add(t.Tiebreak, Fragment{text: string(t.Tiebreak)}, descending)
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
