package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/system"
)

// Membership is a person's place in an organisation.
type Membership struct {
	ID         uuid.UUID
	TenantID   uuid.UUID
	UserID     uuid.UUID
	Role       string // owner or member
	DateJoined time.Time
}

// The refusals of a token that no invitation of that address has: the wire words them apart.
var (
	errBadCode = jsonapi.Invalid("Invalid invitation code.")
	errNoSuch  = jsonapi.Error{Status: http.StatusNotFound, Code: "not_found", Pointer: "/data", Detail: "Invitation is not valid."}
)

// Accept makes a person who has an account a member of the organisation that invited their address, with the roles of the
// invitation. Members may accept too: they get the roles.
func (s *Service) Accept(ctx context.Context, user uuid.UUID, token string) (Membership, error) {
	var membership Membership
	err := s.system.WriteAgain(ctx, system.Invitation, user, func(ctx context.Context, db system.DB) error {
		queries := systemdb.New(db)
		address, err := queries.AddressOf(ctx, user)
		if err != nil {
			return fmt.Errorf("find address: %w", err)
		}
		invitation, err := findInvitation(ctx, queries, token, address, errNoSuch)
		if err != nil {
			return err
		}
		if err := join(ctx, queries, invitation, user); err != nil {
			return err
		}
		row, err := queries.GetMembership(ctx, systemdb.GetMembershipParams{TenantID: invitation.TenantID, UserID: user})
		if err != nil {
			return fmt.Errorf("get membership: %w", err)
		}
		membership = Membership(row)
		return nil
	})
	return membership, s.noteLapse(ctx, system.Invitation, err)
}

// lapsed is the refusal of an invitation that nobody answered in time.
type lapsed struct {
	refusal    jsonapi.Error
	invitation systemdb.FindInvitationRow
}

// Error is the sentence for the client.
func (l lapsed) Error() string { return l.refusal.Detail }

func findInvitation(ctx context.Context, queries *systemdb.Queries, token, address string, unknown error) (systemdb.FindInvitationRow, error) {
	if !utf8.ValidString(token) || strings.ContainsRune(token, 0) {
		return systemdb.FindInvitationRow{}, unknown // no text: the database would not take it
	}
	if _, err := queries.HoldInvitingTenant(ctx, systemdb.HoldInvitingTenantParams{Token: token, Email: address}); errors.Is(err, pgx.ErrNoRows) {
		return systemdb.FindInvitationRow{}, unknown
	} else if err != nil {
		return systemdb.FindInvitationRow{}, fmt.Errorf("hold inviting tenant: %w", err)
	}
	row, err := queries.FindInvitation(ctx, systemdb.FindInvitationParams{Token: token, Email: address})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return row, unknown
	case err != nil:
		return row, fmt.Errorf("find invitation: %w", err)
	case row.State == "expired" || row.State == "pending" && row.ExpiresAt.Before(time.Now()):
		return row, lapsed{jsonapi.Error{Status: http.StatusGone, Code: "token_expired", Pointer: "/data",
			Detail: "The invitation token has expired and is no longer valid."}, row}
	case row.State != "pending":
		return row, jsonapi.Invalid("This invitation is no longer valid.")
	}
	return row, nil
}

// noteLapse remembers that an invitation has expired, in a transaction of its own: that of the attempt is undone.
func (s *Service) noteLapse(ctx context.Context, scope system.Scope, failure error) error {
	var late lapsed
	if !errors.As(failure, &late) {
		return failure
	}
	err := s.system.Write(ctx, scope, uuid.Nil, func(ctx context.Context, db system.DB) error {
		return systemdb.New(db).CloseInvitation(ctx, systemdb.CloseInvitationParams{TenantID: late.invitation.TenantID, ID: late.invitation.ID, State: "expired"})
	})
	if err != nil {
		return fmt.Errorf("note that the invitation has expired: %w", err)
	}
	return late.refusal
}

func join(ctx context.Context, queries *systemdb.Queries, invitation systemdb.FindInvitationRow, user uuid.UUID) error {
	err := queries.JoinTenant(ctx, systemdb.JoinTenantParams{TenantID: invitation.TenantID, ID: uuid.New(), UserID: user})
	var violated *pgconn.PgError
	if errors.As(err, &violated) && violated.ConstraintName == "memberships_user_id_fkey" {
		return jsonapi.NotFound("User") // the account was closed meanwhile
	}
	if err != nil {
		return fmt.Errorf("join tenant: %w", err)
	}
	err = queries.GrantInvitedRoles(ctx, systemdb.GrantInvitedRolesParams{TenantID: invitation.TenantID, InvitationID: invitation.ID, UserID: user})
	if err != nil {
		return fmt.Errorf("grant roles: %w", err)
	}
	err = queries.CloseInvitation(ctx, systemdb.CloseInvitationParams{TenantID: invitation.TenantID, ID: invitation.ID, State: "accepted"})
	if err != nil {
		return fmt.Errorf("close invitation: %w", err)
	}
	return nil
}
