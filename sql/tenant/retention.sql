-- Removing scans that are older than the tenant keeps them. A scan that expires is in no answer from then on; its rows go
-- afterwards, in batches, the scan itself last.

-- name: ExpireScans :execrows
-- Purpose: mark some of the scans that ended so many calendar months ago, as the tenant wishes or else by default. What runs or waits
-- stays, as do the newest completed scan of each provider and the newest of those that looked at everything: by the time they were
-- asked for, which lists go by, and by the time they ended, which the numbers on resources go by.
-- Index: scans_inserted, scans_latest, tenants_pkey.
with due as (
    select s.id from scans s join tenants t on t.id = s.tenant_id
    where s.state in ('completed', 'failed', 'cancelled')
        and past_retention(s.completed_at, coalesce(t.retention_months, sqlc.narg('default_months')::integer), now())
        and (s.state <> 'completed' or exists (
            select from scans o where o.provider_id = s.provider_id and o.state = 'completed' and (o.scope is null or s.scope is not null)
                and (o.inserted_at, o.id) > (s.inserted_at, s.id)
        ) and exists (
            select from scans o where o.provider_id = s.provider_id and o.state = 'completed' and (o.scope is null or s.scope is not null)
                and o.completed_at > s.completed_at
        ))
    order by s.inserted_at, s.id limit @batch for update of s
)
update scans s set state = 'expired', updated_at = now() from due d where s.id = d.id;

-- name: NextExpiredScan :one
-- Purpose: a scan whose rows have to go. No row: there is none left.
-- Index: scans_expired.
select s.id, s.provider_id, (s.scope is not null)::boolean as partial from scans s where s.state = 'expired' order by s.id limit 1;

-- name: CountExpiredScans :one
-- Purpose: how many those are.
-- Index: scans_expired.
select count(*) from scans s where s.state = 'expired';

-- name: EraseScanChunks :execrows
-- Purpose: remove some pieces of the files that a scan was made from.
-- Index: ingestions_provider, ingestion_chunks_pkey.
with gone as materialized (
    select c.ingestion_id, c.number from ingestions i join ingestion_chunks c on c.tenant_id = i.tenant_id and c.ingestion_id = i.id
    where i.provider_id = @provider_id::uuid and i.scan_id = @scan_id::uuid limit @batch
)
delete from ingestion_chunks c using gone g where c.ingestion_id = g.ingestion_id and c.number = g.number;

-- name: EraseScanIngestionErrors :execrows
-- Purpose: remove some notes about what could not be stored of those files.
-- Index: ingestions_provider, ingestion_errors_pkey.
with gone as materialized (
    select e.ingestion_id, e.number from ingestions i join ingestion_errors e on e.tenant_id = i.tenant_id and e.ingestion_id = i.id
    where i.provider_id = @provider_id::uuid and i.scan_id = @scan_id::uuid limit @batch
)
delete from ingestion_errors e using gone g where e.ingestion_id = g.ingestion_id and e.number = g.number;

-- name: TakeScanResources :many
-- Purpose: some of the resources that an expired scan saw, which it is no reason any more to keep.
-- Index: scan_resource_summaries_pkey.
with gone as materialized (select o.resource_id from scan_resource_summaries o where o.scan_id = @scan_id limit @batch)
delete from scan_resource_summaries o using gone g where o.scan_id = @scan_id and o.resource_id = g.resource_id
returning o.resource_id;

-- name: LockResources :exec
-- Purpose: keep scans from finding something about these resources until the transaction ends, in the order in which scans write them.
-- Index: resources_pkey.
select r.id from resources r where r.id = any(@ids::uuid[]) order by r.uid for update;

-- name: EraseUnseenResources :execrows
-- Purpose: remove those of some resources, with their tags and groups, about which no finding is left and which no scan that stays
-- saw; after LockResources, in a statement of its own, so that what was found meanwhile counts.
-- Index: resources_pkey, findings_resource, scans_latest, scan_resource_summaries_pkey, resource_tags_pkey,
-- resource_groups_pkey.
with gone as materialized (
    select r.id from resources r
    where r.id = any(@ids::uuid[]) and not exists (select from findings f where f.resource_id = r.id)
        and not exists (
            select from scans s join scan_resource_summaries o on o.tenant_id = s.tenant_id and o.scan_id = s.id and o.resource_id = r.id
            where s.provider_id = r.provider_id and s.state <> 'expired'
        )
), tags as (delete from resource_tags t using gone g where t.resource_id = g.id),
names as (delete from resource_groups n using gone g where n.resource_id = g.id)
delete from resources r using gone g where r.id = g.id;

-- name: EraseExpiredScan :execrows
-- Purpose: remove an expired scan, with the files that it was made from; what was added to it meanwhile goes along.
-- Index: scans_pkey, findings_scan, ingestions_provider.
delete from scans where id = @id and state = 'expired';

-- name: GetLastWholeScan :one
-- Purpose: the last completed scan that looked at everything in a provider. No row: there is none.
-- Index: scans_latest.
select s.id from scans s where s.provider_id = @provider_id and s.state = 'completed' and s.scope is null order by s.completed_at desc limit 1;

-- name: SetTenantRetention :exec
-- Purpose: how many months the organisation keeps its scans; null: as the operator set.
-- Index: tenants_pkey.
update tenants set retention_months = sqlc.narg('months')::smallint, updated_at = now() where id = @id;
