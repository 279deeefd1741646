package mutelist

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// maxValues bounds how many values a configuration may hold, those that aliases repeat included.
const maxValues = 100_000

var (
	errNotJSON  = errors.New("a value that JSON cannot hold")
	errTooLarge = errors.New("too many values")
)

// Read makes a document of the field of a request: JSON as it is, or text that holds YAML. ok is false when the refusal says why
// it cannot be one.
func Read(field any) (document any, refusal jsonapi.Error, ok bool) {
	if text, isText := field.(string); isText {
		var err error
		if len(text) > maxBytes {
			return nil, jsonapi.Field("configuration", "max_length", fmt.Sprintf("Ensure this field has no more than %d bytes.", maxBytes)), false
		}
		if field, err = parse(text); err != nil {
			return nil, jsonapi.Field("configuration", "invalid", "Invalid YAML format"), false
		}
	}
	left := maxValues
	document, err := plain(field, &left)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, jsonapi.Field("configuration", "max_length", fmt.Sprintf("Ensure this field has no more than %d values.", maxValues)), false
	case err != nil:
		return nil, jsonapi.Field("configuration", "invalid", "Value must be valid JSON."), false
	}
	return document, jsonapi.Error{}, true
}

// parse reads one YAML document. Aliases that multiply are refused by the library.
func parse(text string) (any, error) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var content, another yaml.Node
	if err := decoder.Decode(&content); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(&another); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one document")
	}
	nameAsWritten(&content)
	var document any
	err := content.Decode(&document)
	return document, err
}

// nameAsWritten has names taken for texts: an account that begins with 0 and stands without quotes is no number.
func nameAsWritten(node *yaml.Node) {
	for i, one := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 && one.Kind == yaml.ScalarNode && one.ShortTag() != "!!merge" {
			one.Tag = "!!str"
		}
		nameAsWritten(one)
	}
}

// plain is a value in the types of JSON. It takes what it holds from the number of values that are left.
func plain(value any, left *int) (any, error) {
	if *left--; *left < 0 {
		return nil, errTooLarge
	}
	switch typed := value.(type) {
	case string:
		if strings.ContainsRune(typed, 0) {
			return nil, errNotJSON
		}
		return typed, nil
	case nil, bool, json.Number:
		return typed, nil
	case int:
		return json.Number(strconv.Itoa(typed)), nil
	case float64:
		if math.IsNaN(typed) || math.IsInf(typed, 0) {
			return nil, errNotJSON
		}
		return typed, nil
	case []any:
		list := make([]any, len(typed))
		for i, one := range typed {
			var err error
			if list[i], err = plain(one, left); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		object := make(map[string]any, len(typed))
		for name, one := range typed {
			if err := member(object, name, one, left); err != nil {
				return nil, err
			}
		}
		return object, nil
	}
	return nil, errNotJSON // a date, a number that is too large, an object with names that are no texts
}

func member(object map[string]any, name string, value any, left *int) error {
	if strings.ContainsRune(name, 0) {
		return errNotJSON
	}
	plainValue, err := plain(value, left)
	object[name] = plainValue
	return err
}
