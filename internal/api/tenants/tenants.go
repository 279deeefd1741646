// Package tenants declares the operations on organisations. A person's organisations span tenants, so lists run in the
// system scope "self", bound to the person.
package tenants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/identity"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/paging"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/retention"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Attributes are the attributes of an organisation.
type Attributes struct {
	Name            string `json:"name" maxLength:"100"`
	RetentionMonths *int16 `json:"retention_months,omitempty" minimum:"1" maximum:"120"`
}

// newAttributes are those of an organisation that is founded.
type newAttributes struct {
	Name string `json:"name" maxLength:"100"`
}

// Query is the allow-list of the list's parameters.
var Query = filter.MustTable(filter.Table{
	Fields: []filter.Field{
		{Name: "name", Column: "t.name", Lookups: filter.Exact | filter.IContains},
		{Name: "inserted_at", Kind: filter.DateTime, Column: "t.inserted_at", Lookups: filter.Exact | filter.OnDate | filter.GTE | filter.LTE},
		{Name: "updated_at", Kind: filter.DateTime, Column: "t.updated_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
	},
	Sorts: []filter.Sort{{Name: "name", Column: "t.name", Text: true}, {Name: "inserted_at", Column: "t.inserted_at"},
		{Name: "updated_at", Column: "t.updated_at"}},
	DefaultSort: []string{"-inserted_at"}, Tiebreak: "t.id",
	Search: &filter.Search{Columns: []filter.Column{"t.name"}},
})

type handlers struct {
	identity *identity.Service
	system   *system.Executor
	tenants  *tenant.Executor
}

// Operations declares the operations.
func Operations(service *identity.Service, executor *system.Executor, tenants *tenant.Executor) []rest.Operation {
	h := handlers{identity: service, system: executor, tenants: tenants}
	one := rest.Schema{Type: "tenants", Attributes: Attributes{}, Relationships: []string{"memberships"}}
	many := one
	many.List = true
	return []rest.Operation{
		{ID: "tenants.list", Method: http.MethodGet, Path: "/tenants", Tag: "Tenants", Summary: "List one's tenants", Query: Query, Cached: true, Response: many, Handle: h.list},
		{ID: "tenants.create", Method: http.MethodPost, Path: "/tenants", Tag: "Tenants", Summary: "Create a tenant", Request: rest.Schema{Type: "tenants", Attributes: newAttributes{}},
			Response: one, Status: http.StatusCreated, Handle: h.create},
		{ID: "tenants.retrieve", Method: http.MethodGet, Path: "/tenants/{id}", Tag: "Tenants", Summary: "Get one of one's tenants", Query: Query, Mode: rest.One, Cached: true,
			Response: one, Handle: h.retrieve},
		{ID: "tenants.update", Method: http.MethodPatch, Path: "/tenants/{id}", Tag: "Tenants", Summary: "Rename a tenant, or say how long it keeps its scans", Query: Query, Mode: rest.One, TenantID: "id",
			Request: rest.Schema{Type: "tenants", Attributes: Attributes{}}, Response: one, Handle: h.update},
		{ID: "tenants.delete", Method: http.MethodDelete, Path: "/tenants/{id}", Tag: "Tenants", Summary: "Delete a tenant with everything in it", TenantID: "id",
			Status: http.StatusNoContent, Handle: h.delete},
	}
}

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	r.Query.Where = r.Reach(r.Query.Where)
	read := h.system.Read(system.Self, r.User())
	rows, window, err := paging.Read(ctx, system.Together, read, &r.Query, func(read system.DB, where filter.Fragment) (int64, error) {
		return systemdb.New(read.Shaped(map[string]filter.Fragment{"where": where})).CountOwnTenants(ctx, r.User())
	}, func(read system.DB, part paging.Part) ([]systemdb.ListOwnTenantsRow, error) {
		return systemdb.New(read.Shaped(part.Markers())).ListOwnTenants(ctx,
			systemdb.ListOwnTenantsParams{UserID: r.User(), PageSize: int32(part.Size), PageOffset: int32(part.Offset)})
	})
	if err != nil {
		return nil, err
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = resource(row)
	}
	return r.List(many, nil, window), nil
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	row, err := h.find(ctx, r, r.ID("id"), r.Reach(r.Query.Where))
	if err != nil {
		return nil, err
	}
	return r.One(resource(row)), nil
}

func (h handlers) create(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	body, err := r.Bind("tenants", "")
	if err != nil {
		return nil, err
	}
	name := body.Text("name", jsonapi.Rules{Required: true, Max: 100})
	if err := body.DoneLenient(); err != nil {
		return nil, err
	}
	created, err := h.identity.Found(ctx, r.User(), name.Value)
	if err != nil {
		return nil, err
	}
	row, err := h.find(ctx, r, created.ID, filter.Fragment{})
	if err != nil {
		return nil, err
	}
	one := resource(row)
	return rest.Created(jsonapi.Document{One: &one}), nil
}

// update renames a tenant or says how long it keeps its scans; the roles that the requester holds in it have decided already.
func (h handlers) update(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	if _, err := h.find(ctx, r, r.ID("id"), r.Reach(r.Query.Where)); err != nil {
		return nil, err
	}
	body, err := r.Bind("tenants", r.ID("id").String())
	if err != nil {
		return nil, err
	}
	name := body.Text("name", jsonapi.Rules{Max: 100})
	months := retentionMonths(body)
	if err := body.DoneLenient(); err != nil {
		return nil, err
	}
	if name.Set || months.Set {
		scope, err := r.Scope(ctx)
		if err != nil {
			return nil, err
		}
		err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
			queries := tenantdb.New(tx)
			if months.Set {
				if err := queries.SetTenantRetention(ctx, tenantdb.SetTenantRetentionParams{ID: r.ID("id"), Months: months.Ptr()}); err != nil {
					return err
				}
			}
			if !name.Set {
				return nil
			}
			return queries.RenameTenant(ctx, tenantdb.RenameTenantParams{ID: r.ID("id"), Name: name.Value})
		})
		if err != nil {
			return nil, err
		}
	}
	row, err := h.find(ctx, r, r.ID("id"), filter.Fragment{})
	if err != nil {
		return nil, err
	}
	return r.One(resource(row)), nil
}

// retentionMonths reads a number of months; null takes the tenant's own wish away.
func retentionMonths(body *jsonapi.Binder) jsonapi.Given[int16] {
	const name = "retention_months"
	given := body.JSON(name, jsonapi.Rules{Nullable: true})
	months := jsonapi.Given[int16]{Set: given.Set, Null: given.Null}
	if !given.Set || given.Null {
		return months
	}
	number, ok := given.Value.(json.Number)
	count, err := strconv.ParseInt(number.String(), 10, 64)
	switch {
	case !ok || err != nil && !errors.Is(err, strconv.ErrRange):
		body.Fail(jsonapi.Field(name, "invalid", "A valid integer is required."))
	case count < retention.LeastMonths:
		body.Fail(jsonapi.Field(name, "min_value", fmt.Sprintf("Ensure this value is greater than or equal to %d.", retention.LeastMonths)))
	case count > retention.MostMonths:
		body.Fail(jsonapi.Field(name, "max_value", fmt.Sprintf("Ensure this value is less than or equal to %d.", retention.MostMonths)))
	default:
		months.Value = int16(count)
	}
	return months
}

// delete deletes a tenant; the roles that the requester holds in it have decided already, and being its owner decides too. Who
// did not get in there has no such tenant: a stranger, or a key of another one.
func (h handlers) delete(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	if r.ID("id") != r.Tenant() {
		return nil, jsonapi.NotFound("Tenant")
	}
	if err := h.identity.DeleteTenant(ctx, r.User(), r.ID("id")); err != nil {
		return nil, err
	}
	return rest.NoContent(), nil
}

// Included are tenants of a person as other resources include them: attributes alone. where is a condition on the memberships m.
func Included(ctx context.Context, db system.DB, user uuid.UUID, where filter.Fragment, most int32) ([]jsonapi.Resource, error) {
	rows, err := systemdb.New(db.Shaped(map[string]filter.Fragment{"where": where, "order": {}, "position": {}})).ListOwnTenants(ctx,
		systemdb.ListOwnTenantsParams{UserID: user, PageSize: most})
	included := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		included[i] = jsonapi.Resource{Type: "tenants", ID: row.ID.String(), Attributes: attributes(row)}
	}
	return included, err
}

// find is one tenant of the requester's; any other does not exist.
func (h handlers) find(ctx context.Context, r *rest.Request, id uuid.UUID, where filter.Fragment) (systemdb.ListOwnTenantsRow, error) {
	that := filter.MustCondition("t.id", filter.Exact, id)
	queries := systemdb.New(h.system.Read(system.Self, r.User()).Shaped(
		map[string]filter.Fragment{"where": filter.And(that, where), "order": {}, "position": {}}))
	rows, err := queries.ListOwnTenants(ctx, systemdb.ListOwnTenantsParams{UserID: r.User(), PageSize: 1})
	if err != nil {
		return systemdb.ListOwnTenantsRow{}, err
	}
	if len(rows) == 0 {
		return systemdb.ListOwnTenantsRow{}, jsonapi.NotFound("Tenant")
	}
	return rows[0], nil
}

func resource(row systemdb.ListOwnTenantsRow) jsonapi.Resource {
	return jsonapi.Resource{Type: "tenants", ID: row.ID.String(), Attributes: attributes(row),
		Relationships: []jsonapi.Relation{jsonapi.ToMany("memberships", "memberships", jsonapi.IDs(row.MembershipIds))}}
}

// attributes leave out the months when the tenant has no wish of its own.
func attributes(row systemdb.ListOwnTenantsRow) []jsonapi.Attribute {
	return jsonapi.Attributes(Attributes{Name: row.Name, RetentionMonths: row.RetentionMonths})
}
