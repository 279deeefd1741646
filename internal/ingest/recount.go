package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Aggregate is a table that scans are summed up in.
type Aggregate struct {
	Table string
	Since int16 // version of the aggregates that brought the table, or that last changed what is counted in it
}

// aggregates are all of them. Whoever adds a table, or changes what is counted in one, gives it the next version: scans that
// completed before are then counted again.
var aggregates = []Aggregate{
	{"scan_resource_summaries", 1}, {"scan_places", 1}, {"scan_summaries", 1}, {"scan_category_summaries", 1},
	{"scan_resource_group_summaries", 1}, {"scan_check_summaries", 2}, {"scan_check_places", 2}, {"scan_compliance", 2},
	{"scan_severities", 2}, {"scan_attack_surfaces", 2}, {"threatscore_snapshots", 4},
	{"scan_words", 3}, {"scan_figures", 4}, {"scan_services", 4}, {"scan_compliance_sheets", 4},
}

// Aggregates are the tables that scans are summed up in.
func Aggregates() []Aggregate { return slices.Clone(aggregates) }

// Version is the version of the aggregates that this program makes.
func Version() int16 {
	return slices.MaxFunc(aggregates, func(a, b Aggregate) int { return int(a.Since) - int(b.Since) }).Since
}

// What a scan is summed up in beside the tables: its own row, and the failures of the provider's resources. See aggregate_lines
// in the migrations.
const (
	numbersOfScan      = "scans"
	numbersOfResources = "resources"
)

// ErrNotCompleted is returned for a scan that has not completed, or is gone.
var ErrNotCompleted = errors.New("the scan has not completed or is gone")

// RecountCompleted makes everything again that a completed scan is summed up in, in the caller's transaction: the aggregates, the
// numbers on the scan, and those numbers on resources that are its.
func RecountCompleted(ctx context.Context, tx *tenant.Tx, scan Scan) error {
	numbers, err := holdCompleted(ctx, tx, scan)
	if err != nil {
		return err
	}
	if err := recountHeld(ctx, tx, scan, numbers); err != nil {
		return err
	}
	return IndexWords(ctx, tx, scan)
}

// holdCompleted sees that no scan of the provider is being counted and that the scan stays until the transaction ends, and reports
// whether numbers on resources are its.
func holdCompleted(ctx context.Context, tx *tenant.Tx, scan Scan) (numbers bool, err error) {
	queries := tenantdb.New(tx)
	if err := queries.LockAggregates(ctx, scan.ProviderID); err != nil {
		return false, fmt.Errorf("wait for other counts: %w", err)
	}
	found, err := queries.GetScanToCount(ctx, scan.ID)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && found.State != "completed" {
		return false, ErrNotCompleted
	}
	if err != nil {
		return false, fmt.Errorf("get scan: %w", err)
	}
	return found.Numbers, nil
}

func recountHeld(ctx context.Context, tx *tenant.Tx, scan Scan, numbers bool) error {
	queries := tenantdb.New(tx)
	if _, err := queries.TakeScanRecounts(ctx, scan.ID); err != nil { // what was muted until now is counted here
		return fmt.Errorf("take the scan: %w", err)
	}
	if err := Recount(ctx, tx, scan); err != nil {
		return err
	}
	if err := queries.RecountScan(ctx, scan.ID); err != nil {
		return fmt.Errorf("count the scan: %w", err)
	}
	if !numbers {
		return nil
	}
	if err := queries.RecountFailedFindings(ctx, tenantdb.RecountFailedFindingsParams{ScanID: scan.ID, ProviderID: scan.ProviderID}); err != nil {
		return fmt.Errorf("count failed findings: %w", err)
	}
	return nil
}

// Difference says in how many rows a table differs from what a recount makes of it.
type Difference struct {
	Table   string `json:"table"`
	Stored  int    `json:"stored"`  // rows that are there
	Wrong   int    `json:"wrong"`   // of those: rows that a recount does not make
	Missing int    `json:"missing"` // rows that a recount makes and that are not there
}

// Verification is what comparing the stored aggregates of a scan with a recount has shown.
type Verification struct {
	// Awaits says that findings were muted since and a job is about to count the scan: differences would mean nothing.
	Awaits      bool
	Differences []Difference
}

// errUndo ends a transaction that must leave nothing behind.
var errUndo = errors.New("undo")

// Verify compares everything that a completed scan is summed up in with a recount, in a transaction that is undone.
func Verify(ctx context.Context, write Write, scan Scan) (Verification, error) {
	var found Verification
	err := write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
		var err error
		if found, err = verify(ctx, tx, scan); err != nil {
			return err
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		return Verification{}, err
	}
	return found, nil
}

func verify(ctx context.Context, tx *tenant.Tx, scan Scan) (Verification, error) {
	numbers, err := holdCompleted(ctx, tx, scan)
	if err != nil {
		return Verification{}, err
	}
	awaits, err := tenantdb.New(tx).AwaitsRecount(ctx, scan.ID)
	if err != nil || awaits {
		return Verification{Awaits: awaits}, err
	}
	targets := []string{numbersOfScan}
	for _, one := range aggregates {
		targets = append(targets, one.Table)
	}
	if numbers {
		targets = append(targets, numbersOfResources)
	}
	stored, err := digests(ctx, tx, scan, targets)
	if err != nil {
		return Verification{}, err
	}
	if err := recountHeld(ctx, tx, scan, numbers); err != nil {
		return Verification{}, err
	}
	if err := indexKnown(ctx, tx, scan); err != nil {
		return Verification{}, err
	}
	counted, err := digests(ctx, tx, scan, targets)
	if err != nil {
		return Verification{}, err
	}
	var found Verification
	for i, target := range targets {
		if one := compare(target, stored[i], counted[i]); one.Wrong > 0 || one.Missing > 0 {
			found.Differences = append(found.Differences, one)
		}
	}
	return found, nil
}

// digests are the rows of each table, each row as a number: those of a large scan have to fit into memory.
func digests(ctx context.Context, tx *tenant.Tx, scan Scan, targets []string) ([][]uuid.UUID, error) {
	all := make([][]uuid.UUID, len(targets))
	for i, target := range targets {
		var err error
		all[i], err = tenantdb.New(tx).DigestAggregates(ctx, tenantdb.DigestAggregatesParams{Target: target, ScanID: scan.ID})
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", target, err)
		}
	}
	return all, nil
}

func compare(target string, stored, counted []uuid.UUID) Difference {
	found := Difference{Table: target, Stored: len(stored)}
	balance := make(map[uuid.UUID]int, len(stored))
	for _, row := range stored {
		balance[row]++
	}
	for _, row := range counted {
		balance[row]--
	}
	for _, left := range balance {
		found.Wrong += max(left, 0)
		found.Missing += max(-left, 0)
	}
	return found
}
