package social

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"
)

// googleIssuer is the issuer that Google's id tokens name, with https:// before it or without.
const googleIssuer = "accounts.google.com"

func (s GoogleSettings) withDefaults() GoogleSettings {
	for field, value := range map[*string]string{
		&s.Issuer:      "https://" + googleIssuer,
		&s.TokenURL:    "https://oauth2.googleapis.com/token",
		&s.KeysURL:     "https://www.googleapis.com/oauth2/v3/certs",
		&s.UserInfoURL: "https://openidconnect.googleapis.com/v1/userinfo",
	} {
		if *field == "" {
			*field = value
		}
	}
	return s
}

// google is OpenID Connect: the token endpoint answers with a signed id token.
type google struct {
	exchange
	settings GoogleSettings
	keys     *publishedKeys
}

func newGoogle(settings GoogleSettings, client *http.Client) *google {
	return &google{newExchange(settings.Application, settings.TokenURL, client), settings, &publishedKeys{url: settings.KeysURL, client: client}}
}

func (g *google) redeem(ctx context.Context, code string) (Profile, error) {
	tokens, err := g.tokens(ctx, code)
	if err != nil {
		return Profile{}, err
	}
	subject, person, err := g.person(ctx, tokens)
	if err != nil {
		return Profile{}, err
	}
	return Profile{Subject: subject, Email: person.Email, EmailVerified: person.EmailVerified, Names: []string{person.Name, person.GivenName}}, nil
}

// googlePerson is what both an id token and the user info say.
type googlePerson struct {
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
	Name          string `json:"name"`
	GivenName     string `json:"given_name"`
}

// person is read from the id token; the user info is asked only where the client did not ask for one (scope openid).
func (g *google) person(ctx context.Context, tokens *oauth2.Token) (subject string, person googlePerson, err error) {
	if signed, _ := tokens.Extra("id_token").(string); signed != "" {
		return g.verify(ctx, signed)
	}
	var info struct {
		Subject string `json:"sub"`
		googlePerson
	}
	err = g.get(ctx, g.settings.UserInfoURL, tokens.AccessToken, http.Header{"Accept": {"application/json"}}, &info)
	return info.Subject, info.googlePerson, err
}

// idToken is the claims of an id token; their check is the parser's, but for what Validate adds.
type idToken struct {
	jwt.RegisteredClaims
	googlePerson
	AuthorizedParty string `json:"azp"`

	client  string
	issuers []string
}

var errForeign = errors.New("of another issuer, or for another application")

// Validate refuses tokens of other issuers and those that were issued to another application or to several.
func (t *idToken) Validate() error {
	if !slices.Contains(t.issuers, t.Issuer) || len(t.Audience) != 1 || t.AuthorizedParty != "" && t.AuthorizedParty != t.client {
		return errForeign
	}
	return nil
}

// verify checks signature, issuer, audience and time of an id token.
func (g *google) verify(ctx context.Context, signed string) (subject string, person googlePerson, err error) {
	claims := idToken{client: g.settings.ClientID, issuers: []string{g.settings.Issuer}}
	if g.settings.Issuer == "https://"+googleIssuer {
		claims.issuers = append(claims.issuers, googleIssuer)
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}), jwt.WithAudience(g.settings.ClientID),
		jwt.WithExpirationRequired(), jwt.WithStrictDecoding())
	_, err = parser.ParseWithClaims(signed, &claims, func(parsed *jwt.Token) (any, error) {
		id, _ := parsed.Header["kid"].(string)
		key, err := g.keys.find(ctx, id)
		if err == nil && key == nil {
			err = errUnknownKey
		}
		return key, err
	})
	if errors.Is(err, ErrUnavailable) {
		return "", googlePerson{}, err
	}
	if err != nil {
		return "", googlePerson{}, refused("id token: %s", flaw(err))
	}
	return claims.Subject, claims.googlePerson, nil
}

var errUnknownKey = errors.New("signed with a key that the provider does not publish")

// flaw says what is wrong with an id token in words of our own: the library's may quote it.
func flaw(err error) string {
	for _, one := range []error{errUnknownKey, errForeign, jwt.ErrTokenExpired, jwt.ErrTokenNotValidYet, jwt.ErrTokenInvalidAudience, jwt.ErrTokenSignatureInvalid} {
		if errors.Is(err, one) {
			return one.Error()
		}
	}
	return "malformed"
}
