package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/ocsf"
	"github.com/palisade-sec/palisade/internal/scanscope"
	"github.com/palisade-sec/palisade/internal/secret"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const (
	// busyWait is how long a scan waits for a file's findings that are being stored for the same provider.
	busyWait = 2 * time.Second
	// progressEvery bounds how often progress is written down.
	progressEvery = 500 * time.Millisecond
	// noSecret is the reason of the wire contract.
	noSecret = "Provider has no secret."
)

// performer does the jobs of this package.
type performer struct{ Parts }

func (p *performer) performScheduled(ctx context.Context, run jobs.Run, args PerformScheduled) (any, error) {
	var target Target
	err := run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
		row, err := tenantdb.New(tx).ScanOfTask(ctx, &run.Task)
		target = Target{ScanID: row.ID, ProviderID: row.ProviderID}
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find scan: %w", err)
	}
	return p.perform(ctx, run, target)
}

// perform scans: the account and its secret, the engine, the findings as they come, and at last the switch to completed.
func (p *performer) perform(ctx context.Context, run jobs.Run, target Target) (any, error) {
	name, request, err := p.start(ctx, run, target)
	if err != nil {
		return nil, err
	}
	writer, err := p.Store.Begin(ctx, run, target)
	if err != nil {
		return nil, fmt.Errorf("begin to store: %w", err)
	}
	defer writer.Close()
	receiver := &receiver{ctx: ctx, run: run, target: target, writer: writer}
	result, err := p.Engine.Scan(ctx, request, receiver)
	logger := p.Logger.With("tenant_id", run.Tenant(), "scan_id", target.ScanID)
	logger.InfoContext(ctx, "engine ended", "findings", result.Findings, "refused", result.Refused, "output", result.Output)
	if refused, ok := errors.AsType[*engine.NotConnectedError](err); ok {
		return nil, p.notConnected(ctx, run, target.ProviderID, refused)
	}
	if err != nil {
		return nil, failure(err)
	}
	if err := writer.Flush(ctx); err != nil {
		return nil, err
	}
	return jobs.Finally(func(ctx context.Context, tx *tenant.Tx) (any, error) {
		if err := receiver.refused.note(ctx, tx, run.Task); err != nil {
			return nil, err
		}
		return p.complete(ctx, tx, run, target, name)
	}), nil
}

// start switches the scan to executing and reads what the engine is to be told. name is the scan's name at the start.
func (p *performer) start(ctx context.Context, run jobs.Run, target Target) (name *string, request engine.Request, err error) {
	var account tenantdb.LoadScanTargetRow
	var stored json.RawMessage
	err = run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
		if err := lock(ctx, tx, target.ProviderID); err != nil {
			return err
		}
		queries := tenantdb.New(tx)
		busy, err := queries.OtherScanAtWork(ctx, tenantdb.OtherScanAtWorkParams{ProviderID: target.ProviderID, ScanID: target.ScanID})
		if err != nil {
			return fmt.Errorf("look for a running scan: %w", err)
		}
		if busy {
			return jobs.Later(busyWait)
		}
		begun, err := queries.BeginScan(ctx, target.ScanID)
		if err != nil {
			return fmt.Errorf("begin scan: %w", err)
		}
		if begun == 0 {
			return task.Fail("ScanStateError", "The scan is not there any more or has ended.", nil)
		}
		scan, err := queries.ScanOfTask(ctx, &run.Task)
		if err != nil {
			return fmt.Errorf("read scan: %w", err)
		}
		name, stored = scan.Name, scan.Scope
		account, err = queries.LoadScanTarget(ctx, target.ProviderID)
		return err
	})
	if err != nil {
		return nil, engine.Request{}, err
	}
	request, err = p.request(ctx, run, account)
	if missing, ok := errors.AsType[*engine.NotConnectedError](err); ok {
		return nil, engine.Request{}, p.notConnected(ctx, run, target.ProviderID, missing)
	}
	if err != nil {
		return nil, engine.Request{}, err
	}
	scope, err := scanscope.Decode(stored)
	if scope != nil {
		request.Scope = *scope
	}
	return name, request, err
}

// request is what the engine is told. A provider without a secret is a NotConnectedError.
func (p *performer) request(ctx context.Context, run jobs.Run, account tenantdb.LoadScanTargetRow) (engine.Request, error) {
	if account.SecretID == nil {
		return engine.Request{}, &engine.NotConnectedError{Provider: account.Provider, Reason: noSecret}
	}
	opened, err := p.Secrets.Open(account.Secret, secret.Bind("provider_secrets", run.Tenant(), *account.SecretID))
	if err != nil {
		return engine.Request{}, task.Fail("SecretError", "The provider's secret cannot be decrypted with the keys of this installation.", err)
	}
	request := engine.Request{Provider: account.Provider, UID: account.Uid, Secret: engine.Secret(opened)}
	if p.Mutelist != nil {
		if request.Mutelist, err = p.Mutelist(ctx, run.Read()); err != nil {
			return engine.Request{}, fmt.Errorf("load mute list: %w", err)
		}
	}
	return request, nil
}

// notConnected notes that the provider cannot be reached and says so.
func (p *performer) notConnected(ctx context.Context, run jobs.Run, provider uuid.UUID, refused *engine.NotConnectedError) error {
	if err := note(ctx, run, provider, false); err != nil {
		return err
	}
	return &task.Failure{Type: "ProviderConnectionError", Module: "palisade.scan", Message: []string{refused.Error()}}
}

func note(ctx context.Context, run jobs.Run, provider uuid.UUID, connected bool) error {
	return run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error { return noteIn(ctx, tx, provider, connected) })
}

func noteIn(ctx context.Context, tx *tenant.Tx, provider uuid.UUID, connected bool) error {
	if _, err := tenantdb.New(tx).NoteConnection(ctx, tenantdb.NoteConnectionParams{ID: provider, Connected: &connected}); err != nil {
		return fmt.Errorf("note connection: %w", err)
	}
	return nil
}

// outcome is the result of a completed scan's task.
type outcome struct {
	ID                  uuid.UUID  `json:"id"`
	Name                *string    `json:"name"`
	Trigger             string     `json:"trigger"`
	State               string     `json:"state"`
	UniqueResourceCount int32      `json:"unique_resource_count"`
	Progress            int16      `json:"progress"`
	Duration            *int32     `json:"duration"`
	StartedAt           *time.Time `json:"started_at"`
	CompletedAt         *time.Time `json:"completed_at"`
	ScheduledAt         *time.Time `json:"scheduled_at"`
}

// complete switches the scan to completed and starts what follows, in the transaction in which the task ends.
func (p *performer) complete(ctx context.Context, tx *tenant.Tx, run jobs.Run, target Target, name *string) (any, error) {
	if err := p.Store.Complete(ctx, tx, target); err != nil {
		return nil, fmt.Errorf("complete scan: %w", err)
	}
	row, err := tenantdb.New(tx).ScanOutcome(ctx, target.ScanID)
	if err != nil {
		return nil, fmt.Errorf("read outcome: %w", err)
	}
	if p.After != nil {
		if step, some := p.After(target); some {
			if _, err := run.Client().StartFlow(ctx, tx, step); err != nil {
				return nil, err
			}
		}
	}
	return outcome{ID: row.ID, Name: name, Trigger: row.Trigger, State: row.State, UniqueResourceCount: row.UniqueResourceCount, Progress: row.Progress,
		Duration: row.Duration, StartedAt: row.StartedAt, CompletedAt: row.CompletedAt, ScheduledAt: row.ScheduledAt}, nil
}

// ended is what follows on the end of a scan's task, however it ended: the scan's state, the next scan of the provider, the
// placeholder of the next daily run.
func (p *performer) ended(ctx context.Context, tx *tenant.Tx, end jobs.End) error {
	queries := tenantdb.New(tx)
	scan, err := queries.ScanOfTask(ctx, &end.Run.Task)
	if errors.Is(err, pgx.ErrNoRows) {
		return dispatch(ctx, tx, end.Run.Client(), end.Args.Provider())
	}
	if err != nil {
		return fmt.Errorf("find scan: %w", err)
	}
	if end.State != task.Completed {
		state := Failed
		if end.State == task.Cancelled {
			state = Cancelled
		}
		if _, err := queries.FailScan(ctx, tenantdb.FailScanParams{ID: scan.ID, State: state}); err != nil {
			return fmt.Errorf("end scan: %w", err)
		}
		if scan.State == Executing {
			if err := p.Store.Discard(ctx, tx, end.Run.Client(), Target{ScanID: scan.ID, ProviderID: scan.ProviderID}); err != nil {
				return fmt.Errorf("discard findings: %w", err)
			}
		}
	}
	if scan.Trigger == scheduled {
		if err := lock(ctx, tx, scan.ProviderID); errors.Is(err, ErrNoProvider) {
			return nil // it is being deleted: nothing follows
		} else if err != nil {
			return err
		}
		if err := plan(ctx, tx, scan.ProviderID); err != nil {
			return err
		}
	}
	return dispatch(ctx, tx, end.Run.Client(), scan.ProviderID)
}

// check is the connection check.
func (p *performer) check(ctx context.Context, run jobs.Run, args CheckConnection) (any, error) {
	var account tenantdb.LoadScanTargetRow
	err := run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
		var err error
		account, err = tenantdb.New(tx).LoadScanTarget(ctx, args.ProviderID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load provider: %w", err)
	}
	request, err := p.request(ctx, run, account)
	var found engine.ConnectResult
	if missing, ok := errors.AsType[*engine.NotConnectedError](err); ok {
		found.Error, err = missing.Reason, nil
	} else if err == nil {
		found, err = p.Engine.Connect(ctx, request)
	}
	if err != nil {
		return nil, failure(err)
	}
	return jobs.Finally(func(ctx context.Context, tx *tenant.Tx) (any, error) {
		result := struct {
			Connected bool    `json:"connected"`
			Error     *string `json:"error"`
		}{Connected: found.Connected}
		if found.Error != "" {
			result.Error = &found.Error
		}
		return result, noteIn(ctx, tx, args.ProviderID, found.Connected)
	}), nil
}

// failure turns an error of the engine into one that people may read; others stay.
func failure(err error) error {
	for kind, known := range map[string]error{
		"EngineNotInstalledError": engine.ErrNotInstalled, "WrongAccountError": engine.ErrWrongAccount, "EngineTimeoutError": engine.ErrTimeout,
		"EngineKilledError": engine.ErrKilled, "EngineProtocolError": engine.ErrProtocol, "EngineRefusedError": engine.ErrRefused,
		"EngineError": engine.ErrFailed,
	} {
		if errors.Is(err, known) {
			// The engine's own errors are made for people: without secrets.
			return &task.Failure{Type: kind, Module: "palisade.engine", Message: []string{err.Error()}}
		}
	}
	return err
}

// receiver takes what the engine finds.
type receiver struct {
	ctx      context.Context //nolint:containedctx // the engine calls back without one
	run      jobs.Run
	target   Target
	writer   Writer
	refused  refusals
	progress int16
	noted    time.Time
}

// Connected notes that the account was reached.
func (r *receiver) Connected() error { return note(r.ctx, r.run, r.target.ProviderID, true) }

// Progress writes the share of checks that are done, now and then. 100 is for the completed scan.
func (r *receiver) Progress(percent float64) error {
	whole := min(int16(percent), 99)
	if whole <= r.progress || time.Since(r.noted) < progressEvery {
		return nil
	}
	r.progress, r.noted = whole, time.Now()
	return r.run.Write(r.ctx, func(ctx context.Context, tx *tenant.Tx) error {
		return tenantdb.New(tx).ProgressScan(ctx, tenantdb.ProgressScanParams{ID: r.target.ScanID, Progress: whole})
	})
}

// Finding stores a finding with its batch.
func (r *receiver) Finding(finding ocsf.Finding) error { return r.writer.Add(r.ctx, finding) }

// Refused counts a finding that cannot be stored.
func (r *receiver) Refused(refused *ocsf.ItemError) error {
	r.refused.add(refused)
	return nil
}
