// Package role changes who may do what inside a tenant: roles, the members who hold them and the provider groups that they
// show. It keeps the rules that hold whatever a request says: members of the tenant only, the role admin stays as it is, and
// somebody always manages the account.
//
// What does not belong here: deciding whether a subject may do something (internal/authz), HTTP, and reading lists
// (internal/api/roles).
package role

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Admin is the name of the role that a tenant's founder gets; it can be neither changed nor removed.
const Admin = "admin"

// Service changes roles.
type Service struct{ tenants *tenant.Executor }

// New returns a Service.
func New(tenants *tenant.Executor) *Service { return &Service{tenants: tenants} }

// Change is what a request says about a role; nil leaves a member as it is.
type Change struct {
	Name                *string
	ManageUsers         *bool
	ManageAccount       *bool
	ManageProviders     *bool
	ManageIntegrations  *bool
	ManageScans         *bool
	UnlimitedVisibility *bool
	Users               *[]uuid.UUID
	ProviderGroups      *[]uuid.UUID
}

// Create makes a role. Refusals: a name that is taken, a user who is no member, a group that is not the tenant's.
func (s *Service) Create(ctx context.Context, scope tenant.Scope, change Change) (uuid.UUID, error) {
	id := uuid.New()
	err := s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if err := checkLinks(ctx, queries, change); err != nil {
			return err
		}
		role, err := change.apply(ctx, queries, tenantdb.GetRoleRow{ID: id})
		if err != nil {
			return err
		}
		err = queries.CreateRole(ctx, tenantdb.CreateRoleParams{TenantID: scope.Tenant(), ID: id, Name: role.Name, ManageUsers: role.ManageUsers,
			ManageAccount: role.ManageAccount, ManageProviders: role.ManageProviders, ManageIntegrations: role.ManageIntegrations,
			ManageScans: role.ManageScans, UnlimitedVisibility: role.UnlimitedVisibility})
		if err != nil {
			return explain(err, "create role")
		}
		return link(ctx, queries, scope.Tenant(), id, change)
	})
	return id, err
}

// Update changes a role. Besides the refusals of Create: the role admin, leaving a role of one's own, and a tenant without
// anybody who manages the account. Nobody takes the management of the account from a role that they hold themselves: that
// part of a change is dropped without a word, as the wire does.
func (s *Service) Update(ctx context.Context, scope tenant.Scope, id uuid.UUID, change Change) error {
	return s.change(ctx, scope, func(ctx context.Context, queries *tenantdb.Queries) error {
		role, err := get(ctx, queries, scope, id)
		if err != nil {
			return err
		}
		if err := checkLinks(ctx, queries, change); err != nil {
			return err
		}
		if role.Name == Admin {
			return jsonapi.Field("name", "invalid", "The admin role cannot be updated.")
		}
		if role.Held {
			change.ManageAccount = nil
			if change.Users != nil && !slices.Contains(*change.Users, scope.User()) {
				return jsonapi.Invalid("Users cannot remove their own role.")
			}
		}
		if role, err = change.apply(ctx, queries, role); err != nil {
			return err
		}
		err = queries.UpdateRole(ctx, tenantdb.UpdateRoleParams{ID: id, Name: role.Name, ManageUsers: role.ManageUsers, ManageAccount: role.ManageAccount,
			ManageProviders: role.ManageProviders, ManageIntegrations: role.ManageIntegrations, ManageScans: role.ManageScans,
			UnlimitedVisibility: role.UnlimitedVisibility})
		if err != nil {
			return explain(err, "update role")
		}
		return link(ctx, queries, scope.Tenant(), id, change)
	}, jsonapi.Invalid("At least one user in the tenant must retain MANAGE_ACCOUNT. "+
		"Assign this MANAGE_ACCOUNT role to at least one user or ensure another user has it."))
}

// Delete removes a role. The role admin and the last role that manages the account stay.
func (s *Service) Delete(ctx context.Context, scope tenant.Scope, id uuid.UUID) error {
	return s.change(ctx, scope, func(ctx context.Context, queries *tenantdb.Queries) error {
		role, err := get(ctx, queries, scope, id)
		if err != nil {
			return err
		}
		if role.Name == Admin {
			return jsonapi.Invalid("The admin role cannot be deleted.")
		}
		_, err = queries.DeleteRole(ctx, id)
		return wrap(err, "delete role")
	}, jsonapi.Detail{Status: 400, Text: "Cannot delete the only role with MANAGE_ACCOUNT in the tenant."})
}

// AddProviderGroups links a role to provider groups; ids that the tenant does not have are passed over. A group that is
// linked already is a refusal.
func (s *Service) AddProviderGroups(ctx context.Context, scope tenant.Scope, id uuid.UUID, groups []uuid.UUID) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if _, err := get(ctx, queries, scope, id); err != nil {
			return err
		}
		linked, err := queries.CountRoleProviderGroups(ctx, tenantdb.CountRoleProviderGroupsParams{RoleID: id, ProviderGroupIds: groups})
		if err != nil {
			return wrap(err, "count linked provider groups")
		}
		if linked > 0 {
			return jsonapi.AlreadyLinked("One or more provider groups are already associated with the role.")
		}
		return wrap(queries.AddRoleProviderGroups(ctx, tenantdb.AddRoleProviderGroupsParams{RoleID: id, ProviderGroupIds: groups}), "link provider groups")
	})
}

// ReplaceProviderGroups links a role to exactly those of the provider groups that the tenant has.
func (s *Service) ReplaceProviderGroups(ctx context.Context, scope tenant.Scope, id uuid.UUID, groups []uuid.UUID) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if _, err := get(ctx, queries, scope, id); err != nil {
			return err
		}
		return replaceGroups(ctx, queries, id, groups)
	})
}

// change runs a change that could take the management of the account away from everybody: after those that came before it,
// and undone with the refusal when nobody manages the account in the end.
func (s *Service) change(ctx context.Context, scope tenant.Scope, fn func(context.Context, *tenantdb.Queries) error, lockedOut error) error {
	return s.tenants.WriteAgain(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if _, err := queries.LockTenant(ctx, scope.Tenant()); err != nil {
			return wrap(err, "lock tenant")
		}
		if err := fn(ctx, queries); err != nil {
			return err
		}
		managed, err := queries.HasAccountManager(ctx)
		if err != nil {
			return wrap(err, "look for an account manager")
		}
		if !managed {
			return lockedOut
		}
		return nil
	})
}

func get(ctx context.Context, queries *tenantdb.Queries, scope tenant.Scope, id uuid.UUID) (tenantdb.GetRoleRow, error) {
	role, err := queries.GetRole(ctx, tenantdb.GetRoleParams{ID: id, UserID: scope.User()})
	if errors.Is(err, pgx.ErrNoRows) {
		return role, jsonapi.NotFound("Role")
	}
	return role, wrap(err, "get role")
}

// apply puts the change into a role. Managing providers brings unlimited visibility, unless a later change takes only that.
func (c Change) apply(ctx context.Context, queries *tenantdb.Queries, role tenantdb.GetRoleRow) (tenantdb.GetRoleRow, error) {
	if c.Name != nil {
		taken, err := queries.RoleNameTaken(ctx, *c.Name)
		if err != nil {
			return role, wrap(err, "look for the name")
		}
		if taken {
			return role, nameTaken()
		}
		role.Name = *c.Name
	}
	set := func(flag *bool, to *bool) {
		if to != nil {
			*flag = *to
		}
	}
	set(&role.ManageUsers, c.ManageUsers)
	set(&role.ManageAccount, c.ManageAccount)
	set(&role.ManageProviders, c.ManageProviders)
	set(&role.ManageIntegrations, c.ManageIntegrations)
	set(&role.ManageScans, c.ManageScans)
	set(&role.UnlimitedVisibility, c.UnlimitedVisibility)
	if c.ManageProviders != nil && *c.ManageProviders {
		role.UnlimitedVisibility = true
	}
	return role, nil
}

// checkLinks refuses users who are no members and groups that are not the tenant's.
func checkLinks(ctx context.Context, queries *tenantdb.Queries, change Change) error {
	var refusals jsonapi.Errors
	check := func(relationship string, ids *[]uuid.UUID, find func(context.Context, []uuid.UUID) ([]uuid.UUID, error)) error {
		if ids == nil || len(*ids) == 0 {
			return nil
		}
		found, err := find(ctx, *ids)
		if err != nil {
			return wrap(err, "find "+relationship)
		}
		if missing, ok := Missing(*ids, found); ok {
			refusals = append(refusals, jsonapi.DoesNotExist(relationship, missing))
		}
		return nil
	}
	if err := check("users", change.Users, queries.FindMembers); err != nil {
		return err
	}
	if err := check("provider_groups", change.ProviderGroups, queries.FindProviderGroups); err != nil {
		return err
	}
	if len(refusals) > 0 {
		return refusals
	}
	return nil
}

// Missing is the first of the wanted ids that was not found.
func Missing(wanted, found []uuid.UUID) (uuid.UUID, bool) {
	i := slices.IndexFunc(wanted, func(id uuid.UUID) bool { return !slices.Contains(found, id) })
	if i < 0 {
		return uuid.Nil, false
	}
	return wanted[i], true
}

func link(ctx context.Context, queries *tenantdb.Queries, tenantID, id uuid.UUID, change Change) error {
	if change.Users != nil {
		if err := queries.ClearRoleUsers(ctx, id); err != nil {
			return wrap(err, "take the role")
		}
		if err := queries.AddRoleUsers(ctx, tenantdb.AddRoleUsersParams{TenantID: tenantID, RoleID: id, UserIds: *change.Users}); err != nil {
			return explain(err, "give the role")
		}
	}
	if change.ProviderGroups != nil {
		return replaceGroups(ctx, queries, id, *change.ProviderGroups)
	}
	return nil
}

func replaceGroups(ctx context.Context, queries *tenantdb.Queries, id uuid.UUID, groups []uuid.UUID) error {
	if err := queries.ClearRoleProviderGroups(ctx, id); err != nil {
		return wrap(err, "unlink provider groups")
	}
	return wrap(queries.AddRoleProviderGroups(ctx, tenantdb.AddRoleProviderGroupsParams{RoleID: id, ProviderGroupIds: groups}), "link provider groups")
}

func nameTaken() error {
	return jsonapi.Field("name", "invalid", "A role with this name already exists.")
}

// explain turns what a change that ran meanwhile made impossible into the refusal that it would have met a moment later.
func explain(err error, doing string) error {
	switch {
	case tenant.Violates(err, "roles_tenant_id_name_key"):
		return nameTaken()
	case tenant.Violates(err, "role_users_tenant_id_user_id_fkey"):
		return jsonapi.Relationship("users", "does_not_exist", "A user is no member of the tenant any more.")
	}
	return wrap(err, doing)
}

func wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
