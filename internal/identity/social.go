package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/token"
)

// SocialAccount is an account at a provider that somebody has proved to be theirs.
type SocialAccount struct {
	Provider      string // google or github
	Subject       string // the provider's id of the account, which never changes
	Email         string
	EmailVerified bool     // the provider vouches for Email
	Names         []string // what the person may be called, best first
}

// The refusals of people whom a provider knows and we may not let in.
var (
	errNotVouched = forbidden("The account has no verified e-mail address.")
	errNotLinked  = forbidden("There is an account with this e-mail address already. Log in as you did before.")
	errInactive   = jsonapi.Error{Status: http.StatusForbidden, Code: "permission_denied", Pointer: "/data", Detail: "User is inactive."}
)

// arrival is who came in and where to.
type arrival struct {
	user   uuid.UUID
	hash   string     // of the password, which tokens are bound to
	tenant *uuid.UUID // nil: the oldest
}

// SocialLogIn issues a pair to the person that an account at a provider belongs to: known by the account, by a verified
// address, or new. An invitation is accepted along with it, and the tokens are for the organisation that it leads to.
func (s *Service) SocialLogIn(ctx context.Context, account SocialAccount, invitation string) (token.Pair, error) {
	came, err := s.receive(ctx, account, invitation)
	if taken := (jsonapi.Error{}); errors.As(err, &taken) && taken == EmailTaken() {
		// Somebody signed up with the address at the same moment: now they are known.
		came, err = s.receive(ctx, account, invitation)
	}
	if err != nil {
		return token.Pair{}, err
	}
	target, err := s.enter(ctx, came.user, came.tenant)
	if err != nil {
		return token.Pair{}, err
	}
	return s.issue(ctx, claims(came.user, target, came.hash))
}

// receive recognises or makes the person and answers the invitation; all of it or nothing.
func (s *Service) receive(ctx context.Context, account SocialAccount, invitation string) (arrival, error) {
	var came arrival
	err := s.system.Write(ctx, system.SignUp, uuid.Nil, func(ctx context.Context, db system.DB) error {
		queries := systemdb.New(db)
		var err error
		if came, err = recognise(ctx, queries, account, invitation); !errors.Is(err, errUnknown) {
			return err
		}
		address, err := vouchedFor(account)
		if err != nil {
			return err
		}
		if err := queries.HoldAddress(ctx, address); err != nil {
			return fmt.Errorf("hold address: %w", err)
		}
		if came, err = recognise(ctx, queries, account, invitation); errors.Is(err, errUnknown) {
			came, err = s.introduce(ctx, queries, account, address, invitation)
		}
		return err
	})
	return came, s.noteLapse(ctx, system.SignUp, err)
}

// errUnknown is for an account that belongs to nobody here.
var errUnknown = errors.New("nobody has the account")

// recognise finds the person of an account and answers the invitation.
func recognise(ctx context.Context, queries *systemdb.Queries, account SocialAccount, invitation string) (arrival, error) {
	known, err := queries.FindSocialAccount(ctx, systemdb.FindSocialAccountParams{Provider: account.Provider, Subject: account.Subject})
	if errors.Is(err, pgx.ErrNoRows) {
		return arrival{}, errUnknown
	}
	if err != nil {
		return arrival{}, fmt.Errorf("find social account: %w", err)
	}
	if !known.IsActive {
		return arrival{}, errInactive
	}
	came := arrival{user: known.ID, hash: known.Password}
	return came, came.accept(ctx, queries, invitation, known.Email)
}

// accept answers the invitation, if there is one, for a person with an address.
func (a *arrival) accept(ctx context.Context, queries *systemdb.Queries, invitation, address string) error {
	if invitation == "" {
		return nil
	}
	tenant, err := answer(ctx, queries, invitation, a.user, address, errNoSuch)
	a.tenant = &tenant
	return err
}

// vouchedFor is the address that the provider knows to be the person's.
func vouchedFor(account SocialAccount) (string, error) {
	address := NormalEmail(account.Email)
	if !account.EmailVerified || !jsonapi.IsEmail(address) || utf8.RuneCountInString(address) > 254 {
		return "", errNotVouched
	}
	return address, nil
}

// introduce links an account that is new to us: to the person of its address, or to a new one.
func (s *Service) introduce(ctx context.Context, queries *systemdb.Queries, account SocialAccount, address, invitation string) (arrival, error) {
	var came arrival
	namesake, err := queries.FindNamesake(ctx, systemdb.FindNamesakeParams{Provider: account.Provider, Email: address})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		if came, err = s.welcome(ctx, queries, account, address, invitation); err != nil {
			return arrival{}, err
		}
	case err != nil:
		return arrival{}, fmt.Errorf("find person by address: %w", err)
	case !namesake.EmailVerified || namesake.Linked:
		// Whoever made that account need not be whom the provider knows; with another account there already, it is somebody else
		// who has the address now.
		return arrival{}, errNotLinked
	case !namesake.IsActive:
		return arrival{}, errInactive
	default:
		came = arrival{user: namesake.ID, hash: namesake.Password}
		if err := came.accept(ctx, queries, invitation, address); err != nil {
			return arrival{}, err
		}
	}
	err = queries.LinkSocialAccount(ctx, systemdb.LinkSocialAccountParams{Provider: account.Provider, Subject: account.Subject, UserID: came.user})
	var violated *pgconn.PgError
	if errors.As(err, &violated) && strings.HasPrefix(violated.ConstraintName, "social_accounts_") && violated.Code == "23505" {
		return arrival{}, EmailTaken()
	}
	if err != nil {
		return arrival{}, fmt.Errorf("link social account: %w", err)
	}
	return came, nil
}

// welcome makes a person, in the organisation of the invitation or in one of their own.
func (s *Service) welcome(ctx context.Context, queries *systemdb.Queries, account SocialAccount, address, invitation string) (arrival, error) {
	if err := s.mayEnter(invitation); err != nil {
		return arrival{}, err
	}
	user, err := createUser(ctx, queries, NewUser{Name: nameOf(account, address), Email: address, verified: true}, noPassword)
	if err != nil {
		return arrival{}, err
	}
	came := arrival{user: user.ID, hash: noPassword}
	if invitation == "" {
		own, err := foundOwn(ctx, queries, user)
		came.tenant = &own.ID
		return came, err
	}
	return came, came.accept(ctx, queries, invitation, address)
}

// noPassword is the hash of those who never set a password: no password is right.
const noPassword = ""

// nameOf is the first name that may stand for a person; the address always may.
func nameOf(account SocialAccount, address string) string {
	for _, name := range account.Names {
		name = strings.TrimSpace(strings.Map(printable, strings.ToValidUTF8(name, "")))
		if utf8.RuneCountInString(name) >= 3 {
			return strings.TrimSpace(truncate(name, 150))
		}
	}
	return truncate(address, 150)
}

// printable drops what is no part of a name: control characters, and format characters that turn text around.
func printable(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
		return -1
	}
	return r
}
