-- Scope queue. Reason: jobs of all tenants are worked by the same processes; whether such a process is alive, and which jobs it
-- left behind, is nobody's tenant. The functions reach the job queue's own table.

-- name: RenewLease :exec
-- Purpose: say that a worker process is alive.
-- Index: worker_leases_pkey.
insert into worker_leases (id) values (@id) on conflict (id) do update set renewed_at = now();

-- name: DropLease :exec
-- Purpose: a worker process ends in order.
-- Index: worker_leases_pkey.
delete from worker_leases where id = @id;

-- name: PurgeLeases :execrows
-- Purpose: forget processes that died long ago.
-- Index: none, a handful of rows.
delete from worker_leases where renewed_at < now() - interval '1 day';

-- name: RescueOrphans :one
-- Purpose: make the running jobs of processes that are silent for so many seconds available again.
-- Index: river_job_prioritized_fetching_index, worker_leases_pkey.
select rescue_orphans(@silence::double precision)::integer as rescued;
