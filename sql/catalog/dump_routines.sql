-- Purpose: functions and procedures of our schemas. $1 false: those whose signature needs no table, to stand before the
-- tables; true: those whose signature names a table's row type, to stand after them.
select rtrim(pg_get_functiondef(p.oid), E'\n') || ';'
    || coalesce(format(E'\ncomment on %s %s is ', kind, p.oid::regprocedure) || quote_literal(obj_description(p.oid, 'pg_proc')) || ';', '')
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
cross join lateral (select case p.prokind when 'p' then 'procedure' else 'function' end as kind) k
where n.nspname not in ('information_schema', 'river') and n.nspname not like 'pg\_%'
    and p.prokind in ('f', 'p')
    and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
    and $1 = exists (
        select from unnest(p.prorettype || p.proargtypes::oid[] || coalesce(p.proallargtypes, '{}')) a (type)
        join pg_type t on t.oid = a.type
        left join pg_type e on e.oid = t.typelem
        where t.typrelid <> 0 or e.typrelid <> 0)
order by p.oid::regprocedure::text collate "C"
