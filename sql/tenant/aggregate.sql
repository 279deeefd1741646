-- Aggregates of a scan. They are made in the transaction that completes the scan, so that nobody sees one without the other,
-- and made again from scratch by a recount: delete, then insert. The statistics of a scan that was just stored let the planner
-- choose joins that are quadratic, so findings are joined with nothing, or in a way that can only be hashed or merged.

-- name: LockAggregates :exec
-- Purpose: the scans of a provider are counted one at a time, whether they complete or are counted again.
-- Index: none.
select pg_advisory_xact_lock(hashtextextended('aggregates ' || (@provider_id::uuid)::text, 0));

-- name: GetScanToCount :one
-- Purpose: the state of a scan, and whether numbers on resources are its: no scan of everything in the provider completed after
-- it. It is not deleted before the transaction ends.
-- Index: scans_pkey, scans_latest.
select s.state, not exists (
        select from scans o where o.provider_id = s.provider_id and o.state = 'completed' and o.completed_at > s.completed_at
        and o.scope is null
    ) as numbers
from scans s where s.id = @scan_id for key share of s;

-- name: PreferHashing :exec
-- Purpose: have what follows in this transaction grouped by hashing, or as the planner likes again. It believes that a scan has as
-- many groups as findings, and sorts them all, on the disk.
-- Index: none.
select set_config('enable_sort', case when @preferred::boolean then 'off' else 'on' end, true);

-- name: DeleteScanSummaries :exec
-- Purpose: make room for a recount.
-- Index: scan_summaries_pkey.
delete from scan_summaries where scan_id = @scan_id;

-- name: InsertScanSummaries :exec
-- Purpose: count a scan's findings per check, service, severity and region, and the service and region of their resources;
-- after InsertScanResourceSummaries. Muted findings count in total, muted_* and *_muted only, manual ones in total and the deltas.
-- Every finding has its resource there, and the other way round: the join is a full one because that cannot be a nested loop.
-- Index: findings_scan, scan_resource_summaries_pkey.
insert into scan_summaries (tenant_id, provider_id, scan_id, check_id, service, severity, region,
    resource_service, resource_region, pass, fail, muted, total, new, changed, unchanged, fail_new, fail_changed, pass_new,
    pass_changed, muted_new, muted_changed, pass_muted, fail_muted)
select f.tenant_id, f.provider_id, f.scan_id, f.check_id, f.service, f.severity, f.region, r.service, r.region,
    count(*) filter (where f.status = 'PASS' and not f.muted),
    count(*) filter (where f.status = 'FAIL' and not f.muted),
    count(*) filter (where f.muted),
    count(*),
    count(*) filter (where f.delta = 'new' and not f.muted),
    count(*) filter (where f.delta = 'changed' and not f.muted),
    count(*) filter (where f.delta is null and not f.muted),
    count(*) filter (where f.delta = 'new' and f.status = 'FAIL' and not f.muted),
    count(*) filter (where f.delta = 'changed' and f.status = 'FAIL' and not f.muted),
    count(*) filter (where f.delta = 'new' and f.status = 'PASS' and not f.muted),
    count(*) filter (where f.delta = 'changed' and f.status = 'PASS' and not f.muted),
    count(*) filter (where f.delta = 'new' and f.muted),
    count(*) filter (where f.delta = 'changed' and f.muted),
    count(*) filter (where f.status = 'PASS' and f.muted),
    count(*) filter (where f.status = 'FAIL' and f.muted)
from (select * from findings x where x.scan_id = @scan_id) f
full join (
    select o.resource_id, o.service, o.region from scan_resource_summaries o where o.scan_id = @scan_id
) r on r.resource_id = f.resource_id
group by f.tenant_id, f.provider_id, f.scan_id, f.check_id, f.service, f.severity, f.region, r.service, r.region;

-- name: DeleteScanResourceSummaries :exec
-- Purpose: make room for a recount.
-- Index: scan_resource_summaries_pkey.
delete from scan_resource_summaries where scan_id = @scan_id;

-- name: InsertScanResourceSummaries :exec
-- Purpose: which resources a scan saw, with the service, region and type of the last finding about each. Nearly all resources
-- have one place: the last of the places is looked for, not that of the findings.
-- Index: findings_scan.
with places as (
    select f.tenant_id, f.provider_id, f.scan_id, f.resource_id, f.service, f.region, f.resource_type, max(f.id::text collate "C") as last
    from findings f where f.scan_id = @scan_id
    group by f.tenant_id, f.provider_id, f.scan_id, f.resource_id, f.service, f.region, f.resource_type
)
insert into scan_resource_summaries (tenant_id, provider_id, scan_id, resource_id, service, region, resource_type)
select distinct on (p.resource_id) p.tenant_id, p.provider_id, p.scan_id, p.resource_id, p.service, p.region, p.resource_type
from places p order by p.resource_id, p.last desc;

-- name: DeleteScanPlaces :exec
-- Purpose: make room for a recount.
-- Index: scan_places_pkey.
delete from scan_places where scan_id = @scan_id;

-- name: InsertScanPlaces :exec
-- Purpose: the distinct services, regions and types of the resources that a scan saw; after InsertScanResourceSummaries.
-- Index: scan_resource_summaries_pkey.
insert into scan_places (tenant_id, provider_id, scan_id, service, region, resource_type)
select distinct r.tenant_id, r.provider_id, r.scan_id, r.service, r.region, r.resource_type
from scan_resource_summaries r where r.scan_id = @scan_id;

-- name: DeleteScanChecks :exec
-- Purpose: make room for a recount of the checks of a scan.
-- Index: scan_check_summaries_pkey, scan_check_places_pkey.
with places as (delete from scan_check_places p where p.scan_id = @scan_id)
delete from scan_check_summaries s where s.scan_id = @scan_id;

-- name: InsertScanChecks :exec
-- Purpose: count each check of a scan, and each of the check's places: a place is what the findings of a check that lists of groups
-- filter by have in common. Resources are distinct ones. Nearly all checks find one thing about a resource, and then findings are
-- counted; of the others the resources are gathered. The numbers of places add up to that of the check unless some resource is in
-- two of them; then the places of the check keep their resources.
-- Index: findings_scan.
with repeated as materialized (
    select d.check_id from (
        select f.check_id, f.resource_id from findings f where f.scan_id = @scan_id group by f.check_id, f.resource_id having count(*) > 1
    ) d
    group by d.check_id
), counted as materialized (
    select f.tenant_id, f.provider_id, f.scan_id, f.check_id, f.check_metadata_id, f.severity_rank, f.delta, f.service, f.region,
        f.resource_type, f.resource_group, count(*)::integer as total,
        count(*) filter (where f.status_rank = 2 and not f.muted)::integer as pass,
        count(*) filter (where f.status_rank = 1 and not f.muted)::integer as fail,
        count(*) filter (where f.status_rank = 3 and not f.muted)::integer as manual,
        count(*) filter (where f.status_rank = 2 and f.muted)::integer as pass_muted,
        count(*) filter (where f.status_rank = 1 and f.muted)::integer as fail_muted,
        count(*) filter (where f.status_rank = 3 and f.muted)::integer as manual_muted,
        array_agg(f.resource_id) filter (where f.check_id in (select r.check_id from repeated r)) as resource_ids,
        array_agg(f.resource_id) filter (
            where f.status_rank = 1 and not f.muted and f.check_id in (select r.check_id from repeated r)
        ) as failing_ids,
        min(f.first_seen_at) as first_seen_at,
        min(f.first_seen_at) filter (where f.delta = 'new' and not f.muted) as new_since,
        max(f.inserted_at) as last_seen_at,
        min(f.first_seen_at) filter (where f.status_rank = 1 and not f.muted) as failing_since
    from findings f
    where f.scan_id = @scan_id
    group by f.tenant_id, f.provider_id, f.scan_id, f.check_id, f.check_metadata_id, f.severity_rank, f.delta, f.service, f.region,
        f.resource_type, f.resource_group
), places as materialized (
    select c.tenant_id, c.provider_id, c.scan_id, c.check_id, c.check_metadata_id, c.severity_rank, c.delta, c.service, c.region,
        c.resource_type, c.resource_group, c.pass, c.fail, c.manual, c.pass_muted, c.fail_muted, c.manual_muted,
        coalesce(cardinality(d.resource_ids), c.total) as resources, coalesce(cardinality(d.failing_ids), c.fail) as failing,
        d.resource_ids, d.failing_ids, c.first_seen_at, c.new_since, c.last_seen_at, c.failing_since
    from counted c cross join lateral (
        select case when c.resource_ids is not null then array(select distinct x.id from unnest(c.resource_ids) x(id) order by x.id) end as resource_ids,
            case when c.resource_ids is not null then array(select distinct x.id from unnest(c.failing_ids) x(id) order by x.id) end as failing_ids
    ) d
), distinct_resources as materialized (
    select d.check_id, count(*)::integer as resources from (
        select distinct p.check_id, x.id from places p cross join lateral unnest(p.resource_ids) x(id)
    ) d
    group by d.check_id
), distinct_failing as materialized (
    select d.check_id, count(*)::integer as failing from (
        select distinct p.check_id, x.id from places p cross join lateral unnest(p.failing_ids) x(id)
    ) d
    group by d.check_id
), checks as materialized (
    select p.tenant_id, p.provider_id, p.scan_id, p.check_id, max(p.check_metadata_id::text)::uuid as check_metadata_id,
        min(p.severity_rank) as severity_rank, sum(p.pass) as pass, sum(p.fail) as fail, sum(p.manual) as manual,
        sum(p.pass_muted) as pass_muted, sum(p.fail_muted) as fail_muted, sum(p.manual_muted) as manual_muted,
        sum(p.resources) as resources, sum(p.failing) as failing,
        min(p.new_since) as new_since, max(p.last_seen_at) as last_seen_at, min(p.failing_since) as failing_since,
        coalesce(sum(p.pass) filter (where p.delta = 'new'), 0) as new_pass,
        coalesce(sum(p.fail) filter (where p.delta = 'new'), 0) as new_fail,
        coalesce(sum(p.manual) filter (where p.delta = 'new'), 0) as new_manual,
        coalesce(sum(p.pass_muted) filter (where p.delta = 'new'), 0) as new_pass_muted,
        coalesce(sum(p.fail_muted) filter (where p.delta = 'new'), 0) as new_fail_muted,
        coalesce(sum(p.manual_muted) filter (where p.delta = 'new'), 0) as new_manual_muted,
        coalesce(sum(p.pass) filter (where p.delta = 'changed'), 0) as changed_pass,
        coalesce(sum(p.fail) filter (where p.delta = 'changed'), 0) as changed_fail,
        coalesce(sum(p.manual) filter (where p.delta = 'changed'), 0) as changed_manual,
        coalesce(sum(p.pass_muted) filter (where p.delta = 'changed'), 0) as changed_pass_muted,
        coalesce(sum(p.fail_muted) filter (where p.delta = 'changed'), 0) as changed_fail_muted,
        coalesce(sum(p.manual_muted) filter (where p.delta = 'changed'), 0) as changed_manual_muted
    from places p group by p.tenant_id, p.provider_id, p.scan_id, p.check_id
), written as (
    insert into scan_check_summaries (tenant_id, provider_id, scan_id, check_id, check_metadata_id, severity_rank,
        pass, fail, manual, pass_muted, fail_muted, manual_muted,
        new_pass, new_fail, new_manual, new_pass_muted, new_fail_muted, new_manual_muted,
        changed_pass, changed_fail, changed_manual, changed_pass_muted, changed_fail_muted, changed_manual_muted,
        resources_total, resources_fail, first_seen_at, last_seen_at, failing_since)
    select c.tenant_id, c.provider_id, c.scan_id, c.check_id, c.check_metadata_id, c.severity_rank,
        c.pass, c.fail, c.manual, c.pass_muted, c.fail_muted, c.manual_muted,
        c.new_pass, c.new_fail, c.new_manual, c.new_pass_muted, c.new_fail_muted, c.new_manual_muted,
        c.changed_pass, c.changed_fail, c.changed_manual, c.changed_pass_muted, c.changed_fail_muted, c.changed_manual_muted,
        coalesce(r.resources, c.resources), coalesce(n.failing, c.failing), c.new_since, c.last_seen_at, c.failing_since
    from checks c left join distinct_resources r on r.check_id = c.check_id left join distinct_failing n on n.check_id = c.check_id
)
insert into scan_check_places (tenant_id, provider_id, scan_id, check_id, number, check_metadata_id, severity_rank, delta,
    service, region, resource_type, resource_group, pass, fail, manual, pass_muted, fail_muted, manual_muted, resources_total,
    resources_fail, resource_ids, failing_ids, first_seen_at, last_seen_at, failing_since)
select p.tenant_id, p.provider_id, p.scan_id, p.check_id,
    row_number() over (partition by p.check_id order by p.service, p.region, p.resource_type, p.resource_group, p.severity_rank, p.delta,
        p.check_metadata_id)::integer,
    p.check_metadata_id, p.severity_rank, p.delta, p.service, p.region, p.resource_type,
    p.resource_group, p.pass, p.fail, p.manual, p.pass_muted, p.fail_muted, p.manual_muted, p.resources,
    p.failing, case when r.resources <> c.resources then p.resource_ids end,
    case when r.resources <> c.resources then p.failing_ids end, p.first_seen_at, p.last_seen_at, p.failing_since
from places p join checks c on c.check_id = p.check_id left join distinct_resources r on r.check_id = p.check_id;

-- name: DeleteScanCategorySummaries :exec
-- Purpose: make room for a recount.
-- Index: scan_category_summaries_pkey.
delete from scan_category_summaries where scan_id = @scan_id;

-- name: InsertScanCategorySummaries :exec
-- Purpose: count a scan's findings that are not muted per category and severity; after InsertScanChecks.
-- Index: scan_check_places_pkey, check_metadata_categories_pkey.
with counted as materialized (
    select p.tenant_id, p.provider_id, p.scan_id, p.check_metadata_id, p.severity_rank, sum(p.pass + p.fail + p.manual) as total,
        sum(p.fail) as failed, coalesce(sum(p.fail) filter (where p.delta = 'new'), 0) as new_failed
    from scan_check_places p
    where p.scan_id = @scan_id and p.pass + p.fail + p.manual > 0
    group by p.tenant_id, p.provider_id, p.scan_id, p.check_metadata_id, p.severity_rank
)
insert into scan_category_summaries (tenant_id, provider_id, scan_id, category, severity, total_findings, failed_findings,
    new_failed_findings)
select n.tenant_id, n.provider_id, n.scan_id, c.category,
    (array['critical', 'high', 'medium', 'low', 'informational'])[n.severity_rank], sum(n.total), sum(n.failed), sum(n.new_failed)
from counted n join check_metadata_categories c on c.check_metadata_id = n.check_metadata_id
group by n.tenant_id, n.provider_id, n.scan_id, c.category, n.severity_rank;

-- name: DeleteScanResourceGroupSummaries :exec
-- Purpose: make room for a recount.
-- Index: scan_resource_group_summaries_pkey.
delete from scan_resource_group_summaries where scan_id = @scan_id;

-- name: InsertScanResourceGroupSummaries :exec
-- Purpose: count a scan's findings that are not muted per resource group and severity; resources_count is the group's
-- number of resources, the same on each of its rows. After InsertScanChecks.
-- Index: scan_check_places_pkey, findings_scan.
with counted as materialized (
    select p.tenant_id, p.provider_id, p.scan_id, p.resource_group, p.severity_rank, sum(p.pass + p.fail + p.manual) as total,
        sum(p.fail) as failed, coalesce(sum(p.fail) filter (where p.delta = 'new'), 0) as new_failed
    from scan_check_places p
    where p.scan_id = @scan_id and p.resource_group is not null and p.pass + p.fail + p.manual > 0
    group by p.tenant_id, p.provider_id, p.scan_id, p.resource_group, p.severity_rank
), resources_of as materialized (
    select d.resource_group, count(*) as resources
    from (
        select distinct f.resource_group, f.resource_id from findings f
        where f.scan_id = @scan_id and not f.muted and f.resource_group is not null
    ) d
    group by d.resource_group
)
insert into scan_resource_group_summaries (tenant_id, provider_id, scan_id, resource_group, severity, total_findings,
    failed_findings, new_failed_findings, resources_count)
select c.tenant_id, c.provider_id, c.scan_id, c.resource_group,
    (array['critical', 'high', 'medium', 'low', 'informational'])[c.severity_rank], c.total, c.failed, c.new_failed, r.resources
from counted c join resources_of r on r.resource_group = c.resource_group;

-- name: DeleteScanFigures :exec
-- Purpose: make room for a recount.
-- Index: scan_figures_pkey.
delete from scan_figures where scan_id = @scan_id;

-- name: InsertScanFigures :exec
-- Purpose: add a scan's summaries up, over all regions together and by region; after InsertScanSummaries. A scan that found nothing
-- has none.
-- Index: scan_summaries_pkey.
insert into scan_figures (tenant_id, provider_id, scan_id, everywhere, region, pass, fail, muted, total, new, changed, unchanged,
    fail_new, fail_changed, pass_new, pass_changed, muted_new, muted_changed, fail_by_severity, pass_by_severity)
select m.tenant_id, m.provider_id, m.scan_id, grouping(m.resource_region) = 1, coalesce(m.resource_region, ''), sum(m.pass), sum(m.fail),
    sum(m.muted), sum(m.total), sum(m.new), sum(m.changed), sum(m.unchanged), sum(m.fail_new), sum(m.fail_changed), sum(m.pass_new),
    sum(m.pass_changed), sum(m.muted_new), sum(m.muted_changed),
    array[coalesce(sum(m.fail) filter (where m.severity = 'critical'), 0), coalesce(sum(m.fail) filter (where m.severity = 'high'), 0),
        coalesce(sum(m.fail) filter (where m.severity = 'medium'), 0), coalesce(sum(m.fail) filter (where m.severity = 'low'), 0),
        coalesce(sum(m.fail) filter (where m.severity = 'informational'), 0)]::integer[],
    array[coalesce(sum(m.pass) filter (where m.severity = 'critical'), 0), coalesce(sum(m.pass) filter (where m.severity = 'high'), 0),
        coalesce(sum(m.pass) filter (where m.severity = 'medium'), 0), coalesce(sum(m.pass) filter (where m.severity = 'low'), 0),
        coalesce(sum(m.pass) filter (where m.severity = 'informational'), 0)]::integer[]
from scan_summaries m where m.scan_id = @scan_id
group by m.tenant_id, m.provider_id, m.scan_id, grouping sets ((), (m.resource_region));

-- name: DeleteScanServices :exec
-- Purpose: make room for a recount.
-- Index: scan_services_pkey.
delete from scan_services where scan_id = @scan_id;

-- name: InsertScanServices :exec
-- Purpose: the same for each service; after InsertScanSummaries.
-- Index: scan_summaries_pkey.
insert into scan_services (tenant_id, provider_id, scan_id, everywhere, region, service, pass, fail, muted, total)
select m.tenant_id, m.provider_id, m.scan_id, grouping(m.resource_region) = 1, coalesce(m.resource_region, ''), m.resource_service,
    sum(m.pass), sum(m.fail), sum(m.muted), sum(m.total)
from scan_summaries m where m.scan_id = @scan_id
group by m.tenant_id, m.provider_id, m.scan_id, grouping sets ((m.resource_service), (m.resource_service, m.resource_region));

-- name: DeleteScanSeverities :exec
-- Purpose: make room for a recount.
-- Index: scan_severities_pkey.
delete from scan_severities where scan_id = @scan_id;

-- name: InsertScanSeverities :exec
-- Purpose: sum a scan's failures that are not muted by severity, and its muted findings; after InsertScanSummaries. A scan that
-- found nothing has a row too: its day is a day without failures.
-- Index: scans_pkey, scan_summaries_pkey.
insert into scan_severities (tenant_id, provider_id, scan_id, critical, high, medium, low, informational, muted)
select s.tenant_id, s.provider_id, s.id, coalesce(sum(m.fail) filter (where m.severity = 'critical'), 0),
    coalesce(sum(m.fail) filter (where m.severity = 'high'), 0), coalesce(sum(m.fail) filter (where m.severity = 'medium'), 0),
    coalesce(sum(m.fail) filter (where m.severity = 'low'), 0), coalesce(sum(m.fail) filter (where m.severity = 'informational'), 0),
    coalesce(sum(m.muted), 0)
from scans s left join scan_summaries m on m.scan_id = s.id
where s.id = @scan_id group by s.tenant_id, s.provider_id, s.id;

-- name: DeleteScanAttackSurfaces :exec
-- Purpose: make room for a recount.
-- Index: scan_attack_surfaces_pkey.
delete from scan_attack_surfaces where scan_id = @scan_id;

-- name: InsertScanAttackSurfaces :exec
-- Purpose: count a scan's findings per attack surface; after InsertScanSummaries. A check belongs to one surface at most: the
-- last that it fits in the order of the overview. Its categories are those that its last finding carries: one look for each check.
-- Index: scan_summaries_pkey, findings_place, check_metadata_categories_pkey.
with counted as materialized (
    select m.tenant_id, m.provider_id, m.scan_id, m.check_id, sum(m.total) as total, sum(m.fail) as failed, sum(m.fail_muted) as muted_failed
    from scan_summaries m where m.scan_id = @scan_id group by m.tenant_id, m.provider_id, m.scan_id, m.check_id
), placed as materialized (
    select n.*, case
        when p.provider = 'aws' and n.check_id in ('ec2_instance_imdsv2_enabled', 'ec2_instance_account_imdsv2_enabled') then 'ec2-imdsv1'
        when p.provider in ('aws', 'kubernetes')
            and n.check_id in ('iam_policy_allows_privilege_escalation', 'iam_inline_policy_allows_privilege_escalation') then 'privilege-escalation'
        when k.secrets then 'secrets'
        when k.exposed then 'internet-exposed'
    end as surface
    from counted n join providers p on p.tenant_id = n.tenant_id and p.id = n.provider_id
    cross join lateral (
        select f.check_metadata_id from findings f
        where f.tenant_id = n.tenant_id and f.scan_id = n.scan_id and f.check_id = n.check_id order by f.id desc limit 1
    ) l
    cross join lateral (
        select coalesce(bool_or(c.category = 'secrets'), false) as secrets, coalesce(bool_or(c.category = 'internet-exposed'), false) as exposed
        from check_metadata_categories c where c.tenant_id = n.tenant_id and c.check_metadata_id = l.check_metadata_id
    ) k
)
insert into scan_attack_surfaces (tenant_id, provider_id, scan_id, surface, total_findings, failed_findings, muted_failed_findings)
select d.tenant_id, d.provider_id, d.scan_id, d.surface, sum(d.total), sum(d.failed), sum(d.muted_failed)
from placed d where d.surface is not null group by d.tenant_id, d.provider_id, d.scan_id, d.surface;

-- name: CountFailedFindingsOfResources :exec
-- Purpose: the failures that are not muted of each resource of the provider: those of the scan, and none where it has none; of a
-- scan with a scope only where it saw the resource: it did not look at the others. Rows whose number stays are not touched. The two
-- sides are added up rather than joined: a join with a misjudged side was quadratic.
-- Index: findings_scan, resources_tenant_id_provider_id_uid_key, resources_pkey, scan_resource_summaries_pkey.
with due as (
    select x.id, sum(x.failures)::integer as failures
    from (
        select f.resource_id as id, 1 as failures, 0 as counted from findings f
        where f.scan_id = @scan_id and f.status_rank = 1 and not f.muted
        union all
        select r.id, 0, r.failed_findings_count from resources r where r.provider_id = @provider_id and r.failed_findings_count <> 0
        and ((select s.scope is null from scans s where s.id = @scan_id)
            or r.id in (select y.resource_id from scan_resource_summaries y where y.scan_id = @scan_id))
    ) x
    group by x.id having sum(x.failures) <> sum(x.counted)
)
update resources r set failed_findings_count = d.failures from due d where r.id = d.id;

-- name: RecountFailedFindings :exec
-- Purpose: bring failed_findings_count up to date with a scan whose findings were muted, on the resources whose numbers are its:
-- those that no later scan saw and, of a scan with a scope, that it saw itself. The two sides are added up rather than joined, and
-- what differs is locked in the order in which scans write resources.
-- Index: findings_scan, resources_tenant_id_provider_id_uid_key, resources_pkey, scans_latest, scan_resource_summaries_pkey.
with due as (
    select x.id, sum(x.failures)::integer as failures
    from (
        select f.resource_id as id, 1 as failures, 0 as counted from findings f
        where f.scan_id = @scan_id and f.status_rank = 1 and not f.muted
        union all
        select r.id, 0, r.failed_findings_count from resources r where r.provider_id = @provider_id and r.failed_findings_count <> 0
        and ((select s.scope is null from scans s where s.id = @scan_id)
            or r.id in (select y.resource_id from scan_resource_summaries y where y.scan_id = @scan_id))
    ) x
    where x.id not in (
        select y.resource_id from scan_resource_summaries y
        where y.scan_id = any(array( -- as an array: joined, the resources of all scans were compared with each other
            select o.id from scans s join scans o on o.provider_id = s.provider_id and o.state = 'completed' and o.completed_at > s.completed_at
            where s.id = @scan_id
        ))
    )
    group by x.id having sum(x.failures) <> sum(x.counted)
), held as (
    select r.id, d.failures from due d join resources r on r.id = d.id order by r.uid for no key update of r
)
update resources r set failed_findings_count = h.failures from held h where r.id = h.id;

-- name: CompleteScan :one
-- Purpose: switch a scan to completed, with its duration, the number of distinct resources and the range of its findings'
-- ids, by which lists find them: the offset has the scan's own looked through, not all ids from the first or the last on. Zero:
-- the scan is not executing any more, and nothing that was aggregated may stand. It completes now and not when the transaction began,
-- which may have counted for long: who read the lists meanwhile has not seen it. Its ThreatScore has the same moment.
-- Index: scans_pkey, scan_resource_summaries_pkey, findings_scan, threatscore_snapshots_pkey.
with completed as (
    update scans s set state = 'completed', progress = 100, completed_at = clock_timestamp(), updated_at = clock_timestamp(),
        duration = extract(epoch from clock_timestamp() - coalesce(s.started_at, now()))::integer,
        unique_resource_count = (select count(*) from scan_resource_summaries r where r.scan_id = s.id),
        first_finding_id = (select x.id from (select f.id from findings f where f.scan_id = @scan_id offset 0) x order by x.id limit 1),
        last_finding_id = (select x.id from (select f.id from findings f where f.scan_id = @scan_id offset 0) x order by x.id desc limit 1)
    where s.id = @scan_id and s.state = 'executing' returning s.tenant_id, s.id, s.completed_at
), scored as (
    update threatscore_snapshots t set inserted_at = c.completed_at from completed c where t.tenant_id = c.tenant_id and t.scan_id = c.id
)
select count(*) from completed;
