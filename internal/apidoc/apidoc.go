// Package apidoc serves the description of the API: the OpenAPI document itself, and a page that a person can read, made
// from it. Everything comes from the binary; the page loads nothing from elsewhere.
//
// What does not belong here: the description. The operations' declarations are its source.
package apidoc

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// The media types of the OpenAPI document.
const (
	yamlType = "application/vnd.oai.openapi"
	jsonType = "application/vnd.oai.openapi+json"
)

// Schema serves the document: YAML, or JSON with ?format=json or when the Accept header asks for it.
func Schema(document *huma.OpenAPI) http.Handler {
	asYAML := sync.OnceValues(document.YAML)
	asJSON := sync.OnceValues(func() ([]byte, error) { return json.Marshal(document) })
	return getOnly(func(w http.ResponseWriter, r *http.Request) {
		kind, extension, render := yamlType, "yaml", asYAML
		if wantsJSON(r) {
			kind, extension, render = jsonType, "json", asJSON
		}
		body, err := render()
		if err != nil {
			http.Error(w, "the document cannot be shown", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", kind+"; charset=utf-8")
		w.Header().Set("Content-Disposition", fmt.Sprintf("inline; filename=\"Palisade API.%s\"", extension))
		write(w, r, body)
	})
}

func wantsJSON(r *http.Request) bool {
	switch r.URL.Query().Get("format") {
	case "json":
		return true
	case "yaml":
		return false
	}
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, _, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case jsonType, "application/json":
			return true
		case yamlType, "*/*", "application/*", "text/html":
			return false
		}
	}
	return false
}

// Docs serves the page; schemaURL is where Schema is mounted, pending the tag of operations that are not built yet.
func Docs(document *huma.OpenAPI, schemaURL, pending string) http.Handler {
	render := sync.OnceValues(func() ([]byte, error) { return renderPage(document, schemaURL, pending) })
	return getOnly(func(w http.ResponseWriter, r *http.Request) {
		body, err := render()
		if err != nil {
			http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'")
		write(w, r, body)
	})
}

func getOnly(serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			serve(w, r)
		case http.MethodOptions:
			w.WriteHeader(http.StatusOK)
		default:
			http.Error(w, fmt.Sprintf("Method %q not allowed.", r.Method), http.StatusMethodNotAllowed)
		}
	})
}

func write(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client is gone when this fails
	}
}
