-- Figures over the newest completed scan of each provider, from the scans' aggregates.

-- name: OverviewFindings :one
-- Purpose: all counters of findings, summed.
-- Index: scans_latest, scan_summaries_pkey.
with chosen as materialized (
    select l.id
    from providers p cross join lateral (
        select s.id from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
        order by s.inserted_at desc, s.id desc limit 1
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
)
select coalesce(sum(m.new), 0)::bigint as new, coalesce(sum(m.changed), 0)::bigint as changed,
    coalesce(sum(m.unchanged), 0)::bigint as unchanged, coalesce(sum(m.fail_new), 0)::bigint as fail_new,
    coalesce(sum(m.fail_changed), 0)::bigint as fail_changed, coalesce(sum(m.pass_new), 0)::bigint as pass_new,
    coalesce(sum(m.pass_changed), 0)::bigint as pass_changed, coalesce(sum(m.muted_new), 0)::bigint as muted_new,
    coalesce(sum(m.muted_changed), 0)::bigint as muted_changed, coalesce(sum(m.total), 0)::bigint as total,
    coalesce(sum(m.fail), 0)::bigint as fail, coalesce(sum(m.muted), 0)::bigint as muted, coalesce(sum(m.pass), 0)::bigint as pass
from chosen join scan_summaries m on m.scan_id = chosen.id
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: OverviewSeverities :many
-- Purpose: findings that are not muted per severity.
-- Index: scans_latest, scan_summaries_pkey.
with chosen as materialized (
    select l.id
    from providers p cross join lateral (
        select s.id from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
        order by s.inserted_at desc, s.id desc limit 1
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
)
select m.severity, sum(m.fail)::bigint as fail, sum(m.pass)::bigint as pass
from chosen join scan_summaries m on m.scan_id = chosen.id
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
group by m.severity;

-- name: OverviewServices :many
-- Purpose: findings per service.
-- Index: scans_latest, scan_summaries_pkey.
with chosen as materialized (
    select l.id
    from providers p cross join lateral (
        select s.id from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
        order by s.inserted_at desc, s.id desc limit 1
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
)
select m.resource_service as service, sum(m.total)::bigint as total, sum(m.fail)::bigint as fail, sum(m.muted)::bigint as muted, sum(m.pass)::bigint as pass
from chosen join scan_summaries m on m.scan_id = chosen.id
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
group by m.resource_service order by m.resource_service;

-- name: OverviewRegions :many
-- Purpose: findings per provider type and region.
-- Index: scans_latest, scan_summaries_pkey.
with chosen as materialized (
    select l.id, p.provider, p.provider_rank
    from providers p cross join lateral (
        select s.id from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
        order by s.inserted_at desc, s.id desc limit 1
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
)
select chosen.provider, m.resource_region as region, sum(m.total)::bigint as total, sum(m.fail)::bigint as fail, sum(m.muted)::bigint as muted,
    sum(m.pass)::bigint as pass
from chosen join scan_summaries m on m.scan_id = chosen.id
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
group by chosen.provider, chosen.provider_rank, m.resource_region order by chosen.provider_rank, m.resource_region;

-- name: OverviewProviders :many
-- Purpose: findings and resources per provider type; types without counted findings are absent.
-- Index: scans_latest, scan_summaries_pkey, resources_tenant_id_provider_id_uid_key.
select p.provider, sum(c.pass)::bigint as pass, sum(c.fail)::bigint as fail, sum(c.muted)::bigint as muted, sum(c.total)::bigint as total,
    (select count(*) from resources r join providers o on o.tenant_id = r.tenant_id and o.id = r.provider_id
        where o.provider = p.provider and o.deleted_at is null)::bigint as resources
from providers p cross join lateral (
    select s.id from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
    order by s.inserted_at desc, s.id desc limit 1
) l
cross join lateral (
    select sum(m.pass) as pass, sum(m.fail) as fail, sum(m.muted) as muted, sum(m.total) as total
    from scan_summaries m where m.scan_id = l.id having count(*) > 0
) c
where p.deleted_at is null
group by p.provider order by p.provider;

-- name: OverviewProviderCounts :many
-- Purpose: providers per type.
-- Index: providers_account.
select p.provider, count(*) as count from providers p where p.deleted_at is null group by p.provider, p.provider_rank order by p.provider_rank;
