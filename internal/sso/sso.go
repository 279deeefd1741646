// Package sso signs people on through the identity provider that their organisation trusts: its configuration, the steps of a
// sign-on and what each leaves for the next, and how whoever was identified becomes a member. Each step counts once, whichever
// of several servers takes it.
//
// What does not belong here: SAML itself (internal/saml), HTTP (internal/api/signon), making tokens (internal/identity).
package sso

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/identity"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/saml"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
	"github.com/palisade-sec/palisade/internal/token"
)

const (
	// patience is how long a person may take at the identity provider.
	patience = 10 * time.Minute
	// tokenLifetime is how long the user interface may take to exchange a one-time token.
	tokenLifetime = 15 * time.Second
)

// ErrUnknownDomain says that no organisation signs the people of a domain on.
var ErrUnknownDomain = errors.New("no organisation signs on people of that domain")

// Refused is a sign-on that is not good, for the log: the person is told only that it failed. It holds no values of what a
// stranger sent.
type Refused struct {
	Tenant uuid.UUID // uuid.Nil when it is not known
	Reason string
}

// Error returns the reason.
func (r *Refused) Error() string { return r.Reason }

// Service signs people on.
type Service struct {
	tenants *tenant.Executor
	system  *system.Executor
	people  *identity.Service
	now     func() time.Time
}

// New returns a Service.
func New(tenants *tenant.Executor, executor *system.Executor, people *identity.Service) *Service {
	return &Service{tenants: tenants, system: executor, people: people, now: time.Now}
}

// Ticket is what a browser keeps between two steps: which sign-on, and a secret that shows it is the same browser. It is good
// once.
type Ticket struct{ id, secret string }

func newTicket(id string) Ticket { return Ticket{id: id, secret: rand.Text()} }

// String is the form in which a browser keeps it.
func (t Ticket) String() string { return t.id + "." + t.secret }

// ParseTicket reads a ticket; whatever is none becomes one that nothing fits.
func ParseTicket(text string) Ticket {
	id, secret, _ := strings.Cut(text, ".")
	if !isRequestID(id) {
		return Ticket{}
	}
	return Ticket{id: id, secret: secret}
}

func (t Ticket) digest() []byte { return digest(t.secret) }

// digest is what the database keeps of a secret. The secrets are random and long: one round of SHA-256 is enough.
func digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// isRequestID keeps texts from the database that it would not take, or that are too long to be ids.
func isRequestID(text string) bool {
	if len(text) == 0 || len(text) > 64 {
		return false
	}
	for _, r := range text {
		if r != '-' && !('0' <= r && r <= '9') && !('a' <= r && r <= 'z') {
			return false
		}
	}
	return true
}

// Knows reports whether an organisation signs on people of a domain.
func (s *Service) Knows(ctx context.Context, domain string) (bool, error) {
	if !saml.IsDomain(domain) {
		return false, nil
	}
	_, err := systemdb.New(s.system.Read(system.SAML, uuid.Nil)).FindSignOnProvider(ctx, domain)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find identity provider: %w", err)
	}
	return true, nil
}

// Begin starts a sign-on and returns where to send the browser, and the ticket that it keeps. callback is where in the user
// interface the person wants to be afterwards.
func (s *Service) Begin(ctx context.Context, domain, callback string, us saml.Provider) (address string, ticket Ticket, err error) {
	now := s.now()
	ticket = newTicket(saml.NewRequestID())
	err = s.system.Write(ctx, system.SAML, uuid.Nil, func(ctx context.Context, db system.DB) error {
		queries := systemdb.New(db)
		found, provider, err := findProvider(ctx, queries, domain)
		if err != nil {
			return err
		}
		if err := purge(ctx, queries, found.TenantID); err != nil {
			return err
		}
		err = queries.BeginSignOn(ctx, systemdb.BeginSignOnParams{TenantID: found.TenantID, ID: ticket.id, ConfigID: found.ID,
			Browser: ticket.digest(), Callback: callback, ExpiresAt: now.Add(patience)})
		if tenant.Violates(err, "saml_requests_tenant_id_config_id_fkey") {
			return ErrUnknownDomain // the configuration was removed this moment
		}
		if err != nil {
			return fmt.Errorf("begin sign-on: %w", err)
		}
		address, err = us.RequestURL(provider, ticket.id, now)
		return err
	})
	return address, ticket, err
}

// findProvider is whom to trust for a domain. It has to run on the primary: a key that was taken out a moment ago is not to be
// trusted any more.
func findProvider(ctx context.Context, queries *systemdb.Queries, domain string) (systemdb.FindSignOnProviderRow, saml.Metadata, error) {
	if !saml.IsDomain(domain) {
		return systemdb.FindSignOnProviderRow{}, saml.Metadata{}, ErrUnknownDomain
	}
	found, err := queries.FindSignOnProvider(ctx, domain)
	if errors.Is(err, pgx.ErrNoRows) {
		return found, saml.Metadata{}, ErrUnknownDomain
	}
	if err != nil {
		return found, saml.Metadata{}, fmt.Errorf("find identity provider: %w", err)
	}
	provider, err := saml.ParseMetadata(found.MetadataXml)
	if err != nil {
		return found, provider, fmt.Errorf("read stored metadata: %w", err)
	}
	return found, provider, nil
}

// purge forgets what is over in a tenant.
func purge(ctx context.Context, queries *systemdb.Queries, tenantID uuid.UUID) error {
	for _, forget := range []func(context.Context, uuid.UUID) error{queries.PurgeSignOns, queries.PurgeAssertions, queries.PurgeSignOnTokens} {
		if err := forget(ctx, tenantID); err != nil {
			return fmt.Errorf("purge sign-ons: %w", err)
		}
	}
	return nil
}

// Answer takes a response that a browser brought from the identity provider, and returns the ticket with which the browser
// gets the outcome. A response that proves nothing is a *Refused.
func (s *Service) Answer(ctx context.Context, domain, encoded string, us saml.Provider) (Ticket, error) {
	var ticket Ticket
	err := s.system.Write(ctx, system.SAML, uuid.Nil, func(ctx context.Context, db system.DB) error {
		queries := systemdb.New(db)
		found, provider, err := findProvider(ctx, queries, domain)
		if err != nil {
			return err
		}
		refuse := func(reason string) error { return &Refused{Tenant: found.TenantID, Reason: reason} }
		response, err := saml.ReadResponse(encoded)
		if err != nil {
			return refuse(err.Error())
		}
		// Whether the request is ours is asked before any signature is computed.
		request := response.InResponseTo()
		awaited := false
		if isRequestID(request) {
			awaited, err = queries.AwaitsAnswer(ctx, systemdb.AwaitsAnswerParams{TenantID: found.TenantID, ID: request, ConfigID: found.ID})
			if err != nil {
				return fmt.Errorf("find sign-on: %w", err)
			}
		}
		if !awaited {
			return refuse("the response answers no sign-on that waits for one")
		}
		assertion, err := response.Verify(saml.Expectation{From: provider, To: us, RequestID: request, Now: s.now()})
		if err != nil {
			return refuse(err.Error())
		}
		claimed, err := readClaims(assertion, domain)
		if err != nil {
			return refuse(err.Error())
		}
		ticket = newTicket(request)
		return s.keep(ctx, queries, found, provider, assertion, claimed, ticket, refuse)
	})
	if err != nil {
		return Ticket{}, err
	}
	return ticket, nil
}

// keep notes the outcome for the browser's next step, unless the assertion or the request was used before.
func (s *Service) keep(ctx context.Context, queries *systemdb.Queries, found systemdb.FindSignOnProviderRow, provider saml.Metadata,
	assertion saml.Assertion, claimed claims, ticket Ticket, refuse func(string) error) error {
	spent, err := queries.SpendAssertion(ctx, systemdb.SpendAssertionParams{TenantID: found.TenantID,
		ID: digest(provider.EntityID + "\x00" + assertion.ID), ExpiresAt: assertion.NotOnOrAfter.Add(saml.Skew)})
	if err != nil {
		return fmt.Errorf("spend assertion: %w", err)
	}
	if spent == 0 {
		return refuse("the assertion was used before")
	}
	noted, err := queries.AnswerSignOn(ctx, systemdb.AnswerSignOnParams{TenantID: found.TenantID, ID: ticket.id, ConfigID: found.ID,
		Answer: ticket.digest(), Email: claimed.email, Name: claimed.name, CompanyName: claimed.company, UserType: claimed.userType})
	if err != nil {
		return fmt.Errorf("answer sign-on: %w", err)
	}
	if noted == 0 {
		return refuse("the sign-on was answered before")
	}
	return nil
}

// Outcome is a sign-on that succeeded.
type Outcome struct {
	Token    uuid.UUID // to be exchanged once
	Callback string    // where in the user interface the person wants to be; may be empty
}

// Finish ends a sign-on for the browser that has both tickets: the person is made or found, holds the role that the identity
// provider names, and has a one-time token. All of it or nothing. What is not good is a *Refused.
func (s *Service) Finish(ctx context.Context, domain string, began, answered Ticket) (Outcome, error) {
	if began.id == "" || began.id != answered.id {
		return Outcome{}, &Refused{Reason: "the browser is not the one that began and was answered"}
	}
	outcome := Outcome{Token: uuid.New()}
	tenantID, err := s.tenantOf(ctx, domain)
	if err != nil {
		return Outcome{}, err
	}
	err = s.system.Write(ctx, system.SignUp, uuid.Nil, func(ctx context.Context, db system.DB) error {
		queries := systemdb.New(db)
		// Changes to who may do what in a tenant wait for each other.
		if err := queries.LockOneTenant(ctx, tenantID); err != nil {
			return fmt.Errorf("lock tenant: %w", err)
		}
		taken, err := queries.TakeSignOn(ctx, systemdb.TakeSignOnParams{TenantID: tenantID, ID: began.id, Browser: began.digest(), Answer: answered.digest()})
		if errors.Is(err, pgx.ErrNoRows) {
			return &Refused{Tenant: tenantID, Reason: "there is no outcome for this browser"}
		}
		if err != nil {
			return fmt.Errorf("take sign-on: %w", err)
		}
		outcome.Callback = taken.Callback
		user, err := admit(ctx, queries, tenantID, claims{email: taken.Email, name: taken.Name, company: taken.CompanyName, userType: taken.UserType})
		if err != nil {
			return err
		}
		err = queries.CreateSignOnToken(ctx, systemdb.CreateSignOnTokenParams{TenantID: tenantID, Digest: digest(outcome.Token.String()),
			ConfigID: taken.ConfigID, UserID: user, ExpiresAt: s.now().Add(tokenLifetime)})
		if err != nil {
			return fmt.Errorf("create one-time token: %w", err)
		}
		return nil
	})
	if err != nil {
		return Outcome{}, err
	}
	return outcome, nil
}

func (s *Service) tenantOf(ctx context.Context, domain string) (id uuid.UUID, err error) {
	err = s.system.Write(ctx, system.SAML, uuid.Nil, func(ctx context.Context, db system.DB) error {
		found, _, err := findProvider(ctx, systemdb.New(db), domain)
		id = found.TenantID
		return err
	})
	return id, err
}

// The refusals of a one-time token, in the words of the wire.
var (
	errNoToken = jsonapi.Detail{Status: 404, Text: "Invalid token ID."}
	errExpired = jsonapi.Detail{Status: 400, Text: "Token expired."}
)

// Redeem exchanges a one-time token for a pair that is good in the tenant of the sign-on alone.
func (s *Service) Redeem(ctx context.Context, id uuid.UUID) (token.Pair, error) {
	var spent systemdb.SpendSignOnTokenRow
	err := s.system.Write(ctx, system.SAML, uuid.Nil, func(ctx context.Context, db system.DB) error {
		queries := systemdb.New(db)
		sum := digest(id.String())
		expires, err := queries.FindSignOnToken(ctx, sum)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNoToken
		}
		if err != nil {
			return fmt.Errorf("find one-time token: %w", err)
		}
		if !s.now().Before(expires) {
			return errExpired
		}
		spent, err = queries.SpendSignOnToken(ctx, sum)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNoToken // somebody was faster
		}
		if err != nil {
			return fmt.Errorf("spend one-time token: %w", err)
		}
		return nil
	})
	if err != nil {
		return token.Pair{}, err
	}
	return s.people.SignedOn(ctx, spent.UserID, spent.TenantID)
}
