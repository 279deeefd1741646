package deletion

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const (
	// chunkBatch is how many pieces of files one statement removes: they are large.
	chunkBatch = 64
	// waitForWork is how long the job waits before it looks again whether the last work on the provider has ended.
	waitForWork = time.Second
	// persistence is how often a deletion is tried: until it is done. The pauses between grow to minutes.
	persistence = 1_000_000
)

// ErrNoProvider is returned for a provider that does not exist, is being deleted already, or is not visible in the scope.
var ErrNoProvider = errors.New("no such provider")

// Providers deletes providers.
type Providers struct {
	jobs  *jobs.Client
	batch int32
	turn  time.Duration
}

// NewProviders returns the service. RegisterProviders must have been called with the client's registry before jobs are worked.
func NewProviders(client *jobs.Client) *Providers {
	return &Providers{jobs: client, batch: batch, turn: turn}
}

// providerErasure is the job that erases one provider.
type providerErasure struct {
	ProviderID uuid.UUID `json:"provider_id"`
}

// Kind is the name of the job and of its task.
func (providerErasure) Kind() string { return "provider-deletion" }

// Provider is the provider that is deleted.
func (p providerErasure) Provider() uuid.UUID { return p.ProviderID }

// RegisterProviders makes the job known.
func RegisterProviders(registry *jobs.Registry, service *Providers) {
	jobs.Register(registry, jobs.Deletion, jobs.Options{Retries: persistence, Crashes: persistence, Outlives: true},
		func(ctx context.Context, run jobs.Run, args providerErasure) (any, error) {
			result, err := service.erase(ctx, run, args.ProviderID)
			return result, jobs.Transient(err)
		})
}

// Delete makes a provider vanish in the open transaction: it is marked, its credentials and its schedule are gone, and a job that
// erases the rest is enqueued, whose task is returned.
func (p *Providers) Delete(ctx context.Context, tx *tenant.Tx, provider uuid.UUID) (task.Task, error) {
	queries := tenantdb.New(tx)
	condemned, err := queries.CondemnProvider(ctx, provider)
	if err != nil {
		return task.Task{}, fmt.Errorf("mark provider: %w", err)
	}
	if condemned == 0 {
		return task.Task{}, ErrNoProvider
	}
	if _, err := queries.ForgetProviderSecrets(ctx, provider); err != nil {
		return task.Task{}, fmt.Errorf("forget credentials: %w", err)
	}
	if _, err := queries.DeleteSchedule(ctx, provider); err != nil {
		return task.Task{}, fmt.Errorf("end schedule: %w", err)
	}
	return p.jobs.Enqueue(ctx, tx, providerErasure{ProviderID: provider})
}

// state is what the task of a deletion tells of it, and what an attempt goes on from. It is written with each batch.
type state struct {
	Removed  map[string]int64 `json:"removed"`
	Expected *int64           `json:"expected_findings,omitempty"`
	Progress int64            `json:"progress"`
}

// erase works one turn on a provider. The last of its rows goes in the transaction in which the task ends.
func (p *Providers) erase(ctx context.Context, run jobs.Run, provider uuid.UUID) (any, error) {
	e := &providerEraser{run: run, provider: provider, batch: p.batch, until: time.Now().Add(p.turn)}
	going, err := e.begin(ctx)
	if err != nil {
		return nil, err
	}
	if !going {
		return e.state.Removed, nil
	}
	if err := e.settle(ctx); err != nil {
		return nil, err
	}
	emptied, err := e.pass(ctx)
	if err != nil {
		return nil, err
	}
	if !emptied {
		return nil, jobs.Later(0)
	}
	return jobs.Finally(func(ctx context.Context, tx *tenant.Tx) (any, error) {
		gone, err := tenantdb.New(tx).EraseProvider(ctx, provider)
		if err != nil {
			return nil, fmt.Errorf("erase provider: %w", err)
		}
		e.state.Removed["providers"] += gone
		return e.state.Removed, e.note(ctx, tx, 100)
	}), nil
}

// providerEraser is one turn.
type providerEraser struct {
	run      jobs.Run
	provider uuid.UUID
	batch    int32
	until    time.Time
	state    state
}

// begin reads how far earlier attempts came; false means that nothing is left.
func (e *providerEraser) begin(ctx context.Context) (going bool, err error) {
	err = e.run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if going, err = queries.ProviderIsGoing(ctx, e.provider); err != nil {
			return fmt.Errorf("look for the provider: %w", err)
		}
		e.state = state{}
		if err := e.run.Recall(ctx, tx, &e.state); err != nil {
			return err
		}
		if e.state.Removed == nil {
			e.state.Removed = make(map[string]int64)
		}
		if e.state.Expected == nil && going {
			expected, err := queries.ExpectProviderFindings(ctx, e.provider)
			if err != nil {
				return fmt.Errorf("estimate findings: %w", err)
			}
			e.state.Expected = &expected
			return e.note(ctx, tx, 0)
		}
		return nil
	})
	return going, err
}

// settle cancels what waits to be done about the provider and sees that nothing is being done: who is at work notices by itself
// that the provider is gone. Credentials that were stored while the provider was deleted go too.
func (e *providerEraser) settle(ctx context.Context) error {
	for {
		var waiting []uuid.UUID
		err := e.run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) (err error) {
			waiting, err = tenantdb.New(tx).ListWaitingTasks(ctx, tenantdb.ListWaitingTasksParams{ProviderID: &e.provider, OwnID: e.run.Task, Batch: e.batch})
			return err
		})
		if err != nil {
			return fmt.Errorf("list waiting tasks: %w", err)
		}
		if len(waiting) == 0 {
			break
		}
		for _, one := range waiting {
			err := e.run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error { return e.run.Client().Drop(ctx, tx, one) })
			if err != nil {
				return fmt.Errorf("cancel task %s: %w", one, err)
			}
		}
	}
	var busy bool
	err := e.run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) (err error) {
		queries := tenantdb.New(tx)
		if busy, err = queries.ProviderAtWork(ctx, tenantdb.ProviderAtWorkParams{ProviderID: &e.provider, OwnID: e.run.Task}); err != nil {
			return err
		}
		_, err = queries.ForgetProviderSecrets(ctx, e.provider)
		return err
	})
	if err == nil && busy {
		return jobs.Later(waitForWork)
	}
	return err
}

// pass erases everything, but what is little, that hangs off the provider; false means that the turn is over.
func (e *providerEraser) pass(ctx context.Context) (emptied bool, err error) {
	provider := &e.provider
	for _, step := range []batches{
		{"ingestion_chunks", min(e.batch, chunkBatch), func(ctx context.Context, queries *tenantdb.Queries, batch int32) (int64, error) {
			return queries.EraseProviderChunks(ctx, tenantdb.EraseProviderChunksParams{ProviderID: provider, Batch: batch})
		}},
		{"ingestion_errors", e.batch, func(ctx context.Context, queries *tenantdb.Queries, batch int32) (int64, error) {
			return queries.EraseProviderIngestionErrors(ctx, tenantdb.EraseProviderIngestionErrorsParams{ProviderID: provider, Batch: batch})
		}},
		{"ingestions", e.batch, func(ctx context.Context, queries *tenantdb.Queries, batch int32) (int64, error) {
			return queries.EraseProviderIngestions(ctx, tenantdb.EraseProviderIngestionsParams{ProviderID: provider, Batch: batch})
		}},
		{"mute_rule_findings", e.batch, func(ctx context.Context, queries *tenantdb.Queries, batch int32) (int64, error) {
			return queries.EraseProviderMuted(ctx, tenantdb.EraseProviderMutedParams{ProviderID: e.provider, Batch: batch})
		}},
	} {
		if emptied, err := e.drain(ctx, step); err != nil || !emptied {
			return false, err
		}
	}
	if emptied, err := e.scans(ctx); err != nil || !emptied {
		return false, err
	}
	return e.drain(ctx, batches{"resources", e.batch, func(ctx context.Context, queries *tenantdb.Queries, batch int32) (int64, error) {
		return queries.EraseProviderResources(ctx, tenantdb.EraseProviderResourcesParams{ProviderID: e.provider, Batch: batch})
	}})
}

// scans erases one scan after the other.
func (e *providerEraser) scans(ctx context.Context) (emptied bool, err error) {
	for {
		var scan uuid.UUID
		err := e.run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) (err error) {
			scan, err = tenantdb.New(tx).NextProviderScan(ctx, e.provider)
			return err
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("find scan: %w", err)
		}
		for _, step := range []batches{
			{"findings", e.batch, func(ctx context.Context, queries *tenantdb.Queries, batch int32) (int64, error) {
				return queries.DeleteScanFindings(ctx, tenantdb.DeleteScanFindingsParams{ScanID: scan, Batch: batch})
			}},
			{"scan_summaries", e.batch, func(ctx context.Context, queries *tenantdb.Queries, batch int32) (int64, error) {
				erased, err := queries.EraseScanSummaries(ctx, tenantdb.EraseScanSummariesParams{ScanID: scan, Batch: batch})
				return int64(erased), err
			}},
			{"scans", 2, func(ctx context.Context, queries *tenantdb.Queries, _ int32) (int64, error) {
				return queries.EraseScan(ctx, scan)
			}},
		} {
			if emptied, err := e.drain(ctx, step); err != nil || !emptied {
				return false, err
			}
		}
	}
}

// batches are the rows of one kind, which go so many at a time.
type batches struct {
	model  string
	size   int32
	remove func(ctx context.Context, queries *tenantdb.Queries, batch int32) (int64, error)
}

// drain removes batches, each in a transaction of its own together with the note of it.
func (e *providerEraser) drain(ctx context.Context, of batches) (emptied bool, err error) {
	emptied, err = drain(e.until, int64(of.size), func() (erased int64, err error) {
		err = e.run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
			queries := tenantdb.New(tx)
			if err := queries.GuideErasure(ctx); err != nil {
				return fmt.Errorf("guide planner: %w", err)
			}
			erased, err = of.remove(ctx, queries, of.size)
			if err != nil || erased == 0 {
				return err
			}
			e.state.Removed[of.model] += erased
			return e.note(ctx, tx, e.progress())
		})
		return erased, err
	})
	return emptied, wrap(err, of.model)
}

// progress is the share of the findings that are gone. Nearly all the work is theirs; 100 is for the end.
func (e *providerEraser) progress() int64 {
	return min(e.state.Removed["findings"]*100/max(*e.state.Expected, 1), 99)
}

func (e *providerEraser) note(ctx context.Context, tx *tenant.Tx, progress int64) error {
	e.state.Progress = max(progress, e.state.Progress)
	return e.run.NoteIn(ctx, tx, e.state)
}
