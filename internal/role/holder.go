package role

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// AddTo gives roles to a member; ids that the tenant does not have are passed over. A role that the member holds already is
// a refusal.
func (s *Service) AddTo(ctx context.Context, scope tenant.Scope, user uuid.UUID, roles []uuid.UUID) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if err := isMember(ctx, queries, user); err != nil {
			return err
		}
		held, err := queries.CountUserRoles(ctx, tenantdb.CountUserRolesParams{UserID: user, RoleIds: roles})
		if err != nil {
			return wrap(err, "count roles held")
		}
		if held > 0 {
			return jsonapi.AlreadyLinked("One or more roles are already associated with the user.")
		}
		_, err = queries.AddUserRoles(ctx, tenantdb.AddUserRolesParams{UserID: user, RoleIds: roles})
		return explain(err, "give roles")
	})
}

// ReplaceOf lets a member hold exactly those of the roles that the tenant has; somebody must manage the account afterwards.
func (s *Service) ReplaceOf(ctx context.Context, scope tenant.Scope, user uuid.UUID, roles []uuid.UUID) error {
	return s.change(ctx, scope, func(ctx context.Context, queries *tenantdb.Queries) error {
		if err := isMember(ctx, queries, user); err != nil {
			return err
		}
		if err := queries.ClearUserRoles(ctx, user); err != nil {
			return wrap(err, "take roles")
		}
		_, err := queries.AddUserRoles(ctx, tenantdb.AddUserRolesParams{UserID: user, RoleIds: roles})
		return explain(err, "give roles")
	}, lockedOut())
}

// TakeFrom takes all roles from a member; nobody takes their own.
func (s *Service) TakeFrom(ctx context.Context, scope tenant.Scope, user uuid.UUID) error {
	return s.change(ctx, scope, func(ctx context.Context, queries *tenantdb.Queries) error {
		if err := isMember(ctx, queries, user); err != nil {
			return err
		}
		if user == scope.User() {
			return jsonapi.Detail{Status: 400, Text: "Users cannot delete the relationship with their role."}
		}
		return wrap(queries.ClearUserRoles(ctx, user), "take roles")
	}, lockedOut())
}

func isMember(ctx context.Context, queries *tenantdb.Queries, user uuid.UUID) error {
	_, err := queries.MemberRole(ctx, user)
	if errors.Is(err, pgx.ErrNoRows) {
		return jsonapi.NotFound("User")
	}
	return wrap(err, "check membership")
}

func lockedOut() error {
	return jsonapi.Invalid("At least one user in the tenant must retain MANAGE_ACCOUNT. Assign MANAGE_ACCOUNT to another user before removing it here.")
}
