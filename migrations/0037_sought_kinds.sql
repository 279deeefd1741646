-- What the findings of a scan need of their own for a search, told in one pass over what the checks say: looking every kind up among
-- all the others took longer than the rest of the search.

-- +goose Up
create or replace function sought_kinds(sought text, scans uuid[])
returns table (scan_id uuid, check_metadata_id uuid, check_id text, status_rank smallint, need text[])
language sql stable parallel safe rows 1000 set search_path = pg_catalog, public as $$
    with words as materialized (
        select s.word, s.term from sought_words(sought) s
    ), kinds as materialized (
        select w.scan_id, k.check_metadata_id, k.status_rank, array_agg(w.word) as words
        from scan_words w cross join lateral (
            select unnest(w.fail) as check_metadata_id, 1::smallint as status_rank
            union all select unnest(w.pass), 2::smallint
            union all select unnest(w.manual), 3::smallint
        ) k
        where w.scan_id = any(scans) and w.word = any(array(select s.word from words s union all select ''))
        group by w.scan_id, k.check_metadata_id, k.status_rank
    ), lacking as materialized (
        select m.id, m.check_id, array(select s.word from words s where not m.search @@ s.term) as words
        from check_metadata m
        where m.id = any(array(select distinct k.check_metadata_id from kinds k)) and exists (select from words)
    )
    select k.scan_id, k.check_metadata_id, l.check_id, k.status_rank,
        array(select unnest(l.words) as word except select unnest(k.words) order by word)
    from kinds k join lacking l on l.id = k.check_metadata_id where '' = any(k.words)
$$;

-- +goose Down
create or replace function sought_kinds(sought text, scans uuid[])
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
