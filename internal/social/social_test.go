package social_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/palisade-sec/palisade/internal/social"
	"github.com/palisade-sec/palisade/internal/socialtest"
)

var both = []social.Name{social.Google, social.GitHub}

// open makes the program's side; what it logs is in the buffer.
func open(t *testing.T, settings social.Settings) (*social.Providers, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	providers, err := social.New(settings, slog.New(slog.NewJSONHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return providers, &log
}

var ada = socialtest.Person{Subject: "4711", Email: "Ada@example.com", Verified: true, Name: "Ada Person", Login: "ada-p"}

func TestAGoodCodeIsAProfile(t *testing.T) {
	t.Parallel()
	server := socialtest.Start(t)
	providers, _ := open(t, server.Settings())
	for provider, names := range map[social.Name][]string{social.Google: {"Ada Person", ""}, social.GitHub: {"Ada Person", "ada-p"}} {
		for range 2 {
			got, err := providers.Redeem(t.Context(), provider, server.Agree(t, provider, ada))
			if err != nil {
				t.Fatalf("%s: %v", provider, err)
			}
			if got.Provider != provider || got.Subject != "4711" || got.Email != "Ada@example.com" || !got.EmailVerified || !slices.Equal(got.Names, names) {
				t.Errorf("%s: %+v", provider, got)
			}
		}
	}
	keys := 0
	for _, one := range server.Asked() {
		if one == "GET /google/certs" {
			keys++
		}
	}
	if keys != 1 {
		t.Errorf("the keys were read %d times for two id tokens", keys)
	}
}

func TestAnAddressThatIsNotVouchedForIsSaidToBeSo(t *testing.T) {
	t.Parallel()
	server := socialtest.Start(t)
	providers, _ := open(t, server.Settings())
	unverified, without := ada, ada
	unverified.Verified = false
	without.Email = ""
	for _, provider := range both {
		if got, err := providers.Redeem(t.Context(), provider, server.Agree(t, provider, unverified)); err != nil || got.EmailVerified {
			t.Errorf("%s: %+v, %v", provider, got, err)
		}
		if got, err := providers.Redeem(t.Context(), provider, server.Agree(t, provider, without)); err != nil || got.Email != "" {
			t.Errorf("%s without an address: %+v, %v", provider, got, err)
		}
	}
	// GitHub shows a public address with every scope, and vouches for none of these.
	if got, err := providers.Redeem(t.Context(), social.GitHub, server.AgreeTo(t, social.GitHub, ada, "read:user")); err != nil || got.Email != "" || got.EmailVerified {
		t.Errorf("without the scope: %+v, %v", got, err)
	}
	// Without openid Google sends no id token.
	if got, err := providers.Redeem(t.Context(), social.Google, server.AgreeTo(t, social.Google, ada, "email profile")); err != nil || got.Subject != "4711" || !got.EmailVerified {
		t.Errorf("by user info: %+v, %v", got, err)
	}
}

func TestACodeIsGoodOnceAndForUsAlone(t *testing.T) {
	t.Parallel()
	server := socialtest.Start(t)
	providers, log := open(t, server.Settings())
	for _, provider := range both {
		code := server.Agree(t, provider, ada)
		if _, err := providers.Redeem(t.Context(), provider, code); err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{code, "nonsense", strings.Repeat("x", 4096), "a&client_secret=other"} {
			if _, err := providers.Redeem(t.Context(), provider, bad); !errors.Is(err, social.ErrRefused) {
				t.Errorf("%s, code %.20s: %v", provider, bad, err)
			}
		}
		if strings.Contains(log.String(), code) || strings.Contains(log.String(), "access-") {
			t.Errorf("%s: the log tells codes or tokens: %s", provider, log)
		}
	}
	if _, err := providers.Redeem(t.Context(), "gitlab", "x"); !errors.Is(err, social.ErrNotConfigured) {
		t.Error(err)
	}
}

// TestOurMistakesAreNotTheClients: a wrong secret or callback address is for the operator, who finds it in the log.
func TestOurMistakesAreNotTheClients(t *testing.T) {
	t.Parallel()
	server := socialtest.Start(t)
	for what, change := range map[string]func(*social.Application){
		"secret":   func(a *social.Application) { a.ClientSecret = "hunter2-wrong" },
		"client":   func(a *social.Application) { a.ClientID = "another" },
		"callback": func(a *social.Application) { a.CallbackURL = "https://elsewhere.example.com/" },
	} {
		settings := server.Settings()
		change(&settings.Google.Application)
		change(&settings.GitHub.Application)
		providers, log := open(t, settings)
		for _, provider := range both {
			if _, err := providers.Redeem(t.Context(), provider, server.Agree(t, provider, ada)); !errors.Is(err, social.ErrUnavailable) {
				t.Errorf("%s at %s: %v", what, provider, err)
			}
		}
		if text := log.String(); strings.Contains(text, "hunter2") || !strings.Contains(text, "token endpoint") ||
			!strings.Contains(text, "invalid_client") && !strings.Contains(text, "redirect_uri_mismatch") {
			t.Errorf("%s: %s", what, text)
		}
	}
}

// TestIDTokensOfOthersAreRefused plants one fault at a time in an id token that is good otherwise.
func TestIDTokensOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	set := func(name string, value any) func(jwt.MapClaims) {
		return func(claims jwt.MapClaims) {
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		}
	}
	hour := time.Hour
	changes := map[string]func(jwt.MapClaims){
		"other audience":    set("aud", "another-client"),
		"two audiences":     set("aud", []string{socialtest.ClientID, "another-client"}),
		"no audience":       set("aud", nil),
		"other issuer":      set("iss", "https://accounts.google.com"),
		"no issuer":         set("iss", nil),
		"other party":       set("azp", "another-client"),
		"expired":           set("exp", time.Now().Add(-hour).Unix()),
		"no expiry":         set("exp", nil),
		"not yet valid":     set("nbf", time.Now().Add(hour).Unix()),
		"vouched in a text": set("email_verified", "true"),
	}
	signs := map[string]func(*socialtest.Server) func(jwt.MapClaims) string{
		"alg none": func(*socialtest.Server) func(jwt.MapClaims) string {
			return func(c jwt.MapClaims) string {
				return socialtest.SignWith(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, socialtest.KeyID, c)
			}
		},
		"HMAC with the public key": func(s *socialtest.Server) func(jwt.MapClaims) string {
			public := pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&s.Key.PublicKey)})
			return func(c jwt.MapClaims) string {
				return socialtest.SignWith(jwt.SigningMethodHS256, public, socialtest.KeyID, c)
			}
		},
		"HMAC with the client secret": func(*socialtest.Server) func(jwt.MapClaims) string {
			return func(c jwt.MapClaims) string {
				return socialtest.SignWith(jwt.SigningMethodHS256, []byte(socialtest.ClientSecret), socialtest.KeyID, c)
			}
		},
		"foreign key": func(*socialtest.Server) func(jwt.MapClaims) string {
			return func(c jwt.MapClaims) string {
				return socialtest.SignWith(jwt.SigningMethodRS256, foreign, socialtest.KeyID, c)
			}
		},
		"unknown key": func(*socialtest.Server) func(jwt.MapClaims) string {
			return func(c jwt.MapClaims) string {
				return socialtest.SignWith(jwt.SigningMethodRS256, foreign, "key-2", c)
			}
		},
		"no key id": func(s *socialtest.Server) func(jwt.MapClaims) string {
			return func(c jwt.MapClaims) string { return socialtest.SignWith(jwt.SigningMethodRS256, s.Key, "", c) }
		},
		"garbage": func(*socialtest.Server) func(jwt.MapClaims) string {
			return func(jwt.MapClaims) string { return "eyJ.eyJ.x" }
		},
	}
	server := socialtest.Start(t)
	providers, log := open(t, server.Settings())
	try := func(name string) {
		t.Helper()
		log.Reset()
		if got, err := providers.Redeem(t.Context(), social.Google, server.Agree(t, social.Google, ada)); !errors.Is(err, social.ErrRefused) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if strings.Contains(log.String(), "eyJ") || !strings.Contains(log.String(), "id token") {
			t.Errorf("%s: the log says %s", name, log)
		}
	}
	for name, change := range changes {
		server.Behave(socialtest.Behaviour{Change: change})
		try(name)
	}
	for name, sign := range signs {
		server.Behave(socialtest.Behaviour{Sign: sign(server)})
		try(name)
	}
	server.Behave(socialtest.Behaviour{})
	if _, err := providers.Redeem(t.Context(), social.Google, server.Agree(t, social.Google, ada)); err != nil {
		t.Fatalf("the token that the cases change is not good: %v", err)
	}
	server.Behave(socialtest.Behaviour{Change: set("sub", nil)})
	if _, err := providers.Redeem(t.Context(), social.Google, server.Agree(t, social.Google, ada)); !errors.Is(err, social.ErrUnavailable) {
		t.Errorf("no subject: %v", err)
	}
}

// TestAProviderThatMisbehaves at each of its addresses is unavailable, and nothing that it says comes through.
func TestAProviderThatMisbehaves(t *testing.T) {
	t.Parallel()
	server := socialtest.Start(t)
	settings := server.Settings()
	settings.Timeout = 300 * time.Millisecond
	faults := map[string]http.HandlerFunc{
		"500":     func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "hunter2", http.StatusInternalServerError) },
		"garbage": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>hunter2")) },
		"empty":   func(http.ResponseWriter, *http.Request) {},
		"a list":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`["hunter2"]`)) },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"access_token":"`))
			for range 64 {
				_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<16))
			}
		},
		"silence": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed that the client is gone
			<-r.Context().Done()
		},
		"hang-up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, server.URL+"/elsewhere", http.StatusTemporaryRedirect)
		},
	}
	for path, provider := range map[string]social.Name{"/google/token": social.Google, "/google/certs": social.Google, "/google/userinfo": social.Google,
		"/github/login/oauth/access_token": social.GitHub, "/github/api/user": social.GitHub, "/github/api/user/emails": social.GitHub} {
		for name, fault := range faults {
			if path == "/github/api/user/emails" && name == "a list" {
				continue // that is what it is
			}
			providers, log := open(t, settings)
			scope := map[string]string{"/google/userinfo": "email", "/google/token": "openid", "/google/certs": "openid"}[path]
			if provider == social.GitHub {
				scope = "user:email"
			}
			code := server.AgreeTo(t, provider, ada, scope)
			server.Behave(socialtest.Behaviour{Answer: func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == path {
					fault(w, r)
				}
				return r.URL.Path == path
			}})
			got, err := providers.Redeem(t.Context(), provider, code)
			server.Behave(socialtest.Behaviour{})
			if !errors.Is(err, social.ErrUnavailable) {
				t.Errorf("%s, %s: %+v, %v", path, name, got, err)
			}
			if strings.Contains(log.String(), "hunter2") || log.Len() == 0 {
				t.Errorf("%s, %s: the log says %s", path, name, log)
			}
		}
	}
	if slices.Contains(server.Asked(), "POST /elsewhere") || slices.Contains(server.Asked(), "GET /elsewhere") {
		t.Error("a redirect was followed")
	}
	settings.Google.TokenURL = "http://127.0.0.1:1/token"
	providers, _ := open(t, settings)
	if _, err := providers.Redeem(t.Context(), social.Google, "x"); !errors.Is(err, social.ErrUnavailable) {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	whole := social.Application{ClientID: "a", ClientSecret: "hunter2", CallbackURL: "https://ui.example.com/"}
	with := func(change func(*social.Application)) social.Application {
		application := whole
		change(&application)
		return application
	}
	for name, row := range map[string]struct {
		settings social.Settings
		good     bool
	}{
		"nothing":             {social.Settings{}, true},
		"both":                {social.Settings{Google: social.GoogleSettings{Application: whole}, GitHub: social.GitHubSettings{Application: whole}}, true},
		"no secret":           {social.Settings{Google: social.GoogleSettings{Application: with(func(a *social.Application) { a.ClientSecret = "" })}}, false},
		"no client":           {social.Settings{GitHub: social.GitHubSettings{Application: with(func(a *social.Application) { a.ClientID = "" })}}, false},
		"no callback":         {social.Settings{GitHub: social.GitHubSettings{Application: with(func(a *social.Application) { a.CallbackURL = "" })}}, false},
		"relative callback":   {social.Settings{GitHub: social.GitHubSettings{Application: with(func(a *social.Application) { a.CallbackURL = "/callback" })}}, false},
		"plain HTTP":          {social.Settings{GitHub: social.GitHubSettings{Application: whole, APIURL: "http://github.example.com/api/v3"}}, false},
		"plain HTTP, here":    {social.Settings{GitHub: social.GitHubSettings{Application: whole, APIURL: "http://[::1]:3000"}}, true},
		"no address":          {social.Settings{Google: social.GoogleSettings{Application: whole, KeysURL: "certs"}}, false},
		"user in the address": {social.Settings{Google: social.GoogleSettings{Application: whole, TokenURL: "https://u:hunter2@example.com/"}}, false},
		"other scheme":        {social.Settings{Google: social.GoogleSettings{Application: whole, UserInfoURL: "file:///etc/passwd"}}, false},
	} {
		_, err := social.New(row.settings, slog.New(slog.DiscardHandler))
		if (err == nil) != row.good || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
