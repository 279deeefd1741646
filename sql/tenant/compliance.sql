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
select r.id, r.framework, r.name, r.version, r.requirements, true as shared
from catalogue_framework_revisions r where r.id = any(@ids::uuid[])
union all
select r.id, r.framework, r.name, r.version, r.requirements, false
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
-- that the newest of them was held against comes first. watched leaves the frameworks that the tenant watches, if it watches some.
-- Index: scan_compliance_pkey, compliance_watchlist_pkey.
select c.compliance_id, c.revision_id, bit_or(c.failures)::text as failures
from scan_compliance c
where c.scan_id = any(@scan_ids::uuid[]) and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
    and (not @watched::boolean or not exists (select from compliance_watchlist)
        or c.compliance_id in (select w.compliance_id from compliance_watchlist w))
group by c.compliance_id, c.revision_id
order by c.compliance_id, max(c.scan_id::text collate "C") desc;

-- name: ListComplianceByScan :many
-- Purpose: what each of chosen scans says about a framework, in all regions together.
-- Index: scan_compliance_pkey.
select c.scan_id, c.revision_id, c.failures::text as failures
from scan_compliance c
where c.scan_id = any(@scan_ids::uuid[]) and c.region = '' and c.compliance_id = @compliance_id
order by c.scan_id desc;

-- name: ListComplianceRegions :many
-- Purpose: the regions that chosen scans have something to say about, each with the frameworks.
-- Index: scan_compliance_pkey.
select c.region, c.compliance_id, c.revision_id
from scan_compliance c
where c.scan_id = any(@scan_ids::uuid[]) and c.region <> '' and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
group by c.region, c.compliance_id, c.revision_id
order by c.region;

-- name: CountCheckFindings :many
-- Purpose: the findings of chosen scans that count, by check.
-- Index: scan_summaries_pkey.
select c.check_id, sum(c.pass)::bigint as passed, sum(c.pass + c.fail)::bigint as total
from scan_summaries c
where c.scan_id = any(@scan_ids::uuid[]) and c.check_id = any(@check_ids::text[]) and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
group by c.check_id;

-- name: FindFramework :many
-- Purpose: the content of a framework as it is now, for the first of the provider types that have it.
-- Index: catalogue_frameworks_pkey; the table is small.
select f.provider, f.content from catalogue_frameworks f
where f.framework_id = @framework_id and f.provider = any(@providers::text[])
order by array_position(@providers::text[], f.provider) limit 1;

-- name: ForgetVersionOfUnheldScans :execrows
-- Purpose: have completed scans counted again that were held against no framework, though there is something to hold against those
-- that their providers' types have now.
-- Index: scans_counted, providers_pkey, catalogue_frameworks_pkey, scan_compliance_pkey, scan_summaries_pkey.
update scans s set aggregates_version = 0
where s.state = 'completed' and s.aggregates_version <> 0
    and exists (select from providers p join catalogue_frameworks f on f.provider = p.provider where p.id = s.provider_id and p.deleted_at is null)
    and not exists (select from scan_compliance c where c.scan_id = s.id and c.region = '' and not starts_with(c.compliance_id, 'custom_'))
    and exists (select from scan_summaries m where m.scan_id = s.id and m.pass + m.fail > 0);
