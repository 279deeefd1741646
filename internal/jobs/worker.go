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

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/flow"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const (
	// grace is how long a job may take to notice that its time is over, and how long it may take to write that down.
	grace = 30 * time.Second
	// watchEvery is how often a job at work looks whether it was cancelled and whether its provider is still there.
	watchEvery = time.Second
	// endLimit bounds the transaction in which a task ends, aggregates of a large scan included.
	endLimit = 15 * time.Minute
	// endTries is how often that transaction is tried when it collides with others.
	endTries = 4
)

var (
	errTimeLimit = errors.New("the job's time is over")
	errGone      = errors.New("the provider was deleted")
	// What the queue keeps of a failure: its table belongs to no tenant, so it says nothing.
	errFailed  = errors.New("the task failed; its result says why")
	errBroken  = errors.New("the job could not be begun or ended; the log says why")
	errUnknown = errors.New("the job cannot be read")

	errNotRegistered = errors.New("no such kind of job")
)

// worker works jobs of tenants, of every kind.
type worker struct {
	river.WorkerDefaults[envelope]

	client   *Client
	kind     *kind
	executor *tenant.Executor
	logger   *slog.Logger
	stopping *atomic.Bool
}

// Timeout turns the queue's own limit off: the kind has one.
func (w *worker) Timeout(*river.Job[envelope]) time.Duration { return -1 }

// NextRetry is when a job is started again that could not be begun or ended.
func (w *worker) NextRetry(job *river.Job[envelope]) time.Time {
	return time.Now().Add(pause(max(job.Attempt-1, 0)))
}

// Work does one attempt at a job.
func (w *worker) Work(ctx context.Context, job *river.Job[envelope]) error {
	args, err := w.kind.decode(job.Args.args)
	if err != nil || job.Args.tenant == uuid.Nil || job.Args.task == uuid.Nil {
		w.logger.ErrorContext(ctx, "job cannot be read", "job_id", job.ID, "kind", w.kind.name, "error", err)
		return river.JobCancel(errUnknown)
	}
	attempt := &attempt{worker: w, args: args, logger: w.logger.With("kind", w.kind.name, "job_id", job.ID,
		"tenant_id", job.Args.tenant, "task_id", job.Args.task)}
	attempt.run = Run{Task: job.Args.task, executor: w.executor, client: w.client,
		scope: tenant.NewScope(job.Args.tenant, uuid.Nil, tenant.SeeAll())}
	verdict, err := attempt.do(ctx)
	if err != nil && ctx.Err() != nil && w.stopping.Load() {
		attempt.logger.InfoContext(ctx, "job not begun or ended: the process stops", "error", err)
		return river.JobSnooze(0)
	}
	if err != nil {
		attempt.logger.ErrorContext(ctx, "job not begun or ended", "error", err)
		return errBroken
	}
	return verdict
}

// attempt is one attempt at a job.
type attempt struct {
	*worker
	run    Run
	args   Job
	task   tenantdb.BeginTaskRow
	logger *slog.Logger
}

// do begins, works and ends. The verdict is what the queue is told; an error says that the database could not be told.
func (a *attempt) do(ctx context.Context) (verdict, err error) {
	began, err := a.begin(ctx)
	if err != nil || !began {
		return nil, err
	}
	switch {
	case !a.task.ProviderThere && !a.kind.options.Outlives:
		return a.end(ctx, task.Cancelled, nil, errGone)
	case int(a.task.Crashes) > a.kind.options.Crashes:
		return a.end(ctx, task.Failed, nil, task.Fail("WorkerLostError",
			fmt.Sprintf("The worker was lost %d times while it worked on the task.", a.task.Crashes), nil))
	}
	result, err := a.work(ctx)
	if err == nil {
		verdict, err = a.end(ctx, task.Completed, result, nil)
		if err == nil {
			return verdict, nil
		}
	}
	return a.failed(ctx, err)
}

// begin takes the task; false means that there is nothing to do any more.
func (a *attempt) begin(ctx context.Context) (bool, error) {
	err := a.executor.Write(ctx, a.run.scope, func(ctx context.Context, tx *tenant.Tx) error {
		var err error
		a.task, err = tenantdb.New(tx).BeginTask(ctx, a.run.Task)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		a.logger.InfoContext(ctx, "job has nothing to do: its task has ended or is gone, or its tenant is being deleted")
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("begin task: %w", err)
	}
	a.run.Attempt = int(a.task.Attempt)
	return true, nil
}

// work runs the kind's function within its time, and turns a panic into an error.
func (a *attempt) work(ctx context.Context) (any, error) {
	limited, cancel := context.WithTimeoutCause(ctx, a.kind.options.Timeout, errTimeLimit)
	defer cancel()
	limited, stop := context.WithCancelCause(limited)
	defer stop(nil)
	go a.watch(limited, stop)
	type outcome struct {
		result any
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		var one outcome
		defer func() {
			if failure := recover(); failure != nil {
				// The value may hold anything, secrets included: its type and the stack are enough to find the place.
				a.logger.ErrorContext(ctx, "job panicked", "panic", fmt.Sprintf("%T", failure), "stack", string(debug.Stack()))
				one = outcome{err: task.Fail("InternalError", "The task failed because of an internal error.", nil)}
			}
			done <- one
		}()
		one.result, one.err = a.kind.work(limited, a.run, a.args)
	}()
	var late <-chan time.Time
	over := limited.Done()
	for {
		select {
		case one := <-done:
			if cause := context.Cause(limited); one.err != nil && (errors.Is(cause, errTimeLimit) || errors.Is(cause, ErrLost)) {
				one.err = errors.Join(cause, one.err)
			}
			return one.result, one.err
		case <-over:
			over, late = nil, time.After(a.kind.options.Grace)
		case <-late:
			a.logger.ErrorContext(ctx, "job does not stop and is left behind")
			return nil, errors.Join(errTimeLimit, context.Cause(limited))
		}
	}
}

// failed decides what follows an attempt that failed: nothing more, another attempt, or the end.
func (a *attempt) failed(ctx context.Context, failure error) (verdict, err error) {
	if errors.Is(failure, ErrLost) {
		a.logger.WarnContext(ctx, "job was cancelled or taken over by another worker, or its tenant is being deleted")
		return nil, nil
	}
	if ctx.Err() != nil && a.stopping.Load() && !errors.Is(failure, errTimeLimit) {
		return a.again(ctx, nil, 0)
	}
	if wait, asked := errors.AsType[later](failure); asked {
		return a.again(ctx, nil, time.Duration(wait))
	}
	if gone, err := a.providerGone(ctx); err != nil {
		return nil, errors.Join(err, failure)
	} else if gone {
		return a.end(ctx, task.Cancelled, nil, errGone)
	}
	if errors.Is(failure, errTimeLimit) {
		failure = task.Fail("SoftTimeLimitExceeded", "The task took too long.", failure)
	} else if mayPass(failure) && int(a.task.Failures) < a.kind.options.Retries {
		wait := pause(int(a.task.Failures))
		a.logger.WarnContext(ctx, "job failed and is tried again", "error", failure, "in", wait.String())
		return a.again(ctx, failure, wait)
	}
	a.logger.WarnContext(ctx, "job failed", "error", failure)
	return a.end(ctx, task.Failed, nil, failure)
}

// providerGone reports whether the provider that the job is about was deleted meanwhile.
func (a *attempt) providerGone(ctx context.Context) (bool, error) {
	if a.task.ProviderID == nil || a.kind.options.Outlives {
		return false, nil
	}
	ctx, cancel := outlive(ctx, grace)
	defer cancel()
	var there bool
	err := a.executor.Write(ctx, a.run.scope, func(ctx context.Context, tx *tenant.Tx) error {
		var err error
		there, err = tenantdb.New(tx).ProviderThere(ctx, *a.task.ProviderID)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for the provider: %w", err)
	}
	return !there, nil
}

// watch stops the work when the task was cancelled or taken over, or when the provider that it is about is deleted. An answer
// that does not come is none: the next one will.
func (a *attempt) watch(ctx context.Context, stop context.CancelCauseFunc) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		// On the primary, which a replica may be behind.
		err := a.executor.Write(ctx, a.run.scope, func(ctx context.Context, tx *tenant.Tx) error {
			found, err := tenantdb.New(tx).AttemptStands(ctx, tenantdb.AttemptStandsParams{ID: a.run.Task, Attempt: a.task.Attempt})
			switch {
			case errors.Is(err, pgx.ErrNoRows) || err == nil && !found.Current:
				stop(ErrLost)
			case err == nil && !found.ProviderThere && !a.kind.options.Outlives:
				stop(errGone)
			}
			return nil
		})
		if err != nil && ctx.Err() == nil {
			a.logger.WarnContext(ctx, "job cannot see whether it was cancelled", "error", err)
		}
	}
}

// again gives the task back for another attempt. A failure counts, and its reason is kept on the task.
func (a *attempt) again(ctx context.Context, failure error, wait time.Duration) (verdict, err error) {
	ctx, cancel := outlive(ctx, grace)
	defer cancel()
	release := tenantdb.ReleaseTaskParams{ID: a.run.Task, Attempt: a.task.Attempt}
	if failure != nil {
		reason := reasonOf(failure)
		release.Failures, release.Reason = 1, &reason
	}
	err = a.executor.Write(ctx, a.run.scope, func(ctx context.Context, tx *tenant.Tx) error {
		_, err := tenantdb.New(tx).ReleaseTask(ctx, release)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("release task: %w", err)
	}
	return river.JobSnooze(wait), nil
}

// end ends the task in one transaction with all that follows from it. An error of a Finally result is returned for the attempt
// to fail with; nothing has happened then.
func (a *attempt) end(ctx context.Context, state task.State, result any, failure error) (verdict, err error) {
	ctx, cancel := outlive(ctx, endLimit)
	defer cancel()
	for try := range endTries {
		err = a.executor.Write(ctx, a.run.scope, func(ctx context.Context, tx *tenant.Tx) error {
			return a.endIn(ctx, tx, state, result, failure)
		})
		if err == nil || !mayPass(err) {
			break
		}
		time.Sleep(time.Duration(100<<try) * time.Millisecond)
	}
	switch {
	case errors.Is(err, ErrLost):
		a.logger.WarnContext(ctx, "job was cancelled or taken over by another worker, or its tenant is being deleted")
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("end task: %w", err)
	case state == task.Failed:
		return river.JobCancel(errFailed), nil
	}
	return nil, nil
}

func (a *attempt) endIn(ctx context.Context, tx *tenant.Tx, state task.State, result any, failure error) error {
	queries := tenantdb.New(tx)
	_, err := queries.HoldTask(ctx, tenantdb.HoldTaskParams{ID: a.run.Task, Attempt: a.task.Attempt})
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrLost
	}
	if err != nil {
		return err
	}
	if finally, ok := result.(Finally); ok {
		if result, err = finally(ctx, tx); err != nil {
			return err
		}
	}
	encoded, err := encodeResult(state, result, failure)
	if err != nil {
		return err
	}
	if hook := a.kind.options.Ended; hook != nil {
		end := End{Run: a.run, Args: a.args, State: state}
		if state == task.Failed {
			end.Err = failure
		}
		if err := hook(ctx, tx, end); err != nil {
			return fmt.Errorf("after the end of %s: %w", a.kind.name, err)
		}
	}
	ended, err := queries.EndTask(ctx, tenantdb.EndTaskParams{ID: a.run.Task, Attempt: a.task.Attempt, State: string(state), Result: encoded})
	if err != nil {
		return err
	}
	if ended == 0 {
		return ErrLost
	}
	return a.moveFlow(ctx, tx, state)
}

// moveFlow starts what follows on the task, or stops it, and says on the task what was stopped.
func (a *attempt) moveFlow(ctx context.Context, tx *tenant.Tx, state task.State) error {
	reason := fmt.Sprintf("%s (task %s) ended as %s", a.kind.name, a.run.Task, state)
	stopped, err := flow.Ended(ctx, tx, a.client, a.run.Task, state == task.Completed, reason)
	if err != nil || len(stopped) == 0 {
		return err
	}
	a.logger.WarnContext(ctx, "steps that depend on the job are stopped", "stopped", stopped)
	note, err := json.Marshal(map[string][]string{"stopped": stopped})
	if err != nil {
		return err
	}
	return tenantdb.New(tx).NoteTask(ctx, tenantdb.NoteTaskParams{ID: a.run.Task, Metadata: note})
}

func encodeResult(state task.State, result any, failure error) (json.RawMessage, error) {
	switch {
	case state == task.Failed:
		return task.Result(failure), nil
	case state == task.Cancelled || result == nil:
		return nil, nil
	}
	encoded, err := json.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	return encoded, nil
}

// outlive is a context for what must be written down though the job's own context has ended.
func outlive(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}

// periodicWorker does the periodic work of one name.
type periodicWorker struct {
	river.WorkerDefaults[envelope]

	work   func(context.Context) error
	name   string
	every  time.Duration
	logger *slog.Logger
}

// NextRetry is when work that failed for a reason that may pass is done again: soon, and not later than its next time.
func (w *periodicWorker) NextRetry(job *river.Job[envelope]) time.Time {
	return time.Now().Add(min(pause(max(job.Attempt-1, 0)), w.every))
}

// Work does it once. A failure that will not pass is for the log: the next time comes anyway.
func (w *periodicWorker) Work(ctx context.Context, _ *river.Job[envelope]) (err error) {
	defer func() {
		if failure := recover(); failure != nil {
			w.logger.ErrorContext(ctx, "periodic work panicked", "name", w.name, "panic", fmt.Sprintf("%T", failure), "stack", string(debug.Stack()))
			err = river.JobCancel(errFailed)
		}
	}()
	if err := w.work(ctx); err != nil {
		w.logger.ErrorContext(ctx, "periodic work failed", "name", w.name, "error", err)
		if mayPass(err) || ctx.Err() != nil {
			return errBroken
		}
		return river.JobCancel(errFailed)
	}
	return nil
}
