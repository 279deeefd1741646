// Package apikey knows the form of API keys, and makes, renames and revokes those of a tenant. A key acts for the member who
// made it, in that tenant, with the roles held at the moment; only its digest is kept.
//
// What does not belong here: letting a key in (internal/session) and how keys look on the wire (internal/api/apikeys).
package apikey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Lifetime is how long a key holds when nobody says otherwise.
const Lifetime = 365 * 24 * time.Hour

// Service changes keys.
type Service struct{ tenants *tenant.Executor }

// New returns a Service.
func New(tenants *tenant.Executor) *Service { return &Service{tenants: tenants} }

// Wanted is what a request says about a new key.
type Wanted struct {
	Name      string
	ExpiresAt *time.Time // nil: a Lifetime from now
}

// Create makes a key of the scope's user and returns its id and its text, which is not kept: nobody reads it again. A name
// that the tenant has used, be it for a key that is revoked, is a refusal.
func (s *Service) Create(ctx context.Context, scope tenant.Scope, wanted Wanted) (id uuid.UUID, text string, err error) {
	expires := time.Now().Add(Lifetime)
	if wanted.ExpiresAt != nil {
		expires = *wanted.ExpiresAt
	}
	const attempts = 3 // a prefix that some tenant has is one in many millions
	for range attempts {
		id, text, err = s.create(ctx, scope, wanted.Name, expires)
		if !tenant.Violates(err, "api_keys_prefix_key") {
			break
		}
	}
	switch {
	case tenant.Violates(err, "api_keys_tenant_id_name_key"):
		return uuid.Nil, "", nameTaken()
	case tenant.Violates(err, "api_keys_tenant_id_user_id_fkey"):
		return uuid.Nil, "", jsonapi.Forbidden() // the membership ended a moment ago
	case err != nil:
		return uuid.Nil, "", fmt.Errorf("create api key: %w", err)
	}
	return id, text, nil
}

func (s *Service) create(ctx context.Context, scope tenant.Scope, name string, expires time.Time) (uuid.UUID, string, error) {
	id, owner, text := uuid.New(), scope.User(), generate()
	key, ok := Parse(text)
	if !ok {
		return uuid.Nil, "", errors.New("a new key does not have the form of one")
	}
	err := s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		return tenantdb.New(tx).CreateAPIKey(ctx, tenantdb.CreateAPIKeyParams{TenantID: scope.Tenant(), ID: id, Name: name, Prefix: key.prefix,
			Digest: key.digest[:], UserID: &owner, ExpiresAt: expires})
	})
	return id, text, err
}

// Rename changes what a key is called. A name that the tenant has used is a refusal.
func (s *Service) Rename(ctx context.Context, scope tenant.Scope, id uuid.UUID, name string) error {
	err := s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		return tenantdb.New(tx).RenameAPIKey(ctx, tenantdb.RenameAPIKeyParams{ID: id, Name: name})
	})
	if tenant.Violates(err, "api_keys_tenant_id_name_key") {
		return nameTaken()
	}
	if err != nil {
		return fmt.Errorf("rename api key: %w", err)
	}
	return nil
}

// Revoke ends a key for good. One that has ended already is a refusal.
func (s *Service) Revoke(ctx context.Context, scope tenant.Scope, id uuid.UUID) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		revoked, err := tenantdb.New(tx).RevokeAPIKey(ctx, id)
		if err != nil {
			return fmt.Errorf("revoke api key: %w", err)
		}
		if revoked == 0 {
			return jsonapi.Invalid("API key is already revoked")
		}
		return nil
	})
}

func nameTaken() jsonapi.Error {
	return jsonapi.Field("name", "invalid", "An API key with this name already exists.")
}
