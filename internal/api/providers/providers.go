// Package providers declares the operations on connected accounts ("providers"). What an identifier looks like is the rule of
// internal/provider; which of them a person sees is policy's, enforced by the database: nothing here filters by it.
package providers

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/provider"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/scanscope"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Type is the resource type of a provider.
const Type = "providers"

// Attributes are the attributes of a provider.
type Attributes struct {
	InsertedAt time.Time  `json:"inserted_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	Provider   string     `json:"provider" enum:"aws,azure,gcp,kubernetes,m365,github,mongodbatlas,iac,oraclecloud,alibabacloud,cloudflare,openstack,image,googleworkspace,vercel,okta"`
	UID        string     `json:"uid" minLength:"3" maxLength:"250"`
	Alias      *string    `json:"alias" maxLength:"100"`
	Connection Connection `json:"connection"`
	// ScanScope is shown only of providers whose scans do not look at everything.
	ScanScope *engine.Scope `json:"scan_scope,omitempty" doc:"What scans of the provider look at; absent: everything."`
}

// Connection is what the last connection check, or the start of a scan, found; both nil when there was none.
type Connection struct {
	Connected     *bool   `json:"connected"`
	LastCheckedAt *string `json:"last_checked_at" format:"date-time"`
}

// created are the attributes that a request to create a provider has, and its answer.
type created struct {
	Alias    *string `json:"alias,omitempty" minLength:"3" maxLength:"100"`
	Provider string  `json:"provider,omitempty" default:"aws" enum:"aws,azure,gcp,kubernetes,m365,github,mongodbatlas,iac,oraclecloud,alibabacloud,cloudflare,openstack,image,googleworkspace,vercel,okta"`
	UID      string  `json:"uid" minLength:"3" maxLength:"250"`

	ScanScope *engine.Scope `json:"scan_scope,omitempty" doc:"What scans of the provider look at; absent: everything."`
}

// changed are the attributes that a request to change a provider has.
type changed struct {
	Alias     *string       `json:"alias,omitempty" minLength:"3" maxLength:"100"`
	ScanScope *engine.Scope `json:"scan_scope,omitempty" doc:"What scans of the provider look at; null: everything."`
}

// Query is the allow-list of the parameters, for the list and, apart from the page, for one provider.
var Query = filter.MustTable(filter.Table{
	Fields: []filter.Field{
		{Name: "id", Kind: filter.UUID, Column: "p.id", Lookups: filter.Exact | filter.In},
		{Name: "uid", Column: "p.uid", Lookups: filter.Exact | filter.In | filter.IContains},
		{Name: "alias", Column: "p.alias", Lookups: filter.Exact | filter.In | filter.IContains},
		{Name: "provider", Kind: filter.Choice, Choices: provider.TypeNames(), Column: "p.provider", Lookups: filter.Exact | filter.In},
		{Name: "provider_type", Kind: filter.Choice, Choices: provider.TypeNames(), Column: "p.provider", Lookups: filter.Exact | filter.In},
		{Name: "provider_groups", Kind: filter.UUID, Relationship: true, Column: "gp.provider_group_id", Lookups: filter.Exact | filter.In,
			Via: []filter.Via{{Table: "provider_group_providers", Alias: "gp", On: [][2]filter.Column{{"gp.provider_id", "p.id"}}}}},
		{Name: "connected", Kind: filter.Bool, Column: "p.connected"},
		{Name: "inserted_at", Kind: filter.DateTime, Column: "p.inserted_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
		{Name: "updated_at", Kind: filter.DateTime, Column: "p.updated_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
	},
	Sorts: []filter.Sort{
		{Name: "provider", Column: "p.provider_rank", Kind: filter.Integer}, {Name: "uid", Column: "p.uid", Text: true}, {Name: "alias", Column: "p.alias", Text: true, Nullable: true},
		{Name: "connected", Column: "p.connected", Nullable: true}, {Name: "inserted_at", Column: "p.inserted_at"}, {Name: "updated_at", Column: "p.updated_at"},
	},
	DefaultSort: []string{"-inserted_at"}, Tiebreak: "p.id",
	Search:      &filter.Search{Columns: []filter.Column{"p.provider", "p.uid", "p.alias"}},
	Includes:    []string{"provider_groups"},
	PageDisable: true,
})

type handlers struct {
	tenants   *tenant.Executor
	catalogue scanscope.Catalogue
}

// Operations declares the operations.
func Operations(executor *tenant.Executor, catalogue scanscope.Catalogue) []rest.Operation {
	h := handlers{tenants: executor, catalogue: catalogue}
	one := rest.Schema{Type: Type, Attributes: Attributes{}, Relationships: []string{"secret", "provider_groups"}}
	many := one
	many.List = true
	return []rest.Operation{
		{ID: "providers.list", Method: http.MethodGet, Path: "/providers", Tag: "Providers", Summary: "List providers", Query: Query, Cached: true, Response: many, Handle: h.list},
		{ID: "providers.create", Method: http.MethodPost, Path: "/providers", Tag: "Providers", Summary: "Connect a provider", Status: http.StatusCreated,
			Request: rest.Schema{Type: Type, Attributes: created{}}, Response: rest.Schema{Type: Type, Attributes: created{}}, Handle: h.create},
		{ID: "providers.retrieve", Method: http.MethodGet, Path: "/providers/{id}", Tag: "Providers", Summary: "Get a provider", Query: Query, Mode: rest.One, Cached: true,
			Response: one, Handle: h.retrieve},
		{ID: "providers.update", Method: http.MethodPatch, Path: "/providers/{id}", Tag: "Providers", Summary: "Change a provider's alias and what its scans look at", Query: Query, Mode: rest.One,
			Request: rest.Schema{Type: Type, Attributes: changed{}}, Response: one, Handle: h.update},
	}
}

func resource(r *rest.Request, row tenantdb.ListProvidersRow) jsonapi.Resource {
	return jsonapi.Resource{
		Type: Type, ID: row.ID.String(), Self: r.URL("/providers/" + row.ID.String()),
		Attributes: jsonapi.Attributes(Attributes{InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt, Provider: row.Provider, UID: row.Uid,
			Alias: row.Alias, Connection: connection(row.Connected, row.ConnectionLastCheckedAt), ScanScope: Scope(row.ScanScope)}),
		Relationships: []jsonapi.Relation{jsonapi.ToOptional("secret", "provider-secrets", row.SecretID),
			jsonapi.ToMany("provider_groups", "provider-groups", jsonapi.IDs(row.GroupIds))},
	}
}

// Scope is a stored scope as an attribute; nil, which is not shown, is everything. The database holds none that cannot be read.
func Scope(stored json.RawMessage) *engine.Scope {
	scope, err := scanscope.Decode(stored)
	if err != nil {
		return nil
	}
	return scope
}
