package apidoc_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/palisade-sec/palisade/internal/apidoc"
)

func document() *huma.OpenAPI {
	config := huma.DefaultConfig("Lamps", "7")
	text := &huma.Schema{Type: "string"}
	config.OpenAPI.AddOperation(&huma.Operation{OperationID: "lamps_list", Method: "GET", Path: "/lamps/{id}", Summary: "List <lamps>", Tags: []string{"Lamps"},
		Parameters: []*huma.Param{{Name: "id", In: "path", Required: true}, {Name: "filter[on]", In: "query"}, {Name: "sort", In: "query", Description: "Keys."}},
		Responses: map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{"application/json": {
			Schema: &huma.Schema{Type: "object", Required: []string{"type"}, Properties: map[string]*huma.Schema{"type": text, "bulbs": {Type: "array", Items: text}}}}}}}})
	config.OpenAPI.AddOperation(&huma.Operation{OperationID: "later", Method: "POST", Path: "/a", Tags: []string{"Aaa later"}, Responses: map[string]*huma.Response{}})
	return config.OpenAPI
}

func get(t *testing.T, handler http.Handler, method, url, accept string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, url, nil)
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

func TestSchema(t *testing.T) {
	t.Parallel()
	handler := apidoc.Schema(document())
	for _, row := range []struct {
		url, accept string
		json        bool
	}{
		{"/", "", false}, {"/", "*/*", false}, {"/", "application/vnd.oai.openapi", false}, {"/?format=json", "", true},
		{"/", "application/vnd.oai.openapi+json", true}, {"/", "application/json", true}, {"/?format=yaml", "application/json", false},
	} {
		answer := get(t, handler, "GET", row.url, row.accept)
		kind := answer.Header().Get("Content-Type")
		if answer.Code != 200 || json.Valid(answer.Body.Bytes()) != row.json || (kind == "application/vnd.oai.openapi+json; charset=utf-8") != row.json {
			t.Errorf("%s %q: %d %s", row.url, row.accept, answer.Code, kind)
		}
		if !strings.Contains(answer.Body.String(), "/lamps/{id}") {
			t.Errorf("%s %q: no operation", row.url, row.accept)
		}
	}
	if answer := get(t, handler, "POST", "/", ""); answer.Code != 405 || answer.Header().Get("Allow") == "" {
		t.Errorf("POST: %d", answer.Code)
	}
	if answer := get(t, handler, "HEAD", "/", ""); answer.Code != 200 || answer.Body.Len() > 0 {
		t.Errorf("HEAD: %d with %d bytes", answer.Code, answer.Body.Len())
	}
}

func TestDocs(t *testing.T) {
	t.Parallel()
	answer := get(t, apidoc.Docs(document(), "/api/schema", "Aaa later"), "GET", "/", "text/html")
	page := answer.Body.String()
	if answer.Code != 200 || answer.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", answer.Code, answer.Header())
	}
	for _, want := range []string{"Lamps API", "List &lt;lamps&gt;", "<code>on</code>", "bulbs: [ string ]?", "/api/schema?format=json"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if strings.Index(page, `id="tag-aaa-later"`) < strings.Index(page, `id="tag-lamps"`) {
		t.Error("operations that are not built yet do not come last")
	}
	for _, reference := range []string{"https://", "http://", "//cdn"} {
		if strings.Contains(page, `src="`+reference) || strings.Contains(page, `href="`+reference) {
			t.Error("the page loads something from elsewhere")
		}
	}
}
