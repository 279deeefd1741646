-- Purpose: ListFindings of sql/tenant, with its parameters. Written by go test ./internal/bench -update.
with chosen as materialized (
    select l.id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit $4::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), page as (
    select f.id, f.status_rank, f.severity_rank
    from chosen
    cross join (select unnest($5::smallint[]) as status_rank) t
    cross join (select unnest($6::smallint[]) as severity_rank) v
    cross join lateral (
        select f.id, f.status_rank, f.severity_rank from findings f
        where f.scan_id = chosen.id and f.id >= chosen.first_finding_id and f.id <= chosen.last_finding_id
            and f.status_rank = t.status_rank and f.severity_rank = v.severity_rank
            and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
            and (/* TEMPLATE_BEGIN: looked_up */ true /* TEMPLATE_END */) is true
        order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */ limit $7::bigint
    ) f
    order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */ limit $9::bigint offset $8::bigint
)
select
    d.id, d.scan_id, d.uid, d.delta, d.status, d.status_extended, d.severity, d.check_id, d.resource_group, d.raw_result,
    d.inserted_at, d.updated_at, d.first_seen_at, d.muted, d.muted_reason,
    (select case when $1::boolean then c.content end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as check_metadata,
    (select case when $2::boolean then c.content -> 'categories' end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as categories,
    (case when $3::boolean then array[d.resource_id] else '{}' end)::uuid[] as resource_ids,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from page f cross join lateral (
    select g.tenant_id, g.id, g.scan_id, g.check_metadata_id, g.uid, g.delta, g.status, g.status_extended, g.severity, g.check_id,
        g.resource_group, g.raw_result, g.inserted_at, g.updated_at, g.first_seen_at, g.muted, g.muted_reason, g.resource_id
    from findings g where g.id = f.id limit 1
) d
order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */
