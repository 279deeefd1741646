package users

import (
	"context"

	"github.com/palisade-sec/palisade/internal/identity"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/password"
	"github.com/palisade-sec/palisade/internal/rest"
)

// create signs a person up: with an organisation of their own, or into the one of an invitation.
func (h handlers) create(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	body, err := r.Bind("users", "")
	if err != nil {
		return nil, err
	}
	name := body.Text("name", jsonapi.Rules{Required: true, Min: 3, Max: 150})
	email := body.Text("email", jsonapi.Rules{Required: true, Max: 254, Email: true})
	plain := body.Text("password", jsonapi.Rules{Required: true})
	company := body.Text("company_name", jsonapi.Rules{Max: 150})
	body.ReadOnly("date_joined", "memberships", "roles")
	if plain.Value != "" && !plain.Null {
		body.Fail(password.Check(plain.Value, email.Value)...)
	}
	if err := body.Done(); err != nil {
		return nil, err
	}
	user, err := h.identity.SignUp(ctx, identity.NewUser{Name: name.Value, Email: email.Value, Company: company.Value, Password: plain.Value,
		InvitationToken: r.HTTP.URL.Query().Get("invitation_token")})
	if err != nil {
		return nil, err
	}
	return rest.Created(jsonapi.Document{One: &jsonapi.Resource{Type: "users", ID: user.ID.String(),
		Attributes:    jsonapi.Attributes(Attributes{Name: user.Name, Email: user.Email, CompanyName: user.CompanyName, DateJoined: user.DateJoined}),
		Relationships: []jsonapi.Relation{jsonapi.ToMany("memberships", "memberships", nil), jsonapi.ToMany("roles", "roles", nil)}}}), nil
}
