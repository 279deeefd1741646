-- Purpose: CountFindingsInSummaries of sql/tenant, with its parameters. Written by go test ./internal/bench -update.
with chosen as materialized (
    select l.id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit $6::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), parts as materialized (
    select s.id, s.first_finding_id, s.last_finding_id, (/* TEMPLATE_BEGIN: whole */ true /* TEMPLATE_END */)
        and not exists (select from scan_recounts c where c.scan_id = s.id) as whole,
        (select g.total from scan_figures g where $7::boolean and g.scan_id = s.id and g.everywhere and g.region = '') as total
    from chosen s
)
select (coalesce((
    select sum(parts.total) from parts where parts.whole
), 0) + coalesce((
    select sum(
        case when $1::boolean then
            case when $2::boolean then f.fail else 0 end + case when $3::boolean then f.pass else 0 end
            + case when $4::boolean then f.total - f.muted - f.fail - f.pass else 0 end
        else 0 end
        + case when $5::boolean then
            case when $2::boolean then f.fail_muted else 0 end + case when $3::boolean then f.pass_muted else 0 end
            + case when $4::boolean then f.muted - f.fail_muted - f.pass_muted else 0 end
        else 0 end)
    from parts cross join lateral (
        select f.tenant_id, f.provider_id, f.scan_id, f.check_id, f.service, f.severity, f.region, f.resource_service, f.resource_region, f.pass, f.fail, f.muted, f.total, f.new, f.changed, f.unchanged, f.fail_new, f.fail_changed, f.pass_new, f.pass_changed, f.muted_new, f.muted_changed, f.pass_muted, f.fail_muted, f.severity_rank, f.inserted_at from scan_summaries f where parts.whole and parts.total is null and f.scan_id = parts.id and /* TEMPLATE_BEGIN: summary */ true /* TEMPLATE_END */ offset 0
    ) f
), 0) + (
    select coalesce(sum(f.count), 0) from parts cross join lateral (
        select count(*) as count from findings f
        where f.scan_id = parts.id and f.id >= parts.first_finding_id and f.id <= parts.last_finding_id
            and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
    ) f
    where not parts.whole
))::bigint as count
