-- Purpose: what the connected role could do beyond row level security: its own attributes, those of every role that it
-- could become by membership, and how many tables it owns (an owner can switch row level security off).
with recursive reachable (oid) as (
    select oid from pg_roles where rolname = session_user or rolname = current_user
    union
    select m.roleid from pg_auth_members m join reachable r on r.oid = m.member
)
select
    session_user::text as name,
    bool_or(r.rolsuper) as superuser,
    bool_or(r.rolbypassrls) as bypass_rls,
    bool_or(r.rolcreaterole) as create_role,
    bool_or(r.rolcreatedb) as create_database,
    bool_or(r.rolreplication) as replication,
    (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast%'
            and c.relowner in (select oid from reachable)) as owned_tables
from pg_roles r
where r.oid in (select oid from reachable)
