package pipeline

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// collisions is how often a transaction is begun in all when others are in its way.
	collisions = 5
	// firstWait is about how long it stays out of their way the first time; each time after, twice as long.
	firstWait = 10 * time.Millisecond
)

// Again runs a transaction that may run more than once, and runs it anew while the server says that it collided with others:
// they have their way meanwhile. Such a transaction has done nothing. The last error is returned as it is.
func Again(ctx context.Context, transaction func() error) error {
	var err error
	for try := range collisions {
		if err = transaction(); err == nil || !collided(err) || try == collisions-1 {
			return err
		}
		wait := firstWait << try
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait/2 + rand.N(wait)):
		}
	}
	return err
}

// collided reports whether the server undid a transaction for the sake of others.
func collided(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	return refused.Code == "40001" || refused.Code == "40P01" || refused.Code == "55P03" // serialization failure, deadlock, lock timeout
}
