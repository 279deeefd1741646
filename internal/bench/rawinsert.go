package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/internal/ingest"
	sql "github.com/palisade-sec/palisade/sql/bench"
)

// stored is a stored finding as far as it is inserted once more.
type stored struct {
	ProviderID      uuid.UUID
	CheckMetadataID uuid.UUID
	UIDHash         int64
	InsertedAt      time.Time
	Muted           bool
	Status          string
	Severity        string
	Delta           *string
	UID             string
	CheckID         string
	StatusExtended  *string
	Region          string
	Service         string
	ResourceType    string
	ResourceGroup   *string
	ResourceID      uuid.UUID
}

// rawInsert inserts the rows of the newest scan once more, findings and nothing else, in batches of the same size
// as ingestion makes, and removes them again. It returns rows a second: what the database gives at best.
func rawInsert(ctx context.Context, appURL, tenantID string) (rate float64, err error) {
	conn, err := bare(ctx, appURL, tenantID, "auto")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	rows, err := conn.Query(ctx, sql.Read("load_findings"))
	if err != nil {
		return 0, fmt.Errorf("load findings: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[stored])
	if err != nil || len(all) == 0 {
		return 0, errors.Join(errors.New("load findings: none"), err)
	}
	scan := uuid.New()
	if _, err := conn.Exec(ctx, sql.Read("insert_scan"), tenantID, scan, all[0].ProviderID); err != nil {
		return 0, fmt.Errorf("insert scan: %w", err)
	}
	began := time.Now()
	for from := 0; from < len(all); from += ingest.BatchSize {
		if err := insertBatch(ctx, conn, tenantID, scan, all[from:min(from+ingest.BatchSize, len(all))]); err != nil {
			return 0, err
		}
	}
	rate = float64(len(all)) / time.Since(began).Seconds()
	if _, err := conn.Exec(ctx, sql.Read("delete_scan"), scan); err != nil {
		return 0, fmt.Errorf("delete scan: %w", err)
	}
	return rate, nil
}

func insertBatch(ctx context.Context, conn *pgx.Conn, tenantID string, scan uuid.UUID, batch []stored) error {
	ids := make([]uuid.UUID, len(batch))
	for i := range ids {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		ids[i] = id
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sql.Read("insert_findings"), tenantID, batch[0].ProviderID, scan, ids,
			column(batch, func(s *stored) uuid.UUID { return s.CheckMetadataID }), column(batch, func(s *stored) int64 { return s.UIDHash }),
			column(batch, func(s *stored) time.Time { return s.InsertedAt }), column(batch, func(s *stored) bool { return s.Muted }),
			column(batch, func(s *stored) string { return s.Status }), column(batch, func(s *stored) string { return s.Severity }),
			column(batch, func(s *stored) *string { return s.Delta }), column(batch, func(s *stored) string { return s.UID }),
			column(batch, func(s *stored) string { return s.CheckID }), column(batch, func(s *stored) *string { return s.StatusExtended }),
			column(batch, func(s *stored) string { return s.Region }), column(batch, func(s *stored) string { return s.Service }),
			column(batch, func(s *stored) string { return s.ResourceType }), column(batch, func(s *stored) *string { return s.ResourceGroup }),
			column(batch, func(s *stored) uuid.UUID { return s.ResourceID }))
		if err != nil {
			return fmt.Errorf("insert findings: %w", err)
		}
		return nil
	})
}

func column[T any](rows []stored, of func(*stored) T) []T {
	values := make([]T, len(rows))
	for i := range rows {
		values[i] = of(&rows[i])
	}
	return values
}
