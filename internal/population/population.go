// Package population reads what a policy decides about: the organisations with their people, roles, provider groups and
// providers, from a database or from a file.
//
// What does not belong here: decisions (internal/authz) and what differs between two of them (internal/policydiff).
package population

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/session"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Tenant is one organisation as far as policy looks at it.
type Tenant struct {
	ID        uuid.UUID
	Name      string
	Roles     []authz.Role
	People    []Person
	Providers []authz.Provider
}

// Person is somebody with the roles that they hold in the tenant.
type Person struct {
	ID    uuid.UUID
	Email string
	Roles []authz.Role
}

// Read reads everything from a database. Which tenants there are is asked in a system scope of its own, the rest inside
// each tenant.
func Read(ctx context.Context, systems *system.Executor, tenants *tenant.Executor) ([]Tenant, error) {
	rows, err := systemdb.New(systems.Read(system.Policy, uuid.Nil)).ListTenantsForPolicy(ctx)
	if err != nil {
		return nil, fmt.Errorf("list organisations: %w", err)
	}
	all := make([]Tenant, len(rows))
	for i, row := range rows {
		if all[i], err = readTenant(ctx, tenants, row.ID, row.Name); err != nil {
			return nil, fmt.Errorf("read organisation %s: %w", row.ID, err)
		}
	}
	return all, nil
}

func readTenant(ctx context.Context, tenants *tenant.Executor, id uuid.UUID, name string) (Tenant, error) {
	one := Tenant{ID: id, Name: name}
	var err error
	if one.Roles, err = session.RolesOf(ctx, tenants, id); err != nil {
		return one, err
	}
	people, err := tenantdb.New(tenants.Read(tenant.NewScope(id, uuid.Nil, tenant.SeeNone()))).ListPeopleForPolicy(ctx)
	if err != nil {
		return one, fmt.Errorf("list people: %w", err)
	}
	for _, row := range people {
		person := Person{ID: row.ID, Email: row.Email}
		for _, role := range one.Roles {
			if slices.Contains(row.RoleIds, role.ID) {
				person.Roles = append(person.Roles, role)
			}
		}
		one.People = append(one.People, person)
	}
	one.Providers, err = Providers(ctx, tenants, id)
	return one, err
}

// Providers are all providers of a tenant with what policy sees of them.
func Providers(ctx context.Context, tenants *tenant.Executor, id uuid.UUID) ([]authz.Provider, error) {
	queries := tenantdb.New(tenants.Read(tenant.NewScope(id, uuid.Nil, tenant.SeeAll())))
	rows, err := queries.ListProviderGroupsForPolicy(ctx)
	if err != nil {
		return nil, fmt.Errorf("list provider groups: %w", err)
	}
	groups := map[uuid.UUID]authz.ProviderGroup{}
	for _, row := range rows {
		groups[row.ID] = authz.ProviderGroup{ID: row.ID, Name: row.Name, Tags: row.Tags}
	}
	found, err := queries.ListProvidersForPolicy(ctx)
	if err != nil {
		return nil, fmt.Errorf("list providers: %w", err)
	}
	providers := make([]authz.Provider, len(found))
	for i, row := range found {
		providers[i] = authz.Provider{ID: row.ID, Type: row.Provider, UID: row.Uid, Alias: row.Alias}
		for _, group := range row.GroupIds {
			if known, ok := groups[group]; ok {
				providers[i].Groups = append(providers[i].Groups, known)
			}
		}
	}
	return providers, nil
}
