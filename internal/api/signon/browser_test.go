package signon_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/api/signon"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/samltest"
)

const (
	signInURL   = "http://ui.example.com/sign-in?lang=en"
	callbackURL = "http://ui.example.com/callback"
)

func start(t *testing.T) *apitest.Server {
	t.Helper()
	return apitest.StartWith(t, apitest.Setup{Settings: app.Settings{SignOn: signon.Settings{SignInURL: signInURL, CallbackURL: callbackURL}}})
}

// configure makes a provider that a tenant trusts for a domain.
func configure(t *testing.T, server *apitest.Server, owner *apitest.Client, domain string) (provider *samltest.Provider, id string) {
	t.Helper()
	provider = samltest.Start(t)
	created := owner.Post(t, "/saml-config", "saml-configurations", map[string]any{"email_domain": domain, "metadata_xml": provider.Metadata}, nil).Want(t, 201)
	provider.Trust(t, newBrowser(t).get(t, page(server, domain, "metadata/")).want(t, 200).body)
	return provider, created.String("/data/id")
}

func page(server *apitest.Server, domain, name string) string {
	return server.URL + "/accounts/saml/" + domain + "/" + name
}

// browser follows redirects as browsers do, up to the user interface, and keeps cookies.
type browser struct{ client *http.Client }

func newBrowser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{&http.Client{Jar: jar, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if next.URL.Host == "ui.example.com" {
			return http.ErrUseLastResponse
		}
		if len(via) > 10 {
			return errors.New("too many redirects")
		}
		return nil
	}}}
}

// visit is where a browser ended.
type visit struct {
	status   int
	location *url.URL // of the redirect that was not followed
	at       *url.URL
	header   http.Header
	body     []byte
}

func (v visit) want(t testing.TB, status int) visit {
	t.Helper()
	if v.status != status {
		t.Fatalf("%s: status %d, want %d: %s", v.at, v.status, status, v.body)
	}
	return v
}

func (b *browser) get(t testing.TB, address string) visit {
	t.Helper()
	return b.do(t, http.MethodGet, address, nil)
}

func (b *browser) post(t testing.TB, address string, form url.Values) visit {
	t.Helper()
	return b.do(t, http.MethodPost, address, form)
}

func (b *browser) do(t testing.TB, method, address string, form url.Values) visit {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	answer, err := b.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	location, _ := answer.Location()
	return visit{answer.StatusCode, location, answer.Request.URL, answer.Header, body}
}

var (
	action = regexp.MustCompile(`<form[^>]* action="([^"]*)"`)
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// submit sends the form of a page, with what the person types.
func (b *browser) submit(t testing.TB, page visit, typed url.Values) visit {
	t.Helper()
	to := action.FindSubmatch(page.body)
	if to == nil {
		t.Fatalf("no form at %s: %d %s", page.at, page.status, page.body)
	}
	form := url.Values{}
	for _, field := range hidden.FindAllSubmatch(page.body, -1) {
		form.Set(string(field[1]), html.UnescapeString(string(field[2])))
	}
	for name, values := range typed {
		form[name] = values
	}
	return b.post(t, html.UnescapeString(string(to[1])), form)
}

// initiate asks the API where to send a browser, as the user interface does.
func initiate(t testing.TB, server *apitest.Server, domain, callback string) (status int, location string) {
	t.Helper()
	body := apitest.Resource("saml-initiate", "", map[string]any{"email_domain": domain, "callback_url": callback}, nil)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/auth/saml/initiate/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/vnd.api+json")
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode, answer.Header.Get("Location")
}

// signOn takes a person through everything, and returns where in the user interface they end.
func signOn(t testing.TB, server *apitest.Server, address, callback string) *url.URL {
	t.Helper()
	_, location := initiate(t, server, address, callback)
	person := newBrowser(t)
	form := person.get(t, strings.TrimSuffix(server.URL, "/api/v1")+location).want(t, 200)
	answer := person.submit(t, form, url.Values{"user": {address}, "password": {samltest.Password}}).want(t, 200)
	ended := person.submit(t, answer, nil).want(t, 302)
	return ended.location
}

// redeem exchanges a one-time token.
func redeem(t testing.TB, server *apitest.Server, id string) *apitest.Answer {
	t.Helper()
	return server.Anonymous().Do(t, http.MethodPost, "/tokens/saml?id="+url.QueryEscape(id), "", nil)
}

// enter signs somebody on and returns what the user interface gets.
func enter(t testing.TB, server *apitest.Server, address string) (access, refresh string) {
	t.Helper()
	ended := signOn(t, server, address, "")
	if !strings.HasPrefix(ended.String(), callbackURL+"?id=") {
		t.Fatalf("%s ended at %s", address, ended)
	}
	pair := redeem(t, server, ended.Query().Get("id")).Want(t, 200)
	return pair.String("/data/access"), pair.String("/data/refresh")
}

// as asks the API with a token.
func as(t testing.TB, server *apitest.Server, access, method, path string, body []byte) *apitest.Answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+access)
	request.Header.Set("Content-Type", "application/vnd.api+json")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer := &apitest.Answer{Status: response.StatusCode, Header: response.Header, Raw: raw}
	_ = json.Unmarshal(raw, &answer.Body) // what is no JSON leaves Body nil
	return answer
}

// begun is a sign-on that waits for an answer: the browser stands before the identity provider.
type begun struct {
	server  *apitest.Server
	domain  string
	browser *browser
	request string
}

func begin(t testing.TB, server *apitest.Server, domain string) begun {
	t.Helper()
	one := begun{server: server, domain: domain, browser: newBrowser(t)}
	at := one.browser.get(t, page(server, domain, "login/")).at
	deflated, err := base64.StdEncoding.DecodeString(at.Query().Get("SAMLRequest"))
	if err != nil || len(deflated) == 0 {
		t.Fatalf("no request at %s", at)
	}
	inflated, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	if err != nil {
		t.Fatal(err)
	}
	var request struct {
		ID string `xml:",attr"`
	}
	if err := xml.Unmarshal(inflated, &request); err != nil {
		t.Fatal(err)
	}
	one.request = request.ID
	return one
}

// bring posts a response and returns where the browser ends.
func (b begun) bring(t testing.TB, response string) *url.URL {
	t.Helper()
	return b.browser.post(t, page(b.server, b.domain, "acs/"), url.Values{"SAMLResponse": {response}}).want(t, 302).location
}
