package customframework

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/compliance"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// scansAtOnce is how many scans are cleared of a deleted framework together.
const scansAtOnce = 200

// Hold holds the newest scans against a framework as it is now, and removes what scans say of one that is gone. It may run any
// number of times: what it finds decides.
type Hold struct {
	FrameworkID  uuid.UUID `json:"framework_id"`
	ComplianceID string    `json:"compliance_id"`
}

// Kind is the name of the job and of its task.
func (Hold) Kind() string { return "backfill-compliance-framework" }

// Provider is none: it is about scans of several.
func (Hold) Provider() uuid.UUID { return uuid.Nil }

// Register makes the job known.
func Register(registry *jobs.Registry) {
	jobs.Register(registry, jobs.Compliance, jobs.Options{}, func(ctx context.Context, run jobs.Run, args Hold) (any, error) {
		var framework tenantdb.GetComplianceFrameworkRow
		var scans []tenantdb.ListScansToHoldRow
		err := run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) (err error) { // a replica may not have the framework yet, or still
			if framework, err = tenantdb.New(tx).GetComplianceFramework(ctx, args.FrameworkID); err != nil {
				return err
			}
			scans, err = tenantdb.New(tx).ListScansToHold(ctx, framework.Provider)
			return err
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return map[string]int64{}, jobs.Transient(forget(ctx, run, args.ComplianceID))
		}
		if err != nil {
			return nil, jobs.Transient(fmt.Errorf("get framework: %w", err))
		}
		held, err := hold(ctx, run, args, scans)
		return map[string]int64{"scans_counted": held}, jobs.Transient(err)
	})
}

// hold takes one scan after the other, each in a transaction of its own.
func hold(ctx context.Context, run jobs.Run, args Hold, scans []tenantdb.ListScansToHoldRow) (held int64, err error) {
	for _, scan := range scans {
		err := run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
			queries := tenantdb.New(tx)
			if err := queries.LockAggregates(ctx, scan.ProviderID); err != nil {
				return fmt.Errorf("wait for other counts: %w", err)
			}
			found, err := queries.GetScanToCount(ctx, scan.ID)
			if errors.Is(err, pgx.ErrNoRows) || err == nil && found.State != "completed" {
				return nil
			}
			if err != nil {
				return fmt.Errorf("get scan: %w", err)
			}
			framework, err := queries.GetComplianceFramework(ctx, args.FrameworkID) // it may have changed since the last scan
			if errors.Is(err, pgx.ErrNoRows) {
				return nil // the job of its deletion follows
			}
			if err != nil {
				return fmt.Errorf("get framework: %w", err)
			}
			held++
			return compliance.HoldAgainst(ctx, queries, scan.ID, args.ComplianceID, framework.RevisionID)
		})
		if err != nil {
			return held, err
		}
	}
	return held, nil
}

// forget removes what scans say of a framework that is gone, some scans at a time.
func forget(ctx context.Context, run jobs.Run, complianceID string) error {
	for after := uuid.Nil; ; {
		var scans []uuid.UUID
		err := run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) (err error) {
			queries := tenantdb.New(tx)
			scans, err = queries.ListScansBehind(ctx, tenantdb.ListScansBehindParams{AfterID: after, Batch: scansAtOnce})
			if err != nil || len(scans) == 0 {
				return err
			}
			err = queries.DropLostCompliance(ctx, tenantdb.DropLostComplianceParams{ScanIds: scans, ComplianceID: complianceID})
			if err != nil {
				return err
			}
			return compliance.Sheets(ctx, queries, scans)
		})
		if err != nil {
			return fmt.Errorf("forget framework: %w", err)
		}
		if len(scans) == 0 {
			return nil
		}
		after = scans[len(scans)-1]
	}
}
