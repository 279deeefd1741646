// Package signon declares the operations on single sign-on (SAML) and serves the pages that a browser passes through on its
// way to the identity provider and back.
//
// What does not belong here: SAML itself (internal/saml) and what a sign-on does (internal/sso).
package signon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/sso"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Attributes are the attributes of a configuration.
type Attributes struct {
	EmailDomain string    `json:"email_domain" maxLength:"254"`
	MetadataXML string    `json:"metadata_xml"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

type written struct {
	EmailDomain string `json:"email_domain" maxLength:"254"`
	MetadataXML string `json:"metadata_xml"`
}

type start struct {
	EmailDomain string `json:"email_domain"`
	CallbackURL string `json:"callback_url,omitempty" maxLength:"2048"`
}

// Query is the allow-list of the list's parameters: there is nothing to filter by.
var Query = filter.MustTable(filter.Table{
	Sorts: []filter.Sort{{Name: "id", Column: "s.id"}, {Name: "email_domain", Column: "s.email_domain", Text: true},
		{Name: "metadata_xml", Column: "s.metadata_xml", Text: true}, {Name: "created_at", Column: "s.created_at"}, {Name: "updated_at", Column: "s.updated_at"}},
	DefaultSort: []string{"id"}, Tiebreak: "s.id",
})

const kind = "saml-configurations"

var source = listing.Source[tenantdb.ListSAMLConfigurationsRow, tenantdb.ListSAMLConfigurationsParams]{Name: "SAMLConfiguration", ID: "s.id",
	Count: (*tenantdb.Queries).CountSAMLConfigurations, List: (*tenantdb.Queries).ListSAMLConfigurations}

type handlers struct {
	service  *sso.Service
	tenants  *tenant.Executor
	external string
}

// Operations declares the operations. external is the address under which browsers reach the API, without a path; empty: they
// are sent on by paths alone.
func Operations(service *sso.Service, executor *tenant.Executor, external string) []rest.Operation {
	h := handlers{service: service, tenants: executor, external: origin(external)}
	one := rest.Schema{Type: kind, Attributes: Attributes{}}
	many := one
	many.List = true
	body := rest.Schema{Type: kind, Attributes: written{}}
	operation := func(id authz.Operation, method, path, summary string, handle rest.Handler) rest.Operation {
		return rest.Operation{ID: "saml_config." + id, Method: method, Path: path, Summary: summary, Tag: "Single sign-on", Query: Query, Mode: rest.One, Handle: handle}
	}
	list := operation("list", http.MethodGet, "/saml-config", "List SAML configurations", source.Pages(executor, resource, nil))
	list.Mode, list.Cached, list.Response = rest.List, true, many
	create := operation("create", http.MethodPost, "/saml-config", "Set up SAML", h.create)
	create.Query, create.Request, create.Response, create.Status = nil, body, one, http.StatusCreated
	retrieve := operation("retrieve", http.MethodGet, "/saml-config/{id}", "Get a SAML configuration", source.Single(executor, resource, nil))
	retrieve.Cached, retrieve.Response = true, one
	update := operation("update", http.MethodPatch, "/saml-config/{id}", "Change a SAML configuration", h.update)
	update.Request, update.Response = body, one
	remove := operation("delete", http.MethodDelete, "/saml-config/{id}", "Remove a SAML configuration", rest.Remove(h.found, h.remove))
	remove.Status = http.StatusNoContent
	initiate := rest.Operation{ID: "auth.saml.initiate", Method: http.MethodPost, Path: "/auth/saml/initiate/", Tag: "Single sign-on", Summary: "Begin a sign-on",
		Anonymous: true, Negotiate: true, Request: rest.Schema{Type: "saml-initiate", Attributes: start{}}, Status: http.StatusFound, Handle: h.initiate}
	redeem := rest.Operation{ID: "tokens.saml", Method: http.MethodPost, Path: "/tokens/saml", Tag: "Tokens", Summary: "Exchange the one-time token of a sign-on",
		Anonymous: true, Negotiate: true, Status: http.StatusOK, Handle: h.redeem}
	return []rest.Operation{list, create, retrieve, update, remove, initiate, redeem}
}

func (h handlers) create(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	change, err := bind(r, "", true)
	if err != nil {
		return nil, err
	}
	id, err := h.service.Create(ctx, scope, change)
	if err != nil {
		return nil, err
	}
	row, err := source.Written(ctx, h.tenants, scope, id)
	if err != nil {
		return nil, err
	}
	one := resource(r, row)
	return rest.Created(jsonapi.Document{One: &one}), nil
}

func (h handlers) update(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := h.found(ctx, r)
	if err != nil {
		return nil, err
	}
	change, err := bind(r, r.ID("id").String(), false)
	if err != nil {
		return nil, err
	}
	if err := h.service.Update(ctx, scope, r.ID("id"), change); err != nil {
		return nil, err
	}
	row, err := source.Written(ctx, h.tenants, scope, r.ID("id"))
	if err != nil {
		return nil, err
	}
	return r.One(resource(r, row)), nil
}

// remove is a method of its own, because there is no service when the operations are only described.
func (h handlers) remove(ctx context.Context, scope tenant.Scope, id uuid.UUID) error {
	return h.service.Delete(ctx, scope, id)
}

// found makes sure that the configuration of the path is there before the body is read.
func (h handlers) found(ctx context.Context, r *rest.Request) (tenant.Scope, error) {
	return rest.Found(ctx, r, h.tenants, source.One)
}

func bind(r *rest.Request, id string, creates bool) (sso.Change, error) {
	body, err := r.Bind(kind, id)
	if err != nil {
		return sso.Change{}, err
	}
	change := sso.Change{
		EmailDomain: body.Text("email_domain", jsonapi.Rules{Required: creates, Max: 254}).Ptr(),
		Metadata:    body.Text("metadata_xml", jsonapi.Rules{Required: creates}).Ptr(),
	}
	return change, body.DoneLenient()
}

func resource(_ *rest.Request, row tenantdb.ListSAMLConfigurationsRow) jsonapi.Resource {
	return jsonapi.Resource{Type: kind, ID: row.ID.String(), Attributes: jsonapi.Attributes(Attributes{EmailDomain: row.EmailDomain,
		MetadataXML: row.MetadataXml, CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt})}
}

// initiate sends the browser to the page that begins a sign-on, for a domain or for the domain of an address.
func (h handlers) initiate(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	body, err := r.Bind("saml-initiate", "")
	if err != nil {
		return nil, err
	}
	given := body.Text("email_domain", jsonapi.Rules{Required: true})
	callback := body.Text("callback_url", jsonapi.Rules{Max: 2048, Blank: true, Nullable: true})
	if err := body.DoneLenient(); err != nil {
		return nil, err
	}
	domain := strings.ToLower(given.Value)
	if _, after, isAddress := strings.Cut(domain, "@"); isAddress {
		domain = after
	}
	known, err := h.service.Knows(ctx, domain)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, jsonapi.Detail{Status: http.StatusForbidden, Text: "Unauthorized domain."}
	}
	address := h.external + pagePath(domain, "login/")
	if path := localPath(callback.Or("")); path != "" {
		address += "?" + url.Values{"callback_url": {path}}.Encode()
	}
	return &rest.Answer{Status: http.StatusFound, Header: http.Header{"Location": {address}, "Content-Type": {htmlType}}}, nil
}

// pagePath is the path of one of the pages of a domain.
func pagePath(domain, page string) string {
	return rest.BasePath + "/accounts/saml/" + url.PathEscape(domain) + "/" + page
}

// localPath is a place in the user interface, or nothing: what a browser could take for another site's address is none.
func localPath(text string) string {
	if !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") || len(text) > 2048 {
		return ""
	}
	for _, r := range text {
		if r == '\\' || r < ' ' || r == 0x7f { // browsers read \ as /, and pass over line breaks and tabs
			return ""
		}
	}
	return text
}

// redeem exchanges a one-time token. The answer is no JSON:API document: that is how the wire has it.
func (h handlers) redeem(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	text := "invalid"
	if given, sent := r.HTTP.URL.Query()["id"]; sent {
		text = given[len(given)-1]
	}
	id, err := jsonapi.ParseUUID(text)
	if err != nil {
		return nil, jsonapi.Invalid(fmt.Sprintf("“%s” is not a valid UUID.", strings.ToValidUTF8(text, "�")))
	}
	pair, err := h.service.Redeem(ctx, id)
	if err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(map[string]any{"data": map[string]string{"access": pair.Access, "refresh": pair.Refresh}})
	if err != nil {
		return nil, fmt.Errorf("encode tokens: %w", err)
	}
	return &rest.Answer{Status: http.StatusOK, Body: encoded, Header: http.Header{"Content-Type": {jsonapi.MediaType}, "Cache-Control": {"no-store"}}}, nil
}
