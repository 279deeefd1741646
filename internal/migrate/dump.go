package migrate

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/sql/catalog"
)

// dumpHeader starts every dump. Function bodies may name tables that come later, hence the setting.
const dumpHeader = `-- The database as the migrations leave it, for reading and for the query compiler. Written by the program from the
-- catalogue of a migrated database: do not edit. Left out: the job queue's tables (schema river), the monthly
-- partitions, and the migrations' own bookkeeping.

set check_function_bodies = false;
`

// sections are the parts of a dump in an order in which the result can be run.
var sections = []struct {
	title, query string
	args         []any
}{
	{"Roles", "dump_roles", nil},
	{"Schemas and extensions", "dump_schemas", nil},
	{"Functions and procedures", "dump_routines", []any{false}},
	{"Sequences", "dump_sequences", []any{bookkeeping}},
	{"Tables", "dump_tables", []any{bookkeeping}},
	{"Foreign keys", "dump_foreign_keys", nil},
	{"Functions on rows of tables", "dump_routines", []any{true}},
	{"Views", "dump_views", nil},
	{"Triggers", "dump_triggers", nil},
	{"Row level security", "dump_row_security", []any{bookkeeping}},
	{"Privileges", "dump_grants", []any{bookkeeping}},
}

// Dump describes the schema as SQL that can be read, diffed, compiled against and run on an empty database. Equal
// schemas give equal text, in whatever order they came to be and on every supported version of PostgreSQL.
// ownerURL may be any role: the catalogue is open.
func Dump(ctx context.Context, ownerURL string) (string, error) {
	text, err := dump(ctx, ownerURL)
	if err != nil {
		return "", fmt.Errorf("dump the schema: %w", err)
	}
	return text, nil
}

func dump(ctx context.Context, ownerURL string) (string, error) {
	conn, err := pgx.Connect(ctx, ownerURL)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// One snapshot for all sections; the search path is local to it.
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return "", err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // only read
	if _, err := column(ctx, tx, "dump_search_path"); err != nil {
		return "", err
	}
	var out strings.Builder
	out.WriteString(dumpHeader)
	for _, section := range sections {
		statements, err := column(ctx, tx, section.query, section.args...)
		if err != nil {
			return "", err
		}
		if len(statements) == 0 {
			continue
		}
		separator := "\n\n"
		if !strings.Contains(strings.Join(statements, ""), "\n") {
			separator = "\n"
		}
		fmt.Fprintf(&out, "\n-- %s\n\n%s\n", section.title, strings.Join(statements, separator))
	}
	return out.String(), nil
}

// column runs a query of sql/catalog that returns one text column.
func column(ctx context.Context, db Querier, name string, args ...any) ([]string, error) {
	rows, err := db.Query(ctx, catalog.Read(name), args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return values, nil
}
