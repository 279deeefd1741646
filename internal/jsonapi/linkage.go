package jsonapi

import (
	"fmt"

	"github.com/google/uuid"
)

// Linkage reads the body of a relationship endpoint: a list of resource identifiers. name is the attribute that stands in
// pointers ("providers"). A document that is not such a list changes nothing: the error is a refusal.
func (in Input) Linkage(name string) ([]uuid.UUID, error) {
	pointer := "/data/attributes/" + name
	if in.flat {
		return nil, Error{Status: 400, Code: "required", Pointer: pointer, Detail: "This field is required."}
	}
	list, ok := in.data.([]any)
	if !ok {
		return nil, Error{Status: 400, Code: "not_a_list", Pointer: pointer,
			Detail: fmt.Sprintf("Expected a list of items but got type \"%s\".", pythonType(in.data))}
	}
	ids := make([]uuid.UUID, 0, len(list))
	seen := make(map[uuid.UUID]bool, len(list))
	for i, item := range list {
		object, ok := item.(map[string]any)
		if !ok || object["id"] == nil || object["type"] == nil {
			return nil, ParseError("Received data is not a valid JSON:API Resource Identifier Object")
		}
		text, _ := object["id"].(string)
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, Error{Status: 400, Code: "invalid", Pointer: fmt.Sprintf("%s/%d/id", pointer, i), Detail: "Must be a valid UUID."}
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}
