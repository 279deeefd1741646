package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/apikey"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/system"
)

// Key identifies the API key that a principal presented. Neither part is secret.
type Key struct {
	ID     uuid.UUID
	Prefix string
}

// byKey lets an API key in, in one round trip: it acts for its owner in its own tenant, with the roles of the moment. A
// prefix that nobody has, a wrong secret and what is no key at all are refused alike.
func (a *Authenticator) byKey(ctx context.Context, text string) (*Principal, error) {
	key, ok := apikey.Parse(text)
	if !ok {
		return nil, errNotAKey
	}
	row, err := systemdb.New(a.system.Read(system.Session, uuid.Nil)).LoadAPIKey(ctx, key.Prefix())
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, errNotAKey
	case err != nil:
		return nil, fmt.Errorf("load api key: %w", err)
	case !key.Is(row.Digest):
		return nil, errNotAKey
	case row.Expired:
		return nil, keyRefused("API Key has already expired.")
	case row.Revoked || row.UserID == nil || row.Email == nil || row.IsActive == nil:
		return nil, keyRefused("This API Key has been revoked.")
	case !*row.IsActive:
		return nil, keyRefused("User is inactive")
	}
	roles, err := decodeRoles(row.Roles)
	if err != nil {
		return nil, err
	}
	if !row.Noted {
		a.noteUse(ctx, row.TenantID, row.ID)
	}
	return &Principal{Key: &Key{ID: row.ID, Prefix: key.Prefix()}, Confined: true, Subject: authz.Subject{TenantID: row.TenantID, UserID: *row.UserID,
		Email: *row.Email, Credential: authz.APIKey, Roles: roles}}, nil
}

// noteUse remembers that a key was used, at most once a minute a key. That this fails stops nobody: a database that cannot be
// written to answers reads all the same.
func (a *Authenticator) noteUse(ctx context.Context, tenant, id uuid.UUID) {
	err := a.system.Write(ctx, system.Session, uuid.Nil, func(ctx context.Context, db system.DB) error {
		return systemdb.New(db).NoteKeyUse(ctx, systemdb.NoteKeyUseParams{TenantID: tenant, ID: id})
	})
	if err != nil {
		a.logger.WarnContext(ctx, "the use of an API key could not be noted", "api_key_id", id, "error", err)
	}
}

// errNotAKey is the refusal of a key that does not exist.
var errNotAKey = keyRefused("Invalid API Key.")

func keyRefused(detail string) jsonapi.Error {
	return jsonapi.Error{Status: http.StatusUnauthorized, Code: "authentication_failed", Pointer: "/data", Detail: detail}
}
