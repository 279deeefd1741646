-- The ThreatScore of scans: what it is made of, and its snapshots.

-- name: GetThreatScoreFramework :one
-- Purpose: the framework by which a scan was scored before, or else that by which its provider type is scored now, of the types that
-- are. No row: the catalogue has none. Before DeleteThreatScore.
-- Index: threatscore_snapshots_pkey, threatscore_frameworks_pkey, scans_pkey, providers_pkey, catalogue_frameworks_pkey.
with held as materialized (
    select t.compliance_id, r.id, r.content from threatscore_snapshots t join threatscore_frameworks r on r.id = t.revision_id
    where t.scan_id = @scan_id
)
select h.compliance_id as framework_id, h.id as revision_id, h.content from held h
union all
select k.framework_id, threatscore_digest(k.content)::uuid, k.content
from scans s join providers p on p.id = s.provider_id
join catalogue_frameworks k on k.provider = p.provider and k.framework_id = 'prowler_threatscore_' || p.provider
where s.id = @scan_id and p.provider = any(@providers::text[]) and not exists (select from held);

-- name: CountFindingsOfChecks :many
-- Purpose: passes and failures that are not muted, by check of a scan; after InsertScanSummaries. No rows: it found nothing.
-- Index: scan_summaries_pkey.
select m.check_id, sum(m.pass)::bigint as passed, sum(m.fail)::bigint as failed
from scan_summaries m where m.scan_id = @scan_id group by m.check_id;

-- name: DeleteThreatScore :exec
-- Purpose: make room for a recount.
-- Index: threatscore_snapshots_pkey.
delete from threatscore_snapshots where scan_id = @scan_id;

-- name: InsertThreatScore :exec
-- Purpose: store the snapshot of a scan that completes in this transaction, or that completed and is counted again.
-- Index: scans_pkey.
insert into threatscore_snapshots (tenant_id, provider_id, scan_id, inserted_at, compliance_id, overall_score, section_scores,
    critical_requirements, total_requirements, passed_requirements, failed_requirements, manual_requirements, total_findings,
    passed_findings, failed_findings, revision_id)
select s.tenant_id, s.provider_id, s.id, coalesce(s.completed_at, now()), @compliance_id, (@overall_score::text)::numeric, @section_scores,
    @critical_requirements, @total_requirements, @passed_requirements, @failed_requirements, @manual_requirements, @total_findings,
    @passed_findings, @failed_findings, sqlc.arg('revision_id')::uuid
from scans s where s.id = @scan_id;

-- name: ListThreatScores :many
-- Purpose: the newest snapshot that the filters leave of each provider, with the score of the provider's snapshot before it.
-- Index: providers_account, threatscore_snapshots_provider.
select t.scan_id, t.provider_id, t.inserted_at, t.compliance_id, t.overall_score::text as overall_score, coalesce(b.overall_score::text, '')::text as earlier_score,
    t.section_scores, t.critical_requirements, t.total_requirements, t.passed_requirements, t.failed_requirements, t.manual_requirements,
    t.total_findings, t.passed_findings, t.failed_findings
from providers p cross join lateral (
    select x.* from threatscore_snapshots x
    where x.tenant_id = p.tenant_id and x.provider_id = p.id and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
    order by x.inserted_at desc, x.scan_id desc limit 1
) t left join lateral (
    select e.overall_score from threatscore_snapshots e
    where e.tenant_id = t.tenant_id and e.provider_id = t.provider_id and (e.inserted_at, e.scan_id) < (t.inserted_at, t.scan_id)
    order by e.inserted_at desc, e.scan_id desc limit 1
) b on true
where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
order by t.provider_id;

-- name: GetThreatScore :one
-- Purpose: one snapshot, with the score of the provider's snapshot before it.
-- Index: threatscore_snapshots_pkey, providers_pkey, threatscore_snapshots_provider.
select t.scan_id, t.provider_id, t.inserted_at, t.compliance_id, t.overall_score::text as overall_score, coalesce(b.overall_score::text, '')::text as earlier_score,
    t.section_scores, t.critical_requirements, t.total_requirements, t.passed_requirements, t.failed_requirements, t.manual_requirements,
    t.total_findings, t.passed_findings, t.failed_findings
from threatscore_snapshots t join providers p on p.id = t.provider_id left join lateral (
    select e.overall_score from threatscore_snapshots e
    where e.tenant_id = t.tenant_id and e.provider_id = t.provider_id and (e.inserted_at, e.scan_id) < (t.inserted_at, t.scan_id)
    order by e.inserted_at desc, e.scan_id desc limit 1
) b on true
where t.scan_id = @scan_id and p.deleted_at is null;
