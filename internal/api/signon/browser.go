package signon

import (
	"context"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/saml"
	"github.com/palisade-sec/palisade/internal/sso"
)

// Settings say where the pages are and where they lead.
type Settings struct {
	ExternalURL string // scheme and host under which browsers reach the API, without a path
	SignInURL   string // page of the user interface to which a sign-on that failed leads
	CallbackURL string // page of the user interface that takes the one-time token
	EntityID    string // our name for identity providers
}

// DefaultEntityID is the name that identity providers know services of this wire by.
const DefaultEntityID = "urn:prowler.com:sp"

// Check refuses settings that are no addresses.
func (s Settings) Check() error {
	for _, one := range []struct{ key, value string }{{"external-url", s.ExternalURL}, {"sign-in-url", s.SignInURL}, {"saml-callback-url", s.CallbackURL}} {
		if one.value == "" {
			continue
		}
		address, err := url.Parse(one.value)
		if err != nil || address.Scheme != "https" && address.Scheme != "http" || address.Host == "" || address.User != nil || address.Fragment != "" {
			return fmt.Errorf("%s is %q: want an address such as https://app.example.com", one.key, one.value)
		}
		if one.key == "external-url" && (address.RawQuery != "" || strings.Trim(address.Path, "/") != "") {
			return fmt.Errorf("%s is %q: want scheme and host alone, without a path", one.key, one.value)
		}
	}
	return nil
}

// origin is an address without the slash that people write behind it.
func origin(address string) string { return strings.TrimRight(address, "/") }

const htmlType = "text/html; charset=utf-8"

// The cookies that a browser keeps from one step to the next. They hold tickets, and go back to the pages of their domain alone.
const (
	beganCookie    = "saml-login-session"
	answeredCookie = "saml-acs-session"
)

// cookieLifetime is a little more than the person may take.
const cookieLifetime = 11 * time.Minute

// maxForm bounds what an identity provider has the browser post.
const maxForm = saml.MaxResponse + 64<<10

// pages serves what browsers pass through.
type pages struct {
	service  *sso.Service
	settings Settings
	limit    *rest.Limit
	logger   *slog.Logger
}

// Mounter takes handlers outside the API's operations; rest.Server is one.
type Mounter interface {
	Mount(pattern string, handler http.Handler)
}

// Mount adds the pages of single sign-on to a server. limit bounds how often an address may begin a sign-on or bring an answer.
func Mount(server Mounter, service *sso.Service, settings Settings, limit *rest.Limit, logger *slog.Logger) {
	if settings.EntityID == "" {
		settings.EntityID = DefaultEntityID
	}
	settings.ExternalURL = origin(settings.ExternalURL)
	p := pages{service: service, settings: settings, limit: limit, logger: logger}
	mount := func(page string, handle http.HandlerFunc, methods ...string) {
		path := rest.BasePath + "/accounts/saml/{domain}/" + page
		server.Mount(path, allow(methods, handle))
		server.Mount(strings.TrimSuffix(path, "/"), http.HandlerFunc(appendSlash))
	}
	mount("login/", p.login, http.MethodGet, http.MethodPost)
	mount("acs/", p.acs, http.MethodPost)
	mount("acs/finish/", p.finish, http.MethodGet)
	mount("metadata/", p.metadata, http.MethodGet)
	mount("sls/", p.logout, http.MethodGet, http.MethodPost)
	server.Mount(rest.BasePath+"/auth/saml/initiate", http.HandlerFunc(appendSlash))
}

// allow answers 405 for other methods, and keeps what passes here out of every cache.
func allow(methods []string, handle http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		handle(w, r)
	})
}

// appendSlash leads to the same path with the slash that these paths end with.
func appendSlash(w http.ResponseWriter, r *http.Request) {
	address := url.URL{Path: r.URL.Path + "/", RawPath: r.URL.EscapedPath() + "/", RawQuery: r.URL.RawQuery}
	w.Header().Set("Location", address.String())
	w.Header().Set("Content-Type", htmlType)
	w.WriteHeader(http.StatusMovedPermanently)
}

// domainOf is the domain that a page is of, in the form in which domains are compared.
func domainOf(r *http.Request) string {
	domain, err := url.PathUnescape(chi.URLParam(r, "domain"))
	if err != nil {
		return ""
	}
	return strings.ToLower(domain)
}

// base is the address that browsers reach the API by. It is part of what an identity provider signs, so it is never taken from
// a request, but for those that come to the machine itself: whoever tries the program out has nothing to set up.
func (p pages) base(r *http.Request) (string, error) {
	if p.settings.ExternalURL != "" {
		return p.settings.ExternalURL, nil
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	from, _, _ := net.SplitHostPort(r.RemoteAddr)
	if (host == "localhost" || isLoopback(host)) && isLoopback(from) && r.TLS == nil {
		return "http://" + r.Host, nil
	}
	return "", missing("external-url")
}

func isLoopback(text string) bool {
	address := net.ParseIP(strings.Trim(text, "[]"))
	return address != nil && address.IsLoopback()
}

// missing is a setting without which there is no single sign-on.
type missing string

// Error says what to set.
func (m missing) Error() string {
	return fmt.Sprintf("Single sign-on is not set up on this server: the setting %s is missing.", string(m))
}

// us is what we are to the identity provider of a domain.
func (p pages) us(r *http.Request, domain string) (saml.Provider, error) {
	base, err := p.base(r)
	if err != nil {
		return saml.Provider{}, err
	}
	return saml.Provider{EntityID: p.settings.EntityID, ACS: base + pagePath(domain, "acs/")}, nil
}

// ready refuses to send people away when they could not come back.
func (p pages) ready() error {
	switch {
	case p.settings.SignInURL == "":
		return missing("sign-in-url")
	case p.settings.CallbackURL == "":
		return missing("saml-callback-url")
	}
	return nil
}

// login begins a sign-on: it sends the browser to the identity provider.
func (p pages) login(w http.ResponseWriter, r *http.Request) {
	if !p.limit.Allows(r) {
		page(w, http.StatusTooManyRequests, "Too many sign-ons from this address. Try again in a minute.")
		return
	}
	domain := domainOf(r)
	us, err := p.us(r, domain)
	if err == nil {
		err = p.ready()
	}
	var address string
	var ticket sso.Ticket
	if err == nil {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		address, ticket, err = p.service.Begin(r.Context(), domain, localPath(r.FormValue("callback_url")), us)
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.set(w, beganCookie, domain, ticket.String())
	redirect(w, address)
}

// acs takes the answer that the identity provider has the browser post. Good or not, the browser goes on to the next page: it
// comes there from here, with the cookies that a page of another site cannot make it send.
func (p pages) acs(w http.ResponseWriter, r *http.Request) {
	domain := domainOf(r)
	ticket, err := p.answer(w, r, domain)
	if err != nil {
		p.note(r, domain, err)
		p.set(w, answeredCookie, domain, "")
	} else {
		p.set(w, answeredCookie, domain, ticket.String())
	}
	redirect(w, pagePath(domain, "acs/finish/"))
}

func (p pages) answer(w http.ResponseWriter, r *http.Request, domain string) (sso.Ticket, error) {
	if !p.limit.Allows(r) {
		return sso.Ticket{}, &sso.Refused{Reason: "too many answers from one address"}
	}
	us, err := p.us(r, domain)
	if err != nil {
		return sso.Ticket{}, err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return sso.Ticket{}, &sso.Refused{Reason: "the answer is no form, or too large"}
	}
	return p.service.Answer(r.Context(), domain, r.PostForm.Get("SAMLResponse"), us)
}

// finish leads the browser to the user interface: with a one-time token, or to the page where people sign in.
func (p pages) finish(w http.ResponseWriter, r *http.Request) {
	if err := p.ready(); err != nil {
		p.fail(w, r, err)
		return
	}
	domain := domainOf(r)
	outcome, err := p.service.Finish(r.Context(), domain, ticketOf(r, beganCookie), ticketOf(r, answeredCookie))
	p.set(w, answeredCookie, domain, "")
	if err != nil {
		p.note(r, domain, err) // what was begun may still be answered: anybody can make a browser bring something bad
		redirect(w, with(p.settings.SignInURL, "sso_saml_failed", "true"))
		return
	}
	p.set(w, beganCookie, domain, "")
	address := with(p.settings.CallbackURL, "id", outcome.Token.String())
	if outcome.Callback != "" {
		address = with(address, "callbackUrl", outcome.Callback)
	}
	redirect(w, address)
}

// metadata is our own metadata document.
func (p pages) metadata(w http.ResponseWriter, r *http.Request) {
	domain := domainOf(r)
	us, err := p.us(r, domain)
	if err == nil {
		err = p.known(r.Context(), domain)
	}
	var document []byte
	if err == nil {
		document, err = us.Metadata()
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	_, _ = w.Write(document) // the client is gone when this fails
}

// logout says that there is none: a session here is a token that the user interface holds, and ends with it.
func (p pages) logout(w http.ResponseWriter, r *http.Request) {
	if err := p.known(r.Context(), domainOf(r)); err != nil {
		p.fail(w, r, err)
		return
	}
	page(w, http.StatusNotImplemented, "Single logout is not implemented.")
}

func (p pages) known(ctx context.Context, domain string) error {
	known, err := p.service.Knows(ctx, domain)
	if err == nil && !known {
		err = sso.ErrUnknownDomain
	}
	return err
}

// fail answers a step that cannot be taken.
func (p pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	var lacks missing
	switch {
	case errors.Is(err, sso.ErrUnknownDomain):
		page(w, http.StatusNotFound, "The requested resource was not found on this server.")
	case errors.As(err, &lacks):
		p.logger.ErrorContext(r.Context(), "single sign-on is not set up", "missing", string(lacks))
		page(w, http.StatusServiceUnavailable, lacks.Error())
	default:
		p.logger.ErrorContext(r.Context(), "single sign-on failed", "path", r.URL.Path, "error", err)
		page(w, http.StatusInternalServerError, "A server error occurred.")
	}
}

// note says in the log why a sign-on failed: the person learns only that it did.
func (p pages) note(r *http.Request, domain string, err error) {
	var refused *sso.Refused
	switch {
	case errors.As(err, &refused):
		p.logger.WarnContext(r.Context(), "sign-on refused", "domain", domain, "tenant_id", refused.Tenant, "reason", refused.Reason)
	case errors.Is(err, sso.ErrUnknownDomain):
		p.logger.WarnContext(r.Context(), "sign-on refused", "domain", domain, "reason", err.Error())
	default:
		p.logger.ErrorContext(r.Context(), "single sign-on failed", "domain", domain, "error", err)
	}
}

// set keeps a ticket in the browser, or takes it back when it is empty.
func (p pages) set(w http.ResponseWriter, name, domain, ticket string) {
	cookie := http.Cookie{Name: name, Value: ticket, Path: pagePath(domain, ""), HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(p.settings.ExternalURL, "https://"), MaxAge: int(cookieLifetime / time.Second)}
	if ticket == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, &cookie)
}

func ticketOf(r *http.Request, name string) sso.Ticket {
	cookie, err := r.Cookie(name)
	if err != nil {
		return sso.Ticket{}
	}
	return sso.ParseTicket(cookie.Value)
}

// with is an address with one more parameter.
func with(address, name, value string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return address // checked at start
	}
	if parsed.RawQuery != "" {
		parsed.RawQuery += "&"
	}
	parsed.RawQuery += url.Values{name: {value}}.Encode()
	return parsed.String()
}

func redirect(w http.ResponseWriter, address string) {
	w.Header().Set("Location", address)
	w.Header().Set("Content-Type", htmlType)
	w.WriteHeader(http.StatusFound)
}

// page is what a person reads who ends here.
func page(w http.ResponseWriter, status int, sentence string) {
	title := html.EscapeString(http.StatusText(status))
	w.Header().Set("Content-Type", htmlType)
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!doctype html>\n<html lang=\"en\">\n<head><title>%s</title></head>\n<body><h1>%[1]s</h1><p>%s</p></body>\n</html>\n",
		title, html.EscapeString(sentence)) // the client is gone when this fails
}
