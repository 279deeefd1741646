package social

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"

	"golang.org/x/oauth2"
)

// maxAnswer bounds what a provider may send.
const maxAnswer = 1 << 20

// bounded is a transport whose answers end after maxAnswer.
type bounded struct{ http.RoundTripper }

// RoundTrip sends one request.
func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(request)
	if err == nil {
		response.Body = http.MaxBytesReader(nil, response.Body, maxAnswer)
	}
	return response, err
}

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

func unavailable(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnavailable, fmt.Sprintf(format, args...))
}

// exchange is the token endpoint's part: code and client secret for tokens.
type exchange struct {
	config oauth2.Config
	client *http.Client
}

func newExchange(application Application, tokenURL string, client *http.Client) exchange {
	// Both providers take the secret in the form. Trying both ways would spend the code on the first.
	return exchange{oauth2.Config{ClientID: application.ClientID, ClientSecret: application.ClientSecret, RedirectURL: application.CallbackURL,
		Endpoint: oauth2.Endpoint{TokenURL: tokenURL, AuthStyle: oauth2.AuthStyleInParams}}, client}
}

// tokens exchanges the code. What the provider says goes into the error only as far as it can hold no secret.
func (e exchange) tokens(ctx context.Context, code string) (*oauth2.Token, error) {
	tokens, err := e.config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, e.client), code)
	if err == nil {
		return tokens, nil
	}
	var answered *oauth2.RetrieveError
	if !errors.As(err, &answered) {
		return nil, unavailable("token endpoint: %s", cause(err))
	}
	status := answered.Response.StatusCode
	switch reason := errorCode(answered.ErrorCode); {
	case reason == "invalid_grant" || reason == "bad_verification_code":
		return nil, refused("token endpoint: %d %s", status, reason)
	default:
		// Among these are errors of our settings: invalid_client, redirect_uri_mismatch, incorrect_client_credentials.
		return nil, unavailable("token endpoint: %d %s", status, reason)
	}
}

var plainWord = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

// errorCode is the error that an OAuth 2 answer names, when it looks like one.
func errorCode(text string) string {
	if !plainWord.MatchString(text) {
		return "without an error code"
	}
	return text
}

// cause says why a request failed, without the address and without what was sent or answered.
func cause(err error) string {
	var at *url.Error
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return "the answer is too large"
	case errors.As(err, &at) && at.Timeout():
		return "no answer in time"
	case errors.As(err, &at):
		return "cannot be reached: " + at.Err.Error()
	}
	return "the answer is not what OAuth 2 says"
}

// errNotAllowed is the answer of an API to a token that lacks the scope.
var errNotAllowed = errors.New("the token may not read this")

// get reads a JSON document with an access token.
func (e exchange) get(ctx context.Context, address, accessToken string, header http.Header, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return unavailable("the address cannot be asked")
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Authorization", "Bearer "+accessToken)
	response, err := e.client.Do(request)
	if err != nil {
		return unavailable("%s: %s", request.URL.Path, cause(err))
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return unavailable("%s: %s", request.URL.Path, cause(err))
	case response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%w: %s: %d: %w", ErrUnavailable, request.URL.Path, response.StatusCode, errNotAllowed)
	case response.StatusCode != http.StatusOK:
		return unavailable("%s: %d", request.URL.Path, response.StatusCode)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return unavailable("%s: the answer is not the documented JSON", request.URL.Path)
	}
	return nil
}
