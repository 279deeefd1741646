package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/secret"
)

// The secret types: how the credentials of a provider are to be used.
const (
	Static         = "static"          // keys, tokens, passwords
	Role           = "role"            // a role to assume
	ServiceAccount = "service_account" // a service account key
)

// SecretTypes returns every secret type, in the order of the wire contract.
func SecretTypes() []string { return []string{Static, Role, ServiceAccount} }

// CheckSecret checks the credentials given as attribute "secret" for a provider of type t, and returns them in the
// form to encrypt and store: a JSON object of the known fields alone. Numbers given for text are stored as text; what
// is not in the schema is left out, because the engine hands every member to the provider's library.
//
// credentials is the decoded JSON value; it must come from a decoder with UseNumber. With patch, nil stands for a
// missing attribute; a null is otherwise refused as for every attribute. The error is jsonapi.Errors with pointers
// below /data/attributes/secret, in the order of the schema.
func CheckSecret(t Type, secretType string, credentials any, patch bool) (secret.Value, error) {
	fields, isObject := credentials.(map[string]any)
	if credentials == nil && !patch {
		return nil, jsonapi.Errors{jsonapi.Field("secret", "null", nullText)}
	}
	chosen, err := schemaFor(t, secretType, fields)
	if err != nil {
		return nil, err
	}
	switch {
	case credentials == nil:
		return nil, jsonapi.Errors{jsonapi.Field(wholeSecret, "null", "No data provided")}
	case !isObject:
		detail := fmt.Sprintf("Invalid data. Expected a dictionary, but got %s.", typeName(credentials))
		return nil, jsonapi.Errors{jsonapi.Field(wholeSecret, "invalid", detail)}
	}
	stored, refused := chosen.check(fields)
	if len(refused) > 0 {
		return nil, refused
	}
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(stored); err != nil {
		// The error of the encoder is dropped: it may quote the credentials.
		return nil, fmt.Errorf("encode credentials of a %s provider", t)
	}
	if encoded.Len() > maxSecret {
		return nil, jsonapi.Errors{*whole("The credentials are too large.")}
	}
	return bytes.TrimSpace(encoded.Bytes()), nil
}

// maxSecret bounds the JSON of credentials as a whole.
const maxSecret = 512 << 10

// wholeSecret is where errors about the object as a whole point to.
const wholeSecret = "secret/non_field_errors"

// schema is which fields credentials have and how they depend on each other.
type schema struct {
	fields []field
	// rule looks at the fields together once each is right by itself; nil: nothing to look at.
	rule func(fields map[string]any) *jsonapi.Error
}

// field is one member of the credentials.
type field struct {
	name     string
	required bool
	// read returns the value to store, or why it is refused; path is where errors point to.
	read func(path string, value any) (any, jsonapi.Errors)
	// dropped fields are accepted for the sake of clients but never stored.
	dropped bool
}

func (s schema) check(given map[string]any) (stored map[string]any, refused jsonapi.Errors) {
	stored = make(map[string]any, len(s.fields))
	for _, one := range s.fields {
		path := "secret/" + one.name
		value, present := given[one.name]
		if !present {
			if one.required {
				refused = append(refused, jsonapi.Field(path, "required", "This field is required."))
			}
			continue
		}
		read, wrong := one.read(path, value)
		refused = append(refused, wrong...)
		if !one.dropped {
			stored[one.name] = read
		}
	}
	if len(refused) == 0 && s.rule != nil {
		if broken := s.rule(given); broken != nil {
			refused = jsonapi.Errors{*broken}
		}
	}
	return stored, refused
}

// schemaFor finds the schema; given is nil when the credentials are no object.
func schemaFor(t Type, secretType string, given map[string]any) (schema, error) {
	if !t.Valid() {
		return schema{}, jsonapi.Errors{jsonapi.Field("provider", "invalid_choice", `"`+string(t)+`" is not a valid choice.`)}
	}
	switch secretType {
	case ServiceAccount:
		return serviceAccount, nil
	case Role:
		if chosen, ok := roleSchemas[t]; ok {
			return chosen, nil
		}
		detail := "Role assumption not supported for provider type: " + string(t)
		return schema{}, jsonapi.Errors{jsonapi.Field("secret_type", "invalid", detail)}
	case Static:
		if t == Cloudflare {
			return cloudflareSchema(given)
		}
		return staticSchemas[t], nil
	default:
		return schema{}, jsonapi.Errors{jsonapi.Field("secret_type", "invalid_choice", `"`+secretType+`" is not a valid choice.`)}
	}
}

// cloudflareSchema chooses between a token and a key with an address; a token decides, even a blank one.
func cloudflareSchema(given map[string]any) (schema, error) {
	_, token := given["api_token"]
	_, key := given["api_key"]
	_, email := given["api_email"]
	switch {
	case token:
		return cloudflareToken, nil
	case key && email:
		return cloudflareKey, nil
	default:
		const detail = "Cloudflare credentials must include either 'api_token' or both 'api_key' and 'api_email'."
		return schema{}, jsonapi.Errors{jsonapi.Field("secret", "invalid", detail)}
	}
}

// typeName is the word of the wire for the JSON type of value.
func typeName(value any) string {
	switch value := value.(type) {
	case nil:
		return "NoneType"
	case string:
		return "str"
	case bool:
		return "bool"
	case []any:
		return "list"
	case map[string]any:
		return "dict"
	case json.Number:
		if strings.ContainsAny(value.String(), ".eE") {
			return "float"
		}
		return "int"
	default:
		return "float"
	}
}
