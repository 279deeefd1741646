package migrate

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/sql/catalog"
)

// CheckCollation returns an error when text does not sort by code point in the connected database: lists would have
// another order than clients expect, and an upgrade of the system's locale data could damage indexes.
func CheckCollation(ctx context.Context, db Querier) error {
	rows, err := db.Query(ctx, catalog.Read("collation"))
	if err != nil {
		return fmt.Errorf("check the collation: %w", err)
	}
	type answer struct {
		Collation   string
		ByCodePoint bool
	}
	got, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[answer])
	if err != nil {
		return fmt.Errorf("check the collation: %w", err)
	}
	if !got.ByCodePoint {
		return fmt.Errorf("the database sorts text by locale %s: create it with locale C, or C.UTF-8", got.Collation)
	}
	return nil
}
