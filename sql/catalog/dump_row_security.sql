-- Purpose: per table of our schemas: whether row level security is on and forced on the owner, and every policy;
-- of the job queue's tables, those with a wall.
-- $1 name of the table of the migrations' bookkeeping, left out.
select concat_ws(E'\n',
    case when not c.relrowsecurity then format('-- table %s has no row level security', c.oid::regclass)
        else format('alter table %s enable row level security;', c.oid::regclass) end,
    case when c.relforcerowsecurity then format('alter table %s force row level security;', c.oid::regclass) end,
    (select string_agg(concat_ws(E'\n    ',
            format('create policy %I on %s as %s for %s to %s', p.polname, c.oid::regclass,
                case when p.polpermissive then 'permissive' else 'restrictive' end,
                case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
                (select string_agg(case role when 0 then 'public' else quote_ident(pg_get_userbyid(role)) end, ', '
                        order by pg_get_userbyid(role) collate "C") from unnest(p.polroles) role)),
            'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
            'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') || ';', E'\n'
        order by p.polpermissive desc, p.polname collate "C")
    from pg_policy p where p.polrelid = c.oid))
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition
    and n.nspname <> 'information_schema' and n.nspname not like 'pg\_%' and (n.nspname <> 'river' or c.relrowsecurity)
    and c.oid is distinct from to_regclass($1)
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by c.oid::regclass::text collate "C"
