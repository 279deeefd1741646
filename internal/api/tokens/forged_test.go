package tokens_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/token"
)

// signingKey is the key that a server signs with.
func signingKey(t *testing.T, server *apitest.Server) *rsa.PrivateKey {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(server.KeyDir, token.KeyFileName))
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwt.ParseRSAPrivateKeyFromPEM(content)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// forgery makes tokens from the claims of a good one.
type forgery struct {
	t      *testing.T
	server *apitest.Server
	key    *rsa.PrivateKey
	good   map[string]jwt.MapClaims // by type
}

func newForgery(t *testing.T) *forgery {
	t.Helper()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	access, refresh := logIn(t, server, ada.Email)
	forger := &forgery{t: t, server: server, key: signingKey(t, server), good: map[string]jwt.MapClaims{}}
	for kind, signed := range map[string]string{"access": access, "refresh": refresh} {
		claims := jwt.MapClaims{}
		if _, _, err := jwt.NewParser().ParseUnverified(signed, claims); err != nil {
			t.Fatal(err)
		}
		forger.good[kind] = claims
		forger.try(kind, forger.sign(kind, jwt.SigningMethodRS256, forger.key, nil), "")
	}
	return forger
}

func (f *forgery) sign(kind string, method jwt.SigningMethod, key any, change func(jwt.MapClaims)) string {
	f.t.Helper()
	claims := maps.Clone(f.good[kind])
	claims["jti"] = strings.ToLower(rand.Text())
	if change != nil {
		change(claims)
	}
	signed, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		f.t.Fatal(err)
	}
	return signed
}

// try presents a token; message is why an access token is refused, empty when it is good.
func (f *forgery) try(kind, signed, message string) {
	f.t.Helper()
	if kind == "access" {
		status, body := ask(f.t, f.server, "Bearer "+signed)
		if want := message == ""; (status == 200) != want || !want && (status != 401 || !strings.Contains(body, message)) {
			f.t.Errorf("access token: %d %s; want %q", status, body, message)
		}
		return
	}
	answer := f.server.Anonymous().Post(f.t, "/tokens/refresh", "tokens-refresh", map[string]any{"refresh": signed}, nil)
	if message == "" {
		answer.Want(f.t, 200)
		return
	}
	refusal(f.t, answer, 400, "Invalid or expired token")
}

// both presents the same forgery as either type.
func (f *forgery) both(method jwt.SigningMethod, key any, message string, change func(jwt.MapClaims)) {
	f.t.Helper()
	for kind := range f.good {
		f.try(kind, f.sign(kind, method, key, change), message)
	}
}

func set(name string, value any) func(jwt.MapClaims) {
	return func(claims jwt.MapClaims) {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
}

const isInvalid = "Token is invalid"

func TestAnUnsignedTokenIsRefused(t *testing.T) {
	t.Parallel()
	forger := newForgery(t)
	forger.both(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, isInvalid, nil)
}

func TestATokenSignedWithThePublicKeyAsSecretIsRefused(t *testing.T) {
	t.Parallel()
	forger := newForgery(t)
	public := &forger.key.PublicKey
	pkix, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range [][]byte{pkix, x509.MarshalPKCS1PublicKey(public), public.N.Bytes(), {},
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix}),
		pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(public)})} {
		forger.both(jwt.SigningMethodHS256, secret, isInvalid, nil)
	}
}

func TestATokenOfAnotherKeyOrAlgorithmIsRefused(t *testing.T) {
	t.Parallel()
	forger := newForgery(t)
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	forger.both(jwt.SigningMethodRS256, foreign, isInvalid, nil)
	forger.both(jwt.SigningMethodRS512, forger.key, isInvalid, nil)
	forger.both(jwt.SigningMethodPS256, forger.key, isInvalid, nil)
}

func TestATokenOfAnotherIssuerIsRefused(t *testing.T) {
	t.Parallel()
	forger := newForgery(t)
	forger.both(jwt.SigningMethodRS256, forger.key, isInvalid, set("iss", "https://api.example.com"))
	forger.both(jwt.SigningMethodRS256, forger.key, isInvalid, set("iss", nil))
}

func TestATokenForAnotherAudienceIsRefused(t *testing.T) {
	t.Parallel()
	forger := newForgery(t)
	forger.both(jwt.SigningMethodRS256, forger.key, isInvalid, set("aud", "https://api.example.com"))
	forger.both(jwt.SigningMethodRS256, forger.key, isInvalid, set("aud", nil))
}

func TestATokenOfAnotherTypeIsRefused(t *testing.T) {
	t.Parallel()
	forger := newForgery(t)
	forger.try("access", forger.sign("refresh", jwt.SigningMethodRS256, forger.key, nil), "Token has wrong type")
	forger.try("refresh", forger.sign("access", jwt.SigningMethodRS256, forger.key, nil), "Token has wrong type")
	forger.both(jwt.SigningMethodRS256, forger.key, "Token has wrong type", set("typ", nil))
}

func TestAnExpiredTokenIsRefused(t *testing.T) {
	t.Parallel()
	forger := newForgery(t)
	forger.both(jwt.SigningMethodRS256, forger.key, "Token is expired", set("exp", time.Now().Add(-time.Minute).Unix()))
	forger.both(jwt.SigningMethodRS256, forger.key, isInvalid, set("exp", nil))
}

func TestATokenThatIsNotValidYetIsRefused(t *testing.T) {
	t.Parallel()
	forger := newForgery(t)
	forger.both(jwt.SigningMethodRS256, forger.key, isInvalid, set("nbf", time.Now().Add(time.Hour).Unix()))
	forger.both(jwt.SigningMethodRS256, forger.key, isInvalid, set("iat", time.Now().Add(time.Hour).Unix()))
}

func TestATokenOfNobodyIsRefused(t *testing.T) {
	t.Parallel()
	forger := newForgery(t)
	forger.both(jwt.SigningMethodRS256, forger.key, "User not found", set("sub", "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"))
	forger.both(jwt.SigningMethodRS256, forger.key, "not a member", set("tenant_id", "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"))
	forger.both(jwt.SigningMethodRS256, forger.key, "Tenant ID is not present", set("tenant_id", nil))
	forger.both(jwt.SigningMethodRS256, forger.key, "password has been changed", set("hash_password", "X"))
}

// TestRotationLogsNobodyOut: two servers share a folder of keys, which is rotated under them.
func TestRotationLogsNobodyOut(t *testing.T) {
	t.Parallel()
	one := apitest.Start(t)
	other := apitest.StartWith(t, apitest.Setup{DB: one.DB, Settings: app.Settings{KeyDir: one.KeyDir}})
	ada := one.SignUp(t, "Ada")
	access, refresh := logIn(t, one, ada.Email)
	now := time.Now()
	if _, err := token.Rotate(one.KeyDir, now); err != nil {
		t.Fatal(err)
	}
	restarted := apitest.StartWith(t, apitest.Setup{DB: one.DB, Settings: app.Settings{KeyDir: one.KeyDir}})
	fresh, _ := logIn(t, restarted, ada.Email)
	for name, server := range map[string]*apitest.Server{"one": one, "other": other, "restarted": restarted} {
		for when, signed := range map[string]string{"before": access, "after": fresh} {
			if status, body := ask(t, server, "Bearer "+signed); status != 200 {
				t.Errorf("%s, token from %s: %d %s", name, when, status, body)
			}
		}
		renewed := server.Anonymous().Post(t, "/tokens/refresh", "tokens-refresh", map[string]any{"refresh": refresh}, nil).Want(t, 200)
		refresh = renewed.String("/data/attributes/refresh")
		if status, _ := ask(t, one, "Bearer "+renewed.String("/data/attributes/access")); status != 200 {
			t.Errorf("a token renewed by %s: %d", name, status)
		}
	}
	if _, _, err := token.Prune(one.KeyDir, now.Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	pruned := apitest.StartWith(t, apitest.Setup{DB: one.DB, Settings: app.Settings{KeyDir: one.KeyDir}})
	if status, body := ask(t, pruned, "Bearer "+access); status != 401 || !strings.Contains(body, isInvalid) {
		t.Errorf("a token of the pruned key: %d %s", status, body)
	}
	if status, _ := ask(t, pruned, "Bearer "+fresh); status != 200 {
		t.Errorf("a token of the key in use: %d", status)
	}
}
