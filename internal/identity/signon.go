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
	"github.com/palisade-sec/palisade/internal/token"
)

// errNotAdmitted is the refusal of a person who was signed on a moment ago and may not come in any more.
var errNotAdmitted = jsonapi.Detail{Status: http.StatusNotFound, Text: "Invalid token ID."}

// SignedOn issues a pair to a member whom the tenant's identity provider has identified. The pair is confined to the tenant:
// who runs one organisation's identity provider must not become its members elsewhere.
func (s *Service) SignedOn(ctx context.Context, user, tenant uuid.UUID) (token.Pair, error) {
	var row systemdb.LoadSessionRow
	// On the primary: the person may have come into being a moment ago.
	err := s.system.Write(ctx, system.Session, user, func(ctx context.Context, db system.DB) (err error) {
		row, err = systemdb.New(db).LoadSession(ctx, systemdb.LoadSessionParams{TenantID: tenant, UserID: user})
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !(row.IsActive && row.Member) {
		return token.Pair{}, errNotAdmitted
	}
	if err != nil {
		return token.Pair{}, fmt.Errorf("load session: %w", err)
	}
	confined := claims(user, tenant, row.Password)
	confined.Confined = true
	return s.issue(ctx, confined)
}
