-- Storing the findings of a scan, batch by batch. Every statement takes arrays of one length, one element a row.

-- name: DeferFlush :exec
-- Purpose: do not wait for the disk when this transaction commits. What a crash of the server may take of a batch is stored
-- again: the scan completes in a transaction that waits, and with it for all that was committed before.
-- Index: none.
select set_config('synchronous_commit', 'off', true);

-- name: GuidePlanner :exec
-- Purpose: have the statements of this transaction planned without a look at their values, and with room for a scan. The
-- statistics know nothing yet of a scan that is being stored: judged by its id it seems to have no findings, and plans for
-- none are quadratic; so is NOT IN when its set is believed too large to be hashed.
-- Index: none.
select set_config('plan_cache_mode', 'force_generic_plan', true), set_config('work_mem', '64MB', true);

-- name: GetFindingHistory :one
-- Purpose: where earlier sightings of a provider's findings are: the first id of its completed scans (the largest there is
-- when it has none) and the last one (the smallest there is), the scans whose findings are no sightings because they did not complete
-- and are not removed yet, and the time by the clock that all machines share.
-- Index: scans_latest, findings_scan.
select coalesce((
        select min(s.first_finding_id::text collate "C") from scans s where s.provider_id = @provider_id and s.state = 'completed'
    ), 'ffffffff-ffff-ffff-ffff-ffffffffffff')::uuid as since,
    coalesce((
        select max(s.last_finding_id::text collate "C") from scans s where s.provider_id = @provider_id and s.state = 'completed'
    ), '00000000-0000-0000-0000-000000000000')::uuid as last,
    clock_timestamp()::timestamptz as clock,
    array(
        select s.id from scans s
        where s.provider_id = @provider_id and s.state <> 'completed' and exists (select from findings f where f.scan_id = s.id)
    )::uuid[] as unfinished;

-- name: UpsertResources :many
-- Purpose: the ids of a batch's resources, created or brought up to date. Empty names and regions do not overwrite, and
-- updated_at moves only when something changed.
-- Index: resources_tenant_id_provider_id_uid_key.
with batch as (
    select unnest(@ids::uuid[]) as id, unnest(@uids::text[]) as uid, unnest(@names::text[]) as name,
        unnest(@regions::text[]) as region, unnest(@services::text[]) as service, unnest(@types::text[]) as type,
        unnest(@metadata::text[]) as metadata, unnest(@details::text[]) as details, unnest(@partitions::text[]) as partition
), stored as (
    insert into resources as r (tenant_id, id, provider_id, uid, name, region, service, type, metadata, details, partition,
        inserted_at, updated_at)
    select @tenant_id::uuid, b.id, @provider_id::uuid, b.uid, b.name, b.region, b.service, b.type, b.metadata, b.details,
        b.partition, @stored_at::timestamptz, @stored_at::timestamptz
    from batch b order by b.uid
    on conflict (tenant_id, provider_id, uid) do update set
        name = coalesce(nullif(excluded.name, ''), r.name), region = coalesce(nullif(excluded.region, ''), r.region),
        service = excluded.service, type = excluded.type, metadata = excluded.metadata, details = excluded.details,
        partition = excluded.partition, updated_at = excluded.updated_at
    where (coalesce(nullif(excluded.name, ''), r.name), coalesce(nullif(excluded.region, ''), r.region), excluded.service,
            excluded.type, excluded.metadata, excluded.details, excluded.partition)
        is distinct from (r.name, r.region, r.service, r.type, r.metadata, r.details, r.partition)
    returning r.id, r.uid
)
select b.uid::text as uid, coalesce(s.id, r.id)::uuid as id
from batch b
left join stored s on s.uid = b.uid
left join resources r on r.provider_id = @provider_id and r.uid = b.uid;

-- name: AddResourceTags :exec
-- Purpose: the tags of a batch's resources; known ones stay.
-- Index: resource_tags_pkey.
insert into resource_tags (tenant_id, provider_id, resource_id, key, value)
select distinct @tenant_id::uuid, @provider_id::uuid, unnest(@resource_ids::uuid[]), unnest(@keys::text[]), unnest(@values::text[])
on conflict do nothing;

-- name: AddResourceGroups :exec
-- Purpose: the groups that the checks of a batch put its resources in; known ones stay.
-- Index: resource_groups_pkey.
insert into resource_groups (tenant_id, provider_id, resource_id, name)
select distinct @tenant_id::uuid, @provider_id::uuid, unnest(@resource_ids::uuid[]), unnest(@names::text[])
on conflict do nothing;

-- name: AddCheckMetadata :exec
-- Purpose: what checks say of themselves, once per distinct content.
-- Index: check_metadata_pkey.
insert into check_metadata (tenant_id, id, check_id, content, search)
select @tenant_id::uuid, b.id, b.check_id, b.content, jsonb_to_tsvector('simple', b.content, '["string", "numeric"]')
from (
    select unnest(@ids::uuid[]) as id, unnest(@check_ids::text[]) as check_id, unnest(@contents::jsonb[]) as content
) b order by b.id
on conflict do nothing;

-- name: AddCheckMetadataCategories :exec
-- Purpose: the categories of that content.
-- Index: check_metadata_categories_pkey.
insert into check_metadata_categories (tenant_id, check_metadata_id, category)
select distinct @tenant_id::uuid, unnest(@check_metadata_ids::uuid[]), unnest(@categories::text[])
on conflict do nothing;

-- name: InsertFindings :execrows
-- Purpose: a batch of findings, each compared with its last sighting in a completed scan: new, changed or the same, and
-- first seen when. inserted_at is the moment in the id. Since leaves out partitions without sightings.
-- Index: findings_history.
insert into findings (tenant_id, id, provider_id, scan_id, check_metadata_id, uid_hash, inserted_at, updated_at, first_seen_at,
    muted, muted_at, muted_reason, status, severity, delta, uid, check_id, status_extended, region, service, resource_type,
    resource_group, resource_id)
select @tenant_id::uuid, b.id, @provider_id::uuid, @scan_id::uuid, b.check_metadata_id, b.uid_hash, b.inserted_at, b.inserted_at,
    coalesce(p.first_seen_at, b.inserted_at), b.muted, case when b.muted then b.inserted_at end,
    case when b.muted then @muted_reason::text end, b.status, b.severity,
    case when p.status is null then 'new' when p.status <> b.status then 'changed' end,
    b.uid, b.check_id, b.status_extended, b.region, b.service, b.resource_type, nullif(b.resource_group, ''),
    b.resource_id
from (
    select unnest(@ids::uuid[]) as id, unnest(@check_metadata_ids::uuid[]) as check_metadata_id,
        unnest(@uid_hashes::bigint[]) as uid_hash, unnest(@inserted_ats::timestamptz[]) as inserted_at,
        unnest(@muted::boolean[]) as muted, unnest(@statuses::text[]) as status, unnest(@severities::text[]) as severity,
        unnest(@uids::text[]) as uid, unnest(@check_ids::text[]) as check_id,
        unnest(@statuses_extended::text[]) as status_extended, unnest(@regions::text[]) as region,
        unnest(@services::text[]) as service, unnest(@resource_types::text[]) as resource_type,
        unnest(@resource_groups::text[]) as resource_group, unnest(@resource_ids::uuid[]) as resource_id
) b
left join lateral (
    select f.status, f.first_seen_at from findings f
    where f.uid_hash = b.uid_hash and f.uid = b.uid and f.provider_id = @provider_id
        and f.id >= @since::uuid and f.scan_id <> all(@unfinished::uuid[])
    order by f.id desc limit 1
) p on true;

-- name: DeleteScanFindings :execrows
-- Purpose: remove a bounded number of an unfinished scan's findings, so that it can start over or leave nothing behind. Call
-- it until it affects no row.
-- Index: findings_scan, findings_pkey.
with gone as (
    select f.id from findings f where f.scan_id = @scan_id limit @batch
)
delete from findings f using gone g where f.id = g.id;
