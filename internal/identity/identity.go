// Package identity makes people, organisations and credentials: sign-up, log-in, refresh, switching tenants.
//
// What does not belong here: HTTP, checking a credential that was made (internal/session), roles inside a tenant (internal/api/roles).
package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/password"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/token"
)

// Service makes identities through the system executor.
type Service struct {
	system *system.Executor
	tokens *token.Issuer
	eraser Eraser
	rules  Rules
}

// Eraser removes what is left of organisations that nobody enters any more; internal/deletion is one.
type Eraser interface {
	// Enqueue sees to it that the organisations are erased, if and only if the transaction of db commits.
	Enqueue(ctx context.Context, db system.DB, tenants []uuid.UUID) error
}

// Rules are what an installation decides about people.
type Rules struct {
	InvitationOnly bool // nobody signs up without an invitation
}

// New returns a Service.
func New(executor *system.Executor, tokens *token.Issuer, eraser Eraser, rules Rules) *Service {
	return &Service{system: executor, tokens: tokens, eraser: eraser, rules: rules}
}

// User is a person.
type User struct {
	ID          uuid.UUID
	Name        string
	Email       string
	CompanyName string
	DateJoined  time.Time
}

// Tenant is an organisation.
type Tenant struct {
	ID   uuid.UUID
	Name string
}

// NormalEmail is the form in which addresses are stored and compared. Letters beyond ASCII whose small form is an ASCII letter
// become one that no address has: a Turkish capital I with its dot must not end up in somebody else's address.
func NormalEmail(address string) string {
	return strings.Map(func(r rune) rune {
		small := unicode.ToLower(r)
		if r > unicode.MaxASCII && small <= unicode.MaxASCII {
			return unicode.ReplacementChar
		}
		return small
	}, strings.TrimSpace(address))
}

// NewUser is what a sign-up says.
type NewUser struct {
	Name            string
	Email           string
	Company         string
	Password        string // in the clear
	InvitationToken string // empty: the person gets an organisation of their own

	verified bool // the address is known to be theirs
}

// SignUp creates a person with an organisation of their own, in which they are owner and hold the role admin, or as a member
// of the organisation that invited them, with the roles of the invitation; all of it or nothing. A taken address and an
// invitation that is not good are refusals.
func (s *Service) SignUp(ctx context.Context, wanted NewUser) (User, error) {
	if err := s.mayEnter(wanted.InvitationToken); err != nil {
		return User{}, err
	}
	hash, err := password.Hash(ctx, wanted.Password)
	if err != nil {
		return User{}, fmt.Errorf("hash password: %w", err)
	}
	var user User
	err = s.system.Write(ctx, system.SignUp, uuid.Nil, func(ctx context.Context, db system.DB) error {
		queries := systemdb.New(db)
		if user, err = createUser(ctx, queries, wanted, hash); err != nil {
			return err
		}
		if wanted.InvitationToken != "" {
			_, err := answer(ctx, queries, wanted.InvitationToken, user.ID, user.Email, errBadCode)
			return err
		}
		_, err := foundOwn(ctx, queries, user)
		return err
	})
	return user, s.noteLapse(ctx, system.SignUp, err)
}

// mayEnter refuses newcomers without an invitation where sign-up is closed.
func (s *Service) mayEnter(invitation string) error {
	if s.rules.InvitationOnly && invitation == "" {
		return forbidden("Sign-up is by invitation only.")
	}
	return nil
}

// answer accepts an invitation of an address and returns the organisation that it leads to.
func answer(ctx context.Context, queries *systemdb.Queries, token string, user uuid.UUID, address string, unknown error) (uuid.UUID, error) {
	invitation, err := findInvitation(ctx, queries, token, address, unknown)
	if err != nil {
		return uuid.Nil, err
	}
	return invitation.TenantID, join(ctx, queries, invitation, user)
}

// foundOwn is the organisation that a person who was not invited begins with.
func foundOwn(ctx context.Context, queries *systemdb.Queries, user User) (Tenant, error) {
	local, _, _ := strings.Cut(user.Email, "@")
	return found(ctx, queries, user.ID, truncate(local, 85)+" default tenant")
}

// Found creates another organisation for a person, who becomes its owner and holds its role admin.
func (s *Service) Found(ctx context.Context, user uuid.UUID, name string) (Tenant, error) {
	var tenant Tenant
	err := s.system.Write(ctx, system.SignUp, user, func(ctx context.Context, db system.DB) error {
		var err error
		tenant, err = found(ctx, systemdb.New(db), user, name)
		return err
	})
	return tenant, err
}

func createUser(ctx context.Context, queries *systemdb.Queries, wanted NewUser, hash string) (User, error) {
	row, err := queries.CreateUser(ctx, systemdb.CreateUserParams{ID: uuid.New(), Name: wanted.Name, Email: NormalEmail(wanted.Email), CompanyName: wanted.Company, Password: hash,
		EmailVerified: wanted.verified})
	var violated *pgconn.PgError
	if errors.As(err, &violated) && violated.ConstraintName == "users_email_key" {
		return User{}, EmailTaken()
	}
	if errors.As(err, &violated) && violated.ConstraintName == "users_email_check" { // the database knows other capitals
		return User{}, jsonapi.Field("email", "invalid", "Enter a valid email address.")
	}
	if err != nil {
		return User{}, fmt.Errorf("create user: %w", err)
	}
	return User{ID: row.ID, Name: row.Name, Email: row.Email, CompanyName: row.CompanyName, DateJoined: row.DateJoined}, nil
}

// EmailTaken is the refusal of an address that another person has, in whatever case.
func EmailTaken() jsonapi.Error {
	return jsonapi.Field("email", "unique", "Please check the email address and try again.")
}

func found(ctx context.Context, queries *systemdb.Queries, user uuid.UUID, name string) (Tenant, error) {
	row, err := queries.CreateTenant(ctx, systemdb.CreateTenantParams{ID: uuid.New(), Name: name})
	if err != nil {
		return Tenant{}, fmt.Errorf("create tenant: %w", err)
	}
	role := uuid.New()
	if err := queries.CreateMembership(ctx, systemdb.CreateMembershipParams{TenantID: row.ID, ID: uuid.New(), UserID: user, Role: "owner"}); err != nil {
		return Tenant{}, fmt.Errorf("create membership: %w", err)
	}
	if err := queries.CreateAdminRole(ctx, systemdb.CreateAdminRoleParams{TenantID: row.ID, ID: role}); err != nil {
		return Tenant{}, fmt.Errorf("create admin role: %w", err)
	}
	if err := queries.GrantRole(ctx, systemdb.GrantRoleParams{TenantID: row.ID, RoleID: role, UserID: user}); err != nil {
		return Tenant{}, fmt.Errorf("grant admin role: %w", err)
	}
	return Tenant{ID: row.ID, Name: row.Name}, nil
}

// LogIn checks a password and issues a pair for a tenant, the person's oldest when tenant is nil. The refusals do not tell
// an unknown address from a wrong password, nor does the time of the answer.
func (s *Service) LogIn(ctx context.Context, email, plain string, tenant *uuid.UUID) (token.Pair, error) {
	read := systemdb.New(s.system.Read(system.Login, uuid.Nil))
	account, err := read.FindLogin(ctx, NormalEmail(email))
	if errors.Is(err, pgx.ErrNoRows) {
		if err := password.Decoy(ctx, plain); err != nil {
			return token.Pair{}, fmt.Errorf("verify password: %w", err)
		}
		return token.Pair{}, jsonapi.Invalid("Invalid credentials")
	}
	if err != nil {
		return token.Pair{}, fmt.Errorf("find login: %w", err)
	}
	right, err := password.Verify(ctx, account.Password, plain)
	if err != nil {
		return token.Pair{}, fmt.Errorf("verify password: %w", err)
	}
	if !right || !account.IsActive {
		return token.Pair{}, jsonapi.Invalid("Invalid credentials")
	}
	target, err := s.enter(ctx, account.ID, tenant)
	if err != nil {
		return token.Pair{}, err
	}
	return s.issue(ctx, claims(account.ID, target, account.Password))
}

// Switch issues a pair for another tenant that the person is a member of.
func (s *Service) Switch(ctx context.Context, user, tenant uuid.UUID) (token.Pair, error) {
	target, err := s.enter(ctx, user, &tenant)
	if err != nil {
		return token.Pair{}, err
	}
	row, err := systemdb.New(s.system.Read(system.Session, user)).LoadSession(ctx, systemdb.LoadSessionParams{TenantID: target, UserID: user})
	if err != nil {
		return token.Pair{}, fmt.Errorf("load session: %w", err)
	}
	return s.issue(ctx, claims(user, target, row.Password))
}

// enter picks the tenant of a log-in.
func (s *Service) enter(ctx context.Context, user uuid.UUID, tenant *uuid.UUID) (uuid.UUID, error) {
	read := systemdb.New(s.system.Read(system.Login, user))
	if tenant == nil {
		first, err := read.FirstMembership(ctx, user)
		if errors.Is(err, pgx.ErrNoRows) {
			return uuid.Nil, jsonapi.Invalid("User has no memberships.")
		}
		if err != nil {
			return uuid.Nil, fmt.Errorf("first membership: %w", err)
		}
		return first, nil
	}
	member, err := read.IsMember(ctx, systemdb.IsMemberParams{TenantID: *tenant, UserID: user})
	if err != nil {
		return uuid.Nil, fmt.Errorf("check membership: %w", err)
	}
	if !member {
		return uuid.Nil, jsonapi.Invalid("Tenant does not exist or user is not a member.")
	}
	return *tenant, nil
}

func claims(user, tenant uuid.UUID, hash string) token.Claims {
	return token.Claims{UserID: user, TenantID: tenant, PasswordFingerprint: token.Fingerprint(hash)}
}

func (s *Service) issue(ctx context.Context, claims token.Claims) (token.Pair, error) {
	pair, err := s.tokens.Issue(claims)
	if err != nil {
		return token.Pair{}, fmt.Errorf("issue tokens: %w", err)
	}
	err = s.system.Write(ctx, system.Login, claims.UserID, func(ctx context.Context, db system.DB) error {
		return systemdb.New(db).NoteLogin(ctx, claims.UserID)
	})
	if err != nil {
		return token.Pair{}, fmt.Errorf("note login: %w", err)
	}
	return pair, nil
}

// Refresh exchanges a refresh token, which is good once. Whatever is wrong with it, the refusal is the same.
func (s *Service) Refresh(ctx context.Context, refresh string) (token.Pair, error) {
	refusal := jsonapi.Error{Status: http.StatusBadRequest, Code: "invalid", Pointer: "/data/attributes/refresh", Detail: "Invalid or expired token"}
	old, err := s.tokens.ParseRefresh(refresh)
	if err != nil {
		return token.Pair{}, refusal
	}
	row, err := systemdb.New(s.system.Read(system.Session, old.UserID)).LoadSession(ctx, systemdb.LoadSessionParams{TenantID: old.TenantID, UserID: old.UserID})
	if errors.Is(err, pgx.ErrNoRows) {
		return token.Pair{}, refusal
	}
	if err != nil {
		return token.Pair{}, fmt.Errorf("load session: %w", err)
	}
	if !row.IsActive || !row.Member || token.Fingerprint(row.Password) != old.PasswordFingerprint {
		return token.Pair{}, refusal
	}
	pair, err := s.tokens.Refresh(old)
	if err != nil {
		return token.Pair{}, fmt.Errorf("refresh tokens: %w", err)
	}
	err = s.system.Write(ctx, system.Session, old.UserID, func(ctx context.Context, db system.DB) error {
		spent, err := systemdb.New(db).SpendRefreshToken(ctx, systemdb.SpendRefreshTokenParams{ID: old.ID, UserID: old.UserID, ExpiresAt: old.ExpiresAt})
		if err == nil && spent == 0 {
			return refusal
		}
		return err
	})
	if err != nil {
		return token.Pair{}, err
	}
	return pair, nil
}

func truncate(text string, runes int) string {
	for i := range text {
		if runes == 0 {
			return text[:i]
		}
		runes--
	}
	return text
}
