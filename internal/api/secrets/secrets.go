// Package secrets declares the operations on the credentials of providers. Credentials go in, checked by internal/provider and
// sealed by internal/secret, and never come out: no answer, log line or error holds them.
package secrets

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/secret"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Type is the resource type of a provider's credentials.
const Type = "provider-secrets"

// Attributes are the attributes of a provider's credentials.
type Attributes struct {
	InsertedAt time.Time `json:"inserted_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	Name       *string   `json:"name" maxLength:"100"`
	SecretType string    `json:"secret_type" enum:"static,role,service_account"`
}

// given are the attributes of a request to store credentials.
type given struct {
	Name       *string        `json:"name,omitempty" minLength:"3" maxLength:"100"`
	SecretType string         `json:"secret_type" enum:"static,role,service_account"`
	Secret     map[string]any `json:"secret" writeOnly:"true" doc:"The credentials; which members there are depends on secret_type and the provider's type."`
}

// replaced are the attributes of a request to replace credentials.
type replaced struct {
	Name       *string        `json:"name,omitempty" minLength:"3" maxLength:"100"`
	SecretType string         `json:"secret_type,omitempty" enum:"static,role,service_account"`
	Secret     map[string]any `json:"secret" writeOnly:"true" doc:"The credentials, whole."`
}

// Query is the allow-list of the parameters, for the list and, apart from the page, for one.
var Query = filter.MustTable(filter.Table{
	Fields: []filter.Field{
		{Name: "name", Column: "s.name", Lookups: filter.Exact | filter.IContains},
		{Name: "provider", Kind: filter.UUID, Relationship: true, Column: "s.provider_id"},
		{Name: "inserted_at", Kind: filter.DateTime, Column: "s.inserted_at"},
		{Name: "updated_at", Kind: filter.DateTime, Column: "s.updated_at"},
	},
	Sorts: []filter.Sort{{Name: "name", Column: "s.name", Text: true, Nullable: true}, {Name: "inserted_at", Column: "s.inserted_at"},
		{Name: "updated_at", Column: "s.updated_at"}},
	DefaultSort: []string{"-inserted_at"}, Tiebreak: "s.id",
	Search: &filter.Search{Columns: []filter.Column{"s.name"}},
})

type handlers struct {
	tenants *tenant.Executor
	keys    *secret.Keyring
}

// Operations declares the operations; keys seals.
func Operations(executor *tenant.Executor, keys *secret.Keyring) []rest.Operation {
	h := handlers{tenants: executor, keys: keys}
	one := rest.Schema{Type: Type, Attributes: Attributes{}, Relationships: []string{"provider"}}
	many := one
	many.List = true
	const path = "/providers/secrets"
	return []rest.Operation{
		{ID: "providers.secrets.list", Method: http.MethodGet, Path: path, Tag: "Providers", Summary: "List credentials", Query: Query, Cached: true, Response: many, Handle: h.list},
		{ID: "providers.secrets.create", Method: http.MethodPost, Path: path, Tag: "Providers", Summary: "Store a provider's credentials", Status: http.StatusCreated,
			Request: rest.Schema{Type: Type, Attributes: given{}, Relationships: []string{"provider"}}, Response: one, Handle: h.create},
		{ID: "providers.secrets.retrieve", Method: http.MethodGet, Path: path + "/{id}", Tag: "Providers", Summary: "Get what is known about credentials", Query: Query,
			Mode: rest.One, Cached: true, HTMLIDs: true, Response: one, Handle: h.retrieve},
		{ID: "providers.secrets.update", Method: http.MethodPatch, Path: path + "/{id}", Tag: "Providers", Summary: "Replace credentials", Query: Query, Mode: rest.One,
			HTMLIDs: true, Request: rest.Schema{Type: Type, Attributes: replaced{}}, Response: one, Handle: h.update},
		{ID: "providers.secrets.delete", Method: http.MethodDelete, Path: path + "/{id}", Tag: "Providers", Summary: "Delete credentials", Query: Query, Mode: rest.One,
			HTMLIDs: true, Status: http.StatusNoContent, Handle: h.delete},
	}
}

// resource is what an answer shows; only reads add links.
func resource(id, providerID uuid.UUID, attributes Attributes) jsonapi.Resource {
	return jsonapi.Resource{Type: Type, ID: id.String(), Attributes: jsonapi.Attributes(attributes),
		Relationships: []jsonapi.Relation{jsonapi.ToOne("provider", "providers", providerID.String())}}
}
