-- Aggregates of a scan. They are made in the transaction that completes the scan, so that nobody sees one without the other,
-- and made again from scratch by a recount: delete, then insert. A finding has one resource: the limit makes each look its own
-- up by the key, because the statistics of a scan that was just stored let the planner choose joins that are quadratic.

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

-- name: DeleteScanSummaries :exec
-- Purpose: make room for a recount.
-- Index: scan_summaries_pkey.
delete from scan_summaries where scan_id = @scan_id;

-- name: InsertScanSummaries :exec
-- Purpose: count a scan's findings per check, service, severity and region, and the service and region of their resources;
-- after InsertScanResourceSummaries. Muted findings count in total, muted_* and *_muted only, manual ones in total and the deltas.
-- The limit keeps the planner from joining the two new sets, of which it knows nothing yet, with each other first.
-- Index: findings_scan, resource_finding_mappings_pkey, scan_resource_summaries_pkey.
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
from findings f
cross join lateral (select x.resource_id from resource_finding_mappings x where x.finding_id = f.id limit 1) m
cross join lateral (
    select o.service, o.region from scan_resource_summaries o where o.scan_id = f.scan_id and o.resource_id = m.resource_id limit 1
) r
where f.scan_id = @scan_id
group by f.tenant_id, f.provider_id, f.scan_id, f.check_id, f.service, f.severity, f.region, r.service, r.region;

-- name: DeleteScanResourceSummaries :exec
-- Purpose: make room for a recount.
-- Index: scan_resource_summaries_pkey.
delete from scan_resource_summaries where scan_id = @scan_id;

-- name: InsertScanResourceSummaries :exec
-- Purpose: which resources a scan saw, with the service, region and type of the last finding about each.
-- Index: findings_scan, resource_finding_mappings_pkey.
insert into scan_resource_summaries (tenant_id, provider_id, scan_id, resource_id, service, region, resource_type)
select distinct on (m.resource_id) f.tenant_id, f.provider_id, f.scan_id, m.resource_id, f.service, f.region, f.resource_type
from findings f
cross join lateral (select x.resource_id from resource_finding_mappings x where x.finding_id = f.id limit 1) m
where f.scan_id = @scan_id
order by m.resource_id, f.id desc;

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

-- name: DeleteScanCategorySummaries :exec
-- Purpose: make room for a recount.
-- Index: scan_category_summaries_pkey.
delete from scan_category_summaries where scan_id = @scan_id;

-- name: InsertScanCategorySummaries :exec
-- Purpose: count a scan's findings that are not muted per category and severity. They are counted per content first: a
-- few rows are joined with the categories instead of every finding.
-- Index: findings_scan, check_metadata_categories_pkey.
with counted as materialized (
    select f.tenant_id, f.provider_id, f.scan_id, f.check_metadata_id, f.severity, count(*) as total,
        count(*) filter (where f.status = 'FAIL') as failed,
        count(*) filter (where f.status = 'FAIL' and f.delta = 'new') as new_failed
    from findings f
    where f.scan_id = @scan_id and not f.muted
    group by f.tenant_id, f.provider_id, f.scan_id, f.check_metadata_id, f.severity
)
insert into scan_category_summaries (tenant_id, provider_id, scan_id, category, severity, total_findings, failed_findings,
    new_failed_findings)
select n.tenant_id, n.provider_id, n.scan_id, c.category, n.severity, sum(n.total), sum(n.failed), sum(n.new_failed)
from counted n join check_metadata_categories c on c.check_metadata_id = n.check_metadata_id
group by n.tenant_id, n.provider_id, n.scan_id, c.category, n.severity;

-- name: DeleteScanResourceGroupSummaries :exec
-- Purpose: make room for a recount.
-- Index: scan_resource_group_summaries_pkey.
delete from scan_resource_group_summaries where scan_id = @scan_id;

-- name: InsertScanResourceGroupSummaries :exec
-- Purpose: count a scan's findings that are not muted per resource group and severity; resources_count is the group's
-- number of resources, the same on each of its rows.
-- Index: findings_scan, resource_finding_mappings_pkey.
with counted as (
    select f.tenant_id, f.provider_id, f.scan_id, f.resource_group, f.severity, count(*) as total,
        count(*) filter (where f.status = 'FAIL') as failed,
        count(*) filter (where f.status = 'FAIL' and f.delta = 'new') as new_failed
    from findings f
    where f.scan_id = @scan_id and not f.muted and f.resource_group is not null
    group by f.tenant_id, f.provider_id, f.scan_id, f.resource_group, f.severity
), resources_of as (
    select f.resource_group, count(distinct m.resource_id) as resources
    from findings f
    cross join lateral (select x.resource_id from resource_finding_mappings x where x.finding_id = f.id limit 1) m
    where f.scan_id = @scan_id and not f.muted and f.resource_group is not null
    group by f.resource_group
)
insert into scan_resource_group_summaries (tenant_id, provider_id, scan_id, resource_group, severity, total_findings,
    failed_findings, new_failed_findings, resources_count)
select c.tenant_id, c.provider_id, c.scan_id, c.resource_group, c.severity, c.total, c.failed, c.new_failed, r.resources
from counted c join resources_of r on r.resource_group = c.resource_group;

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
-- Index: scan_summaries_pkey, findings_check, check_metadata_categories_pkey.
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

-- name: ClearFailedFindingsOfResources :exec
-- Purpose: resources of the provider about which the scan has no failure that is not muted have none; of a scan with a scope only
-- those that it saw: it did not look at the others. NOT IN becomes a hashed subplan whatever the planner knows of the tables; a
-- join with a misjudged side was quadratic.
-- Index: resources_tenant_id_provider_id_uid_key, findings_scan, resource_finding_mappings_pkey, scan_resource_summaries_pkey.
update resources r set failed_findings_count = 0
where r.provider_id = @provider_id and r.failed_findings_count <> 0
and ((select s.scope is null from scans s where s.id = @scan_id)
    or r.id in (select x.resource_id from scan_resource_summaries x where x.scan_id = @scan_id))
and r.id not in (
    select m.resource_id from findings f
    cross join lateral (select x.resource_id from resource_finding_mappings x where x.finding_id = f.id limit 1) m
    where f.scan_id = @scan_id and f.status_rank = 1 and not f.muted
);

-- name: CountFailedFindingsOfResources :exec
-- Purpose: set failed_findings_count of the resources that the scan found failures on. Rows whose number stays are not touched.
-- Index: resources_pkey, findings_scan, resource_finding_mappings_pkey.
with failed as materialized (
    select m.resource_id, count(*)::integer as failures
    from findings f
    cross join lateral (select x.resource_id from resource_finding_mappings x where x.finding_id = f.id limit 1) m
    where f.scan_id = @scan_id and f.status_rank = 1 and not f.muted
    group by m.resource_id
)
update resources r set failed_findings_count = n.failures
from failed n where r.id = n.resource_id and r.failed_findings_count <> n.failures;

-- name: RecountFailedFindings :exec
-- Purpose: bring failed_findings_count up to date with a scan whose findings were muted, on the resources whose numbers are its:
-- those that no later scan saw and, of a scan with a scope, that it saw itself. The two sides are added up rather than joined, and
-- what differs is locked in the order in which scans write resources.
-- Index: findings_scan, resource_finding_mappings_pkey, resources_tenant_id_provider_id_uid_key, resources_pkey, scans_latest,
-- scan_resource_summaries_pkey.
with due as (
    select x.id, sum(x.failures)::integer as failures
    from (
        select m.resource_id as id, 1 as failures, 0 as counted
        from findings f
        cross join lateral (select y.resource_id from resource_finding_mappings y where y.finding_id = f.id limit 1) m
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

-- name: CompleteScan :execrows
-- Purpose: switch a scan to completed, with its duration, the number of distinct resources and the range of its findings'
-- ids, by which lists find them. No row: the scan is not executing any more, and nothing that was aggregated may stand.
-- Index: scans_pkey, scan_resource_summaries_pkey, findings_scan.
update scans s set state = 'completed', progress = 100, completed_at = now(), updated_at = now(),
    duration = extract(epoch from now() - coalesce(s.started_at, now()))::integer,
    unique_resource_count = (select count(*) from scan_resource_summaries r where r.scan_id = s.id),
    (first_finding_id, last_finding_id) = (
        select min(f.id::text collate "C")::uuid, max(f.id::text collate "C")::uuid from findings f where f.scan_id = s.id
    )
where s.id = @scan_id and s.state = 'executing';

-- name: DeleteScanChecks :exec
-- Purpose: make room for a recount of the checks of a scan.
-- Index: scan_check_summaries_pkey, scan_check_places_pkey.
with places as (delete from scan_check_places p where p.scan_id = @scan_id)
delete from scan_check_summaries s where s.scan_id = @scan_id;

-- name: InsertScanChecks :exec
-- Purpose: count each check of a scan, and each of the check's places, in one pass: a place is what the findings of a check that
-- lists of groups filter by have in common. Resources are distinct ones, so the numbers of places add up to that of the check
-- unless some resource is in two of them; then the places of the check keep their resources.
-- Index: findings_scan, resource_finding_mappings_pkey.
with counted as materialized (
    select f.tenant_id, f.provider_id, f.scan_id, f.check_id, f.check_metadata_id, f.severity_rank, f.delta, f.service, f.region,
        f.resource_type, f.resource_group, grouping(f.service) = 1 as whole,
        count(*) filter (where f.status_rank = 2 and not f.muted)::integer as pass,
        count(*) filter (where f.status_rank = 1 and not f.muted)::integer as fail,
        count(*) filter (where f.status_rank = 3 and not f.muted)::integer as manual,
        count(*) filter (where f.status_rank = 2 and f.muted)::integer as pass_muted,
        count(*) filter (where f.status_rank = 1 and f.muted)::integer as fail_muted,
        count(*) filter (where f.status_rank = 3 and f.muted)::integer as manual_muted,
        array_agg(distinct m.resource_id) as resource_ids,
        coalesce(array_agg(distinct m.resource_id) filter (where f.status_rank = 1 and not f.muted), '{}') as failing_ids,
        min(f.first_seen_at) as first_seen_at,
        min(f.first_seen_at) filter (where f.delta = 'new' and not f.muted) as new_since,
        max(f.inserted_at) as last_seen_at,
        min(f.first_seen_at) filter (where f.status_rank = 1 and not f.muted) as failing_since
    from findings f
    cross join lateral (select x.resource_id from resource_finding_mappings x where x.finding_id = f.id limit 1) m
    where f.scan_id = @scan_id
    group by f.tenant_id, f.provider_id, f.scan_id, f.check_id, grouping sets ((),
        (f.check_metadata_id, f.severity_rank, f.delta, f.service, f.region, f.resource_type, f.resource_group))
), checks as materialized (
    select p.check_id, max(p.check_metadata_id::text)::uuid as check_metadata_id, min(p.severity_rank) as severity_rank,
        sum(cardinality(p.resource_ids)) as resources,
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
    from counted p where not p.whole group by p.check_id
), written as (
    insert into scan_check_summaries (tenant_id, provider_id, scan_id, check_id, check_metadata_id, severity_rank,
        pass, fail, manual, pass_muted, fail_muted, manual_muted,
        new_pass, new_fail, new_manual, new_pass_muted, new_fail_muted, new_manual_muted,
        changed_pass, changed_fail, changed_manual, changed_pass_muted, changed_fail_muted, changed_manual_muted,
        resources_total, resources_fail, first_seen_at, last_seen_at, failing_since)
    select w.tenant_id, w.provider_id, w.scan_id, w.check_id, c.check_metadata_id, c.severity_rank,
        w.pass, w.fail, w.manual, w.pass_muted, w.fail_muted, w.manual_muted,
        c.new_pass, c.new_fail, c.new_manual, c.new_pass_muted, c.new_fail_muted, c.new_manual_muted,
        c.changed_pass, c.changed_fail, c.changed_manual, c.changed_pass_muted, c.changed_fail_muted, c.changed_manual_muted,
        cardinality(w.resource_ids), cardinality(w.failing_ids), w.new_since, w.last_seen_at, w.failing_since
    from counted w join checks c on c.check_id = w.check_id where w.whole
)
insert into scan_check_places (tenant_id, provider_id, scan_id, check_id, number, check_metadata_id, severity_rank, delta,
    service, region, resource_type, resource_group, pass, fail, manual, pass_muted, fail_muted, manual_muted, resources_total,
    resources_fail, resource_ids, failing_ids, first_seen_at, last_seen_at, failing_since)
select p.tenant_id, p.provider_id, p.scan_id, p.check_id,
    row_number() over (partition by p.check_id order by p.service, p.region, p.resource_type, p.resource_group, p.severity_rank, p.delta,
        p.check_metadata_id)::integer,
    p.check_metadata_id, p.severity_rank, p.delta, p.service, p.region, p.resource_type,
    p.resource_group, p.pass, p.fail, p.manual, p.pass_muted, p.fail_muted, p.manual_muted, cardinality(p.resource_ids),
    cardinality(p.failing_ids), case when c.resources <> cardinality(w.resource_ids) then p.resource_ids end,
    case when c.resources <> cardinality(w.resource_ids) then p.failing_ids end, p.first_seen_at, p.last_seen_at, p.failing_since
from counted p join checks c on c.check_id = p.check_id join counted w on w.whole and w.check_id = p.check_id
where not p.whole;
