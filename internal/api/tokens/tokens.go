// Package tokens declares the operations on tokens: log in, with a password or through another service, refresh, switch
// tenants.
package tokens

import (
	"context"
	"net/http"

	"github.com/palisade-sec/palisade/internal/identity"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/token"
)

// Pair is the attributes of every answer with tokens.
type Pair struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh"`
}

type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	TenantID string `json:"tenant_id,omitempty" format:"uuid"`
}

type refreshToken struct {
	Refresh string `json:"refresh"`
}

type target struct {
	TenantID string `json:"tenant_id" format:"uuid"`
}

type handlers struct {
	identity *identity.Service
	guesses  *rest.Guesses
}

// Operations declares the operations; limit bounds how often credentials may be tried, guesses how often one account's may.
func Operations(service *identity.Service, limit func(rest.Handler) rest.Handler, guesses *rest.Guesses) []rest.Operation {
	h := handlers{service, guesses}
	return []rest.Operation{
		{ID: "tokens.create", Method: http.MethodPost, Path: "/tokens", Tag: "Tokens", Summary: "Log in", Anonymous: true, Negotiate: true,
			Request: rest.Schema{Type: "tokens", Attributes: credentials{}}, Response: rest.Schema{Type: "tokens", Attributes: Pair{}}, Handle: limit(h.create)},
		{ID: "tokens.refresh", Method: http.MethodPost, Path: "/tokens/refresh", Tag: "Tokens", Summary: "Exchange a refresh token", Anonymous: true, Negotiate: true,
			Request: rest.Schema{Type: "tokens-refresh", Attributes: refreshToken{}}, Response: rest.Schema{Type: "tokens-refresh", Attributes: Pair{}}, Handle: h.refresh},
		{ID: "tokens.switch", Method: http.MethodPost, Path: "/tokens/switch", Tag: "Tokens", Summary: "Get tokens for another tenant", Negotiate: true, Personal: true,
			Request: rest.Schema{Type: "tokens-switch-tenant", Attributes: target{}}, Response: rest.Schema{Type: "tokens-switch-tenant", Attributes: Pair{}}, Handle: h.switchTenant},
	}
}

func (h handlers) create(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	body, err := r.Bind("tokens", "")
	if err != nil {
		return nil, err
	}
	email := body.Text("email", jsonapi.Rules{Required: true})
	plain := body.Text("password", jsonapi.Rules{Required: true})
	tenant := body.UUID("tenant_id", jsonapi.Rules{})
	if err := body.DoneLenient(); err != nil {
		return nil, err
	}
	var pair token.Pair
	err = h.guesses.Try(r, identity.NormalEmail(email.Value), func() error {
		pair, err = h.identity.LogIn(ctx, email.Value, plain.Value, tenant.Ptr())
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer("tokens", pair), nil
}

func (h handlers) refresh(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	body, err := r.Bind("tokens-refresh", "")
	if err != nil {
		return nil, err
	}
	refresh := body.Text("refresh", jsonapi.Rules{Required: true})
	if err := body.DoneLenient(); err != nil {
		return nil, err
	}
	pair, err := h.identity.Refresh(ctx, refresh.Value)
	if err != nil {
		return nil, err
	}
	return answer("tokens-refresh", pair), nil
}

func (h handlers) switchTenant(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	body, err := r.Bind("tokens-switch-tenant", "")
	if err != nil {
		return nil, err
	}
	tenant := body.UUID("tenant_id", jsonapi.Rules{Required: true})
	if err := body.DoneLenient(); err != nil {
		return nil, err
	}
	pair, err := h.identity.Switch(ctx, r.User(), tenant.Value)
	if err != nil {
		return nil, err
	}
	return answer("tokens-switch-tenant", pair), nil
}

func answer(kind string, pair token.Pair) *rest.Answer {
	return rest.OK(jsonapi.Document{Bare: true, One: &jsonapi.Resource{Type: kind, NoID: true,
		Attributes: jsonapi.Attributes(Pair{Access: pair.Access, Refresh: pair.Refresh})}})
}
