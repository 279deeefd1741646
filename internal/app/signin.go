package app

import (
	"context"
	"time"
)

// WatchKeys takes up token keys that were rotated, looking at every interval until ctx ends.
func (a *App) WatchKeys(ctx context.Context, interval time.Duration) error {
	return a.tokens.Watch(ctx, interval, a.logger)
}

// CreateFirstAdmin makes the first person of an installation that has none; it does nothing without an address.
func (a *App) CreateFirstAdmin(ctx context.Context, email, password string) error {
	if email == "" {
		return nil
	}
	made, err := a.Identity.CreateFirst(ctx, email, password)
	if err == nil && made {
		a.logger.InfoContext(ctx, "first administrator created", "email", email)
	}
	return err
}
