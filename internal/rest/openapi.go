package rest

import (
	"fmt"
	"net/http"
	"path"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// schemaName names a schema after the package and the type of the struct, as resources all have types called Attributes.
func schemaName(structure reflect.Type, hint string) string {
	for structure.Kind() == reflect.Pointer || structure.Kind() == reflect.Slice {
		structure = structure.Elem()
	}
	if structure.Name() == "" || structure.PkgPath() == "" {
		return huma.DefaultSchemaNamer(structure, hint)
	}
	return upperFirst(path.Base(structure.PkgPath())) + upperFirst(structure.Name())
}

func upperFirst(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// describe fills in what the OpenAPI document says of the API as a whole.
func (s *Server) describe() {
	document := s.api.OpenAPI()
	document.Info.Description = "Multi-tenant API for cloud security posture. Documents are JSON:API 1.1; the wire format is that of the Prowler API."
	document.Info.License = &huma.License{Name: "Apache-2.0", URL: "https://www.apache.org/licenses/LICENSE-2.0"}
	document.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "Access token of POST /tokens."},
		"key": {Type: "apiKey", In: "header", Name: "Authorization",
			Description: "API key of POST /api-keys: the word Api-Key, a space, and the key."},
	}
	document.Components.Schemas.Map()["Errors"] = errorsSchema()
}

// describeOperation is the OpenAPI description of an operation, made from its declaration.
func (s *Server) describeOperation(operation *Operation) *huma.Operation {
	described := &huma.Operation{
		OperationID: strings.ReplaceAll(strings.ReplaceAll(string(operation.ID), ".", "_"), "-", "_"),
		Method:      operation.Method,
		Path:        BasePath + operation.Path,
		Summary:     operation.Summary,
		Tags:        []string{operation.Tag},
		Parameters:  s.parameters(operation),
		Responses:   map[string]*huma.Response{},
	}
	if !operation.Anonymous {
		described.Security = []map[string][]string{{"bearer": {}}}
		if !operation.Personal {
			described.Security = append(described.Security, map[string][]string{"key": {}})
		}
	}
	if operation.Request.Type != "" || operation.Request.Media != "" {
		described.RequestBody = &huma.RequestBody{Required: true, Content: s.content(operation.Request, false)}
	}
	status := operation.Status
	if status == 0 {
		status = http.StatusOK
	}
	described.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: s.content(operation.Response, true)}
	if operation.Streams() {
		for _, media := range []string{csvType, linesType} {
			described.Responses[strconv.Itoa(status)].Content[media] = &huma.MediaType{Schema: &huma.Schema{Type: "string",
				Description: "All rows that the filters leave, a line each."}}
		}
	}
	described.Responses["default"] = &huma.Response{Description: "Refusal", Content: map[string]*huma.MediaType{
		jsonapi.MediaType: {Schema: &huma.Schema{Ref: "#/components/schemas/Errors"}}}}
	return described
}

func (s *Server) parameters(operation *Operation) []*huma.Param {
	var parameters []*huma.Param
	for _, part := range strings.Split(operation.Path, "/") {
		if strings.HasPrefix(part, "{") {
			name, schema := strings.Trim(part, "{}"), &huma.Schema{Type: "string", Format: "uuid"}
			if operation.isText(name) {
				schema.Format = ""
			}
			parameters = append(parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: schema})
		}
	}
	if operation.Query == nil {
		return parameters
	}
	query := func(name, description string) {
		parameters = append(parameters, &huma.Param{Name: name, In: "query", Description: description, Schema: &huma.Schema{Type: "string"}})
	}
	if operation.Mode == List || operation.Mode == Late {
		for _, key := range operation.Query.Keys() {
			query("filter["+key+"]", "")
		}
		query("filter[search]", "Words to look for.")
		if len(operation.Query.Sorts) > 0 {
			query("sort", "Keys to sort by, comma separated, a minus before a descending one.")
		}
		if cursor := operation.Query.Cursor; cursor != nil {
			query("page[after]", "Cursor of a page, as in links.next.")
			query("page[size]", fmt.Sprintf("Rows a page, up to %d.", cursor.MaxSize))
		} else if !operation.Query.Unpaged {
			query("page[number]", "Page, from 1, or last.")
			if operation.Query.Tiebreak != "" {
				query("page[after]", "Empty, or the cursor of a page as in links.next: pages by cursor, without a count.")
			}
			query("page[size]", "Rows a page, up to 100.")
		}
	}
	for _, one := range operation.Extra {
		query(one.Name, one.Description)
	}
	if len(operation.Query.Includes) > 0 {
		query("include", "Related resources to put into the document: "+strings.Join(operation.Query.Includes, ", ")+".")
	}
	if operation.Response.Type != "" {
		query("fields["+operation.Response.Type+"]", "Attributes and relationships to keep, comma separated.")
	}
	return parameters
}

func (s *Server) content(schema Schema, response bool) map[string]*huma.MediaType {
	switch {
	case schema.Media != "" && response:
		return map[string]*huma.MediaType{schema.Media: {Schema: &huma.Schema{Type: "string"}}}
	case schema.Media != "":
		return map[string]*huma.MediaType{schema.Media: {Schema: &huma.Schema{Type: "object"}}}
	case schema.Type == "":
		return nil
	}
	resource := &huma.Schema{Type: "object", Required: []string{"type"}, Properties: map[string]*huma.Schema{
		"type": {Type: "string", Enum: []any{schema.Type}}, "id": {Type: "string"}}}
	if schema.Attributes != nil {
		resource.Properties["attributes"] = s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(schema.Attributes), true, schema.Type)
	}
	if len(schema.Relationships) > 0 {
		relationships := &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{}}
		for _, name := range schema.Relationships {
			relationships.Properties[name] = &huma.Schema{Type: "object"}
		}
		resource.Properties["relationships"] = relationships
	}
	data := resource
	if schema.List {
		data = &huma.Schema{Type: "array", Items: resource}
	}
	document := &huma.Schema{Type: "object", Required: []string{"data"}, Properties: map[string]*huma.Schema{"data": data}}
	if response {
		document.Properties["meta"] = &huma.Schema{Type: "object"}
		document.Properties["included"] = &huma.Schema{Type: "array", Items: &huma.Schema{Type: "object"}}
		if schema.List {
			document.Properties["links"] = &huma.Schema{Type: "object"}
		}
	}
	return map[string]*huma.MediaType{jsonapi.MediaType: {Schema: document}}
}

func errorsSchema() *huma.Schema {
	text := &huma.Schema{Type: "string"}
	source := &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{"pointer": text, "parameter": text}}
	one := &huma.Schema{Type: "object", Required: []string{"detail", "status", "code"},
		Properties: map[string]*huma.Schema{"detail": text, "status": text, "code": text, "source": source}}
	return &huma.Schema{Type: "object", Required: []string{"errors"},
		Properties: map[string]*huma.Schema{"errors": {Type: "array", Items: one}}}
}
