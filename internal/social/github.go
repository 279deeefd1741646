package social

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

func (s GitHubSettings) withDefaults() GitHubSettings {
	if s.TokenURL == "" {
		s.TokenURL = "https://github.com/login/oauth/access_token"
	}
	if s.APIURL == "" {
		s.APIURL = "https://api.github.com"
	}
	s.APIURL = strings.TrimSuffix(s.APIURL, "/")
	return s
}

// gitHub is plain OAuth 2: an access token reads the account and its addresses from the API.
type gitHub struct {
	exchange
	api string
}

func newGitHub(settings GitHubSettings, client *http.Client) *gitHub {
	return &gitHub{newExchange(settings.Application, settings.TokenURL, client), settings.APIURL}
}

func (g *gitHub) redeem(ctx context.Context, code string) (Profile, error) {
	tokens, err := g.tokens(ctx, code)
	if err != nil {
		return Profile{}, err
	}
	var user struct {
		ID    json.Number `json:"id"`
		Login string      `json:"login"`
		Name  string      `json:"name"`
	}
	if err := g.read(ctx, "/user", tokens.AccessToken, &user); err != nil {
		return Profile{}, err
	}
	if user.ID == "0" {
		user.ID = ""
	}
	profile := Profile{Subject: user.ID.String(), Names: []string{user.Name, user.Login}}
	profile.Email, profile.EmailVerified, err = g.address(ctx, tokens.AccessToken)
	return profile, err
}

// address is the primary address. The one in the public profile is not asked for: nothing says whether it is verified.
func (g *gitHub) address(ctx context.Context, accessToken string) (address string, verified bool, err error) {
	var all []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	err = g.read(ctx, "/user/emails", accessToken, &all)
	if errors.Is(err, errNotAllowed) {
		return "", false, nil // the client did not ask for the scope user:email; who is known comes in all the same
	}
	for _, one := range all {
		if one.Primary {
			return one.Email, one.Verified, err
		}
	}
	return "", false, err
}

func (g *gitHub) read(ctx context.Context, path, accessToken string, into any) error {
	return g.get(ctx, g.api+path, accessToken, http.Header{"Accept": {"application/vnd.github+json"}, "X-Github-Api-Version": {"2022-11-28"}}, into)
}
