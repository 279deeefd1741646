-- Purpose: the roles of the product and their attributes, as comments: roles belong to the server, not to the database.
-- A membership that neither inherits nor may be switched to (which a role's creator gets since Postgres 16) is left out.
select format('-- role %s: %s', rolname, concat_ws(', ',
    case when rolcanlogin then 'login' else 'no login' end,
    case when rolsuper then 'SUPERUSER' else 'not superuser' end,
    case when rolbypassrls then 'BYPASSES ROW LEVEL SECURITY' else 'row level security applies' end,
    case when rolcreaterole then 'creates roles' end,
    case when rolcreatedb then 'creates databases' end,
    case when rolreplication then 'REPLICATION' end,
    (select 'member of ' || string_agg(quote_ident(g.rolname), ', ' order by g.rolname collate "C")
        from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = r.oid
            and (coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true) or coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)))))
from pg_roles r
where rolname like 'palisade\_%'
order by rolname collate "C"
