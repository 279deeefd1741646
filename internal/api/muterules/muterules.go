// Package muterules declares the operations on the rules that mute findings.
package muterules

import (
	"net/http"
	"time"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/muterule"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Type is the resource type of mute rules.
const Type = "mute-rules"

// Attributes are the attributes of a mute rule.
type Attributes struct {
	InsertedAt  time.Time `json:"inserted_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	Name        string    `json:"name" minLength:"3" maxLength:"100"`
	Reason      string    `json:"reason" minLength:"3" maxLength:"500"`
	Enabled     bool      `json:"enabled"`
	FindingUIDs []string  `json:"finding_uids" doc:"Those of providers that the caller sees."`
}

// changed are the attributes in the answer to a change.
type changed struct {
	Name    string `json:"name" minLength:"3" maxLength:"100"`
	Reason  string `json:"reason" minLength:"3" maxLength:"500"`
	Enabled bool   `json:"enabled"`
}

type newRule struct {
	Name       string   `json:"name" minLength:"3" maxLength:"100"`
	Reason     string   `json:"reason" minLength:"3" maxLength:"500"`
	FindingIDs []string `json:"finding_ids" doc:"Up to 10,000 ids."`
}

type change struct {
	Name    string `json:"name,omitempty" minLength:"3" maxLength:"100"`
	Reason  string `json:"reason,omitempty" minLength:"3" maxLength:"500"`
	Enabled bool   `json:"enabled,omitempty"`
}

// Query is the allow-list of the list's parameters.
var Query = func() *filter.Table {
	dates := filter.Exact | filter.OnDate | filter.GTE | filter.LTE
	return filter.MustTable(filter.Table{
		Fields: []filter.Field{
			{Name: "id", Kind: filter.UUID, Column: "r.id", Lookups: filter.Exact | filter.In},
			{Name: "name", Column: "r.name", Lookups: filter.Exact | filter.IContains},
			{Name: "reason", Column: "r.reason", Lookups: filter.IContains},
			{Name: "enabled", Kind: filter.Bool, Column: "r.enabled"},
			{Name: "created_by", Kind: filter.UUID, Relationship: true, Column: "r.created_by"},
			{Name: "inserted_at", Kind: filter.DateTime, Column: "r.inserted_at", Lookups: dates},
			{Name: "updated_at", Kind: filter.DateTime, Column: "r.updated_at", Lookups: dates},
		},
		Sorts: []filter.Sort{{Name: "name", Column: "r.name", Text: true}, {Name: "enabled", Column: "r.enabled"},
			{Name: "inserted_at", Column: "r.inserted_at"}, {Name: "updated_at", Column: "r.updated_at"}},
		DefaultSort: []string{"-inserted_at"}, Tiebreak: "r.id",
		Search:   &filter.Search{Columns: []filter.Column{"r.name", "r.reason"}},
		Includes: []string{"created_by", "created_by.roles"},
	})
}()

var source = listing.Source[tenantdb.ListMuteRulesRow, tenantdb.ListMuteRulesParams]{Name: "MuteRule", ID: "r.id",
	Count: (*tenantdb.Queries).CountMuteRules, List: (*tenantdb.Queries).ListMuteRules}

type handlers struct {
	rules   *muterule.Service
	tenants *tenant.Executor
}

// Operations declares the operations.
func Operations(service *muterule.Service, executor *tenant.Executor) []rest.Operation {
	h := handlers{rules: service, tenants: executor}
	one := rest.Schema{Type: Type, Attributes: Attributes{}, Relationships: []string{"created_by"}}
	many := one
	many.List = true
	operation := func(id authz.Operation, method, path, summary string, handle rest.Handler) rest.Operation {
		return rest.Operation{ID: "mute_rules." + id, Method: method, Path: path, Summary: summary, Tag: "Mute rules",
			Query: Query, Mode: rest.One, Response: one, Handle: handle}
	}
	list := operation("list", http.MethodGet, "/mute-rules", "List mute rules", source.Pages(executor, resource, include))
	list.Mode, list.Response = rest.List, many
	create := operation("create", http.MethodPost, "/mute-rules", "Mute findings, and those with the same uids", h.create)
	create.Query, create.Status, create.Request = nil, http.StatusCreated, rest.Schema{Type: Type, Attributes: newRule{}}
	update := operation("update", http.MethodPatch, "/mute-rules/{id}", "Change a mute rule", h.update)
	update.Request, update.Response = rest.Schema{Type: Type, Attributes: change{}}, rest.Schema{Type: Type, Attributes: changed{}}
	remove := operation("delete", http.MethodDelete, "/mute-rules/{id}", "Delete a mute rule", rest.Remove(h.found, service.Delete))
	remove.Status, remove.Response = http.StatusNoContent, rest.Schema{}
	retrieve := operation("retrieve", http.MethodGet, "/mute-rules/{id}", "Get a mute rule", source.Single(executor, resource, include))
	return []rest.Operation{list, create, retrieve, update, remove}
}
