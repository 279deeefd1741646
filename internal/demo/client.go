package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const mediaType = "application/vnd.api+json"

// client speaks to the API as one person.
type client struct{ base, token, email string }

// refusal is an answer that is no success.
type refusal struct {
	status int
	text   string
}

func (r refusal) Error() string { return fmt.Sprintf("the server answered %d: %s", r.status, r.text) }

// resource is a resource object as far as the demo looks at it.
type resource struct {
	ID         string         `json:"id"`
	Attributes map[string]any `json:"attributes"`
}

// do sends a request and reads the primary data into target, when there is one.
func (c client) do(ctx context.Context, method, path, contentType string, body []byte, target any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Accept", mediaType)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return refusal{answer.StatusCode, string(content)}
	}
	if target == nil {
		return nil
	}
	return json.Unmarshal(content, &struct {
		Data any `json:"data"`
	}{target})
}

// send sends a document with one resource object.
func (c client) send(ctx context.Context, method, path string, object map[string]any, target any) error {
	body, err := json.Marshal(map[string]any{"data": object})
	if err != nil {
		return err
	}
	return c.do(ctx, method, path, mediaType, body, target)
}

func (c client) list(ctx context.Context, path string, query url.Values) ([]resource, error) {
	var found []resource
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	err := c.do(ctx, http.MethodGet, path, "", nil, &found)
	return found, err
}

// linkage is the value of a to-many relationship.
func linkage(kind string, ids []string) map[string]any {
	data := make([]any, len(ids))
	for i, id := range ids {
		data[i] = map[string]any{"type": kind, "id": id}
	}
	return map[string]any{"data": data}
}

// logIn returns the person's client, or a refusal with status 400 or 401 when they cannot log in.
func logIn(ctx context.Context, base, email, password string) (client, error) {
	c := client{base: base, email: email}
	var tokens resource
	err := c.send(ctx, http.MethodPost, "/tokens", map[string]any{"type": "tokens", "attributes": map[string]any{"email": email, "password": password}}, &tokens)
	if err != nil {
		return c, err
	}
	c.token, _ = tokens.Attributes["access"].(string)
	return c, nil
}

// signUp logs a person in, after making their account when there is none; invitation may be empty.
func signUp(ctx context.Context, base, password string, who person, invitation string) (client, error) {
	known, err := logIn(ctx, base, who.email, password)
	var refused refusal
	if err == nil || !errors.As(err, &refused) || refused.status >= 402 {
		return known, err
	}
	path := "/users"
	if invitation != "" {
		path += "?invitation_token=" + url.QueryEscape(invitation)
	}
	if err := (client{base: base}).send(ctx, http.MethodPost, path, map[string]any{"type": "users",
		"attributes": map[string]any{"name": who.name, "email": who.email, "password": password}}, nil); err != nil {
		return client{}, fmt.Errorf("sign %s up: %w", who.email, err)
	}
	return logIn(ctx, base, who.email, password)
}

// nameTenant gives the person's tenant its name.
func (c client) nameTenant(ctx context.Context, name string) error {
	tenants, err := c.list(ctx, "/tenants", nil)
	if err != nil {
		return err
	}
	if len(tenants) == 0 {
		return errors.New("the founder has no tenant")
	}
	if tenants[0].Attributes["name"] == name {
		return nil
	}
	return c.send(ctx, http.MethodPatch, "/tenants/"+tenants[0].ID, map[string]any{"type": "tenants", "id": tenants[0].ID, "attributes": map[string]any{"name": name}}, nil)
}

// ensure returns the id of the object that a filter finds, made when there is none.
func (c client) ensure(ctx context.Context, path, kind, filter, value string, attributes, relationships map[string]any) (string, error) {
	found, err := c.list(ctx, path, url.Values{filter: {value}})
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		return found[0].ID, nil
	}
	object := map[string]any{"type": kind, "attributes": attributes}
	if relationships != nil {
		object["relationships"] = relationships
	}
	var made resource
	err = c.send(ctx, http.MethodPost, path, object, &made)
	return made.ID, err
}

func (c client) ensureProvider(ctx context.Context, account account) (string, error) {
	return c.ensure(ctx, "/providers", "providers", "filter[uid]", account.uid,
		map[string]any{"provider": account.kind, "uid": account.uid, "alias": account.alias}, nil)
}

// ensurePerson invites a person with a role of their own, and accepts for them.
func (c client) ensurePerson(ctx context.Context, password string, who person, groups map[string]string) error {
	if _, err := logIn(ctx, c.base, who.email, password); err == nil {
		return nil
	}
	attributes := map[string]any{"name": who.role.name}
	for _, permission := range who.role.permissions {
		attributes[permission] = true
	}
	var shown []string
	for _, name := range who.role.groups {
		shown = append(shown, groups[name])
	}
	role, err := c.ensure(ctx, "/roles", "roles", "filter[name]", who.role.name, attributes,
		map[string]any{"provider_groups": linkage("provider-groups", shown)})
	if err != nil {
		return fmt.Errorf("role: %w", err)
	}
	pending, err := c.list(ctx, "/tenants/invitations", url.Values{"filter[email]": {who.email}, "filter[state]": {"pending"}})
	if err != nil {
		return fmt.Errorf("invitations: %w", err)
	}
	var invitation resource
	if len(pending) > 0 {
		invitation = pending[0]
	} else if err := c.send(ctx, http.MethodPost, "/tenants/invitations", map[string]any{"type": "invitations",
		"attributes": map[string]any{"email": who.email}, "relationships": map[string]any{"roles": linkage("roles", []string{role})}}, &invitation); err != nil {
		return fmt.Errorf("invite: %w", err)
	}
	token, _ := invitation.Attributes["token"].(string)
	_, err = signUp(ctx, c.base, password, who, token)
	return err
}

// ensureFindings feeds the files into scans of the provider, unless it has as many completed scans already.
func (c client) ensureFindings(ctx context.Context, provider string, files []string) error {
	done, err := c.list(ctx, "/ingestions", url.Values{"filter[provider]": {provider}, "filter[state]": {"completed"}})
	if err != nil {
		return err
	}
	for _, file := range files[min(len(done), len(files)):] {
		if err := c.ingest(ctx, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// ingest hands a sample file in and waits until it is stored.
func (c client) ingest(ctx context.Context, file string) error {
	name := file + ".ocsf.json"
	content, err := samples.ReadFile("samples/" + name)
	if err != nil {
		return err
	}
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	part, err := writer.CreateFormFile("file", name)
	if err != nil {
		return err
	}
	if _, err := part.Write(content); err != nil {
		return err
	}
	if err := writer.Close(); err != nil {
		return err
	}
	var ingestion resource
	if err := c.do(ctx, http.MethodPost, "/ingestions", writer.FormDataContentType(), form.Bytes(), &ingestion); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, ingestLimit)
	defer cancel()
	for {
		if err := c.do(ctx, http.MethodGet, "/ingestions/"+ingestion.ID, "", nil, &ingestion); err != nil {
			return err
		}
		switch ingestion.Attributes["state"] {
		case "completed":
			return nil
		case "failed":
			return fmt.Errorf("could not be stored: see %s/ingestions/%s/errors", strings.TrimSuffix(c.base, "/"), ingestion.ID)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not stored in time: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
