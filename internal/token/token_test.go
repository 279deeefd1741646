package token

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// Making an RSA key is slow, so the tests share three.
var (
	ownKey     = sync.OnceValue(func() *rsa.PrivateKey { return makeKey(2048) })
	earlierKey = sync.OnceValue(func() *rsa.PrivateKey { return makeKey(2048) })
	foreignKey = sync.OnceValue(func() *rsa.PrivateKey { return makeKey(2048) })
)

func makeKey(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

func privatePEM(key *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

func publicPEM(t testing.TB, key *rsa.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// clock is a Config.Now that tests can move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

var start = time.Date(2026, 3, 1, 12, 0, 0, 250_000_000, time.UTC)

func newIssuer(t testing.TB, signing *rsa.PrivateKey, previous ...*rsa.PrivateKey) (*Issuer, *clock) {
	t.Helper()
	var texts []string
	for _, key := range previous {
		texts = append(texts, publicPEM(t, &key.PublicKey))
	}
	keys, err := ParseKeys(privatePEM(signing), texts...)
	if err != nil {
		t.Fatal(err)
	}
	moving := &clock{at: start}
	issuer, err := NewIssuer(keys, Config{Now: moving.now})
	if err != nil {
		t.Fatal(err)
	}
	return issuer, moving
}

var holder = Claims{
	UserID:              uuid.MustParse("6a2f41a3-c54c-4ce8-b7fd-4d1e5a4d1111"),
	TenantID:            uuid.MustParse("12646005-9067-4d2a-a098-8bb378604362"),
	PasswordFingerprint: Fingerprint("$argon2id$hash"),
}

func payload(t *testing.T, signed string) map[string]any {
	t.Helper()
	parts := strings.Split(signed, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestIssueOnTheWire(t *testing.T) {
	t.Parallel()
	issuer, _ := newIssuer(t, ownKey())
	pair, err := issuer.Issue(holder)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[any]bool{}
	for kind, signed := range map[string]string{"access": pair.Access, "refresh": pair.Refresh} {
		claims := payload(t, signed)
		id, _ := claims["jti"].(string)
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) || ids[id] {
			t.Errorf("%s: jti %q", kind, id)
		}
		ids[id] = true
		lifetime := map[string]time.Duration{"access": 30 * time.Minute, "refresh": 24 * time.Hour}[kind]
		delete(claims, "jti")
		want := map[string]any{
			"typ": kind, "iss": "palisade", "aud": "palisade", "sub": holder.UserID.String(), "tenant_id": holder.TenantID.String(),
			"hash_password": holder.PasswordFingerprint, "iat": float64(start.Unix()), "nbf": float64(start.Unix()),
			"exp": float64(start.Add(lifetime).Unix()),
		}
		if !maps.Equal(claims, want) {
			t.Errorf("%s claims\n got %v\nwant %v", kind, claims, want)
		}
	}
	if pair.RefreshID != payload(t, pair.Refresh)["jti"] || pair.RefreshExpiresAt.Unix() != start.Add(24*time.Hour).Unix() {
		t.Error("the pair does not describe its refresh token")
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	issuer, _ := newIssuer(t, ownKey())
	pair, err := issuer.Issue(holder)
	if err != nil {
		t.Fatal(err)
	}
	access, err := issuer.ParseAccess(pair.Access)
	if err != nil {
		t.Fatal(err)
	}
	whole := start.Truncate(time.Second)
	if access.Claims != holder || !access.IssuedAt.Equal(whole) || !access.NotBefore.Equal(whole) || !access.ExpiresAt.Equal(whole.Add(30*time.Minute)) {
		t.Errorf("ParseAccess = %+v", access)
	}
	refresh, err := issuer.ParseRefresh(pair.Refresh)
	if err != nil || refresh.ID != pair.RefreshID || !refresh.ExpiresAt.Equal(pair.RefreshExpiresAt) {
		t.Errorf("ParseRefresh = %+v, %v", refresh, err)
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	issuer, moving := newIssuer(t, ownKey())
	pair, err := issuer.Issue(holder)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		after           time.Duration
		access, refresh error
	}{
		{-2 * time.Second, Invalid, Invalid},
		{0, nil, nil},
		{30*time.Minute - 2*time.Second, nil, nil},
		{30 * time.Minute, Expired, nil},
		{24*time.Hour - 2*time.Second, Expired, nil},
		{24 * time.Hour, Expired, Expired},
	} {
		moving.at = start.Add(one.after)
		if _, err := issuer.ParseAccess(pair.Access); !errors.Is(err, one.access) {
			t.Errorf("access after %v: %v, want %v", one.after, err, one.access)
		}
		if _, err := issuer.ParseRefresh(pair.Refresh); !errors.Is(err, one.refresh) {
			t.Errorf("refresh after %v: %v, want %v", one.after, err, one.refresh)
		}
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	issuer, moving := newIssuer(t, ownKey())
	first, err := issuer.Issue(holder)
	if err != nil {
		t.Fatal(err)
	}
	moving.at = start.Add(time.Hour)
	old, err := issuer.ParseRefresh(first.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	second, err := issuer.Refresh(old)
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := issuer.ParseRefresh(second.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	if renewed.Claims != holder || !renewed.NotBefore.Equal(old.NotBefore) {
		t.Errorf("holder or nbf changed: %+v", renewed)
	}
	if renewed.ID == old.ID || !renewed.IssuedAt.Equal(old.IssuedAt.Add(time.Hour)) || !renewed.ExpiresAt.Equal(old.ExpiresAt.Add(time.Hour)) {
		t.Errorf("jti, iat or exp not renewed: %+v after %+v", renewed, old)
	}
	access, err := issuer.ParseAccess(second.Access)
	if err != nil || access.Claims != holder || !access.NotBefore.Equal(old.NotBefore) {
		t.Errorf("new access token: %+v, %v", access, err)
	}
	if _, err := issuer.Refresh(access); !errors.Is(err, WrongType) {
		t.Errorf("Refresh(access token): %v", err)
	}
	if _, err := issuer.Refresh(Token{Claims: holder}); !errors.Is(err, WrongType) {
		t.Errorf("Refresh(token that was never parsed): %v", err)
	}
}

// forge signs claims as they are, starting from good ones.
func forge(t testing.TB, method jwt.SigningMethod, key any, change func(jwt.MapClaims)) string {
	t.Helper()
	claims := jwt.MapClaims{
		"typ": "access", "iss": DefaultName, "aud": DefaultName, "sub": holder.UserID.String(), "tenant_id": holder.TenantID.String(),
		"hash_password": "X", "jti": "0123", "iat": start.Unix(), "nbf": start.Unix(), "exp": start.Add(time.Minute).Unix(),
	}
	if change != nil {
		change(claims)
	}
	signed, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	issuer, _ := newIssuer(t, ownKey())
	good := forge(t, jwt.SigningMethodRS256, ownKey(), nil)
	if _, err := issuer.ParseAccess(good); err != nil {
		t.Fatalf("the token that the cases change is not good: %v", err)
	}
	set := func(name string, value any) string {
		return forge(t, jwt.SigningMethodRS256, ownKey(), func(claims jwt.MapClaims) { claims[name] = value })
	}
	drop := func(name string) string {
		return forge(t, jwt.SigningMethodRS256, ownKey(), func(claims jwt.MapClaims) { delete(claims, name) })
	}
	parts := strings.Split(good, ".")
	late := func(name string, value any) string {
		return forge(t, jwt.SigningMethodRS256, ownKey(), func(claims jwt.MapClaims) {
			claims["exp"] = start.Add(-time.Minute).Unix()
			claims[name] = value
		})
	}
	for name, one := range map[string]struct {
		signed string
		want   error
	}{
		"empty":                   {"", Invalid},
		"nonsense":                {"nonsense", Invalid},
		"dots":                    {"a.b.c", Invalid},
		"longer":                  {good + "x", Invalid},
		"cut":                     {good[:len(good)-1], Invalid},
		"no signature":            {parts[0] + "." + parts[1] + ".", Invalid},
		"other payload":           {parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"x"}`)) + "." + parts[2], Invalid},
		"padded":                  {parts[0] + "." + parts[1] + "=." + parts[2], Invalid},
		"alg none":                {forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil), Invalid},
		"HS256 with public key":   {forge(t, jwt.SigningMethodHS256, []byte(publicPEM(t, &ownKey().PublicKey)), nil), Invalid},
		"RS512":                   {forge(t, jwt.SigningMethodRS512, ownKey(), nil), Invalid},
		"PS256":                   {forge(t, jwt.SigningMethodPS256, ownKey(), nil), Invalid},
		"foreign key":             {forge(t, jwt.SigningMethodRS256, foreignKey(), nil), Invalid},
		"other issuer":            {set("iss", "https://example.com"), Invalid},
		"no issuer":               {drop("iss"), Invalid},
		"other audience":          {set("aud", "https://example.com"), Invalid},
		"no audience":             {drop("aud"), Invalid},
		"two audiences":           {set("aud", []string{DefaultName, "https://example.com"}), Invalid},
		"audience is a number":    {set("aud", 1), Invalid},
		"not yet valid":           {set("nbf", start.Add(time.Hour).Unix()), Invalid},
		"issued in the future":    {set("iat", start.Add(time.Hour).Unix()), Invalid},
		"no expiry":               {drop("exp"), Invalid},
		"expiry is a text":        {set("exp", "never"), Invalid},
		"no issue time":           {drop("iat"), Invalid},
		"no not-before":           {drop("nbf"), Invalid},
		"no id":                   {drop("jti"), Invalid},
		"no subject":              {drop("sub"), Invalid},
		"subject is no UUID":      {set("sub", "0"), Invalid},
		"tenant is no UUID":       {set("tenant_id", "0"), Invalid},
		"tenant is a number":      {set("tenant_id", 7), Invalid},
		"no tenant":               {drop("tenant_id"), NoTenant},
		"no type":                 {drop("typ"), WrongType},
		"refresh type":            {set("typ", "refresh"), WrongType},
		"other type":              {set("typ", "sliding"), WrongType},
		"expired":                 {late("typ", "access"), Expired},
		"expired, other type":     {late("typ", "refresh"), Expired},
		"expired, other issuer":   {late("iss", "https://example.com"), Invalid},
		"expired, other audience": {late("aud", "https://example.com"), Invalid},
		"expired, not yet valid":  {late("nbf", start.Add(time.Hour).Unix()), Invalid},
		"expired, with foreign key": {forge(t, jwt.SigningMethodRS256, foreignKey(), func(claims jwt.MapClaims) {
			claims["exp"] = start.Add(-time.Minute).Unix()
		}), Invalid},
	} {
		if got, err := issuer.ParseAccess(one.signed); !errors.Is(err, one.want) || got != (Token{}) {
			t.Errorf("%s: %+v, %v; want %v", name, got, err, one.want)
		}
	}
	if _, err := issuer.ParseRefresh(good); !errors.Is(err, WrongType) {
		t.Errorf("ParseRefresh(access token): %v", err)
	}
}

func TestRotationOfKeys(t *testing.T) {
	t.Parallel()
	before, _ := newIssuer(t, earlierKey())
	after, _ := newIssuer(t, ownKey(), earlierKey())
	without, _ := newIssuer(t, ownKey())
	old, err := before.Issue(holder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := after.ParseAccess(old.Access); err != nil {
		t.Errorf("token of the previous key: %v", err)
	}
	if _, err := without.ParseAccess(old.Access); !errors.Is(err, Invalid) {
		t.Errorf("token of a forgotten key: %v", err)
	}
	fresh, err := after.Issue(holder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := without.ParseAccess(fresh.Access); err != nil {
		t.Errorf("the new key does not sign: %v", err)
	}
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	pkcs8, err := x509.MarshalPKCS8PrivateKey(ownKey())
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	pkcs1Public := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&earlierKey().PublicKey)}))
	escaped := strings.ReplaceAll(private, "\n", `\n`)
	for name, texts := range map[string][]string{
		"PKCS #1":           {privatePEM(ownKey())},
		"PKCS #8":           {private},
		"escaped new lines": {escaped},
		"previous public":   {private, publicPEM(t, &earlierKey().PublicKey), pkcs1Public},
		"previous private":  {private, privatePEM(earlierKey())},
		"previous, escaped": {private, escaped},
	} {
		if _, err := ParseKeys(texts[0], texts[1:]...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	small := makeKey(1024)
	for name, texts := range map[string][]string{
		"empty":           {""},
		"not PEM":         {"secret"},
		"public":          {publicPEM(t, &ownKey().PublicKey)},
		"not a key":       {"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"},
		"1024 bits":       {privatePEM(small)},
		"previous bad":    {private, "secret"},
		"previous no key": {private, "-----BEGIN PUBLIC KEY-----\nc2VjcmV0\n-----END PUBLIC KEY-----\n"},
		"previous small":  {private, publicPEM(t, &small.PublicKey)},
	} {
		if _, err := ParseKeys(texts[0], texts[1:]...); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

func TestLoadOrCreateKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	issue := func() (*Issuer, Pair) {
		t.Helper()
		keys, err := LoadOrCreateKeys(dir)
		if err != nil {
			t.Fatal(err)
		}
		issuer, err := NewIssuer(keys, Config{})
		if err != nil {
			t.Fatal(err)
		}
		pair, err := issuer.Issue(holder)
		if err != nil {
			t.Fatal(err)
		}
		return issuer, pair
	}
	_, first := issue()
	second, _ := issue()
	if _, err := second.ParseAccess(first.Access); err != nil {
		t.Errorf("the key is not the same after a restart: %v", err)
	}
	if err := os.Rename(filepath.Join(dir, KeyFileName), filepath.Join(dir, "jwt_previous_1.pem")); err != nil {
		t.Fatal(err)
	}
	third, _ := issue()
	if _, err := third.ParseAccess(first.Access); err != nil {
		t.Errorf("the renamed key is not believed: %v", err)
	}
	if err := os.Chmod(filepath.Join(dir, "jwt_previous_1.pem"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreateKeys(dir); err == nil {
		t.Error("a key that others may read was loaded")
	}
}

func TestNewIssuerRefuses(t *testing.T) {
	t.Parallel()
	if _, err := NewIssuer(Keys{}, Config{}); err == nil {
		t.Error("no key was accepted")
	}
	keys, err := ParseKeys(privatePEM(ownKey()))
	if err != nil {
		t.Fatal(err)
	}
	for _, config := range []Config{{AccessLifetime: -time.Minute}, {RefreshLifetime: time.Millisecond}} {
		if _, err := NewIssuer(keys, config); err == nil {
			t.Errorf("lifetimes %v, %v accepted", config.AccessLifetime, config.RefreshLifetime)
		}
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	if got := Fingerprint("a"); !regexp.MustCompile(`^[0-9A-F]{32}$`).MatchString(got) || got == Fingerprint("b") || got != Fingerprint("a") {
		t.Errorf("Fingerprint = %q", got)
	}
}

func TestTokensDoNotShow(t *testing.T) {
	t.Parallel()
	issuer, _ := newIssuer(t, ownKey())
	pair, err := issuer.Issue(holder)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("log", "pair", pair, "keys", *issuer.keys.Load())
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		fmt.Fprintf(&out, verb+verb, pair, *issuer.keys.Load())
	}
	if strings.Contains(out.String(), "eyJ") || strings.Contains(out.String(), ownKey().D.String()[:20]) || !strings.Contains(out.String(), redacted) {
		t.Error("a token or key shows")
	}
}

func FuzzParse(f *testing.F) {
	issuer, _ := newIssuer(f, ownKey())
	good := forge(f, jwt.SigningMethodRS256, ownKey(), nil)
	f.Add(good)
	f.Add(forge(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil))
	f.Add(forge(f, jwt.SigningMethodHS256, []byte("x"), nil))
	f.Add("a.b.c")
	f.Add("e30.e30.")
	f.Add(strings.Repeat(".", 100))
	// Fuzzing workers make their own keys, so no input that one process finds is genuine for another.
	f.Fuzz(func(t *testing.T, signed string) {
		for _, parse := range []func(string) (Token, error){issuer.ParseAccess, issuer.ParseRefresh} {
			read, err := parse(signed)
			var refusal Refusal
			switch {
			case err == nil && signed != good:
				t.Errorf("forged token accepted: %q", signed)
			case err != nil && (!errors.As(err, &refusal) || read != (Token{})):
				t.Errorf("error %v with token %+v", err, read)
			}
		}
	})
}
