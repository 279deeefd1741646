// Package memberships declares the operations on memberships: a person's own in all tenants, and those of one tenant.
package memberships

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/identity"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/paging"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Attributes are the attributes of a membership.
type Attributes struct {
	Role       string    `json:"role" enum:"owner,member"`
	DateJoined time.Time `json:"date_joined"`
}

// Schema describes one membership.
var Schema = rest.Schema{Type: "memberships", Attributes: Attributes{}, Relationships: []string{"user", "tenant"}}

var roleNames = []string{"owner", "member"}

var fields = []filter.Field{
	{Name: "user", Kind: filter.Reference, Target: "users", Relationship: true, Column: "m.user_id"},
	{Name: "tenant", Kind: filter.Reference, Target: "tenants", Relationship: true, Column: "m.tenant_id"},
	{Name: "role", Kind: filter.Choice, Choices: roleNames, Column: "m.role"},
	{Name: "date_joined", Kind: filter.DateTime, Column: "m.date_joined", Lookups: filter.Exact | filter.OnDate | filter.GTE | filter.LTE},
}

// OwnQuery is the allow-list of the parameters of a person's own memberships.
var OwnQuery = filter.MustTable(filter.Table{
	Fields: fields,
	Sorts: []filter.Sort{{Name: "tenant", Column: "m.tenant_id"}, {Name: "role", Column: "m.role", Ranked: roleNames},
		{Name: "date_joined", Column: "m.date_joined"}},
	DefaultSort: []string{"date_joined"}, Tiebreak: "m.id",
})

// TenantQuery is the allow-list of the parameters of a tenant's memberships.
var TenantQuery = filter.MustTable(filter.Table{
	Fields: fields,
	Sorts: []filter.Sort{{Name: "id", Column: "m.id"}, {Name: "user", Column: "m.user_id"}, {Name: "tenant", Column: "m.tenant_id"},
		{Name: "role", Column: "m.role", Ranked: roleNames}, {Name: "date_joined", Column: "m.date_joined"}},
	DefaultSort: []string{"id"}, Tiebreak: "m.id",
})

var ofTenant = listing.Source[tenantdb.ListMembershipsRow, tenantdb.ListMembershipsParams]{Name: "Membership", ID: "m.id",
	Count: (*tenantdb.Queries).CountMemberships, List: (*tenantdb.Queries).ListMemberships}

type handlers struct {
	identity *identity.Service
	tenants  *tenant.Executor
	system   *system.Executor
}

// Operations declares the operations.
func Operations(people *identity.Service, tenants *tenant.Executor, executor *system.Executor) []rest.Operation {
	h := handlers{identity: people, tenants: tenants, system: executor}
	many := Schema
	many.List = true
	return []rest.Operation{
		{ID: "users.memberships.list", Method: http.MethodGet, Path: "/users/{user_pk}/memberships", Summary: "List one's own memberships", Tag: "Memberships",
			Query: OwnQuery, Cached: true, TextIDs: true, Response: many, Handle: h.listOwn},
		{ID: "users.memberships.retrieve", Method: http.MethodGet, Path: "/users/{user_pk}/memberships/{id}", Summary: "Get one of one's own memberships", Tag: "Memberships",
			Query: OwnQuery, Mode: rest.One, TextIDs: true, Response: Schema, Handle: h.retrieveOwn},
		{ID: "tenants.memberships.list", Method: http.MethodGet, Path: "/tenants/{tenant_pk}/memberships", Summary: "List the memberships of a tenant", Tag: "Memberships",
			Query: TenantQuery, Cached: true, TenantID: "tenant_pk", Response: many, Handle: h.listOfTenant},
		{ID: "tenants.memberships.delete", Method: http.MethodDelete, Path: "/tenants/{tenant_pk}/memberships/{id}", Summary: "End a membership", Tag: "Memberships",
			TenantID: "tenant_pk", Status: http.StatusNoContent, Handle: h.delete},
	}
}

// listOwn answers the requester's memberships, whomever the path names: those of others are nobody else's business.
func (h handlers) listOwn(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	read := h.system.Read(system.Self, r.User())
	if err := h.checkReferences(ctx, r); err != nil {
		return nil, err
	}
	r.Query.Where = r.Reach(r.Query.Where)
	rows, window, err := paging.Read(ctx, system.Together, read, &r.Query, func(read system.DB, where filter.Fragment) (int64, error) {
		return systemdb.New(read.Shaped(map[string]filter.Fragment{"where": where})).CountOwnMemberships(ctx, r.User())
	}, func(read system.DB, part paging.Part) ([]systemdb.ListOwnMembershipsRow, error) {
		return systemdb.New(read.Shaped(part.Markers())).ListOwnMemberships(ctx,
			systemdb.ListOwnMembershipsParams{UserID: r.User(), PageSize: int32(part.Size), PageOffset: int32(part.Offset)})
	})
	if err != nil {
		return nil, err
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = Resource(r, own(row))
	}
	return plain(r.List(many, nil, window)), nil
}

func own(row systemdb.ListOwnMembershipsRow) identity.Membership {
	return identity.Membership{ID: row.ID, TenantID: row.TenantID, UserID: row.UserID, Role: row.Role, DateJoined: row.DateJoined}
}

func (h handlers) retrieveOwn(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	id, err := uuid.Parse(r.Param("id"))
	if err != nil {
		return nil, jsonapi.NoSuchPath()
	}
	that := filter.MustCondition("m.id", filter.Exact, id)
	queries := systemdb.New(h.system.Read(system.Self, r.User()).Shaped(map[string]filter.Fragment{"where": filter.And(that, r.Reach(r.Query.Where)), "order": {}, "position": {}}))
	rows, err := queries.ListOwnMemberships(ctx, systemdb.ListOwnMembershipsParams{UserID: r.User(), PageSize: 1})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, jsonapi.NotFound("Membership")
	}
	return plain(r.One(Resource(r, own(rows[0])))), nil
}

// listOfTenant shows an owner all memberships and a member their own; for anybody else there is no such tenant.
func (h handlers) listOfTenant(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	if r.ID("tenant_pk") != r.Tenant() {
		return nil, jsonapi.NotFound("Tenant")
	}
	read, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	standing, err := tenantdb.New(read).MemberRole(ctx, r.User())
	if err != nil {
		return nil, err
	}
	if err := h.checkReferences(ctx, r); err != nil {
		return nil, err
	}
	if standing != "owner" {
		r.Query.Where = filter.And(filter.MustCondition("m.user_id", filter.Exact, r.User()), r.Query.Where)
	}
	rows, window, err := ofTenant.Page(ctx, read, r.Query)
	if err != nil {
		return nil, err
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = Resource(r, identity.Membership{ID: row.ID, TenantID: row.TenantID, UserID: row.UserID, Role: row.Role, DateJoined: row.DateJoined})
	}
	return plain(r.List(many, nil, window)), nil
}

func (h handlers) delete(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	if r.ID("tenant_pk") != r.Tenant() {
		return nil, jsonapi.NotFound("Tenant") // a stranger, or a key of another tenant
	}
	if err := h.identity.Leave(ctx, r.User(), r.ID("tenant_pk"), r.ID("id")); err != nil {
		return nil, err
	}
	return rest.NoContent(), nil
}

// checkReferences refuses filters by people and tenants that the requester has nothing to do with, known or not.
func (h handlers) checkReferences(ctx context.Context, r *rest.Request) error {
	for _, reference := range r.Query.References {
		known, err := h.knows(ctx, r, reference)
		if err != nil {
			return err
		}
		if !known {
			return reference.Refusal
		}
	}
	return nil
}

// knows reports whether the requester has to do with all that a filter refers to; a confined credential knows its own tenant alone.
func (h handlers) knows(ctx context.Context, r *rest.Request, reference filter.Referred) (bool, error) {
	own := systemdb.New(h.system.Read(system.Self, r.User()))
	switch {
	case reference.Target == "tenants" && r.Confined():
		return !slices.ContainsFunc(reference.IDs, func(id uuid.UUID) bool { return id != r.Tenant() }), nil
	case reference.Target == "tenants":
		return own.ExistOwnTenants(ctx, systemdb.ExistOwnTenantsParams{UserID: r.User(), Ids: reference.IDs})
	case r.Confined():
		read, err := r.DB(ctx, h.tenants)
		if err != nil {
			return false, err
		}
		return tenantdb.New(read).ExistUsers(ctx, reference.IDs)
	}
	return own.ExistFellows(ctx, systemdb.ExistFellowsParams{UserID: r.User(), Ids: reference.IDs})
}

// plain takes the version out of a document: the wire sends memberships without it.
func plain(answer *rest.Answer) *rest.Answer {
	answer.Document.Bare = true
	return answer
}

// Resource is a membership with links to the person and the tenant.
func Resource(r *rest.Request, membership identity.Membership) jsonapi.Resource {
	one := Included(membership)
	one.Relationships[0].Related = r.URL("/users/" + membership.UserID.String())
	one.Relationships[1].Related = r.URL("/tenants/" + membership.TenantID.String())
	return one
}

// Included is a membership as other resources include it.
func Included(membership identity.Membership) jsonapi.Resource {
	return jsonapi.Resource{Type: "memberships", ID: membership.ID.String(),
		Attributes: jsonapi.Attributes(Attributes{Role: membership.Role, DateJoined: membership.DateJoined}),
		Relationships: []jsonapi.Relation{jsonapi.ToOne("user", "users", membership.UserID.String()),
			jsonapi.ToOne("tenant", "tenants", membership.TenantID.String())}}
}
