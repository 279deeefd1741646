-- Scope upkeep. Reason: partitions hold the findings of every tenant and are made ahead of time by the program.

-- name: EnsurePartitions :one
-- Purpose: make the monthly partitions from a month on, for so many months; returns how many were missing.
-- Index: none.
select ensure_partitions((sqlc.arg('since')::timestamptz at time zone 'UTC')::date, @months::integer)::integer as made;
