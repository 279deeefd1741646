package jobs_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// condemn marks a tenant of the house for deletion; it has no members.
func (h *house) condemn(t *testing.T, scope tenant.Scope) {
	t.Helper()
	err := h.system.Write(t.Context(), system.Self, uuid.Nil, func(ctx context.Context, db system.DB) error {
		marked, err := systemdb.New(db).CondemnEmptyTenants(ctx, []uuid.UUID{scope.Tenant()})
		if err == nil && len(marked) != 1 {
			err = errors.New("the tenant was not marked")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// idle waits until no job waits or runs; the test's own limit is the only clock.
func idle(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for {
		var left int
		if err := pool.QueryRow(t.Context(), `select count(*) from river.river_job where finalized_at is null`).Scan(&left); err != nil {
			t.Fatal(err)
		}
		if left == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestJobsOfADeletedTenantEndQuietly: one that waits does not begin; one that is at work writes nothing more, whatever it then
// says of itself, and is not tried again.
func TestJobsOfADeletedTenantEndQuietly(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]error{"and fails": errors.New("broken"), "and may pass": jobs.Transient(errors.New("busy")),
		"and asks for more time": jobs.Later(10 * time.Millisecond), "and is done": nil, "and says that it lost": jobs.ErrLost} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started, release := make(chan struct{}), make(chan struct{})
			var runs, writes, ends atomic.Int32
			registry := jobs.NewRegistry()
			ended := jobs.Options{Ended: func(context.Context, *tenant.Tx, jobs.End) error { ends.Add(1); return nil }}
			jobs.Register(registry, jobs.Scans, ended, func(ctx context.Context, run jobs.Run, _ fragile) (any, error) {
				runs.Add(1)
				close(started)
				<-release
				err := run.Write(ctx, func(context.Context, *tenant.Tx) error { writes.Add(1); return nil })
				if !errors.Is(err, jobs.ErrLost) {
					t.Errorf("the write ends with %v", err)
				}
				return nil, last
			})
			jobs.Register(registry, jobs.Default, ended, func(context.Context, jobs.Run, echo) (any, error) { runs.Add(1); return nil, nil })
			db := pgtest.New(t)
			h := build(t, db.URL(pgtest.App), db.URL(pgtest.System), registry)
			scope := h.tenant(t)
			h.enqueue(t, scope, fragile{})
			h.work(t)
			<-started
			later := h.enqueue(t, scope, echo{})
			h.ended(t, scope, later.ID)
			h.condemn(t, scope)
			h.enqueue(t, scope, echo{}) // by a request that was under way
			close(release)
			idle(t, db.Pool(t, pgtest.Superuser))
			if runs.Load() != 2 || writes.Load() != 0 || ends.Load() != 1 {
				t.Errorf("%d runs, %d writes, %d ends", runs.Load(), writes.Load(), ends.Load())
			}
		})
	}
}

// chore is a job of no tenant.
type chore struct {
	ID uuid.UUID `json:"chore_id"`
}

func (chore) Kind() string { return "chore" }

// other is one that nobody has registered.
type other struct{}

func (other) Kind() string { return "other" }

// TestAJobOfNoTenantIsTriedUntilItIsDone: after an error, after a panic and after its turn was over.
func TestAJobOfNoTenantIsTriedUntilItIsDone(t *testing.T) {
	t.Parallel()
	wanted := chore{ID: uuid.New()}
	var runs atomic.Int32
	registry := jobs.NewRegistry()
	jobs.RegisterSystem(registry, jobs.Deletion, func(_ context.Context, args chore) error {
		if args != wanted {
			t.Errorf("the job is %v", args)
		}
		switch runs.Add(1) {
		case 1:
			return jobs.Later(0)
		case 2:
			return errors.New("broken")
		case 3:
			panic("broken")
		}
		return nil
	})
	db := pgtest.New(t)
	h := build(t, db.URL(pgtest.App), db.URL(pgtest.System), registry)
	pool := db.Pool(t, pgtest.Superuser)
	enqueue := func(job jobs.SystemJob, then error) error {
		return h.system.Write(t.Context(), system.Self, uuid.Nil, func(ctx context.Context, db system.DB) error {
			return errors.Join(h.client.EnqueueSystem(ctx, db, job), then)
		})
	}
	if err := enqueue(chore{ID: uuid.New()}, errors.New("undone")); err == nil {
		t.Error("the transaction committed")
	}
	if err := enqueue(other{}, nil); err == nil {
		t.Error("a job that nobody works was enqueued")
	}
	if err := h.client.EnqueueSystem(t.Context(), h.system.Read(system.Self, uuid.Nil), wanted); err == nil {
		t.Error("a job was enqueued outside a transaction")
	}
	if err := enqueue(wanted, nil); err != nil {
		t.Fatal(err)
	}
	h.work(t)
	idle(t, pool)
	if runs.Load() != 4 {
		t.Errorf("%d runs", runs.Load())
	}
	var kept string
	if err := pool.QueryRow(t.Context(), `select args::text || coalesce(errors::text, '') from river.river_job where kind = 'chore'`).Scan(&kept); err != nil {
		t.Fatal(err)
	}
	t.Log(kept)
}
