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
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/system"
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
	many, included, err := h.resources(ctx, r, rows)
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
	many, included, err := h.resources(ctx, r, []tenantdb.ListUsersRow{row})
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
	many, included, err := h.resources(ctx, r, []tenantdb.ListUsersRow{row})
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
func (h handlers) resources(ctx context.Context, r *rest.Request, rows []tenantdb.ListUsersRow) (many, included []jsonapi.Resource, err error) {
	access, err := r.May(ctx, "users.access")
	if err != nil {
		return nil, nil, err
	}
	rights, err := h.own(ctx, r, slices.ContainsFunc(rows, func(row tenantdb.ListUsersRow) bool { return row.ID == r.User() }), access && len(rows) > 0)
	if err != nil {
		return nil, nil, err
	}
	many = make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		var belongs []identity.Membership
		var holds []uuid.UUID
		if row.ID == r.User() {
			belongs, holds = rights.memberships, row.RoleIds
		} else if access {
			belongs = []identity.Membership{{ID: row.MembershipID, TenantID: row.TenantID, UserID: row.ID, Role: row.MembershipRole, DateJoined: row.MemberSince}}
			holds = row.RoleIds
		}
		many[i] = resource(row, belongs, holds)
		if r.Includes("users", "memberships") {
			for _, one := range belongs {
				included = append(included, memberships.Included(one))
			}
		}
		if r.Includes("users", "roles") && len(holds) > 0 {
			held, err := roles.Included(row.Roles)
			if err != nil {
				return nil, nil, err
			}
			included = append(included, held...)
		}
	}
	return many, append(included, rights.tenants...), nil
}

// rights are what spans tenants: memberships of the requester's, and the tenants that the answer includes.
type rights struct {
	memberships []identity.Membership
	tenants     []jsonapi.Resource
}

// own reads the requester's rights that the credential reaches. oneself says that the requester is among the people of the answer,
// others that memberships of others are shown: those of this tenant.
func (h handlers) own(ctx context.Context, r *rest.Request, oneself, others bool) (found rights, err error) {
	reach := r.Reach(filter.Fragment{})
	var reads []func(system.DB) error
	if oneself {
		reads = append(reads, func(db system.DB) (err error) {
			found.memberships, err = ownMemberships(ctx, db, r.User(), reach)
			return err
		})
	} else {
		reach = filter.MustCondition("m.tenant_id", filter.Exact, r.Tenant())
	}
	if r.Includes("users", "memberships") && r.Query.Include["memberships.tenant"] && r.Shows("memberships", "tenant") && (oneself || others) {
		reads = append(reads, func(db system.DB) (err error) {
			found.tenants, err = tenants.Included(ctx, db, r.User(), reach, maxMemberships)
			return err
		})
	}
	if len(reads) > 0 {
		err = system.Together(ctx, h.system.Read(system.Self, r.User()), reads...)
	}
	return found, err
}

func ownMemberships(ctx context.Context, db system.DB, user uuid.UUID, where filter.Fragment) ([]identity.Membership, error) {
	queries := systemdb.New(db.Shaped(map[string]filter.Fragment{"where": where, "order": {}, "position": {}}))
	rows, err := queries.ListOwnMemberships(ctx, systemdb.ListOwnMembershipsParams{UserID: user, PageSize: maxMemberships})
	own := make([]identity.Membership, len(rows))
	for i, row := range rows {
		own[i] = identity.Membership{ID: row.ID, TenantID: row.TenantID, UserID: row.UserID, Role: row.Role, DateJoined: row.DateJoined}
	}
	return own, err
}

// maxMemberships bounds how many of a person's memberships one answer lists.
const maxMemberships = 1000

func resource(row tenantdb.ListUsersRow, belongs []identity.Membership, holds []uuid.UUID) jsonapi.Resource {
	places := make([]string, len(belongs))
	for i, one := range belongs {
		places[i] = one.ID.String()
	}
	return jsonapi.Resource{Type: "users", ID: row.ID.String(),
		Attributes:    jsonapi.Attributes(Attributes{Name: row.Name, Email: row.Email, CompanyName: row.CompanyName, DateJoined: row.DateJoined}),
		Relationships: []jsonapi.Relation{jsonapi.ToMany("memberships", "memberships", places), jsonapi.ToMany("roles", "roles", jsonapi.IDs(holds))}}
}
