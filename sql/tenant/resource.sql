-- Reading resources: what scans saw, as it is now. Resources of providers that are being deleted do not exist for readers.

-- name: ListResources :many
-- Purpose: a page of resources, each with its tags, its groups and, when asked for, all findings that completed scans made
-- about it. With scanned, only those of providers that have a completed scan. When the providers that are left have few resources, all
-- of those are read and sorted: an index in the order of the page has everybody's. Their names are looked at, which none of those
-- indexes has: for one account of few the planner would take everybody's index for cheaper than the account's.
-- Index: resource_counts_pkey, resources_failed, resources_updated, resources_place, resources_tenant_id_provider_id_uid_key,
-- providers_pkey, scans_latest, findings_resource.
with way as materialized (
    select coalesce(sum(c.resources), 0) <= sqlc.arg('few')::bigint as few
    from resource_counts c join providers p on p.tenant_id = c.tenant_id and p.id = c.provider_id and p.deleted_at is null
    where /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), page as (
    select r.* from (
        (
            select r.id, r.uid, r.name, r.region, r.service, r.type, r.inserted_at, r.updated_at, r.failed_findings_count
            from resources r join providers p on p.tenant_id = r.tenant_id and p.id = r.provider_id and p.deleted_at is null
            where not (select w.few from way w) and (not @scanned::boolean or exists (
                    select from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
                )) and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
            order by /* TEMPLATE_BEGIN: order */ r.id /* TEMPLATE_END */ limit sqlc.arg('page_offset')::bigint + sqlc.arg('page_size')::bigint
        )
        union all
        select r.id, r.uid, r.name, r.region, r.service, r.type, r.inserted_at, r.updated_at, r.failed_findings_count
        from providers p cross join lateral (
            select x.* from resources x where x.tenant_id = p.tenant_id and x.provider_id = p.id offset 0
        ) r
        where (select w.few from way w) and octet_length(r.name) >= 0 and p.deleted_at is null and (not @scanned::boolean or exists (
                select from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            )) and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
    ) r
    order by /* TEMPLATE_BEGIN: order */ r.id /* TEMPLATE_END */ limit sqlc.arg('page_size')::bigint offset sqlc.arg('page_offset')::bigint
)
select d.id, d.provider_id, d.uid, d.name, d.region, d.service, d.type, d.metadata, d.details, d.partition, d.failed_findings_count,
    d.inserted_at, d.updated_at,
    (select jsonb_object_agg(t.key, t.value order by t.value desc) from resource_tags t where t.tenant_id = d.tenant_id and t.resource_id = d.id)::jsonb as tags,
    array(select g.name from resource_groups g where g.tenant_id = d.tenant_id and g.resource_id = d.id order by g.name)::text[] as groups,
    array(
        select f.id from findings f cross join lateral (select from scans s where s.tenant_id = f.tenant_id and s.id = f.scan_id and s.state = 'completed' limit 1) s
        where @with_findings::boolean and f.tenant_id = d.tenant_id and f.resource_id = d.id order by f.id
    )::uuid[] as finding_ids,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from page r join resources d on d.id = r.id
order by /* TEMPLATE_BEGIN: order */ r.id /* TEMPLATE_END */;

-- name: CountResources :one
-- Purpose: how many resources ListResources pages over.
-- Index: resource_counts_pkey, resources_place, resources_failed, resources_updated, resources_tenant_id_provider_id_uid_key,
-- providers_pkey, scans_latest.
with way as materialized (
    select coalesce(sum(c.resources), 0) <= sqlc.arg('few')::bigint as few
    from resource_counts c join providers p on p.tenant_id = c.tenant_id and p.id = c.provider_id and p.deleted_at is null
    where /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
)
select ((
    select count(*) from resources r join providers p on p.tenant_id = r.tenant_id and p.id = r.provider_id and p.deleted_at is null
    where not (select w.few from way w) and (not @scanned::boolean or exists (
            select from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
        )) and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
) + (
    select count(*) from providers p cross join lateral (
        select x.* from resources x where x.tenant_id = p.tenant_id and x.provider_id = p.id offset 0
    ) r
    where (select w.few from way w) and octet_length(r.name) >= 0 and p.deleted_at is null and (not @scanned::boolean or exists (
            select from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
        )) and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
))::bigint as count;

-- name: CountResourcesOfProviders :one
-- Purpose: the same number when nothing but providers is asked for: it is kept for each of them.
-- Index: resource_counts_pkey, providers_pkey, scans_latest.
select coalesce(sum(c.resources), 0)::bigint from resource_counts c join providers p on p.tenant_id = c.tenant_id and p.id = c.provider_id and p.deleted_at is null
where (not @scanned::boolean or exists (
        select from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
    )) and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */;

-- name: GetResource :one
-- Purpose: one resource, with the newest finding of each uid that completed scans made about it.
-- Index: resources_pkey, providers_pkey, resource_tags_pkey, resource_groups_pkey, findings_resource.
select d.id, d.provider_id, d.uid, d.name, d.region, d.service, d.type, d.metadata, d.details, d.partition, d.failed_findings_count,
    d.inserted_at, d.updated_at,
    (select jsonb_object_agg(t.key, t.value order by t.value desc) from resource_tags t where t.tenant_id = d.tenant_id and t.resource_id = d.id)::jsonb as tags,
    array(select g.name from resource_groups g where g.tenant_id = d.tenant_id and g.resource_id = d.id order by g.name)::text[] as groups,
    array(
        select n.id from (
            select distinct on (f.uid) f.id
            from findings f cross join lateral (select from scans s where s.tenant_id = f.tenant_id and s.id = f.scan_id and s.state = 'completed' limit 1) s
            where @with_findings::boolean and f.tenant_id = d.tenant_id and f.resource_id = d.id
            order by f.uid, f.id desc
        ) n order by n.id
    )::uuid[] as finding_ids,
    ''::text as position
from resources d join providers p on p.tenant_id = d.tenant_id and p.id = d.provider_id and p.deleted_at is null
where d.id = @id;

-- name: ListResourceGroups :many
-- Purpose: all groups that checks put resources in.
-- Index: resource_groups_pkey.
select distinct g.name from resource_groups g
join resources r on r.tenant_id = g.tenant_id and r.id = g.resource_id
join providers p on p.tenant_id = r.tenant_id and p.id = r.provider_id and p.deleted_at is null
order by g.name;

-- name: GetResourceAccount :one
-- Purpose: where a resource is, and its account with the sealed credentials, if there are any.
-- Index: resources_pkey, providers_pkey, provider_secrets_tenant_id_provider_id_key.
select d.uid, d.region, p.provider, p.uid as account, k.id as secret_id, k.secret as secret
from resources d join providers p on p.tenant_id = d.tenant_id and p.id = d.provider_id and p.deleted_at is null
left join provider_secrets k on k.tenant_id = p.tenant_id and k.provider_id = p.id
where d.id = @id;
