// Package migrations holds the numbered SQL files that build the database, and schema.sql, the reviewed dump of the
// result that auditors and the query compiler read. It holds no Go logic; internal/migrate applies the files.
package migrations

import "embed"

// FS holds the numbered migrations, NNNN_name.sql, in goose format.
//
//go:embed *.sql
var FS embed.FS
