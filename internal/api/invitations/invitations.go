// Package invitations declares the operations on invitations: those of the tenant that invites, and the acceptance by the
// person who was invited.
package invitations

import (
	"context"
	"net/http"
	"time"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/api/memberships"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/identity"
	"github.com/palisade-sec/palisade/internal/invitation"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Attributes are the attributes of an invitation.
type Attributes struct {
	InsertedAt time.Time `json:"inserted_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	Email      string    `json:"email" format:"email"`
	State      string    `json:"state" enum:"pending,accepted,expired,revoked"`
	Token      string    `json:"token"`
	ExpiresAt  time.Time `json:"expires_at"`
}

// written are the attributes in the answer to a change.
type written struct {
	Email     string    `json:"email" format:"email"`
	ExpiresAt time.Time `json:"expires_at"`
	State     string    `json:"state" enum:"pending,accepted,expired,revoked"`
	Token     string    `json:"token"`
}

type newInvitation struct {
	Email     string    `json:"email" format:"email" maxLength:"254"`
	ExpiresAt time.Time `json:"expires_at,omitempty"`
}

type acceptance struct {
	InvitationToken string `json:"invitation_token"`
}

// Query is the allow-list of the list's parameters.
var Query = func() *filter.Table {
	states := []string{"pending", "accepted", "expired", "revoked"}
	dates := filter.Exact | filter.OnDate | filter.GTE | filter.LTE
	return filter.MustTable(filter.Table{
		Fields: []filter.Field{
			{Name: "email", Column: "i.email", Lookups: filter.Exact | filter.IContains},
			{Name: "state", Kind: filter.Choice, Choices: states, Column: "i.state", Lookups: filter.Exact | filter.In},
			{Name: "inviter", Kind: filter.Reference, Target: "users", Relationship: true, Column: "i.inviter_id"},
			{Name: "inserted_at", Kind: filter.DateTime, Column: "i.inserted_at", Lookups: dates},
			{Name: "updated_at", Kind: filter.DateTime, Column: "i.updated_at", Lookups: dates},
			{Name: "expires_at", Kind: filter.DateTime, Column: "i.expires_at", Lookups: dates},
		},
		Sorts: []filter.Sort{{Name: "inserted_at", Column: "i.inserted_at"}, {Name: "updated_at", Column: "i.updated_at"},
			{Name: "expires_at", Column: "i.expires_at"}, {Name: "inviter", Column: "i.inviter_id", Nullable: true},
			{Name: "state", Column: "i.state", Ranked: states}},
		DefaultSort: []string{"-inserted_at"}, Tiebreak: "i.id",
		Search: &filter.Search{Columns: []filter.Column{"i.email"}},
	})
}()

var source = listing.Source[tenantdb.ListInvitationsRow, tenantdb.ListInvitationsParams]{Name: "Invitation", ID: "i.id",
	Count: (*tenantdb.Queries).CountInvitations, List: (*tenantdb.Queries).ListInvitations}

type handlers struct {
	invitations *invitation.Service
	identity    *identity.Service
	tenants     *tenant.Executor
}

// Operations declares the operations.
func Operations(service *invitation.Service, people *identity.Service, executor *tenant.Executor) []rest.Operation {
	h := handlers{invitations: service, identity: people, tenants: executor}
	one := rest.Schema{Type: "invitations", Attributes: Attributes{}, Relationships: []string{"roles", "inviter"}}
	many := one
	many.List = true
	body := rest.Schema{Type: "invitations", Attributes: newInvitation{}, Relationships: []string{"roles"}}
	changed := rest.Schema{Type: "invitations", Attributes: written{}, Relationships: []string{"roles"}}
	operation := func(id authz.Operation, method, path, summary string, handle rest.Handler) rest.Operation {
		return rest.Operation{ID: "tenants.invitations." + id, Method: method, Path: path, Summary: summary, Tag: "Invitations",
			Query: Query, Mode: rest.One, HTMLIDs: true, Handle: handle}
	}
	list := operation("list", http.MethodGet, "/tenants/invitations", "List invitations", h.list)
	list.Mode, list.Cached, list.Response = rest.List, true, many
	create := operation("create", http.MethodPost, "/tenants/invitations", "Invite a person", h.create)
	create.Query, create.Request, create.Response, create.Status = nil, body, changed, http.StatusCreated
	retrieve := operation("retrieve", http.MethodGet, "/tenants/invitations/{id}", "Get an invitation", source.Single(executor, resource, nil))
	retrieve.Cached, retrieve.Response = true, one
	update := operation("update", http.MethodPatch, "/tenants/invitations/{id}", "Change an invitation", h.update)
	update.Request, update.Response = body, changed
	revoke := operation("delete", http.MethodDelete, "/tenants/invitations/{id}", "Revoke an invitation", rest.Remove(h.found, h.invitations.Revoke))
	revoke.Status = http.StatusNoContent
	accept := rest.Operation{ID: "invitations.accept", Method: http.MethodPost, Path: "/invitations/accept", Summary: "Accept an invitation",
		Tag: "Invitations", Request: rest.Schema{Type: "invitations", Attributes: acceptance{}}, Response: memberships.Schema,
		Status: http.StatusCreated, Personal: true, Handle: h.accept}
	return []rest.Operation{list, create, retrieve, update, revoke, accept}
}

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	read, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	for _, inviter := range r.Query.References {
		known, err := tenantdb.New(read).ExistUsers(ctx, inviter.IDs)
		if err != nil {
			return nil, err
		}
		if !known {
			return nil, inviter.Refusal
		}
	}
	rows, window, err := source.Page(ctx, read, r.Query)
	if err != nil {
		return nil, err
	}
	return rest.ListOf(r, rows, window, resource), nil
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
	id, err := h.invitations.Create(ctx, scope, change)
	if err != nil {
		return nil, err
	}
	row, err := source.Written(ctx, h.tenants, scope, id)
	if err != nil {
		return nil, err
	}
	one := answer(row)
	one.Relationships = append([]jsonapi.Relation{inviter(row)}, one.Relationships...)
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
	if err := h.invitations.Update(ctx, scope, r.ID("id"), change); err != nil {
		return nil, err
	}
	row, err := source.Written(ctx, h.tenants, scope, r.ID("id"))
	if err != nil {
		return nil, err
	}
	return r.One(answer(row)), nil
}

// accept joins the tenant that invited the requester.
func (h handlers) accept(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	body, err := r.Bind("invitations", "")
	if err != nil {
		return nil, err
	}
	token := body.Text("invitation_token", jsonapi.Rules{Required: true})
	if err := body.DoneLenient(); err != nil {
		return nil, err
	}
	membership, err := h.identity.Accept(ctx, r.User(), token.Value)
	if err != nil {
		return nil, err
	}
	one := memberships.Resource(r, membership)
	return rest.Created(jsonapi.Document{One: &one, Bare: true}), nil
}

// found makes sure that the invitation of the path is there before the body is read.
func (h handlers) found(ctx context.Context, r *rest.Request) (tenant.Scope, error) {
	return rest.Found(ctx, r, h.tenants, source.One)
}

func bind(r *rest.Request, id string, creates bool) (invitation.Change, error) {
	body, err := r.Bind("invitations", id)
	if err != nil {
		return invitation.Change{}, err
	}
	email := body.Text("email", jsonapi.Rules{Required: creates, Max: 254, Email: true}).Ptr()
	if email != nil {
		*email = identity.NormalEmail(*email)
	}
	expires := body.Time("expires_at", jsonapi.Rules{}).Ptr()
	unread := expires != nil && expires.IsZero() && body.Failed() // refused already
	if expires != nil && !unread && expires.Before(time.Now().Add(invitation.Notice)) {
		body.Fail(jsonapi.Field("expires_at", "invalid", "Expiry date must be at least 24 hours in the future."))
	}
	roles := body.ToMany("roles", "roles", jsonapi.Rules{Required: creates}).Ptr()
	body.ReadOnly("state", "token")
	if creates {
		body.ReadOnly("inviter")
	}
	return invitation.Change{Email: email, ExpiresAt: expires, Roles: roles}, body.Done()
}

func resource(r *rest.Request, row tenantdb.ListInvitationsRow) jsonapi.Resource {
	return jsonapi.Resource{Type: "invitations", ID: row.ID.String(), Self: r.URL("/tenants/invitations/" + row.ID.String()),
		Attributes: jsonapi.Attributes(Attributes{InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt, Email: row.Email, State: row.State,
			Token: row.Token, ExpiresAt: row.ExpiresAt}),
		Relationships: []jsonapi.Relation{roles(row), inviter(row)}}
}

// answer is the resource in the answer to a change: the wire sends fewer members there.
func answer(row tenantdb.ListInvitationsRow) jsonapi.Resource {
	return jsonapi.Resource{Type: "invitations", ID: row.ID.String(), Relationships: []jsonapi.Relation{roles(row)},
		Attributes: jsonapi.Attributes(written{Email: row.Email, ExpiresAt: row.ExpiresAt, State: row.State, Token: row.Token})}
}

func roles(row tenantdb.ListInvitationsRow) jsonapi.Relation {
	return jsonapi.ToMany("roles", "roles", jsonapi.IDs(row.RoleIds))
}

func inviter(row tenantdb.ListInvitationsRow) jsonapi.Relation {
	return jsonapi.ToOptional("inviter", "users", row.InviterID)
}
