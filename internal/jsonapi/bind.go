package jsonapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"sort"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Given is a field of a request: whether it was sent, whether as null, and its checked value.
type Given[T any] struct {
	Set   bool // sent at all
	Null  bool // sent as null
	Value T
}

// Or is the value, or another one when the field was not sent or is null.
func (g Given[T]) Or(other T) T {
	if !g.Set || g.Null {
		return other
	}
	return g.Value
}

// Ptr is the value, nil when the field was not sent or is null.
func (g Given[T]) Ptr() *T {
	if !g.Set || g.Null {
		return nil
	}
	return &g.Value
}

// Rules bound a field. The zero Rules accept an optional, non-null value.
type Rules struct {
	Required bool
	Nullable bool
	Blank    bool // text: may be empty
	Min, Max int  // text: characters; 0: no bound
	Email    bool // text: must be an e-mail address
	Raw      bool // text: keep surrounding white space
}

// Binder takes the fields of a request body one by one and collects what is wrong with them.
// The wire's order: type and id (Bind), then each field, then unknown fields (Done).
type Binder struct {
	fields map[string]any
	known  map[string]bool
	errors Errors
}

// Bind starts to read the input as a resource object of a type. For a PATCH id is the id in the URL, for a POST it is
// empty and a client's id is ignored. The error is a refusal.
func (in Input) Bind(kind, id string) (*Binder, error) {
	checked, err := in.identify(kind, id)
	if err != nil {
		return nil, err
	}
	return &Binder{fields: checked.fields, known: map[string]bool{"id": true, "type": true}}, nil
}

// ReadOnly names fields that a client may send and that are ignored.
func (b *Binder) ReadOnly(names ...string) {
	for _, name := range names {
		b.known[name] = true
	}
}

// Fail adds a refusal of the caller's own.
func (b *Binder) Fail(errors ...Error) { b.errors = append(b.errors, errors...) }

// Failed reports whether a field with this pointer was refused already.
func (b *Binder) Failed() bool { return len(b.errors) > 0 }

// Done ends the reading: the refusals of the fields or, when there are none, of unknown fields.
func (b *Binder) Done() error {
	if err := b.DoneLenient(); err != nil {
		return err
	}
	var unknown []string
	for name := range b.fields {
		if !b.known[name] {
			unknown = append(unknown, "'"+name+"'")
		}
	}
	if len(unknown) > 0 {
		sort.Strings(unknown)
		return Invalid("Invalid fields: {" + strings.Join(unknown, ", ") + "}")
	}
	return nil
}

// DoneLenient is Done for the documents whose unknown fields are ignored.
func (b *Binder) DoneLenient() error {
	for _, one := range b.errors {
		if one.Status == http.StatusConflict {
			return one // a relation of the wrong type ends the reading: it is answered alone
		}
	}
	if len(b.errors) > 0 {
		return b.errors
	}
	return nil
}

// take handles absence and null, which all kinds of fields share; ok means there is a value to check.
func (b *Binder) take(name string, rules Rules, refuse func(name, code, detail string) Error) (value any, set, null, ok bool) {
	b.known[name] = true
	value, set = b.fields[name]
	switch {
	case !set && rules.Required:
		b.Fail(refuse(name, "required", "This field is required."))
	case set && value == nil && !rules.Nullable:
		b.Fail(refuse(name, "null", "This field may not be null."))
	case set && value == nil:
		null = true
	case set:
		ok = true
	}
	return value, set, null, ok
}

// Text reads a text field: numbers are taken as their text, surrounding white space is stripped.
func (b *Binder) Text(name string, rules Rules) Given[string] {
	value, set, null, ok := b.take(name, rules, Field)
	given := Given[string]{Set: set, Null: null}
	if !ok {
		return given
	}
	text, errors := CheckText(value, rules)
	for _, one := range errors {
		b.Fail(Field(name, one.Code, one.Detail))
	}
	given.Value = text
	return given
}

// CheckText applies the text rules to one JSON value; the errors have code and detail only.
func CheckText(value any, rules Rules) (string, []Error) {
	var text string
	switch typed := value.(type) {
	case string:
		text = typed
	case json.Number:
		text = typed.String()
	default:
		return "", []Error{{Code: "invalid", Detail: "Not a valid string."}}
	}
	if !rules.Raw {
		text = strings.TrimSpace(text)
	}
	if text == "" {
		if rules.Blank {
			return "", nil
		}
		return "", []Error{{Code: "blank", Detail: "This field may not be blank."}}
	}
	var errors []Error
	length := utf8.RuneCountInString(text)
	if rules.Max > 0 && length > rules.Max {
		errors = append(errors, Error{Code: "max_length", Detail: fmt.Sprintf("Ensure this field has no more than %d characters.", rules.Max)})
	}
	if rules.Min > 0 && length < rules.Min {
		errors = append(errors, Error{Code: "min_length", Detail: fmt.Sprintf("Ensure this field has at least %d characters.", rules.Min)})
	}
	if strings.ContainsRune(text, 0) {
		errors = append(errors, Error{Code: "null_characters_not_allowed", Detail: "Null characters are not allowed."})
	}
	if rules.Email && !IsEmail(text) {
		errors = append(errors, Error{Code: "invalid", Detail: "Enter a valid email address."})
	}
	return text, errors
}

// IsEmail reports whether the text is one plain address with a domain that has a dot. What stands before the @ is ASCII, as
// on the wire: of other letters too many look, or are when small, like those of somebody else's address.
func IsEmail(text string) bool {
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text || parsed.Name != "" {
		return false
	}
	at := strings.LastIndexByte(text, '@')
	if strings.ContainsFunc(text[:at], func(r rune) bool { return r > unicode.MaxASCII }) {
		return false
	}
	domain := text[at+1:]
	return domain == "localhost" || validDomain(domain)
}

func validDomain(domain string) bool {
	labels := strings.Split(domain, ".")
	if len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if r != '-' && !('0' <= r && r <= '9') && !('a' <= r && r <= 'z') && !('A' <= r && r <= 'Z') && r < 0x80 ||
				r > unicode.MaxASCII && unicode.ToLower(r) <= unicode.MaxASCII {
				return false
			}
		}
	}
	return len(labels[len(labels)-1]) >= 2
}

// Bool reads a boolean field with the spellings of the wire.
func (b *Binder) Bool(name string, rules Rules) Given[bool] {
	value, set, null, ok := b.take(name, rules, Field)
	given := Given[bool]{Set: set, Null: null}
	if !ok {
		return given
	}
	switch strings.ToLower(plain(value)) {
	case "true", "t", "y", "yes", "on", "1", "1.0":
		given.Value = true
	case "false", "f", "n", "no", "off", "0", "0.0":
	default:
		b.Fail(Field(name, "invalid", "Must be a valid boolean."))
	}
	return given
}

// Choice reads a text field that takes one of some values.
func (b *Binder) Choice(name string, rules Rules, choices ...string) Given[string] {
	value, set, null, ok := b.take(name, rules, Field)
	given := Given[string]{Set: set, Null: null}
	if !ok {
		return given
	}
	if text, isText := value.(string); isText {
		for _, choice := range choices {
			if text == choice {
				given.Value = text
				return given
			}
		}
	}
	b.Fail(Field(name, "invalid_choice", fmt.Sprintf("\"%s\" is not a valid choice.", PythonText(value))))
	return given
}

// UUID reads an attribute that holds a UUID.
func (b *Binder) UUID(name string, rules Rules) Given[uuid.UUID] {
	value, set, null, ok := b.take(name, rules, Field)
	given := Given[uuid.UUID]{Set: set, Null: null}
	if !ok {
		return given
	}
	text, isText := value.(string)
	parsed, err := ParseUUID(strings.TrimSpace(text))
	if !isText || err != nil {
		b.Fail(Field(name, "invalid", "Must be a valid UUID."))
	}
	given.Value = parsed
	return given
}

// ParseUUID reads a UUID in one of its known spellings. The library's own parser lets any two characters stand where braces
// may, so that a text that is no UUID would name a row.
func ParseUUID(text string) (uuid.UUID, error) {
	if err := uuid.Validate(text); err != nil {
		return uuid.Nil, err
	}
	return uuid.Parse(text)
}

// Time reads an ISO 8601 moment; a bare date is midnight UTC.
func (b *Binder) Time(name string, rules Rules) Given[time.Time] {
	value, set, null, ok := b.take(name, rules, Field)
	given := Given[time.Time]{Set: set, Null: null}
	if !ok {
		return given
	}
	text, _ := value.(string)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02"} {
		if parsed, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			given.Value = parsed.UTC()
			if year := given.Value.Year(); year < 1 || year > 9999 {
				b.Fail(Field(name, "overflow", "Datetime value out of range."))
			}
			return given
		}
	}
	b.Fail(Field(name, "invalid", "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."))
	return given
}

// JSON reads a field that may hold any JSON value; numbers in it are json.Number.
func (b *Binder) JSON(name string, rules Rules) Given[any] {
	value, set, null, _ := b.take(name, rules, Field)
	return Given[any]{Set: set, Null: null, Value: value}
}

// ToOne reads a relationship to one resource of a type.
func (b *Binder) ToOne(name, kind string, rules Rules) Given[uuid.UUID] {
	value, set, null, ok := b.take(name, rules, Relationship)
	given := Given[uuid.UUID]{Set: set, Null: null}
	if !ok {
		return given
	}
	if object, isObject := value.(map[string]any); isObject && len(object) == 0 {
		b.Fail(Relationship(name, "null", "This field may not be null."))
		return given
	}
	id, refusal := identifier(name, kind, value)
	if refusal != nil {
		b.Fail(*refusal)
	}
	given.Value = id
	return given
}

// ToMany reads a relationship to some resources of a type; doubles count once.
func (b *Binder) ToMany(name, kind string, rules Rules) Given[[]uuid.UUID] {
	value, set, null, ok := b.take(name, rules, Relationship)
	given := Given[[]uuid.UUID]{Set: set, Null: null, Value: []uuid.UUID{}}
	if !ok {
		return given
	}
	list, isList := value.([]any)
	if _, isObject := value.(map[string]any); isObject {
		b.Fail(Relationship(name, "incorrect_type", "Incorrect type. Expected a list of resource identifier objects, received dict."))
		return given
	}
	if !isList {
		b.Fail(Relationship(name, "not_a_list", fmt.Sprintf("Expected a list of items but got type \"%s\".", pythonType(value))))
		return given
	}
	seen := make(map[uuid.UUID]bool, len(list))
	for _, item := range list {
		id, refusal := identifier(name, kind, item)
		if refusal != nil {
			b.Fail(*refusal)
			return given
		}
		if !seen[id] {
			seen[id] = true
			given.Value = append(given.Value, id)
		}
	}
	return given
}

// NotAList is the 400 for an attribute that should have been a list.
func NotAList(field string, value any) Error {
	return Field(field, "not_a_list", fmt.Sprintf("Expected a list of items but got type \"%s\".", pythonType(value)))
}

func identifier(name, kind string, value any) (uuid.UUID, *Error) {
	refuse := func(one Error) (uuid.UUID, *Error) { return uuid.Nil, &one }
	object, ok := value.(map[string]any)
	if !ok {
		return refuse(Relationship(name, "incorrect_type", fmt.Sprintf("Incorrect type. Expected resource identifier object, received %s.", pythonType(value))))
	}
	given, present := object["type"]
	if !present {
		return refuse(Relationship(name, "missing_type", "Invalid resource identifier object: missing 'type' attribute"))
	}
	if text, isText := given.(string); !isText || text != kind {
		return refuse(Error{Status: http.StatusConflict, Code: "error", Pointer: "/data",
			Detail: fmt.Sprintf("Incorrect relation type. Expected %s, received %s.", kind, PythonText(given))})
	}
	id, present := object["id"]
	if !present {
		return refuse(Relationship(name, "missing_id", "Invalid resource identifier object: missing 'id' attribute"))
	}
	if number, isNumber := id.(json.Number); id == nil || isNumber && isWhole(number) {
		return refuse(Relationship(name, "does_not_exist", fmt.Sprintf("Invalid pk \"%s\" - object does not exist.", plain(id))))
	}
	text, isText := id.(string)
	parsed, err := ParseUUID(text)
	if !isText || err != nil {
		return refuse(NotUUID("/data/relationships/"+name, PythonText(id)))
	}
	return parsed, nil
}

// isWhole reports whether a number is an integer that is not negative: the wire takes one for the value of a UUID.
func isWhole(number json.Number) bool { return !strings.ContainsAny(number.String(), "-.eE") }

// NotUUID is the 400 for a text that should have been a UUID.
func NotUUID(pointer, text string) Error {
	return Error{Status: http.StatusBadRequest, Code: "invalid", Pointer: pointer, Detail: fmt.Sprintf("“%s” is not a valid UUID.", text)}
}

// DoesNotExist is the 400 for a related resource that is not there, is of another tenant, or is hidden.
func DoesNotExist(relationship string, id uuid.UUID) Error {
	return Relationship(relationship, "does_not_exist", fmt.Sprintf("Invalid pk \"%s\" - object does not exist.", id))
}

// PythonText prints a JSON value as the wire does inside messages: containers in the notation of Python literals.
func PythonText(value any) string {
	switch typed := value.(type) {
	case []any:
		items := make([]string, len(typed))
		for i, item := range typed {
			items[i] = pythonLiteral(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		items := make([]string, 0, len(typed))
		for key, item := range typed {
			items = append(items, pythonLiteral(key)+": "+pythonLiteral(item))
		}
		sort.Strings(items)
		return "{" + strings.Join(items, ", ") + "}"
	}
	return plain(value)
}

func pythonLiteral(value any) string {
	if text, ok := value.(string); ok {
		return "'" + text + "'"
	}
	return PythonText(value)
}

func pythonType(value any) string {
	switch typed := value.(type) {
	case nil:
		return "NoneType"
	case string:
		return "str"
	case bool:
		return "bool"
	case json.Number:
		if strings.ContainsAny(typed.String(), ".eE") {
			return "float"
		}
		return "int"
	case []any:
		return "list"
	}
	return "dict"
}
