package ingestion

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/ocsf"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// The states of an ingestion on the wire.
const (
	Pending    = "pending"
	Processing = "processing"
	Completed  = "completed"
	Failed     = "failed"
)

// ErrBusy says that another scan of the provider runs, or an earlier file waits: the ingestion has to wait for its turn.
var ErrBusy = errors.New("another scan of the provider comes first")

// Result says what became of a file.
type Result struct {
	State    string    `json:"state"`
	ScanID   uuid.UUID `json:"scan_id"`
	Findings int64     `json:"findings_count"`
	Errors   int64     `json:"errors_count"`
}

// Conclude switches a file and its scan to their outcome, in the transaction in which the task ends.
type Conclude func(ctx context.Context, tx *tenant.Tx) (Result, error)

// Process stores the findings of a file as one scan, up to the switch that Conclude makes. A file that cannot be read to its
// end stores nothing. Process may be called again for a file that an earlier call did not finish: it starts over. ErrBusy
// asks to call it later; a nil Conclude means that there is nothing left to do. All that it writes is written through write.
func (s *Service) Process(ctx context.Context, scope tenant.Scope, id uuid.UUID, write ingest.Write) (Conclude, error) {
	work, err := s.start(ctx, scope, id, write)
	if err != nil || work == nil {
		return nil, err
	}
	damage, err := work.load(ctx)
	if err != nil {
		return nil, err
	}
	if damage == nil {
		return work.complete, work.flushErrors(ctx)
	}
	if err := work.note(ctx, damage.Code, damage.Error(), -1, ""); err != nil {
		return nil, err
	}
	if err := work.flushErrors(ctx); err != nil {
		return nil, err
	}
	return work.fail, ingest.Discard(ctx, write, work.scan)
}

// work is one attempt at one file.
type work struct {
	service  *Service
	scope    tenant.Scope
	write    ingest.Write
	id       uuid.UUID
	scan     ingest.Scan
	account  string
	bytes    int64
	errors   errorList
	findings int64
}

// start claims the file and its scan; nil work means that there is nothing left to do.
func (s *Service) start(ctx context.Context, scope tenant.Scope, id uuid.UUID, write ingest.Write) (*work, error) {
	var w *work
	err := write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		row, err := queries.GetIngestionForWork(ctx, id)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && (row.State == Completed || row.State == Failed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("get ingestion: %w", err)
		}
		w = &work{service: s, scope: scope, write: write, id: id, account: row.Uid, bytes: row.Bytes, scan: ingest.Scan{ProviderID: *row.ProviderID}}
		if w.scan.ID, err = claimScan(ctx, queries, scope, row); err != nil {
			return err
		}
		if err := queries.DeleteIngestionErrors(ctx, id); err != nil {
			return fmt.Errorf("delete errors of an earlier attempt: %w", err)
		}
		return queries.StartIngestion(ctx, tenantdb.StartIngestionParams{ID: id, ScanID: w.scan.ID})
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// claimScan starts the scan of a file, or starts it again.
func claimScan(ctx context.Context, queries *tenantdb.Queries, scope tenant.Scope, row tenantdb.GetIngestionForWorkRow) (uuid.UUID, error) {
	if row.ScanID != nil {
		_, err := queries.RestartIngestionScan(ctx, *row.ScanID)
		return *row.ScanID, err
	}
	scan, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("new id: %w", err)
	}
	if _, err := queries.LockProvider(ctx, *row.ProviderID); err != nil {
		return uuid.Nil, fmt.Errorf("lock provider: %w", err)
	}
	busy, err := queries.ProviderBusy(ctx, tenantdb.ProviderBusyParams{ProviderID: *row.ProviderID, IngestionID: row.ID})
	if err != nil {
		return uuid.Nil, fmt.Errorf("look for a running scan: %w", err)
	}
	if busy {
		return uuid.Nil, ErrBusy
	}
	err = queries.CreateIngestionScan(ctx, tenantdb.CreateIngestionScanParams{TenantID: scope.Tenant(), ID: scan, ProviderID: *row.ProviderID})
	if err != nil {
		return uuid.Nil, fmt.Errorf("create scan: %w", err)
	}
	return scan, nil
}

// load stores the findings of the file, batch by batch, while the next ones are read. damage is what made the rest of the
// file unreadable.
func (w *work) load(ctx context.Context) (damage *ocsf.FileError, err error) {
	checks, err := w.service.checks(ctx)
	if err != nil {
		return nil, fmt.Errorf("load catalogue: %w", err)
	}
	run, err := ingest.BeginIn(ctx, w.write, w.scope, w.scan)
	if err != nil {
		return nil, err
	}
	defer run.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	source := w.service.open(ctx, w.scope, w.id)
	defer source.close()
	ahead := readAhead(ctx, ocsf.NewReader(source, ocsf.Limits{}, checks), func() int64 { return int64(source.number) * chunkSize })
	defer ahead.stop(cancel)
	var progress atomic.Int32
	run.Along(func(ctx context.Context, tx *tenant.Tx) error {
		return tenantdb.New(tx).AdvanceScan(ctx, tenantdb.AdvanceScanParams{ID: w.scan.ID, Progress: progress.Load()})
	})
	for portion := range ahead.portions {
		progress.Store(int32(min(portion.position*100/max(w.bytes, 1), 99)))
		for i := range portion.items {
			if err := w.take(ctx, run, &portion.items[i]); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case errors.As(ahead.end, &damage):
		return damage, nil
	case !errors.Is(ahead.end, io.EOF):
		return nil, fmt.Errorf("read file: %w", ahead.end)
	}
	if err := run.Flush(ctx); err != nil {
		return nil, err
	}
	w.findings = run.Stored()
	return nil, nil
}

// take stores a finding, or notes why it cannot be.
func (w *work) take(ctx context.Context, run *ingest.Run, item *item) error {
	switch {
	case item.refusal != nil:
		return w.note(ctx, item.refusal.Code, item.refusal.Detail, item.index, item.refusal.UID)
	case !item.finding.BelongsTo(w.account):
		return w.note(ctx, "foreign_account", "The finding is about another account than the rest of the file.", item.index, item.finding.UID)
	}
	return run.Add(ctx, item.finding)
}

// complete makes the aggregates and switches the scan and the file to completed.
func (w *work) complete(ctx context.Context, tx *tenant.Tx) (Result, error) {
	if err := ingest.Complete(ctx, tx, w.scan); err != nil {
		return Result{}, err
	}
	return w.end(ctx, tx, Result{State: Completed, ScanID: w.scan.ID, Findings: w.findings, Errors: w.errors.count})
}

// fail switches the scan and the file to failed; what was stored is removed already.
func (w *work) fail(ctx context.Context, tx *tenant.Tx) (Result, error) {
	if err := tenantdb.New(tx).FailIngestionScan(ctx, w.scan.ID); err != nil {
		return Result{}, fmt.Errorf("fail scan: %w", err)
	}
	return w.end(ctx, tx, Result{State: Failed, ScanID: w.scan.ID, Errors: w.errors.count})
}

// end writes the outcome and drops the file.
func (w *work) end(ctx context.Context, tx *tenant.Tx, result Result) (Result, error) {
	queries := tenantdb.New(tx)
	err := queries.FinishIngestion(ctx, tenantdb.FinishIngestionParams{ID: w.id, State: result.State, FindingsCount: result.Findings, ErrorsCount: result.Errors})
	if err != nil {
		return Result{}, fmt.Errorf("finish ingestion: %w", err)
	}
	if err := queries.DeleteIngestionChunks(ctx, w.id); err != nil {
		return Result{}, fmt.Errorf("delete file: %w", err)
	}
	return result, nil
}

// errorList collects what could not be stored until there is enough to write.
type errorList struct {
	count   int64
	pending tenantdb.AddIngestionErrorsParams
}

// errorBatch is how many errors one statement writes.
const errorBatch = 500

func (w *work) note(ctx context.Context, code, detail string, index int64, uid string) error {
	w.errors.count++
	pending := &w.errors.pending
	pending.Numbers = append(pending.Numbers, w.errors.count)
	pending.Codes = append(pending.Codes, code)
	pending.Details = append(pending.Details, detail)
	pending.Indexes = append(pending.Indexes, index)
	pending.Uids = append(pending.Uids, uid)
	if len(pending.Numbers) < errorBatch {
		return nil
	}
	return w.flushErrors(ctx)
}

func (w *work) flushErrors(ctx context.Context) error {
	pending := w.errors.pending
	if len(pending.Numbers) == 0 {
		return nil
	}
	w.errors.pending = tenantdb.AddIngestionErrorsParams{}
	pending.TenantID, pending.IngestionID, pending.ProviderID = w.scope.Tenant(), w.id, w.scan.ProviderID
	err := w.write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
		return tenantdb.New(tx).AddIngestionErrors(ctx, pending)
	})
	if err != nil {
		return fmt.Errorf("store errors: %w", err)
	}
	return nil
}
