package filter

import (
	"strconv"
	"strings"
)

// placeholder stands for one argument inside the text of a Fragment; no checked identifier can hold it.
const placeholder = "\x00"

// Fragment is a piece of SQL with its arguments: a condition or an order. Its text is made of the constants of this
// package and of checked identifiers, never of a request. The zero value says nothing: it restricts nothing.
type Fragment struct {
	text string
	args []any
}

// True is the condition that every row meets.
func True() Fragment { return Fragment{text: "true"} }

// False is the condition that no row meets.
func False() Fragment { return Fragment{text: "false"} }

// IsZero tells whether the fragment says nothing.
func (f Fragment) IsZero() bool { return f.text == "" }

// Render returns the SQL text with its placeholders numbered from $first on, and the arguments in that order.
// The zero Fragment renders as an empty text.
func (f Fragment) Render(first int) (text string, args []any) {
	if len(f.args) == 0 {
		return f.text, nil
	}
	var b strings.Builder
	b.Grow(len(f.text) + 3*len(f.args))
	rest := f.text
	for n := first; ; n++ {
		before, after, found := strings.Cut(rest, placeholder)
		b.WriteString(before)
		if !found {
			return b.String(), f.args
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		rest = after
	}
}

// And is met where all conditions are met. Fragments that say nothing are left out; with none left it says nothing.
func And(conditions ...Fragment) Fragment { return combine(" and ", conditions) }

// Or is met where at least one condition is met. Fragments that say nothing are left out, so that a forgotten
// alternative narrows the result; with none left it is False.
func Or(conditions ...Fragment) Fragment {
	f := combine(" or ", conditions)
	if f.IsZero() {
		return False()
	}
	return f
}

// Not is met where the condition is not: also where it is unknown because a column is null.
// Not of a fragment that says nothing is False.
func Not(condition Fragment) Fragment {
	if condition.IsZero() {
		return False()
	}
	return Fragment{text: "(" + condition.text + ") is not true", args: condition.args}.enclosed()
}

func combine(operator string, conditions []Fragment) Fragment {
	var texts []string
	var args []any
	for _, c := range conditions {
		if c.IsZero() {
			continue
		}
		texts = append(texts, c.text)
		args = append(args, c.args...)
	}
	switch len(texts) {
	case 0:
		return Fragment{}
	case 1:
		return Fragment{text: texts[0], args: args}
	}
	return Fragment{text: "(" + strings.Join(texts, operator) + ")", args: args}
}

// enclosed wraps the text in parentheses, so that it keeps its meaning beside any operator.
func (f Fragment) enclosed() Fragment { return Fragment{text: "(" + f.text + ")", args: f.args} }

// list joins fragments with commas, as in ORDER BY.
func list(parts []Fragment) Fragment {
	var f Fragment
	for i, p := range parts {
		if i > 0 {
			f.text += ", "
		}
		f.text += p.text
		f.args = append(f.args, p.args...)
	}
	return f
}
