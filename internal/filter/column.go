package filter

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Column names a column of a query, with the alias of its table where there is one: "f.severity". It is checked when a
// table or a condition is built: lower-case letters, digits and underscores, at most one dot.
type Column string

func (c Column) check() error {
	alias, name, dotted := strings.Cut(string(c), ".")
	if !isIdentifier(alias) || dotted && !isIdentifier(name) {
		return fmt.Errorf("%q is not a column", string(c))
	}
	return nil
}

// alias returns the part before the dot; empty when there is none.
func (c Column) alias() string {
	alias, _, dotted := strings.Cut(string(c), ".")
	if !dotted {
		return ""
	}
	return alias
}

func isIdentifier(s string) bool {
	if s == "" || len(s) > 63 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// Condition compares a column with a value that the program holds: for conditions that do not come from a request,
// such as those of a compiled policy. Exact takes a string, bool, int64, uuid.UUID or time.Time; In a slice of string,
// int64 or uuid.UUID; IContains and StartsWith a string; GT, GTE, LT and LTE an int64, string, uuid.UUID or time.Time;
// IsNull a bool. Anything else is an error.
func Condition(column Column, lookup Lookup, value any) (Fragment, error) {
	if err := column.check(); err != nil {
		return Fragment{}, err
	}
	if err := suits(lookup, value); err != nil {
		return Fragment{}, fmt.Errorf("condition on %s: %w", column, err)
	}
	switch lookup {
	case In:
		return anyOf(column, value), nil
	case IContains:
		return contains(column, value.(string)), nil
	case StartsWith:
		// starts_with is leakproof, LIKE is not: the wall's policies keep a leaking operator from using an index.
		return Fragment{text: "starts_with(" + string(column) + ", " + placeholder + ")", args: []any{value}}, nil
	case IsNull:
		return isNull(column, value.(bool)), nil
	}
	return compare(column, operators[lookup], value), nil
}

// MustCondition is Condition for declarations; it panics where Condition fails.
func MustCondition(column Column, lookup Lookup, value any) Fragment {
	f, err := Condition(column, lookup, value)
	if err != nil {
		panic(err)
	}
	return f
}

var operators = map[Lookup]string{Exact: "=", GT: ">", GTE: ">=", LT: "<", LTE: "<="}

func suits(lookup Lookup, value any) error {
	fits := false
	switch v := value.(type) {
	case string:
		if strings.Contains(v, "\x00") {
			return fmt.Errorf("a text with a null character")
		}
		fits = lookup&(Exact|IContains|StartsWith|GT|GTE|LT|LTE) != 0
	case int64, uuid.UUID, time.Time:
		fits = lookup&(Exact|GT|GTE|LT|LTE) != 0
	case bool:
		fits = lookup&(Exact|IsNull) != 0
	case []string, []int64, []uuid.UUID:
		fits = lookup == In
	}
	if !fits || lookup&(lookup-1) != 0 {
		return fmt.Errorf("a %T does not suit this lookup", value)
	}
	return nil
}

func compare(column Column, operator string, value any) Fragment {
	return Fragment{text: string(column) + " " + operator + " " + placeholder, args: []any{value}}
}

// anyOf is the form of IN whose text does not depend on the number of values.
func anyOf(column Column, values any) Fragment {
	return Fragment{text: string(column) + " = any(" + placeholder + ")", args: []any{values}}
}

// contains ignores case the way the database does and takes % and _ literally.
func contains(column Column, value string) Fragment {
	return Fragment{text: containsText(string(column), placeholder+"::text"), args: []any{value}}
}

func containsText(haystack, needle string) string {
	return "strpos(upper(" + haystack + "), upper(" + needle + ")) > 0"
}

func isNull(column Column, null bool) Fragment {
	if null {
		return Fragment{text: string(column) + " is null"}
	}
	return Fragment{text: string(column) + " is not null"}
}
