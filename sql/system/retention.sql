-- Scope retention. Reason: how long scans are kept is each tenant's, while partitions hold the findings of all of them; which
-- tenants have something to remove is read across tenants, and each tenant's scans are then removed inside it.

-- name: ListTenantsWithRetention :many
-- Purpose: tenants whose scans go after so many months, by their own wish or the operator's, in the order of their ids, behind a
-- given one.
-- Index: tenants_pkey.
select t.id from tenants t
where t.id > @after_id and t.deleted_at is null and coalesce(t.retention_months, sqlc.narg('default_months')::integer) is not null
order by t.id limit @batch;

-- name: ListTenantsWithExpiredScans :many
-- Purpose: tenants that have expired scans whose rows are not removed yet, in the order of their ids, behind a given one.
-- Index: tenants_pkey, scans_expired.
select t.id from tenants t
where t.id > @after_id and t.deleted_at is null and exists (select from scans s where s.tenant_id = t.id and s.state = 'expired')
order by t.id limit @batch;

-- name: ListFindingMonths :many
-- Purpose: the months that there are partitions of, oldest first.
-- Index: none; reads the catalogue of the database.
select (finding_months()::timestamp at time zone 'UTC')::timestamptz as month;

-- name: DropFindingMonth :one
-- Purpose: drop the partitions of a month unless a scan that stays has findings in it; false: one has. Fails with
-- lock_not_available when the tables are busy.
-- Index: none.
select drop_finding_month((sqlc.arg('month')::timestamptz at time zone 'UTC')::date, sqlc.narg('default_months')::integer)::boolean as dropped;
