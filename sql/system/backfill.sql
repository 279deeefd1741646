-- Scope backfill. Reason: a new version of the program sums scans up in ways that earlier ones did not; which tenants have scans
-- that lack it is read across tenants, and each tenant's scans are then counted inside it.

-- name: ListTenantsToCount :many
-- Purpose: tenants that have completed scans whose aggregates are older than a version, in the order of their ids, behind a given one.
-- Index: tenants_pkey, scans_counted.
select t.id from tenants t
where t.id > @after_id and t.deleted_at is null and exists (
    select from scans s where s.tenant_id = t.id and s.state = 'completed' and s.aggregates_version < @version::smallint
)
order by t.id limit @batch;
