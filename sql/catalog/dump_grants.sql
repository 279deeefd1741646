-- Purpose: every privilege that somebody other than the owner has, on schemas, tables, columns, sequences and routines,
-- schema river included; and routines that have been closed to public (open is the default). One line per object and role.
-- $1 name of the table of the migrations' bookkeeping, left out.
with object (class, kind, name, owner, acl) as (
    select 1, 'schema', quote_ident(nspname), nspowner, nspacl from pg_namespace
    where nspname <> 'information_schema' and nspname not like 'pg\_%'
    union all
    select 2, case relkind when 'S' then 'sequence' else 'table' end, c.oid::regclass::text, relowner, relacl
    from pg_class c join pg_namespace n on n.oid = relnamespace
    where nspname <> 'information_schema' and nspname not like 'pg\_%' and relkind in ('r', 'p', 'v', 'm', 'S')
        and not relispartition and c.oid is distinct from to_regclass($1)
    union all
    select 3, case prokind when 'p' then 'procedure' else 'function' end, p.oid::regprocedure::text, proowner, proacl
    from pg_proc p join pg_namespace n on n.oid = pronamespace
    where nspname not in ('information_schema', 'river') and nspname not like 'pg\_%' and prokind in ('f', 'p')
        and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
),
-- place puts the privileges of a line in the usual order.
privilege (class, kind, name, grantee, what, grantable, place) as (
    select class, kind, o.name, x.grantee, lower(x.privilege_type), x.is_grantable,
        position(left(x.privilege_type, 3) in 'SEL INS UPD DEL TRU REF TRI USA CRE EXE')
    from object o cross join lateral aclexplode(o.acl) x
    where x.grantee <> o.owner
    union all
    select 2, 'table', c.oid::regclass::text, x.grantee,
        format('%s (%s)', lower(x.privilege_type), string_agg(quote_ident(a.attname), ', ' order by a.attnum)),
        x.is_grantable,
        position(left(x.privilege_type, 3) in 'SEL INS UPD DEL TRU REF TRI USA CRE EXE')
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
    cross join lateral aclexplode(a.attacl) x
    where nspname <> 'information_schema' and nspname not like 'pg\_%' and not c.relispartition and x.grantee <> c.relowner
    group by c.oid, x.grantee, x.privilege_type, x.is_grantable
)
select statement from (
    select class, name, '' as role, false as grantable, format('revoke all on %s %s from public;', kind, name) as statement
    from object o
    where class = 3 and acl is not null and not exists (select from aclexplode(o.acl) x where x.grantee = 0)
    union all
    select class, name, role, grantable, format('grant %s on %s %s to %s%s;',
        string_agg(what, ', ' order by place, what collate "C"), kind, name, role, case when grantable then ' with grant option' else '' end)
    from (select *, case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as role from privilege) p
    group by class, kind, name, role, grantable
) s
order by class, name collate "C", role collate "C", grantable
