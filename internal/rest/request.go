package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/session"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Request is one request that passed authentication and the policy's decision.
type Request struct {
	Principal *session.Principal // nil for an anonymous request
	Query     filter.Query
	HTTP      *http.Request
	Decision  authz.Decision

	operation *Operation
	media     string // type of the answer
	server    *Server
	policy    *authz.Snapshot
	ids       map[string]uuid.UUID
	params    map[string]string
	scope     *tenant.Scope
}

// ID is the path parameter of that name, which is a UUID.
func (r *Request) ID(name string) uuid.UUID { return r.ids[name] }

// Param is the path parameter of that name as it was sent.
func (r *Request) Param(name string) string { return r.params[name] }

// Tenant is the tenant of the credential; uuid.Nil for an anonymous request.
func (r *Request) Tenant() uuid.UUID {
	if r.Principal == nil {
		return uuid.Nil
	}
	return r.Principal.Subject.TenantID
}

// User is the user of the credential; uuid.Nil for an anonymous request.
func (r *Request) User() uuid.UUID {
	if r.Principal == nil {
		return uuid.Nil
	}
	return r.Principal.Subject.UserID
}

// Confined reports whether the credential reaches no tenant but its own: an API key, or a token that the tenant's identity
// provider stands behind.
func (r *Request) Confined() bool { return r.Principal != nil && r.Principal.Confined }

// Reach narrows a condition on the requester's own memberships m, which span tenants, to those that the credential reaches: a
// confined one the one of its tenant.
func (r *Request) Reach(where filter.Fragment) filter.Fragment {
	if !r.Confined() {
		return where
	}
	return filter.And(filter.MustCondition("m.tenant_id", filter.Exact, r.Tenant()), where)
}

// Scope is what the request's queries run in: the credential's tenant and the providers that policy shows the subject.
func (r *Request) Scope(ctx context.Context) (tenant.Scope, error) {
	if r.scope != nil {
		return *r.scope, nil
	}
	if r.Principal == nil {
		return tenant.Scope{}, errors.New("no scope for an anonymous request")
	}
	visibility, err := r.policy.Visible(ctx, r.Principal.Subject)
	if err != nil {
		return tenant.Scope{}, fmt.Errorf("visible providers: %w", err)
	}
	visible, err := Visible(visibility)
	if err != nil {
		return tenant.Scope{}, err
	}
	scope := tenant.NewScope(r.Tenant(), r.User(), visible)
	r.scope = &scope
	return scope, nil
}

// DB reads in the request's Scope.
func (r *Request) DB(ctx context.Context, executor *tenant.Executor) (tenant.DB, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	return executor.Read(scope), nil
}

// May reports whether the subject may do another operation too: for members of an answer that policy guards apart.
func (r *Request) May(ctx context.Context, operation authz.Operation) (bool, error) {
	if r.Principal == nil {
		return false, nil
	}
	decision, err := r.policy.Decide(ctx, r.Principal.Subject, operation)
	if err != nil {
		return false, fmt.Errorf("decide %s: %w", operation, err)
	}
	return decision.Allowed, nil
}

// Input reads the body. The error is a refusal: unsupported media type, too large, malformed.
func (r *Request) Input() (jsonapi.Input, error) {
	limit := r.operation.MaxBody
	if limit == 0 {
		limit = DefaultMaxBody
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.HTTP.Body, limit))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return jsonapi.Input{}, jsonapi.Error{Status: http.StatusRequestEntityTooLarge, Code: "request_too_large", Pointer: "/data",
				Detail: fmt.Sprintf("The request body exceeds %d bytes.", limit)}
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return jsonapi.Input{}, jsonapi.Error{Status: http.StatusRequestTimeout, Code: "request_timeout", Pointer: "/data",
				Detail: "The request body took too long to arrive."}
		}
		return jsonapi.Input{}, jsonapi.ParseError("The request body could not be read.")
	}
	if entry, ok := r.HTTP.Context().Value(entryKey{}).(*logEntry); ok {
		entry.bodyArrived()
	}
	contentType := r.HTTP.Header.Get("Content-Type")
	if len(body) > 0 && !jsonapi.AcceptsContentType(contentType) {
		return jsonapi.Input{}, jsonapi.UnsupportedMediaType(contentType)
	}
	return jsonapi.Read(contentType, body)
}

// Bind reads the body as a resource object of a type; id is the id in the URL for a PATCH, empty for a POST.
func (r *Request) Bind(kind, id string) (*jsonapi.Binder, error) {
	input, err := r.Input()
	if err != nil {
		return nil, err
	}
	return input.Bind(kind, id)
}

// URL is the absolute address of a path below the API's base, as the client reaches it.
func (r *Request) URL(path string) string { return r.host() + BasePath + path }

// PageURL is the absolute address of the request, from which page links are made.
func (r *Request) PageURL() *url.URL {
	address, err := url.Parse(r.host() + r.HTTP.URL.Path)
	if err != nil {
		address = &url.URL{Path: r.HTTP.URL.Path}
	}
	address.RawQuery = r.HTTP.URL.RawQuery
	return address
}

// List is the answer to a paged list: what the page holds, the sparse fields and the links.
func (r *Request) List(many []jsonapi.Resource, included []jsonapi.Resource, page filter.Window) *Answer {
	document := jsonapi.Document{Many: many, Included: included, Fields: r.Query.Fields}
	switch {
	case page.Cursor:
		document.Cursor = r.cursorLinks(page.After)
	case !r.Query.Page.Disabled:
		document.PageURL = r.PageURL()
		document.Pagination = &jsonapi.Pagination{Page: int(page.Number), Pages: int(page.Pages), Count: int(page.Count)}
	}
	return OK(document)
}

// cursorLinks lead to the first page and to the one behind the cursor.
func (r *Request) cursorLinks(after string) *jsonapi.CursorLinks {
	link := func(cursor string) string {
		address := r.PageURL()
		query := address.Query()
		query.Set("page[after]", cursor)
		address.RawQuery = query.Encode()
		return address.String()
	}
	links := &jsonapi.CursorLinks{First: link(""), After: after}
	if after != "" {
		links.Next = link(after)
	}
	return links
}

// ListOf is List for rows that each become a resource object by themselves.
func ListOf[Row any](r *Request, rows []Row, page filter.Window, resource func(*Request, Row) jsonapi.Resource, included ...jsonapi.Resource) *Answer {
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = resource(r, row)
	}
	return r.List(many, included, page)
}

// Includes reports whether the answer is to hold the resources of a relationship of the primary type: asked for by the
// include parameter and not left out by that type's sparse fields.
func (r *Request) Includes(kind, relationship string) bool {
	return r.Query.Include[relationship] && r.Shows(kind, relationship)
}

// Shows reports whether the answer shows a member of a type: its sparse fields do not leave it out. What is not shown need
// not be read.
func (r *Request) Shows(kind, member string) bool {
	fields, sparse := r.Query.Fields[kind]
	return !sparse || slices.Contains(fields, member)
}

// One is the answer with one resource.
func (r *Request) One(one jsonapi.Resource, included ...jsonapi.Resource) *Answer {
	return OK(jsonapi.Document{One: &one, Included: included, Fields: r.Query.Fields})
}

func (r *Request) host() string {
	scheme := "http"
	if r.server.isSecure(r.HTTP) {
		scheme = "https"
	}
	return scheme + "://" + r.server.hostOf(r.HTTP)
}
