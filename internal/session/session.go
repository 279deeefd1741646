// Package session turns a credential, a token or an API key, into a principal: who asks, in which tenant, with which roles. It
// checks what a signature cannot prove: that the person still exists, may still log in, has not changed the password since,
// and is still a member of the tenant.
//
// What does not belong here: making credentials (internal/identity, internal/apikey) and deciding what a principal may do (internal/authz).
package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/token"
)

// Principal is who asks: the subject of a verified credential.
type Principal struct {
	Subject authz.Subject
	Key     *Key // nil unless the credential is an API key
	// Confined credentials reach no tenant but their own, and nothing of the person that counts in others: API keys, and tokens
	// of a sign-on through the tenant's identity provider.
	Confined bool
}

// InvalidToken is the refusal of a token that is not genuine or not in time; Message says which, in the words of the wire.
type InvalidToken struct{ Message string }

// Error returns the message.
func (e *InvalidToken) Error() string { return e.Message }

// Authenticator verifies credentials.
type Authenticator struct {
	system *system.Executor
	tokens *token.Issuer
	logger *slog.Logger
}

// New returns an Authenticator that reads people, keys and roles through the system executor.
func New(executor *system.Executor, tokens *token.Issuer, logger *slog.Logger) *Authenticator {
	return &Authenticator{system: executor, tokens: tokens, logger: logger}
}

// Authenticate reads an Authorization header. A header that names no credential is anonymous: (nil, nil). The errors are
// *InvalidToken and refusals (jsonapi.AsErrors). Schemes are case-sensitive.
func (a *Authenticator) Authenticate(ctx context.Context, header string) (*Principal, error) {
	if key, ok := strings.CutPrefix(header, "Api-Key "); ok && key != "" {
		return a.byKey(ctx, key)
	}
	words := strings.Fields(header)
	if len(words) == 0 || words[0] != "Bearer" {
		return nil, nil
	}
	if len(words) != 2 {
		return nil, refused("Authorization header must contain two space-delimited values", "bad_authorization_header")
	}
	parsed, err := a.tokens.ParseAccess(words[1])
	if errors.Is(err, token.NoTenant) {
		return nil, jsonapi.Error{Status: http.StatusUnauthorized, Code: "not_authenticated", Pointer: "/data", Detail: string(token.NoTenant)}
	}
	var refusal token.Refusal
	if errors.As(err, &refusal) {
		return nil, &InvalidToken{Message: string(refusal)}
	}
	if err != nil {
		return nil, fmt.Errorf("parse access token: %w", err)
	}
	return a.load(ctx, parsed.Claims)
}

// load checks the claims against the database and loads the roles, in one round trip.
func (a *Authenticator) load(ctx context.Context, claims token.Claims) (*Principal, error) {
	row, err := systemdb.New(a.system.Read(system.Session, claims.UserID)).LoadSession(ctx,
		systemdb.LoadSessionParams{TenantID: claims.TenantID, UserID: claims.UserID})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, refused("User not found", "user_not_found")
	case err != nil:
		return nil, fmt.Errorf("load session: %w", err)
	case !row.IsActive:
		return nil, refused("User is inactive", "user_inactive")
	case token.Fingerprint(row.Password) != claims.PasswordFingerprint:
		return nil, refused("The user's password has been changed.", "password_changed")
	case !row.Member:
		return nil, refused("The user is not a member of this tenant.", "not_a_member")
	}
	roles, err := decodeRoles(row.Roles)
	if err != nil {
		return nil, err
	}
	return &Principal{Subject: authz.Subject{TenantID: claims.TenantID, UserID: claims.UserID, Email: row.Email,
		Credential: authz.Token, Roles: roles}, Confined: claims.Confined}, nil
}

// Enter is the same person in another tenant, with the roles held there; nil when they are no member of it. A confined
// credential enters none: for it there is no tenant but its own.
func (a *Authenticator) Enter(ctx context.Context, principal *Principal, tenant uuid.UUID) (*Principal, error) {
	if principal.Confined {
		return nil, jsonapi.NotFound("Tenant")
	}
	user := principal.Subject.UserID
	row, err := systemdb.New(a.system.Read(system.Session, user)).LoadSession(ctx, systemdb.LoadSessionParams{TenantID: tenant, UserID: user})
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !row.Member {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load session: %w", err)
	}
	roles, err := decodeRoles(row.Roles)
	if err != nil {
		return nil, err
	}
	return &Principal{Subject: authz.Subject{TenantID: tenant, UserID: user, Email: row.Email,
		Credential: principal.Subject.Credential, Roles: roles}}, nil
}

// decodeRoles reads the roles that the query put together.
func decodeRoles(encoded json.RawMessage) ([]authz.Role, error) {
	var rows []struct {
		ID                  uuid.UUID   `json:"id"`
		Name                string      `json:"name"`
		ManageUsers         bool        `json:"manage_users"`
		ManageAccount       bool        `json:"manage_account"`
		ManageBilling       bool        `json:"manage_billing"`
		ManageProviders     bool        `json:"manage_providers"`
		ManageIntegrations  bool        `json:"manage_integrations"`
		ManageScans         bool        `json:"manage_scans"`
		UnlimitedVisibility bool        `json:"unlimited_visibility"`
		ProviderGroups      []uuid.UUID `json:"provider_groups"`
	}
	if err := json.Unmarshal(encoded, &rows); err != nil {
		return nil, fmt.Errorf("decode roles: %w", err)
	}
	roles := make([]authz.Role, len(rows))
	for i, row := range rows {
		roles[i] = authz.Role{ID: row.ID, Name: row.Name, UnlimitedVisibility: row.UnlimitedVisibility, ProviderGroups: row.ProviderGroups,
			Permissions: authz.Permissions{ManageUsers: row.ManageUsers, ManageAccount: row.ManageAccount, ManageBilling: row.ManageBilling,
				ManageProviders: row.ManageProviders, ManageIntegrations: row.ManageIntegrations, ManageScans: row.ManageScans}}
	}
	return roles, nil
}

// refused is the 401 of a credential whose person may not come in; the wire sends the reason and its code as two objects.
func refused(detail, code string) jsonapi.Errors {
	one := jsonapi.Error{Status: http.StatusUnauthorized, Code: "authentication_failed", Pointer: "/data", Detail: detail}
	other := one
	other.Detail = code
	return jsonapi.Errors{one, other}
}
