package filter

// Marker is how a marked block of a generated query begins: a query that holds it cannot run without fragments.
const Marker = markerBegin

// Exists is the condition that a related row meets another condition: for conditions that do not come from a request. The
// steps are those of a field's Via, the outermost row first.
func Exists(via []Via, condition Fragment) (Fragment, error) {
	if err := checkVia(via); err != nil {
		return Fragment{}, err
	}
	if len(via) == 0 || condition.IsZero() {
		return False(), nil
	}
	return exists(via, condition), nil
}

// Containing is the condition that a text column contains the value, code point by code point.
func Containing(column Column, value string) (Fragment, error) {
	if err := column.check(); err != nil {
		return Fragment{}, err
	}
	return Fragment{text: "strpos(" + string(column) + ", " + placeholder + "::text) > 0", args: []any{value}}, nil
}

// EndingWith is the condition that a text column ends with the value, code point by code point.
func EndingWith(column Column, value string) (Fragment, error) {
	if err := column.check(); err != nil {
		return Fragment{}, err
	}
	return Fragment{text: "right(" + string(column) + ", char_length(" + placeholder + "::text)) = " + placeholder, args: []any{value, value}}, nil
}
