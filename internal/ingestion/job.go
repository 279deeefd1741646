package ingestion

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/scanwords"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Job processes one file.
type Job struct {
	IngestionID uuid.UUID `json:"ingestion_id"`
	ProviderID  uuid.UUID `json:"provider_id"`
}

// Kind is the name of the job and of its task.
func (Job) Kind() string { return "ingestion" }

// Provider is the provider that the file is about.
func (j Job) Provider() uuid.UUID { return j.ProviderID }

// DiscardJob removes the findings of a scan that will not complete.
type DiscardJob struct {
	ScanID     uuid.UUID `json:"scan_id"`
	ProviderID uuid.UUID `json:"provider_id"`
}

// Kind is the name of the job and of its task.
func (DiscardJob) Kind() string { return "scan-discard" }

// Provider is the provider of the scan.
func (j DiscardJob) Provider() uuid.UUID { return j.ProviderID }

// turn is how long a file waits before it asks again whether its turn has come.
const turn = 2 * time.Second

// Register makes the kinds of this package known to the job layer, and what follows a file.
func Register(registry *jobs.Registry, service *Service) {
	register(registry, service, func(run jobs.Run) ingest.Write { return run.Write }, func(conclude Conclude) Conclude { return conclude })
}

func register(registry *jobs.Registry, service *Service, write func(jobs.Run) ingest.Write, ending func(Conclude) Conclude) {
	scanwords.Register(registry)
	jobs.Register(registry, jobs.Scans, jobs.Options{Ended: abandon},
		func(ctx context.Context, run jobs.Run, job Job) (any, error) {
			conclude, err := service.Process(ctx, run.Scope(), job.IngestionID, write(run))
			if errors.Is(err, ErrBusy) {
				return nil, jobs.Later(turn)
			}
			if err != nil || conclude == nil {
				return nil, err
			}
			conclude = ending(conclude)
			return jobs.Finally(func(ctx context.Context, tx *tenant.Tx) (any, error) {
				result, err := conclude(ctx, tx)
				if err != nil || result.State != Completed {
					return result, err
				}
				_, err = run.Client().Enqueue(ctx, tx, scanwords.Job{ScanID: result.ScanID, ProviderID: job.ProviderID})
				return result, err
			}), nil
		})
	jobs.Register(registry, jobs.Scans, jobs.Options{Hidden: true, Retries: 10},
		func(ctx context.Context, run jobs.Run, job DiscardJob) (any, error) {
			err := ingest.Discard(ctx, run.Write, ingest.Scan{ID: job.ScanID, ProviderID: job.ProviderID})
			return nil, err
		})
}

// EnqueueWith returns the function with which Receive makes the task of a file.
func EnqueueWith(client *jobs.Client) Enqueue {
	return func(ctx context.Context, tx *tenant.Tx, ingestion, provider uuid.UUID) (uuid.UUID, error) {
		task, err := client.Enqueue(ctx, tx, Job{IngestionID: ingestion, ProviderID: provider})
		if err != nil {
			return uuid.Nil, err
		}
		return task.ID, nil
	}
}

// abandon ends the file and the scan of a task that was given up or cancelled, and has what it stored removed.
func abandon(ctx context.Context, tx *tenant.Tx, end jobs.End) error {
	job, ok := end.Args.(Job)
	if !ok || end.State == task.Completed {
		return nil
	}
	code, detail, state := "given_up", "The file could not be processed. The task says why.", "failed"
	if end.State == task.Cancelled {
		code, detail, state = "cancelled", "The task was cancelled.", "cancelled"
	}
	queries := tenantdb.New(tx)
	row, err := queries.GetIngestion(ctx, job.IngestionID)
	if errors.Is(err, pgx.ErrNoRows) && end.State == task.Cancelled {
		return nil // it went with its provider
	}
	if err != nil {
		return fmt.Errorf("get ingestion: %w", err)
	}
	if row.State == Completed || row.State == Failed {
		return nil
	}
	noted, err := queries.CountIngestionErrors(ctx, job.IngestionID)
	if err != nil {
		return fmt.Errorf("count errors: %w", err)
	}
	err = queries.AddIngestionErrors(ctx, tenantdb.AddIngestionErrorsParams{TenantID: end.Run.Tenant(), IngestionID: job.IngestionID, ProviderID: job.ProviderID,
		Numbers: []int64{noted + 1}, Codes: []string{code},
		Details: []string{detail}, Indexes: []int64{-1}, Uids: []string{""}})
	if err != nil {
		return fmt.Errorf("note the end: %w", err)
	}
	err = queries.FinishIngestion(ctx, tenantdb.FinishIngestionParams{ID: job.IngestionID, State: Failed, ErrorsCount: noted + 1})
	if err != nil {
		return fmt.Errorf("finish ingestion: %w", err)
	}
	if end.State == task.Cancelled { // nobody tries it again
		if err := queries.DeleteIngestionChunks(ctx, job.IngestionID); err != nil {
			return fmt.Errorf("forget the file: %w", err)
		}
	}
	if row.ScanID == nil {
		return nil
	}
	if _, err := queries.FailScan(ctx, tenantdb.FailScanParams{ID: *row.ScanID, State: state}); err != nil {
		return fmt.Errorf("end scan: %w", err)
	}
	_, err = end.Run.Client().Enqueue(ctx, tx, DiscardJob{ScanID: *row.ScanID, ProviderID: job.ProviderID})
	return err
}
