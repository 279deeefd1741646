package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/system"
)

// Leave ends a membership: a member's own, or any when the requester owns the tenant. The last owner stays, and so does
// whoever alone manages the account. Roles that nobody holds then and no invitation brings go too, a person without any
// membership left loses the account, and a tenant without any member is deleted.
func (s *Service) Leave(ctx context.Context, requester, tenant, membership uuid.UUID) error {
	return s.system.WriteAgain(ctx, system.Self, requester, func(ctx context.Context, db system.DB) error {
		queries := systemdb.New(db)
		if err := queries.LockOneTenant(ctx, tenant); err != nil {
			return fmt.Errorf("lock tenant: %w", err)
		}
		leaver, err := mayEnd(ctx, queries, requester, tenant, membership)
		if err != nil {
			return err
		}
		held, err := queries.ListHeldRoles(ctx, systemdb.ListHeldRolesParams{TenantID: tenant, UserID: leaver})
		if err != nil {
			return fmt.Errorf("list roles: %w", err)
		}
		if err := queries.DeleteMembership(ctx, systemdb.DeleteMembershipParams{TenantID: tenant, ID: membership}); err != nil {
			return fmt.Errorf("delete membership: %w", err)
		}
		if err := s.settle(ctx, db, []uuid.UUID{tenant}); err != nil {
			return err
		}
		if err := queries.DeleteUnusedRoles(ctx, systemdb.DeleteUnusedRolesParams{TenantID: tenant, Ids: held}); err != nil {
			return fmt.Errorf("delete unused roles: %w", err)
		}
		return closeHomeless(ctx, queries, []uuid.UUID{leaver})
	})
}

// DeleteTenant deletes an organisation for one of its owners. When it returns, nobody is a member, nobody can become one, no
// token or key leads there, and people who were members of no other are gone; its rows are erased afterwards.
func (s *Service) DeleteTenant(ctx context.Context, requester, tenant uuid.UUID) error {
	return s.system.WriteAgain(ctx, system.Self, requester, func(ctx context.Context, db system.DB) error {
		queries := systemdb.New(db)
		if err := queries.LockOneTenant(ctx, tenant); err != nil {
			return fmt.Errorf("lock tenant: %w", err)
		}
		standing, err := standingIn(ctx, queries, requester, tenant)
		if err != nil {
			return err
		}
		if standing != "owner" {
			return forbidden("Only owners can delete a tenant.")
		}
		members, err := queries.DeleteMemberships(ctx, tenant)
		if err != nil {
			return fmt.Errorf("delete memberships: %w", err)
		}
		if err := closeHomeless(ctx, queries, members); err != nil {
			return err
		}
		return s.settle(ctx, db, []uuid.UUID{tenant})
	})
}

// Close removes a person's account with all memberships. It is refused where it would leave the other members of an
// organisation without anybody who manages the account; organisations without other members are deleted.
func (s *Service) Close(ctx context.Context, user uuid.UUID) error {
	err := errJoinedMeanwhile
	for try := 0; errors.Is(err, errJoinedMeanwhile) && try < 5; try++ {
		err = s.system.WriteAgain(ctx, system.Self, user, func(ctx context.Context, db system.DB) error { return s.closeIn(ctx, db, user) })
	}
	return err
}

// errJoinedMeanwhile says that a person became a member of another organisation while their account was being closed.
var errJoinedMeanwhile = errors.New("the person joined another tenant meanwhile")

func (s *Service) closeIn(ctx context.Context, db system.DB, user uuid.UUID) error {
	queries := systemdb.New(db)
	tenants, err := queries.LockOwnTenants(ctx, user)
	if err != nil {
		return fmt.Errorf("lock tenants: %w", err)
	}
	if _, err := queries.LockUsers(ctx, []uuid.UUID{user}); err != nil {
		return fmt.Errorf("lock user: %w", err)
	}
	// From here on they join nothing. Tenants are locked before people, so one that they have just joined needs another try.
	joined, err := queries.ListTenantsOf(ctx, user)
	if err != nil {
		return fmt.Errorf("list tenants: %w", err)
	}
	if !slices.Equal(tenants, joined) {
		return errJoinedMeanwhile
	}
	deleted, err := queries.DeleteUser(ctx, user)
	if err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	if deleted == 0 {
		return jsonapi.NotFound("User")
	}
	return s.settle(ctx, db, tenants)
}

// settle looks at tenants that members have left, which the transaction has locked: those that still have some need somebody
// who manages the account, those that have none are deleted.
func (s *Service) settle(ctx context.Context, db system.DB, tenants []uuid.UUID) error {
	queries := systemdb.New(db)
	stranded, err := queries.CountLockedOut(ctx, tenants)
	if err != nil {
		return fmt.Errorf("look for account managers: %w", err)
	}
	if stranded > 0 {
		return errStranded
	}
	empty, err := queries.CondemnEmptyTenants(ctx, tenants)
	if err != nil {
		return fmt.Errorf("mark empty tenants: %w", err)
	}
	if len(empty) == 0 {
		return nil
	}
	return s.eraser.Enqueue(ctx, db, empty)
}

// closeHomeless closes the accounts of those of some people who are members of nothing.
func closeHomeless(ctx context.Context, queries *systemdb.Queries, people []uuid.UUID) error {
	if _, err := queries.LockUsers(ctx, people); err != nil {
		return fmt.Errorf("lock users: %w", err)
	}
	if err := queries.DeleteHomelessUsers(ctx, people); err != nil {
		return fmt.Errorf("delete users: %w", err)
	}
	return nil
}

// errStranded is the refusal of what would leave an organisation's members without anybody who manages the account.
var errStranded = jsonapi.Invalid("At least one user in the tenant must retain MANAGE_ACCOUNT. Assign MANAGE_ACCOUNT to another user first.")

// mayEnd finds whose membership it is and refuses what the requester may not end.
func mayEnd(ctx context.Context, queries *systemdb.Queries, requester, tenant, membership uuid.UUID) (leaver uuid.UUID, err error) {
	standing, err := standingIn(ctx, queries, requester, tenant)
	if err != nil {
		return uuid.Nil, err
	}
	row, err := queries.FindMembership(ctx, systemdb.FindMembershipParams{TenantID: tenant, ID: membership})
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, jsonapi.NotFound("Membership")
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("find membership: %w", err)
	}
	if standing != "owner" && row.UserID != requester {
		return uuid.Nil, forbidden("You do not have permission to delete this membership.")
	}
	if standing == "owner" && row.UserID == requester {
		owners, err := queries.CountOwners(ctx, tenant)
		if err != nil {
			return uuid.Nil, fmt.Errorf("count owners: %w", err)
		}
		if owners < 2 {
			return uuid.Nil, forbidden("You cannot delete your own membership as the last owner.")
		}
	}
	return row.UserID, nil
}

// standingIn is whether a person owns a tenant or is a plain member; for anybody else there is no such tenant.
func standingIn(ctx context.Context, queries *systemdb.Queries, person, tenant uuid.UUID) (string, error) {
	standing, err := queries.StandingIn(ctx, systemdb.StandingInParams{TenantID: tenant, UserID: person})
	if errors.Is(err, pgx.ErrNoRows) {
		return "", jsonapi.NotFound("Tenant")
	}
	if err != nil {
		return "", fmt.Errorf("check membership: %w", err)
	}
	return standing, nil
}

func forbidden(detail string) jsonapi.Error {
	return jsonapi.Error{Status: http.StatusForbidden, Code: "permission_denied", Pointer: "/data", Detail: detail}
}
