// Package social speaks with providers that people log in through, Google and GitHub: it exchanges the code of an OAuth 2
// authorisation for what the provider knows of the person, and checks that the answer is meant for us.
//
// What does not belong here: the people that we know (internal/identity), HTTP of our own, and the page on which somebody
// agrees, which is the client's to open.
package social

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Name is a provider.
type Name string

// The providers.
const (
	Google Name = "google"
	GitHub Name = "github"
)

// Profile is what a provider knows of a person who came with a good code.
type Profile struct {
	Provider      Name
	Subject       string // id of the account, which never changes
	Email         string // empty: none was given
	EmailVerified bool
	Names         []string // what the person may be called, best first
}

// What can come of a code that is not exchanged. They hold nothing that the provider said: that goes to the log.
var (
	ErrNotConfigured = errors.New("the provider is not set up")
	ErrRefused       = errors.New("the provider does not accept the code")
	ErrUnavailable   = errors.New("the provider does not answer as it should")
)

// Application is how a provider knows this installation.
type Application struct {
	ClientID     string // empty: not set up
	ClientSecret string
	CallbackURL  string // that the client sent people to; the provider compares
}

// GoogleSettings are the application at Google and the addresses of Google.
type GoogleSettings struct {
	Application
	Issuer      string // that id tokens name
	TokenURL    string
	KeysURL     string // of the keys that sign id tokens (JWKS)
	UserInfoURL string // asked when there is no id token
}

// GitHubSettings are the application at GitHub and the addresses of GitHub.
type GitHubSettings struct {
	Application
	TokenURL string
	APIURL   string
}

// Settings are those of all providers. Addresses that are empty are the ones that the vendors document.
type Settings struct {
	Google  GoogleSettings
	GitHub  GitHubSettings
	Timeout time.Duration // of one request to a provider; 0: 10 s
}

// Providers are those that are set up.
type Providers struct {
	redeemers map[Name]redeemer
	logger    *slog.Logger
}

// redeemer exchanges a code. Its errors are of this package: a failure with ErrRefused or ErrUnavailable in its chain.
type redeemer interface {
	redeem(ctx context.Context, code string) (Profile, error)
}

// New checks the settings: an application that is set up in part is an error, and so is an address that is neither HTTPS
// nor on this machine.
func New(settings Settings, logger *slog.Logger) (*Providers, error) {
	providers := &Providers{redeemers: make(map[Name]redeemer), logger: logger}
	client := newClient(settings.Timeout)
	if settings.Google.Application != (Application{}) {
		one := settings.Google.withDefaults()
		if err := check(one.Application, one.TokenURL, one.KeysURL, one.UserInfoURL); err != nil {
			return nil, fmt.Errorf("log-in through Google: %w", err)
		}
		providers.redeemers[Google] = newGoogle(one, client)
	}
	if settings.GitHub.Application != (Application{}) {
		one := settings.GitHub.withDefaults()
		if err := check(one.Application, one.TokenURL, one.APIURL); err != nil {
			return nil, fmt.Errorf("log-in through GitHub: %w", err)
		}
		providers.redeemers[GitHub] = newGitHub(one, client)
	}
	return providers, nil
}

// Redeem exchanges a code, which is good once, for what the provider knows of the person. The error is ErrNotConfigured,
// ErrRefused or ErrUnavailable; the reason is logged, without the code and without anything that the provider issued.
func (p *Providers) Redeem(ctx context.Context, name Name, code string) (Profile, error) {
	one := p.redeemers[name]
	if one == nil {
		return Profile{}, ErrNotConfigured
	}
	profile, err := one.redeem(ctx, code)
	if err == nil && (profile.Subject == "" || len(profile.Subject) > 255) {
		err = unavailable("names no account")
	}
	if err == nil {
		profile.Provider = name
		return profile, nil
	}
	kind := ErrUnavailable
	if errors.Is(err, ErrRefused) {
		kind = ErrRefused
	}
	p.logger.WarnContext(ctx, "log-in through a provider failed", "provider", string(name), "reason", err.Error())
	return Profile{}, kind
}

func check(application Application, addresses ...string) error {
	if application.ClientID == "" || application.ClientSecret == "" || application.CallbackURL == "" {
		return errors.New("client id, client secret and callback address go together")
	}
	if _, err := absolute(application.CallbackURL); err != nil {
		return fmt.Errorf("callback address: %w", err)
	}
	for _, address := range addresses {
		parsed, err := absolute(address)
		if err != nil {
			return err
		}
		if parsed.Scheme != "https" && !local(parsed.Hostname()) {
			return fmt.Errorf("the address on %s is not HTTPS: client secrets and codes pass there", parsed.Host)
		}
	}
	return nil
}

// absolute reads an address; the error does not show it, as it may hold a password.
func absolute(address string) (*url.URL, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.User != nil {
		return nil, errors.New("want an absolute http or https address without a user")
	}
	return parsed, nil
}

// local reports whether a host is this machine.
func local(host string) bool {
	address := net.ParseIP(host)
	return host == "localhost" || address != nil && address.IsLoopback()
}

// newClient is a client that waits for a bounded time, reads a bounded answer and is not sent elsewhere.
func newClient(timeout time.Duration) *http.Client {
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	return &http.Client{
		Timeout:       timeout,
		Transport:     bounded{http.DefaultTransport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
