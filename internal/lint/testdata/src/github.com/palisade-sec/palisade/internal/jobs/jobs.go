package jobs

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/palisade-sec/palisade/internal/system"
)

var (
	_ *pgxpool.Pool
	_ = system.Executor{}.QueuePool
	_ = pgxpool.New // want `opens a way`
)
