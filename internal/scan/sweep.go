package scan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

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

// runDue takes the due run of a provider, if it is still due. What was missed is one run, and the next one is in the future.
func (s *Service) runDue(ctx context.Context, tx *tenant.Tx, provider uuid.UUID) error {
	queries := tenantdb.New(tx)
	row, schedule, err := lockSchedule(ctx, tx, provider)
	if errors.Is(err, ErrNoProvider) { // it is being deleted, and its schedule ends
		_, err := queries.DeleteSchedule(ctx, provider)
		return err
	}
	if errors.Is(err, ErrNotScheduled) || err == nil && !row.Due {
		return nil
	}
	if err != nil {
		return err
	}
	// The database says what is due: where this machine's clock is behind, the run is not taken twice.
	now := time.Now()
	if now.Before(row.NextRunAt) {
		now = row.NextRunAt
	}
	if err := queries.AdvanceSchedule(ctx, tenantdb.AdvanceScheduleParams{ProviderID: provider, NextRunAt: schedule.Rule.Next(now)}); err != nil {
		return fmt.Errorf("advance schedule: %w", err)
	}
	pending, err := queries.HasPendingScheduledScan(ctx, provider)
	if err != nil {
		return fmt.Errorf("look for a scheduled scan: %w", err)
	}
	if pending {
		return plan(ctx, tx, provider)
	}
	_, err = s.beginScheduled(ctx, tx, provider, run{name: names[schedule.Rule.Frequency], due: row.NextRunAt})
	return err
}
