package engine

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Secret is a provider's secret as a JSON object. It prints, logs and marshals as ***.
type Secret []byte

const hidden = "***"

// String hides the secret.
func (Secret) String() string { return hidden }

// Format hides the secret from every verb of fmt.
func (Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, hidden) }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON hides the secret.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// Request says which account an operation is about.
type Request struct {
	Provider string          // provider type, e.g. "aws"
	UID      string          // uid of the account
	Secret   Secret          // members as the wire contract has them for the provider type
	Mutelist json.RawMessage // the tenant's mute list in the engine's own form; nil for none
	Scope    Scope           // what to scan; the zero value is everything
}

// ParseServices reads a setting that bounds scans: each entry is a provider type and a service of it, as in "aws/s3". The
// result lists the services by provider type.
func ParseServices(entries []string) (map[string][]string, error) {
	services := make(map[string][]string)
	for _, entry := range entries {
		provider, service, ok := strings.Cut(entry, "/")
		if !ok || !plainName(provider) || !plainName(service) {
			return nil, fmt.Errorf("%q bounds no scan: want a provider type and a service, as in aws/s3", entry)
		}
		services[provider] = append(services[provider], service)
	}
	return services, nil
}

// plainName reports whether the text can be the name of a provider type or a service.
func plainName(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// wireRequest is what the child reads.
type wireRequest struct {
	Operation string          `json:"operation"`
	Provider  string          `json:"provider,omitempty"`
	UID       string          `json:"uid,omitempty"`
	Secret    json.RawMessage `json:"secret,omitempty"`
	Mutelist  json.RawMessage `json:"mutelist,omitempty"`
	Scope     *Scope          `json:"scope,omitempty"`
	Providers []string        `json:"providers,omitempty"`
	Events    *wireEvents     `json:"events,omitempty"`
}

func (r Request) wire(operation string) wireRequest {
	secret := json.RawMessage(r.Secret)
	if len(secret) == 0 {
		secret = json.RawMessage("{}")
	}
	return wireRequest{Operation: operation, Provider: r.Provider, UID: r.UID, Secret: secret, Mutelist: r.Mutelist, Scope: &r.Scope}
}
