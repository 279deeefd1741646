package pipeline

import "github.com/jackc/pgx/v5/pgxpool"

func Open() *pgxpool.Pool { return pgxpool.New() }

type Tx struct{}

func (Tx) Unwrap() any { return nil }
