// Package recount counts scans again that completed long ago: those of earlier versions of the program, in the background, and
// those that an operator names. It also finds out whether what is stored of scans is what a recount makes of it.
//
// What does not belong here: counting itself (internal/ingest), and counting after findings were muted (internal/muterule).
package recount

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const (
	// sweepEvery is how often scans of earlier versions are looked for: a process of one may still complete some.
	sweepEvery = time.Hour
	// tenantsAtOnce and scansAtOnce are how many are listed together.
	tenantsAtOnce = 500
	scansAtOnce   = 200
	// turn is how long one attempt works before it makes room for the next job of the queue.
	turn = 20 * time.Second
	// patience is how often the job is tried: it goes on where it was.
	patience = 20
)

// Service counts again.
type Service struct {
	tenants *tenant.Executor
	system  *system.Executor
	jobs    *jobs.Client
	logger  *slog.Logger
	turn    time.Duration
}

// New returns the service. The client is for Sweep alone and may be nil elsewhere.
func New(tenants *tenant.Executor, executor *system.Executor, client *jobs.Client, logger *slog.Logger) *Service {
	return &Service{tenants: tenants, system: executor, jobs: client, logger: logger, turn: turn}
}

// Backfill is the job that counts a tenant's scans of earlier versions again.
type Backfill struct{}

// Kind is the name of the job and of its task.
func (Backfill) Kind() string { return "backfill-scan-aggregates" }

// Provider is none: it is about scans of all of them.
func (Backfill) Provider() uuid.UUID { return uuid.Nil }

// Register makes the job known, and the sweep that enqueues it.
func Register(registry *jobs.Registry, service *Service) {
	registry.Every("aggregates-backfill", sweepEvery, service.Sweep)
	jobs.Register(registry, jobs.Backfill, jobs.Options{Crashes: patience, Retries: patience}, func(ctx context.Context, run jobs.Run, _ Backfill) (any, error) {
		return service.backfill(ctx, run)
	})
}

// Sweep enqueues the job for every tenant that has scans of earlier versions and no such job already.
func (s *Service) Sweep(ctx context.Context) error {
	var failures error
	err := s.eachTenant(ctx, ingest.Version(), func(one uuid.UUID) error {
		scope := tenant.NewScope(one, uuid.Nil, tenant.SeeAll())
		err := s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error { return s.enqueue(ctx, tx) })
		if err != nil {
			failures = errors.Join(failures, fmt.Errorf("enqueue for tenant %s: %w", one, err))
		}
		return nil
	})
	return errors.Join(failures, err)
}

func (s *Service) enqueue(ctx context.Context, tx *tenant.Tx) error {
	queries := tenantdb.New(tx)
	if _, err := queries.LockTenant(ctx, tx.Scope().Tenant()); err != nil {
		return fmt.Errorf("lock tenant: %w", err)
	}
	there, err := queries.TaskUnderWay(ctx, Backfill{}.Kind())
	if err != nil || there {
		return err
	}
	_, err = s.jobs.Enqueue(ctx, tx, Backfill{})
	return err
}

// eachTenant calls fn for every tenant that has completed scans whose aggregates are older than a version.
func (s *Service) eachTenant(ctx context.Context, version int16, fn func(uuid.UUID) error) error {
	for after := uuid.Nil; ; {
		list, err := systemdb.New(s.system.Read(system.Backfill, uuid.Nil)).ListTenantsToCount(ctx,
			systemdb.ListTenantsToCountParams{AfterID: after, Version: version, Batch: tenantsAtOnce})
		if err != nil {
			return fmt.Errorf("list tenants: %w", err)
		}
		for _, one := range list {
			if err := fn(one); err != nil {
				return err
			}
			after = one
		}
		if len(list) < tenantsAtOnce {
			return nil
		}
	}
}

// progress is what the task tells, and what an attempt goes on from. It is written with each scan.
type progress struct {
	Counted  int64 `json:"scans_counted"`
	Total    int64 `json:"scans_total"`
	Progress int64 `json:"progress"`
}

// backfill works one turn: one scan after the other, the newest first, each in a transaction of its own. What is counted has this
// version and is not listed again, so it may start over at any time.
func (s *Service) backfill(ctx context.Context, run jobs.Run) (any, error) {
	until := time.Now().Add(s.turn)
	done, err := begin(ctx, run)
	if err != nil {
		return nil, err
	}
	failed := make(map[uuid.UUID]error)
	for {
		list, err := tenantdb.New(run.Read()).ListOutdatedScans(ctx, tenantdb.ListOutdatedScansParams{Version: ingest.Version(), Batch: scansAtOnce})
		if err != nil {
			return nil, fmt.Errorf("list scans: %w", err)
		}
		list = slices.DeleteFunc(list, func(one tenantdb.ListOutdatedScansRow) bool { return failed[one.ID] != nil })
		if len(list) == 0 {
			return map[string]int64{"scans_counted": done.Counted}, errors.Join(slices.Collect(maps.Values(failed))...)
		}
		for _, one := range list {
			if time.Now().After(until) {
				return nil, jobs.Later(0)
			}
			err := done.count(ctx, run, ingest.Scan{ID: one.ID, ProviderID: one.ProviderID})
			if errors.Is(err, jobs.ErrLost) || ctx.Err() != nil {
				return nil, err
			}
			if err != nil { // one that cannot be counted does not keep the older ones back
				failed[one.ID] = fmt.Errorf("count scan %s: %w", one.ID, err)
			}
		}
	}
}

// begin reads how far earlier attempts came, and how much is left.
func begin(ctx context.Context, run jobs.Run) (done progress, err error) {
	err = run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
		if err := run.Recall(ctx, tx, &done); err != nil {
			return err
		}
		left, err := tenantdb.New(tx).CountOutdatedScans(ctx, ingest.Version())
		if err != nil {
			return fmt.Errorf("count scans: %w", err)
		}
		done.Total = done.Counted + left
		return done.note(ctx, tx, run)
	})
	return done, err
}

// count counts one scan again. One that is gone meanwhile, or going, is none.
func (p *progress) count(ctx context.Context, run jobs.Run, scan ingest.Scan) error {
	next := *p
	err := run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
		err := ingest.RecountCompleted(ctx, tx, scan)
		if errors.Is(err, ingest.ErrNotCompleted) {
			return nil
		}
		if err != nil {
			return err
		}
		next.Counted++
		return next.note(ctx, tx, run)
	})
	if err == nil {
		*p = next
	}
	return err
}

func (p *progress) note(ctx context.Context, tx *tenant.Tx, run jobs.Run) error {
	p.Progress = min(p.Counted*100/max(p.Total, 1), 100)
	return run.NoteIn(ctx, tx, p)
}
