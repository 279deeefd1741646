package jobs_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// many enqueues a number of jobs in one transaction.
func (h *house) many(t *testing.T, scope tenant.Scope, count int) {
	t.Helper()
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
		for range count {
			if _, err := h.client.Enqueue(ctx, tx, echo{}); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestTenantsTakeTurns(t *testing.T) {
	t.Parallel()
	const hundreds, dozens, atOnce = 500, 50, 2
	gate, at := make(chan struct{}), make(chan struct{}, hundreds+dozens+1)
	var mu sync.Mutex
	var order []uuid.UUID
	registry := jobs.NewRegistry()
	jobs.Register(registry, jobs.Scans, jobs.Options{}, func(_ context.Context, run jobs.Run, _ echo) (any, error) {
		mu.Lock()
		order = append(order, run.Tenant())
		mu.Unlock()
		at <- struct{}{}
		<-gate
		return nil, nil
	})
	h := newHouse(t, registry)
	large, middle, small := h.tenant(t), h.tenant(t), h.tenant(t)
	h.queues = map[string]int{jobs.Scans: atOnce}
	h.many(t, large, hundreds)
	h.work(t)
	for range atOnce {
		<-at
	}
	// All places are taken when the others come.
	h.many(t, middle, dozens)
	h.many(t, small, 1)
	close(gate)
	for range 3 * dozens {
		<-at
	}
	mu.Lock()
	after := slices.Clone(order[atOnce:])
	mu.Unlock()
	place := func(one tenant.Scope) int { return slices.Index(after, one.Tenant()) + 1 }
	last := func(one tenant.Scope) int {
		found := 0
		for i, id := range after {
			if id == one.Tenant() {
				found = i + 1
			}
		}
		return found
	}
	t.Logf("after those that ran: the one was %d., the %d began %d. and ended %d., the %d began %d.", place(small), dozens, place(middle), last(middle),
		hundreds, place(large))
	// Jobs that begin at the same time tell so in any order: hence one more for each place.
	if got := place(small); got > 2+atOnce {
		t.Errorf("the only job of a tenant was the %d. to begin", got)
	}
	if got := last(middle); got > 2*dozens+1+atOnce {
		t.Errorf("the %d jobs of a tenant had begun after %d", dozens, got)
	}
	if got := place(large); got > 3+atOnce {
		t.Errorf("the tenant with %d jobs had to wait for %d", hundreds, got-1)
	}
	var row int
	for _, id := range after[:last(middle)] {
		if row++; id == large.Tenant() {
			row = 0
		}
		if row > 3+atOnce {
			t.Fatal("the large tenant is starved")
		}
	}
}

// Somebody who always has one job, and a new one as soon as it ends, takes turns with one who has many.
func TestWhoComesBackAtOnceDoesNotStarveTheOthers(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var order []uuid.UUID
	registry := jobs.NewRegistry()
	var pushy tenant.Scope
	const rounds = 30
	jobs.Register(registry, jobs.Scans, jobs.Options{Ended: func(ctx context.Context, tx *tenant.Tx, end jobs.End) error {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, tx.Scope().Tenant())
		if tx.Scope().Tenant() != pushy.Tenant() || len(order) > 4*rounds {
			return nil
		}
		_, err := end.Run.Client().Enqueue(ctx, tx, echo{})
		return err
	}}, func(context.Context, jobs.Run, echo) (any, error) { return nil, nil })
	h := newHouse(t, registry)
	patient := h.tenant(t)
	pushy = h.tenant(t)
	h.queues = map[string]int{jobs.Scans: 1}
	h.many(t, patient, rounds)
	h.many(t, pushy, 2)
	h.work(t)
	h.settled(t, patient)
	h.stop()
	mu.Lock()
	defer mu.Unlock()
	last := 0
	for i, id := range order {
		if id == patient.Tenant() {
			last = i + 1
		}
	}
	if last > 3*rounds+3 {
		t.Errorf("%d jobs had ended after %d of both", rounds, last)
	}
}
