package tokens

import (
	"context"
	"errors"
	"mime"
	"net/http"

	"github.com/palisade-sec/palisade/internal/identity"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/social"
)

type authorisation struct {
	Code            string `json:"code"`
	InvitationToken string `json:"invitation_token,omitempty"`
}

// maxCode bounds a code: providers' are shorter, and it is sent on to them.
const maxCode = 4096

type socialHandlers struct {
	identity  *identity.Service
	providers *social.Providers
}

// SocialOperations declares the operations that log people in through a provider; limit bounds how often credentials may be
// tried.
func SocialOperations(service *identity.Service, providers *social.Providers, limit func(rest.Handler) rest.Handler) []rest.Operation {
	h := socialHandlers{service, providers}
	google, gitHub := h.operation(social.Google, "Google"), h.operation(social.GitHub, "GitHub")
	google.ID, gitHub.ID = "tokens.google", "tokens.github"
	google.Handle, gitHub.Handle = limit(google.Handle), limit(gitHub.Handle)
	return []rest.Operation{google, gitHub}
}

// operation exchanges the code that a provider gave to somebody who agreed.
func (h socialHandlers) operation(name social.Name, title string) rest.Operation {
	kind := string(name) + "-social-tokens"
	return rest.Operation{Method: http.MethodPost, Path: "/tokens/" + string(name), Tag: "Tokens", Summary: "Log in through " + title, Anonymous: true, Negotiate: true,
		Request: rest.Schema{Type: kind, Attributes: authorisation{}}, Response: rest.Schema{Type: kind, Attributes: Pair{}},
		Handle: func(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
			return h.logIn(ctx, r, name, title, kind)
		}}
}

func (h socialHandlers) logIn(ctx context.Context, r *rest.Request, name social.Name, title, kind string) (*rest.Answer, error) {
	given, err := readAuthorisation(r, kind)
	if err != nil {
		return nil, err
	}
	profile, err := h.providers.Redeem(ctx, name, given.Code)
	switch {
	case errors.Is(err, social.ErrNotConfigured):
		return nil, jsonapi.Invalid("Log-in through " + title + " is not set up.")
	case errors.Is(err, social.ErrRefused):
		return nil, jsonapi.Invalid(title + " does not accept the code. Log in there again.")
	case errors.Is(err, social.ErrUnavailable):
		return nil, jsonapi.Error{Status: http.StatusServiceUnavailable, Code: "service_unavailable", Pointer: "/data",
			Detail: "Log-in through " + title + " does not work at the moment. Try again later."}
	case err != nil:
		return nil, err
	}
	pair, err := h.identity.SocialLogIn(ctx, identity.SocialAccount{Provider: string(profile.Provider), Subject: profile.Subject,
		Email: profile.Email, EmailVerified: profile.EmailVerified, Names: profile.Names}, given.InvitationToken)
	if err != nil {
		return nil, err
	}
	return answer(kind, pair), nil
}

// readAuthorisation reads a form or a JSON:API document. Only a code is taken: an access token that a client hands in may
// have been issued to any application, and would let its operator in as whoever uses it.
func readAuthorisation(r *rest.Request, kind string) (authorisation, error) {
	contentType := r.HTTP.Header.Get("Content-Type")
	if media, _, _ := mime.ParseMediaType(contentType); media == "application/json" && r.HTTP.ContentLength != 0 {
		return authorisation{}, jsonapi.UnsupportedMediaType(contentType)
	}
	body, err := r.Bind(kind, "")
	if err != nil {
		return authorisation{}, err
	}
	code := body.Text("code", jsonapi.Rules{Blank: true, Nullable: true, Max: maxCode})
	accessToken := body.Text("access_token", jsonapi.Rules{Blank: true, Nullable: true})
	invitation := body.Text("invitation_token", jsonapi.Rules{Blank: true, Nullable: true})
	if err := body.DoneLenient(); err != nil {
		return authorisation{}, err
	}
	switch {
	case code.Value == "" && accessToken.Value == "":
		return authorisation{}, jsonapi.Invalid("Incorrect input. access_token or code is required.")
	case code.Value == "":
		return authorisation{}, jsonapi.Invalid("An access_token is not accepted. Send the code.")
	}
	return authorisation{Code: code.Value, InvitationToken: invitation.Value}, nil
}
