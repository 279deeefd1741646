// Package roles declares the operations on roles.
package roles

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/role"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Attributes are the attributes of a role.
type Attributes struct {
	Name                string    `json:"name" maxLength:"255"`
	ManageUsers         bool      `json:"manage_users"`
	ManageAccount       bool      `json:"manage_account"`
	ManageIntegrations  bool      `json:"manage_integrations"`
	ManageProviders     bool      `json:"manage_providers"`
	ManageScans         bool      `json:"manage_scans"`
	PermissionState     string    `json:"permission_state" enum:"unlimited,limited,none"`
	UnlimitedVisibility bool      `json:"unlimited_visibility"`
	InsertedAt          time.Time `json:"inserted_at"`
	UpdatedAt           time.Time `json:"updated_at"`
}

type newRole struct {
	Name                string `json:"name" maxLength:"255"`
	ManageUsers         bool   `json:"manage_users,omitempty"`
	ManageAccount       bool   `json:"manage_account,omitempty"`
	ManageIntegrations  bool   `json:"manage_integrations,omitempty"`
	ManageProviders     bool   `json:"manage_providers,omitempty"`
	ManageScans         bool   `json:"manage_scans,omitempty"`
	UnlimitedVisibility bool   `json:"unlimited_visibility,omitempty"`
}

// Query is the allow-list of the list's parameters.
var Query = func() *filter.Table {
	flags := []filter.Column{"ro.manage_users", "ro.manage_account", "ro.manage_billing", "ro.manage_integrations", "ro.manage_providers", "ro.manage_scans"}
	var all, none []filter.Fragment
	sorts := []filter.Sort{{Name: "id", Column: "ro.id"}, {Name: "name", Column: "ro.name", Text: true}, {Name: "tenant", Column: "ro.tenant_id", Kind: filter.UUID},
		{Name: "unlimited_visibility", Column: "ro.unlimited_visibility", Kind: filter.Bool}, {Name: "inserted_at", Column: "ro.inserted_at"}, {Name: "updated_at", Column: "ro.updated_at"}}
	for _, flag := range flags {
		all = append(all, filter.MustCondition(flag, filter.Exact, true))
		none = append(none, filter.MustCondition(flag, filter.Exact, false))
		sorts = append(sorts, filter.Sort{Name: string(flag[len("ro."):]), Column: flag, Kind: filter.Bool})
	}
	return filter.MustTable(filter.Table{
		Fields: []filter.Field{
			{Name: "id", Kind: filter.UUID, Column: "ro.id", Lookups: filter.Exact | filter.In},
			{Name: "name", Column: "ro.name", Lookups: filter.Exact | filter.In},
			{Name: "permission_state", Kind: filter.Choice, Choices: []string{"unlimited", "limited", "none"}, Cases: map[string]filter.Fragment{
				"unlimited": filter.And(all...), "none": filter.And(none...),
				"limited": filter.Not(filter.Or(filter.And(all...), filter.And(none...)))}},
			{Name: "inserted_at", Kind: filter.DateTime, Column: "ro.inserted_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
			{Name: "updated_at", Kind: filter.DateTime, Column: "ro.updated_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
		},
		Sorts: sorts, DefaultSort: []string{"inserted_at"}, Tiebreak: "ro.id",
	})
}()

var source = listing.Source[tenantdb.ListRolesRow, tenantdb.ListRolesParams]{Name: "Role", ID: "ro.id",
	Count: (*tenantdb.Queries).CountRoles, List: (*tenantdb.Queries).ListRoles}

type handlers struct {
	roles   *role.Service
	tenants *tenant.Executor
}

// Operations declares the operations.
func Operations(service *role.Service, executor *tenant.Executor) []rest.Operation {
	h := handlers{roles: service, tenants: executor}
	related := []string{"provider_groups", "users", "invitations"}
	one := rest.Schema{Type: "roles", Attributes: Attributes{}, Relationships: related}
	many := one
	many.List = true
	body := rest.Schema{Type: "roles", Attributes: newRole{}, Relationships: related[:2]}
	operation := func(id, method, path, summary string, handle rest.Handler) rest.Operation {
		return rest.Operation{ID: authz.Operation("roles." + id), Method: method, Path: path, Summary: summary, Tag: "Roles", Query: Query, Mode: rest.One, Handle: handle}
	}
	list := operation("list", http.MethodGet, "/roles", "List roles", source.Pages(executor, resource, nil))
	list.Mode, list.Response = rest.List, many
	create := operation("create", http.MethodPost, "/roles", "Create a role", h.create)
	create.Query, create.Request, create.Response, create.Status = nil, body, one, http.StatusCreated
	retrieve := operation("retrieve", http.MethodGet, "/roles/{id}", "Get a role", source.Single(executor, resource, nil))
	retrieve.Response = one
	update := operation("update", http.MethodPatch, "/roles/{id}", "Change a role", h.update)
	update.Request, update.Response = body, one
	remove := operation("delete", http.MethodDelete, "/roles/{id}", "Delete a role", rest.Remove(h.found, h.roles.Delete))
	remove.Status = http.StatusNoContent
	operations := []rest.Operation{list, create, retrieve, update, remove}
	const groups = "/roles/{id}/relationships/provider_groups"
	relate := func(change rest.Change) rest.Handler { return rest.Relate("provider_groups", h.found, change) }
	for _, one := range []struct {
		id, method, summary string
		handle              rest.Handler
	}{
		{"add", http.MethodPost, "Show a role more provider groups", relate(h.roles.AddProviderGroups)},
		{"replace", http.MethodPatch, "Replace the provider groups of a role", relate(h.roles.ReplaceProviderGroups)},
		{"remove", http.MethodDelete, "Take all provider groups from a role", relate(h.roles.ReplaceProviderGroups)},
	} {
		linkage := operation("relationships.provider_groups."+one.id, one.method, groups, one.summary, one.handle)
		linkage.HTMLIDs, linkage.Status = true, http.StatusNoContent
		operations = append(operations, linkage)
	}
	return operations
}

func (h handlers) create(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	change, err := bind(r, "", true)
	if err != nil {
		return nil, err
	}
	id, err := h.roles.Create(ctx, scope, change)
	if err != nil {
		return nil, err
	}
	row, err := source.Written(ctx, h.tenants, scope, id)
	if err != nil {
		return nil, err
	}
	one := resource(r, row)
	answer := rest.Created(jsonapi.Document{One: &one})
	answer.Header = http.Header{"Location": {one.Self}}
	return answer, nil
}

func (h handlers) update(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := h.found(ctx, r)
	if err != nil {
		return nil, err
	}
	change, err := bind(r, r.ID("id").String(), false)
	if err != nil {
		return nil, err
	}
	if err := h.roles.Update(ctx, scope, r.ID("id"), change); err != nil {
		return nil, err
	}
	row, err := source.Written(ctx, h.tenants, scope, r.ID("id"))
	if err != nil {
		return nil, err
	}
	return r.One(resource(r, row)), nil
}

// found makes sure that the role of the path is there before the body is read.
func (h handlers) found(ctx context.Context, r *rest.Request) (tenant.Scope, error) {
	return rest.Found(ctx, r, h.tenants, source.One)
}

// Included are roles as other resources include them: attributes alone. held is a JSON list of them, as the list of people has it.
func Included(held json.RawMessage) ([]jsonapi.Resource, error) {
	if len(held) == 0 {
		return nil, nil
	}
	var rows []struct {
		ID uuid.UUID `json:"id"`
		Attributes
		ManageBilling bool `json:"manage_billing"`
	}
	if err := json.Unmarshal(held, &rows); err != nil {
		return nil, fmt.Errorf("read roles: %w", err)
	}
	included := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		included[i] = jsonapi.Resource{Type: "roles", ID: row.ID.String(), Attributes: attributes(tenantdb.ListRolesRow{Name: row.Name,
			ManageUsers: row.ManageUsers, ManageAccount: row.ManageAccount, ManageBilling: row.ManageBilling, ManageProviders: row.ManageProviders,
			ManageIntegrations: row.ManageIntegrations, ManageScans: row.ManageScans, UnlimitedVisibility: row.UnlimitedVisibility,
			InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt})}
	}
	return included, nil
}

func bind(r *rest.Request, id string, creates bool) (role.Change, error) {
	body, err := r.Bind("roles", id)
	if err != nil {
		return role.Change{}, err
	}
	change := role.Change{
		Name:                body.Text("name", jsonapi.Rules{Required: creates, Max: 255}).Ptr(),
		ManageUsers:         body.Bool("manage_users", jsonapi.Rules{}).Ptr(),
		ManageAccount:       body.Bool("manage_account", jsonapi.Rules{}).Ptr(),
		ManageIntegrations:  body.Bool("manage_integrations", jsonapi.Rules{}).Ptr(),
		ManageProviders:     body.Bool("manage_providers", jsonapi.Rules{}).Ptr(),
		ManageScans:         body.Bool("manage_scans", jsonapi.Rules{}).Ptr(),
		UnlimitedVisibility: body.Bool("unlimited_visibility", jsonapi.Rules{}).Ptr(),
		Users:               body.ToMany("users", "users", jsonapi.Rules{}).Ptr(),
		ProviderGroups:      body.ToMany("provider_groups", "provider-groups", jsonapi.Rules{}).Ptr(),
	}
	body.ReadOnly("permission_state", "invitations", "inserted_at", "updated_at", "url")
	return change, body.Done()
}

func resource(r *rest.Request, row tenantdb.ListRolesRow) jsonapi.Resource {
	return jsonapi.Resource{Type: "roles", ID: row.ID.String(), Attributes: attributes(row), Self: r.URL("/roles/" + row.ID.String()),
		Relationships: []jsonapi.Relation{
			jsonapi.ToMany("provider_groups", "provider-groups", jsonapi.IDs(row.ProviderGroupIds)),
			jsonapi.ToMany("users", "users", jsonapi.IDs(row.UserIds)),
			jsonapi.ToMany("invitations", "invitations", jsonapi.IDs(row.InvitationIds)),
		}}
}

func attributes(row tenantdb.ListRolesRow) []jsonapi.Attribute {
	return jsonapi.Attributes(Attributes{Name: row.Name, ManageUsers: row.ManageUsers, ManageAccount: row.ManageAccount,
		ManageIntegrations: row.ManageIntegrations, ManageProviders: row.ManageProviders, ManageScans: row.ManageScans,
		PermissionState: permissionState(row), UnlimitedVisibility: row.UnlimitedVisibility, InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt})
}

// permissionState sums the six permissions up; visibility is none of them.
func permissionState(row tenantdb.ListRolesRow) string {
	granted := 0
	flags := []bool{row.ManageUsers, row.ManageAccount, row.ManageBilling, row.ManageIntegrations, row.ManageProviders, row.ManageScans}
	for _, flag := range flags {
		if flag {
			granted++
		}
	}
	switch granted {
	case 0:
		return "none"
	case len(flags):
		return "unlimited"
	}
	return "limited"
}
