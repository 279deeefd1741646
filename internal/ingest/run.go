// Package ingest stores the findings of a scan, wherever they come from: an engine that is running, or a file. It works in
// batches, so that its memory is bounded by two batches and not by the scan, and it can always start over: what an unfinished
// attempt left behind is removed first. The resources of a batch are stored while the findings of the one before are.
//
// What does not belong here: reading files (internal/ocsf), running engines (internal/engine), and the states of a scan
// before it is completed (internal/scan).
package ingest

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/compliance"
	"github.com/palisade-sec/palisade/internal/ocsf"
	"github.com/palisade-sec/palisade/internal/tenant"
	"github.com/palisade-sec/palisade/internal/threatscore"
)

// BatchSize is how many findings one transaction stores at most.
const BatchSize = 2000

const (
	// batchBytes is how much text of findings one transaction stores, about: large findings make small batches.
	batchBytes = 8 << 20
	// knownLimit bounds what a run remembers of resources and of check metadata. What is forgotten is looked up again.
	knownLimit = 100_000
	// deleteBatch is how many findings one transaction removes.
	deleteBatch = 5000
)

// mutedByEngine is the reason that findings carry which the engine's own mute list muted.
const mutedByEngine = "Muted by mutelist"

// Scan is the scan that findings are stored for. It must be executing.
type Scan struct {
	ID         uuid.UUID
	ProviderID uuid.UUID
}

// Write runs fn in one transaction in the scope of a run. That of a job (jobs.Run.Write) refuses when another worker has the
// job, so that a worker that was believed dead adds nothing to what its successor stores.
type Write func(ctx context.Context, fn func(ctx context.Context, tx *tenant.Tx) error) error

// Run stores the findings of one scan. It is not safe for use by several goroutines. Whoever begins one closes it.
type Run struct {
	write Write
	scope tenant.Scope
	scan  Scan
	// history tells where earlier sightings of the findings are.
	history tenantdb.GetFindingHistoryRow
	// along runs in the transaction of every batch.
	along func(ctx context.Context, tx *tenant.Tx) error

	batch     []ocsf.Finding
	bytes     int
	resources map[[16]byte]knownResource
	metadata  map[uuid.UUID]bool
	moments   moments
	stored    int64
	// storing gives the outcome of the batch whose findings are being stored; nil: there is none.
	storing chan stored
}

// stored is what became of the findings of a batch.
type stored struct {
	findings int64
	err      error
}

// knownResource is a resource that this run has stored already, with a hash of what it stored.
type knownResource struct {
	id      uuid.UUID
	content uint64
}

var contentSeed = maphash.MakeSeed()

// Begin starts to store a scan's findings. What an earlier attempt of the same scan left is removed.
func Begin(ctx context.Context, executor *tenant.Executor, scope tenant.Scope, scan Scan) (*Run, error) {
	return BeginIn(ctx, func(ctx context.Context, fn func(ctx context.Context, tx *tenant.Tx) error) error {
		return executor.Write(ctx, scope, fn)
	}, scope, scan)
}

// BeginIn is Begin with transactions that write opens.
func BeginIn(ctx context.Context, write Write, scope tenant.Scope, scan Scan) (*Run, error) {
	return begin(ctx, write, scope, scan, time.Now)
}

func begin(ctx context.Context, write Write, scope tenant.Scope, scan Scan, clock func() time.Time) (*Run, error) {
	if err := Discard(ctx, write, scan); err != nil {
		return nil, err
	}
	r := &Run{write: write, scope: scope, scan: scan, batch: make([]ocsf.Finding, 0, BatchSize),
		resources: make(map[[16]byte]knownResource), metadata: make(map[uuid.UUID]bool), moments: moments{clock: clock}}
	err := write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
		var err error
		r.history, err = tenantdb.New(tx).GetFindingHistory(ctx, scan.ProviderID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for earlier scans: %w", err)
	}
	r.history.Unfinished = append(r.history.Unfinished, scan.ID)
	r.moments.follow(scan.ID, r.history.Clock.Add(skewLimit))
	r.moments.follow(r.history.Last, r.history.Clock.Add(skewLimit))
	return r, nil
}

// Along has fn run in the transaction that stores the findings of a batch, e.g. to say how far the scan is. That is in another
// goroutine, while the next batch is added.
func (r *Run) Along(fn func(ctx context.Context, tx *tenant.Tx) error) { r.along = fn }

// Discard removes the findings of a scan that did not complete, in bounded transactions.
func Discard(ctx context.Context, write Write, scan Scan) error {
	for {
		var removed int64
		err := write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
			var err error
			removed, err = tenantdb.New(tx).DeleteScanFindings(ctx, tenantdb.DeleteScanFindingsParams{ScanID: scan.ID, Batch: deleteBatch})
			return err
		})
		if err != nil {
			return fmt.Errorf("discard findings: %w", err)
		}
		if removed == 0 {
			return nil
		}
	}
}

// Add takes one finding; it is stored with its batch.
func (r *Run) Add(ctx context.Context, finding ocsf.Finding) error {
	r.batch = append(r.batch, finding)
	r.bytes += finding.Bytes()
	if !r.metadata[metadataID(finding.Check.Hash)] {
		r.bytes += len(finding.Check.JSON)
	}
	if len(r.batch) < BatchSize && r.bytes < batchBytes {
		return nil
	}
	return r.pass(ctx)
}

// Stored is how many findings are stored, as far as is known: after Flush, all that were added.
func (r *Run) Stored() int64 { return r.stored }

// ErrNoPartition says that the database has no place for findings of this month. Workers make the partitions of the months to come when
// they start and every few hours, so either that fails, which the log tells, or the clock of this machine is months ahead.
var ErrNoPartition = errors.New("there is no partition for findings of this month: is the clock right, and do workers run?")

// Flush stores what was added and is not stored yet, and waits for it.
func (r *Run) Flush(ctx context.Context) error {
	if len(r.batch) > 0 {
		if err := r.pass(ctx); err != nil {
			return err
		}
	}
	return r.await()
}

// Close waits for the batch that is being stored, so that nothing is stored after it. It is called however the run ends; to end
// it early, cancel the context that findings were added with.
func (r *Run) Close() { _ = r.await() }

// pass stores the resources of the batch, in one transaction, and has its findings stored in another one, while the next batch is
// made. One batch is stored at a time: an error is returned for the next one, or by Flush.
func (r *Run) pass(ctx context.Context) error {
	plan, err := r.plan()
	if err != nil {
		return err
	}
	if plan.hasSubjects() {
		err := r.write(ctx, func(ctx context.Context, tx *tenant.Tx) error { return r.storeSubjects(ctx, tenantdb.New(tx), plan) })
		if err != nil {
			return fmt.Errorf("store resources of batch: %w", err)
		}
	}
	plan.nameResources(r)
	r.remember(plan)
	clear(r.batch)
	r.batch, r.bytes = r.batch[:0], 0
	if err := r.await(); err != nil {
		return err
	}
	done := make(chan stored, 1)
	go func() { done <- stored{findings: int64(len(plan.findings.Ids)), err: r.insert(ctx, plan.findings)} }()
	r.storing = done
	return nil
}

// await returns what became of the batch whose findings were being stored.
func (r *Run) await() error {
	if r.storing == nil {
		return nil
	}
	last := <-r.storing
	r.storing = nil
	if last.err != nil {
		return fmt.Errorf("store batch: %w", last.err)
	}
	r.stored += last.findings
	return nil
}

// insert stores the findings of a batch, all of them or none.
func (r *Run) insert(ctx context.Context, findings tenantdb.InsertFindingsParams) error {
	along := r.along
	err := r.write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if err := guide(ctx, queries); err != nil {
			return err
		}
		if _, err := queries.InsertFindings(ctx, findings); err != nil {
			return fmt.Errorf("insert findings: %w", err)
		}
		if along == nil {
			return nil
		}
		return along(ctx, tx)
	})
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == "23514" && refused.ConstraintName == "" {
		err = errors.Join(ErrNoPartition, err)
	}
	return err
}

// remember keeps what the batch taught, within bounds.
func (r *Run) remember(plan *plan) {
	if len(r.resources)+len(plan.learned) > knownLimit {
		clear(r.resources)
	}
	for key, resource := range plan.learned {
		r.resources[key] = resource
	}
	if len(r.metadata)+len(plan.metadata.Ids) > knownLimit {
		clear(r.metadata)
	}
	for _, id := range plan.metadata.Ids {
		r.metadata[id] = true
	}
}

// ErrNotExecuting is returned by Complete for a scan that is not executing any more.
var ErrNotExecuting = errors.New("the scan is not executing any more")

// Complete applies the mute rules, makes the aggregates of the scan and switches it to completed, in the caller's transaction:
// nobody sees one without the other. Flush must have stored everything before.
func Complete(ctx context.Context, tx *tenant.Tx, scan Scan) error {
	queries := tenantdb.New(tx)
	if err := queries.LockAggregates(ctx, scan.ProviderID); err != nil {
		return fmt.Errorf("wait for other counts: %w", err)
	}
	// Here and not batch by batch: a rule that is made while the scan runs counts from its first finding on.
	if err := queries.MuteScanByRules(ctx, tenantdb.MuteScanByRulesParams{ScanID: scan.ID, ProviderID: scan.ProviderID}); err != nil {
		return fmt.Errorf("apply mute rules: %w", err)
	}
	if err := Recount(ctx, tx, scan); err != nil {
		return err
	}
	err := queries.CountFailedFindingsOfResources(ctx, tenantdb.CountFailedFindingsOfResourcesParams{ScanID: scan.ID, ProviderID: scan.ProviderID})
	if err != nil {
		return fmt.Errorf("count failed findings: %w", err)
	}
	completed, err := queries.CompleteScan(ctx, scan.ID)
	if err != nil {
		return fmt.Errorf("complete scan: %w", err)
	}
	if completed == 0 {
		return ErrNotExecuting
	}
	return nil
}

// Recount makes the aggregates of a scan from its findings, in place of those that are there.
func Recount(ctx context.Context, tx *tenant.Tx, scan Scan) error {
	queries := tenantdb.New(tx)
	if err := queries.GuidePlanner(ctx); err != nil {
		return fmt.Errorf("guide planner: %w", err)
	}
	err := inOrder(ctx, scan, []step{
		{"delete resource summaries", queries.DeleteScanResourceSummaries}, {"insert resource summaries", queries.InsertScanResourceSummaries},
		{"delete places", queries.DeleteScanPlaces}, {"insert places", queries.InsertScanPlaces},
	})
	if err != nil {
		return err
	}
	if err := inOrder(ctx, scan, counts(queries)); err != nil {
		return err
	}
	if err := queries.SetAggregatesVersion(ctx, tenantdb.SetAggregatesVersionParams{ID: scan.ID, Version: Version()}); err != nil {
		return fmt.Errorf("note version: %w", err)
	}
	return nil
}

// RecountMuted brings the aggregates of a completed scan up to date with findings that were muted, and those numbers on resources
// that are its: that of a resource is of the last scan that looked at it. take runs once no other scan of the provider is being counted; when it returns
// false there is nothing to do. A scan that has not completed is counted when it does.
func RecountMuted(ctx context.Context, tx *tenant.Tx, scan Scan, take func() (bool, error)) error {
	queries := tenantdb.New(tx)
	if err := queries.LockAggregates(ctx, scan.ProviderID); err != nil {
		return fmt.Errorf("wait for other counts: %w", err)
	}
	if named, err := take(); err != nil || !named {
		return err
	}
	found, err := queries.GetScanToCount(ctx, scan.ID)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && found.State != "completed" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("get scan: %w", err)
	}
	if err := queries.GuidePlanner(ctx); err != nil {
		return fmt.Errorf("guide planner: %w", err)
	}
	if err := inOrder(ctx, scan, counts(queries)); err != nil || !found.Numbers {
		return err
	}
	if err := queries.RecountFailedFindings(ctx, tenantdb.RecountFailedFindingsParams{ScanID: scan.ID, ProviderID: scan.ProviderID}); err != nil {
		return fmt.Errorf("count failed findings: %w", err)
	}
	return nil
}

// step is a statement of a count.
type step struct {
	name string
	run  func(context.Context, uuid.UUID) error
}

// counts are the steps that muting has a bearing on.
func counts(queries *tenantdb.Queries) []step {
	hashing := func(preferred bool) func(context.Context, uuid.UUID) error {
		return func(ctx context.Context, _ uuid.UUID) error { return queries.PreferHashing(ctx, preferred) }
	}
	return []step{
		{"prefer hashing", hashing(true)},
		{"delete summaries", queries.DeleteScanSummaries}, {"insert summaries", queries.InsertScanSummaries},
		{"delete checks", queries.DeleteScanChecks}, {"insert checks", queries.InsertScanChecks},
		{"delete category summaries", queries.DeleteScanCategorySummaries}, {"insert category summaries", queries.InsertScanCategorySummaries},
		{"delete resource group summaries", queries.DeleteScanResourceGroupSummaries},
		{"insert resource group summaries", queries.InsertScanResourceGroupSummaries},
		{"prefer nothing", hashing(false)},
		{"delete figures", queries.DeleteScanFigures}, {"insert figures", queries.InsertScanFigures},
		{"delete services", queries.DeleteScanServices}, {"insert services", queries.InsertScanServices},
		{"delete severities", queries.DeleteScanSeverities}, {"insert severities", queries.InsertScanSeverities},
		{"delete attack surfaces", queries.DeleteScanAttackSurfaces}, {"insert attack surfaces", queries.InsertScanAttackSurfaces},
		{"take the ThreatScore", func(ctx context.Context, scanID uuid.UUID) error { return threatscore.Take(ctx, queries, scanID) }},
		{"count compliance", func(ctx context.Context, scanID uuid.UUID) error { return compliance.Count(ctx, queries, scanID) }},
	}
}

func inOrder(ctx context.Context, scan Scan, steps []step) error {
	for _, one := range steps {
		if err := one.run(ctx, scan.ID); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	return nil
}

// now is the moment that resources of a batch are stamped with.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
