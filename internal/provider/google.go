package provider

import (
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// Keys of Google accounts. Only the key of a service account holds its credential; the other kinds tell the library to
// read a file, run a program or ask an address, on the machine and in the network of the engine.

const (
	externalGoogleKey = "External account credentials (credential_source) are not supported for security reasons."
	foreignGoogleKey  = "Credentials that refer to files, programs or other credentials are not supported for security reasons: " +
		"give the key of a service account."
	foreignTokenURI  = "The token_uri has to be one of Google's."
	invalidGoogleKey = "Invalid JSON."
)

var (
	foreignGoogleTypes = []string{"external_account", "external_account_authorized_user", "impersonated_service_account",
		"gdch_service_account"}
	foreignGoogleMembers = []string{"source_credentials", "service_account_impersonation_url", "executable", "ca_cert_path", "subject_token_type"}
)

// maxKeyDepth bounds how deep the parts of a key may be nested: parsers differ in what they stand.
const maxKeyDepth = 32

// serviceAccountKey is any JSON value but null, unless it is a key of another kind.
func serviceAccountKey(path string, value any) (any, jsonapi.Errors) {
	if value == nil {
		return nil, jsonapi.Errors{jsonapi.Field(path, "null", nullText)}
	}
	if reason := googleKeyFault(value, 0); reason != "" {
		return nil, jsonapi.Errors{jsonapi.Field(path, "invalid", reason)}
	}
	return value, nil
}

// serviceAccountText is a text. When it looks like a JSON object it has to be one, for which the rule of
// serviceAccountKey holds, and is stored as it was understood.
func serviceAccountText(path string, value any) (any, jsonapi.Errors) {
	given, refused := asText(path, value)
	if refused != nil {
		return nil, refused
	}
	if !strings.HasPrefix(strings.TrimSpace(given), "{") {
		return given, nil
	}
	key, err := decodeObject(given)
	if err != nil {
		return nil, jsonapi.Errors{jsonapi.Field(path, "invalid", invalidGoogleKey)}
	}
	if reason := googleKeyFault(key, 0); reason != "" {
		return nil, jsonapi.Errors{jsonapi.Field(path, "invalid", reason)}
	}
	canonical, err := compact(key)
	if err != nil {
		return nil, jsonapi.Errors{jsonapi.Field(path, "invalid", invalidGoogleKey)}
	}
	return canonical, nil
}

func decodeObject(text string) (object map[string]any, err error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return object, nil
}

// googleKeyFault says why a key may not be used; empty when it may. Texts are looked into when they are JSON themselves.
func googleKeyFault(value any, depth int) string {
	if depth > maxKeyDepth {
		return invalidGoogleKey
	}
	switch value := value.(type) {
	case map[string]any:
		for _, name := range sortedKeys(value) {
			if reason := googleMemberFault(strings.ToLower(name), value[name]); reason != "" {
				return reason
			}
			if reason := googleKeyFault(value[name], depth+1); reason != "" {
				return reason
			}
		}
	case []any:
		for _, element := range value {
			if reason := googleKeyFault(element, depth+1); reason != "" {
				return reason
			}
		}
	case string:
		if inner, err := decodeObject(value); err == nil {
			return googleKeyFault(inner, depth+1)
		}
	}
	return ""
}

func googleMemberFault(name string, member any) string {
	text, isText := member.(string)
	switch {
	case name == "credential_source":
		return externalGoogleKey
	case slices.Contains(foreignGoogleMembers, name):
		return foreignGoogleKey
	case name == "type" && isText && slices.Contains(foreignGoogleTypes, text):
		return foreignGoogleKey
	case name == "token_uri" && !isGoogleAddress(text):
		return foreignTokenURI
	}
	return ""
}

// isGoogleAddress reports whether tokens may be asked for at the address. The answer of any other could be read in
// the error of a connection check.
func isGoogleAddress(text string) bool {
	address, err := url.Parse(text)
	if err != nil || address.Scheme != "https" || address.User != nil || address.Port() != "" {
		return false
	}
	host := address.Host
	return host == "accounts.google.com" || strings.HasSuffix(host, ".googleapis.com") && strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}

func sortedKeys(object map[string]any) []string {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
