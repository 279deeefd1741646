-- Purpose: everything in which the database differs from what the wall promises, one "object: fault" a row, ordered. Known
-- exceptions are the caller's business. Reads the catalogue only, as any role.
with tables as (
    select c.oid, c.relname::text as name, n.nspname::text as schema, c.relrowsecurity as walled, c.relforcerowsecurity as forced,
        c.relispartition as partition,
        exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as has_tenant,
        exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'provider_id' and not a.attisdropped) as has_provider
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname = 'public'
), runtime as (
    select oid, rolname::text as name from pg_roles where rolname in ('palisade_app', 'palisade_system')
), policies as (
    select p.polrelid, p.polname::text as name, p.polpermissive as permissive, p.polcmd as cmd, p.polroles as roles,
        pg_get_expr(p.polqual, p.polrelid) as qual, pg_get_expr(p.polwithcheck, p.polrelid) as with_check
    from pg_policy p
), grants as (
    select c.oid, n.nspname || '.' || c.relname as name, c.relkind as kind, acl.grantee, acl.privilege_type
    from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) acl
    where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\_toast%'
    union all
    select c.oid, n.nspname || '.' || c.relname, c.relkind, acl.grantee, acl.privilege_type
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid, aclexplode(a.attacl) acl
    where n.nspname not in ('pg_catalog', 'information_schema')
), constraints as (
    select k.conname::text as name, t.name as table_name, k.contype as type, k.confrelid,
        (select array_agg(a.attname::text order by o.n) from unnest(k.conkey) with ordinality o(num, n)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = o.num) as columns,
        (select array_agg(a.attname::text order by o.n) from unnest(k.confkey) with ordinality o(num, n)
            join pg_attribute a on a.attrelid = k.confrelid and a.attnum = o.num) as target_columns
    from pg_constraint k join tables t on t.oid = k.conrelid where t.has_tenant and not t.partition
), faults as (
    -- Row level security, on every table, for its owner too.
    select t.name as object, 'row level security is not enabled' as fault from tables t where not t.walled
    union all select t.name, 'row level security is not forced' from tables t where not t.forced
    union all select t.name, 'has no tenant_id' from tables t where not t.has_tenant
    -- The tenant policy: one text everywhere, both clauses, all commands, palisade_app alone.
    union all select t.name, 'has no tenant policy as wall.protect makes it' from tables t
        where t.has_tenant and not t.partition and not exists (
            select from policies p where p.polrelid = t.oid and p.name = 'tenant' and p.permissive and p.cmd = '*'
                and p.roles = array(select oid from runtime where name = 'palisade_app')
                and p.qual = p.with_check and p.qual like '(tenant\_id = ( SELECT (NULLIF(current_setting(''app.tenant_id''::text, true), ''''::text))::uuid%')
    union all select t.name, 'its tenant policy is worded unlike the others' from tables t join policies p on p.polrelid = t.oid and p.name = 'tenant'
        where t.has_tenant and p.qual <> (select mode() within group (order by o.qual) from policies o join tables ot on ot.oid = o.polrelid
            where o.name = 'tenant' and ot.has_tenant)
    -- A permissive policy beside it would open the wall.
    union all select t.name, 'policy ' || p.name || ' lets palisade_app in beside the tenant policy' from tables t join policies p on p.polrelid = t.oid
        where t.has_tenant and p.permissive and p.name <> 'tenant'
            and (p.roles = '{0}' or exists (select from runtime r where r.name = 'palisade_app' and r.oid = any (p.roles)))
    union all select t.name, 'policy ' || p.name || ' is for everybody' from tables t join policies p on p.polrelid = t.oid where p.roles = '{0}'
    union all select t.name, 'policy ' || p.name || ' lets palisade_system in outside a scope' from tables t join policies p on p.polrelid = t.oid
        join runtime r on r.name = 'palisade_system' and r.oid = any (p.roles)
        where p.permissive and (p.qual is null or p.qual not like '%current_setting(''app.scope''%' or p.with_check is distinct from p.qual)
    -- The provider policy.
    union all select t.name, 'has no provider policy as wall.protect_provider makes it' from tables t
        where (t.has_provider or t.name = 'providers') and not t.partition and not exists (
            select from policies p where p.polrelid = t.oid and p.name = 'provider_visibility' and not p.permissive and p.cmd = '*'
                and p.roles = array(select oid from runtime where name = 'palisade_app')
                and p.qual = p.with_check and p.qual like '%app.visible_providers%')
    -- Partitions are reached through their parent, whose policies hold; nobody may go to them directly.
    union all select t.name, 'a partition is granted to ' || r.name from tables t join grants g on g.oid = t.oid join runtime r on r.oid = g.grantee where t.partition
    -- Keys.
    union all select k.table_name, 'key ' || k.name || ' does not begin with tenant_id' from constraints k
        where k.type in ('p', 'u') and k.columns[1] <> 'tenant_id'
    union all select k.table_name, 'foreign key ' || k.name || ' does not lead to the same tenant' from constraints k
        where k.type = 'f' and not (k.columns[1] = 'tenant_id'
            and k.target_columns[1] = case when k.confrelid = 'public.tenants'::regclass then 'id' else 'tenant_id' end)
    union all select t.name, 'has no primary key' from tables t
        where not exists (select from pg_index i where i.indrelid = t.oid and i.indisprimary)
    union all select t.name, 'index ' || x.relname || ' does not begin with tenant_id' from tables t
        join pg_index i on i.indrelid = t.oid join pg_class x on x.oid = i.indexrelid
        left join pg_attribute a on a.attrelid = t.oid and a.attnum = i.indkey[0]
        where t.has_tenant and not t.partition and a.attname is distinct from 'tenant_id'
            and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u'))
    -- What could go round the wall.
    union all select n.nspname || '.' || c.relname, 'the view does not run as its caller' from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'v' and n.nspname not in ('pg_catalog', 'information_schema')
            and not coalesce('security_invoker=true' = any (c.reloptions) or 'security_invoker=on' = any (c.reloptions), false)
    union all select n.nspname || '.' || c.relname, 'a materialised view has no row level security' from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'm' and n.nspname not in ('pg_catalog', 'information_schema')
    union all select f.oid::regprocedure::text, 'runs as its owner and may be called by ' || r.name from pg_proc f join pg_namespace n on n.oid = f.pronamespace, runtime r
        where f.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')
            and has_function_privilege(r.oid, f.oid, 'execute') and has_schema_privilege(r.oid, n.oid, 'usage')
    union all select f.oid::regprocedure::text, 'runs as its owner without a search_path of its own' from pg_proc f join pg_namespace n on n.oid = f.pronamespace
        where f.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')
            and not exists (select from unnest(f.proconfig) c where c like 'search_path=%')
    union all select g.name, 'everybody has ' || g.privilege_type from grants g where g.grantee = 0
    union all select g.name, r.name || ' has ' || g.privilege_type from grants g join runtime r on r.oid = g.grantee
        where g.privilege_type in ('TRUNCATE', 'TRIGGER', 'REFERENCES', 'MAINTAIN')
    union all select n.nspname::text, r.name || ' may create in the schema' from pg_namespace n, runtime r
        where has_schema_privilege(r.oid, n.oid, 'create') and n.nspname not like 'pg\_temp%'
    union all select 'schema wall', r.name || ' may use it' from runtime r
        where exists (select from pg_namespace where nspname = 'wall') and has_schema_privilege(r.oid, 'wall', 'usage')
    -- The roles themselves.
    union all select r.name, 'is superuser, bypasses row level security, or may create roles or databases, or replicate'
        from pg_roles p join runtime r on r.oid = p.oid
        where p.rolsuper or p.rolbypassrls or p.rolcreaterole or p.rolcreatedb or p.rolreplication
    union all select r.name, 'is a member of ' || m.roleid::regrole::text from pg_auth_members m join runtime r on r.oid = m.member
    union all select r.name, 'owns ' || c.relname from pg_class c join runtime r on r.oid = c.relowner
        join pg_namespace n on n.oid = c.relnamespace where n.nspname not like 'pg\_temp%' and n.nspname not like 'pg\_toast%'
    union all select r.name, 'owns function ' || f.proname from pg_proc f join runtime r on r.oid = f.proowner
    union all select r.name, 'owns schema ' || n.nspname from pg_namespace n join runtime r on r.oid = n.nspowner where n.nspname not like 'pg\_temp%'
    union all select w.name, 'does not exist' from (values ('palisade_app'), ('palisade_system')) w(name)
        where not exists (select from runtime r where r.name = w.name)
    -- The job queue's tables hold every tenant's jobs: palisade_app reaches its own tenant's, and no other table.
    union all select 'river.river_job', 'has no wall' where not exists (
        select from pg_class c join policies p on p.polrelid = c.oid
        where c.oid = to_regclass('river.river_job') and c.relrowsecurity and c.relforcerowsecurity and p.name = 'tenant' and p.cmd = '*'
            and p.roles = array(select oid from runtime where name = 'palisade_app')
            and p.qual = p.with_check and p.qual like '%tenant_id%app.tenant_id%')
    union all select g.name, 'palisade_app has ' || g.privilege_type || ' on a table of the queue' from grants g join runtime r on r.oid = g.grantee
        where r.name = 'palisade_app' and g.name like 'river.%' and g.kind in ('r', 'p') and g.name <> 'river.river_job'
)
select distinct object || ': ' || fault as line from faults order by line
