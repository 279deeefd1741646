// Package providergroup changes provider groups: which providers belong together and which roles show them. Providers that
// the subject does not see do not exist for it: it can neither add nor remove them.
//
// What does not belong here: HTTP, decisions, and reading lists (internal/api/providergroups).
package providergroup

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

// Service changes provider groups.
type Service struct{ tenants *tenant.Executor }

// New returns a Service.
func New(tenants *tenant.Executor) *Service { return &Service{tenants: tenants} }

// Change is what a request says about a provider group; nil leaves a member as it is.
type Change struct {
	Name      *string
	Tags      *[]string // without repetitions
	Providers *[]uuid.UUID
	Roles     *[]uuid.UUID
}

// Create makes a provider group. Refusals: a name that is taken, a provider that is not seen, a role that is not the tenant's.
func (s *Service) Create(ctx context.Context, scope tenant.Scope, change Change) (uuid.UUID, error) {
	id := uuid.New()
	err := s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if err := check(ctx, queries, change); err != nil {
			return err
		}
		err := queries.CreateProviderGroup(ctx, tenantdb.CreateProviderGroupParams{TenantID: scope.Tenant(), ID: id, Name: *change.Name})
		if err != nil {
			return explain(err, "create provider group")
		}
		return link(ctx, queries, scope.Tenant(), id, change)
	})
	return id, err
}

// Update changes a provider group; the refusals are those of Create.
func (s *Service) Update(ctx context.Context, scope tenant.Scope, id uuid.UUID, change Change) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if err := lock(ctx, queries, id); err != nil {
			return err
		}
		if err := check(ctx, queries, change); err != nil {
			return err
		}
		if change.Name != nil {
			if err := queries.RenameProviderGroup(ctx, tenantdb.RenameProviderGroupParams{ID: id, Name: *change.Name}); err != nil {
				return explain(err, "rename provider group")
			}
		}
		return link(ctx, queries, scope.Tenant(), id, change)
	})
}

// Delete removes a provider group.
func (s *Service) Delete(ctx context.Context, scope tenant.Scope, id uuid.UUID) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		deleted, err := tenantdb.New(tx).DeleteProviderGroup(ctx, id)
		if err == nil && deleted == 0 {
			return jsonapi.NotFound("ProviderGroup")
		}
		return wrap(err, "delete provider group")
	})
}

// AddProviders puts providers into a group. A provider that is in it already and one that is not seen are refusals.
func (s *Service) AddProviders(ctx context.Context, scope tenant.Scope, id uuid.UUID, providers []uuid.UUID) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if err := lock(ctx, queries, id); err != nil {
			return err
		}
		linked, err := queries.CountGroupProviders(ctx, tenantdb.CountGroupProvidersParams{ProviderGroupID: id, ProviderIds: providers})
		if err != nil {
			return wrap(err, "count providers of the group")
		}
		if linked > 0 {
			return jsonapi.AlreadyLinked("One or more providers are already associated with the provider_group.")
		}
		if err := accessible(ctx, queries, providers); err != nil {
			return err
		}
		return addProviders(ctx, queries, scope.Tenant(), id, providers)
	})
}

// ReplaceProviders lets a group hold exactly these of the providers that the subject sees.
func (s *Service) ReplaceProviders(ctx context.Context, scope tenant.Scope, id uuid.UUID, providers []uuid.UUID) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if err := lock(ctx, queries, id); err != nil {
			return err
		}
		if err := accessible(ctx, queries, providers); err != nil {
			return err
		}
		if err := queries.ClearGroupProviders(ctx, id); err != nil {
			return wrap(err, "clear providers")
		}
		return addProviders(ctx, queries, scope.Tenant(), id, providers)
	})
}

func lock(ctx context.Context, queries *tenantdb.Queries, id uuid.UUID) error {
	_, err := queries.LockProviderGroup(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return jsonapi.NotFound("ProviderGroup")
	}
	return wrap(err, "lock provider group")
}

func check(ctx context.Context, queries *tenantdb.Queries, change Change) error {
	var refusals jsonapi.Errors
	related := []struct {
		name string
		ids  *[]uuid.UUID
		find func(context.Context, []uuid.UUID) ([]uuid.UUID, error)
	}{{"providers", change.Providers, queries.FindProviders}, {"roles", change.Roles, queries.FindRoles}}
	for _, one := range related {
		if one.ids == nil || len(*one.ids) == 0 {
			continue
		}
		found, err := one.find(ctx, *one.ids)
		if err != nil {
			return wrap(err, "find "+one.name)
		}
		if i := slices.IndexFunc(*one.ids, func(id uuid.UUID) bool { return !slices.Contains(found, id) }); i >= 0 {
			refusals = append(refusals, jsonapi.DoesNotExist(one.name, (*one.ids)[i]))
		}
	}
	if len(refusals) > 0 {
		return refusals
	}
	if change.Name == nil {
		return nil
	}
	taken, err := queries.ProviderGroupNameTaken(ctx, *change.Name)
	if err == nil && taken {
		return nameTaken()
	}
	return wrap(err, "look for the name")
}

func accessible(ctx context.Context, queries *tenantdb.Queries, providers []uuid.UUID) error {
	found, err := queries.FindProviders(ctx, providers)
	if err == nil && len(found) != len(providers) {
		return jsonapi.Invalid("One or more providers do not exist or are not accessible.")
	}
	return wrap(err, "find providers")
}

func link(ctx context.Context, queries *tenantdb.Queries, tenantID, id uuid.UUID, change Change) error {
	if change.Tags != nil {
		if err := tag(ctx, queries, tenantID, id, *change.Tags); err != nil {
			return err
		}
	}
	if change.Providers != nil {
		if err := queries.ClearGroupProviders(ctx, id); err != nil {
			return wrap(err, "clear providers")
		}
		if err := addProviders(ctx, queries, tenantID, id, *change.Providers); err != nil {
			return err
		}
	}
	if change.Roles != nil {
		if err := queries.ClearGroupRoles(ctx, id); err != nil {
			return wrap(err, "clear roles")
		}
		err := queries.AddGroupRoles(ctx, tenantdb.AddGroupRolesParams{TenantID: tenantID, ProviderGroupID: id, RoleIds: *change.Roles})
		return explain(err, "add roles")
	}
	return nil
}

func tag(ctx context.Context, queries *tenantdb.Queries, tenantID, id uuid.UUID, tags []string) error {
	if err := queries.ClearGroupTags(ctx, id); err != nil {
		return wrap(err, "clear tags")
	}
	if err := queries.AddGroupTags(ctx, tenantdb.AddGroupTagsParams{TenantID: tenantID, ProviderGroupID: id, Tags: tags}); err != nil {
		return wrap(err, "add tags")
	}
	return wrap(queries.TouchProviderGroup(ctx, id), "note the change of tags")
}

func addProviders(ctx context.Context, queries *tenantdb.Queries, tenantID, id uuid.UUID, providers []uuid.UUID) error {
	err := queries.AddGroupProviders(ctx, tenantdb.AddGroupProvidersParams{TenantID: tenantID, ProviderGroupID: id, ProviderIds: providers})
	return explain(err, "add providers")
}

func nameTaken() error {
	return jsonapi.Field("name", "invalid", "A provider group with this name already exists.")
}

// explain turns what a change that ran meanwhile made impossible into the refusal that it would have met a moment later.
func explain(err error, doing string) error {
	switch {
	case tenant.Violates(err, "provider_groups_tenant_id_name_key"):
		return nameTaken()
	case tenant.Violates(err, "provider_group_providers_tenant_id_provider_id_fkey"):
		return jsonapi.Invalid("One or more providers do not exist or are not accessible.")
	case tenant.Violates(err, "role_provider_groups_tenant_id_role_id_fkey"):
		return jsonapi.Relationship("roles", "does_not_exist", "A role does not exist any more.")
	}
	return wrap(err, doing)
}

func wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
