package jsonapi

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"
)

// Linkage reads the body of a relationship endpoint that replaces: a list of resource identifiers, whose type is not looked
// at and whose doubles count once. name is the attribute that stands in pointers ("providers"). A document that is not such
// a list changes nothing: the error is a refusal.
func (in Input) Linkage(name string) ([]uuid.UUID, error) {
	pointer := "/data/attributes/" + name
	return in.linkage(pointer, func(i int, _ string) Error {
		return Error{Status: http.StatusBadRequest, Code: "invalid", Pointer: fmt.Sprintf("%s/%d/id", pointer, i), Detail: "Must be a valid UUID."}
	})
}

// LinkageToAdd is Linkage for the endpoints that add; the wire words an id that is no UUID in another way there.
func (in Input) LinkageToAdd(name string) ([]uuid.UUID, error) {
	return in.linkage("/data/attributes/"+name, func(_ int, text string) Error { return NotUUID("/data", text) })
}

func (in Input) linkage(pointer string, badID func(i int, text string) Error) ([]uuid.UUID, error) {
	if in.flat {
		return nil, Error{Status: http.StatusBadRequest, Code: "required", Pointer: pointer, Detail: "This field is required."}
	}
	list, ok := in.data.([]any)
	if !ok {
		return nil, Error{Status: http.StatusBadRequest, Code: "not_a_list", Pointer: pointer,
			Detail: fmt.Sprintf("Expected a list of items but got type \"%s\".", pythonType(in.data))}
	}
	for _, item := range list {
		if object, ok := item.(map[string]any); !ok || object["id"] == nil || object["type"] == nil {
			return nil, ParseError("Received data contains one or more malformed JSON:API Resource Identifier Object(s)")
		}
	}
	ids := make([]uuid.UUID, 0, len(list))
	seen := make(map[uuid.UUID]bool, len(list))
	for i, item := range list {
		given := item.(map[string]any)["id"]
		text, isText := given.(string)
		id, err := ParseUUID(text)
		if !isText || err != nil {
			return nil, badID(i, PythonText(given))
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}
