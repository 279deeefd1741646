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

// muted is the result of MuteHistorical.
type muted struct {
	Findings int64     `json:"findings_muted"`
	Rule     uuid.UUID `json:"rule_id"`
}

// Register makes the kinds of this package known to the job layer.
func Register(registry *jobs.Registry) {
	jobs.Register(registry, jobs.Default, jobs.Options{Ended: recountAnyway}, muteHistorical)
	jobs.Register(registry, jobs.Overview, jobs.Options{Ended: recountLater}, reaggregate)
}

// muting is what the task of MuteHistorical tells of it, and what an attempt goes on from. It is written with what it tells of.
type muting struct {
	UIDs     int32 `json:"uids_done"`
	Findings int64 `json:"findings_muted"`
	Progress int32 `json:"progress"` // share of the uids that are done; 100 is for the end
}

// muteHistorical goes through the uids of the rule in order. It may start over at any time: what is muted is not due again.
func muteHistorical(ctx context.Context, run jobs.Run, args MuteHistorical) (any, error) {
	var last int32
	var done muting
	err := run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) (err error) {
		if last, err = tenantdb.New(tx).CountMuteRuleFindings(ctx, args.MuteRuleID); err != nil {
			return fmt.Errorf("count what the rule mutes: %w", err)
		}
		return run.Recall(ctx, tx, &done)
	})
	if err != nil {
		return nil, err
	}
	for done.UIDs < last {
		if err := mutePart(ctx, run, args, &done, last); err != nil {
			return nil, err
		}
	}
	return jobs.Finally(func(ctx context.Context, tx *tenant.Tx) (any, error) {
		done.Progress = 100
		return muted{Findings: done.Findings, Rule: args.MuteRuleID}, run.NoteIn(ctx, tx, done)
	}), nil
}

// mutePart mutes a bounded number of findings of the next uids, and tells so.
func mutePart(ctx context.Context, run jobs.Run, args MuteHistorical, done *muting, last int32) error {
	next := *done
	err := run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
		counted, err := tenantdb.New(tx).MuteByRule(ctx, tenantdb.MuteByRuleParams{MuteRuleID: args.MuteRuleID, UidOffset: done.UIDs, UidSize: uidsAtOnce,
			Batch: findingsAtOnce})
		if err != nil {
			return fmt.Errorf("mute findings: %w", err)
		}
		next.Findings += counted.Muted
		if counted.Due < findingsAtOnce {
			next.UIDs += uidsAtOnce
		}
		next.Progress = min(next.UIDs*100/last, 99)
		return run.NoteIn(ctx, tx, next)
	})
	if err == nil {
		*done = next
	}
	return err
}

// counting is what the task of Reaggregate tells of it.
type counting struct {
	Scans    int64 `json:"scans_counted"`
	Progress int64 `json:"progress"` // share of the scans that are counted; 100 is for the end
}

// reaggregate takes one scan after the other, each in a transaction of its own, until none is named any more.
func reaggregate(ctx context.Context, run jobs.Run, _ Reaggregate) (any, error) {
	var done counting
	var expected int64
	err := run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
		left, err := tenantdb.New(tx).CountScansToRecount(ctx)
		if err != nil {
			return fmt.Errorf("count scans: %w", err)
		}
		err = run.Recall(ctx, tx, &done)
		expected = done.Scans + left
		return err
	})
	for more := true; err == nil && more; {
		next := done
		err = run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
			named, err := tenantdb.New(tx).NextScanToRecount(ctx)
			if errors.Is(err, pgx.ErrNoRows) {
				more = false
				return nil
			}
			if err != nil {
				return fmt.Errorf("look for a scan to count: %w", err)
			}
			if err := recount(ctx, tx, ingest.Scan{ID: named.ScanID, ProviderID: named.ProviderID}); err != nil {
				return err
			}
			next.Scans++
			// Scans are named while others are counted: what is told does not go back.
			next.Progress = max(done.Progress, min(next.Scans*100/max(expected, 1), 99))
			return run.NoteIn(ctx, tx, next)
		})
		if err == nil {
			done = next
		}
	}
	if err != nil {
		return nil, err
	}
	return jobs.Finally(func(ctx context.Context, tx *tenant.Tx) (any, error) {
		done.Progress = 100
		return nil, run.NoteIn(ctx, tx, done)
	}), nil
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
