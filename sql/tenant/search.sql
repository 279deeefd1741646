-- The words of findings by scan, and the lists that go by them (migrations/0032_scan_words.sql).

-- name: DeleteScanWords :exec
-- Purpose: make room for the words of a scan.
-- Index: scan_words_pkey.
delete from scan_words where scan_id = @scan_id;

-- name: WordsKnown :one
-- Purpose: whether the words of a scan have been found.
-- Index: scan_words_pkey.
select exists (select from scan_words w where w.scan_id = @scan_id);

-- name: InsertScanWords :exec
-- Purpose: find the words of a completed scan's findings, check by check so that memory is bounded by the findings of one.
-- Index: findings_scan, findings_place.
with kinds as materialized (
    select f.tenant_id, f.provider_id, f.scan_id, f.check_id, f.check_metadata_id, f.status_rank, count(*) as total
    from findings f join scans s on s.id = f.scan_id and s.state = 'completed'
    where f.scan_id = @scan_id
    group by f.tenant_id, f.provider_id, f.scan_id, f.check_id, f.check_metadata_id, f.status_rank
), pairs as materialized (
    select k.tenant_id, k.provider_id, k.scan_id, k.check_metadata_id, k.status_rank, p.word,
        case when p.findings < k.total then p.ids end as ids
    from (
        select c.tenant_id, c.scan_id, c.check_id from kinds c group by c.tenant_id, c.scan_id, c.check_id
    ) c cross join lateral (
        select f.check_metadata_id, f.status_rank, t.lexeme as word, count(*) as findings, array_agg(f.id) as ids
        from findings f cross join lateral unnest(to_tsvector('english', f.status_extended)) t(lexeme, positions, weights)
        where f.scan_id = c.scan_id and f.check_id = c.check_id
        group by f.check_metadata_id, f.status_rank, t.lexeme
    ) p
    join kinds k on k.check_id = c.check_id and k.check_metadata_id = p.check_metadata_id and k.status_rank = p.status_rank
    union all
    select k.tenant_id, k.provider_id, k.scan_id, k.check_metadata_id, k.status_rank, '', null from kinds k
), wholes as (
    select p.tenant_id, p.provider_id, p.scan_id, p.word,
        array_agg(p.check_metadata_id order by p.check_metadata_id) filter (where p.status_rank = 1) as fail,
        array_agg(p.check_metadata_id order by p.check_metadata_id) filter (where p.status_rank = 2) as pass,
        array_agg(p.check_metadata_id order by p.check_metadata_id) filter (where p.status_rank = 3) as manual
    from pairs p where p.ids is null
    group by p.tenant_id, p.provider_id, p.scan_id, p.word
), parts as (
    select p.tenant_id, p.provider_id, p.scan_id, p.word, count(*)::integer as hits, array_agg(i.id order by i.id) as finding_ids
    from pairs p cross join lateral unnest(p.ids) i(id)
    group by p.tenant_id, p.provider_id, p.scan_id, p.word
)
insert into scan_words (tenant_id, provider_id, scan_id, word, fail, pass, manual, hits, finding_ids)
select coalesce(w.tenant_id, p.tenant_id), coalesce(w.provider_id, p.provider_id), coalesce(w.scan_id, p.scan_id),
    coalesce(w.word, p.word), w.fail, w.pass, w.manual, coalesce(p.hits, 0), p.finding_ids
from wholes w full join parts p on p.word = w.word;

-- name: CountSoughtFindings :one
-- Purpose: how many findings a search and the filters leave, and a bound of how many the search alone finds (largest). What all
-- findings of a check with one status have is counted in the aggregates when those can answer the filters (answered), as in
-- CountFindingsInSummaries; the rest is counted one by one.
-- Index: scans_latest, scan_words_pkey, scan_summaries_pkey, findings_place, findings_pkey, scan_recounts_scan.
with chosen as materialized (
    select l.id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), kinds as materialized (
    select k.scan_id, k.check_metadata_id, k.check_id, k.status_rank, k.need = '{}' as whole
    from sought_kinds(@sought, array(select c.id from chosen c)) k(scan_id, check_metadata_id, check_id, status_rank, need)
), checks as materialized (
    select k.scan_id, k.check_id, k.status_rank, s.first_finding_id, s.last_finding_id,
        bool_and(k.whole) and @answered::boolean and (/* TEMPLATE_BEGIN: whole */ true /* TEMPLATE_END */)
            and not exists (select from scan_recounts c where c.scan_id = k.scan_id) as summed
    from kinds k join chosen s on s.id = k.scan_id
    group by k.scan_id, k.check_id, k.status_rank, s.first_finding_id, s.last_finding_id having bool_or(k.whole)
), sums as materialized (
    select coalesce(sum(case k.status_rank when 1 then f.fail + f.fail_muted when 2 then f.pass + f.pass_muted
            else f.total - f.fail - f.fail_muted - f.pass - f.pass_muted end), 0)::bigint as largest,
        coalesce(sum(
            case when @with_unmuted::boolean then case
                when k.status_rank = 1 and @with_fail::boolean then f.fail when k.status_rank = 2 and @with_pass::boolean then f.pass
                when k.status_rank = 3 and @with_manual::boolean then f.total - f.muted - f.fail - f.pass else 0 end
            else 0 end
            + case when @with_muted::boolean then case
                when k.status_rank = 1 and @with_fail::boolean then f.fail_muted
                when k.status_rank = 2 and @with_pass::boolean then f.pass_muted
                when k.status_rank = 3 and @with_manual::boolean then f.muted - f.fail_muted - f.pass_muted else 0 end
            else 0 end
        ) filter (where k.summed and /* TEMPLATE_BEGIN: summary */ true /* TEMPLATE_END */), 0)::bigint as count
    from checks k join scan_summaries f on f.scan_id = k.scan_id and f.check_id = k.check_id
), own as materialized (
    select s.id from sought_findings(@sought, array(select c.id from chosen c)) s(id)
)
select (sums.largest + (select count(*) from own))::bigint as largest, (sums.count + (
    select coalesce(sum(f.count), 0) from (
        select c.scan_id, c.check_id, c.first_finding_id, c.last_finding_id from checks c where not c.summed
        group by c.scan_id, c.check_id, c.first_finding_id, c.last_finding_id
    ) c cross join lateral (
        select count(*) as count from findings f
        where f.scan_id = c.scan_id and f.check_id = c.check_id and f.id >= c.first_finding_id and f.id <= c.last_finding_id
            and ((f.scan_id, f.check_metadata_id, f.status_rank) in (
                select k.scan_id, k.check_metadata_id, k.status_rank from kinds k
                where k.whole and (k.scan_id, k.check_id, k.status_rank) not in (
                    select m.scan_id, m.check_id, m.status_rank from checks m where m.summed
                )
            )) is true and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
    ) f
) + (
    select count(*) from own o cross join lateral (
        select f.id from findings f where f.id = o.id and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */ limit 1
    ) f
))::bigint as count
from sums;

-- name: ListSoughtFindings :many
-- Purpose: a page of the findings that a search and the filters leave, for searches that find few: all of them are read.
-- Index: scans_latest, scan_words_pkey, findings_place, findings_pkey, check_metadata_pkey.
with chosen as materialized (
    select l.id, l.first_finding_id, l.last_finding_id
    from providers p cross join lateral (
        select s.id, s.first_finding_id, s.last_finding_id from scans s
        where s.tenant_id = p.tenant_id and s.provider_id = p.id and s.state = 'completed'
            and /* TEMPLATE_BEGIN: scans */ true /* TEMPLATE_END */
        order by s.inserted_at desc, s.id desc limit sqlc.narg('scans_per_provider')::bigint
    ) l
    where p.deleted_at is null and /* TEMPLATE_BEGIN: providers */ true /* TEMPLATE_END */
), kinds as materialized (
    select k.scan_id, k.check_metadata_id, k.check_id, k.status_rank
    from sought_whole_kinds(@sought, array(select c.id from chosen c)) k(scan_id, check_metadata_id, check_id, status_rank)
), page as (
    select f.id, f.status_rank, f.severity_rank, f.check_id, f.updated_at
    from (
        select f.id, f.status_rank, f.severity_rank, f.check_id, f.updated_at
        from (
            select s.id, s.first_finding_id, s.last_finding_id, k.check_id from kinds k join chosen s on s.id = k.scan_id
            group by s.id, s.first_finding_id, s.last_finding_id, k.check_id
        ) c cross join lateral (
            select f.id, f.status_rank, f.severity_rank, f.check_id, f.updated_at from findings f
            where f.scan_id = c.id and f.check_id = c.check_id and f.id >= c.first_finding_id and f.id <= c.last_finding_id
                and ((f.scan_id, f.check_metadata_id, f.status_rank) in (
                    select k.scan_id, k.check_metadata_id, k.status_rank from kinds k
                )) is true and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */ offset 0
        ) f
        union all
        select f.id, f.status_rank, f.severity_rank, f.check_id, f.updated_at
        from sought_findings(@sought, array(select c.id from chosen c)) o(id) cross join lateral (
            select f.id, f.status_rank, f.severity_rank, f.check_id, f.updated_at from findings f
            where f.id = o.id and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */ limit 1
        ) f
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
