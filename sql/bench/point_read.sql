-- Purpose: GetFindings of sql/tenant, with its parameters. Written by go test ./internal/bench -update.
select
    d.id, d.scan_id, d.uid, d.delta, d.status, d.status_extended, d.severity, d.check_id, d.resource_group, d.raw_result,
    d.inserted_at, d.updated_at, d.first_seen_at, d.muted, d.muted_reason,
    (select case when $1::boolean then c.content end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as check_metadata,
    (select case when $2::boolean then c.content -> 'categories' end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as categories,
    (case when $3::boolean then array[d.resource_id] else '{}' end)::uuid[] as resource_ids,
    ''::text as position
from (select unnest($4::uuid[]) as id) f cross join lateral (
    select g.tenant_id, g.id, g.scan_id, g.check_metadata_id, g.uid, g.delta, g.status, g.status_extended, g.severity, g.check_id,
        g.resource_group, g.raw_result, g.inserted_at, g.updated_at, g.first_seen_at, g.muted, g.muted_reason, g.resource_id
    from findings g where g.id = f.id limit 1
) d
join scans s on s.tenant_id = d.tenant_id and s.id = d.scan_id and s.state = 'completed'
join providers p on p.tenant_id = s.tenant_id and p.id = s.provider_id and p.deleted_at is null
