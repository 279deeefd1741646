-- Groups of findings: what scans found with each check. A list adds up either what is counted of whole checks, of the newest
-- scan of each provider, or the findings that filters leave: places, which are counted too, answer for those where they can
-- answer exactly. Each scan is asked for its own rows: offset keeps the planner from reading those of all scans. A group is FAIL
-- when a failure is not muted, else PASS when something passed or a failure is muted, else MANUAL; the numbers for status, severity
-- and delta are the greater the worse.

-- name: ListFindingGroups :many
-- Purpose: a page of the groups of the newest scan of each provider, and how many there are.
-- Index: scans_completed, scan_check_summaries_pkey, check_metadata_pkey.
with chosen as materialized (
    select l.id, p.provider
    from providers p cross join lateral (
        select s.id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.completed_at desc, s.id desc limit 1
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), summed as (
    select f.check_id, array_agg(distinct chosen.provider order by chosen.provider) as providers, array_agg(distinct f.check_metadata_id) as contents,
        (6 - min(f.severity_rank))::smallint as severity_weight,
        sum(f.pass) as pass, sum(f.fail) as fail, sum(f.manual) as manual,
        sum(f.pass_muted) as pass_muted, sum(f.fail_muted) as fail_muted, sum(f.manual_muted) as manual_muted,
        sum(f.new_pass) as new_pass, sum(f.new_fail) as new_fail, sum(f.new_manual) as new_manual,
        sum(f.new_pass_muted) as new_pass_muted, sum(f.new_fail_muted) as new_fail_muted, sum(f.new_manual_muted) as new_manual_muted,
        sum(f.changed_pass) as changed_pass, sum(f.changed_fail) as changed_fail, sum(f.changed_manual) as changed_manual,
        sum(f.changed_pass_muted) as changed_pass_muted, sum(f.changed_fail_muted) as changed_fail_muted,
        sum(f.changed_manual_muted) as changed_manual_muted,
        sum(f.resources_total) as resources_total, sum(f.resources_fail) as resources_fail,
        min(f.first_seen_at) as first_seen_at, max(f.last_seen_at) as last_seen_at, min(f.failing_since) as failing_since
    from chosen cross join lateral (
        select * from scan_check_summaries f where f.scan_id = chosen.id and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */ offset 0
    ) f
    group by f.check_id
), kept as materialized (
    select g.* from (
        select s.*, (case when s.fail > 0 then 3 when s.pass + s.pass_muted + s.fail_muted > 0 then 2 else 1 end)::smallint as status_weight,
            s.pass + s.fail + s.manual = 0 as muted, s.pass_muted + s.fail_muted + s.manual_muted as muted_count,
            s.new_pass + s.new_fail + s.new_manual as new_count, s.changed_pass + s.changed_fail + s.changed_manual as changed_count
        from summed s
    ) g where /* TEMPLATE_BEGIN: computed */ true /* TEMPLATE_END */
), page as (
    select g.* from kept g where /* TEMPLATE_BEGIN: behind */ true /* TEMPLATE_END */
    order by /* TEMPLATE_BEGIN: order */ g.check_id /* TEMPLATE_END */ limit @page_size::bigint
    offset case when sqlc.arg('page_number')::bigint > 0 then (sqlc.arg('page_number')::bigint - 1) * sqlc.arg('page_size')::bigint
        else greatest((select count(*) from kept) - 1, 0) / sqlc.arg('page_size')::bigint * sqlc.arg('page_size')::bigint end
)
select (select count(*) from kept) as groups, g.check_id, t.title::text as title, t.description::text as description, g.severity_weight, g.status_weight, g.muted::boolean as muted,
    g.providers::text[] as providers, g.resources_fail::bigint as resources_fail, g.resources_total::bigint as resources_total,
    g.pass::bigint as pass, g.fail::bigint as fail, g.manual::bigint as manual,
    g.pass_muted::bigint as pass_muted, g.fail_muted::bigint as fail_muted, g.manual_muted::bigint as manual_muted,
    g.muted_count::bigint as muted_count, g.new_count::bigint as new_count, g.changed_count::bigint as changed_count,
    g.new_fail::bigint as new_fail, g.new_fail_muted::bigint as new_fail_muted, g.new_pass::bigint as new_pass,
    g.new_pass_muted::bigint as new_pass_muted, g.new_manual::bigint as new_manual, g.new_manual_muted::bigint as new_manual_muted,
    g.changed_fail::bigint as changed_fail, g.changed_fail_muted::bigint as changed_fail_muted, g.changed_pass::bigint as changed_pass,
    g.changed_pass_muted::bigint as changed_pass_muted, g.changed_manual::bigint as changed_manual,
    g.changed_manual_muted::bigint as changed_manual_muted,
    array_remove(array[g.first_seen_at], null)::timestamptz[] as first_seen_at, g.last_seen_at::timestamptz as last_seen_at,
    array_remove(array[g.failing_since], null)::timestamptz[] as failing_since,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from page g
cross join lateral (
    select coalesce(max(c.title), '') as title, coalesce(max(c.content ->> 'description'), '') as description
    from check_metadata c where c.id = any(g.contents)
) t
order by /* TEMPLATE_BEGIN: order */ g.check_id /* TEMPLATE_END */;

-- name: PlacesKnowFindingGroups :one
-- Purpose: whether places can answer for the chosen scans as the findings would: each is the only one of its provider, because
-- several are about the same resources, the dates leave all of it (whole), and nothing of it was muted that is not counted yet.
-- Index: scans_completed, scan_recounts_scan.
with chosen as materialized (
    select s.id, s.first_finding_id, s.last_finding_id, p.id as provider_id, p.provider
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: dates */ true /* TEMPLATE_END */
        order by s.completed_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) s
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
        and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
)
select not exists (
    select from chosen s
    where (/* TEMPLATE_BEGIN: whole */ true /* TEMPLATE_END */) is not true or exists (select from scan_recounts c where c.scan_id = s.id)
        or exists (select from chosen o where o.provider_id = s.provider_id and o.id <> s.id)
);

-- name: ListFindingGroupsOfPlaces :many
-- Purpose: a page of the groups of the findings that a filter leaves, and how many there are, from what is counted of places.
-- Index: scans_completed, scan_check_places_pkey, scan_check_summaries_pkey, check_metadata_pkey.
with chosen as materialized (
    select s.id, s.first_finding_id, s.last_finding_id, p.id as provider_id, p.provider
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: dates */ true /* TEMPLATE_END */
        order by s.completed_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) s
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
        and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
), matched as materialized (
    select f.check_id, chosen.provider, f.severity_rank, f.delta, f.pass, f.fail, f.manual, f.pass_muted, f.fail_muted, f.manual_muted,
        f.resources_total, f.resources_fail, f.resource_ids, f.failing_ids, f.first_seen_at, f.last_seen_at, f.failing_since
    from chosen cross join lateral (
        select * from scan_check_places f where f.scan_id = chosen.id and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */ offset 0
    ) f
), shared as (
    select x.check_id, count(distinct x.id) as resources_total, count(distinct x.id) filter (where x.failing) as resources_fail
    from (
        select f.check_id, unnest(f.resource_ids) as id, false as failing from matched f
        union all
        select f.check_id, unnest(f.failing_ids), true from matched f
    ) x group by x.check_id
), summed as (
    select f.check_id, array_agg(distinct f.provider order by f.provider) as providers, (6 - min(f.severity_rank))::smallint as severity_weight,
        sum(f.pass) as pass, sum(f.fail) as fail, sum(f.manual) as manual,
        sum(f.pass_muted) as pass_muted, sum(f.fail_muted) as fail_muted, sum(f.manual_muted) as manual_muted,
        coalesce(sum(f.pass) filter (where f.delta = 'new'), 0) as new_pass,
        coalesce(sum(f.fail) filter (where f.delta = 'new'), 0) as new_fail,
        coalesce(sum(f.manual) filter (where f.delta = 'new'), 0) as new_manual,
        coalesce(sum(f.pass_muted) filter (where f.delta = 'new'), 0) as new_pass_muted,
        coalesce(sum(f.fail_muted) filter (where f.delta = 'new'), 0) as new_fail_muted,
        coalesce(sum(f.manual_muted) filter (where f.delta = 'new'), 0) as new_manual_muted,
        coalesce(sum(f.pass) filter (where f.delta = 'changed'), 0) as changed_pass,
        coalesce(sum(f.fail) filter (where f.delta = 'changed'), 0) as changed_fail,
        coalesce(sum(f.manual) filter (where f.delta = 'changed'), 0) as changed_manual,
        coalesce(sum(f.pass_muted) filter (where f.delta = 'changed'), 0) as changed_pass_muted,
        coalesce(sum(f.fail_muted) filter (where f.delta = 'changed'), 0) as changed_fail_muted,
        coalesce(sum(f.manual_muted) filter (where f.delta = 'changed'), 0) as changed_manual_muted,
        coalesce(sum(f.resources_total) filter (where f.resource_ids is null), 0)
            + coalesce((select x.resources_total from shared x where x.check_id = f.check_id), 0) as resources_total,
        coalesce(sum(f.resources_fail) filter (where f.resource_ids is null), 0)
            + coalesce((select x.resources_fail from shared x where x.check_id = f.check_id), 0) as resources_fail,
        min(f.first_seen_at) as first_seen_at, max(f.last_seen_at) as last_seen_at, min(f.failing_since) as failing_since
    from matched f group by f.check_id
), kept as materialized (
    select g.* from (
        select s.*, (case when s.fail > 0 then 3 when s.pass + s.pass_muted + s.fail_muted > 0 then 2 else 1 end)::smallint as status_weight,
            s.pass + s.fail + s.manual = 0 as muted, s.pass_muted + s.fail_muted + s.manual_muted as muted_count,
            s.new_pass + s.new_fail + s.new_manual as new_count, s.changed_pass + s.changed_fail + s.changed_manual as changed_count
        from summed s
    ) g where /* TEMPLATE_BEGIN: computed */ true /* TEMPLATE_END */
), page as (
    select g.* from kept g where /* TEMPLATE_BEGIN: behind */ true /* TEMPLATE_END */
    order by /* TEMPLATE_BEGIN: order */ g.check_id /* TEMPLATE_END */ limit @page_size::bigint
    offset case when sqlc.arg('page_number')::bigint > 0 then (sqlc.arg('page_number')::bigint - 1) * sqlc.arg('page_size')::bigint
        else greatest((select count(*) from kept) - 1, 0) / sqlc.arg('page_size')::bigint * sqlc.arg('page_size')::bigint end
)
select (select count(*) from kept) as groups, g.check_id, t.title::text as title, t.description::text as description, g.severity_weight, g.status_weight, g.muted::boolean as muted,
    g.providers::text[] as providers, g.resources_fail::bigint as resources_fail, g.resources_total::bigint as resources_total,
    g.pass::bigint as pass, g.fail::bigint as fail, g.manual::bigint as manual,
    g.pass_muted::bigint as pass_muted, g.fail_muted::bigint as fail_muted, g.manual_muted::bigint as manual_muted,
    g.muted_count::bigint as muted_count, g.new_count::bigint as new_count, g.changed_count::bigint as changed_count,
    g.new_fail::bigint as new_fail, g.new_fail_muted::bigint as new_fail_muted, g.new_pass::bigint as new_pass,
    g.new_pass_muted::bigint as new_pass_muted, g.new_manual::bigint as new_manual, g.new_manual_muted::bigint as new_manual_muted,
    g.changed_fail::bigint as changed_fail, g.changed_fail_muted::bigint as changed_fail_muted, g.changed_pass::bigint as changed_pass,
    g.changed_pass_muted::bigint as changed_pass_muted, g.changed_manual::bigint as changed_manual,
    g.changed_manual_muted::bigint as changed_manual_muted,
    array_remove(array[g.first_seen_at], null)::timestamptz[] as first_seen_at, g.last_seen_at::timestamptz as last_seen_at,
    array_remove(array[g.failing_since], null)::timestamptz[] as failing_since,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from page g
cross join lateral (
    select coalesce(max(c.title), '') as title, coalesce(max(c.content ->> 'description'), '') as description
    from chosen s cross join lateral (
        select k.check_metadata_id from scan_check_summaries k where k.scan_id = s.id and k.check_id = g.check_id limit 1
    ) k join check_metadata c on c.id = k.check_metadata_id
) t
order by /* TEMPLATE_BEGIN: order */ g.check_id /* TEMPLATE_END */;

-- name: ListFilteredFindingGroups :many
-- Purpose: the same from the findings: those of the resources that are sought when they are few, else all of each scan.
-- Index: scans_completed, findings_scan, findings_resource, resources_tenant_id_provider_id_uid_key, scan_check_summaries_pkey,
-- check_metadata_pkey.
with chosen as materialized (
    select s.id, s.first_finding_id, s.last_finding_id, p.id as provider_id, p.provider
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: dates */ true /* TEMPLATE_END */
        order by s.completed_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) s
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
        and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
), sought as materialized (
    select o.id from (select distinct s.provider_id from chosen s) p cross join lateral (
        select o.id from resources o
        where @by_resources::boolean and o.provider_id = p.provider_id and /* TEMPLATE_BEGIN: resources */ true /* TEMPLATE_END */ offset 0
    ) o
), way as materialized (
    select @by_resources::boolean and (select count(*) from sought) <= 2000 as few
), summed as (
    select f.check_id, array_agg(distinct chosen.provider order by chosen.provider) as providers, (6 - min(f.severity_rank))::smallint as severity_weight,
        count(*) filter (where f.status_rank = 2 and not f.muted) as pass,
        count(*) filter (where f.status_rank = 1 and not f.muted) as fail,
        count(*) filter (where f.status_rank = 3 and not f.muted) as manual,
        count(*) filter (where f.status_rank = 2 and f.muted) as pass_muted,
        count(*) filter (where f.status_rank = 1 and f.muted) as fail_muted,
        count(*) filter (where f.status_rank = 3 and f.muted) as manual_muted,
        count(*) filter (where f.delta = 'new' and f.status_rank = 2 and not f.muted) as new_pass,
        count(*) filter (where f.delta = 'new' and f.status_rank = 1 and not f.muted) as new_fail,
        count(*) filter (where f.delta = 'new' and f.status_rank = 3 and not f.muted) as new_manual,
        count(*) filter (where f.delta = 'new' and f.status_rank = 2 and f.muted) as new_pass_muted,
        count(*) filter (where f.delta = 'new' and f.status_rank = 1 and f.muted) as new_fail_muted,
        count(*) filter (where f.delta = 'new' and f.status_rank = 3 and f.muted) as new_manual_muted,
        count(*) filter (where f.delta = 'changed' and f.status_rank = 2 and not f.muted) as changed_pass,
        count(*) filter (where f.delta = 'changed' and f.status_rank = 1 and not f.muted) as changed_fail,
        count(*) filter (where f.delta = 'changed' and f.status_rank = 3 and not f.muted) as changed_manual,
        count(*) filter (where f.delta = 'changed' and f.status_rank = 2 and f.muted) as changed_pass_muted,
        count(*) filter (where f.delta = 'changed' and f.status_rank = 1 and f.muted) as changed_fail_muted,
        count(*) filter (where f.delta = 'changed' and f.status_rank = 3 and f.muted) as changed_manual_muted,
        count(distinct f.resource_id) as resources_total,
        count(distinct f.resource_id) filter (where f.status_rank = 1 and not f.muted) as resources_fail,
        min(f.first_seen_at) as first_seen_at, max(f.inserted_at) as last_seen_at,
        min(f.first_seen_at) filter (where f.status_rank = 1 and not f.muted) as failing_since
    from chosen cross join way cross join lateral (
        select f.check_id, f.severity_rank, f.status_rank, f.muted, f.delta, f.first_seen_at, f.inserted_at, f.resource_id
        from findings f left join sought o on o.id = f.resource_id
        where not way.few and f.scan_id = chosen.id and f.id >= chosen.first_finding_id and f.id <= chosen.last_finding_id
            and (not @by_resources::boolean or o.id is not null) and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
        union all
        select f.check_id, f.severity_rank, f.status_rank, f.muted, f.delta, f.first_seen_at, f.inserted_at, f.resource_id
        from sought o cross join lateral (
            select x.id, x.tenant_id, x.scan_id, x.check_id, x.check_metadata_id, x.uid, x.uid_hash, x.severity_rank, x.status_rank, x.muted,
                x.delta, x.first_seen_at, x.inserted_at, x.updated_at, x.service, x.region, x.resource_type, x.resource_group, x.resource_id
            from findings x
            where x.resource_id = o.id and x.scan_id = chosen.id and x.id >= chosen.first_finding_id and x.id <= chosen.last_finding_id offset 0
        ) f
        where way.few and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
    ) f
    group by f.check_id
), kept as materialized (
    select g.* from (
        select s.*, (case when s.fail > 0 then 3 when s.pass + s.pass_muted + s.fail_muted > 0 then 2 else 1 end)::smallint as status_weight,
            s.pass + s.fail + s.manual = 0 as muted, s.pass_muted + s.fail_muted + s.manual_muted as muted_count,
            s.new_pass + s.new_fail + s.new_manual as new_count, s.changed_pass + s.changed_fail + s.changed_manual as changed_count
        from summed s
    ) g where /* TEMPLATE_BEGIN: computed */ true /* TEMPLATE_END */
), page as (
    select g.* from kept g where /* TEMPLATE_BEGIN: behind */ true /* TEMPLATE_END */
    order by /* TEMPLATE_BEGIN: order */ g.check_id /* TEMPLATE_END */ limit @page_size::bigint
    offset case when sqlc.arg('page_number')::bigint > 0 then (sqlc.arg('page_number')::bigint - 1) * sqlc.arg('page_size')::bigint
        else greatest((select count(*) from kept) - 1, 0) / sqlc.arg('page_size')::bigint * sqlc.arg('page_size')::bigint end
)
select (select count(*) from kept) as groups, g.check_id, t.title::text as title, t.description::text as description, g.severity_weight, g.status_weight, g.muted::boolean as muted,
    g.providers::text[] as providers, g.resources_fail::bigint as resources_fail, g.resources_total::bigint as resources_total,
    g.pass::bigint as pass, g.fail::bigint as fail, g.manual::bigint as manual,
    g.pass_muted::bigint as pass_muted, g.fail_muted::bigint as fail_muted, g.manual_muted::bigint as manual_muted,
    g.muted_count::bigint as muted_count, g.new_count::bigint as new_count, g.changed_count::bigint as changed_count,
    g.new_fail::bigint as new_fail, g.new_fail_muted::bigint as new_fail_muted, g.new_pass::bigint as new_pass,
    g.new_pass_muted::bigint as new_pass_muted, g.new_manual::bigint as new_manual, g.new_manual_muted::bigint as new_manual_muted,
    g.changed_fail::bigint as changed_fail, g.changed_fail_muted::bigint as changed_fail_muted, g.changed_pass::bigint as changed_pass,
    g.changed_pass_muted::bigint as changed_pass_muted, g.changed_manual::bigint as changed_manual,
    g.changed_manual_muted::bigint as changed_manual_muted,
    array_remove(array[g.first_seen_at], null)::timestamptz[] as first_seen_at, g.last_seen_at::timestamptz as last_seen_at,
    array_remove(array[g.failing_since], null)::timestamptz[] as failing_since,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from page g
cross join lateral (
    select coalesce(max(c.title), '') as title, coalesce(max(c.content ->> 'description'), '') as description
    from chosen s cross join lateral (
        select k.check_metadata_id from scan_check_summaries k where k.scan_id = s.id and k.check_id = g.check_id limit 1
    ) k join check_metadata c on c.id = k.check_metadata_id
) t
order by /* TEMPLATE_BEGIN: order */ g.check_id /* TEMPLATE_END */;

-- name: FindingGroupExists :one
-- Purpose: whether a scan of a provider that the subject sees found something with a check.
-- Index: scan_check_summaries_check, providers_pkey.
select exists (
    select from scan_check_summaries k join providers p on p.tenant_id = k.tenant_id and p.id = k.provider_id
    where k.check_id = @check_id and p.deleted_at is null
);

-- name: ListFindingGroupResources :many
-- Purpose: a page of the resources that the findings of one check are about, in the chosen scans, and how many there are. where
-- restricts the findings, resources the resources as they are now, which are looked at only when that or the order asks for it.
-- Index: scans_completed, findings_place, resources_pkey, providers_pkey, findings_pkey.
with chosen as materialized (
    select s.id, s.first_finding_id, s.last_finding_id, p.provider, p.uid as provider_uid, p.alias as provider_alias
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: dates */ true /* TEMPLATE_END */
        order by s.completed_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) s
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
        and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
), summed as (
    select f.resource_id, chosen.provider, chosen.provider_uid, chosen.provider_alias, max(f.id::text collate "C")::uuid as finding_id,
        (4 - min(f.status_rank))::smallint as status_weight, (6 - min(f.severity_rank))::smallint as severity_weight,
        bool_and(f.muted) as muted,
        coalesce(max(case f.delta when 'new' then 2 when 'changed' then 1 end) filter (where not f.muted), 0)::smallint as delta_weight,
        min(f.first_seen_at) as first_seen_at, max(f.inserted_at) as last_seen_at
    from chosen cross join lateral (
        select f.id, f.status_rank, f.severity_rank, f.muted, f.delta, f.first_seen_at, f.inserted_at, f.resource_id
        from findings f
        where f.scan_id = chosen.id and f.check_id = @check_id and f.id >= chosen.first_finding_id and f.id <= chosen.last_finding_id
            and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */ offset 0
    ) f
    group by f.resource_id, chosen.provider, chosen.provider_uid, chosen.provider_alias
), kept as materialized (
    select g.*, r.uid, r.name, r.service, r.region, r.type
    from summed g left join lateral (
        select o.id, o.uid, o.name, o.service, o.region, o.type from resources o where @by_resources::boolean and o.id = g.resource_id limit 1
    ) r on true
    where /* TEMPLATE_BEGIN: resources */ true /* TEMPLATE_END */
), page as (
    select g.* from kept g where /* TEMPLATE_BEGIN: behind */ true /* TEMPLATE_END */
    order by /* TEMPLATE_BEGIN: order */ g.resource_id /* TEMPLATE_END */ limit sqlc.arg('page_size')::bigint
    offset case when sqlc.arg('page_number')::bigint > 0 then (sqlc.arg('page_number')::bigint - 1) * sqlc.arg('page_size')::bigint
        else greatest((select count(*) from kept) - 1, 0) / sqlc.arg('page_size')::bigint * sqlc.arg('page_size')::bigint end
)
select (select count(*) from kept) as resources, g.resource_id, r.uid, r.name, r.service, r.region, r.type, d.resource_group,
    g.provider, g.provider_uid, g.provider_alias, g.finding_id, g.status_weight, g.severity_weight, g.muted::boolean as muted,
    g.delta_weight, g.first_seen_at::timestamptz as first_seen_at, g.last_seen_at::timestamptz as last_seen_at, d.muted_reason,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from page g
cross join lateral (select o.uid, o.name, o.service, o.region, o.type from resources o where o.id = g.resource_id limit 1) r
cross join lateral (select f.resource_group, f.muted_reason from findings f where f.id = g.finding_id limit 1) d
order by /* TEMPLATE_BEGIN: order */ g.resource_id /* TEMPLATE_END */;
