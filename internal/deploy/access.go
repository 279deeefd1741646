package deploy

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/token"
)

var accessChecks = []Check{
	{ID: "access.log-in-limit", Severity: Error, Title: "log-ins of one address are limited",
		Remedy: "set token-rate-limit, as in 50/minute", find: findNoLogInLimit},
	{ID: "access.account-limit", Severity: Error, Title: "wrong passwords of one account are limited",
		Remedy: "set account-rate-limit, as in 100/hour", find: findNoAccountLimit},
	{ID: "access.request-limits", Severity: Warning, Title: "requests of one address, person and API key are limited",
		Remedy: "set rate-limit-address, rate-limit-token and rate-limit-key, as in 600/minute; or limit them at the proxy", find: findNoRequestLimits},
	{ID: "access.sign-up", Severity: Warning, Title: "only the invited may sign up",
		Remedy: "set sign-up to invitation, unless everybody who reaches the server may have an organisation on it", find: findOpenSignUp},
	{ID: "access.first-admin", Severity: Warning, Title: "the first administrator's password is not kept in the settings",
		Remedy: "remove first-admin-password once the first administrator has logged in and changed it", find: findFirstAdminPassword},
	{ID: "access.password-hash", Severity: Error, Title: "passwords are hashed with argon2id at its usual cost",
		Remedy: "use a release of the program that does", find: findCheapHash},
	{ID: "access.token-lifetime", Severity: Error, Title: "access tokens end within the hour, refresh tokens within 30 days",
		Remedy: "use a release of the program in which they do", find: findLongTokens},
	{ID: "access.sign-on", Severity: Error, Title: "log-in through other services goes over https",
		Remedy: "set external-url, saml-callback-url and the social-... addresses to https ones", find: findOpenSignOn},
}

func isOff(limit string) bool { return limit == "" || limit == "off" }

func findNoLogInLimit(_ context.Context, d *Deployment) ([]string, error) {
	return when(isOff(d.Settings.TokenLimit), "token-rate-limit is off: one address may guess passwords without end"), nil
}

func findNoAccountLimit(_ context.Context, d *Deployment) ([]string, error) {
	return when(isOff(d.Settings.AccountLimit), "account-rate-limit is off: many addresses may guess one account's password without end"), nil
}

func findNoRequestLimits(_ context.Context, d *Deployment) ([]string, error) {
	var problems []string
	for _, one := range []struct{ key, limit string }{
		{"rate-limit-address", d.Settings.AddressLimit}, {"rate-limit-token", d.Settings.AccessTokenLimit}, {"rate-limit-key", d.Settings.KeyLimit},
	} {
		if isOff(one.limit) {
			problems = append(problems, one.key+" is off")
		}
	}
	return problems, nil
}

func findOpenSignUp(_ context.Context, d *Deployment) ([]string, error) {
	return when(d.Settings.SignUp != config.SignUpInvitation, "sign-up is open: whoever reaches the server gets an organisation"), nil
}

func findFirstAdminPassword(_ context.Context, d *Deployment) ([]string, error) {
	return when(d.Settings.FirstAdminPassword != "", "first-admin-password is set"), nil
}

// The least that OWASP advises for argon2id.
const (
	leastMemoryKiB = 19 * 1024
	leastPasses    = 2
)

func findCheapHash(ctx context.Context, d *Deployment) ([]string, error) {
	hash, err := d.hash(ctx)
	if err != nil {
		return nil, err
	}
	var memory, passes int
	kind, parameters, _ := strings.Cut(strings.TrimPrefix(hash, "$"), "$")
	_, costs, _ := strings.Cut(parameters, "$")
	if _, err := fmt.Sscanf(costs, "m=%d,t=%d", &memory, &passes); err != nil || kind != "argon2id" {
		return []string{"the hash is not of argon2id"}, nil
	}
	if memory < leastMemoryKiB || passes < leastPasses {
		return []string{fmt.Sprintf("a hash takes %d KiB and %d passes: want %d and %d", memory, passes, leastMemoryKiB, leastPasses)}, nil
	}
	return nil, nil
}

// The longest lifetimes.
const (
	longestAccess  = time.Hour
	longestRefresh = 30 * 24 * time.Hour
)

func findLongTokens(_ context.Context, d *Deployment) ([]string, error) {
	access := cmp.Or(d.Tokens.AccessLifetime, token.DefaultAccessLifetime)
	refresh := cmp.Or(d.Tokens.RefreshLifetime, token.DefaultRefreshLifetime)
	return append(when(access > longestAccess, "an access token is good for %s", access),
		when(refresh > longestRefresh, "a refresh token is good for %s", refresh)...), nil
}

func findOpenSignOn(_ context.Context, d *Deployment) ([]string, error) {
	var problems []string
	for _, one := range []struct{ key, address string }{
		{"external-url (cookies of a single sign-on are marked Secure with https alone)", d.Settings.ExternalURL}, {"saml-callback-url", d.Settings.SAMLCallbackURL},
		{"social-google-callback-url", d.Settings.GoogleCallbackURL}, {"social-google-issuer", d.Settings.GoogleIssuer},
		{"social-google-token-url", d.Settings.GoogleTokenURL}, {"social-google-keys-url", d.Settings.GoogleKeysURL},
		{"social-google-userinfo-url", d.Settings.GoogleUserInfoURL}, {"social-github-callback-url", d.Settings.GitHubCallbackURL},
		{"social-github-token-url", d.Settings.GitHubTokenURL}, {"social-github-api-url", d.Settings.GitHubAPIURL},
	} {
		if one.address != "" && !strings.HasPrefix(one.address, "https://") {
			problems = append(problems, one.key+" is not https")
		}
	}
	return problems, nil
}
