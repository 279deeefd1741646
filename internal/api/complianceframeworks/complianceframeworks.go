// Package complianceframeworks declares the operations on the compliance frameworks that a tenant writes itself, and on the list
// of those that it watches.
package complianceframeworks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/customframework"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/provider"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Types of the resources.
const (
	Type          = "compliance-frameworks"
	WatchlistType = "compliance-watchlists"
)

// Attributes are the attributes of a framework. Lists leave the requirements out.
type Attributes struct {
	ComplianceID      string          `json:"compliance_id"`
	Provider          string          `json:"provider"`
	Framework         string          `json:"framework"`
	Name              string          `json:"name"`
	Version           string          `json:"version"`
	Description       string          `json:"description"`
	RequirementsCount int32           `json:"requirements_count"`
	Requirements      json.RawMessage `json:"requirements,omitempty"`
	InsertedAt        time.Time       `json:"inserted_at"`
	UpdatedAt         time.Time       `json:"updated_at"`
}

type changes struct {
	Framework    string                        `json:"framework" maxLength:"100"`
	Name         string                        `json:"name" maxLength:"200"`
	Version      string                        `json:"version" maxLength:"50"`
	Description  string                        `json:"description" maxLength:"4000"`
	Requirements []customframework.Requirement `json:"requirements"`
}

type newFramework struct {
	ComplianceID string                        `json:"compliance_id" maxLength:"100"`
	Provider     string                        `json:"provider"`
	Framework    string                        `json:"framework" maxLength:"100"`
	Name         string                        `json:"name" maxLength:"200"`
	Version      string                        `json:"version" maxLength:"50"`
	Description  string                        `json:"description" maxLength:"4000"`
	Requirements []customframework.Requirement `json:"requirements"`
}

// watchlist are the frameworks that a tenant watches.
type watchlist struct {
	ComplianceIDs []string `json:"compliance_ids"`
}

// Query is the allow-list of the list's parameters.
var Query = filter.MustTable(filter.Table{
	Fields: []filter.Field{
		{Name: "compliance_id", Column: "w.compliance_id", Lookups: filter.Exact | filter.In | filter.IContains},
		{Name: "provider", Kind: filter.Choice, Choices: provider.TypeNames(), Column: "w.provider", Lookups: filter.Exact | filter.In},
		{Name: "framework", Column: "r.framework", Lookups: filter.Exact | filter.IContains},
		{Name: "name", Column: "r.name", Lookups: filter.Exact | filter.IContains},
	},
	Sorts: []filter.Sort{{Name: "compliance_id", Column: "w.compliance_id"}, {Name: "inserted_at", Column: "w.inserted_at"},
		{Name: "updated_at", Column: "w.updated_at"}},
	DefaultSort: []string{"-inserted_at"}, Tiebreak: "w.id",
	Search: &filter.Search{Columns: []filter.Column{"w.compliance_id", "r.framework", "r.name"}},
})

var source = listing.Source[tenantdb.ListComplianceFrameworksRow, tenantdb.ListComplianceFrameworksParams]{Name: "ComplianceFramework", ID: "w.id",
	Count: (*tenantdb.Queries).CountComplianceFrameworks, List: (*tenantdb.Queries).ListComplianceFrameworks}

type handlers struct {
	frameworks *customframework.Service
	tenants    *tenant.Executor
}

// Operations declares the operations.
func Operations(service *customframework.Service, executor *tenant.Executor) []rest.Operation {
	h := handlers{frameworks: service, tenants: executor}
	one := rest.Schema{Type: Type, Attributes: Attributes{}}
	many := one
	many.List = true
	operation := func(id authz.Operation, method, path, summary string, handle rest.Handler) rest.Operation {
		return rest.Operation{ID: "compliance_frameworks." + id, Method: method, Path: path, Summary: summary, Tag: "Compliance", Response: one, Handle: handle}
	}
	list := operation("list", http.MethodGet, "/compliance-frameworks", "List the tenant's own frameworks", source.Pages(executor, listed, nil))
	list.Query, list.Response = Query, many
	create := operation("create", http.MethodPost, "/compliance-frameworks", "Write a framework", h.create)
	create.Status, create.Request = http.StatusCreated, rest.Schema{Type: Type, Attributes: newFramework{}}
	retrieve := operation("retrieve", http.MethodGet, "/compliance-frameworks/{id}", "Get a framework with its requirements", h.retrieve)
	retrieve.Query, retrieve.Mode = Query, rest.Document
	update := operation("update", http.MethodPatch, "/compliance-frameworks/{id}", "Change a framework", h.update)
	update.Request = rest.Schema{Type: Type, Attributes: changes{}}
	remove := operation("delete", http.MethodDelete, "/compliance-frameworks/{id}", "Delete a framework", h.remove)
	remove.Status, remove.Response = http.StatusNoContent, rest.Schema{}
	list2 := rest.Schema{Type: WatchlistType, Attributes: watchlist{}}
	return []rest.Operation{list, create, retrieve, update, remove,
		{ID: "compliance_watchlist.retrieve", Method: http.MethodGet, Path: "/compliance-watchlist", Summary: "Which frameworks the overview shows",
			Tag: "Compliance", Response: list2, Handle: h.watched},
		{ID: "compliance_watchlist.update", Method: http.MethodPatch, Path: "/compliance-watchlist", Summary: "Choose the frameworks that the overview shows",
			Tag: "Compliance", Request: list2, Response: list2, Handle: h.watch},
	}
}

func listed(r *rest.Request, row tenantdb.ListComplianceFrameworksRow) jsonapi.Resource {
	return jsonapi.Resource{Type: Type, ID: row.ID.String(), Self: r.URL("/compliance-frameworks/" + row.ID.String()),
		Attributes: jsonapi.Attributes(Attributes{ComplianceID: row.ComplianceID, Provider: row.Provider, Framework: row.Framework, Name: row.Name,
			Version: row.Version, Description: row.Description, RequirementsCount: row.RequirementsCount, InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt})}
}

func resource(r *rest.Request, row tenantdb.GetComplianceFrameworkRow) (jsonapi.Resource, error) {
	var requirements []json.RawMessage
	if err := json.Unmarshal(row.Requirements, &requirements); err != nil {
		return jsonapi.Resource{}, fmt.Errorf("read requirements: %w", err)
	}
	return jsonapi.Resource{Type: Type, ID: row.ID.String(), Self: r.URL("/compliance-frameworks/" + row.ID.String()),
		Attributes: jsonapi.Attributes(Attributes{ComplianceID: row.ComplianceID, Provider: row.Provider, Framework: row.Framework, Name: row.Name,
			Version: row.Version, Description: row.Description, RequirementsCount: int32(len(requirements)), Requirements: row.Requirements,
			InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt})}, nil
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	row, err := customframework.Get(ctx, db, r.ID("id"))
	if err != nil {
		return nil, err
	}
	one, err := resource(r, row)
	if err != nil {
		return nil, err
	}
	return r.One(one), nil
}

func (h handlers) remove(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.frameworks.Delete(ctx, scope, r.ID("id")); err != nil {
		return nil, err
	}
	return rest.NoContent(), nil
}

func (h handlers) watched(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	ids, err := customframework.Watched(ctx, db)
	if err != nil {
		return nil, err
	}
	return r.One(jsonapi.Resource{Type: WatchlistType, ID: r.Tenant().String(), Attributes: jsonapi.Attributes(watchlist{ComplianceIDs: ids})}), nil
}
