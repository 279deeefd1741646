package scan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const (
	sweepEvery = time.Minute
	sweepBatch = 200
)

// RegisterSweep makes the sweep of due schedules periodic work.
func RegisterSweep(registry *jobs.Registry, service *Service, tenants *tenant.Executor, executor *system.Executor) {
	registry.Every("schedule-sweep", sweepEvery, func(ctx context.Context) error {
		_, err := service.Sweep(ctx, tenants, executor)
		return err
	})
}

// Sweep starts the scheduled scans that are due, each in a transaction of its tenant, and returns how many runs it took. A run
// of a provider whose last scheduled scan still waits or runs is dropped. Several processes may sweep at the same time. A run that
// fails does not keep the others back.
func (s *Service) Sweep(ctx context.Context, tenants *tenant.Executor, executor *system.Executor) (taken int, err error) {
	due, err := systemdb.New(executor.Read(system.Schedule, uuid.Nil)).ListDueSchedules(ctx, sweepBatch)
	if err != nil {
		return 0, fmt.Errorf("list due schedules: %w", err)
	}
	var failures error
	for _, one := range due {
		scope := tenant.NewScope(one.TenantID, uuid.Nil, tenant.SeeAll())
		err := tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error { return s.runDue(ctx, tx, one.ProviderID) })
		if err != nil {
			failures = errors.Join(failures, fmt.Errorf("start scheduled scan of provider %s: %w", one.ProviderID, err))
			continue
		}
		taken++
	}
	return taken, failures
}

// runDue takes the due run of a provider, if it is still due.
func (s *Service) runDue(ctx context.Context, tx *tenant.Tx, provider uuid.UUID) error {
	queries := tenantdb.New(tx)
	due, err := queries.AdvanceSchedule(ctx, provider)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("advance schedule: %w", err)
	}
	if err := lock(ctx, tx, provider); errors.Is(err, ErrNoProvider) {
		return nil // it is being deleted
	} else if err != nil {
		return err
	}
	pending, err := queries.HasPendingScheduledScan(ctx, provider)
	if err != nil {
		return fmt.Errorf("look for a scheduled scan: %w", err)
	}
	if pending {
		return nil
	}
	_, err = s.beginScheduled(ctx, tx, provider, due, time.Time{})
	return err
}
