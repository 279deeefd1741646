package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// enterAs logs in by an address, unless the token that is there is young.
func (c *client) enterAs(ctx context.Context, address string) error {
	if c.token != "" && time.Since(c.since) < renewal {
		return nil
	}
	c.token = ""
	tokens, err := c.create(ctx, "/tokens", "tokens", map[string]any{"email": address, "password": password})
	if err != nil {
		return err
	}
	c.token, _ = tokens.Data.Attributes["access"].(string)
	c.since = time.Now()
	return nil
}

// join signs up somebody with an organisation of their own and returns its id.
func (c *client) join(ctx context.Context, address string) (tenant string, err error) {
	if _, err := c.create(ctx, "/users", "users", map[string]any{"name": "Bench", "email": address, "password": password}); err != nil {
		return "", err
	}
	if err := c.enterAs(ctx, address); err != nil {
		return "", err
	}
	raw, err := c.do(ctx, http.MethodGet, "/tenants", "", nil)
	if err != nil {
		return "", err
	}
	var tenants struct{ Data []struct{ ID string } }
	if err := json.Unmarshal(raw, &tenants); err != nil || len(tenants.Data) == 0 {
		return "", fmt.Errorf("no tenant: %w", err)
	}
	return tenants.Data[0].ID, nil
}
