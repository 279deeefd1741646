// Package apikeys declares the operations on the API keys of a tenant.
package apikeys

import (
	"net/http"
	"time"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/apikey"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Type is the resource type of API keys.
const Type = "api-keys"

// Attributes are the attributes of an API key.
type Attributes struct {
	Name       string     `json:"name" minLength:"3" maxLength:"100"`
	Prefix     string     `json:"prefix"`
	ExpiresAt  time.Time  `json:"expires_at"`
	Revoked    bool       `json:"revoked"`
	InsertedAt time.Time  `json:"inserted_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
}

// created are the attributes in the answer that makes a key: the only one that holds the key itself.
type created struct {
	Name       string     `json:"name"`
	Prefix     string     `json:"prefix"`
	ExpiresAt  time.Time  `json:"expires_at"`
	Revoked    bool       `json:"revoked"`
	InsertedAt time.Time  `json:"inserted_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
	APIKey     string     `json:"api_key" doc:"The key. It is not kept and never shown again."`
}

// renamed are the attributes in the answer to a change.
type renamed struct {
	Name       string     `json:"name"`
	Prefix     string     `json:"prefix"`
	ExpiresAt  time.Time  `json:"expires_at"`
	InsertedAt time.Time  `json:"inserted_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
}

type newKey struct {
	Name      string    `json:"name" minLength:"3" maxLength:"100"`
	ExpiresAt time.Time `json:"expires_at,omitempty"`
}

type newName struct {
	Name string `json:"name,omitempty" minLength:"3" maxLength:"100"`
}

// Query is the allow-list of the list's parameters.
var Query = filter.MustTable(filter.Table{
	Fields: []filter.Field{
		{Name: "name", Column: "k.name", Lookups: filter.Exact | filter.IContains},
		{Name: "prefix", Column: "k.prefix", Lookups: filter.Exact | filter.IContains},
		{Name: "revoked", Kind: filter.Bool, Column: "k.revoked"},
		{Name: "inserted_at", Kind: filter.DateTime, Column: "k.inserted_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
		{Name: "expires_at", Kind: filter.DateTime, Column: "k.expires_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
	},
	Sorts: []filter.Sort{{Name: "name", Column: "k.name", Text: true}, {Name: "prefix", Column: "k.prefix", Text: true},
		{Name: "revoked", Column: "k.revoked"}, {Name: "inserted_at", Column: "k.inserted_at"}, {Name: "expires_at", Column: "k.expires_at"}},
	DefaultSort: []string{"revoked", "-inserted_at"}, Tiebreak: "k.id",
	Includes: []string{"entity", "entity.roles"},
})

var source = listing.Source[tenantdb.ListAPIKeysRow, tenantdb.ListAPIKeysParams]{Name: "TenantAPIKey", ID: "k.id",
	Count: (*tenantdb.Queries).CountAPIKeys, List: (*tenantdb.Queries).ListAPIKeys}

type handlers struct {
	keys    *apikey.Service
	tenants *tenant.Executor
}

// Operations declares the operations.
func Operations(service *apikey.Service, executor *tenant.Executor) []rest.Operation {
	h := handlers{keys: service, tenants: executor}
	one := rest.Schema{Type: Type, Attributes: Attributes{}, Relationships: []string{"entity"}}
	many := one
	many.List = true
	operation := func(id authz.Operation, method, path, summary string, handle rest.Handler) rest.Operation {
		return rest.Operation{ID: "api_keys." + id, Method: method, Path: path, Summary: summary, Tag: "API keys",
			Query: Query, Mode: rest.One, Response: one, Handle: handle}
	}
	list := operation("list", http.MethodGet, "/api-keys", "List API keys", source.Pages(executor, resource, include))
	list.Mode, list.Response = rest.List, many
	create := operation("create", http.MethodPost, "/api-keys", "Create an API key of one's own", h.create)
	create.Query, create.Status, create.Request = nil, http.StatusCreated, rest.Schema{Type: Type, Attributes: newKey{}}
	create.Response.Attributes = created{}
	update := operation("update", http.MethodPatch, "/api-keys/{id}", "Rename an API key", h.update)
	update.Request, update.Response.Attributes = rest.Schema{Type: Type, Attributes: newName{}}, renamed{}
	return []rest.Operation{list, create, update,
		operation("retrieve", http.MethodGet, "/api-keys/{id}", "Get an API key", source.Single(executor, resource, include)),
		operation("revoke", http.MethodDelete, "/api-keys/{id}/revoke", "Revoke an API key for good", h.revoke)}
}
