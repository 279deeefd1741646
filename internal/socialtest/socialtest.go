// Package socialtest runs a provider for tests: an HTTP server that speaks OAuth 2 and OpenID Connect as Google and GitHub
// document it. Tests only.
//
// What does not belong here: what the program does with the answers.
package socialtest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/palisade-sec/palisade/internal/social"
)

// What the program is called at the provider.
const (
	ClientID     = "client-of-palisade"
	ClientSecret = "hunter2-of-the-client"
	Callback     = "https://ui.example.com/api/auth/callback"
)

// Person has an account at the provider.
type Person struct {
	Subject  string // at GitHub a number
	Email    string
	Verified bool
	Name     string
	Login    string // at GitHub
}

// Server is both providers.
type Server struct {
	URL string
	Key *rsa.PrivateKey // that signs id tokens

	mutex  sync.Mutex
	codes  map[string]grant
	tokens map[string]grant
	asked  []string
	turned Behaviour
}

// Behaviour is what a provider does otherwise than it should.
type Behaviour struct {
	// Change is called with the claims of every id token before it is signed; nil: they stay.
	Change func(claims jwt.MapClaims)
	// Sign signs id tokens; nil: RS256 with Key under the id that is published.
	Sign func(claims jwt.MapClaims) string
	// Answer may answer a request instead of the provider; it reports whether it did.
	Answer func(w http.ResponseWriter, r *http.Request) bool
}

// Behave makes the providers behave otherwise from now on; the zero Behaviour is as documented.
func (s *Server) Behave(behaviour Behaviour) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.turned = behaviour
}

func (s *Server) behaviour() Behaviour {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.turned
}

type grant struct {
	person   Person
	redirect string
	scopes   string
	client   string
}

// KeyID is the published id of Key.
const KeyID = "key-1"

// Start runs the providers until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	server := &Server{Key: key, codes: map[string]grant{}, tokens: map[string]grant{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /google/auth", server.authorize)
	mux.HandleFunc("POST /google/token", server.googleToken)
	mux.HandleFunc("GET /google/certs", server.certs)
	mux.HandleFunc("GET /google/userinfo", server.userInfo)
	mux.HandleFunc("GET /github/login/oauth/authorize", server.authorize)
	mux.HandleFunc("POST /github/login/oauth/access_token", server.gitHubToken)
	mux.HandleFunc("GET /github/api/user", server.user)
	mux.HandleFunc("GET /github/api/user/emails", server.emails)
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server.mutex.Lock()
		server.asked = append(server.asked, r.Method+" "+r.URL.Path)
		server.mutex.Unlock()
		if turned := server.behaviour(); turned.Answer == nil || !turned.Answer(w, r) {
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(listener.Close)
	server.URL = listener.URL
	return server
}

// Settings are those of a program that is known to the providers.
func (s *Server) Settings() social.Settings {
	application := social.Application{ClientID: ClientID, ClientSecret: ClientSecret, CallbackURL: Callback}
	return social.Settings{
		Google: social.GoogleSettings{Application: application, Issuer: s.URL + "/google", TokenURL: s.URL + "/google/token",
			KeysURL: s.URL + "/google/certs", UserInfoURL: s.URL + "/google/userinfo"},
		GitHub: social.GitHubSettings{Application: application, TokenURL: s.URL + "/github/login/oauth/access_token", APIURL: s.URL + "/github/api"},
	}
}

// Asked are the requests so far, as "METHOD /path".
func (s *Server) Asked() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]string(nil), s.asked...)
}

// Agree opens the provider's page as a browser does, with a person who agrees, and returns the code that the callback gets.
func (s *Server) Agree(t testing.TB, provider social.Name, person Person) string {
	t.Helper()
	scope := map[social.Name]string{social.Google: "openid email profile", social.GitHub: "read:user user:email"}[provider]
	return s.AgreeTo(t, provider, person, scope)
}

// AgreeTo is Agree with the scopes that the client asks for.
func (s *Server) AgreeTo(t testing.TB, provider social.Name, person Person, scope string) string {
	t.Helper()
	page := map[social.Name]string{social.Google: "/google/auth", social.GitHub: "/github/login/oauth/authorize"}[provider]
	encoded, err := json.Marshal(person)
	if err != nil {
		t.Fatal(err)
	}
	query := url.Values{"client_id": {ClientID}, "redirect_uri": {Callback}, "response_type": {"code"}, "scope": {scope}, "state": {"of the client"},
		"person": {string(encoded)}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+page+"?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	back, err := response.Location()
	if err != nil {
		t.Fatalf("the provider does not send back: %d %v", response.StatusCode, err)
	}
	return back.Query().Get("code")
}

// Claims are those of an id token for a person.
func (s *Server) Claims(person Person) jwt.MapClaims {
	now := time.Now()
	return jwt.MapClaims{"iss": s.URL + "/google", "azp": ClientID, "aud": ClientID, "sub": person.Subject, "email": person.Email,
		"email_verified": person.Verified, "name": person.Name, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
}

// SignWith signs claims with a method and a key, under a key id.
func SignWith(method jwt.SigningMethod, key any, id string, claims jwt.MapClaims) string {
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = id
	signed, err := token.SignedString(key)
	if err != nil {
		panic(err)
	}
	return signed
}

func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	var person Person
	if err := json.Unmarshal([]byte(query.Get("person")), &person); err != nil || query.Get("client_id") != ClientID || query.Get("redirect_uri") != Callback {
		http.Error(w, "redirect_uri_mismatch", http.StatusBadRequest)
		return
	}
	code := "4/" + rand.Text()
	s.mutex.Lock()
	s.codes[code] = grant{person: person, redirect: query.Get("redirect_uri"), scopes: query.Get("scope"), client: query.Get("client_id")}
	s.mutex.Unlock()
	w.Header().Set("Location", Callback+"?"+url.Values{"code": {code}, "state": {query.Get("state")}}.Encode())
	w.WriteHeader(http.StatusFound)
}

// redeem uses up a code; the text is the error of RFC 6749.
func (s *Server) redeem(r *http.Request) (grant, string, string) {
	if r.FormValue("client_id") != ClientID || r.FormValue("client_secret") != ClientSecret {
		return grant{}, "", "invalid_client"
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	given, ok := s.codes[r.FormValue("code")]
	delete(s.codes, r.FormValue("code"))
	switch {
	case !ok || r.FormValue("grant_type") != "authorization_code":
		return grant{}, "", "invalid_grant"
	case r.FormValue("redirect_uri") != given.redirect:
		return grant{}, "", "redirect_uri_mismatch"
	}
	token := "access-" + rand.Text()
	s.tokens[token] = given
	return given, token, ""
}

func (s *Server) googleToken(w http.ResponseWriter, r *http.Request) {
	given, token, refusal := s.redeem(r)
	if refusal != "" {
		status := http.StatusBadRequest
		if refusal == "invalid_client" {
			status = http.StatusUnauthorized
		}
		answer(w, status, map[string]any{"error": refusal, "error_description": "Malformed auth code " + r.FormValue("code")})
		return
	}
	body := map[string]any{"access_token": token, "expires_in": 3599, "scope": given.scopes, "token_type": "Bearer"}
	if strings.Contains(given.scopes, "openid") {
		claims := s.Claims(given.person)
		turned := s.behaviour()
		if turned.Change != nil {
			turned.Change(claims)
		}
		if turned.Sign != nil {
			body["id_token"] = turned.Sign(claims)
		} else {
			body["id_token"] = SignWith(jwt.SigningMethodRS256, s.Key, KeyID, claims)
		}
	}
	answer(w, http.StatusOK, body)
}

func (s *Server) certs(w http.ResponseWriter, _ *http.Request) {
	number := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	answer(w, http.StatusOK, map[string]any{"keys": []any{
		map[string]any{"kty": "EC", "crv": "P-256", "kid": "other-kind", "x": "AA", "y": "AA"},
		map[string]any{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": KeyID, "n": number(s.Key.N), "e": number(big.NewInt(int64(s.Key.E)))},
	}})
}

// bearer is the grant of the request's access token; it answers when there is none.
func (s *Server) bearer(w http.ResponseWriter, r *http.Request) (grant, bool) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mutex.Lock()
	given, ok := s.tokens[token]
	s.mutex.Unlock()
	if !ok {
		answer(w, http.StatusUnauthorized, map[string]any{"message": "Bad credentials"})
	}
	return given, ok
}

func (s *Server) userInfo(w http.ResponseWriter, r *http.Request) {
	if given, ok := s.bearer(w, r); ok {
		person := given.person
		answer(w, http.StatusOK, map[string]any{"sub": person.Subject, "name": person.Name, "email": person.Email, "email_verified": person.Verified})
	}
}

// gitHubToken answers as GitHub does: a form, and errors with status 200.
func (s *Server) gitHubToken(w http.ResponseWriter, r *http.Request) {
	// GitHub does not look at the grant type.
	if err := r.ParseForm(); err == nil {
		r.Form.Set("grant_type", "authorization_code")
	}
	given, token, refusal := s.redeem(r)
	body := url.Values{"access_token": {token}, "scope": {given.scopes}, "token_type": {"bearer"}}
	if refusal != "" {
		named := map[string]string{"invalid_client": "incorrect_client_credentials", "invalid_grant": "bad_verification_code"}[refusal]
		if named == "" {
			named = refusal
		}
		body = url.Values{"error": {named}, "error_description": {"The code passed is incorrect or expired."}, "error_uri": {"https://docs.github.com/"}}
	}
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	_, _ = w.Write([]byte(body.Encode()))
}

func (s *Server) user(w http.ResponseWriter, r *http.Request) {
	if given, ok := s.bearer(w, r); ok {
		var name any
		if given.person.Name != "" {
			name = given.person.Name
		}
		// The public address is whatever the person shows there.
		answer(w, http.StatusOK, map[string]any{"id": json.Number(given.person.Subject), "login": given.person.Login, "name": name, "email": given.person.Email})
	}
}

func (s *Server) emails(w http.ResponseWriter, r *http.Request) {
	given, ok := s.bearer(w, r)
	if !ok {
		return
	}
	if !strings.Contains(given.scopes, "user:email") {
		answer(w, http.StatusNotFound, map[string]any{"message": "Not Found"})
		return
	}
	all := []any{map[string]any{"email": "old-" + given.person.Email, "primary": false, "verified": true, "visibility": nil}}
	if given.person.Email != "" {
		all = append(all, map[string]any{"email": given.person.Email, "primary": true, "verified": given.person.Verified, "visibility": "public"})
	}
	answer(w, http.StatusOK, all)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
