package rest

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// CheckHosts refuses a list of host names that makes no sense. An entry is a name or an address without a port, ".example.com"
// for a domain and everything below it, or "*" for any.
func CheckHosts(allowed []string) error {
	for _, one := range allowed {
		name := strings.TrimPrefix(one, ".")
		if one != "*" && (name == "" || strings.ContainsAny(name, "/*?#@ ") || strings.Contains(name, ":") && net.ParseIP(name) == nil) {
			return fmt.Errorf("host %q: want a name or an address without a port, .example.com for all below a domain, or *", one)
		}
	}
	return nil
}

// checkHost refuses a request for a host that the server is not: the host goes into the links of answers. Probes of health ask
// by address.
func (s *Server) checkHost(r *http.Request) error {
	if len(s.config.Hosts) == 0 || isHealth(r) || slices.ContainsFunc(s.config.Hosts, matching(s.hostOf(r))) {
		return nil
	}
	return jsonapi.Error{Status: http.StatusBadRequest, Code: "invalid", Pointer: "/data", Detail: "The request is for a host that this server does not answer for."}
}

// matching makes the test whether an entry of the allowed hosts is the host of a request.
func matching(host string) func(allowed string) bool {
	name := host
	if bare, _, err := net.SplitHostPort(host); err == nil {
		name = bare
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	return func(allowed string) bool {
		allowed = strings.ToLower(allowed)
		below, isDomain := strings.CutPrefix(allowed, ".")
		return allowed == "*" || name == allowed || isDomain && (name == below || strings.HasSuffix(name, allowed))
	}
}

// hostOf is the host that the client asked.
func (s *Server) hostOf(r *http.Request) string {
	if forwarded := r.Header.Get("X-Forwarded-Host"); s.config.TrustProxy && forwarded != "" {
		return forwarded
	}
	return r.Host
}

// isSecure reports whether the client came over TLS, here or at the proxy.
func (s *Server) isSecure(r *http.Request) bool {
	return r.TLS != nil || s.config.TrustProxy && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

func isHealth(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/health/") }
