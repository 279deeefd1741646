package jsonapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Input is the body of a request, read but not yet checked against a resource.
type Input struct {
	fields map[string]any // attributes and relationships, flattened; numbers are json.Number
	flat   bool           // an empty body or a form: there is no type to check
	data   any            // data as sent
}

// AcceptsContentType reports whether a body of this media type can be read; parameters are ignored.
func AcceptsContentType(contentType string) bool {
	switch mediaType(contentType) {
	case MediaType, "application/json", "application/x-www-form-urlencoded", "multipart/form-data":
		return true
	}
	return false
}

// UnsupportedMediaType is the 415 for a body that cannot be read.
func UnsupportedMediaType(contentType string) Error {
	return Error{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Pointer: "/data",
		Detail: fmt.Sprintf("Unsupported media type %q in request.", contentType)}
}

// Read reads a request body. The error is a refusal (AsErrors finds it).
func Read(contentType string, body []byte) (Input, error) {
	if len(body) == 0 {
		return Input{flat: true, fields: map[string]any{}}, nil
	}
	switch mediaType(contentType) {
	case MediaType, "application/json":
		return readJSON(body)
	case "application/x-www-form-urlencoded":
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return Input{}, ParseError("Form parse error - the body is not URL-encoded.")
		}
		return flatInput(values)
	case "multipart/form-data":
		return readMultipart(contentType, body)
	}
	return Input{}, UnsupportedMediaType(contentType)
}

func mediaType(contentType string) string {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil && kind == "" {
		kind, _, _ = strings.Cut(contentType, ";")
	}
	return strings.ToLower(strings.TrimSpace(kind))
}

func flatInput(values url.Values) (Input, error) {
	fields := make(map[string]any, len(values))
	for name, all := range values {
		value := all[len(all)-1]
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return Input{}, ParseError("Form parse error - the body is not UTF-8.")
		}
		fields[name] = value
	}
	return Input{flat: true, fields: fields}, nil
}

func readMultipart(contentType string, body []byte) (Input, error) {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || parameters["boundary"] == "" {
		return Input{}, ParseError("Multipart form parse error - Invalid boundary in multipart: None")
	}
	form, err := multipart.NewReader(bytes.NewReader(body), parameters["boundary"]).ReadForm(int64(len(body)))
	if err != nil {
		return Input{}, ParseError("Multipart form parse error - the body is not a multipart form.")
	}
	return flatInput(form.Value)
}

func readJSON(body []byte) (Input, error) {
	if !utf8.Valid(body) {
		return Input{}, ParseError("JSON parse error - the body is not UTF-8.")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return Input{}, ParseError("JSON parse error - " + syntaxDetail(body, err))
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Input{}, ParseError("JSON parse error - " + syntaxDetail(body, errExtraData))
	}
	members, ok := document.(map[string]any)
	if !ok {
		return Input{}, ParseError("Received document does not contain primary data")
	}
	data, ok := members["data"]
	if !ok {
		return Input{}, ParseError("Received document does not contain primary data")
	}
	return Input{data: data}, nil
}

var errExtraData = errors.New("Extra data after the document.")

// syntaxDetail says where a document is wrong; the decoder's own words are left for what only the decoder refuses, as
// nesting that is too deep.
func syntaxDetail(body []byte, err error) string {
	if detail := fault(body); detail != "" {
		return detail
	}
	return err.Error()
}

// identify checks data as a resource object of a type; id is the id in the URL of a PATCH, empty for a POST.
func (in Input) identify(kind, id string) (Input, error) {
	if in.flat {
		return in, nil
	}
	object, ok := in.data.(map[string]any)
	if !ok {
		return in, ParseError("Received data is not a valid JSON:API Resource Identifier Object")
	}
	if given, _ := object["type"].(string); given != kind {
		return in, Error{Status: http.StatusConflict, Code: "error", Pointer: "/data", Detail: fmt.Sprintf(
			"The resource object's type (%s) is not the type that constitute the collection represented by the endpoint (%s).",
			PythonText(object["type"]), kind)}
	}
	if id != "" {
		given, present := object["id"]
		if !present || given == nil {
			return in, ParseError("The resource identifier object must contain an 'id' member")
		}
		if text, isText := given.(string); !isText || text != id {
			return in, Error{Status: http.StatusConflict, Code: "error", Pointer: "/data",
				Detail: fmt.Sprintf("The resource object's id (%s) does not match url's lookup id (%s)", PythonText(given), id)}
		}
	}
	in.fields = make(map[string]any)
	if err := in.flatten(object["attributes"], object["relationships"]); err != nil {
		return in, err
	}
	return in, nil
}

// flatten merges attributes and the data of relationships into one map of fields.
func (in *Input) flatten(attributes, relationships any) error {
	switch typed := attributes.(type) {
	case nil:
	case map[string]any:
		for name, value := range typed {
			in.fields[name] = value
		}
	default:
		return Invalid("The attributes of a resource object must be an object.")
	}
	switch typed := relationships.(type) {
	case nil:
	case map[string]any:
		for name, value := range typed {
			object, ok := value.(map[string]any)
			if !ok {
				return Invalid("A relationship must be an object.")
			}
			in.fields[name] = object["data"]
		}
	default:
		return Invalid("The relationships of a resource object must be an object.")
	}
	return nil
}

// plain prints a JSON value as the wire does in messages: None for null, text without quotes.
func plain(value any) string {
	switch typed := value.(type) {
	case nil:
		return "None"
	case string:
		return typed
	case bool:
		if typed {
			return "True"
		}
		return "False"
	case json.Number:
		return typed.String()
	}
	return fmt.Sprint(value)
}
