// Package pools goes beside the executors.
package pools

import (
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/system"
)

var (
	_ = pgx.Connect                 // want `opens a way`
	_ = pgxpool.New                 // want `opens a way`
	_ = sql.Open                    // want `opens a way`
	_ = pipeline.Open               // want `only the executors`
	_ = system.Executor{}.QueuePool // want `internal/jobs alone`
	_ *pgxpool.Pool                 // want `a pool reaches`
	_ pgx.Conn
	_ struct{ system.Sealed } // want `pass a pool off`
	_ = pipeline.Tx{}.Unwrap  // want `for the executors alone`
)
