package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/flow"
	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// queueAttempts is how often the queue itself starts a job. It is out of the way: the kind's Options decide.
const queueAttempts = 10_000

// tenantPriority is that of the jobs of tenants, which take turns in the queue: see take_turn in the migrations. What belongs to no
// tenant has a better one.
const tenantPriority = 2

// ErrMustEnd is returned by Cancel for a job that nobody may cancel: what it is about is half gone. Nothing has happened once the
// transaction is undone.
var ErrMustEnd = errors.New("the job has to be done to its end")

// Client enqueues jobs, always in a transaction of their tenant. It needs no pool of its own.
type Client struct {
	registry *Registry
	insert   *river.Client[pgx.Tx]
}

// NewClient returns a client for the kinds of a registry. Register all kinds before the first use.
func NewClient(registry *Registry) (*Client, error) {
	insert, err := river.NewClient(riverpgxv5.New(nil), &river.Config{Schema: migrate.RiverSchema, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("open job client: %w", err)
	}
	return &Client{registry: registry, insert: insert}, nil
}

// Kinds are the names of all kinds of work, of tenants, of none, and periodic, in order.
func (c *Client) Kinds() []string {
	names := slices.Concat(slices.Collect(maps.Keys(c.registry.kinds)), slices.Collect(maps.Keys(c.registry.system)))
	for _, one := range c.registry.periodic {
		names = append(names, one.name)
	}
	slices.Sort(names)
	return names
}

// Enqueue creates the task of a job and enqueues it: both exist if and only if the transaction commits.
func (c *Client) Enqueue(ctx context.Context, tx *tenant.Tx, job Job) (task.Task, error) {
	return c.EnqueueAt(ctx, tx, job, time.Time{})
}

// EnqueueAt is Enqueue for a job that must not start before a moment.
func (c *Client) EnqueueAt(ctx context.Context, tx *tenant.Tx, job Job, at time.Time) (task.Task, error) {
	held, err := c.Hold(ctx, tx, job)
	if err != nil {
		return task.Task{}, err
	}
	return held, c.release(ctx, tx, held.ID, job, at)
}

// Hold creates the task of a job that waits for its turn; Release gives it the job.
func (c *Client) Hold(ctx context.Context, tx *tenant.Tx, job Job) (task.Task, error) {
	args, err := json.Marshal(job)
	if err != nil {
		return task.Task{}, fmt.Errorf("encode arguments of %s: %w", job.Kind(), err)
	}
	return c.hold(ctx, tx, flow.Job{Kind: job.Kind(), Provider: job.Provider(), Args: args})
}

// Release enqueues the job of a task that waited for its turn.
func (c *Client) Release(ctx context.Context, tx *tenant.Tx, taskID uuid.UUID, job Job) error {
	return c.release(ctx, tx, taskID, job, time.Time{})
}

// Cancel cancels a task that has not ended, with all that follows from its end; ok is false for one that has. Work that is under
// way can write nothing from then on, and is stopped where it runs within moments.
func (c *Client) Cancel(ctx context.Context, tx *tenant.Tx, taskID uuid.UUID) (cancelled task.Task, ok bool, err error) {
	if err := tenantdb.New(tx).LockProviderOfHeldTask(ctx, taskID); err != nil {
		return task.Task{}, false, fmt.Errorf("lock provider: %w", err)
	}
	cancelled, ok, err = task.Cancel(ctx, tx, taskID)
	if err != nil || !ok {
		return cancelled, ok, err
	}
	if err := c.cancelled(ctx, tx, taskID, cancelled.Name, cancelled.Args); err != nil {
		return task.Task{}, false, err
	}
	return cancelled, true, nil
}

// Drop cancels a task that has not begun, whether it has its turn or not, because what it is about is gone; any other stays.
func (c *Client) Drop(ctx context.Context, tx *tenant.Tx, taskID uuid.UUID) error {
	dropped, err := tenantdb.New(tx).CancelWaitingTask(ctx, taskID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cancel waiting task: %w", err)
	}
	return c.cancelled(ctx, tx, taskID, dropped.Name, dropped.TaskArgs)
}

// cancelled does what follows on a task that was cancelled.
func (c *Client) cancelled(ctx context.Context, tx *tenant.Tx, taskID uuid.UUID, name string, encoded json.RawMessage) error {
	kind, err := c.registry.kind(name)
	if errors.Is(err, errNotRegistered) {
		// Another version's: what it is about may go all the same, and its own program does what follows.
		return nil
	}
	if err != nil {
		return err
	}
	if kind.options.Outlives {
		return ErrMustEnd
	}
	args, err := kind.decode(encoded)
	if err != nil {
		return fmt.Errorf("decode arguments of %s: %w", kind.name, err)
	}
	if kind.options.Ended != nil {
		run := Run{Task: taskID, scope: tx.Scope(), client: c}
		if err := kind.options.Ended(ctx, tx, End{Run: run, Args: args, State: task.Cancelled}); err != nil {
			return fmt.Errorf("after the end of %s: %w", kind.name, err)
		}
	}
	reason := fmt.Sprintf("%s (task %s) was cancelled", kind.name, taskID)
	_, err = flow.Ended(ctx, tx, c, taskID, false, reason)
	return err
}

// StartFlow stores a flow and enqueues what comes first; see internal/flow. It returns the flow's id.
func (c *Client) StartFlow(ctx context.Context, tx *tenant.Tx, root flow.Step) (uuid.UUID, error) {
	return flow.Start(ctx, tx, c, root)
}

// StartStep enqueues one job of a flow; for internal/flow.
func (c *Client) StartStep(ctx context.Context, tx *tenant.Tx, job flow.Job) (uuid.UUID, error) {
	held, err := c.hold(ctx, tx, job)
	if err != nil {
		return uuid.Nil, err
	}
	return held.ID, c.insertJob(ctx, tx, held.ID, job.Kind, job.Args, time.Time{})
}

func (c *Client) hold(ctx context.Context, tx *tenant.Tx, job flow.Job) (task.Task, error) {
	kind, err := c.registry.kind(job.Kind)
	if err != nil {
		return task.Task{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return task.Task{}, err
	}
	return task.Create(ctx, tx, task.New{ID: id, ProviderID: job.Provider, Name: kind.name, Args: job.Args, Hidden: kind.options.Hidden})
}

func (c *Client) release(ctx context.Context, tx *tenant.Tx, taskID uuid.UUID, job Job, at time.Time) error {
	args, err := json.Marshal(job)
	if err != nil {
		return fmt.Errorf("encode arguments of %s: %w", job.Kind(), err)
	}
	return c.insertJob(ctx, tx, taskID, job.Kind(), args, at)
}

func (c *Client) insertJob(ctx context.Context, tx *tenant.Tx, taskID uuid.UUID, kindName string, args json.RawMessage, at time.Time) error {
	kind, err := c.registry.kind(kindName)
	if err != nil {
		return err
	}
	jobID, err := tx.Enqueue(ctx, c, insertion{envelope: envelope{kind: kind.name, task: taskID, args: args}, queue: kind.queue, at: at})
	if err != nil {
		return err
	}
	if err := tenantdb.New(tx).SetTaskJob(ctx, tenantdb.SetTaskJobParams{ID: taskID, JobID: &jobID}); err != nil {
		return fmt.Errorf("note job of task: %w", err)
	}
	return nil
}

// insertion is what InsertTx takes.
type insertion struct {
	envelope envelope
	queue    string
	at       time.Time
}

// InsertTx puts a job into the queue in an open transaction; it makes Client a tenant.Enqueuer and takes nothing but what this
// package hands to tenant.Tx.
func (c *Client) InsertTx(ctx context.Context, tx pgx.Tx, tenantID uuid.UUID, job any) (int64, error) {
	one, ok := job.(insertion)
	if !ok {
		return 0, fmt.Errorf("enqueue a %T: jobs are enqueued through jobs.Client", job)
	}
	one.envelope.tenant = tenantID
	inserted, err := c.insert.InsertTx(ctx, tx, one.envelope, &river.InsertOpts{Queue: one.queue, ScheduledAt: one.at,
		Priority: tenantPriority, MaxAttempts: queueAttempts})
	if err != nil {
		return 0, fmt.Errorf("insert job %s: %w", one.envelope.kind, err)
	}
	return inserted.Job.ID, nil
}
