-- What a scan found, as files about compliance frameworks tell it.

-- name: CountFileFindings :many
-- Purpose: how many findings a scan has of each check, muted ones included.
-- Index: scan_summaries_pkey.
select m.check_id, sum(m.total)::bigint as findings
from scan_summaries m where m.scan_id = @scan_id
group by m.check_id;

-- name: ListFileFindings :many
-- Purpose: findings of some checks of a completed scan with what they are about, by check, region and id. Of each check that
-- are page_size at most, those behind a region and an id: checks that have more are asked for alone, page by page.
-- Index: scans_pkey, providers_pkey, findings_place, resources_pkey.
select f.id, f.check_id, f.region, f.status, coalesce(f.status_extended, '')::text as status_extended, f.muted,
    r.uid as resource_uid, r.name as resource_name
from scans s
join providers p on p.tenant_id = s.tenant_id and p.id = s.provider_id and p.deleted_at is null
cross join (select unnest(@check_ids::text[]) as check_id) k
cross join lateral (
    select g.tenant_id, g.id, g.check_id, g.region, g.status, g.status_extended, g.muted, g.resource_id from findings g
    where g.scan_id = s.id and g.id >= s.first_finding_id and g.id <= s.last_finding_id and g.check_id = k.check_id
        and (g.region, g.id) > (@after_region::text, @after_id::uuid)
    order by g.region, g.id limit @page_size::bigint
) f
join resources r on r.tenant_id = f.tenant_id and r.id = f.resource_id
where s.id = @scan_id and s.state = 'completed'
order by f.check_id, f.region, f.id;
