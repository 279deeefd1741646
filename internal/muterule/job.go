package muterule

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const (
	uidsAtOnce     = 100  // uids of a rule that are looked for together
	findingsAtOnce = 2000 // findings that one transaction mutes
)

// MuteHistorical mutes, in all scans there are, the findings that a new rule names.
type MuteHistorical struct {
	MuteRuleID uuid.UUID `json:"mute_rule_id"`
}

// Kind is the name of the job and of its task.
func (MuteHistorical) Kind() string { return "findings-mute-historical" }

// Provider is none: a rule may name findings of several.
func (MuteHistorical) Provider() uuid.UUID { return uuid.Nil }

// Reaggregate counts again every scan of the tenant of which findings were muted.
type Reaggregate struct{}

// Kind is the name of the job and of its task: that of the wire contract.
func (Reaggregate) Kind() string { return "reaggregate-all-finding-group-summaries" }

// Provider is none.
func (Reaggregate) Provider() uuid.UUID { return uuid.Nil }

// muted is the result of MuteHistorical. What an attempt that was cut off had muted is not in it.
type muted struct {
	Findings int64     `json:"findings_muted"`
	Rule     uuid.UUID `json:"rule_id"`
}

// Register makes the kinds of this package known to the job layer.
func Register(registry *jobs.Registry) {
	jobs.Register(registry, jobs.Default, jobs.Options{Ended: recountAnyway}, muteHistorical)
	jobs.Register(registry, jobs.Overview, jobs.Options{Ended: recountLater}, reaggregate)
}

// muteHistorical goes through the uids of the rule in order. It may start over at any time: what is muted is not due again.
func muteHistorical(ctx context.Context, run jobs.Run, args MuteHistorical) (any, error) {
	last, err := tenantdb.New(run.Read()).CountMuteRuleFindings(ctx, args.MuteRuleID)
	if err != nil {
		return nil, fmt.Errorf("count what the rule mutes: %w", err)
	}
	result := muted{Rule: args.MuteRuleID}
	for offset := int32(0); offset < last; offset += uidsAtOnce {
		part := tenantdb.MuteByRuleParams{MuteRuleID: args.MuteRuleID, UidOffset: offset, UidSize: uidsAtOnce, Batch: findingsAtOnce}
		for more := true; more; {
			err := run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
				counted, err := tenantdb.New(tx).MuteByRule(ctx, part)
				if err != nil {
					return fmt.Errorf("mute findings: %w", err)
				}
				more = counted.Due == findingsAtOnce
				result.Findings += counted.Muted
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return result, nil
}

// reaggregate takes one scan after the other, each in a transaction of its own, until none is named any more.
func reaggregate(ctx context.Context, run jobs.Run, _ Reaggregate) (any, error) {
	for {
		done := false
		err := run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
			next, err := tenantdb.New(tx).NextScanToRecount(ctx)
			if errors.Is(err, pgx.ErrNoRows) {
				done = true
				return nil
			}
			if err != nil {
				return fmt.Errorf("look for a scan to count: %w", err)
			}
			return recount(ctx, tx, ingest.Scan{ID: next.ScanID, ProviderID: next.ProviderID})
		})
		if err != nil || done {
			return nil, err
		}
	}
}

func recount(ctx context.Context, tx *tenant.Tx, scan ingest.Scan) error {
	return ingest.RecountMuted(ctx, tx, scan, func() (named bool, err error) {
		taken, err := tenantdb.New(tx).TakeScanRecounts(ctx, scan.ID)
		if err != nil {
			return false, fmt.Errorf("take the scan: %w", err)
		}
		return taken > 0, nil
	})
}

// recountAnyway: what was muted before the job failed or was cancelled has to be counted too, and its chain stops.
func recountAnyway(ctx context.Context, tx *tenant.Tx, end jobs.End) error {
	if end.State == task.Completed {
		return nil
	}
	_, err := end.Run.Client().Enqueue(ctx, tx, Reaggregate{})
	return err
}

// recountLater: who cancels a count does not leave the numbers wrong.
func recountLater(ctx context.Context, tx *tenant.Tx, end jobs.End) error {
	if end.State != task.Cancelled {
		return nil
	}
	_, err := end.Run.Client().Enqueue(ctx, tx, Reaggregate{})
	return err
}
