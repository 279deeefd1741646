package apidoc

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"sort"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the template shows.
type page struct {
	Title, Version, Description, SchemaURL string
	Groups                                 []group
	Count                                  int
}

type group struct {
	Name       string
	Anchor     string
	Pending    bool
	Operations []operation
}

type operation struct {
	ID, Method, Path, Summary string
	Anonymous                 bool
	Words                     string // what the search box looks in
	Places, Query, Filters    []parameter
	Request                   []body
	Responses                 []response
}

type parameter struct {
	Name, Description string
	Required          bool
}

type body struct{ Media, Shape string }

type response struct {
	Status, Description string
	Bodies              []body
}

func renderPage(document *huma.OpenAPI, schemaURL, pending string) ([]byte, error) {
	shown := page{Title: document.Info.Title, Version: document.Info.Version, Description: document.Info.Description, SchemaURL: schemaURL}
	groups := map[string]*group{}
	for _, path := range sortedKeys(document.Paths) {
		for _, described := range operationsOf(document.Paths[path]) {
			name := "Other"
			if len(described.Tags) > 0 {
				name = described.Tags[0]
			}
			if groups[name] == nil {
				groups[name] = &group{Name: name, Anchor: "tag-" + strings.ToLower(strings.ReplaceAll(name, " ", "-")), Pending: name == pending}
			}
			groups[name].Operations = append(groups[name].Operations, describe(document, described))
			shown.Count++
		}
	}
	for _, name := range sortedKeys(groups) {
		shown.Groups = append(shown.Groups, *groups[name])
	}
	slices.SortStableFunc(shown.Groups, func(a, b group) int {
		return strings.Compare(fmt.Sprint(a.Pending), fmt.Sprint(b.Pending)) // false before true
	})
	var out bytes.Buffer
	err := pageTemplate.Execute(&out, shown)
	return out.Bytes(), err
}

func sortedKeys[V any](values map[string]V) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func operationsOf(item *huma.PathItem) []*huma.Operation {
	var found []*huma.Operation
	for _, one := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
		if one != nil {
			found = append(found, one)
		}
	}
	return found
}

func describe(document *huma.OpenAPI, described *huma.Operation) operation {
	shown := operation{ID: described.OperationID, Method: described.Method, Path: described.Path, Summary: described.Summary,
		Anonymous: len(described.Security) == 0,
		Words:     strings.ToLower(described.Method + " " + described.Path + " " + described.Summary + " " + strings.Join(described.Tags, " "))}
	for _, one := range described.Parameters {
		entry := parameter{Name: one.Name, Description: one.Description, Required: one.Required}
		switch {
		case one.In == "path":
			shown.Places = append(shown.Places, entry)
		case strings.HasPrefix(one.Name, "filter[") && one.Description == "":
			entry.Name = strings.TrimSuffix(strings.TrimPrefix(one.Name, "filter["), "]")
			shown.Filters = append(shown.Filters, entry)
		default:
			shown.Query = append(shown.Query, entry)
		}
	}
	if described.RequestBody != nil {
		shown.Request = bodies(document, described.RequestBody.Content)
	}
	for _, status := range sortedKeys(described.Responses) {
		if status == "default" {
			continue // the same for all; the page's head shows it once
		}
		one := described.Responses[status]
		shown.Responses = append(shown.Responses, response{Status: status, Description: one.Description, Bodies: bodies(document, one.Content)})
	}
	return shown
}

func bodies(document *huma.OpenAPI, content map[string]*huma.MediaType) []body {
	var all []body
	for _, media := range sortedKeys(content) {
		var out strings.Builder
		drawSchema(&out, document, content[media].Schema, "", 0)
		all = append(all, body{Media: media, Shape: out.String()})
	}
	return all
}

// maxDepth bounds how deep a schema is drawn.
const maxDepth = 8

// drawSchema writes a schema in the shape of the JSON that it describes, with types for values.
func drawSchema(out *strings.Builder, document *huma.OpenAPI, schema *huma.Schema, indent string, depth int) {
	if schema != nil && schema.Ref != "" {
		schema = document.Components.Schemas.SchemaFromRef(schema.Ref)
	}
	if schema == nil || depth > maxDepth {
		out.WriteString("…")
		return
	}
	switch {
	case schema.Type == "object" && len(schema.Properties) > 0:
		out.WriteString("{\n")
		for _, name := range sortedProperties(schema) {
			fmt.Fprintf(out, "%s  %s: ", indent, name)
			drawSchema(out, document, schema.Properties[name], indent+"  ", depth+1)
			if !slices.Contains(schema.Required, name) {
				out.WriteString("?")
			}
			out.WriteString("\n")
		}
		out.WriteString(indent + "}")
	case schema.Type == "array":
		out.WriteString("[ ")
		drawSchema(out, document, schema.Items, indent, depth+1)
		out.WriteString(" ]")
	case len(schema.Enum) > 0:
		for i, value := range schema.Enum {
			if i > 0 {
				out.WriteString(" | ")
			}
			fmt.Fprintf(out, "%q", fmt.Sprint(value))
		}
	default:
		out.WriteString(typeWords(schema))
	}
}

// sortedProperties puts type and id first, as documents have them.
func sortedProperties(schema *huma.Schema) []string {
	names := sortedKeys(schema.Properties)
	rank := map[string]int{"type": 1, "id": 2, "attributes": 3, "relationships": 4, "data": 1}
	slices.SortStableFunc(names, func(a, b string) int {
		left, right := rank[a], rank[b]
		if left == 0 {
			left = 9
		}
		if right == 0 {
			right = 9
		}
		return left - right
	})
	return names
}

func typeWords(schema *huma.Schema) string {
	words := schema.Type
	if words == "" {
		words = "any"
	}
	if schema.Format != "" {
		words += " (" + schema.Format + ")"
	}
	if schema.Nullable {
		words += " or null"
	}
	return words
}
