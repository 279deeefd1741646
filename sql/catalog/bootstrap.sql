-- Purpose: the statements that a superuser must run, in order, before the migrations can: the owner role, the runtime
-- roles, their passwords, the database. Statements that are not needed any more are left out, so running it again is safe.
-- The owner creates the runtime roles itself, so that it administers them on every version of Postgres.
-- $1 database, $2 owner's password, $3 palisade_app's password, $4 palisade_system's password (null: leave as it is).
with runtime (name, password) as (values ('palisade_app', $3::text), ('palisade_system', $4::text)),
missing as (select name from runtime where not exists (select from pg_roles where rolname = name))
select statement from (
    select 1 as step, 'palisade_owner' as name,
        'create role palisade_owner login createrole nosuperuser nobypassrls nocreatedb noreplication' as statement
    where not exists (select from pg_roles where rolname = 'palisade_owner')
    union all
    select 2, '', 'set role palisade_owner' where exists (select from missing)
    union all
    select 3, name, format('create role %I login nosuperuser nobypassrls nocreatedb nocreaterole noreplication', name)
    from missing
    union all
    select 4, '', 'reset role' where exists (select from missing)
    union all
    select 5, name, format('alter role %I password %L', name, password)
    from (table runtime union all values ('palisade_owner', $2::text)) r
    where password is not null
    union all
    select 6, '', format('create database %I owner palisade_owner', $1::text)
    where not exists (select from pg_database where datname = $1)
) s
order by step, name
