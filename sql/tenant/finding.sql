-- Reading findings. Only those of completed scans of providers that are not being deleted exist for readers: every query
-- starts from such scans (the CTE "chosen": all, or the newest of each provider) and asks each of them for its own best
-- rows, because one index range over several scans has no order. A scan knows the range of its findings' ids, which
-- leaves out partitions. Conditions at the marker "looked_up" are about other tables: they are asked for each row of the walk along an
-- index, where a join would read all that they choose for each range.

-- name: ListFindings :many
-- Purpose: a page of findings in an order of status, severity and time. Each status and severity of each scan is one
-- range of the index that is in order already, so a page costs the rows that it shows, however large the scan.
-- Index: scans_latest, findings_scan, findings_pkey, check_metadata_pkey.
with chosen as materialized (
    select l.id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), page as (
    select f.id, f.status_rank, f.severity_rank
    from chosen
    cross join (select unnest(@status_ranks::smallint[]) as status_rank) t
    cross join (select unnest(@severity_ranks::smallint[]) as severity_rank) v
    cross join lateral (
        select f.id, f.status_rank, f.severity_rank from findings f
        where f.scan_id = chosen.id and f.id >= chosen.first_finding_id and f.id <= chosen.last_finding_id
            and f.status_rank = t.status_rank and f.severity_rank = v.severity_rank
            and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
            and (/* TEMPLATE_BEGIN: looked_up */ true /* TEMPLATE_END */) is true
        order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */ limit @depth::bigint
    ) f
    order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */ limit @page_size::bigint offset @page_offset::bigint
)
select
    d.id, d.scan_id, d.uid, d.delta, d.status, d.status_extended, d.severity, d.check_id, d.resource_group, d.raw_result,
    d.inserted_at, d.updated_at, d.first_seen_at, d.muted, d.muted_reason,
    (select case when @with_metadata::boolean then c.content end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as check_metadata,
    (select case when @with_categories::boolean then c.content -> 'categories' end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as categories,
    (case when @with_resources::boolean then array[d.resource_id] else '{}' end)::uuid[] as resource_ids,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from page f cross join lateral (
    select g.tenant_id, g.id, g.scan_id, g.check_metadata_id, g.uid, g.delta, g.status, g.status_extended, g.severity, g.check_id,
        g.resource_group, g.raw_result, g.inserted_at, g.updated_at, g.first_seen_at, g.muted, g.muted_reason, g.resource_id
    from findings g where g.id = f.id limit 1
) d
order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */;

-- name: ListFindingsByTime :many
-- Purpose: a page of findings of any number of scans, by time alone: one walk along the ids.
-- Index: scans_latest, findings_pkey, check_metadata_pkey.
with chosen as materialized (
    select l.id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), page as (
    select f.id
    from findings f join chosen on chosen.id = f.scan_id
    where f.id >= (select min(c.first_finding_id::text) from chosen c)::uuid and f.id <= (select max(c.last_finding_id::text) from chosen c)::uuid
        and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
            and (/* TEMPLATE_BEGIN: looked_up */ true /* TEMPLATE_END */) is true
    order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */ limit @page_size::bigint offset @page_offset::bigint
)
select
    d.id, d.scan_id, d.uid, d.delta, d.status, d.status_extended, d.severity, d.check_id, d.resource_group, d.raw_result,
    d.inserted_at, d.updated_at, d.first_seen_at, d.muted, d.muted_reason,
    (select case when @with_metadata::boolean then c.content end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as check_metadata,
    (select case when @with_categories::boolean then c.content -> 'categories' end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as categories,
    (case when @with_resources::boolean then array[d.resource_id] else '{}' end)::uuid[] as resource_ids,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from page f cross join lateral (
    select g.tenant_id, g.id, g.scan_id, g.check_metadata_id, g.uid, g.delta, g.status, g.status_extended, g.severity, g.check_id,
        g.resource_group, g.raw_result, g.inserted_at, g.updated_at, g.first_seen_at, g.muted, g.muted_reason, g.resource_id
    from findings g where g.id = f.id limit 1
) d
order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */;

-- name: ListSightings :many
-- Purpose: a page of the sightings of one finding, which the condition names: from them to their scans, of which there may be very many.
-- Index: findings_history, scans_pkey, providers_pkey, findings_pkey, check_metadata_pkey.
with page as (
    select f.id
    from findings f
    cross join lateral (
        select s.id, s.provider_id from scans s where s.tenant_id = f.tenant_id and s.id = f.scan_id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */ limit 1
    ) s
    join providers p on p.tenant_id = f.tenant_id and p.id = s.provider_id and p.deleted_at is null
    where /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */ and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
    order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */ limit @page_size::bigint offset @page_offset::bigint
)
select
    d.id, d.scan_id, d.uid, d.delta, d.status, d.status_extended, d.severity, d.check_id, d.resource_group, d.raw_result,
    d.inserted_at, d.updated_at, d.first_seen_at, d.muted, d.muted_reason,
    (select case when @with_metadata::boolean then c.content end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as check_metadata,
    (select case when @with_categories::boolean then c.content -> 'categories' end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as categories,
    (case when @with_resources::boolean then array[d.resource_id] else '{}' end)::uuid[] as resource_ids,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from page f cross join lateral (
    select g.tenant_id, g.id, g.scan_id, g.check_metadata_id, g.uid, g.delta, g.status, g.status_extended, g.severity, g.check_id,
        g.resource_group, g.raw_result, g.inserted_at, g.updated_at, g.first_seen_at, g.muted, g.muted_reason, g.resource_id
    from findings g where g.id = f.id limit 1
) d
order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */;

-- name: ListFindingsInOrder :many
-- Purpose: a page of findings in any other order.
-- Index: scans_latest, findings_place or findings_scan, findings_pkey, check_metadata_pkey.
with chosen as materialized (
    select l.id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), page as (
    select f.id, f.status_rank, f.severity_rank, f.check_id, f.updated_at
    from chosen
    cross join lateral (
        select f.id, f.status_rank, f.severity_rank, f.check_id, f.updated_at from findings f
        where f.scan_id = chosen.id and f.id >= chosen.first_finding_id and f.id <= chosen.last_finding_id
            and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
            and (/* TEMPLATE_BEGIN: looked_up */ true /* TEMPLATE_END */) is true
        order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */ limit @depth::bigint
    ) f
    order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */ limit @page_size::bigint offset @page_offset::bigint
)
select
    d.id, d.scan_id, d.uid, d.delta, d.status, d.status_extended, d.severity, d.check_id, d.resource_group, d.raw_result,
    d.inserted_at, d.updated_at, d.first_seen_at, d.muted, d.muted_reason,
    (select case when @with_metadata::boolean then c.content end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as check_metadata,
    (select case when @with_categories::boolean then c.content -> 'categories' end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as categories,
    (case when @with_resources::boolean then array[d.resource_id] else '{}' end)::uuid[] as resource_ids,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from page f cross join lateral (
    select g.tenant_id, g.id, g.scan_id, g.check_metadata_id, g.uid, g.delta, g.status, g.status_extended, g.severity, g.check_id,
        g.resource_group, g.raw_result, g.inserted_at, g.updated_at, g.first_seen_at, g.muted, g.muted_reason, g.resource_id
    from findings g where g.id = f.id limit 1
) d
order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */;

-- name: ListFindingsOfPlaces :many
-- Purpose: a page of the findings that filters leave which places can answer, when they are few: all findings of the checks and
-- regions that have some are read, and of a scan whose places are not counted all there are.
-- Index: scans_latest, scan_check_places_pkey, findings_place, findings_pkey, check_metadata_pkey.
with chosen as materialized (
    select l.id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), places as materialized (
    select c.id as scan_id, c.first_finding_id, c.last_finding_id, k.check_id, k.region
    from chosen c cross join lateral (
        select distinct f.check_id, f.region from scan_check_places f
        where f.scan_id = c.id and (not @muted::boolean or f.pass_muted + f.fail_muted + f.manual_muted > 0
                or exists (select from scan_recounts r where r.scan_id = c.id))
            and /* TEMPLATE_BEGIN: placed */ true /* TEMPLATE_END */
    ) k
), uncounted as materialized (
    select c.id, c.first_finding_id, c.last_finding_id from chosen c
    where not exists (select from scan_check_places k where k.scan_id = c.id)
), page as (
    select f.id, f.status_rank, f.severity_rank, f.check_id, f.updated_at from (
        select f.id, f.status_rank, f.severity_rank, f.check_id, f.updated_at
        from places c cross join lateral (
            select x.tenant_id, x.id, x.scan_id, x.check_id, x.check_metadata_id, x.uid, x.uid_hash, x.status_rank, x.severity_rank, x.muted, x.delta,
                x.updated_at, x.service, x.region, x.resource_type, x.resource_group, x.resource_id
            from findings x
            where x.scan_id = c.scan_id and x.check_id = c.check_id and x.region = c.region and x.id >= c.first_finding_id
                and x.id <= c.last_finding_id offset 0
        ) f where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
        union all
        select f.id, f.status_rank, f.severity_rank, f.check_id, f.updated_at
        from uncounted c cross join lateral (
            select x.tenant_id, x.id, x.scan_id, x.check_id, x.check_metadata_id, x.uid, x.uid_hash, x.status_rank, x.severity_rank, x.muted, x.delta,
                x.updated_at, x.service, x.region, x.resource_type, x.resource_group, x.resource_id
            from findings x
            where x.scan_id = c.id and x.id >= c.first_finding_id and x.id <= c.last_finding_id offset 0
        ) f where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
    ) f
    order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */ limit @page_size::bigint offset @page_offset::bigint
)
select
    d.id, d.scan_id, d.uid, d.delta, d.status, d.status_extended, d.severity, d.check_id, d.resource_group, d.raw_result,
    d.inserted_at, d.updated_at, d.first_seen_at, d.muted, d.muted_reason,
    (select case when @with_metadata::boolean then c.content end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as check_metadata,
    (select case when @with_categories::boolean then c.content -> 'categories' end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as categories,
    (case when @with_resources::boolean then array[d.resource_id] else '{}' end)::uuid[] as resource_ids,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from page f cross join lateral (
    select g.tenant_id, g.id, g.scan_id, g.check_metadata_id, g.uid, g.delta, g.status, g.status_extended, g.severity, g.check_id,
        g.resource_group, g.raw_result, g.inserted_at, g.updated_at, g.first_seen_at, g.muted, g.muted_reason, g.resource_id
    from findings g where g.id = f.id limit 1
) d
order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */;

-- name: ListFindingsOfResources :many
-- Purpose: a page of the findings that filters leave of which some are about resources, when those are few (CountFindingsOfResources):
-- all findings about them are read.
-- Index: scans_latest, resources_name, resources_tenant_id_provider_id_uid_key, findings_resource, findings_pkey, check_metadata_pkey.
with chosen as materialized (
    select l.id, l.provider_id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.provider_id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), sought as materialized (
    select o.id, p.provider_id from (select distinct c.provider_id from chosen c) p cross join lateral (
        select fr.id from resources fr where fr.provider_id = p.provider_id and /* TEMPLATE_BEGIN: resources */ true /* TEMPLATE_END */ offset 0
    ) o
), pairs as materialized (
    select c.id as scan_id, c.first_finding_id, c.last_finding_id, o.id as resource_id
    from sought o join chosen c on c.provider_id = o.provider_id limit sqlc.arg('few')::bigint + 1
), page as (
    select f.id, f.status_rank, f.severity_rank, f.check_id, f.updated_at
    from pairs c cross join lateral (
        select x.tenant_id, x.id, x.scan_id, x.check_id, x.check_metadata_id, x.uid, x.uid_hash, x.status_rank, x.severity_rank, x.muted, x.delta,
            x.updated_at, x.service, x.region, x.resource_type, x.resource_group, x.resource_id
        from findings x
        where x.resource_id = c.resource_id and x.scan_id = c.scan_id and x.id >= c.first_finding_id and x.id <= c.last_finding_id offset 0
    ) f where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
    order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */ limit @page_size::bigint offset @page_offset::bigint
)
select
    d.id, d.scan_id, d.uid, d.delta, d.status, d.status_extended, d.severity, d.check_id, d.resource_group, d.raw_result,
    d.inserted_at, d.updated_at, d.first_seen_at, d.muted, d.muted_reason,
    (select case when @with_metadata::boolean then c.content end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as check_metadata,
    (select case when @with_categories::boolean then c.content -> 'categories' end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as categories,
    (case when @with_resources::boolean then array[d.resource_id] else '{}' end)::uuid[] as resource_ids,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from page f cross join lateral (
    select g.tenant_id, g.id, g.scan_id, g.check_metadata_id, g.uid, g.delta, g.status, g.status_extended, g.severity, g.check_id,
        g.resource_group, g.raw_result, g.inserted_at, g.updated_at, g.first_seen_at, g.muted, g.muted_reason, g.resource_id
    from findings g where g.id = f.id limit 1
) d
order by /* TEMPLATE_BEGIN: order */ f.id desc /* TEMPLATE_END */;

-- name: CountFindings :one
-- Purpose: how many findings the list pages over, counted one by one.
-- Index: scans_latest, findings_scan.
with chosen as materialized (
    select l.id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
)
select coalesce(sum(f.count), 0)::bigint as count from chosen cross join lateral (
    select count(*) as count from findings f
    where f.scan_id = chosen.id and f.id >= chosen.first_finding_id and f.id <= chosen.last_finding_id
        and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
) f;

-- name: CountSightings :one
-- Purpose: how many sightings of one finding there are, which the condition names.
-- Index: findings_history, scans_pkey, providers_pkey.
select count(*)
from findings f
cross join lateral (
    select s.id, s.provider_id from scans s where s.tenant_id = f.tenant_id and s.id = f.scan_id and s.state = 'completed'
        and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */ limit 1
) s
join providers p on p.tenant_id = f.tenant_id and p.id = s.provider_id and p.deleted_at is null
where /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */ and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: CountFindingsInSummaries :one
-- Purpose: the same number from the scans' aggregates, for filters that they can answer: summary is such a condition on
-- their rows, the flags say which findings count. A scan that the dates cut, or whose aggregates are behind what was muted
-- (whole is false for it), is counted one by one. When all findings of a scan count (everything), their number is kept.
-- Index: scans_latest, scan_figures_pkey, scan_summaries_pkey, findings_scan, scan_recounts_scan.
with chosen as materialized (
    select l.id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), parts as materialized (
    select s.id, s.first_finding_id, s.last_finding_id, (/* TEMPLATE_BEGIN: whole */ true /* TEMPLATE_END */)
        and not exists (select from scan_recounts c where c.scan_id = s.id) as whole,
        (select g.total from scan_figures g where @everything::boolean and g.scan_id = s.id and g.everywhere and g.region = '') as total
    from chosen s
)
select (coalesce((
    select sum(parts.total) from parts where parts.whole
), 0) + coalesce((
    select sum(
        case when @with_unmuted::boolean then
            case when @with_fail::boolean then f.fail else 0 end + case when @with_pass::boolean then f.pass else 0 end
            + case when @with_manual::boolean then f.total - f.muted - f.fail - f.pass else 0 end
        else 0 end
        + case when @with_muted::boolean then
            case when @with_fail::boolean then f.fail_muted else 0 end + case when @with_pass::boolean then f.pass_muted else 0 end
            + case when @with_manual::boolean then f.muted - f.fail_muted - f.pass_muted else 0 end
        else 0 end)
    from parts cross join lateral (
        select f.* from scan_summaries f where parts.whole and parts.total is null and f.scan_id = parts.id and /* TEMPLATE_BEGIN: summary */ true /* TEMPLATE_END */ offset 0
    ) f
), 0) + (
    select coalesce(sum(f.count), 0) from parts cross join lateral (
        select count(*) as count from findings f
        where f.scan_id = parts.id and f.id >= parts.first_finding_id and f.id <= parts.last_finding_id
            and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
    ) f
    where not parts.whole
))::bigint as count;

-- name: CountFindingsInPlaces :one
-- Purpose: the same number for the filters that the places of checks can answer: placed is such a condition on their rows. A scan whose
-- places are not counted is counted one by one too. Near is how many findings there are at all in the checks and regions that
-- have some: what it takes to read those that are left without an order to go by; total is how many the scans have.
-- Index: scans_latest, scan_check_places_pkey, findings_scan, scan_recounts_scan.
with chosen as materialized (
    select l.id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), parts as materialized (
    select s.id, s.first_finding_id, s.last_finding_id, (/* TEMPLATE_BEGIN: whole */ true /* TEMPLATE_END */)
        and not exists (select from scan_recounts c where c.scan_id = s.id)
        and exists (select from scan_check_places k where k.scan_id = s.id) as whole
    from chosen s
), places as materialized (
    select parts.id as scan_id, f.check_id, f.region, sum(f.total) as total, sum(f.counted) filter (where f.placed) as counted
    from parts cross join lateral (
        select f.check_id, f.region, f.pass + f.fail + f.manual + f.pass_muted + f.fail_muted + f.manual_muted as total,
            case when @with_unmuted::boolean then
                case when @with_fail::boolean then f.fail else 0 end + case when @with_pass::boolean then f.pass else 0 end
                + case when @with_manual::boolean then f.manual else 0 end
            else 0 end
            + case when @with_muted::boolean then
                case when @with_fail::boolean then f.fail_muted else 0 end + case when @with_pass::boolean then f.pass_muted else 0 end
                + case when @with_manual::boolean then f.manual_muted else 0 end
            else 0 end as counted,
            (/* TEMPLATE_BEGIN: placed */ true /* TEMPLATE_END */) as placed
        from scan_check_places f where parts.whole and f.scan_id = parts.id offset 0
    ) f
    group by parts.id, f.check_id, f.region
)
select coalesce((select sum(p.total) from places p where p.counted > 0), 0)::bigint as near,
    coalesce((select sum(p.total) from places p), 0)::bigint as total, (coalesce((
    select sum(p.counted) from places p
), 0) + (
    select coalesce(sum(f.count), 0) from parts cross join lateral (
        select count(*) as count from findings f
        where f.scan_id = parts.id and f.id >= parts.first_finding_id and f.id <= parts.last_finding_id
            and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
    ) f
    where not parts.whole
))::bigint as count;

-- name: CountFindingsOfResources :one
-- Purpose: how many findings the filters leave when some are about what the findings' resources are now, and whether those are few
-- enough, in all the scans, to ask an index for the findings of each. Else all findings of the scans are looked at, with the resources
-- hashed once: no join, which would be made for each scan, and an array, because a set that the planner believes to be large is not hashed
-- but looked through for each finding.
-- Index: scans_latest, resources_name, resources_tenant_id_provider_id_uid_key, findings_resource, findings_scan.
with chosen as materialized (
    select l.id, l.provider_id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.provider_id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), sought as materialized (
    select o.id, p.provider_id from (select distinct c.provider_id from chosen c) p cross join lateral (
        select fr.id from resources fr where fr.provider_id = p.provider_id and /* TEMPLATE_BEGIN: resources */ true /* TEMPLATE_END */ offset 0
    ) o
), pairs as materialized (
    select c.id as scan_id, c.first_finding_id, c.last_finding_id, o.id as resource_id
    from sought o join chosen c on c.provider_id = o.provider_id limit sqlc.arg('few')::bigint + 1
), way as materialized (
    select (select count(*) from pairs) <= sqlc.arg('few')::bigint as few
)
select way.few::boolean as few, ((
    select count(*) from pairs c cross join lateral (
        select x.tenant_id, x.id, x.scan_id, x.check_id, x.check_metadata_id, x.uid, x.uid_hash, x.status_rank, x.severity_rank, x.muted, x.delta,
            x.updated_at, x.service, x.region, x.resource_type, x.resource_group, x.resource_id
        from findings x
        where way.few and x.resource_id = c.resource_id and x.scan_id = c.scan_id and x.id >= c.first_finding_id and x.id <= c.last_finding_id offset 0
    ) f where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
) + (
    select coalesce(sum(f.count), 0) from chosen c cross join lateral (
        select count(*) as count from findings f
        where not way.few and f.scan_id = c.id and f.id >= c.first_finding_id and f.id <= c.last_finding_id
            and (f.resource_id in (select unnest(array(select o.id from sought o)))) is true
            and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
    ) f
))::bigint as count
from way;

-- name: GetFindings :many
-- Purpose: findings by their ids: one that was asked for, or those that an answer includes.
-- Index: findings_pkey, scans_pkey, providers_pkey, check_metadata_pkey.
select
    d.id, d.scan_id, d.uid, d.delta, d.status, d.status_extended, d.severity, d.check_id, d.resource_group, d.raw_result,
    d.inserted_at, d.updated_at, d.first_seen_at, d.muted, d.muted_reason,
    (select case when @with_metadata::boolean then c.content end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as check_metadata,
    (select case when @with_categories::boolean then c.content -> 'categories' end from check_metadata c
        where c.tenant_id = d.tenant_id and c.id = d.check_metadata_id)::jsonb as categories,
    (case when @with_resources::boolean then array[d.resource_id] else '{}' end)::uuid[] as resource_ids,
    ''::text as position
from (select unnest(@ids::uuid[]) as id) f cross join lateral (
    select g.tenant_id, g.id, g.scan_id, g.check_metadata_id, g.uid, g.delta, g.status, g.status_extended, g.severity, g.check_id,
        g.resource_group, g.raw_result, g.inserted_at, g.updated_at, g.first_seen_at, g.muted, g.muted_reason, g.resource_id
    from findings g where g.id = f.id limit 1
) d
join scans s on s.tenant_id = d.tenant_id and s.id = d.scan_id and s.state = 'completed'
join providers p on p.tenant_id = s.tenant_id and p.id = s.provider_id and p.deleted_at is null;

-- name: ListFindingPlaces :many
-- Purpose: the services and regions of the findings that a filter leaves.
-- Index: scans_latest, findings_scan.
with chosen as materialized (
    select l.id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
)
select distinct f.service, f.region from chosen cross join lateral (
    select distinct f.service, f.region from findings f
    where f.scan_id = chosen.id and f.id >= chosen.first_finding_id and f.id <= chosen.last_finding_id
        and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
) f;

-- name: ListPlacesOfFindings :many
-- Purpose: the same from the places of checks, when those can answer the filters. A scan whose places are not counted, or are behind what
-- was muted, or that the dates cut, is looked through.
-- Index: scans_latest, scan_check_places_pkey, findings_scan, scan_recounts_scan.
with chosen as materialized (
    select l.id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), parts as materialized (
    select s.id, s.first_finding_id, s.last_finding_id, (/* TEMPLATE_BEGIN: whole */ true /* TEMPLATE_END */)
        and not exists (select from scan_recounts c where c.scan_id = s.id)
        and exists (select from scan_check_places k where k.scan_id = s.id) as whole
    from chosen s
)
select distinct f.service, f.region from parts cross join lateral (
    select f.service, f.region from scan_check_places f
    where parts.whole and f.scan_id = parts.id and (
            @with_unmuted::boolean and (@with_fail::boolean and f.fail > 0 or @with_pass::boolean and f.pass > 0 or @with_manual::boolean and f.manual > 0)
            or @with_muted::boolean and (@with_fail::boolean and f.fail_muted > 0 or @with_pass::boolean and f.pass_muted > 0
                or @with_manual::boolean and f.manual_muted > 0)
        ) and /* TEMPLATE_BEGIN: placed */ true /* TEMPLATE_END */ offset 0
) f
union
select f.service, f.region from parts cross join lateral (
    select distinct f.service, f.region from findings f
    where not parts.whole and f.scan_id = parts.id and f.id >= parts.first_finding_id and f.id <= parts.last_finding_id
        and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
) f;

-- name: ListPlacesOfResources :many
-- Purpose: the same when some filters are about what the findings' resources are now: by the resources when those are few enough, else
-- by all findings of the scans, as in CountFindingsOfResources.
-- Index: scans_latest, resources_name, resources_tenant_id_provider_id_uid_key, findings_resource, findings_scan.
with chosen as materialized (
    select l.id, l.provider_id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.provider_id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), sought as materialized (
    select o.id, p.provider_id from (select distinct c.provider_id from chosen c) p cross join lateral (
        select fr.id from resources fr where fr.provider_id = p.provider_id and /* TEMPLATE_BEGIN: resources */ true /* TEMPLATE_END */ offset 0
    ) o
), pairs as materialized (
    select c.id as scan_id, c.first_finding_id, c.last_finding_id, o.id as resource_id
    from sought o join chosen c on c.provider_id = o.provider_id limit sqlc.arg('few')::bigint + 1
), way as materialized (
    select (select count(*) from pairs) <= sqlc.arg('few')::bigint as few
)
select f.service, f.region from way cross join pairs c cross join lateral (
    select x.tenant_id, x.id, x.scan_id, x.check_id, x.check_metadata_id, x.uid, x.uid_hash, x.status_rank, x.severity_rank, x.muted, x.delta,
        x.updated_at, x.service, x.region, x.resource_type, x.resource_group, x.resource_id
    from findings x
    where way.few and x.resource_id = c.resource_id and x.scan_id = c.scan_id and x.id >= c.first_finding_id and x.id <= c.last_finding_id offset 0
) f where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
union
select f.service, f.region from way cross join chosen c cross join lateral (
    select distinct f.service, f.region from findings f
    where not way.few and f.scan_id = c.id and f.id >= c.first_finding_id and f.id <= c.last_finding_id
        and (f.resource_id in (select unnest(array(select o.id from sought o)))) is true
        and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
) f;

-- name: ListScanPlaces :many
-- Purpose: the services, regions and types of what scans saw, for the choices of a filter form.
-- Index: scans_latest, scan_places_pkey.
with chosen as materialized (
    select l.id
    from providers p cross join lateral (
        select s.id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null
)
select distinct r.service, r.region, r.resource_type from chosen join scan_places r on r.scan_id = chosen.id
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: ListScanCategories :many
-- Purpose: the categories of the findings of scans.
-- Index: scans_latest, scan_category_summaries_pkey.
with chosen as materialized (
    select l.id
    from providers p cross join lateral (
        select s.id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null
)
select distinct c.category from chosen join scan_category_summaries c on c.scan_id = chosen.id order by c.category;

-- name: ListScanResourceGroups :many
-- Purpose: the resource groups of the findings of scans.
-- Index: scans_latest, scan_resource_group_summaries_pkey.
with chosen as materialized (
    select l.id
    from providers p cross join lateral (
        select s.id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null
)
select distinct c.resource_group from chosen join scan_resource_group_summaries c on c.scan_id = chosen.id order by c.resource_group;

-- name: IncludeScans :many
-- Purpose: the scans that an answer about findings includes, with their providers.
-- Index: scans_pkey, providers_pkey.
select s.id, s.provider_id, s.name, s.trigger, s.state, s.unique_resource_count, s.progress, s.duration, s.inserted_at,
    s.started_at, s.completed_at, s.scheduled_at
from scans s where s.id = any(@ids::uuid[]) and s.state <> 'expired' order by s.id;

-- name: IncludeProviders :many
-- Purpose: the providers that an answer about findings or resources includes.
-- Index: providers_pkey.
select p.id, p.provider, p.uid, p.alias, p.connected, p.connection_last_checked_at, p.inserted_at, p.updated_at
from providers p where p.id = any(@ids::uuid[]) and p.deleted_at is null order by p.id;

-- name: IncludeProvidersOfScans :many
-- Purpose: the same by the scans that are about them, so that nobody has to wait for the scans.
-- Index: scans_pkey, providers_pkey.
select p.id, p.provider, p.uid, p.alias, p.connected, p.connection_last_checked_at, p.inserted_at, p.updated_at
from providers p where p.deleted_at is null and p.id in (select s.provider_id from scans s where s.id = any(@scan_ids::uuid[])) order by p.id;

-- name: IncludeResources :many
-- Purpose: the resources that an answer about findings includes, with their tags.
-- Index: resources_pkey, resource_tags_pkey.
select r.id, r.uid, r.name, r.region, r.service, r.type, r.metadata, r.details, r.partition, r.inserted_at, r.updated_at,
    (select jsonb_object_agg(t.key, t.value order by t.value desc) from resource_tags t where t.tenant_id = r.tenant_id and t.resource_id = r.id)::jsonb as tags
from resources r where r.id = any(@ids::uuid[]) order by r.id;
