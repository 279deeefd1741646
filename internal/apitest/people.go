package apitest

import (
	"encoding/json"
	"strings"
	"testing"
)

// Role makes a role in the client's tenant and returns its id; groups are the provider groups that it shows.
func (c *Client) Role(t testing.TB, name string, attributes map[string]any, groups ...string) string {
	t.Helper()
	all := map[string]any{"name": name}
	for key, value := range attributes {
		all[key] = value
	}
	return c.Post(t, "/roles", "roles", all, map[string]any{"provider_groups": Many("provider-groups", groups...)}).Want(t, 201).String("/data/id")
}

// Invite invites an address into the client's tenant and returns the answer.
func (c *Client) Invite(t testing.TB, email string, roles ...string) *Answer {
	t.Helper()
	return c.Post(t, "/tenants/invitations", "invitations", map[string]any{"email": email}, map[string]any{"roles": Many("roles", roles...)})
}

// Member makes a person who joins the client's tenant by invitation, with these roles and no tenant of their own.
func (c *Client) Member(t testing.TB, name string, roles ...string) *Client {
	t.Helper()
	email := strings.ToLower(name) + "@example.com"
	token := c.Invite(t, email, roles...).Want(t, 201).String("/data/attributes/token")
	user := c.server.Anonymous().Post(t, "/users?invitation_token="+token, "users",
		map[string]any{"name": name + " Person", "email": email, "password": Password}, nil).Want(t, 201)
	member := c.server.LogIn(t, email, c.Tenant)
	member.User = user.String("/data/id")
	return member
}

// Linkage is the body of a relationship endpoint.
func Linkage(kind string, ids ...string) []byte {
	encoded, err := json.Marshal(Many(kind, ids...))
	if err != nil {
		panic(err)
	}
	return encoded
}

// Switch is the same person in another tenant of theirs.
func (c *Client) Switch(t testing.TB, tenant string) *Client {
	t.Helper()
	there := c.server.LogIn(t, c.Email, tenant)
	there.User = c.User
	return there
}
