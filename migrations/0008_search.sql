-- What filter[search] looks through. Words are compared as they are written, case ignored; what findings say of themselves
-- is also known by its English stems.

-- +goose Up
alter table resources add column words tsvector not null generated always as (
    setweight(to_tsvector('simple', uid), 'A') || setweight(to_tsvector('simple', name), 'B')
    || setweight(to_tsvector('simple', region), 'C') || setweight(to_tsvector('simple', service || ' ' || type), 'D')) stored;
alter table resource_tags add column words tsvector not null generated always as (
    setweight(to_tsvector('simple', key), 'A') || setweight(to_tsvector('simple', value), 'B')) stored;

-- sought_checks tells, for each content of check_metadata that the caller may see, which of the sought words it lacks:
-- a finding with that content is found when its own text has those (null: none are missing). It runs as its caller, so
-- the wall's policies hold. Asked once per statement, it spares a look at the long content for every finding.
-- +goose StatementBegin
create function sought_checks(sought text) returns table (check_metadata_id uuid, missing tsquery)
language sql stable parallel safe rows 1000 set search_path = pg_catalog, public as $$
    with words as (
        select ('''' || replace(replace(l.lexeme, '\', '\\'), '''', '''''') || '''')::tsquery as term
        from unnest(to_tsvector('simple', sought)) as l
    )
    select m.id, (
        select string_agg(w.term::text, ' & ')::tsquery from words w where not m.search @@ w.term
    )
    from check_metadata m
    where exists (select from words)
$$;
-- +goose StatementEnd
revoke all on function sought_checks(text) from public;
grant execute on function sought_checks(text) to palisade_app;

-- +goose Down
drop function sought_checks(text);
alter table resource_tags drop column words;
alter table resources drop column words;
