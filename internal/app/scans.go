package app

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/customframework"
	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/flow"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/ingestion"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/mutelist"
	"github.com/palisade-sec/palisade/internal/muterule"
	"github.com/palisade-sec/palisade/internal/provider"
	"github.com/palisade-sec/palisade/internal/recount"
	"github.com/palisade-sec/palisade/internal/retention"
	"github.com/palisade-sec/palisade/internal/scan"
	"github.com/palisade-sec/palisade/internal/scanwords"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const (
	upkeepEvery     = 6 * time.Hour
	partitionsAhead = 3 // months beyond the current one
)

// registerScans makes scans, their schedules and the upkeep of the database known to the job layer.
func (a *App) registerScans(registry *jobs.Registry, settings Settings) (*scan.Service, error) {
	services, err := engine.ParseServices(settings.EngineServices)
	if err != nil {
		return nil, fmt.Errorf("services of the scan engine: %w", err)
	}
	scan.Register(registry, scan.Parts{Store: findings{}, Secrets: a.secrets, Logger: a.logger, Mutelist: mutelist.ForEngine, Timeout: settings.ScanTimeout, After: follow,
		Engine: engine.NewProwler(engine.Options{Python: settings.EnginePython, PassEnv: settings.EnginePassEnv, Checks: a.Catalogue.Checks,
			Services: services, Memory: settings.EngineMemory, ScanTimeout: settings.ScanTimeout})})
	muterule.Register(registry)
	customframework.Register(registry)
	retention.Register(registry, retention.New(a.Tenants, a.System, a.jobs, settings.RetentionMonths, a.logger))
	recount.Register(registry, recount.New(a.Tenants, a.System, a.jobs, a.logger))
	service := scan.New(a.jobs)
	scan.RegisterSweep(registry, service, a.Tenants, a.System)
	registry.Every("partitions", upkeepEvery, a.ensurePartitions)
	registry.Every("leases", upkeepEvery, a.purgeLeases)
	registry.Every("spent-refresh-tokens", upkeepEvery, a.purgeRefreshTokens)
	return service, nil
}

// ensurePartitions makes the partitions of this month and the coming ones, and that of the last one for machines whose clocks are
// behind. Making one keeps everybody from the table for a moment, so the database gives up soon while others use it.
func (a *App) ensurePartitions(ctx context.Context) error {
	now := time.Now().UTC()
	missing := systemdb.EnsurePartitionsParams{Since: time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, time.UTC), Months: 2 + partitionsAhead}
	return a.System.WriteAgain(ctx, system.Upkeep, uuid.Nil, func(ctx context.Context, db system.DB) error {
		made, err := systemdb.New(db).EnsurePartitions(ctx, missing)
		if err == nil && made > 0 {
			a.logger.InfoContext(ctx, "partitions made", "partitions", made)
		}
		return err
	})
}

// purgeLeases forgets workers that died long ago.
func (a *App) purgeLeases(ctx context.Context) error {
	return a.System.Write(ctx, system.Queue, uuid.Nil, func(ctx context.Context, db system.DB) error {
		_, err := systemdb.New(db).PurgeLeases(ctx)
		return err
	})
}

// purgeRefreshTokens forgets used refresh tokens that have expired anyway.
func (a *App) purgeRefreshTokens(ctx context.Context) error {
	return a.System.Write(ctx, system.Session, uuid.Nil, func(ctx context.Context, db system.DB) error {
		_, err := systemdb.New(db).PurgeSpentRefreshTokens(ctx)
		return err
	})
}

// RotateSecrets seals all stored credentials with the first key that an earlier one sealed; see provider.Rotate.
func (a *App) RotateSecrets(ctx context.Context) (provider.Rotation, error) {
	return provider.Rotate(ctx, a.Tenants, a.System, a.secrets, a.logger)
}

// findings keeps what scans find, through the one pipeline that files go through too.
type findings struct{}

// Begin starts to store the findings of a scan. Only the worker that has the job writes: one that was believed dead cannot.
func (findings) Begin(ctx context.Context, run jobs.Run, target scan.Target) (scan.Writer, error) {
	writer, err := ingest.BeginIn(ctx, run.Write, run.Scope(), stored(target))
	if err != nil {
		return nil, err
	}
	return writer, nil
}

// Complete makes the aggregates and switches the scan to completed.
func (findings) Complete(ctx context.Context, tx *tenant.Tx, target scan.Target) error {
	return ingest.Complete(ctx, tx, stored(target))
}

// Discard enqueues the removal of what a failed scan stored.
func (findings) Discard(ctx context.Context, tx *tenant.Tx, client *jobs.Client, target scan.Target) error {
	_, err := client.Enqueue(ctx, tx, ingestion.DiscardJob(target))
	return err
}

// follow is what is done about a scan once it is complete.
func follow(target scan.Target) (flow.Step, bool) { return jobs.Step(scanwords.Job(target)), true }

func stored(target scan.Target) ingest.Scan {
	return ingest.Scan{ID: target.ScanID, ProviderID: target.ProviderID}
}
