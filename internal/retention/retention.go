// Package retention removes scans that are older than their tenant keeps them, with everything that was found and summed up in
// them: by whole months where no tenant needs a month any more, and else in batches.
//
// What does not belong here: the deletion of providers and of organisations (internal/deletion).
package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// The bounds of months, as the database has them.
const (
	LeastMonths = 1
	MostMonths  = 120
)

const (
	sweepEvery    = 24 * time.Hour
	tenantsAtOnce = 500
	// scansAtOnce is how many scans one transaction marks.
	scansAtOnce = 500
	// batch is how many rows one statement removes: short enough that nobody waits for it.
	batch = 2000
	// chunkBatch is the same for pieces of files: they are large.
	chunkBatch = 64
	// turn is how long one attempt works before it makes room for the next job of the queue.
	turn = 20 * time.Second
	// dropTries is how often a month is tried to be dropped while others use the tables, with dropPause between.
	dropTries = 20
	dropPause = 3 * time.Second
	// persistence is how often the job is tried: it goes on where it was.
	persistence = 1_000_000
)

// What the database says when the tables are in use.
const (
	lockNotAvailable = "55P03"
	deadlockDetected = "40P01"
)

// Service removes what is too old.
type Service struct {
	tenants *tenant.Executor
	system  *system.Executor
	jobs    *jobs.Client
	logger  *slog.Logger
	months  *int32
	batch   int32
	turn    time.Duration
	pause   time.Duration
}

// New returns the service. months is for tenants that have no wish of their own; 0: their scans are kept.
func New(tenants *tenant.Executor, executor *system.Executor, client *jobs.Client, months int, logger *slog.Logger) *Service {
	s := &Service{tenants: tenants, system: executor, jobs: client, logger: logger, batch: batch, turn: turn, pause: dropPause}
	if months > 0 {
		wanted := int32(months)
		s.months = &wanted
	}
	return s
}

// Register makes the nightly sweep and the job that erases known.
func Register(registry *jobs.Registry, service *Service) {
	registry.Every("retention", sweepEvery, service.Sweep)
	jobs.Register(registry, jobs.Deletion, jobs.Options{Retries: persistence, Crashes: persistence},
		func(ctx context.Context, run jobs.Run, _ Erasure) (any, error) {
			result, err := service.erase(ctx, run)
			return result, jobs.Transient(err)
		})
}

// Sweep marks what is too old in every tenant, drops the months that nobody needs from then on, and enqueues a job for every tenant
// that has marked scans. It may be interrupted and run again; a tenant that fails does not keep the others back.
func (s *Service) Sweep(ctx context.Context) error {
	marked := s.eachTenant(ctx, func(after uuid.UUID) ([]uuid.UUID, error) {
		return s.read().ListTenantsWithRetention(ctx, systemdb.ListTenantsWithRetentionParams{AfterID: after, DefaultMonths: s.months, Batch: tenantsAtOnce})
	}, s.expire)
	dropped := s.dropMonths(ctx)
	enqueued := s.eachTenant(ctx, func(after uuid.UUID) ([]uuid.UUID, error) {
		return s.read().ListTenantsWithExpiredScans(ctx, systemdb.ListTenantsWithExpiredScansParams{AfterID: after, Batch: tenantsAtOnce})
	}, s.enqueue)
	return errors.Join(marked, dropped, enqueued)
}

func (s *Service) read() *systemdb.Queries {
	return systemdb.New(s.system.Read(system.Retention, uuid.Nil))
}

// eachTenant does something in every tenant that a list gives, page by page.
func (s *Service) eachTenant(ctx context.Context, list func(after uuid.UUID) ([]uuid.UUID, error), do func(context.Context, tenant.Scope) error) error {
	var failures error
	for after := uuid.Nil; ; {
		page, err := list(after)
		if err != nil {
			return errors.Join(failures, fmt.Errorf("list tenants: %w", err))
		}
		for _, one := range page {
			if err := do(ctx, tenant.NewScope(one, uuid.Nil, tenant.SeeAll())); err != nil {
				failures = errors.Join(failures, fmt.Errorf("retention of tenant %s: %w", one, err))
			}
			after = one
		}
		if len(page) < tenantsAtOnce {
			return failures
		}
	}
}

// expire marks the scans of a tenant that are too old: from then on no answer shows them.
func (s *Service) expire(ctx context.Context, scope tenant.Scope) error {
	for total := int64(0); ; {
		var marked int64
		err := s.tenants.WriteAgain(ctx, scope, func(ctx context.Context, tx *tenant.Tx) (err error) {
			marked, err = tenantdb.New(tx).ExpireScans(ctx, tenantdb.ExpireScansParams{DefaultMonths: s.months, Batch: scansAtOnce})
			return err
		})
		if err != nil {
			return fmt.Errorf("mark scans: %w", err)
		}
		total += marked
		if marked < scansAtOnce {
			if total > 0 {
				s.logger.InfoContext(ctx, "scans expired", "tenant_id", scope.Tenant(), "scans", total)
			}
			return nil
		}
	}
}

// dropMonths drops the partitions that hold nothing but findings of marked scans. The database decides which those are.
func (s *Service) dropMonths(ctx context.Context) error {
	months, err := s.read().ListFindingMonths(ctx)
	if err != nil {
		return fmt.Errorf("list months: %w", err)
	}
	var failures error
	for _, month := range months {
		dropped, err := s.dropMonth(ctx, month)
		if err != nil {
			failures = errors.Join(failures, fmt.Errorf("drop findings of %s: %w", month.Format("2006-01"), err))
		}
		if dropped {
			s.logger.InfoContext(ctx, "findings of a month dropped", "month", month.Format("2006-01"))
		}
	}
	return failures
}

// dropMonth tries again while others use the tables: whoever reads must not wait for long, so the database gives up soon. What
// stays is erased in batches, and tried the next night.
func (s *Service) dropMonth(ctx context.Context, month time.Time) (dropped bool, err error) {
	for range dropTries {
		err = s.system.Write(ctx, system.Retention, uuid.Nil, func(ctx context.Context, db system.DB) (err error) {
			dropped, err = systemdb.New(db).DropFindingMonth(ctx, systemdb.DropFindingMonthParams{Month: month, DefaultMonths: s.months})
			return err
		})
		if !inUse(err) {
			return dropped && err == nil, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(s.pause):
		}
	}
	return false, err
}

func inUse(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (refused.Code == lockNotAvailable || refused.Code == deadlockDetected)
}

// enqueue enqueues the job that erases, unless there is one.
func (s *Service) enqueue(ctx context.Context, scope tenant.Scope) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if _, err := queries.LockTenant(ctx, scope.Tenant()); err != nil {
			return fmt.Errorf("lock tenant: %w", err)
		}
		there, err := queries.TaskUnderWay(ctx, Erasure{}.Kind())
		if err != nil || there {
			return err
		}
		_, err = s.jobs.Enqueue(ctx, tx, Erasure{})
		return err
	})
}
