package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Erasure is the job that erases the marked scans of a tenant.
type Erasure struct{}

// Kind is the name of the job and of its task.
func (Erasure) Kind() string { return "scan-retention" }

// Provider is none: it is about scans of all of them.
func (Erasure) Provider() uuid.UUID { return uuid.Nil }

// state is what the task tells, and what an attempt goes on from. It is written with each batch.
type state struct {
	Removed  map[string]int64 `json:"removed"`
	Total    int64            `json:"scans_total"`
	Progress int64            `json:"progress"`
}

// eraser is one turn.
type eraser struct {
	run   jobs.Run
	batch int32
	until time.Time
	state state
}

// erase works one turn: one scan after the other, each from the findings to the scan itself. The marked scans are the state, so
// an attempt goes on where another one was cut off.
func (s *Service) erase(ctx context.Context, run jobs.Run) (any, error) {
	e := &eraser{run: run, batch: s.batch, until: time.Now().Add(s.turn)}
	if err := e.begin(ctx); err != nil {
		return nil, err
	}
	for {
		scan, err := tenantdb.New(run.Read()).NextExpiredScan(ctx)
		if errors.Is(err, pgx.ErrNoRows) {
			return e.state.Removed, nil
		}
		if err != nil {
			return nil, fmt.Errorf("find scan: %w", err)
		}
		emptied, err := e.scan(ctx, scan)
		if err != nil {
			return nil, fmt.Errorf("erase scan %s: %w", scan.ID, err)
		}
		if !emptied {
			return nil, jobs.Later(0)
		}
	}
}

// begin reads how far earlier attempts came, and how much is left.
func (e *eraser) begin(ctx context.Context) error {
	return e.run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
		if err := e.run.Recall(ctx, tx, &e.state); err != nil {
			return err
		}
		if e.state.Removed == nil {
			e.state.Removed = make(map[string]int64)
		}
		left, err := tenantdb.New(tx).CountExpiredScans(ctx)
		if err != nil {
			return fmt.Errorf("count scans: %w", err)
		}
		e.state.Total = e.state.Removed["scans"] + left
		return e.note(ctx, tx)
	})
}

// step removes rows of one kind, at most so many of a table at a time.
type step struct {
	model  string
	size   int32
	remove func(ctx context.Context, queries *tenantdb.Queries) (int64, error)
}

// scan erases one scan; false means that the turn is over.
func (e *eraser) scan(ctx context.Context, scan tenantdb.NextExpiredScanRow) (emptied bool, err error) {
	for _, one := range []step{
		{"findings", e.batch, func(ctx context.Context, queries *tenantdb.Queries) (int64, error) {
			return queries.DeleteScanFindings(ctx, tenantdb.DeleteScanFindingsParams{ScanID: scan.ID, Batch: e.batch})
		}},
		{"ingestion_chunks", min(e.batch, chunkBatch), func(ctx context.Context, queries *tenantdb.Queries) (int64, error) {
			return queries.EraseScanChunks(ctx, tenantdb.EraseScanChunksParams{ProviderID: scan.ProviderID, ScanID: scan.ID, Batch: min(e.batch, chunkBatch)})
		}},
		{"ingestion_errors", e.batch, func(ctx context.Context, queries *tenantdb.Queries) (int64, error) {
			return queries.EraseScanIngestionErrors(ctx, tenantdb.EraseScanIngestionErrorsParams{ProviderID: scan.ProviderID, ScanID: scan.ID, Batch: e.batch})
		}},
		{"scan_resource_summaries", e.batch, func(ctx context.Context, queries *tenantdb.Queries) (int64, error) {
			return e.resources(ctx, queries, scan.ID)
		}},
		{"scan_summaries", e.batch, func(ctx context.Context, queries *tenantdb.Queries) (int64, error) {
			erased, err := queries.EraseScanSummaries(ctx, tenantdb.EraseScanSummariesParams{ScanID: scan.ID, Batch: e.batch})
			return int64(erased), err
		}},
		{"scans", 2, func(ctx context.Context, queries *tenantdb.Queries) (int64, error) {
			if scan.Partial {
				if err := handBack(ctx, queries, scan.ProviderID); err != nil {
					return 0, err
				}
			}
			return queries.EraseExpiredScan(ctx, scan.ID)
		}},
	} {
		if emptied, err := e.drain(ctx, one); err != nil || !emptied {
			return false, err
		}
	}
	return true, nil
}

// resources removes some of what says which resources the scan saw, and those resources about which nothing else is left.
func (e *eraser) resources(ctx context.Context, queries *tenantdb.Queries, scan uuid.UUID) (int64, error) {
	seen, err := queries.TakeScanResources(ctx, tenantdb.TakeScanResourcesParams{ScanID: scan, Batch: e.batch})
	if err != nil || len(seen) == 0 {
		return 0, err
	}
	if err := queries.LockResources(ctx, seen); err != nil {
		return 0, fmt.Errorf("lock resources: %w", err)
	}
	gone, err := queries.EraseUnseenResources(ctx, seen)
	if err != nil {
		return 0, fmt.Errorf("erase resources: %w", err)
	}
	e.state.Removed["resources"] += gone
	return int64(len(seen)), nil
}

// handBack lets the numbers on resources that a scan of a part held be those of the last scan of everything again.
func handBack(ctx context.Context, queries *tenantdb.Queries, provider uuid.UUID) error {
	if err := queries.LockAggregates(ctx, provider); err != nil {
		return fmt.Errorf("wait for other counts: %w", err)
	}
	whole, err := queries.GetLastWholeScan(ctx, provider)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find scan of everything: %w", err)
	}
	return queries.RecountFailedFindings(ctx, tenantdb.RecountFailedFindingsParams{ScanID: whole, ProviderID: provider})
}

// drain removes batches, each in a transaction of its own together with the note of it, until one is not full or the turn is over.
func (e *eraser) drain(ctx context.Context, of step) (emptied bool, err error) {
	for {
		var erased int64
		err := e.run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) (err error) {
			queries := tenantdb.New(tx)
			if err := queries.GuideErasure(ctx); err != nil {
				return fmt.Errorf("guide planner: %w", err)
			}
			if erased, err = of.remove(ctx, queries); err != nil || erased == 0 {
				return err
			}
			e.state.Removed[of.model] += erased
			return e.note(ctx, tx)
		})
		switch {
		case err != nil:
			return false, fmt.Errorf("%s: %w", of.model, err)
		case erased < int64(of.size):
			return true, nil
		case time.Now().After(e.until):
			return false, nil
		}
	}
}

func (e *eraser) note(ctx context.Context, tx *tenant.Tx) error {
	e.state.Progress = min(e.state.Removed["scans"]*100/max(e.state.Total, 1), 100)
	return e.run.NoteIn(ctx, tx, e.state)
}
