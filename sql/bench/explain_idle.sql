-- Purpose: whether no job waits or runs. Run by a superuser.
select not exists (select from river.river_job where state in ('available', 'running', 'retryable'))
