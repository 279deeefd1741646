package session

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// SubjectOf is the person with that address in a tenant, or in the one that they enter by default when inside is uuid.Nil.
// No credential is checked: for administrators at the machine, who ask what policy would say.
func SubjectOf(ctx context.Context, executor *system.Executor, email string, inside uuid.UUID) (authz.Subject, error) {
	login := systemdb.New(executor.Read(system.Login, uuid.Nil))
	person, err := login.FindLogin(ctx, email)
	if errors.Is(err, pgx.ErrNoRows) {
		return authz.Subject{}, errors.New("there is no person with that address")
	}
	if err != nil {
		return authz.Subject{}, fmt.Errorf("find person: %w", err)
	}
	if inside == uuid.Nil {
		if inside, err = login.FirstMembership(ctx, person.ID); errors.Is(err, pgx.ErrNoRows) {
			return authz.Subject{}, errors.New("the person is a member of no tenant")
		} else if err != nil {
			return authz.Subject{}, fmt.Errorf("find the person's tenant: %w", err)
		}
	}
	row, err := systemdb.New(executor.Read(system.Session, person.ID)).LoadSession(ctx,
		systemdb.LoadSessionParams{TenantID: inside, UserID: person.ID})
	if err != nil {
		return authz.Subject{}, fmt.Errorf("load roles: %w", err)
	}
	if !row.Member {
		return authz.Subject{}, errors.New("the person is no member of that tenant")
	}
	roles, err := decodeRoles(row.Roles)
	return authz.Subject{TenantID: inside, UserID: person.ID, Email: row.Email, Credential: authz.Token, Roles: roles}, err
}

// SubjectWith is somebody who holds the named role of a tenant and no other.
func SubjectWith(ctx context.Context, executor *tenant.Executor, role string, inside uuid.UUID) (authz.Subject, error) {
	roles, err := RolesOf(ctx, executor, inside)
	if err != nil {
		return authz.Subject{}, err
	}
	named := slices.IndexFunc(roles, func(one authz.Role) bool { return one.Name == role })
	if named < 0 {
		return authz.Subject{}, errors.New("the tenant has no role of that name")
	}
	return authz.Subject{TenantID: inside, UserID: uuid.New(), Credential: authz.Token, Roles: roles[named : named+1]}, nil
}

// RolesOf are all roles of a tenant as policy sees them.
func RolesOf(ctx context.Context, executor *tenant.Executor, inside uuid.UUID) ([]authz.Role, error) {
	encoded, err := tenantdb.New(executor.Read(tenant.NewScope(inside, uuid.Nil, tenant.SeeNone()))).ListRolesForPolicy(ctx)
	if err != nil {
		return nil, fmt.Errorf("list roles: %w", err)
	}
	return decodeRoles(encoded)
}
