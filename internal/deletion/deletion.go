// Package deletion erases what is left of organisations and of providers that are being deleted: batch by batch, in turns, until
// the row of the organisation or the provider itself is gone. Whatever interrupts it, the next attempt goes on where rows are left:
// they are the state.
//
// What does not belong here: making an organisation vanish from what people see, which is done before anything is enqueued here
// (internal/identity).
package deletion

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/system"
)

const (
	// batch is how many rows one statement removes: short enough that nobody waits for it.
	batch = 2000
	// turn is how long one attempt works before it makes room for the next job of the queue, so that a small organisation does not
	// wait for a large one.
	turn = 20 * time.Second
	// passes is how often one attempt begins anew because something was written while it erased.
	passes = 3
)

// Service erases organisations.
type Service struct {
	system *system.Executor
	jobs   *jobs.Client
	logger *slog.Logger
	batch  int32
	turn   time.Duration
}

// New returns a Service.
func New(executor *system.Executor, client *jobs.Client, logger *slog.Logger) *Service {
	return &Service{system: executor, jobs: client, logger: logger, batch: batch, turn: turn}
}

// erasure is the job that erases one organisation. The member is not called tenant_id: that would make it a job of the tenant,
// which erases those.
type erasure struct {
	Tenant uuid.UUID `json:"erased_tenant_id"`
}

// Kind names the job.
func (erasure) Kind() string { return "tenant-deletion" }

// Register makes the job known.
func Register(registry *jobs.Registry, service *Service) {
	jobs.RegisterSystem(registry, jobs.Deletion, func(ctx context.Context, args erasure) error {
		done, err := service.Erase(ctx, args.Tenant)
		if err == nil && !done {
			return jobs.Later(0)
		}
		return err
	})
}

// Enqueue enqueues the erasure of organisations that the transaction of db has marked: it happens if and only if that commits.
func (s *Service) Enqueue(ctx context.Context, db system.DB, tenants []uuid.UUID) error {
	for _, one := range tenants {
		if err := s.jobs.EnqueueSystem(ctx, db, erasure{Tenant: one}); err != nil {
			return err
		}
	}
	return nil
}

// Erase works one turn on an organisation and reports whether nothing of it is left. One that is not marked for deletion is not
// touched: the database shows this scope nothing of it.
func (s *Service) Erase(ctx context.Context, tenant uuid.UUID) (done bool, err error) {
	e := eraser{service: s, tenant: tenant, until: time.Now().Add(s.turn)}
	defer func() {
		s.logger.InfoContext(ctx, "tenant erased", "tenant_id", tenant, "rows", e.rows, "finished", done)
	}()
	for range passes {
		if done, err = e.pass(ctx); !violatesForeignKey(err) {
			break
		}
	}
	if err != nil {
		return false, fmt.Errorf("erase tenant %s: %w", tenant, err)
	}
	return done, nil
}

// eraser is one turn.
type eraser struct {
	service *Service
	tenant  uuid.UUID
	until   time.Time
	rows    int64
}

// pass erases everything once, the tenant last. What was written to one of the tables meanwhile goes with the tenant, or, where it
// holds the tenant fast, is an error that another pass mends.
func (e *eraser) pass(ctx context.Context) (done bool, err error) {
	var tables []string
	err = e.write(ctx, func(ctx context.Context, queries *systemdb.Queries) error {
		tables, err = queries.ListErasableTables(ctx)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("list tables: %w", err)
	}
	for _, table := range tables {
		emptied, err := e.drain(ctx, func(ctx context.Context, queries *systemdb.Queries) (int32, error) {
			return queries.EraseBatch(ctx, systemdb.EraseBatchParams{Target: table, Batch: e.service.batch})
		})
		if err != nil || !emptied {
			return false, wrap(err, table)
		}
	}
	emptied, err := e.drain(ctx, func(ctx context.Context, queries *systemdb.Queries) (int32, error) {
		return queries.EraseJobs(ctx, systemdb.EraseJobsParams{TenantID: e.tenant, Batch: e.service.batch})
	})
	if err != nil || !emptied {
		return false, wrap(err, "jobs")
	}
	err = e.write(ctx, func(ctx context.Context, queries *systemdb.Queries) error {
		_, err := queries.EraseTenant(ctx, e.tenant)
		return err
	})
	return err == nil, wrap(err, "tenant")
}

// drain removes batches, each in a transaction of its own, until there are no more rows or the turn is over.
func (e *eraser) drain(ctx context.Context, remove func(context.Context, *systemdb.Queries) (int32, error)) (emptied bool, err error) {
	return drain(e.until, int64(e.service.batch), func() (int64, error) {
		var erased int32
		err := e.write(ctx, func(ctx context.Context, queries *systemdb.Queries) error {
			var err error
			erased, err = remove(ctx, queries)
			return err
		})
		if err == nil {
			e.rows += int64(erased)
		}
		return int64(erased), err
	})
}

// drain removes batches until one is not full, or until a moment has passed.
func drain(until time.Time, batch int64, remove func() (int64, error)) (emptied bool, err error) {
	for {
		erased, err := remove()
		if err != nil {
			return false, err
		}
		if erased < batch {
			return true, nil
		}
		if time.Now().After(until) {
			return false, nil
		}
	}
}

func (e *eraser) write(ctx context.Context, fn func(context.Context, *systemdb.Queries) error) error {
	return e.service.system.WriteFor(ctx, system.Deletion, e.tenant, func(ctx context.Context, db system.DB) error {
		return fn(ctx, systemdb.New(db))
	})
}

func wrap(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

func violatesForeignKey(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == "23503"
}
