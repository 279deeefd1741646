package apitest

import "testing"

// Key makes an API key of the person and returns its id and its text.
func (c *Client) Key(t testing.TB, name string) (id, text string) {
	t.Helper()
	made := c.Post(t, "/api-keys", "api-keys", map[string]any{"name": name}, nil).Want(t, 201)
	return made.String("/data/id"), made.String("/data/attributes/api_key")
}

// ByKey is the person who presents an API key, made on the way, instead of a token.
func (c *Client) ByKey(t testing.TB, name string) *Client {
	t.Helper()
	_, text := c.Key(t, name)
	same := *c
	same.token, same.key = "", text
	return &same
}

// WithKey speaks with an API key.
func (s *Server) WithKey(text string) *Client { return &Client{server: s, key: text} }
