-- What scans say about compliance frameworks, and the frameworks that they are held against.

-- name: ListFrameworksOfScan :many
-- Purpose: the frameworks that a scan is to be held against: those that it was held against before, or else those that its
-- provider's type has now, of the catalogue and of the tenant's own.
-- Index: scan_compliance_pkey, scans_pkey, providers_pkey, catalogue_frameworks_pkey, compliance_frameworks_pkey.
with held as materialized (
    select c.compliance_id, c.revision_id from scan_compliance c where c.scan_id = @scan_id and c.region = ''
)
select h.compliance_id, h.revision_id from held h
union all
select f.framework_id, f.revision_id::uuid
from scans s join providers p on p.id = s.provider_id join catalogue_frameworks f on f.provider = p.provider
where s.id = @scan_id and f.revision_id is not null and not exists (select from held h where not starts_with(h.compliance_id, 'custom_'))
union all
select w.compliance_id, w.revision_id
from scans s join providers p on p.id = s.provider_id join compliance_frameworks w on w.provider = p.provider
where s.id = @scan_id and not exists (select from held)
order by 1;

-- name: GetFrameworkRevisions :many
-- Purpose: contents of frameworks by their ids: of the catalogue, which all tenants share, and of the tenant's own.
-- Index: catalogue_framework_revisions_pkey, compliance_framework_revisions_pkey.
select r.id, r.framework, r.name, r.version, r.requirements
from catalogue_framework_revisions r where r.id = any(@ids::uuid[])
union all
select r.id, r.framework, r.name, r.version, r.requirements
from compliance_framework_revisions r where r.id = any(@ids::uuid[]);

-- name: ListCheckOutcomes :many
-- Purpose: which checks of a scan have an outcome that counts, and where: muted and manual findings have none.
-- Index: scan_summaries_pkey.
select m.check_id, m.region, bool_or(m.fail > 0)::boolean as failed
from scan_summaries m where m.scan_id = @scan_id and m.fail + m.pass > 0
group by m.check_id, m.region;

-- name: DeleteScanCompliance :exec
-- Purpose: make room for a recount.
-- Index: scan_compliance_pkey.
delete from scan_compliance where scan_id = @scan_id;

-- name: DeleteScanComplianceOf :exec
-- Purpose: make room for what a scan says about one framework.
-- Index: scan_compliance_pkey.
delete from scan_compliance where scan_id = @scan_id and compliance_id = @compliance_id;

-- name: InsertScanCompliance :exec
-- Purpose: store what a scan says about frameworks, all regions at once.
-- Index: scans_pkey.
insert into scan_compliance (tenant_id, provider_id, scan_id, region, compliance_id, revision_id, passed, failed, manual, failures)
select s.tenant_id, s.provider_id, s.id, n.region, n.compliance_id, n.revision_id, n.passed, n.failed, n.manual, n.failures::bit varying
from scans s cross join (
    select unnest(@regions::text[]) as region, unnest(@compliance_ids::text[]) as compliance_id, unnest(@revision_ids::uuid[]) as revision_id,
        unnest(@passed::integer[]) as passed, unnest(@failed::integer[]) as failed, unnest(@manual::integer[]) as manual,
        unnest(@failures::text[]) as failures
) n
where s.id = @scan_id;

-- name: DeleteComplianceSheets :exec
-- Purpose: make room for a recount.
-- Index: scan_compliance_sheets_pkey.
delete from scan_compliance_sheets where scan_id = any(@scan_ids::uuid[]);

-- name: InsertComplianceSheets :exec
-- Purpose: put what each of some scans says about frameworks in all regions together into one row; after InsertScanCompliance.
-- Index: scan_compliance_pkey.
insert into scan_compliance_sheets (tenant_id, provider_id, scan_id, layout_id, compliance_ids, revision_ids, lengths, failures)
select c.tenant_id, c.provider_id, c.scan_id,
    md5(string_agg(c.compliance_id || ' ' || c.revision_id, E'\n' order by c.compliance_id collate "C"))::uuid,
    array_agg(c.compliance_id order by c.compliance_id collate "C"), array_agg(c.revision_id order by c.compliance_id collate "C"),
    array_agg(length(c.failures) order by c.compliance_id collate "C"),
    string_agg(c.failures::text, '' order by c.compliance_id collate "C")::bit varying
from scan_compliance c where c.scan_id = any(@scan_ids::uuid[]) and c.region = ''
group by c.tenant_id, c.provider_id, c.scan_id;

-- name: ListComplianceSheets :many
-- Purpose: what chosen scans say about all frameworks in all regions together, by layout, that of the newest scan first: a
-- requirement failed where it failed in one of them. Beside them which revisions are of frameworks of the tenant's own that are
-- there, and the frameworks that the tenant watches.
-- Index: scan_compliance_sheets_pkey, compliance_framework_revisions_pkey, compliance_watchlist_pkey.
with layouts as materialized (
    select x.layout_id, bit_or(x.failures) as failures, max(x.scan_id::text collate "C") as newest
    from scan_compliance_sheets x where x.scan_id = any(@scan_ids::uuid[]) group by x.layout_id
)
select s.compliance_ids, s.revision_ids, s.lengths, l.failures::text as failures,
    array(select r.id from compliance_framework_revisions r where r.id = any(s.revision_ids))::uuid[] as own,
    array(select w.compliance_id from compliance_watchlist w)::text[] as watched
from layouts l join scan_compliance_sheets s on s.scan_id = l.newest::uuid
order by l.newest desc;

-- name: ChooseScan :many
-- Purpose: a scan by its id, of what type its provider is, and whether it completed within the dates asked for.
-- Index: scans_pkey, providers_pkey.
select s.id, p.provider, (s.state = 'completed' and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */)::boolean as counts
from scans s join providers p on p.id = s.provider_id and p.deleted_at is null
where s.id = @scan_id;

-- name: ChooseNewestScans :many
-- Purpose: the newest completed scan of each provider asked for, if it completed within the dates asked for.
-- Index: scans_latest, provider_group_providers_pkey.
select s.id, p.id as provider_id, p.provider, p.uid, p.alias
from providers p cross join lateral (
    select x.id, x.completed_at from scans x where x.tenant_id = p.tenant_id and x.provider_id = p.id and x.state = 'completed'
    order by x.inserted_at desc, x.id desc limit 1
) s
where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */ and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
order by p.provider_rank, p.inserted_at, p.id;

-- name: ListCompliance :many
-- Purpose: what chosen scans say about frameworks, together: a requirement failed where it failed in one of them. The revision
-- that the newest of them was held against comes first. Where the numbers of one row tell all, failures are only given if
-- detailed. watched leaves the frameworks that the tenant watches, if it watches some. Those of the tenant's own that are gone
-- say nothing.
-- Index: scan_compliance_pkey, compliance_watchlist_pkey, compliance_framework_revisions_pkey.
with found as (
    select c.compliance_id, c.revision_id, bit_or(c.failures) as failures, count(*) as merged, min(c.passed) as passed, min(c.failed) as failed,
        min(c.manual) as manual, max(c.scan_id::text collate "C") as newest
    from scan_compliance c
    where c.scan_id = any(@scan_ids::uuid[]) and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
        and (not @watched::boolean or not exists (select from compliance_watchlist)
            or c.compliance_id in (select w.compliance_id from compliance_watchlist w))
    group by c.compliance_id, c.revision_id
)
select n.compliance_id, n.revision_id, n.passed::integer as passed, n.failed::integer as failed, n.manual::integer as manual,
    (case when @detailed::boolean or n.merged > 1 or count(*) over (partition by n.compliance_id) > 1 then n.failures::text else '' end)::text as failures
from found n
where not starts_with(n.compliance_id, 'custom_') or exists (select from compliance_framework_revisions r where r.id = n.revision_id)
order by n.compliance_id, n.newest desc;

-- name: ListComplianceByScan :many
-- Purpose: what each of chosen scans says about a framework, in all regions together. One of the tenant's own that is gone says
-- nothing.
-- Index: scan_compliance_pkey, compliance_framework_revisions_pkey.
select c.scan_id, c.revision_id, c.failures::text as failures
from scan_compliance c
where c.scan_id = any(@scan_ids::uuid[]) and c.region = '' and c.compliance_id = @compliance_id
    and (not starts_with(c.compliance_id, 'custom_') or exists (select from compliance_framework_revisions r where r.id = c.revision_id))
order by c.scan_id desc;

-- name: ListComplianceRegions :many
-- Purpose: the regions that chosen scans have something to say about, each with the frameworks.
-- Index: scan_compliance_pkey, compliance_framework_revisions_pkey.
select c.region, c.compliance_id, c.revision_id
from scan_compliance c
where c.scan_id = any(@scan_ids::uuid[]) and c.region <> '' and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
    and (not starts_with(c.compliance_id, 'custom_') or exists (select from compliance_framework_revisions r where r.id = c.revision_id))
group by c.region, c.compliance_id, c.revision_id
order by c.region;

-- name: CountCheckFindings :many
-- Purpose: the findings of chosen scans that count, by check.
-- Index: scan_summaries_pkey.
select c.check_id, sum(c.pass)::bigint as passed, sum(c.pass + c.fail)::bigint as total
from scan_summaries c
where c.scan_id = any(@scan_ids::uuid[]) and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
group by c.check_id;

-- name: FindFrameworks :many
-- Purpose: which provider types have a framework of that id, and since when its content is what it is: an import changes the
-- moment, and nothing else changes the content.
-- Index: catalogue_frameworks_pkey.
select f.provider, f.updated_at from catalogue_frameworks f
where f.framework_id = @framework_id and f.provider = any(@providers::text[]);

-- name: GetFrameworkContent :one
-- Purpose: the content of a framework as it is now.
-- Index: catalogue_frameworks_pkey.
select f.updated_at, f.content from catalogue_frameworks f where f.provider = @provider and f.framework_id = @framework_id;

-- name: ForgetVersionOfUnheldScans :execrows
-- Purpose: have completed scans counted again that were held against no framework, though there is something to hold against those
-- that their providers' types have now.
-- Index: scans_counted, providers_pkey, catalogue_frameworks_pkey, scan_compliance_pkey, scan_summaries_pkey.
update scans s set aggregates_version = 0
where s.state = 'completed' and s.aggregates_version <> 0
    and exists (select from providers p join catalogue_frameworks f on f.provider = p.provider where p.id = s.provider_id and p.deleted_at is null)
    and not exists (select from scan_compliance c where c.scan_id = s.id and c.region = '' and not starts_with(c.compliance_id, 'custom_'))
    and exists (select from scan_summaries m where m.scan_id = s.id and m.pass + m.fail > 0);
