-- Counting scans that completed long ago: because the program sums up in a new way, or to see whether what is stored is right.

-- name: ListOutdatedScans :many
-- Purpose: some of the completed scans whose aggregates are older than a version, newest first.
-- Index: scans_counted, providers_pkey.
select s.id, s.provider_id from scans s join providers p on p.id = s.provider_id and p.deleted_at is null
where s.state = 'completed' and s.aggregates_version < @version::smallint
order by s.inserted_at desc, s.id desc limit @batch;

-- name: CountOutdatedScans :one
-- Purpose: how many those are.
-- Index: scans_counted, providers_pkey.
select count(*) from scans s join providers p on p.id = s.provider_id and p.deleted_at is null
where s.state = 'completed' and s.aggregates_version < @version::smallint;

-- name: ListCompletedScans :many
-- Purpose: some of the completed scans in the order of their ids, behind a given one; of one provider, or one of them, when asked for.
-- Index: scans_pkey, providers_pkey.
select s.id, s.provider_id from scans s join providers p on p.id = s.provider_id and p.deleted_at is null
where s.id > @after_id and s.state = 'completed' and s.provider_id = coalesce(sqlc.narg('provider_id')::uuid, s.provider_id)
    and s.id = coalesce(sqlc.narg('scan_id')::uuid, s.id)
order by s.id limit @batch;

-- name: SetAggregatesVersion :exec
-- Purpose: note which version of the aggregates a scan has from now on.
-- Index: scans_pkey.
update scans set aggregates_version = @version where id = @id and aggregates_version <> @version;

-- name: RecountScan :exec
-- Purpose: the numbers on a completed scan itself, as CompleteScan makes them.
-- Index: scans_pkey, scan_resource_summaries_pkey, findings_scan.
update scans s set unique_resource_count = n.resources, first_finding_id = n.first, last_finding_id = n.last
from (
    select (select count(*) from scan_resource_summaries r where r.scan_id = @scan_id)::integer as resources,
        (select x.id from (select f.id from findings f where f.scan_id = @scan_id offset 0) x order by x.id limit 1) as first,
        (select x.id from (select f.id from findings f where f.scan_id = @scan_id offset 0) x order by x.id desc limit 1) as last
) n
where s.id = @scan_id and s.state = 'completed'
    and (s.unique_resource_count, s.first_finding_id, s.last_finding_id) is distinct from (n.resources, n.first, n.last);

-- name: AwaitsRecount :one
-- Purpose: whether findings of a scan were muted since it was counted.
-- Index: scan_recounts_scan.
select exists (select from scan_recounts c where c.scan_id = @scan_id);

-- name: DigestAggregates :many
-- Purpose: the rows that are stored of a scan in a table of aggregates, each as a number that differs when the row does.
-- Index: the primary keys of the aggregates, which begin with the scan.
select md5(aggregate_lines(@target::text, @scan_id::uuid))::uuid as digest;

-- name: TaskUnderWay :one
-- Purpose: whether there is a task of that name that has not ended.
-- Index: tasks_name.
select exists (select from tasks t where t.name = @name and t.state in ('available', 'scheduled', 'executing'));
