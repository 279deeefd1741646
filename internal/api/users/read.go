package users

import (
	"context"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/api/memberships"
	"github.com/palisade-sec/palisade/internal/api/roles"
	"github.com/palisade-sec/palisade/internal/api/tenants"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/identity"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

var source = listing.Source[tenantdb.ListUsersRow, tenantdb.ListUsersParams]{Name: "User", ID: "u.id",
	Count: (*tenantdb.Queries).CountUsers, List: (*tenantdb.Queries).ListUsers}

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	read, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	rows, window, err := source.Page(ctx, read, r.Query)
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
	read, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	row, err := source.One(ctx, read, r.ID("id"), r.Query.Where)
	if err != nil {
		return nil, err
	}
	many, included, err := h.resources(ctx, r, read, []tenantdb.ListUsersRow{row})
	if err != nil {
		return nil, err
	}
	return r.One(many[0], included...), nil
}

// me is the requester with the memberships of all tenants that the credential reaches; meta.active marks the one of the credential.
func (h handlers) me(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	read, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	row, err := source.One(ctx, read, r.User(), filter.Fragment{})
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

// resources are people as the requester may see them, and what the request wants included. Of others the roles and the
// membership in this tenant show only where policy allows it; of the requester all memberships that the
// credential reaches, also in other tenants.
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
			if belongs, err = h.ownMemberships(ctx, r); err != nil {
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

func (h handlers) ownMemberships(ctx context.Context, r *rest.Request) ([]identity.Membership, error) {
	queries := systemdb.New(h.system.Read(system.Self, r.User()).Shaped(map[string]filter.Fragment{"where": r.Reach(filter.Fragment{}), "order": {}, "position": {}}))
	rows, err := queries.ListOwnMemberships(ctx, systemdb.ListOwnMembershipsParams{UserID: r.User(), PageSize: maxMemberships})
	own := make([]identity.Membership, len(rows))
	for i, row := range rows {
		own[i] = identity.Membership{ID: row.ID, TenantID: row.TenantID, UserID: row.UserID, Role: row.Role, DateJoined: row.DateJoined}
	}
	return own, err
}

// maxMemberships bounds how many of a person's memberships one answer lists.
const maxMemberships = 1000

// included are the related resources that the request names; a relationship that the sparse fields leave out has none.
func (h handlers) included(ctx context.Context, r *rest.Request, read tenant.DB, places []identity.Membership, roleIDs []uuid.UUID) ([]jsonapi.Resource, error) {
	var included []jsonapi.Resource
	if r.Includes("users", "memberships") {
		var tenantIDs []uuid.UUID
		for _, place := range places {
			included = append(included, memberships.Included(place))
			tenantIDs = append(tenantIDs, place.TenantID)
		}
		if r.Query.Include["memberships.tenant"] && r.Shows("memberships", "tenant") {
			organisations, err := tenants.Included(ctx, h.system, r.User(), tenantIDs)
			if err != nil {
				return nil, err
			}
			included = append(included, organisations...)
		}
	}
	if r.Includes("users", "roles") {
		held, err := roles.Included(ctx, read, roleIDs)
		if err != nil {
			return nil, err
		}
		included = append(included, held...)
	}
	return included, nil
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
