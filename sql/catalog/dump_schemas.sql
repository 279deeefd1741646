-- Purpose: schemas beside public, and extensions. Schema river is the job queue's: its library owns what is in it.
select statement from (
    select 1 as step, nspname as name,
        format(case nspname when 'river' then 'create schema if not exists %I;' else 'create schema %I;' end, nspname)
        || coalesce(format(E'\ncomment on schema %I is ', nspname) || quote_literal(obj_description(oid, 'pg_namespace')) || ';', '') as statement
    from pg_namespace
    where nspname not in ('public', 'information_schema') and nspname not like 'pg\_%'
    union all
    select 2, extname, format('create extension %I;', extname)
    from pg_extension where extname <> 'plpgsql'
) s
order by step, name collate "C"
