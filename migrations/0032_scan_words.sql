-- The words of findings, per scan: what filter[search] goes by instead of reading every finding's text.
--
-- A word that all findings of one content of check_metadata with one status have is kept once for them all: most words come
-- from the check, not from the resource. For the rest there are the ids of the findings that have it. The word '' is in every
-- text: its row tells which contents the scan has, and that its words are known at all.

-- +goose Up
create table scan_words (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    word text collate "C" not null,
    fail uuid[],
    pass uuid[],
    manual uuid[],
    hits integer not null default 0,
    finding_ids uuid[],
    primary key (tenant_id, scan_id, word),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);
comment on column scan_words.fail is 'Contents of check_metadata of which every failed finding of the scan has the word; pass and manual likewise.';
comment on column scan_words.finding_ids is 'Findings of other contents that have the word, as many as hits says.';

call wall.protect('scan_words');
call wall.protect_provider('scan_words');
call wall.admit_deletion('scan_words');
grant select, insert, delete on scan_words to palisade_app;

-- sought_words are the words of a search, as they are written, each with the query for it.
create function sought_words(sought text) returns table (word text, term tsquery)
language sql immutable parallel safe rows 5 set search_path = pg_catalog, public as $$
    select l.lexeme, ('''' || replace(replace(l.lexeme, '\', '\\'), '''', '''''') || '''')::tsquery
    from unnest(to_tsvector('simple', sought)) as l
$$;

-- sought_kinds tells, for each content and status that findings of the scans have, which of the sought words a finding of it
-- must have itself, in order: none when the check says them all, or all such findings have them. Scans whose words are not
-- known are left out. It runs as its caller, so the wall's policies hold.
create function sought_kinds(sought text, scans uuid[])
returns table (scan_id uuid, check_metadata_id uuid, check_id text, status_rank smallint, need text[])
language sql stable parallel safe rows 1000 set search_path = pg_catalog, public as $$
    with words as materialized (
        select s.word, s.term from sought_words(sought) s
    ), whole as materialized (
        select w.scan_id, w.word, k.check_metadata_id, k.status_rank
        from scan_words w cross join lateral (
            select unnest(w.fail) as check_metadata_id, 1::smallint as status_rank
            union all select unnest(w.pass), 2::smallint
            union all select unnest(w.manual), 3::smallint
        ) k
        where w.scan_id = any(scans) and w.word = any(array(select s.word from words s union all select ''))
    ), lacking as materialized (
        select m.id, m.check_id, array(select s.word from words s where not m.search @@ s.term) as words
        from check_metadata m
        where m.id = any(array(select k.check_metadata_id from whole k where k.word = '')) and exists (select from words)
    )
    select k.scan_id, k.check_metadata_id, l.check_id, k.status_rank, array(
        select unnest(l.words) as word
        except select o.word from whole o
        where o.scan_id = k.scan_id and o.check_metadata_id = k.check_metadata_id and o.status_rank = k.status_rank
        order by word
    )
    from whole k join lacking l on l.id = k.check_metadata_id where k.word = ''
$$;

-- sought_whole_kinds are those of which all findings match.
create function sought_whole_kinds(sought text, scans uuid[])
returns table (scan_id uuid, check_metadata_id uuid, check_id text, status_rank smallint)
language sql stable parallel safe rows 1000 set search_path = pg_catalog, public as $$
    select k.scan_id, k.check_metadata_id, k.check_id, k.status_rank from sought_kinds(sought, scans) k where k.need = '{}'
$$;

-- sought_findings are the findings of the scans that have the sought words, but for those of kinds that need none of their own
-- (sought_kinds). Of several words, the rarest tells which findings to look at. The texts of a scan whose words are not known
-- are all read. It runs as its caller; step by step, because no statistics could tell a planner what is few here.
-- +goose StatementBegin
create function sought_findings(sought text, scans uuid[]) returns table (id uuid)
language plpgsql stable rows 1000 set search_path = pg_catalog, public set plan_cache_mode = force_generic_plan as $$
declare
    scan uuid;
    kinds record;
    rarest record;
    own tsquery;
begin
    foreach scan in array scans loop
        if not exists (select from scan_words w where w.scan_id = scan and w.word = '') then
            return query
                select f.id from findings f join sought_checks(sought) c on c.check_metadata_id = f.check_metadata_id
                where f.scan_id = scan and (c.missing is null or to_tsvector('english', coalesce(f.status_extended, '')) @@ c.missing);
            continue;
        end if;
        for kinds in
            select k.need, array_agg(k.check_metadata_id) as contents, array_agg(k.status_rank) as ranks
            from sought_kinds(sought, array[scan]) k where k.need <> '{}' group by k.need
        loop
            select min(w.word) filter (where w.hits = r.hits) as word, count(*) as known into rarest
            from scan_words w, (
                select min(o.hits) as hits from scan_words o where o.scan_id = scan and o.word = any(kinds.need)
            ) r
            where w.scan_id = scan and w.word = any(kinds.need);
            continue when rarest.known < cardinality(kinds.need);
            select string_agg(s.term::text, ' & ')::tsquery into own from sought_words(sought) s where s.word = any(kinds.need);
            return query
                select d.id
                from scan_words w cross join lateral unnest(w.finding_ids) i(id)
                cross join lateral (
                    select f.id, f.check_metadata_id, f.status_rank, f.status_extended from findings f where f.id = i.id limit 1
                ) d
                where w.scan_id = scan and w.word = rarest.word
                    and ((d.check_metadata_id, d.status_rank) in (
                        select unnest(kinds.contents), unnest(kinds.ranks)
                    )) is true and (cardinality(kinds.need) = 1 or to_tsvector('english', coalesce(d.status_extended, '')) @@ own);
        end loop;
    end loop;
end $$;
-- +goose StatementEnd
revoke all on function sought_words(text), sought_kinds(text, uuid[]), sought_whole_kinds(text, uuid[]), sought_findings(text, uuid[]) from public;
grant execute on function sought_words(text), sought_kinds(text, uuid[]), sought_whole_kinds(text, uuid[]), sought_findings(text, uuid[]) to palisade_app;

-- +goose Down
drop function sought_findings(text, uuid[]);
drop function sought_whole_kinds(text, uuid[]);
drop function sought_kinds(text, uuid[]);
drop function sought_words(text);
drop table scan_words;
