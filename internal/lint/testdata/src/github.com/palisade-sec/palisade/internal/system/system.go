package system

import "github.com/jackc/pgx/v5/pgxpool"

type Executor struct{}

func (Executor) QueuePool() *pgxpool.Pool { return nil }

type Sealed interface{ sealed() }
