package ingest

import (
	"context"
	"fmt"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// IndexWords finds the words of a completed scan's findings, in place of those that are known already. Until then searches read
// the text of every finding of the scan. Muting has no bearing on it.
func IndexWords(ctx context.Context, tx *tenant.Tx, scan Scan) error {
	queries := tenantdb.New(tx)
	if err := queries.GuidePlanner(ctx); err != nil {
		return fmt.Errorf("guide planner: %w", err)
	}
	return inOrder(ctx, scan, []step{{"delete words", queries.DeleteScanWords}, {"insert words", queries.InsertScanWords}})
}

// indexKnown is IndexWords for a scan whose words have been found before; those of others wait for their job.
func indexKnown(ctx context.Context, tx *tenant.Tx, scan Scan) error {
	known, err := tenantdb.New(tx).WordsKnown(ctx, scan.ID)
	if err != nil {
		return fmt.Errorf("look for words: %w", err)
	}
	if !known {
		return nil
	}
	return IndexWords(ctx, tx, scan)
}
