-- Figures over the newest completed scan of each provider, from the scans' aggregates.

-- name: OverviewFindings :one
-- Purpose: all counters of findings, summed. The rows of scan_figures and scan_services are those of all regions together
-- (everywhere), or those of the regions that the filters leave.
-- Index: scans_latest, scan_figures_pkey.
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
from chosen join scan_figures m on m.scan_id = chosen.id
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: OverviewSeverities :one
-- Purpose: findings that are not muted per severity.
-- Index: scans_latest, scan_figures_pkey.
with chosen as materialized (
    select l.id
    from providers p cross join lateral (
        select s.id from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
        order by s.inserted_at desc, s.id desc limit 1
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
)
select coalesce(sum(m.fail_by_severity[1]), 0)::bigint as fail_critical, coalesce(sum(m.fail_by_severity[2]), 0)::bigint as fail_high,
    coalesce(sum(m.fail_by_severity[3]), 0)::bigint as fail_medium, coalesce(sum(m.fail_by_severity[4]), 0)::bigint as fail_low,
    coalesce(sum(m.fail_by_severity[5]), 0)::bigint as fail_informational,
    coalesce(sum(m.pass_by_severity[1]), 0)::bigint as pass_critical, coalesce(sum(m.pass_by_severity[2]), 0)::bigint as pass_high,
    coalesce(sum(m.pass_by_severity[3]), 0)::bigint as pass_medium, coalesce(sum(m.pass_by_severity[4]), 0)::bigint as pass_low,
    coalesce(sum(m.pass_by_severity[5]), 0)::bigint as pass_informational
from chosen join scan_figures m on m.scan_id = chosen.id
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: OverviewServices :many
-- Purpose: findings per service.
-- Index: scans_latest, scan_services_pkey.
with chosen as materialized (
    select l.id
    from providers p cross join lateral (
        select s.id from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
        order by s.inserted_at desc, s.id desc limit 1
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
)
select m.service, sum(m.total)::bigint as total, sum(m.fail)::bigint as fail, sum(m.muted)::bigint as muted, sum(m.pass)::bigint as pass
from chosen join scan_services m on m.scan_id = chosen.id
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
group by m.service order by m.service;

-- name: OverviewRegions :many
-- Purpose: findings per provider type and region.
-- Index: scans_latest, scan_figures_pkey.
with chosen as materialized (
    select l.id, p.provider, p.provider_rank
    from providers p cross join lateral (
        select s.id from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
        order by s.inserted_at desc, s.id desc limit 1
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
)
select chosen.provider, m.region, sum(m.total)::bigint as total, sum(m.fail)::bigint as fail, sum(m.muted)::bigint as muted,
    sum(m.pass)::bigint as pass
from chosen join scan_figures m on m.scan_id = chosen.id
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
group by chosen.provider, chosen.provider_rank, m.region order by chosen.provider_rank, m.region;

-- name: OverviewProviders :many
-- Purpose: findings and resources per provider type; types without counted findings are absent.
-- Index: scans_latest, scan_figures_pkey, resource_counts_pkey.
select p.provider, sum(m.pass)::bigint as pass, sum(m.fail)::bigint as fail, sum(m.muted)::bigint as muted, sum(m.total)::bigint as total,
    (select coalesce(sum(r.resources), 0) from resource_counts r join providers o on o.tenant_id = r.tenant_id and o.id = r.provider_id
        where o.provider = p.provider and o.deleted_at is null)::bigint as resources
from providers p cross join lateral (
    select s.id from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
    order by s.inserted_at desc, s.id desc limit 1
) l
join scan_figures m on m.scan_id = l.id and m.everywhere
where p.deleted_at is null
group by p.provider order by p.provider;

-- name: OverviewProviderCounts :many
-- Purpose: providers per type.
-- Index: providers_account.
select p.provider, count(*) as count from providers p where p.deleted_at is null group by p.provider, p.provider_rank order by p.provider_rank;

-- name: OverviewAttackSurfaces :many
-- Purpose: findings per attack surface; surfaces without findings are absent.
-- Index: scans_latest, scan_attack_surfaces_pkey.
with chosen as materialized (
    select l.id
    from providers p cross join lateral (
        select s.id from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
        order by s.inserted_at desc, s.id desc limit 1
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
)
select m.surface, sum(m.total_findings)::bigint as total, sum(m.failed_findings)::bigint as failed,
    sum(m.muted_failed_findings)::bigint as muted_failed
from chosen join scan_attack_surfaces m on m.scan_id = chosen.id
group by m.surface;

-- name: OverviewCategories :many
-- Purpose: findings per category, the failed ones by severity.
-- Index: scans_latest, scan_category_summaries_pkey.
with chosen as materialized (
    select l.id
    from providers p cross join lateral (
        select s.id from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
        order by s.inserted_at desc, s.id desc limit 1
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
)
select m.category, sum(m.total_findings)::bigint as total, sum(m.failed_findings)::bigint as failed,
    sum(m.new_failed_findings)::bigint as new_failed,
    coalesce(sum(m.failed_findings) filter (where m.severity = 'critical'), 0)::bigint as critical,
    coalesce(sum(m.failed_findings) filter (where m.severity = 'high'), 0)::bigint as high,
    coalesce(sum(m.failed_findings) filter (where m.severity = 'medium'), 0)::bigint as medium,
    coalesce(sum(m.failed_findings) filter (where m.severity = 'low'), 0)::bigint as low,
    coalesce(sum(m.failed_findings) filter (where m.severity = 'informational'), 0)::bigint as informational
from chosen join scan_category_summaries m on m.scan_id = chosen.id
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
group by m.category order by m.category;

-- name: OverviewResourceGroups :many
-- Purpose: findings per resource group, the failed ones by severity, and resources: each row of a scan's group says how many
-- the group has, so one of them counts.
-- Index: scans_latest, scan_resource_group_summaries_pkey.
with chosen as materialized (
    select l.id
    from providers p cross join lateral (
        select s.id from scans s where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
        order by s.inserted_at desc, s.id desc limit 1
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
)
, grouped as (
    select m.resource_group, sum(m.total_findings) as total, sum(m.failed_findings) as failed, sum(m.new_failed_findings) as new_failed,
        max(m.resources_count) as resources,
        sum(m.failed_findings) filter (where m.severity = 'critical') as critical,
        sum(m.failed_findings) filter (where m.severity = 'high') as high,
        sum(m.failed_findings) filter (where m.severity = 'medium') as medium,
        sum(m.failed_findings) filter (where m.severity = 'low') as low,
        sum(m.failed_findings) filter (where m.severity = 'informational') as informational
    from chosen join scan_resource_group_summaries m on m.scan_id = chosen.id
    where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
    group by m.scan_id, m.resource_group
)
select g.resource_group, sum(g.total)::bigint as total, sum(g.failed)::bigint as failed, sum(g.new_failed)::bigint as new_failed,
    sum(g.resources)::bigint as resources, coalesce(sum(g.critical), 0)::bigint as critical, coalesce(sum(g.high), 0)::bigint as high,
    coalesce(sum(g.medium), 0)::bigint as medium, coalesce(sum(g.low), 0)::bigint as low,
    coalesce(sum(g.informational), 0)::bigint as informational
from grouped g group by g.resource_group order by g.resource_group;

-- name: OverviewSeverityDays :many
-- Purpose: for each provider the last completed scan of every day (UTC) of a range that has one, and of the last such day before
-- it, with the failures of each. It goes from a day's last scan to the last one before that day, so the number of scans does not count.
-- Index: providers_account, scans_completed, scan_severities_pkey.
with recursive days as (
    select p.tenant_id, p.id as provider_id, l.id, l.completed_at
    from providers p cross join lateral (
        select s.id, s.completed_at from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed' and s.completed_at < @until::timestamptz
        order by s.completed_at desc, s.id desc limit 1
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
    union all
    select d.tenant_id, d.provider_id, l.id, l.completed_at
    from days d cross join lateral (
        select s.id, s.completed_at from scans s
        where s.tenant_id = d.tenant_id and s.provider_id = d.provider_id and s.state = 'completed'
            and s.completed_at < date_trunc('day', d.completed_at, 'UTC')
        order by s.completed_at desc, s.id desc limit 1
    ) l
    where d.completed_at >= @since::timestamptz
)
select d.provider_id, d.id as scan_id, d.completed_at::timestamptz as completed_at, m.critical, m.high, m.medium, m.low, m.informational, m.muted
from days d join scan_severities m on m.scan_id = d.id
order by d.completed_at, d.provider_id;
