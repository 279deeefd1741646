-- Purpose: views and materialized views of our schemas with their options (security_invoker, security_barrier). In the
-- order of creation, since a view may read another one.
select format(E'create %s %s%s as\n%s', case c.relkind when 'm' then 'materialized view' else 'view' end, c.oid::regclass,
    ' with (' || array_to_string(c.reloptions, ', ') || ')', pg_get_viewdef(c.oid))
    || coalesce(E'\n' || (select string_agg(pg_get_indexdef(i.indexrelid) || ';', E'\n' order by i.indexrelid::regclass::text collate "C")
        from pg_index i where i.indrelid = c.oid), '')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('v', 'm')
    and n.nspname not in ('information_schema', 'river') and n.nspname not like 'pg\_%'
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by c.oid
