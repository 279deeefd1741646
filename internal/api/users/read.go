package users

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/api/memberships"
	"github.com/palisade-sec/palisade/internal/api/roles"
	"github.com/palisade-sec/palisade/internal/api/tenants"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/identity"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	read := h.tenants.Read(scope)
	count, err := tenantdb.New(read.Shaped(map[string]filter.Fragment{"where": r.Query.Where})).CountUsers(ctx)
	if err != nil {
		return nil, err
	}
	window, err := r.Query.Page.Resolve(count)
	if err != nil {
		return nil, err
	}
	rows, err := tenantdb.New(read.Shaped(map[string]filter.Fragment{"where": r.Query.Where, "order": r.Query.Order})).
		ListUsers(ctx, tenantdb.ListUsersParams{PageSize: int32(window.Limit), PageOffset: int32(window.Offset)})
	if err != nil {
		return nil, err
	}
	many, included, err := h.resources(ctx, r, read, rows)
	if err != nil {
		return nil, err
	}
	return r.List(many, included, window), nil
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	read := h.tenants.Read(scope)
	row, err := find(ctx, read, r.ID("id"), r.Query.Where)
	if err != nil {
		return nil, err
	}
	many, included, err := h.resources(ctx, r, read, []tenantdb.ListUsersRow{row})
	if err != nil {
		return nil, err
	}
	return r.One(many[0], included...), nil
}

// me is the requester with the memberships of all tenants; meta.active marks the one of the credential.
func (h handlers) me(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	read := h.tenants.Read(scope)
	row, err := find(ctx, read, r.User(), filter.Fragment{})
	if err != nil {
		return nil, err
	}
	many, included, err := h.resources(ctx, r, read, []tenantdb.ListUsersRow{row})
	if err != nil {
		return nil, err
	}
	linked := many[0].Relationships[0].Many
	for i := range linked {
		linked[i].Meta = map[string]any{"active": linked[i].ID == row.MembershipID.String()}
	}
	return r.One(many[0], included...), nil
}

func find(ctx context.Context, db tenant.DB, id uuid.UUID, where filter.Fragment) (tenantdb.ListUsersRow, error) {
	that := filter.MustCondition("u.id", filter.Exact, id)
	rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": filter.And(that, where), "order": {}})).ListUsers(ctx, tenantdb.ListUsersParams{PageSize: 1})
	if err == nil && len(rows) == 0 {
		err = jsonapi.NotFound("User")
	}
	if err != nil {
		return tenantdb.ListUsersRow{}, err
	}
	return rows[0], nil
}

// resources are people as the requester may see them, and what the request wants included. Of others the roles and the
// membership in this tenant show only where policy allows it; of the requester all memberships, also in other tenants.
func (h handlers) resources(ctx context.Context, r *rest.Request, read tenant.DB, rows []tenantdb.ListUsersRow) (many, included []jsonapi.Resource, err error) {
	access, err := r.May(ctx, "users.access")
	if err != nil {
		return nil, nil, err
	}
	var places []identity.Membership
	var roleIDs []uuid.UUID
	many = make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		var belongs []identity.Membership
		var holds []uuid.UUID
		if row.ID == r.User() {
			if belongs, err = h.ownMemberships(ctx, r.User()); err != nil {
				return nil, nil, err
			}
			holds = row.RoleIds
		} else if access {
			belongs = []identity.Membership{{ID: row.MembershipID, TenantID: row.TenantID, UserID: row.ID, Role: row.MembershipRole, DateJoined: row.MemberSince}}
			holds = row.RoleIds
		}
		many[i] = resource(row, belongs, holds)
		places, roleIDs = append(places, belongs...), append(roleIDs, holds...)
	}
	included, err = h.included(ctx, r, read, places, roleIDs)
	return many, included, err
}

func (h handlers) ownMemberships(ctx context.Context, user uuid.UUID) ([]identity.Membership, error) {
	queries := systemdb.New(h.system.Read(system.Self, user).Shaped(map[string]filter.Fragment{"where": {}, "order": {}}))
	rows, err := queries.ListOwnMemberships(ctx, systemdb.ListOwnMembershipsParams{UserID: user, PageSize: maxMemberships})
	own := make([]identity.Membership, len(rows))
	for i, row := range rows {
		own[i] = identity.Membership(row)
	}
	return own, err
}

// maxMemberships bounds how many of a person's memberships one answer lists.
const maxMemberships = 1000

// included are the related resources that the request names; a relationship that the sparse fields leave out has none.
func (h handlers) included(ctx context.Context, r *rest.Request, read tenant.DB, places []identity.Membership, roleIDs []uuid.UUID) ([]jsonapi.Resource, error) {
	var included []jsonapi.Resource
	if r.Query.Include["memberships"] && shown(r, "users", "memberships") {
		var tenantIDs []uuid.UUID
		for _, place := range places {
			included = append(included, memberships.Included(place))
			tenantIDs = append(tenantIDs, place.TenantID)
		}
		if r.Query.Include["memberships.tenant"] && shown(r, "memberships", "tenant") {
			organisations, err := tenants.Included(ctx, h.system, r.User(), tenantIDs)
			if err != nil {
				return nil, err
			}
			included = append(included, organisations...)
		}
	}
	if r.Query.Include["roles"] && shown(r, "users", "roles") {
		held, err := roles.Included(ctx, read, roleIDs)
		if err != nil {
			return nil, err
		}
		included = append(included, held...)
	}
	return included, nil
}

func shown(r *rest.Request, kind, member string) bool {
	wanted, sparse := r.Query.Fields[kind]
	return !sparse || slices.Contains(wanted, member)
}

func resource(row tenantdb.ListUsersRow, belongs []identity.Membership, holds []uuid.UUID) jsonapi.Resource {
	places := make([]string, len(belongs))
	for i, one := range belongs {
		places[i] = one.ID.String()
	}
	return jsonapi.Resource{Type: "users", ID: row.ID.String(),
		Attributes:    jsonapi.Attributes(Attributes{Name: row.Name, Email: row.Email, CompanyName: row.CompanyName, DateJoined: row.DateJoined}),
		Relationships: []jsonapi.Relation{jsonapi.ToMany("memberships", "memberships", places), jsonapi.ToMany("roles", "roles", jsonapi.IDs(holds))}}
}
