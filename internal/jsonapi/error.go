package jsonapi

import (
	"errors"
	"net/http"
	"sort"
	"strings"
)

// Error is one JSON:API error object: what went wrong in terms the sender of the request can act on.
// It never holds a secret, an SQL text or an internal identifier.
type Error struct {
	Status    int    // HTTP status code of the object, e.g. 400
	Code      string // stable machine-readable code, e.g. "required"
	Detail    string // sentence for a person
	Pointer   string // JSON pointer to the offending member; empty: no source.pointer
	Parameter string // query parameter at fault; empty: no source.parameter
}

// Error returns the detail, so that an Error can travel as a Go error.
func (e Error) Error() string { return e.Detail }

// Errors is a refusal: one or more error objects that are answered together.
// All objects of one refusal share the status of the first.
type Errors []Error

// Error joins the details of the objects.
func (e Errors) Error() string {
	details := make([]string, len(e))
	for i, one := range e {
		details[i] = one.Detail
	}
	return strings.Join(details, "; ")
}

// Status returns the HTTP status of the answer that carries these errors; 500 when there is none.
func (e Errors) Status() int {
	if len(e) == 0 {
		return http.StatusInternalServerError
	}
	return e[0].Status
}

// Sorted returns the objects in the order of the wire: by source pointer, objects without a pointer first,
// otherwise as given.
func (e Errors) Sorted() Errors {
	sorted := append(Errors(nil), e...)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Pointer < sorted[j].Pointer })
	return sorted
}

// AsErrors finds the refusal in err's chain, be it an Error or Errors; ok is false for any other error.
func AsErrors(err error) (refusal Errors, ok bool) {
	var many Errors
	if errors.As(err, &many) {
		return many, true
	}
	var one Error
	if errors.As(err, &one) {
		return Errors{one}, true
	}
	return nil, false
}

// Invalid is a 400 with code "invalid" about the whole document (pointer /data).
func Invalid(detail string) Error {
	return Error{Status: http.StatusBadRequest, Code: "invalid", Detail: detail, Pointer: "/data"}
}

// Field is a 400 about one attribute; path names it below /data/attributes ("name", "secret/region").
func Field(path, code, detail string) Error {
	return Error{Status: http.StatusBadRequest, Code: code, Detail: detail, Pointer: "/data/attributes/" + path}
}

// Relationship is a 400 about one relationship of the document.
func Relationship(name, code, detail string) Error {
	return Error{Status: http.StatusBadRequest, Code: code, Detail: detail, Pointer: "/data/relationships/" + name}
}

// ParseError is a 400 about a document that cannot be read.
func ParseError(detail string) Error {
	return Error{Status: http.StatusBadRequest, Code: "parse_error", Detail: detail, Pointer: "/data"}
}

// NotFound is the 404 of an object look-up; model is the singular noun of the wire, e.g. "Provider".
// The same answer serves an id that does not exist, belongs to another tenant or is hidden.
func NotFound(model string) Error {
	return Error{Status: http.StatusNotFound, Code: "not_found", Detail: "No " + model + " matches the given query."}
}

// NoSuchPath is the 404 of an id that is no UUID on a route that takes one.
func NoSuchPath() Error {
	return Error{Status: http.StatusNotFound, Code: "not_found", Detail: "Not found."}
}

// Forbidden is the 403 of a denied operation.
func Forbidden() Error {
	return Error{Status: http.StatusForbidden, Code: "permission_denied", Pointer: "/data",
		Detail: "You do not have permission to perform this action."}
}

// NoRole is the 403 of a subject without any role in the tenant who asks for visible data.
func NoRole() Error {
	return Error{Status: http.StatusForbidden, Code: "permission_denied", Pointer: "/data",
		Detail: "User has no role in this tenant."}
}

// Conflict is a 409; pointer names the member at fault.
func Conflict(pointer, detail string) Error {
	return Error{Status: http.StatusConflict, Code: "conflict", Detail: detail, Pointer: pointer}
}

// NotImplemented is the 501 of an operation that is not built.
func NotImplemented() Error {
	return Error{Status: http.StatusNotImplemented, Code: "not_implemented", Pointer: "/data", Detail: "This operation is not implemented."}
}

// Detail is a refusal that the wire sends as {"errors":{"detail":...}}, one object where all others send a list.
type Detail struct {
	Status int
	Text   string
}

// Error returns the text.
func (d Detail) Error() string { return d.Text }

// AlreadyLinked is the 400 of adding to a relationship what is in it already.
func AlreadyLinked(text string) Detail { return Detail{Status: http.StatusBadRequest, Text: text} }
