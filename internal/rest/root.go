package rest

import (
	"net/http"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// collections are what the root document lists, in its order.
var collections = []string{
	"users", "tenants", "providers", "provider-groups", "scans", "attack-paths-scans", "tasks", "resources", "findings",
	"finding-groups", "roles", "compliance-overviews", "overviews", "schedules", "integrations", "processors", "saml-config",
	"lighthouse-configurations", "api-keys", "lighthouse/providers", "lighthouse/models", "mute-rules",
}

// mountRoot serves the list of collections, which needs no credentials; credentials that are sent must be good all the same.
func (s *Server) mountRoot() {
	s.router.Get(BasePath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", BasePath+"/")
		w.WriteHeader(http.StatusMovedPermanently)
	})
	s.router.Get(BasePath+"/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", "GET")
		if _, err := s.authenticate(r); err != nil {
			s.fail(w, r, invalidToken(err, false))
			return
		}
		if _, err := negotiate(r, &Operation{}); err != nil {
			s.fail(w, r, err)
			return
		}
		request := &Request{HTTP: r, server: s}
		links := make([]jsonapi.Attribute, len(collections))
		for i, name := range collections {
			links[i] = jsonapi.Attribute{Name: name, Value: request.URL("/" + name)}
		}
		w.Header().Set("Content-Type", jsonapi.MediaType)
		_, _ = w.Write(jsonapi.EncodeLinks(links))
	})
}
