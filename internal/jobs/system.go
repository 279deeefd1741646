package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/palisade-sec/palisade/internal/system"
)

// SystemJob is the arguments of a job that belongs to no tenant: a struct of ids, which becomes JSON. It has no task, so nobody
// watches it; it is for what has to be done when there is nobody left to ask about it.
type SystemJob interface {
	// Kind names the kind, e.g. "tenant-deletion".
	Kind() string
}

// RegisterSystem adds a kind of job of no tenant. work does it, or a part of it and returns Later. Any other error means that
// it is tried again, later and later, until it is done: work must take up where it ended.
func RegisterSystem[T SystemJob](r *Registry, queue string, work func(ctx context.Context, args T) error) {
	var zero T
	r.addSystem(&systemKind{name: zero.Kind(), queue: queue, work: func(ctx context.Context, raw json.RawMessage) error {
		var args T
		if err := json.Unmarshal(raw, &args); err != nil {
			return errors.Join(errUnknown, err)
		}
		return work(ctx, args)
	}})
}

// EnqueueSystem enqueues a job of no tenant: it exists if and only if the transaction of db commits.
func (c *Client) EnqueueSystem(ctx context.Context, db system.DB, job SystemJob) error {
	return system.Enqueue(ctx, db, c, job)
}

// InsertSystemTx puts a job of no tenant into the queue in an open transaction; it makes Client a system.Enqueuer.
func (c *Client) InsertSystemTx(ctx context.Context, tx pgx.Tx, job any) error {
	one, ok := job.(SystemJob)
	if !ok {
		return fmt.Errorf("enqueue a %T: it is no job", job)
	}
	kind, ok := c.registry.system[one.Kind()]
	if !ok {
		return fmt.Errorf("no kind of job without a tenant is called %q", one.Kind())
	}
	args, err := json.Marshal(one)
	if err != nil {
		return fmt.Errorf("encode arguments of %s: %w", kind.name, err)
	}
	if _, err := c.insert.InsertTx(ctx, tx, envelope{kind: kind.name, args: args}, &river.InsertOpts{Queue: kind.queue, MaxAttempts: queueAttempts}); err != nil {
		return fmt.Errorf("insert job %s: %w", kind.name, err)
	}
	return nil
}

// systemKind is one kind of job of no tenant.
type systemKind struct {
	name  string
	queue string
	work  func(context.Context, json.RawMessage) error
}

// systemWorker works jobs of one such kind.
type systemWorker struct {
	river.WorkerDefaults[envelope]

	kind     *systemKind
	logger   *slog.Logger
	stopping *atomic.Bool
}

// Timeout turns the queue's own limit off: a job that takes long does it in turns.
func (w *systemWorker) Timeout(*river.Job[envelope]) time.Duration { return -1 }

// NextRetry is when a job that failed is tried again.
func (w *systemWorker) NextRetry(job *river.Job[envelope]) time.Time {
	return time.Now().Add(pause(max(job.Attempt-1, 0)))
}

// Work does one attempt at a job.
func (w *systemWorker) Work(ctx context.Context, job *river.Job[envelope]) (err error) {
	logger := w.logger.With("kind", w.kind.name, "job_id", job.ID)
	defer func() {
		if failure := recover(); failure != nil {
			logger.ErrorContext(ctx, "job panicked", "panic", fmt.Sprintf("%T", failure), "stack", string(debug.Stack()))
			err = errBroken
		}
	}()
	failure := w.kind.work(ctx, job.Args.args)
	if failure == nil {
		return nil
	}
	if wait, asked := errors.AsType[later](failure); asked {
		return river.JobSnooze(time.Duration(wait))
	}
	if ctx.Err() != nil && w.stopping.Load() {
		return river.JobSnooze(0)
	}
	if errors.Is(failure, errUnknown) {
		logger.ErrorContext(ctx, "job cannot be read", "error", failure)
		return river.JobCancel(errUnknown)
	}
	logger.ErrorContext(ctx, "job failed and is tried again", "error", failure, "attempt", job.Attempt)
	return errBroken
}
