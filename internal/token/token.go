// Package token issues and reads the JSON Web Tokens (RFC 7519) that stand for a person in a tenant: a short-lived
// access token and a refresh token that is good for one exchange.
//
// It decides whether a token is genuine and in time. Whether its person still exists, still has that password and
// whether a refresh token was used before is for the caller, who has the database.
package token

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// Refusal says why a token is not accepted, in the words of the wire.
type Refusal string

// The refusals of ParseAccess and ParseRefresh.
const (
	// Invalid covers everything that is not genuine: malformed, forged, other algorithm, issuer or audience, not valid yet.
	Invalid Refusal = "Token is invalid"
	// Expired is a genuine token after its time.
	Expired Refusal = "Token is expired"
	// WrongType is a genuine refresh token where an access token belongs, or the other way round.
	WrongType Refusal = "Token has wrong type"
	// NoTenant is a genuine token that does not name a tenant.
	NoTenant Refusal = "Tenant ID is not present in token"
)

// Error returns the words of the wire.
func (r Refusal) Error() string { return string(r) }

// Defaults of Config.
const (
	DefaultAccessLifetime  = 30 * time.Minute
	DefaultRefreshLifetime = 24 * time.Hour
	DefaultName            = "palisade" // issuer and audience
)

// Config sets up an Issuer; the zero value has the defaults.
type Config struct {
	Issuer          string           // claim iss; tokens of another issuer are refused
	Audience        string           // claim aud; tokens for another audience are refused
	AccessLifetime  time.Duration    // how long an access token is good
	RefreshLifetime time.Duration    // how long a refresh token is good
	Now             func() time.Time // clock; nil: time.Now
}

// Claims is what a token says about its holder.
type Claims struct {
	UserID              uuid.UUID
	TenantID            uuid.UUID
	PasswordFingerprint string // Fingerprint of the password hash when the token was issued
	// Confined tokens are good in their tenant alone: the tenant's identity provider said who the person is, and the person's
	// other tenants have not agreed to believe it.
	Confined bool
}

// Token is a genuine token as read by ParseAccess or ParseRefresh. Times are whole seconds, UTC.
type Token struct {
	Claims
	ID        string // claim jti: 32 hexadecimal digits, unique
	IssuedAt  time.Time
	NotBefore time.Time
	ExpiresAt time.Time

	kind kind
}

// Pair is a new access token and a new refresh token, signed. It does not show itself when printed.
type Pair struct {
	Access  string
	Refresh string

	RefreshID        string    // claim jti of Refresh
	RefreshExpiresAt time.Time // when Refresh is no longer good
}

// LogValue hides the tokens from slog.
func (Pair) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format hides the tokens from every verb of fmt.
func (Pair) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// Fingerprint is the digest of a stored password hash for the claims of a token: 32 upper-case hexadecimal digits.
// When the password changes, so does the fingerprint, and every earlier token can be refused.
func Fingerprint(storedHash string) string {
	sum := sha256.Sum256([]byte(storedHash))
	return strings.ToUpper(hex.EncodeToString(sum[:16]))
}

// Issuer issues and reads tokens. It is safe for concurrent use.
type Issuer struct {
	keys   atomic.Pointer[Keys]
	config Config
	parser *jwt.Parser
	folder *folder // that the keys come from; nil: they stay as they are
}

// NewIssuer makes an Issuer from keys (ParseKeys, LoadOrCreateKeys) and settings. Open makes one that follows a folder.
func NewIssuer(keys Keys, config Config) (*Issuer, error) {
	if keys.signing == nil {
		return nil, errors.New("token issuer needs a signing key")
	}
	config = withDefaults(config)
	if config.AccessLifetime < time.Second || config.RefreshLifetime < time.Second {
		return nil, errors.New("token lifetimes must be a second or more")
	}
	issuer := &Issuer{config: config}
	issuer.keys.Store(&keys)
	issuer.parser = jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
		jwt.WithIssuer(config.Issuer),
		jwt.WithAudience(config.Audience),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithTimeFunc(config.Now),
		jwt.WithStrictDecoding(),
	)
	return issuer, nil
}

// Issue signs a new pair for claims.
func (i *Issuer) Issue(claims Claims) (Pair, error) {
	return i.sign(claims, i.config.Now())
}

// Refresh signs the pair that replaces the refresh token old, which must come from ParseRefresh. Holder, tenant,
// fingerprint and the "not before" time stay; id, issue and expiry times are new. The caller must have made sure
// that old was not used before, and marks it as used.
func (i *Issuer) Refresh(old Token) (Pair, error) {
	if old.kind != kindRefresh {
		return Pair{}, fmt.Errorf("refresh: %w", WrongType)
	}
	return i.sign(old.Claims, old.NotBefore)
}

// ParseAccess reads an access token; the error is a Refusal.
func (i *Issuer) ParseAccess(signed string) (Token, error) { return i.parse(signed, kindAccess) }

// ParseRefresh reads a refresh token; the error is a Refusal.
func (i *Issuer) ParseRefresh(signed string) (Token, error) { return i.parse(signed, kindRefresh) }

type kind string

const (
	kindAccess  kind = "access"
	kindRefresh kind = "refresh"
)

const redacted = "[redacted]"

// wireClaims is the claims set as it stands in the token.
type wireClaims struct {
	jwt.RegisteredClaims
	Type         kind   `json:"typ"`
	TenantID     string `json:"tenant_id,omitempty"`
	HashPassword string `json:"hash_password"`
	Confined     bool   `json:"confined,omitempty"`
	// Audience is a single string on the wire; the parser accepts a list with that string too.
	Audience audience `json:"aud"`
}

type audience string

func (a *audience) UnmarshalJSON(text []byte) error {
	var list jwt.ClaimStrings
	if err := list.UnmarshalJSON(text); err != nil {
		return err
	}
	if len(list) != 1 {
		return errors.New("aud must name one audience")
	}
	*a = audience(list[0])
	return nil
}

// GetAudience implements jwt.Claims.
func (c wireClaims) GetAudience() (jwt.ClaimStrings, error) {
	return jwt.ClaimStrings{string(c.Audience)}, nil
}

func withDefaults(config Config) Config {
	if config.Issuer == "" {
		config.Issuer = DefaultName
	}
	if config.Audience == "" {
		config.Audience = DefaultName
	}
	if config.AccessLifetime == 0 {
		config.AccessLifetime = DefaultAccessLifetime
	}
	if config.RefreshLifetime == 0 {
		config.RefreshLifetime = DefaultRefreshLifetime
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return config
}

func (i *Issuer) sign(claims Claims, notBefore time.Time) (Pair, error) {
	now := i.config.Now()
	access, _, _, err := i.signOne(kindAccess, claims, now, notBefore, i.config.AccessLifetime)
	if err != nil {
		return Pair{}, err
	}
	refresh, id, expires, err := i.signOne(kindRefresh, claims, now, notBefore, i.config.RefreshLifetime)
	if err != nil {
		return Pair{}, err
	}
	return Pair{Access: access, Refresh: refresh, RefreshID: id, RefreshExpiresAt: expires}, nil
}

func (i *Issuer) signOne(kind kind, claims Claims, now, notBefore time.Time, lifetime time.Duration) (signed, id string, expires time.Time, err error) {
	random, err := uuid.NewRandom()
	if err != nil {
		return "", "", time.Time{}, fmt.Errorf("sign token: %w", err)
	}
	id = hex.EncodeToString(random[:])
	expires = now.Add(lifetime).Truncate(time.Second).UTC()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, wireClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    i.config.Issuer,
			Subject:   claims.UserID.String(),
			ExpiresAt: jwt.NewNumericDate(expires),
			NotBefore: jwt.NewNumericDate(notBefore),
			IssuedAt:  jwt.NewNumericDate(now),
			ID:        id,
		},
		Type:         kind,
		TenantID:     claims.TenantID.String(),
		HashPassword: claims.PasswordFingerprint,
		Confined:     claims.Confined,
		Audience:     audience(i.config.Audience),
	})
	signed, err = token.SignedString(i.keys.Load().signing)
	if err != nil {
		return "", "", time.Time{}, fmt.Errorf("sign token: %w", err)
	}
	return signed, id, expires, nil
}

func (i *Issuer) parse(signed string, want kind) (Token, error) {
	claims, err := i.verify(signed)
	if errors.Is(err, jwt.ErrTokenSignatureInvalid) {
		// Another server may have signed with a key that is newer than what this one has read. An error leaves the refusal.
		if changed, _ := i.Reload(); changed {
			claims, err = i.verify(signed)
		}
	}
	switch {
	case err == nil:
	case errors.Is(err, jwt.ErrTokenExpired) && onlyExpired(err):
		return Token{}, Expired
	default:
		return Token{}, Invalid
	}
	if claims.Type != want {
		return Token{}, WrongType
	}
	if claims.TenantID == "" {
		return Token{}, NoTenant
	}
	user, userErr := uuid.Parse(claims.Subject)
	tenant, tenantErr := uuid.Parse(claims.TenantID)
	if userErr != nil || tenantErr != nil || claims.ID == "" || claims.IssuedAt == nil || claims.NotBefore == nil {
		return Token{}, Invalid
	}
	return Token{
		Claims:    Claims{UserID: user, TenantID: tenant, PasswordFingerprint: claims.HashPassword, Confined: claims.Confined},
		ID:        claims.ID,
		IssuedAt:  claims.IssuedAt.UTC(),
		NotBefore: claims.NotBefore.UTC(),
		ExpiresAt: claims.ExpiresAt.UTC(),
		kind:      want,
	}, nil
}

func (i *Issuer) verify(signed string) (wireClaims, error) {
	var claims wireClaims
	_, err := i.parser.ParseWithClaims(signed, &claims, func(*jwt.Token) (any, error) { return i.keys.Load().verifying, nil })
	return claims, err
}

// onlyExpired tells a token of ours that is late from one that is also foreign: the validator reports all at once.
func onlyExpired(err error) bool {
	for _, other := range []error{jwt.ErrTokenInvalidIssuer, jwt.ErrTokenInvalidAudience, jwt.ErrTokenNotValidYet, jwt.ErrTokenUsedBeforeIssued} {
		if errors.Is(err, other) {
			return false
		}
	}
	return true
}
