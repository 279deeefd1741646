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
		framework, err := tenantdb.New(run.Read()).GetComplianceFramework(ctx, args.FrameworkID)
		if errors.Is(err, pgx.ErrNoRows) {
			return map[string]int64{}, jobs.Transient(forget(ctx, run, args.ComplianceID))
		}
		if err != nil {
			return nil, jobs.Transient(fmt.Errorf("get framework: %w", err))
		}
		held, err := holdNewest(ctx, run, args, framework.Provider)
		return map[string]int64{"scans_counted": held}, jobs.Transient(err)
	})
}

// holdNewest takes one scan after the other, each in a transaction of its own.
func holdNewest(ctx context.Context, run jobs.Run, args Hold, provider string) (held int64, err error) {
	scans, err := tenantdb.New(run.Read()).ListScansToHold(ctx, provider)
	if err != nil {
		return 0, fmt.Errorf("list scans: %w", err)
	}
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
		scans, err := tenantdb.New(run.Read()).ListScansBehind(ctx, tenantdb.ListScansBehindParams{AfterID: after, Batch: scansAtOnce})
		if err != nil {
			return fmt.Errorf("list scans: %w", err)
		}
		if len(scans) == 0 {
			return nil
		}
		err = run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
			return tenantdb.New(tx).DropLostCompliance(ctx, tenantdb.DropLostComplianceParams{ScanIds: scans, ComplianceID: complianceID})
		})
		if err != nil {
			return fmt.Errorf("forget framework: %w", err)
		}
		after = scans[len(scans)-1]
	}
}
