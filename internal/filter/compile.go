package filter

import (
	"strings"
	"time"
)

// fragment is the condition that the value stands for; it says nothing for a field without SQL.
func (v *value) fragment() Fragment {
	f := v.field
	switch {
	case v.ignored:
		return Fragment{}
	case f.Cases != nil:
		return v.cases()
	case f.Func != nil:
		return f.Func.call(v.texts[0])
	case f.Column == "":
		return Fragment{}
	}
	condition := v.condition()
	if f.Floor != "" && v.lookup != IsNull {
		condition = And(condition, v.floor())
	}
	if len(f.Via) > 0 {
		return exists(f.Via, condition)
	}
	return condition
}

func (v *value) condition() Fragment {
	c := v.field.Column
	if v.lookup == IsNull {
		return isNull(c, v.flag)
	}
	switch v.field.Kind {
	case UUID, UUIDv7, Reference:
		if v.lookup == Exact && !v.field.List {
			return compare(c, "=", v.ids[0])
		}
		return anyOf(c, v.ids)
	case Bool:
		return compare(c, "=", v.flag)
	case Choice:
		if v.field.Codes != nil {
			return v.codes()
		}
	case Integer:
		return v.integers()
	case Decimal:
		return Fragment{text: string(c) + " " + operators[v.lookup] + " " + placeholder + "::numeric", args: []any{v.texts[0]}}
	case DateTime, Moment, Date:
		return v.dates()
	case TextArray:
		return v.elements()
	case Words:
		return words(c, v.texts[0])
	}
	switch {
	case v.lookup == In, v.field.List:
		return anyOf(c, v.texts)
	case v.lookup == IContains, v.field.Bare == IContains:
		return contains(c, v.texts[0])
	}
	return compare(c, "=", v.texts[0])
}

// integers compares with 64 bits whatever the column has: a number that does not fit into it is in no row, and no error.
func (v *value) integers() Fragment {
	column := string(v.field.Column)
	if v.lookup == In {
		return Fragment{text: column + " = any(" + placeholder + "::bigint[])", args: []any{v.numbers}}
	}
	return Fragment{text: column + " " + operators[v.lookup] + " " + placeholder + "::bigint", args: []any{v.numbers[0]}}
}

// codes asks for the integers that stand for the values.
func (v *value) codes() Fragment {
	codes := make([]int64, len(v.texts))
	for i, text := range v.texts {
		codes[i] = v.field.Codes[text]
	}
	if v.lookup == Exact && len(codes) == 1 {
		return compare(v.field.Column, "=", codes[0])
	}
	return anyOf(v.field.Column, codes)
}

func (v *value) cases() Fragment {
	matches := []Fragment{False()}
	for _, text := range v.texts {
		if f, ok := v.field.Cases[text]; ok {
			matches = append(matches, f)
		}
	}
	return Or(matches...)
}

// dates compares with the ends of the range; those of a UUIDv7 column are whole milliseconds already.
func (v *value) dates() Fragment {
	bound := func(operator string, t time.Time) Fragment {
		if v.field.UUIDv7 {
			return compare(v.field.Column, operator, uuidv7Floor(t))
		}
		return compare(v.field.Column, operator, t)
	}
	var parts []Fragment
	if v.from != nil {
		parts = append(parts, bound(">=", *v.from))
	}
	if v.to != nil {
		parts = append(parts, bound("<", *v.to))
	}
	return And(parts...)
}

func (v *value) elements() Fragment {
	c := string(v.field.Column)
	switch v.lookup {
	case In:
		return Fragment{text: c + " && " + placeholder + "::text[]", args: []any{v.texts}}
	case IContains:
		return contains(Column("array_to_string("+c+", ',')"), v.texts[0])
	}
	return Fragment{text: placeholder + " = any(" + c + ")", args: []any{v.texts[0]}}
}

// floor bounds an id column by the oldest of the UUIDv7 asked for.
func (v *value) floor() Fragment {
	if len(v.ids) == 0 {
		return Fragment{}
	}
	oldest := uuidv7Time(v.ids[0])
	for _, id := range v.ids[1:] {
		if t := uuidv7Time(id); t.Before(oldest) {
			oldest = t
		}
	}
	return compare(v.field.Floor, ">=", uuidv7Floor(oldest))
}

func words(c Column, text string) Fragment {
	return Fragment{text: string(c) + " @@ plainto_tsquery('simple', " + placeholder + "::text)", args: []any{text}}
}

func (s *SearchFunc) call(text string) Fragment {
	if len(s.Sets) > 0 {
		matches := make([]Fragment, len(s.Sets))
		for i := range s.Sets {
			matches[i] = s.Sets[i].contains(text)
		}
		return Or(matches...)
	}
	if s.Key != "" {
		return Fragment{text: string(s.Key) + " in (select " + string(s.Name) + "(" + placeholder + "::text))", args: []any{text}}
	}
	var b strings.Builder
	b.WriteString(string(s.Name) + "(")
	for _, arg := range s.Args {
		b.WriteString(string(arg) + ", ")
	}
	b.WriteString(placeholder + "::text)")
	return Fragment{text: b.String(), args: []any{text}}
}

// contains asks whether the query's row is in the set. It is compared with rows that are computed once, because they depend on
// nothing of the query's row.
func (s *SearchSet) contains(text string) Fragment {
	keys, columns := make([]string, len(s.Keys)), make([]string, len(s.Keys))
	for i, key := range s.Keys {
		keys[i], columns[i] = string(key), "sought."+strings.TrimPrefix(string(key), key.alias()+".")
	}
	within := "array(select " + string(s.Within) + " from " + s.Within.alias() + ")"
	return Fragment{text: "((" + strings.Join(keys, ", ") + ") in (select " + strings.Join(columns, ", ") + " from " + string(s.Name) + "(" +
		placeholder + "::text, " + within + ") sought)) is true", args: []any{text}}
}

// exists walks from the query's row to the table where the condition holds.
func exists(via []Via, condition Fragment) Fragment {
	var from, where strings.Builder
	for i, v := range via {
		if i == 0 {
			from.WriteString(string(v.Table) + " " + v.Alias)
			where.WriteString(v.join() + " and ")
			continue
		}
		from.WriteString(" join " + string(v.Table) + " " + v.Alias + " on " + v.join())
	}
	return Fragment{
		text: "exists (select from " + from.String() + " where " + where.String() + condition.text + ")",
		args: condition.args,
	}
}

func (v Via) join() string {
	var conditions []string
	if !v.Shared {
		conditions = append(conditions, v.Alias+".tenant_id = "+v.On[0][1].alias()+".tenant_id")
	}
	for _, on := range v.On {
		conditions = append(conditions, string(on[0])+" = "+string(on[1]))
	}
	return strings.Join(conditions, " and ")
}
