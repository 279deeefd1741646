package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/system"
)

// Leave ends a membership: a member's own, or any when the requester owns the tenant. The last owner stays, and so does
// whoever alone manages the account. Roles that nobody holds then and no invitation brings go too, and a person without any
// membership left loses the account.
func (s *Service) Leave(ctx context.Context, requester, tenant, membership uuid.UUID) error {
	return s.system.Write(ctx, system.Self, requester, func(ctx context.Context, db system.DB) error {
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
		stranded, err := queries.CountLockedOut(ctx, []uuid.UUID{tenant})
		if err != nil {
			return fmt.Errorf("look for account managers: %w", err)
		}
		if stranded > 0 {
			return errStranded
		}
		if err := queries.DeleteUnusedRoles(ctx, systemdb.DeleteUnusedRolesParams{TenantID: tenant, Ids: held}); err != nil {
			return fmt.Errorf("delete unused roles: %w", err)
		}
		if err := queries.DeleteHomelessUser(ctx, leaver); err != nil {
			return fmt.Errorf("delete user: %w", err)
		}
		return nil
	})
}

// errStranded is the refusal of what would leave an organisation's members without anybody who manages the account.
var errStranded = jsonapi.Invalid("At least one user in the tenant must retain MANAGE_ACCOUNT. Assign MANAGE_ACCOUNT to another user first.")

// mayEnd finds whose membership it is and refuses what the requester may not end.
func mayEnd(ctx context.Context, queries *systemdb.Queries, requester, tenant, membership uuid.UUID) (leaver uuid.UUID, err error) {
	standing, err := queries.StandingIn(ctx, systemdb.StandingInParams{TenantID: tenant, UserID: requester})
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, jsonapi.NotFound("Tenant")
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("check membership: %w", err)
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

func forbidden(detail string) jsonapi.Error {
	return jsonapi.Error{Status: http.StatusForbidden, Code: "permission_denied", Pointer: "/data", Detail: detail}
}
