// Package invitation makes, changes and takes back the invitations of a tenant. Accepting one makes a person a member and is
// internal/identity's.
package invitation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/readable"
	"github.com/palisade-sec/palisade/internal/role"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Lifetime is how long an invitation holds when nobody says otherwise.
const Lifetime = 7 * 24 * time.Hour

// Notice is the shortest time that an invitation may hold.
const Notice = 24 * time.Hour

// Service changes invitations.
type Service struct{ tenants *tenant.Executor }

// New returns a Service.
func New(tenants *tenant.Executor) *Service { return &Service{tenants: tenants} }

// Change is what a request says about an invitation; nil leaves a member as it is. The address is in its normal form.
type Change struct {
	Email     *string
	ExpiresAt *time.Time
	Roles     *[]uuid.UUID
}

// Create invites an address. Refusals: a member's address, an address that is invited already, a role that is not the tenant's.
func (s *Service) Create(ctx context.Context, scope tenant.Scope, change Change) (uuid.UUID, error) {
	id := uuid.New()
	expires := time.Now().Add(Lifetime)
	if change.ExpiresAt != nil {
		expires = *change.ExpiresAt
	}
	err := s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if err := check(ctx, queries, scope.Tenant(), change); err != nil {
			return err
		}
		inviter := scope.User()
		err := queries.CreateInvitation(ctx, tenantdb.CreateInvitationParams{TenantID: scope.Tenant(), ID: id, Email: *change.Email,
			Token: NewToken(), ExpiresAt: expires, InviterID: &inviter})
		if err != nil {
			return fmt.Errorf("create invitation: %w", err)
		}
		return replaceRoles(ctx, queries, scope.Tenant(), id, change.Roles)
	})
	return id, err
}

// Update changes an invitation that waits for an answer; the other refusals are those of Create.
func (s *Service) Update(ctx context.Context, scope tenant.Scope, id uuid.UUID, change Change) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		row, err := pending(ctx, queries, id, "This invitation cannot be updated.")
		if err != nil {
			return err
		}
		if err := check(ctx, queries, scope.Tenant(), change); err != nil {
			return err
		}
		if change.Email != nil {
			row.Email = *change.Email
		}
		if change.ExpiresAt != nil {
			row.ExpiresAt = *change.ExpiresAt
		}
		if err := queries.UpdateInvitation(ctx, tenantdb.UpdateInvitationParams{ID: id, Email: row.Email, ExpiresAt: row.ExpiresAt}); err != nil {
			return fmt.Errorf("update invitation: %w", err)
		}
		return replaceRoles(ctx, queries, scope.Tenant(), id, change.Roles)
	})
}

// Revoke takes back an invitation that waits for an answer.
func (s *Service) Revoke(ctx context.Context, scope tenant.Scope, id uuid.UUID) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if _, err := pending(ctx, queries, id, "This invitation cannot be revoked."); err != nil {
			return err
		}
		if err := queries.RevokeInvitation(ctx, id); err != nil {
			return fmt.Errorf("revoke invitation: %w", err)
		}
		return nil
	})
}

func pending(ctx context.Context, queries *tenantdb.Queries, id uuid.UUID, refusal string) (tenantdb.LockInvitationRow, error) {
	row, err := queries.LockInvitation(ctx, id)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return row, jsonapi.NotFound("Invitation")
	case err != nil:
		return row, fmt.Errorf("lock invitation: %w", err)
	case row.State != "pending":
		return row, jsonapi.Invalid(refusal)
	}
	return row, nil
}

// check refuses addresses and roles. Changes of invitations and of roles wait for each other at the tenant's row: of two
// invitations of one address one is made, and no role goes while an invitation takes it up.
func check(ctx context.Context, queries *tenantdb.Queries, tenantID uuid.UUID, change Change) error {
	var refusals jsonapi.Errors
	if _, err := queries.LockTenant(ctx, tenantID); err != nil {
		return fmt.Errorf("lock tenant: %w", err)
	}
	if change.Email != nil {
		refusal, err := checkEmail(ctx, queries, *change.Email)
		if err != nil {
			return err
		}
		if refusal != "" {
			refusals = append(refusals, jsonapi.Field("email", "invalid", refusal))
		}
	}
	if change.Roles != nil && len(*change.Roles) > 0 {
		found, err := queries.FindRoles(ctx, *change.Roles)
		if err != nil {
			return fmt.Errorf("find roles: %w", err)
		}
		if missing, ok := role.Missing(*change.Roles, found); ok {
			refusals = append(refusals, jsonapi.DoesNotExist("roles", missing))
		}
	}
	if len(refusals) > 0 {
		return refusals
	}
	return nil
}

func checkEmail(ctx context.Context, queries *tenantdb.Queries, email string) (refusal string, err error) {
	member, err := queries.EmailIsMember(ctx, email)
	if err != nil {
		return "", fmt.Errorf("look for a member: %w", err)
	}
	if member {
		return "The user may already be a member of the tenant or there was an issue with the email provided.", nil
	}
	invited, err := queries.EmailIsInvited(ctx, email)
	if err != nil {
		return "", fmt.Errorf("look for an invitation: %w", err)
	}
	if invited {
		return "Unable to process your request. Please check the information provided and try again.", nil
	}
	return "", nil
}

func replaceRoles(ctx context.Context, queries *tenantdb.Queries, tenantID, id uuid.UUID, roles *[]uuid.UUID) error {
	if roles == nil {
		return nil
	}
	if err := queries.ClearInvitationRoles(ctx, id); err != nil {
		return fmt.Errorf("clear roles: %w", err)
	}
	err := queries.AddInvitationRoles(ctx, tenantdb.AddInvitationRolesParams{TenantID: tenantID, InvitationID: id, RoleIds: *roles})
	if tenant.Violates(err, "invitation_roles_tenant_id_role_id_fkey") {
		return jsonapi.Relationship("roles", "does_not_exist", "A role does not exist any more.")
	}
	if err != nil {
		return fmt.Errorf("add roles: %w", err)
	}
	return nil
}

// NewToken makes the secret of an invitation: 14 characters, 68 bits.
func NewToken() string { return readable.Text(14) }
