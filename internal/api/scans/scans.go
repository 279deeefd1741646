// Package scans declares the operations on scans. When a scan may run and what becomes of it is the business of internal/scan.
package scans

import (
	"net/http"
	"time"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/api/providers"
	"github.com/palisade-sec/palisade/internal/api/tasks"
	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/provider"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/scan"
	"github.com/palisade-sec/palisade/internal/scanscope"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Type is the resource type of a scan.
const Type = "scans"

// Attributes are the attributes of a scan.
type Attributes struct {
	Name                *string    `json:"name" minLength:"3" maxLength:"100"`
	Trigger             string     `json:"trigger" enum:"scheduled,manual"`
	State               string     `json:"state" enum:"available,scheduled,executing,completed,failed,cancelled"`
	UniqueResourceCount int        `json:"unique_resource_count"`
	Progress            int        `json:"progress"`
	Duration            *int32     `json:"duration"`
	InsertedAt          time.Time  `json:"inserted_at"`
	StartedAt           *time.Time `json:"started_at"`
	CompletedAt         *time.Time `json:"completed_at"`
	ScheduledAt         *time.Time `json:"scheduled_at"`
	NextScanAt          *time.Time `json:"next_scan_at"`
	// Scope is shown only of scans that do not look at everything.
	Scope *engine.Scope `json:"scope,omitempty" doc:"What the scan looks at; absent: everything."`
}

// named are the attributes of a request for a change.
type named struct {
	Name *string `json:"name,omitempty" minLength:"3" maxLength:"100"`
}

// wanted are the attributes of a request for a scan.
type wanted struct {
	Name  *string       `json:"name,omitempty" minLength:"3" maxLength:"100"`
	Scope *engine.Scope `json:"scope,omitempty" doc:"What to look at; absent: what the provider's scan_scope says; empty: everything."`
}

// Query is the allow-list of the parameters, for the list and, apart from the page, for one scan.
var Query = filter.MustTable(filter.Table{
	Fields: []filter.Field{
		{Name: "id", Kind: filter.UUID, Column: "s.id", Lookups: filter.Exact | filter.In},
		{Name: "provider", Kind: filter.Reference, Target: "providers", Relationship: true, Column: "s.provider_id", Lookups: filter.Exact | filter.In},
		{Name: "provider_type", Kind: filter.Choice, Choices: provider.TypeNames(), Column: "p.provider", Lookups: filter.Exact | filter.In},
		{Name: "provider_uid", Column: "p.uid", Lookups: filter.Exact | filter.In | filter.IContains},
		{Name: "provider_alias", Column: "p.alias", Lookups: filter.Exact | filter.In | filter.IContains},
		{Name: "provider_groups", Kind: filter.UUID, Column: "gp.provider_group_id", Lookups: filter.Exact | filter.In,
			Via: []filter.Via{{Table: "provider_group_providers", Alias: "gp", On: [][2]filter.Column{{"gp.provider_id", "s.provider_id"}}}}},
		{Name: "name", Column: "s.name", Lookups: filter.Exact | filter.IContains},
		{Name: "trigger", Kind: filter.Choice, Choices: []string{"scheduled", "manual"}, Column: "s.trigger"},
		{Name: "state", Kind: filter.Choice, Column: "s.state", Lookups: filter.Exact | filter.In,
			Choices: []string{scan.Available, scan.Scheduled, scan.Executing, scan.Completed, scan.Failed, scan.Cancelled}},
		{Name: "inserted_at", Kind: filter.DateTime, Column: "s.inserted_at"},
		{Name: "completed_at", Kind: filter.DateTime, Column: "s.completed_at"},
		{Name: "started_at", Kind: filter.DateTime, Column: "s.started_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
		{Name: "next_scan_at", Kind: filter.DateTime, Column: "s.next_scan_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
	},
	Sorts: []filter.Sort{
		{Name: "name", Column: "s.name", Text: true, Nullable: true}, {Name: "trigger", Column: "s.trigger", Ranked: []string{"scheduled", "manual"}},
		{Name: "scheduled_at", Column: "s.scheduled_at", Nullable: true}, {Name: "inserted_at", Column: "s.inserted_at"}, {Name: "updated_at", Column: "s.updated_at"},
	},
	DefaultSort: []string{"-inserted_at"}, Tiebreak: "s.id",
	Includes: []string{"provider"},
})

type handlers struct {
	tenants   *tenant.Executor
	scans     *scan.Service
	catalogue scanscope.Catalogue
}

// Operations declares the operations.
func Operations(executor *tenant.Executor, service *scan.Service, catalogue scanscope.Catalogue) []rest.Operation {
	h := handlers{tenants: executor, scans: service, catalogue: catalogue}
	one := rest.Schema{Type: Type, Attributes: Attributes{}, Relationships: []string{"provider", "task", "processor"}}
	many := one
	many.List = true
	return append([]rest.Operation{
		{ID: "scans.list", Method: http.MethodGet, Path: "/scans", Tag: "Scans", Summary: "List scans", Query: Query, Cached: true, Response: many, Handle: h.list},
		{ID: "scans.create", Method: http.MethodPost, Path: "/scans", Tag: "Scans", Summary: "Scan a provider", Query: Query, Mode: rest.One,
			Request:  rest.Schema{Type: Type, Attributes: wanted{}, Relationships: []string{"provider"}},
			Response: tasks.Schema(), Status: http.StatusAccepted, Handle: h.create},
		{ID: "scans.retrieve", Method: http.MethodGet, Path: "/scans/{id}", Tag: "Scans", Summary: "Get a scan", Query: Query, Mode: rest.One, Cached: true,
			Response: one, Handle: h.retrieve},
		{ID: "scans.update", Method: http.MethodPatch, Path: "/scans/{id}", Tag: "Scans", Summary: "Rename a scan", Query: Query, Mode: rest.One,
			Request: rest.Schema{Type: Type, Attributes: named{}}, Response: one, Handle: h.update},
	}, h.downloads()...)
}

func resource(r *rest.Request, row tenantdb.ListScansRow) jsonapi.Resource {
	return jsonapi.Resource{
		Type: Type, ID: row.ID.String(), Self: r.URL("/scans/" + row.ID.String()),
		Attributes: jsonapi.Attributes(Attributes{Name: row.Name, Trigger: row.Trigger, State: row.State, UniqueResourceCount: int(row.UniqueResourceCount),
			Progress: int(row.Progress), Duration: row.Duration, InsertedAt: row.InsertedAt, StartedAt: row.StartedAt, CompletedAt: row.CompletedAt,
			ScheduledAt: row.ScheduledAt, NextScanAt: row.NextScanAt, Scope: providers.Scope(row.Scope)}),
		Relationships: []jsonapi.Relation{jsonapi.ToOne("provider", providers.Type, row.ProviderID.String()),
			jsonapi.ToOptional("task", tasks.Type, row.TaskID), jsonapi.ToOne("processor", "processors", "")},
	}
}

// included are the providers of the scans, if the request asks for them.
func included(r *rest.Request, rows []tenantdb.ListScansRow) []jsonapi.Resource {
	if !r.Includes(Type, "provider") {
		return nil
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = providers.Included(tenantdb.IncludeProvidersRow{ID: row.ProviderID, Provider: row.Provider, Uid: row.Uid, Alias: row.Alias,
			Connected: row.Connected, ConnectionLastCheckedAt: row.ConnectionLastCheckedAt, InsertedAt: row.ProviderInsertedAt,
			UpdatedAt: row.ProviderUpdatedAt})
	}
	return many
}
