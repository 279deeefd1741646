package scan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/scanscope"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// The states of a scan, in the words of the wire.
const (
	Available = "available" // waits for its turn or for a worker
	Scheduled = "scheduled" // stands for the next daily run
	Executing = "executing"
	Completed = "completed"
	Failed    = "failed"
	Cancelled = "cancelled"
)

// What started a scan.
const (
	manual    = "manual"
	scheduled = "scheduled"
)

// ErrNoProvider is returned when the provider does not exist, is being deleted, or is not visible in the scope.
var ErrNoProvider = errors.New("no such provider")

// Service starts scans, schedules and connection checks.
type Service struct {
	jobs *jobs.Client
}

// New returns the service. Register must have been called with the client's registry.
func New(client *jobs.Client) *Service { return &Service{jobs: client} }

// Wanted is what a scan is asked for with.
type Wanted struct {
	Name  *string       // may be nil
	Scope *engine.Scope // what it looks at; nil: what the provider's scans look at
}

// Start asks for a scan of the provider, in the open transaction. It begins at once, or when those before it have ended.
func (s *Service) Start(ctx context.Context, tx *tenant.Tx, provider uuid.UUID, wanted Wanted) (task.Task, error) {
	if err := lock(ctx, tx, provider); err != nil {
		return task.Task{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return task.Task{}, err
	}
	row := tenantdb.CreateScanParams{ID: id, ProviderID: provider, Name: wanted.Name, Trigger: manual, State: Available, Inherits: wanted.Scope == nil}
	if wanted.Scope != nil {
		if row.Scope, err = scanscope.Encode(*wanted.Scope); err != nil {
			return task.Task{}, err
		}
	}
	return s.begin(ctx, tx, Perform{ScanID: id, ProviderID: provider}, time.Time{}, func(ctx context.Context, taskID uuid.UUID) error {
		row.TaskID = &taskID
		return tenantdb.New(tx).CreateScan(ctx, row)
	})
}

// Check asks for a check whether the provider can be reached with its secret.
func (s *Service) Check(ctx context.Context, tx *tenant.Tx, provider uuid.UUID) (task.Task, error) {
	if err := lock(ctx, tx, provider); err != nil {
		return task.Task{}, err
	}
	return s.jobs.Enqueue(ctx, tx, CheckConnection{ProviderID: provider})
}

// begin creates a task and, through create, its scan; the job follows when no scan of the provider has its turn.
func (s *Service) begin(ctx context.Context, tx *tenant.Tx, job jobs.Job, at time.Time, create func(context.Context, uuid.UUID) error) (task.Task, error) {
	active, err := tenantdb.New(tx).HasActiveScan(ctx, job.Provider())
	if err != nil {
		return task.Task{}, fmt.Errorf("look for an active scan: %w", err)
	}
	var one task.Task
	if active {
		one, err = s.jobs.Hold(ctx, tx, job)
	} else {
		one, err = s.jobs.EnqueueAt(ctx, tx, job, at)
	}
	if err != nil {
		return task.Task{}, err
	}
	if err := create(ctx, one.ID); err != nil {
		return task.Task{}, fmt.Errorf("create scan: %w", err)
	}
	return one, nil
}

// dispatch gives the scan of the provider that waits longest its turn, unless another one has it.
func dispatch(ctx context.Context, tx *tenant.Tx, client *jobs.Client, provider uuid.UUID) error {
	if err := lock(ctx, tx, provider); errors.Is(err, ErrNoProvider) {
		return nil
	} else if err != nil {
		return err
	}
	queries := tenantdb.New(tx)
	active, err := queries.HasActiveScan(ctx, provider)
	if err != nil || active {
		return err
	}
	next, err := queries.NextWaitingScan(ctx, provider)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for the next scan: %w", err)
	}
	var job jobs.Job = Perform{ScanID: next.ID, ProviderID: provider}
	if next.TaskName == (PerformScheduled{}).Kind() {
		job = PerformScheduled{ProviderID: provider}
	}
	return client.Release(ctx, tx, next.TaskID, job)
}

func lock(ctx context.Context, tx *tenant.Tx, provider uuid.UUID) error {
	_, err := tenantdb.New(tx).LockProvider(ctx, provider)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNoProvider
	}
	if err != nil {
		return fmt.Errorf("lock provider: %w", err)
	}
	return nil
}
