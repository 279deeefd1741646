package sso

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/password"
	"github.com/palisade-sec/palisade/internal/saml"
)

// claims are what an identity provider says about a person.
type claims struct{ email, name, company, userType string }

// The longest that a name of a person, of a company and of a role may be.
const (
	shortestName = 3
	longestName  = 150
	longestRole  = 255
)

// readClaims reads the person out of an assertion. The address has to be of the domain that the organisation signs on: an
// identity provider speaks for nobody else.
func readClaims(assertion saml.Assertion, domain string) (claims, error) {
	address := strings.ToLower(assertion.NameID)
	for _, r := range address {
		if r >= utf8.RuneSelf {
			return claims{}, errors.New("the name id has letters that look like others")
		}
	}
	if len(address) > 254 || !jsonapi.IsEmail(address) {
		return claims{}, errors.New("the name id is no e-mail address")
	}
	if address[strings.LastIndexByte(address, '@')+1:] != domain {
		return claims{}, errors.New("the address is of another domain")
	}
	read := claims{email: address, company: clean(assertion.Attributes["organization"], longestName),
		userType: clean(assertion.Attributes["userType"], longestRole+1)}
	if utf8.RuneCountInString(read.userType) > longestRole {
		return claims{}, errors.New("the name of the role is too long")
	}
	read.name = clean(assertion.Attributes["firstName"]+" "+assertion.Attributes["lastName"], longestName)
	switch {
	case read.name == "":
		read.name = "N/A"
	case utf8.RuneCountInString(read.name) < shortestName:
		read.name = clean(read.email, longestName)
	}
	return read, nil
}

// clean drops what is no part of a name, control characters and those that turn text around, and cuts the rest.
func clean(text string, longest int) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "")))
	runes := []rune(text)
	if len(runes) > longest {
		text = strings.TrimSpace(string(runes[:longest]))
	}
	return text
}

// admit makes or finds the person, as a member of the tenant with the role that the identity provider names. The caller holds
// the tenant's lock.
func admit(ctx context.Context, queries *systemdb.Queries, tenantID uuid.UUID, claimed claims) (uuid.UUID, error) {
	user, err := recognise(ctx, queries, tenantID, claimed)
	if err != nil {
		return uuid.Nil, err
	}
	if claimed.userType == "" {
		return user, giveSomeRole(ctx, queries, tenantID, user)
	}
	return user, giveRole(ctx, queries, tenantID, user, claimed.userType)
}

// recognise is the person with the address. An account that is there already is theirs only when its owner has joined the
// tenant before: otherwise an identity provider could take over whomever it likes.
func recognise(ctx context.Context, queries *systemdb.Queries, tenantID uuid.UUID, claimed claims) (uuid.UUID, error) {
	known, err := queries.FindSignedOn(ctx, systemdb.FindSignedOnParams{TenantID: tenantID, Email: claimed.email})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return introduce(ctx, queries, tenantID, claimed)
	case err != nil:
		return uuid.Nil, fmt.Errorf("find person: %w", err)
	case !known.Member:
		return uuid.Nil, &Refused{Tenant: tenantID, Reason: "the address has an account whose owner is no member of the tenant"}
	case !known.IsActive:
		return uuid.Nil, &Refused{Tenant: tenantID, Reason: "the person is inactive"}
	case known.Elsewhere: // other tenants call them something, too
		return known.ID, nil
	}
	if known.Name == claimed.name && known.CompanyName == claimed.company {
		return known.ID, nil
	}
	if err := queries.RenameSignedOn(ctx, systemdb.RenameSignedOnParams{ID: known.ID, Name: claimed.name, CompanyName: claimed.company}); err != nil {
		return uuid.Nil, fmt.Errorf("rename person: %w", err)
	}
	return known.ID, nil
}

// introduce makes a person who is a member of the tenant and of no other.
func introduce(ctx context.Context, queries *systemdb.Queries, tenantID uuid.UUID, claimed claims) (uuid.UUID, error) {
	// Nobody knows the password.
	hash, err := password.Hash(ctx, rand.Text())
	if err != nil {
		return uuid.Nil, fmt.Errorf("hash password: %w", err)
	}
	user, err := queries.CreateUser(ctx, systemdb.CreateUserParams{ID: uuid.New(), Name: claimed.name, Email: claimed.email,
		CompanyName: claimed.company, Password: hash})
	if err != nil {
		return uuid.Nil, fmt.Errorf("create person: %w", err)
	}
	err = queries.CreateMembership(ctx, systemdb.CreateMembershipParams{TenantID: tenantID, ID: uuid.New(), UserID: user.ID, Role: "member"})
	if err != nil {
		return uuid.Nil, fmt.Errorf("create membership: %w", err)
	}
	return user.ID, nil
}

// giveRole lets a person hold the named role and no other, unless nobody would manage the account then: in that case
// everything stays as it is. A role that the tenant does not have is made, and sees everything but changes nothing.
func giveRole(ctx context.Context, queries *systemdb.Queries, tenantID, user uuid.UUID, name string) error {
	role, err := queries.FindRoleByName(ctx, systemdb.FindRoleByNameParams{TenantID: tenantID, Name: name})
	missing := errors.Is(err, pgx.ErrNoRows)
	if err != nil && !missing {
		return fmt.Errorf("find role: %w", err)
	}
	if !role.ManageAccount {
		alone, err := queries.ManagesAccountAlone(ctx, systemdb.ManagesAccountAloneParams{TenantID: tenantID, UserID: user})
		if err != nil {
			return fmt.Errorf("look for account managers: %w", err)
		}
		if alone {
			return nil
		}
	}
	if missing {
		role.ID = uuid.New()
		if err := createReadOnly(ctx, queries, tenantID, role.ID, name); err != nil {
			return err
		}
	}
	if err := grant(ctx, queries, tenantID, user, role.ID); err != nil {
		return err
	}
	if err := queries.TakeRolesBut(ctx, systemdb.TakeRolesButParams{TenantID: tenantID, UserID: user, RoleID: role.ID}); err != nil {
		return fmt.Errorf("take other roles: %w", err)
	}
	return nil
}

// giveSomeRole gives whoever holds no role one that reads everything and changes nothing. A role that is called so and does
// more is passed over: people may have changed it.
func giveSomeRole(ctx context.Context, queries *systemdb.Queries, tenantID, user uuid.UUID) error {
	holds, err := queries.HoldsRole(ctx, systemdb.HoldsRoleParams{TenantID: tenantID, UserID: user})
	if err != nil {
		return fmt.Errorf("look for roles: %w", err)
	}
	if holds {
		return nil
	}
	rows, err := queries.ListReadOnlyRoles(ctx, tenantID)
	if err != nil {
		return fmt.Errorf("list read-only roles: %w", err)
	}
	there := make(map[string]systemdb.ListReadOnlyRolesRow, len(rows))
	for _, row := range rows {
		there[row.Name] = row
	}
	name := "read_only"
	for i := 0; ; i++ {
		role, taken := there[name]
		if taken && role.ReadsOnly {
			return grant(ctx, queries, tenantID, user, role.ID)
		}
		if !taken {
			break
		}
		name = fmt.Sprintf("read_only_%d", i)
	}
	id := uuid.New()
	if err := createReadOnly(ctx, queries, tenantID, id, name); err != nil {
		return err
	}
	return grant(ctx, queries, tenantID, user, id)
}

func createReadOnly(ctx context.Context, queries *systemdb.Queries, tenantID, id uuid.UUID, name string) error {
	if err := queries.CreateReadOnlyRole(ctx, systemdb.CreateReadOnlyRoleParams{TenantID: tenantID, ID: id, Name: name}); err != nil {
		return fmt.Errorf("create role: %w", err)
	}
	return nil
}

func grant(ctx context.Context, queries *systemdb.Queries, tenantID, user, role uuid.UUID) error {
	if err := queries.GrantRole(ctx, systemdb.GrantRoleParams{TenantID: tenantID, UserID: user, RoleID: role}); err != nil {
		return fmt.Errorf("give role: %w", err)
	}
	return nil
}
