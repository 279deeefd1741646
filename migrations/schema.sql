-- The database as the migrations leave it, for reading and for the query compiler. Written by the program from the
-- catalogue of a migrated database: do not edit. Left out: the job queue's tables (schema river), the monthly
-- partitions, and the migrations' own bookkeeping.

set check_function_bodies = false;

-- Roles

-- role palisade_app: login, not superuser, row level security applies
-- role palisade_owner: login, not superuser, row level security applies, creates roles
-- role palisade_system: login, not superuser, row level security applies

-- Schemas and extensions

create schema if not exists river;

create schema wall;
comment on schema wall is 'Procedures for migrations only: no runtime role may use it.';

-- Functions and procedures

CREATE OR REPLACE FUNCTION public.aggregate_lines(target text, scan uuid)
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public'
AS $function$
begin
    if target = 'scans' then
        return query select jsonb_build_array(s.unique_resource_count, s.first_finding_id, s.last_finding_id)::text
            from scans s where s.id = scan;
    elsif target = 'resources' then
        return query select jsonb_build_array(r.id, r.failed_findings_count)::text
            from scans s join resources r on r.provider_id = s.provider_id and r.failed_findings_count <> 0 where s.id = scan;
    elsif target in (select a.name from scan_aggregates() as a(name)) then
        return query execute format('select (to_jsonb(x) - ''inserted_at'' - ''updated_at'')::text from %I x where x.scan_id = $1', target) using scan;
    else
        raise exception 'no aggregate is called %', target using errcode = 'invalid_parameter_value';
    end if;
end $function$;

CREATE OR REPLACE FUNCTION public.audit_append_only()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
begin
    if tg_op = 'DELETE' and current_user = 'palisade_system' and current_setting('app.scope', true) = 'deletion' then
        return old;
    end if;
    raise exception 'the audit log is append-only' using errcode = 'insufficient_privilege';
end $function$;

CREATE OR REPLACE FUNCTION public.audit_chain()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
    last record;
begin
    perform pg_advisory_xact_lock(hashtextextended('audit_events ' || new.tenant_id, 0));
    select e.seq, e.hash into last from public.audit_events e where e.tenant_id = new.tenant_id order by e.seq desc limit 1;
    new.seq := coalesce(last.seq, 0) + 1;
    new.previous_hash := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
    new.inserted_at := clock_timestamp();
    new.hash := public.audit_hash(new);
    return new;
end $function$;

CREATE OR REPLACE FUNCTION public.audit_field(value text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$ select coalesce(octet_length(convert_to(value, 'UTF8')) || ':' || value, '-') || E'\n' $function$;

CREATE OR REPLACE FUNCTION public.count_resources()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public'
AS $function$
begin
    if current_user = 'palisade_system' then
        return null;
    end if;
    if tg_op = 'INSERT' then
        insert into resource_counts (tenant_id, provider_id, resources)
        select n.tenant_id, n.provider_id, count(*) from changed n group by n.tenant_id, n.provider_id
        on conflict (tenant_id, provider_id) do update set resources = resource_counts.resources + excluded.resources;
    else
        update resource_counts c set resources = c.resources - n.gone
        from (select o.tenant_id, o.provider_id, count(*) as gone from changed o group by o.tenant_id, o.provider_id) n
        where c.tenant_id = n.tenant_id and c.provider_id = n.provider_id;
    end if;
    return null;
end $function$;

CREATE OR REPLACE FUNCTION public.drop_finding_month(month date, default_months integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public'
 SET lock_timeout TO '200ms'
AS $function$
declare
    began timestamp := date_trunc('month', month::timestamp);
    since uuid := uuidv7_floor(began at time zone 'UTC');
    below uuid := uuidv7_floor((began + interval '1 month') at time zone 'UTC');
begin
    if default_months not between 1 and 120 then
        raise exception 'months must be between 1 and 120';
    end if;
    if began + interval '2 months' > now() at time zone 'UTC' or findings_are_needed(since, below, default_months) then
        return false;
    end if;
    lock table only findings in access exclusive mode;
    -- Whoever was writing has ended, and nobody begins.
    if findings_are_needed(since, below, default_months) then
        return false;
    end if;
    execute format('drop table if exists public.%I', 'findings_' || to_char(began, 'YYYY_MM'));
    return true;
end $function$;

CREATE OR REPLACE FUNCTION public.ensure_partitions(since date, months integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public'
 SET lock_timeout TO '500ms'
AS $function$
declare
    month date;
    child text;
    made integer := 0;
begin
    if months not between 1 and 60 then
        raise exception 'months must be between 1 and 60';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('partitions', 0));
    for i in 0 .. months - 1 loop
        month := (date_trunc('month', since) + make_interval(months => i))::date;
        child := 'findings_' || to_char(month, 'YYYY_MM');
        if to_regclass('public.' || child) is null then
            execute format('create table public.%I partition of public.findings for values from (%L) to (%L)', child,
                uuidv7_floor(month::timestamp at time zone 'UTC'),
                uuidv7_floor((month + interval '1 month') at time zone 'UTC'));
            execute format('alter table public.%I enable row level security', child);
            execute format('alter table public.%I force row level security', child);
            made := made + 1;
        end if;
    end loop;
    return made;
end $function$;

CREATE OR REPLACE FUNCTION public.erasable_tables()
 RETURNS SETOF text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'public'
AS $function$
    with recursive erasable as (
        select polrelid as oid from pg_policy where polname = 'deletion' and polrelid <> 'public.tenants'::regclass
    ), links as (
        select conrelid as child, confrelid as parent from pg_constraint
        where contype = 'f' and conparentid = 0 and conrelid <> confrelid
            and conrelid in (select oid from erasable) and confrelid in (select oid from erasable)
    ), heights as (
        select oid, 0 as height from erasable
        union
        select l.parent, h.height + 1 from heights h join links l on l.child = h.oid
    )
    select oid::regclass::text from heights group by oid order by max(height), oid::regclass::text
$function$;

CREATE OR REPLACE FUNCTION public.erase_batch(target text, batch integer)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public'
 SET enable_seqscan TO 'off'
AS $function$
declare
    erased integer;
begin
    execute format('delete from %1$s where ctid = any (array(select ctid from %1$s limit %2$s))', target::regclass, batch);
    get diagnostics erased = row_count;
    return erased;
end $function$;

CREATE OR REPLACE FUNCTION public.erase_jobs(tenant uuid, batch integer)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public'
AS $function$
declare
    erased integer;
begin
    delete from river.river_job where id in (
        select j.id from river.river_job j
        where j.args @> jsonb_build_object('tenant_id', tenant) and j.state <> 'running' limit batch
    );
    get diagnostics erased = row_count;
    return erased;
end $function$;

CREATE OR REPLACE FUNCTION public.erase_summaries(scan uuid, batch integer)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public'
 SET enable_seqscan TO 'off'
AS $function$
declare
    target text;
    erased integer;
    total integer := 0;
begin
    for target in select a.name from scan_aggregates() as a(name) loop
        execute format('delete from %1$I where ctid = any (array(select x.ctid from %1$I x where x.scan_id = $1 limit $2)) and scan_id = $1', target)
            using scan, batch;
        get diagnostics erased = row_count;
        total := total + erased;
    end loop;
    return total;
end $function$;

CREATE OR REPLACE FUNCTION public.finding_months()
 RETURNS SETOF date
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'public'
AS $function$
    select to_date(right(c.relname, 7), 'YYYY_MM') from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.findings'::regclass
    order by 1
$function$;

CREATE OR REPLACE FUNCTION public.findings_are_needed(since uuid, below uuid, default_months integer)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'public'
AS $function$
    select exists (
        select from scans s
        where case s.state
            when 'completed' then s.first_finding_id < below and s.last_finding_id >= since
            when 'expired' then coalesce(s.first_finding_id < below and s.last_finding_id >= since, true) and not (
                coalesce((
                    select past_retention(s.completed_at, coalesce(t.retention_months, default_months), now()) from tenants t where t.id = s.tenant_id
                ), false)
                and (s.first_finding_id is null or exists (
                    select from scans o where o.tenant_id = s.tenant_id and o.provider_id = s.provider_id and o.state = 'completed'
                        and (o.inserted_at, o.id) > (s.inserted_at, s.id)
                ))
            )
            else exists (
                select from findings f where f.tenant_id = s.tenant_id and f.scan_id = s.id and f.id >= since and f.id < below
            ) end
    )
$function$;

CREATE OR REPLACE FUNCTION public.joined_tenant_is_there()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public'
AS $function$
begin
    perform from public.tenants t where t.id = new.tenant_id and t.deleted_at is null for share;
    if not found then
        raise exception 'the tenant is gone' using errcode = 'foreign_key_violation', constraint = 'memberships_tenant_is_there';
    end if;
    return new;
end $function$;

CREATE OR REPLACE FUNCTION public.keep_framework_revisions()
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'public'
AS $function$
    with listed as materialized (
        select f.provider, f.framework_id, n.number, n.requirement, n.requirement ->> 'id' as id
        from catalogue_frameworks f cross join lateral jsonb_array_elements(
            case jsonb_typeof(f.content -> 'requirements') when 'array' then f.content -> 'requirements' else '[]' end
        ) with ordinality n(requirement, number)
        where f.revision_id is null
    ), single as (
        select provider, framework_id, id, min(number) as number,
            (array_agg(requirement order by number desc))[1] as requirement
        from listed group by provider, framework_id, id
    ), contents as (
        select provider, framework_id, jsonb_agg(jsonb_build_object('id', coalesce(id, ''),
            'description', coalesce(requirement ->> 'description', ''),
            'checks', case jsonb_typeof(requirement -> 'checks') when 'array' then requirement -> 'checks' else '[]' end) order by number) as requirements
        from single group by provider, framework_id
    ), digested as materialized (
        select f.provider, f.framework_id, coalesce(f.content ->> 'framework', '') as framework, coalesce(f.content ->> 'name', '') as name,
            coalesce(f.content ->> 'version', '') as version, coalesce(c.requirements, '[]') as requirements,
            md5(jsonb_build_array(f.provider, f.framework_id, f.content -> 'framework', f.content -> 'name', f.content -> 'version',
                c.requirements)::text)::uuid as id
        from catalogue_frameworks f left join contents c on c.provider = f.provider and c.framework_id = f.framework_id
        where f.revision_id is null
    ), kept as (
        insert into catalogue_framework_revisions (id, provider, framework_id, framework, name, version, requirements)
        select id, provider, framework_id, framework, name, version, requirements from digested
        on conflict (id) do nothing
    )
    update catalogue_frameworks f set revision_id = d.id from digested d where f.provider = d.provider and f.framework_id = d.framework_id
$function$;

CREATE OR REPLACE FUNCTION public.past_retention(ended timestamp with time zone, months integer, moment timestamp with time zone)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog'
AS $function$
    select (moment at time zone 'UTC') > least(m.began + make_interval(months => months) + ((ended at time zone 'UTC') - m.began),
        m.began + make_interval(months => months + 1))
    from (select date_trunc('month', ended at time zone 'UTC') as began) m
$function$;

CREATE OR REPLACE FUNCTION public.rescue_orphans(silence double precision)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public'
AS $function$
declare
    rescued integer;
begin
    update river.river_job j set state = 'available', scheduled_at = now(), max_attempts = greatest(j.max_attempts, j.attempt + 1)
    where j.state = 'running' and not exists (
        select from public.worker_leases l
        where l.id = j.attempted_by[array_upper(j.attempted_by, 1)] and l.renewed_at > now() - make_interval(secs => silence)
    );
    get diagnostics rescued = row_count;
    return rescued;
end $function$;

CREATE OR REPLACE FUNCTION public.scan_aggregates()
 RETURNS SETOF text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'public'
AS $function$
    select c.relname::text from pg_constraint k join pg_class c on c.oid = k.conrelid
    where k.contype = 'p' and c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and not c.relispartition
        and array(select a.attname::text from unnest(k.conkey[1:2]) with ordinality as u(number, place)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number order by u.place) = array['tenant_id', 'scan_id']
    order by c.relname
$function$;

CREATE OR REPLACE FUNCTION public.sought_checks(sought text)
 RETURNS TABLE(check_metadata_id uuid, missing tsquery)
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'public'
AS $function$
    with words as (
        select ('''' || replace(replace(l.lexeme, '\', '\\'), '''', '''''') || '''')::tsquery as term
        from unnest(to_tsvector('simple', sought)) as l
    )
    select m.id, (
        select string_agg(w.term::text, ' & ')::tsquery from words w where not m.search @@ w.term
    )
    from check_metadata m
    where exists (select from words)
$function$;

CREATE OR REPLACE FUNCTION public.sought_findings(sought text, scans uuid[])
 RETURNS TABLE(id uuid)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
    scan uuid;
    kinds record;
    rarest record;
    own tsquery;
begin
    foreach scan in array scans loop
        if not exists (select from scan_words w where w.scan_id = scan and w.word = '') then
            return query
                select f.id from findings f join sought_checks(sought) c on c.check_metadata_id = f.check_metadata_id
                where f.scan_id = scan and (c.missing is null or to_tsvector('english', coalesce(f.status_extended, '')) @@ c.missing);
            continue;
        end if;
        for kinds in
            select k.need, array_agg(k.check_metadata_id) as contents, array_agg(k.status_rank) as ranks
            from sought_kinds(sought, array[scan]) k where k.need <> '{}' group by k.need
        loop
            select min(w.word) filter (where w.hits = r.hits) as word, count(*) as known into rarest
            from scan_words w, (
                select min(o.hits) as hits from scan_words o where o.scan_id = scan and o.word = any(kinds.need)
            ) r
            where w.scan_id = scan and w.word = any(kinds.need);
            continue when rarest.known < cardinality(kinds.need);
            select string_agg(s.term::text, ' & ')::tsquery into own from sought_words(sought) s where s.word = any(kinds.need);
            return query
                select d.id
                from scan_words w cross join lateral unnest(w.finding_ids) i(id)
                cross join lateral (
                    select f.id, f.check_metadata_id, f.status_rank, f.status_extended from findings f where f.id = i.id limit 1
                ) d
                where w.scan_id = scan and w.word = rarest.word
                    and ((d.check_metadata_id, d.status_rank) in (
                        select unnest(kinds.contents), unnest(kinds.ranks)
                    )) is true and (cardinality(kinds.need) = 1 or to_tsvector('english', coalesce(d.status_extended, '')) @@ own);
        end loop;
    end loop;
end $function$;

CREATE OR REPLACE FUNCTION public.sought_kinds(sought text, scans uuid[])
 RETURNS TABLE(scan_id uuid, check_metadata_id uuid, check_id text, status_rank smallint, need text[])
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'public'
AS $function$
    with words as materialized (
        select s.word, s.term from sought_words(sought) s
    ), kinds as materialized (
        select w.scan_id, k.check_metadata_id, k.status_rank, array_agg(w.word) as words
        from scan_words w cross join lateral (
            select unnest(w.fail) as check_metadata_id, 1::smallint as status_rank
            union all select unnest(w.pass), 2::smallint
            union all select unnest(w.manual), 3::smallint
        ) k
        where w.scan_id = any(scans) and w.word = any(array(select s.word from words s union all select ''))
        group by w.scan_id, k.check_metadata_id, k.status_rank
    ), lacking as materialized (
        select m.id, m.check_id, array(select s.word from words s where not m.search @@ s.term) as words
        from check_metadata m
        where m.id = any(array(select distinct k.check_metadata_id from kinds k)) and exists (select from words)
    )
    select k.scan_id, k.check_metadata_id, l.check_id, k.status_rank,
        array(select unnest(l.words) as word except select unnest(k.words) order by word)
    from kinds k join lacking l on l.id = k.check_metadata_id where '' = any(k.words)
$function$;

CREATE OR REPLACE FUNCTION public.sought_whole_kinds(sought text, scans uuid[])
 RETURNS TABLE(scan_id uuid, check_metadata_id uuid, check_id text, status_rank smallint)
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'public'
AS $function$
    select k.scan_id, k.check_metadata_id, k.check_id, k.status_rank from sought_kinds(sought, scans) k where k.need = '{}'
$function$;

CREATE OR REPLACE FUNCTION public.sought_words(sought text)
 RETURNS TABLE(word text, term tsquery)
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE ROWS 5
 SET search_path TO 'pg_catalog', 'public'
AS $function$
    select l.lexeme, ('''' || replace(replace(l.lexeme, '\', '\\'), '''', '''''') || '''')::tsquery
    from unnest(to_tsvector('simple', sought)) as l
$function$;

CREATE OR REPLACE FUNCTION public.take_turn()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public'
AS $function$
declare
    begun bigint;
    taken bigint;
begin
    if tg_op = 'UPDATE' and new.scheduled_at > clock_timestamp() then
        new.state := 'scheduled'; -- it asks for a pause: its turn comes after it
        return new;
    end if;
    select (j.metadata ->> 'turn')::bigint into begun from river.river_job j
    where j.queue = new.queue and j.state in ('running', 'completed', 'cancelled', 'discarded') and (j.metadata ->> 'turn')::bigint is not null
    order by (j.metadata ->> 'turn')::bigint desc limit 1;
    begun := coalesce(begun, 0);
    if new.metadata ? 'turn' then
        taken := begun + 1;
    else
        select (j.metadata ->> 'turn')::bigint + 1 into taken from river.river_job j
        where j.args ->> 'tenant_id' = new.args ->> 'tenant_id' and j.queue = new.queue and (j.metadata ->> 'turn')::bigint is not null
        order by (j.metadata ->> 'turn')::bigint desc limit 1;
        taken := greatest(begun, coalesce(taken, 0));
    end if;
    new.metadata := jsonb_set(new.metadata, '{turn}', to_jsonb(taken));
    new.scheduled_at := timestamptz '2000-01-01 00:00:00+00' + taken * interval '1 millisecond';
    return new;
end $function$;

CREATE OR REPLACE FUNCTION public.threatscore_digest(content jsonb)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog'
AS $function$
    select md5(content::text)::uuid
$function$;

CREATE OR REPLACE FUNCTION public.uuidv7_floor(moment timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog'
AS $function$
    select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$function$;
comment on function uuidv7_floor(timestamp with time zone) is 'The smallest UUIDv7 of a millisecond: version and variant set, random bits zero.';

CREATE OR REPLACE PROCEDURE wall.admit_deletion(IN target regclass)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public'
AS $procedure$
begin
    execute format($policy$
        create policy deletion on %s for all to palisade_system
        using ((select current_setting('app.scope', true)) = 'deletion' and tenant_id = (select t.id from tenants t
            where t.id = nullif(current_setting('app.tenant_id', true), '')::uuid and t.deleted_at is not null))
        with check ((select current_setting('app.scope', true)) = 'deletion' and tenant_id = (select t.id from tenants t
            where t.id = nullif(current_setting('app.tenant_id', true), '')::uuid and t.deleted_at is not null))
    $policy$, target);
    execute format('create policy removed_in_deletion on %s as restrictive for delete to palisade_system '
        'using ((select current_setting(''app.scope'', true)) = ''deletion'')', target);
    execute format('grant select (tenant_id, ctid), delete on %s to palisade_system', target);
end $procedure$;

CREATE OR REPLACE PROCEDURE wall.admit_system(IN target regclass, VARIADIC scopes text[])
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public'
AS $procedure$
begin
    execute format($policy$
        create policy system_scope on %1$s for all to palisade_system
        using ((select current_setting('app.scope', true)) = any (%2$L::text[]))
        with check ((select current_setting('app.scope', true)) = any (%2$L::text[]))
    $policy$, target, scopes);
end $procedure$;

CREATE OR REPLACE PROCEDURE wall.protect(IN target regclass)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public'
AS $procedure$
begin
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format($policy$
        create policy tenant on %s for all to palisade_app
        using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
        with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    $policy$, target);
end $procedure$;

CREATE OR REPLACE PROCEDURE wall.protect_provider(IN target regclass, IN provider_column name DEFAULT 'provider_id'::name)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public'
AS $procedure$
begin
    execute format($policy$
        create policy provider_visibility on %1$s as restrictive for all to palisade_app
        using (
            %2$I is null
            or (select current_setting('app.visible_providers', true) = '*')
            or %2$I = any ((select case when current_setting('app.visible_providers', true) = '*' then '{}'
                else coalesce(nullif(current_setting('app.visible_providers', true), ''), '{}') end)::uuid[])
        )
        with check (
            %2$I is null
            or (select current_setting('app.visible_providers', true) = '*')
            or %2$I = any ((select case when current_setting('app.visible_providers', true) = '*' then '{}'
                else coalesce(nullif(current_setting('app.visible_providers', true), ''), '{}') end)::uuid[])
        )
    $policy$, target, provider_column);
end $procedure$;

-- Tables

create table api_keys (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    prefix text not null,
    digest bytea not null,
    user_id uuid,
    expires_at timestamp with time zone not null,
    revoked_at timestamp with time zone,
    revoked boolean not null generated always as (((revoked_at IS NOT NULL) OR (user_id IS NULL))) stored,
    last_used_at timestamp with time zone,
    inserted_at timestamp with time zone not null default now(),
    constraint api_keys_pkey PRIMARY KEY (tenant_id, id),
    constraint api_keys_prefix_key UNIQUE (prefix),
    constraint api_keys_tenant_id_name_key UNIQUE (tenant_id, name),
    constraint api_keys_digest_check CHECK ((octet_length(digest) = 32)),
    constraint api_keys_name_check CHECK (((char_length(name) >= 3) AND (char_length(name) <= 100))),
    constraint api_keys_prefix_check CHECK ((prefix ~ '^pk_[2-9A-HJKMNP-TV-Z]{8}$'::text))
);
comment on column api_keys.digest is 'SHA-256 of the whole key, which holds 256 random bits; no grant to palisade_app to read it.';
CREATE INDEX api_keys_owner ON public.api_keys USING btree (tenant_id, user_id);

create table audit_events (
    tenant_id uuid not null,
    seq bigint not null,
    id uuid not null,
    inserted_at timestamp with time zone not null,
    kind text not null,
    decision_id uuid,
    operation text not null,
    allowed boolean not null,
    write boolean not null,
    reason text not null,
    rule text not null,
    policy_revision text not null,
    user_id uuid not null,
    credential text not null,
    api_key_id uuid,
    api_key_prefix text,
    request_id text not null,
    client_address text not null,
    target_id text,
    status smallint,
    previous_hash bytea not null,
    hash bytea not null,
    constraint audit_events_pkey PRIMARY KEY (tenant_id, seq),
    constraint audit_events_tenant_id_id_key UNIQUE (tenant_id, id),
    constraint audit_events_check CHECK (((kind = 'outcome'::text) = (decision_id IS NOT NULL))),
    constraint audit_events_kind_check CHECK ((kind = ANY (ARRAY['decision'::text, 'outcome'::text]))),
    constraint audit_events_operation_check CHECK (((char_length(operation) >= 1) AND (char_length(operation) <= 128))),
    constraint audit_events_seq_check CHECK ((seq > 0)),
    constraint audit_events_status_check CHECK (((status >= 100) AND (status <= 599))),
    constraint audit_events_target_id_check CHECK (((char_length(target_id) >= 1) AND (char_length(target_id) <= 255)))
);
comment on table audit_events is 'Append-only. There is no cascade from tenants: the deletion of a tenant removes its log by name.';
comment on column audit_events.seq is 'Place in the chain of the tenant, from 1 without a gap; given by the database.';
comment on column audit_events.inserted_at is 'Given by the database.';
comment on column audit_events.kind is 'decision: policy decided; outcome: how the request of an allowed write was answered.';
comment on column audit_events.decision_id is 'Of an outcome: the event of its decision.';
comment on column audit_events.user_id is 'No foreign key: the log outlives the person.';
comment on column audit_events.target_id is 'What the path named, as it was sent; shown to those alone who see every provider.';
comment on column audit_events.status is 'HTTP status of the answer; null for a decision that let the request through.';
comment on column audit_events.previous_hash is 'Hash of the row before; 32 zero bytes for the first.';
CREATE INDEX audit_events_api_key ON public.audit_events USING btree (tenant_id, api_key_prefix, seq) WHERE (api_key_prefix IS NOT NULL);
CREATE INDEX audit_events_denied ON public.audit_events USING btree (tenant_id, seq) WHERE (NOT allowed);
CREATE INDEX audit_events_inserted ON public.audit_events USING btree (tenant_id, inserted_at, seq);
CREATE INDEX audit_events_operation ON public.audit_events USING btree (tenant_id, operation, seq);
CREATE INDEX audit_events_request ON public.audit_events USING btree (tenant_id, request_id);
CREATE INDEX audit_events_user ON public.audit_events USING btree (tenant_id, user_id, seq);

create table catalogue_checks (
    provider text not null,
    check_id text not null,
    engine_version text not null,
    content jsonb not null,
    updated_at timestamp with time zone not null default now(),
    constraint catalogue_checks_pkey PRIMARY KEY (provider, check_id)
);

create table catalogue_framework_revisions (
    id uuid not null,
    provider text not null,
    framework_id text not null,
    framework text not null,
    name text not null,
    version text not null,
    requirements jsonb not null,
    constraint catalogue_framework_revisions_pkey PRIMARY KEY (id)
);
comment on table catalogue_framework_revisions is 'Contents of frameworks by their digest. requirements is a list of {id, description, checks} in the order of their results.';

create table catalogue_frameworks (
    provider text not null,
    framework_id text not null,
    engine_version text not null,
    content jsonb not null,
    updated_at timestamp with time zone not null default now(),
    revision_id uuid,
    constraint catalogue_frameworks_pkey PRIMARY KEY (provider, framework_id)
);
comment on column catalogue_frameworks.revision_id is 'The revision that the content is; null only within an import.';

create table check_metadata (
    tenant_id uuid not null,
    id uuid not null,
    check_id text not null,
    content jsonb not null,
    search tsvector not null,
    inserted_at timestamp with time zone not null default now(),
    title text not null generated always as (COALESCE((content ->> 'checktitle'::text), ''::text)) stored,
    constraint check_metadata_pkey PRIMARY KEY (tenant_id, id)
);
comment on column check_metadata.id is 'First 128 bits of the SHA-256 of the canonical content.';
comment on column check_metadata.search is 'Words of the content, for filter[search].';

create table check_metadata_categories (
    tenant_id uuid not null,
    check_metadata_id uuid not null,
    category text not null,
    constraint check_metadata_categories_pkey PRIMARY KEY (tenant_id, check_metadata_id, category)
);

create table compliance_framework_revisions (
    tenant_id uuid not null,
    id uuid not null,
    framework_id uuid not null,
    framework text not null,
    name text not null,
    version text not null,
    requirements jsonb not null,
    inserted_at timestamp with time zone not null default now(),
    constraint compliance_framework_revisions_pkey PRIMARY KEY (tenant_id, id)
);
CREATE INDEX compliance_framework_revisions_framework ON public.compliance_framework_revisions USING btree (tenant_id, framework_id);

create table compliance_frameworks (
    tenant_id uuid not null,
    id uuid not null,
    compliance_id text not null,
    provider text not null,
    description text not null,
    revision_id uuid not null,
    inserted_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    constraint compliance_frameworks_pkey PRIMARY KEY (tenant_id, id),
    constraint compliance_frameworks_tenant_id_compliance_id_key UNIQUE (tenant_id, compliance_id),
    constraint compliance_frameworks_compliance_id_check CHECK ((compliance_id ~ '^custom_[a-z0-9][a-z0-9_.-]{0,92}$'::text))
);
comment on column compliance_frameworks.revision_id is 'The revision that scans are held against from now on.';

create table compliance_watchlist (
    tenant_id uuid not null,
    compliance_id text not null,
    inserted_at timestamp with time zone not null default now(),
    constraint compliance_watchlist_pkey PRIMARY KEY (tenant_id, compliance_id),
    constraint compliance_watchlist_compliance_id_check CHECK (((char_length(compliance_id) >= 1) AND (char_length(compliance_id) <= 100)))
);

create table findings (
    tenant_id uuid not null,
    id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    check_metadata_id uuid not null,
    uid_hash bigint not null,
    inserted_at timestamp with time zone not null,
    updated_at timestamp with time zone not null,
    first_seen_at timestamp with time zone not null,
    muted_at timestamp with time zone,
    status_rank smallint not null generated always as (
CASE status
    WHEN 'FAIL'::text THEN 1
    WHEN 'PASS'::text THEN 2
    ELSE 3
END) stored,
    severity_rank smallint not null generated always as (
CASE severity
    WHEN 'critical'::text THEN 1
    WHEN 'high'::text THEN 2
    WHEN 'medium'::text THEN 3
    WHEN 'low'::text THEN 4
    ELSE 5
END) stored,
    muted boolean not null default false,
    status text not null,
    severity text not null,
    delta text,
    uid text not null,
    check_id text not null,
    status_extended text,
    region text not null,
    service text not null,
    resource_type text not null,
    resource_group text,
    muted_reason text,
    raw_result jsonb,
    resource_id uuid not null,
    constraint findings_pkey PRIMARY KEY (tenant_id, id),
    constraint findings_delta_check CHECK ((delta = ANY (ARRAY['new'::text, 'changed'::text]))),
    constraint findings_severity_check CHECK ((severity = ANY (ARRAY['critical'::text, 'high'::text, 'medium'::text, 'low'::text, 'informational'::text]))),
    constraint findings_status_check CHECK ((status = ANY (ARRAY['FAIL'::text, 'PASS'::text, 'MANUAL'::text]))),
    constraint findings_uid_check CHECK ((char_length(uid) <= 300))
) partition by RANGE (id);
comment on column findings.id is 'UUIDv7 of the moment the finding was stored; the month of it is the partition.';
comment on column findings.uid_hash is 'First 64 bits of the SHA-256 of uid: a short key for the history of a finding.';
comment on column findings.resource_id is 'The resource that the finding is about; as it is now, not as it was then.';
CREATE INDEX findings_history ON public.findings USING btree (tenant_id, uid_hash, id);
CREATE INDEX findings_place ON public.findings USING btree (tenant_id, scan_id, check_id, region);
CREATE INDEX findings_resource ON public.findings USING btree (tenant_id, resource_id, scan_id);
CREATE INDEX findings_scan ON public.findings USING btree (tenant_id, scan_id, status_rank, severity_rank, id) INCLUDE (provider_id, muted);

create table flow_steps (
    tenant_id uuid not null,
    id uuid not null,
    flow_id uuid not null,
    parent_id uuid,
    "position" integer not null,
    provider_id uuid,
    type text not null,
    state text not null default 'waiting'::text,
    pending integer not null default 0,
    broken boolean not null default false,
    reason text,
    job_kind text,
    job_args jsonb,
    task_id uuid,
    inserted_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    constraint flow_steps_pkey PRIMARY KEY (tenant_id, id),
    constraint flow_steps_tenant_id_parent_id_position_key UNIQUE (tenant_id, parent_id, "position"),
    constraint flow_steps_pending_check CHECK ((pending >= 0)),
    constraint flow_steps_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'completed'::text, 'failed'::text, 'stopped'::text]))),
    constraint flow_steps_type_check CHECK ((type = ANY (ARRAY['chain'::text, 'group'::text, 'job'::text])))
);
comment on column flow_steps.pending is 'Members that have not ended; the one that makes it 0 ends this step too.';
comment on column flow_steps.reason is 'Why the step was stopped: what it depended on and how that ended.';
CREATE INDEX flow_steps_flow ON public.flow_steps USING btree (tenant_id, flow_id, id);
CREATE UNIQUE INDEX flow_steps_task ON public.flow_steps USING btree (tenant_id, task_id);

create table ingestion_chunks (
    tenant_id uuid not null,
    ingestion_id uuid not null,
    number integer not null,
    content bytea not null,
    constraint ingestion_chunks_pkey PRIMARY KEY (tenant_id, ingestion_id, number)
);

create table ingestion_errors (
    tenant_id uuid not null,
    ingestion_id uuid not null,
    number bigint not null,
    provider_id uuid,
    code text not null,
    detail text not null,
    finding_index bigint,
    finding_uid text,
    constraint ingestion_errors_pkey PRIMARY KEY (tenant_id, ingestion_id, number)
);

create table ingestions (
    tenant_id uuid not null,
    id uuid not null,
    provider_id uuid,
    scan_id uuid,
    task_id uuid,
    state text not null default 'uploading'::text,
    filename text not null,
    bytes bigint not null default 0,
    findings_count bigint not null default 0,
    errors_count bigint not null default 0,
    inserted_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    completed_at timestamp with time zone,
    constraint ingestions_pkey PRIMARY KEY (tenant_id, id),
    constraint ingestions_filename_check CHECK ((char_length(filename) <= 255)),
    constraint ingestions_state_check CHECK ((state = ANY (ARRAY['uploading'::text, 'pending'::text, 'processing'::text, 'completed'::text, 'failed'::text])))
);
CREATE INDEX ingestions_inserted ON public.ingestions USING btree (tenant_id, inserted_at, id);
CREATE INDEX ingestions_provider ON public.ingestions USING btree (tenant_id, provider_id, scan_id);
CREATE INDEX ingestions_waiting ON public.ingestions USING btree (tenant_id, provider_id, id) WHERE (state = 'pending'::text);

create table invitation_roles (
    tenant_id uuid not null,
    invitation_id uuid not null,
    role_id uuid not null,
    inserted_at timestamp with time zone not null default now(),
    constraint invitation_roles_pkey PRIMARY KEY (tenant_id, invitation_id, role_id)
);
CREATE INDEX invitation_roles_role ON public.invitation_roles USING btree (tenant_id, role_id, invitation_id);

create table invitations (
    tenant_id uuid not null,
    id uuid not null,
    email text not null,
    state text not null default 'pending'::text,
    token text not null,
    expires_at timestamp with time zone not null,
    inviter_id uuid,
    inserted_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    constraint invitations_pkey PRIMARY KEY (tenant_id, id),
    constraint invitations_token_key UNIQUE (token),
    constraint invitations_email_check CHECK (((email = lower(email)) AND (char_length(email) <= 254))),
    constraint invitations_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'accepted'::text, 'expired'::text, 'revoked'::text]))),
    constraint invitations_token_check CHECK ((char_length(token) = 14))
);
CREATE INDEX invitations_email ON public.invitations USING btree (tenant_id, email, state);
CREATE INDEX invitations_inviter ON public.invitations USING btree (inviter_id);

create table memberships (
    tenant_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    role text not null default 'member'::text,
    date_joined timestamp with time zone not null default now(),
    constraint memberships_pkey PRIMARY KEY (tenant_id, id),
    constraint memberships_tenant_id_user_id_key UNIQUE (tenant_id, user_id),
    constraint memberships_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'member'::text])))
);
CREATE INDEX memberships_user ON public.memberships USING btree (user_id, date_joined, tenant_id);

create table mute_rule_findings (
    tenant_id uuid not null,
    mute_rule_id uuid not null,
    number integer not null,
    provider_id uuid not null,
    uid_hash bigint not null,
    uid text not null,
    constraint mute_rule_findings_pkey PRIMARY KEY (tenant_id, mute_rule_id, number)
);
comment on column mute_rule_findings.number is 'Position in the rule: the work on a rule goes by it.';
CREATE INDEX mute_rule_findings_uid ON public.mute_rule_findings USING btree (tenant_id, provider_id, uid_hash);

create table mute_rules (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    reason text not null,
    enabled boolean not null default true,
    created_by uuid,
    inserted_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    constraint mute_rules_pkey PRIMARY KEY (tenant_id, id),
    constraint mute_rules_tenant_id_name_key UNIQUE (tenant_id, name),
    constraint mute_rules_name_check CHECK (((char_length(name) >= 3) AND (char_length(name) <= 100))),
    constraint mute_rules_reason_check CHECK (((char_length(reason) >= 3) AND (char_length(reason) <= 500)))
);
CREATE INDEX mute_rules_creator ON public.mute_rules USING btree (tenant_id, created_by);

create table processors (
    tenant_id uuid not null,
    id uuid not null,
    processor_type text not null,
    configuration jsonb not null,
    inserted_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    constraint processors_pkey PRIMARY KEY (tenant_id, id),
    constraint processors_tenant_id_processor_type_key UNIQUE (tenant_id, processor_type),
    constraint processors_processor_type_check CHECK ((processor_type = 'mutelist'::text))
);

create table provider_group_providers (
    tenant_id uuid not null,
    provider_group_id uuid not null,
    provider_id uuid not null,
    inserted_at timestamp with time zone not null default now(),
    constraint provider_group_providers_pkey PRIMARY KEY (tenant_id, provider_group_id, provider_id)
);
CREATE INDEX provider_group_providers_provider ON public.provider_group_providers USING btree (tenant_id, provider_id, provider_group_id);

create table provider_group_tags (
    tenant_id uuid not null,
    provider_group_id uuid not null,
    tag text not null,
    constraint provider_group_tags_pkey PRIMARY KEY (tenant_id, provider_group_id, tag),
    constraint provider_group_tags_tag_check CHECK (((char_length(tag) >= 1) AND (char_length(tag) <= 100)))
);

create table provider_groups (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    inserted_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    constraint provider_groups_pkey PRIMARY KEY (tenant_id, id),
    constraint provider_groups_tenant_id_name_key UNIQUE (tenant_id, name),
    constraint provider_groups_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 255)))
);

create table provider_secrets (
    tenant_id uuid not null,
    id uuid not null,
    provider_id uuid not null,
    name text,
    secret_type text not null,
    secret bytea not null,
    inserted_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    constraint provider_secrets_pkey PRIMARY KEY (tenant_id, id),
    constraint provider_secrets_tenant_id_provider_id_key UNIQUE (tenant_id, provider_id),
    constraint provider_secrets_name_check CHECK ((char_length(name) <= 100)),
    constraint provider_secrets_secret_type_check CHECK ((secret_type = ANY (ARRAY['static'::text, 'role'::text, 'service_account'::text])))
);
comment on column provider_secrets.secret is 'Sealed by the program (authenticated cipher, bound to tenant and row); the database never sees the content.';

create table providers (
    tenant_id uuid not null,
    id uuid not null,
    provider text not null,
    provider_rank smallint not null generated always as (
CASE provider
    WHEN 'aws'::text THEN 1
    WHEN 'azure'::text THEN 2
    WHEN 'gcp'::text THEN 3
    WHEN 'kubernetes'::text THEN 4
    WHEN 'm365'::text THEN 5
    WHEN 'github'::text THEN 6
    WHEN 'mongodbatlas'::text THEN 7
    WHEN 'iac'::text THEN 8
    WHEN 'oraclecloud'::text THEN 9
    WHEN 'alibabacloud'::text THEN 10
    WHEN 'cloudflare'::text THEN 11
    WHEN 'openstack'::text THEN 12
    WHEN 'image'::text THEN 13
    WHEN 'googleworkspace'::text THEN 14
    WHEN 'vercel'::text THEN 15
    ELSE 16
END) stored,
    uid text not null,
    alias text,
    connected boolean,
    connection_last_checked_at timestamp with time zone,
    inserted_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    deleted_at timestamp with time zone,
    scan_scope jsonb,
    constraint providers_pkey PRIMARY KEY (tenant_id, id),
    constraint providers_alias_check CHECK ((char_length(alias) <= 100)),
    constraint providers_provider_check CHECK ((provider = ANY (ARRAY['aws'::text, 'azure'::text, 'gcp'::text, 'kubernetes'::text, 'm365'::text, 'github'::text, 'mongodbatlas'::text, 'iac'::text, 'oraclecloud'::text, 'alibabacloud'::text, 'cloudflare'::text, 'openstack'::text, 'image'::text, 'googleworkspace'::text, 'vercel'::text, 'okta'::text]))),
    constraint providers_scan_scope_check CHECK ((jsonb_typeof(scan_scope) = 'object'::text)),
    constraint providers_uid_check CHECK (((char_length(uid) >= 3) AND (char_length(uid) <= 250)))
);
comment on column providers.provider_rank is 'Sort order of the provider type on the wire.';
comment on column providers.deleted_at is 'Set when deletion was asked for; the row and all that hangs off it go in the background.';
comment on column providers.scan_scope is 'What the scans of the provider look at: lists of regions, services, checks, ...; null is everything.';
CREATE UNIQUE INDEX providers_account ON public.providers USING btree (tenant_id, provider, uid) WHERE (deleted_at IS NULL);
CREATE INDEX providers_inserted ON public.providers USING btree (tenant_id, inserted_at, id);

create table resource_counts (
    tenant_id uuid not null,
    provider_id uuid not null,
    resources bigint not null,
    constraint resource_counts_pkey PRIMARY KEY (tenant_id, provider_id)
);

create table resource_groups (
    tenant_id uuid not null,
    provider_id uuid not null,
    resource_id uuid not null,
    name text not null,
    constraint resource_groups_pkey PRIMARY KEY (tenant_id, resource_id, name)
);

create table resource_tags (
    tenant_id uuid not null,
    provider_id uuid not null,
    resource_id uuid not null,
    key text not null,
    value text not null,
    words tsvector not null generated always as ((setweight(to_tsvector('simple'::regconfig, key), 'A'::"char") || setweight(to_tsvector('simple'::regconfig, value), 'B'::"char"))) stored,
    constraint resource_tags_pkey PRIMARY KEY (tenant_id, resource_id, key, value)
);

create table resources (
    tenant_id uuid not null,
    id uuid not null,
    provider_id uuid not null,
    uid text not null,
    name text not null,
    region text not null,
    service text not null,
    type text not null,
    metadata text,
    details text,
    partition text,
    failed_findings_count integer not null default 0,
    inserted_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    words tsvector not null generated always as ((((setweight(to_tsvector('simple'::regconfig, uid), 'A'::"char") || setweight(to_tsvector('simple'::regconfig, name), 'B'::"char")) || setweight(to_tsvector('simple'::regconfig, region), 'C'::"char")) || setweight(to_tsvector('simple'::regconfig, ((service || ' '::text) || type)), 'D'::"char"))) stored,
    constraint resources_pkey PRIMARY KEY (tenant_id, id),
    constraint resources_tenant_id_provider_id_uid_key UNIQUE (tenant_id, provider_id, uid)
);
comment on column resources.metadata is 'JSON text as the engine reported it.';
CREATE INDEX resources_failed ON public.resources USING btree (tenant_id, failed_findings_count DESC, updated_at DESC, id DESC) INCLUDE (provider_id);
CREATE INDEX resources_name ON public.resources USING btree (tenant_id, name);
CREATE INDEX resources_place ON public.resources USING btree (tenant_id, service, region, type) INCLUDE (provider_id, updated_at);
CREATE INDEX resources_updated ON public.resources USING btree (tenant_id, updated_at, id) INCLUDE (provider_id);

create table role_provider_groups (
    tenant_id uuid not null,
    role_id uuid not null,
    provider_group_id uuid not null,
    inserted_at timestamp with time zone not null default now(),
    constraint role_provider_groups_pkey PRIMARY KEY (tenant_id, role_id, provider_group_id)
);
CREATE INDEX role_provider_groups_group ON public.role_provider_groups USING btree (tenant_id, provider_group_id, role_id);

create table role_users (
    tenant_id uuid not null,
    role_id uuid not null,
    user_id uuid not null,
    inserted_at timestamp with time zone not null default now(),
    constraint role_users_pkey PRIMARY KEY (tenant_id, role_id, user_id)
);
CREATE INDEX role_users_user ON public.role_users USING btree (tenant_id, user_id, role_id);

create table roles (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    manage_users boolean not null default false,
    manage_account boolean not null default false,
    manage_billing boolean not null default false,
    manage_providers boolean not null default false,
    manage_integrations boolean not null default false,
    manage_scans boolean not null default false,
    unlimited_visibility boolean not null default false,
    inserted_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    constraint roles_pkey PRIMARY KEY (tenant_id, id),
    constraint roles_tenant_id_name_key UNIQUE (tenant_id, name),
    constraint roles_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 255)))
);

create table saml_assertions (
    tenant_id uuid not null,
    id bytea not null,
    expires_at timestamp with time zone not null,
    constraint saml_assertions_pkey PRIMARY KEY (tenant_id, id)
);
comment on column saml_assertions.id is 'SHA-256 of the identity provider''s entity id and the assertion''s id.';
CREATE INDEX saml_assertions_expiry ON public.saml_assertions USING btree (tenant_id, expires_at);

create table saml_configurations (
    tenant_id uuid not null,
    id uuid not null,
    email_domain text not null,
    entity_id text not null,
    metadata_xml text not null,
    created_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    constraint saml_configurations_pkey PRIMARY KEY (tenant_id, id),
    constraint saml_configurations_email_domain_key UNIQUE (email_domain),
    constraint saml_configurations_entity_id_key UNIQUE (entity_id),
    constraint saml_configurations_tenant_id_key UNIQUE (tenant_id),
    constraint saml_configurations_email_domain_check CHECK (((email_domain = lower(email_domain)) AND ((char_length(email_domain) >= 1) AND (char_length(email_domain) <= 254)))),
    constraint saml_configurations_entity_id_check CHECK (((octet_length(entity_id) >= 1) AND (octet_length(entity_id) <= 1024)))
);

create table saml_requests (
    tenant_id uuid not null,
    id text not null,
    config_id uuid not null,
    browser bytea not null,
    callback text not null default ''::text,
    expires_at timestamp with time zone not null,
    answer bytea,
    email text not null default ''::text,
    name text not null default ''::text,
    company_name text not null default ''::text,
    user_type text not null default ''::text,
    constraint saml_requests_pkey PRIMARY KEY (tenant_id, id),
    constraint saml_requests_id_check CHECK ((char_length(id) <= 64))
);
comment on column saml_requests.browser is 'SHA-256 of the secret in the cookie of the browser that began.';
comment on column saml_requests.answer is 'SHA-256 of the secret in the cookie of the browser that brought the answer; null: no good answer yet.';
CREATE INDEX saml_requests_config ON public.saml_requests USING btree (tenant_id, config_id);
CREATE INDEX saml_requests_expiry ON public.saml_requests USING btree (tenant_id, expires_at);

create table saml_tokens (
    tenant_id uuid not null,
    digest bytea not null,
    config_id uuid not null,
    user_id uuid not null,
    expires_at timestamp with time zone not null,
    constraint saml_tokens_pkey PRIMARY KEY (tenant_id, digest),
    constraint saml_tokens_digest_key UNIQUE (digest)
);
comment on column saml_tokens.digest is 'SHA-256 of the token, a random UUID.';
CREATE INDEX saml_tokens_config ON public.saml_tokens USING btree (tenant_id, config_id);
CREATE INDEX saml_tokens_expiry ON public.saml_tokens USING btree (tenant_id, expires_at);
CREATE INDEX saml_tokens_user ON public.saml_tokens USING btree (tenant_id, user_id);

create table scan_attack_surfaces (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    surface text not null,
    total_findings integer not null,
    failed_findings integer not null,
    muted_failed_findings integer not null,
    constraint scan_attack_surfaces_pkey PRIMARY KEY (tenant_id, scan_id, surface),
    constraint scan_attack_surfaces_surface_check CHECK ((surface = ANY (ARRAY['internet-exposed'::text, 'secrets'::text, 'privilege-escalation'::text, 'ec2-imdsv1'::text])))
);

create table scan_category_summaries (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    category text not null,
    severity text not null,
    total_findings integer not null,
    failed_findings integer not null,
    new_failed_findings integer not null,
    constraint scan_category_summaries_pkey PRIMARY KEY (tenant_id, scan_id, category, severity)
);

create table scan_check_places (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    check_id text not null,
    number integer not null,
    check_metadata_id uuid not null,
    severity_rank smallint not null,
    delta text,
    service text not null,
    region text not null,
    resource_type text not null,
    resource_group text,
    pass integer not null,
    fail integer not null,
    manual integer not null,
    pass_muted integer not null,
    fail_muted integer not null,
    manual_muted integer not null,
    resources_total integer not null,
    resources_fail integer not null,
    resource_ids uuid[],
    failing_ids uuid[],
    first_seen_at timestamp with time zone not null,
    last_seen_at timestamp with time zone not null,
    failing_since timestamp with time zone,
    constraint scan_check_places_pkey PRIMARY KEY (tenant_id, scan_id, check_id, number)
);
comment on column scan_check_places.number is 'Position among the places of the check.';
comment on column scan_check_places.resource_ids is 'The resources, when the check has findings about some resource in several places, so that their numbers do not add up.';
comment on column scan_check_places.failing_ids is 'Those of them with a failure that is not muted.';
comment on column scan_check_places.first_seen_at is 'The first time that any of the findings was seen, muted or not.';

create table scan_check_summaries (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    check_id text not null,
    check_metadata_id uuid not null,
    severity_rank smallint not null,
    pass integer not null,
    fail integer not null,
    manual integer not null,
    pass_muted integer not null,
    fail_muted integer not null,
    manual_muted integer not null,
    new_pass integer not null,
    new_fail integer not null,
    new_manual integer not null,
    new_pass_muted integer not null,
    new_fail_muted integer not null,
    new_manual_muted integer not null,
    changed_pass integer not null,
    changed_fail integer not null,
    changed_manual integer not null,
    changed_pass_muted integer not null,
    changed_fail_muted integer not null,
    changed_manual_muted integer not null,
    resources_total integer not null,
    resources_fail integer not null,
    first_seen_at timestamp with time zone,
    last_seen_at timestamp with time zone not null,
    failing_since timestamp with time zone,
    constraint scan_check_summaries_pkey PRIMARY KEY (tenant_id, scan_id, check_id)
);
comment on table scan_check_summaries is 'What has no _muted in its name counts findings that are not muted.';
comment on column scan_check_summaries.check_metadata_id is 'The content that describes the check; of several the one with the greatest id.';
comment on column scan_check_summaries.severity_rank is 'Of the severest finding, muted or not.';
comment on column scan_check_summaries.resources_fail is 'Resources with a failure that is not muted.';
comment on column scan_check_summaries.first_seen_at is 'The first time that any of the new findings that are not muted was seen.';
comment on column scan_check_summaries.failing_since is 'The first time that any of the failures that are not muted was seen.';
CREATE INDEX scan_check_summaries_check ON public.scan_check_summaries USING btree (tenant_id, check_id, scan_id) INCLUDE (provider_id);

create table scan_compliance (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    region text not null,
    compliance_id text not null,
    revision_id uuid not null,
    passed integer not null,
    failed integer not null,
    manual integer not null,
    failures bit varying not null,
    constraint scan_compliance_pkey PRIMARY KEY (tenant_id, scan_id, region, compliance_id)
);
comment on column scan_compliance.failures is 'One bit for each requirement of the revision: whether it failed.';

create table scan_compliance_sheets (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    layout_id uuid not null,
    compliance_ids text[] not null,
    revision_ids uuid[] not null,
    lengths integer[] not null,
    failures bit varying not null,
    constraint scan_compliance_sheets_pkey PRIMARY KEY (tenant_id, scan_id)
);
comment on table scan_compliance_sheets is 'The rows of scan_compliance without a region, one behind the other in the order of compliance_ids.';
comment on column scan_compliance_sheets.layout_id is 'Digest of compliance_ids and revision_ids: the bits of sheets with the same layout mean the same.';
comment on column scan_compliance_sheets.lengths is 'How many of the bits are about each framework.';

create table scan_figures (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    everywhere boolean not null,
    region text not null,
    pass integer not null,
    fail integer not null,
    muted integer not null,
    total integer not null,
    new integer not null,
    changed integer not null,
    unchanged integer not null,
    fail_new integer not null,
    fail_changed integer not null,
    pass_new integer not null,
    pass_changed integer not null,
    muted_new integer not null,
    muted_changed integer not null,
    fail_by_severity integer[] not null,
    pass_by_severity integer[] not null,
    inserted_at timestamp with time zone not null default now(),
    constraint scan_figures_pkey PRIMARY KEY (tenant_id, scan_id, everywhere, region)
);
comment on table scan_figures is 'The sums of scan_summaries: one row a scan for all regions together (everywhere), and one for each region of its resources.';
comment on column scan_figures.fail_by_severity is 'Failures that are not muted: critical, high, medium, low, informational.';

create table scan_places (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    service text not null,
    region text not null,
    resource_type text not null,
    constraint scan_places_pkey PRIMARY KEY (tenant_id, scan_id, service, region, resource_type)
);

create table scan_recounts (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    provider_id uuid not null,
    scan_id uuid not null,
    constraint scan_recounts_pkey PRIMARY KEY (tenant_id, id)
);
CREATE INDEX scan_recounts_scan ON public.scan_recounts USING btree (tenant_id, scan_id);

create table scan_resource_group_summaries (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    resource_group text not null,
    severity text not null,
    total_findings integer not null,
    failed_findings integer not null,
    new_failed_findings integer not null,
    resources_count integer not null,
    constraint scan_resource_group_summaries_pkey PRIMARY KEY (tenant_id, scan_id, resource_group, severity)
);

create table scan_resource_summaries (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    resource_id uuid not null,
    service text not null,
    region text not null,
    resource_type text not null,
    constraint scan_resource_summaries_pkey PRIMARY KEY (tenant_id, scan_id, resource_id)
);

create table scan_services (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    everywhere boolean not null,
    region text not null,
    service text not null,
    pass integer not null,
    fail integer not null,
    muted integer not null,
    total integer not null,
    inserted_at timestamp with time zone not null default now(),
    constraint scan_services_pkey PRIMARY KEY (tenant_id, scan_id, everywhere, region, service)
);
comment on table scan_services is 'The same for each service of the resources.';

create table scan_severities (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    critical integer not null,
    high integer not null,
    medium integer not null,
    low integer not null,
    informational integer not null,
    muted integer not null,
    constraint scan_severities_pkey PRIMARY KEY (tenant_id, scan_id)
);
comment on table scan_severities is 'One row a scan, also of one that found nothing: failures that are not muted by severity, and muted findings.';

create table scan_summaries (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    check_id text not null,
    service text not null,
    severity text not null,
    region text not null,
    resource_service text not null,
    resource_region text not null,
    pass integer not null,
    fail integer not null,
    muted integer not null,
    total integer not null,
    new integer not null,
    changed integer not null,
    unchanged integer not null,
    fail_new integer not null,
    fail_changed integer not null,
    pass_new integer not null,
    pass_changed integer not null,
    muted_new integer not null,
    muted_changed integer not null,
    pass_muted integer not null,
    fail_muted integer not null,
    severity_rank smallint not null generated always as (
CASE severity
    WHEN 'critical'::text THEN 1
    WHEN 'high'::text THEN 2
    WHEN 'medium'::text THEN 3
    WHEN 'low'::text THEN 4
    ELSE 5
END) stored,
    inserted_at timestamp with time zone not null default now(),
    constraint scan_summaries_pkey PRIMARY KEY (tenant_id, scan_id, check_id, service, severity, region, resource_service, resource_region)
);

create table scan_words (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    word text collate "C" not null,
    fail uuid[],
    pass uuid[],
    manual uuid[],
    hits integer not null default 0,
    finding_ids uuid[],
    constraint scan_words_pkey PRIMARY KEY (tenant_id, scan_id, word)
);
comment on column scan_words.fail is 'Contents of check_metadata of which every failed finding of the scan has the word; pass and manual likewise.';
comment on column scan_words.finding_ids is 'Findings of other contents that have the word, as many as hits says.';

create table scans (
    tenant_id uuid not null,
    id uuid not null,
    provider_id uuid not null,
    name text,
    trigger text not null,
    state text not null default 'available'::text,
    unique_resource_count integer not null default 0,
    progress smallint not null default 0,
    duration integer,
    task_id uuid,
    scheduled_at timestamp with time zone,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    next_scan_at timestamp with time zone,
    first_finding_id uuid,
    last_finding_id uuid,
    inserted_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    scope jsonb,
    aggregates_version smallint not null default 0,
    constraint scans_pkey PRIMARY KEY (tenant_id, id),
    constraint scans_tenant_id_provider_id_id_key UNIQUE (tenant_id, provider_id, id),
    constraint scans_name_check CHECK ((char_length(name) <= 100)),
    constraint scans_progress_check CHECK (((progress >= 0) AND (progress <= 100))),
    constraint scans_scope_check CHECK ((jsonb_typeof(scope) = 'object'::text)),
    constraint scans_state_check CHECK ((state = ANY (ARRAY['available'::text, 'scheduled'::text, 'executing'::text, 'completed'::text, 'failed'::text, 'cancelled'::text, 'expired'::text]))),
    constraint scans_trigger_check CHECK ((trigger = ANY (ARRAY['scheduled'::text, 'manual'::text])))
);
comment on column scans.id is 'UUIDv7 of the moment the scan was asked for.';
comment on column scans.state is 'Expired is for the program alone: no answer shows the scan any more, and its rows are being removed.';
comment on column scans.duration is 'Seconds.';
comment on column scans.first_finding_id is 'Smallest id of the scan''s findings, set on completion; with last_finding_id it bounds the partitions to read.';
comment on column scans.scope is 'What the scan looks at, as scan_scope of the provider. The numbers on resources that it did not see are left alone.';
comment on column scans.aggregates_version is 'Which version of the program''s aggregates the scan has; 0 is none of a number.';
CREATE INDEX scans_active ON public.scans USING btree (tenant_id, provider_id, inserted_at, id) WHERE (state = ANY (ARRAY['available'::text, 'executing'::text]));
CREATE INDEX scans_completed ON public.scans USING btree (tenant_id, provider_id, completed_at DESC, id DESC) WHERE (state = 'completed'::text);
CREATE INDEX scans_counted ON public.scans USING btree (tenant_id, aggregates_version) WHERE (state = 'completed'::text);
CREATE INDEX scans_expired ON public.scans USING btree (tenant_id, id) WHERE (state = 'expired'::text);
CREATE INDEX scans_inserted ON public.scans USING btree (tenant_id, inserted_at, id);
CREATE INDEX scans_latest ON public.scans USING btree (tenant_id, provider_id, inserted_at DESC, id DESC) WHERE (state = 'completed'::text);
CREATE UNIQUE INDEX scans_task ON public.scans USING btree (tenant_id, task_id) WHERE (task_id IS NOT NULL);

create table schedules (
    tenant_id uuid not null,
    id uuid not null,
    provider_id uuid not null,
    every_hours integer,
    next_run_at timestamp with time zone not null,
    enabled boolean not null default true,
    inserted_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    frequency text not null default 'daily'::text,
    hour smallint,
    minute smallint not null default 0,
    weekdays smallint[],
    month_day smallint,
    time_zone text not null default 'UTC'::text,
    starts_at timestamp with time zone,
    constraint schedules_pkey PRIMARY KEY (tenant_id, id),
    constraint schedules_tenant_id_provider_id_key UNIQUE (tenant_id, provider_id),
    constraint schedules_every_hours_check CHECK (((every_hours >= 1) AND (every_hours <= 8784))),
    constraint schedules_frequency_check CHECK ((frequency = ANY (ARRAY['interval'::text, 'daily'::text, 'weekly'::text, 'monthly'::text]))),
    constraint schedules_hour_check CHECK (((hour >= 0) AND (hour <= 23))),
    constraint schedules_minute_check CHECK (((minute >= 0) AND (minute <= 59))),
    constraint schedules_month_day_check CHECK (((month_day >= 1) AND (month_day <= 31))),
    constraint schedules_time_zone_check CHECK (((char_length(time_zone) >= 1) AND (char_length(time_zone) <= 64))),
    constraint schedules_weekdays_check CHECK ((weekdays <@ '{0,1,2,3,4,5,6}'::smallint[]))
);
comment on column schedules.id is 'The id of the provider.';
comment on column schedules.every_hours is 'Of an interval, which is due at starts_at and every so many hours from then on.';
comment on column schedules.next_run_at is 'Of no meaning while the schedule is not enabled.';
comment on column schedules.hour is 'With minute by the clock of time_zone; of an interval, whose starts_at was made of it, null when nobody asked for a time.';
comment on column schedules.weekdays is 'Of a weekly schedule: 0 is Sunday.';
comment on column schedules.month_day is 'Of a monthly schedule; a month that is shorter counts with its last day.';
CREATE INDEX schedules_due ON public.schedules USING btree (next_run_at, tenant_id, provider_id) WHERE enabled;

create table social_accounts (
    provider text not null,
    subject text not null,
    user_id uuid not null,
    inserted_at timestamp with time zone not null default now(),
    constraint social_accounts_pkey PRIMARY KEY (provider, subject),
    constraint social_accounts_user_id_provider_key UNIQUE (user_id, provider),
    constraint social_accounts_provider_check CHECK ((provider = ANY (ARRAY['google'::text, 'github'::text]))),
    constraint social_accounts_subject_check CHECK (((char_length(subject) >= 1) AND (char_length(subject) <= 255)))
);
comment on column social_accounts.subject is 'The provider''s own id of the account: it stays when the address changes.';

create table spent_refresh_tokens (
    id text not null,
    user_id uuid not null,
    expires_at timestamp with time zone not null,
    spent_at timestamp with time zone not null default now(),
    constraint spent_refresh_tokens_pkey PRIMARY KEY (id),
    constraint spent_refresh_tokens_id_check CHECK ((char_length(id) <= 64))
);
CREATE INDEX spent_refresh_tokens_expiry ON public.spent_refresh_tokens USING btree (expires_at);
CREATE INDEX spent_refresh_tokens_user ON public.spent_refresh_tokens USING btree (user_id);

create table tasks (
    tenant_id uuid not null,
    id uuid not null,
    provider_id uuid,
    name text not null,
    state text not null default 'available'::text,
    hidden boolean not null default false,
    task_args jsonb not null default '{}'::jsonb,
    result jsonb,
    metadata jsonb not null default '{}'::jsonb,
    job_id bigint,
    attempt integer not null default 0,
    crashes integer not null default 0,
    failures integer not null default 0,
    inserted_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    constraint tasks_pkey PRIMARY KEY (tenant_id, id),
    constraint tasks_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 128))),
    constraint tasks_state_check CHECK ((state = ANY (ARRAY['available'::text, 'scheduled'::text, 'executing'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])))
);
comment on table tasks is 'One row a job; it outlives the provider that it was about, so there is no foreign key to it.';
comment on column tasks.hidden is 'A step that people did not ask for and do not see in lists.';
comment on column tasks.job_id is 'Job in the queue; null while the task waits for its turn.';
comment on column tasks.attempt is 'Counts starts; a worker whose attempt is not the last one has lost the task and may write nothing.';
comment on column tasks.crashes is 'Starts that ended without a word, because the process died.';
comment on column tasks.failures is 'Attempts that failed for a reason that may pass.';
CREATE INDEX tasks_inserted ON public.tasks USING btree (tenant_id, inserted_at, id);
CREATE INDEX tasks_name ON public.tasks USING btree (tenant_id, name, inserted_at, id);
CREATE INDEX tasks_of_provider ON public.tasks USING btree (tenant_id, provider_id, id) WHERE (state = ANY (ARRAY['available'::text, 'scheduled'::text, 'executing'::text]));

create table tenants (
    id uuid not null,
    name text not null,
    inserted_at timestamp with time zone not null default now(),
    updated_at timestamp with time zone not null default now(),
    deleted_at timestamp with time zone,
    retention_months smallint,
    constraint tenants_pkey PRIMARY KEY (id),
    constraint tenants_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
    constraint tenants_retention_months_check CHECK (((retention_months >= 1) AND (retention_months <= 120)))
);
comment on column tenants.deleted_at is 'Set when deletion was asked for; the row goes last, when nothing hangs off it any more.';
comment on column tenants.retention_months is 'After so many months scans go; null: what the operator set holds.';

create table threatscore_frameworks (
    id uuid not null,
    content jsonb not null,
    constraint threatscore_frameworks_pkey PRIMARY KEY (id)
);
comment on table threatscore_frameworks is 'Contents by their digest, see threatscore_digest.';

create table threatscore_snapshots (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    inserted_at timestamp with time zone not null,
    compliance_id text not null,
    overall_score numeric(5,2) not null,
    section_scores jsonb not null,
    critical_requirements jsonb not null,
    total_requirements integer not null,
    passed_requirements integer not null,
    failed_requirements integer not null,
    manual_requirements integer not null,
    total_findings bigint not null,
    passed_findings bigint not null,
    failed_findings bigint not null,
    revision_id uuid,
    constraint threatscore_snapshots_pkey PRIMARY KEY (tenant_id, scan_id),
    constraint threatscore_snapshots_overall_score_check CHECK (((overall_score >= (0)::numeric) AND (overall_score <= (100)::numeric)))
);
comment on table threatscore_snapshots is 'A scan has one snapshot at most, and its id is the scan''s: it stays the same when muting makes it anew.';
comment on column threatscore_snapshots.inserted_at is 'When the scan completed.';
comment on column threatscore_snapshots.section_scores is 'Score by section: {"1. IAM": 85.50}.';
comment on column threatscore_snapshots.revision_id is 'The content that the score was taken by; null for one of an earlier version of the program.';
CREATE INDEX threatscore_snapshots_provider ON public.threatscore_snapshots USING btree (tenant_id, provider_id, inserted_at DESC, scan_id DESC);

create table users (
    id uuid not null,
    name text not null,
    email text not null,
    company_name text not null default ''::text,
    password text not null,
    is_active boolean not null default true,
    date_joined timestamp with time zone not null default now(),
    last_login timestamp with time zone,
    email_verified boolean not null default false,
    constraint users_pkey PRIMARY KEY (id),
    constraint users_email_key UNIQUE (email),
    constraint users_company_name_check CHECK ((char_length(company_name) <= 150)),
    constraint users_email_check CHECK (((email = lower(email)) AND (char_length(email) <= 254))),
    constraint users_name_check CHECK (((char_length(name) >= 3) AND (char_length(name) <= 150)))
);
comment on column users.password is 'Argon2id hash in PHC form; no grant to palisade_app.';
comment on column users.email_verified is 'A provider vouched for the address when the person signed up, and it has not changed since.';

create table worker_leases (
    id text not null,
    renewed_at timestamp with time zone not null default now(),
    constraint worker_leases_pkey PRIMARY KEY (id),
    constraint worker_leases_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 100)))
);

-- Foreign keys

alter table api_keys add constraint api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table api_keys add constraint api_keys_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES memberships(tenant_id, user_id) ON DELETE SET NULL (user_id);
alter table audit_events add constraint audit_events_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
alter table check_metadata add constraint check_metadata_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table check_metadata_categories add constraint check_metadata_categories_tenant_id_check_metadata_id_fkey FOREIGN KEY (tenant_id, check_metadata_id) REFERENCES check_metadata(tenant_id, id) ON DELETE CASCADE;
alter table compliance_framework_revisions add constraint compliance_framework_revisions_tenant_id_framework_id_fkey FOREIGN KEY (tenant_id, framework_id) REFERENCES compliance_frameworks(tenant_id, id) ON DELETE CASCADE;
alter table compliance_frameworks add constraint compliance_frameworks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table compliance_watchlist add constraint compliance_watchlist_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table findings add constraint findings_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table findings add constraint findings_tenant_id_resource_id_fkey FOREIGN KEY (tenant_id, resource_id) REFERENCES resources(tenant_id, id) ON DELETE CASCADE;
alter table flow_steps add constraint flow_steps_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table flow_steps add constraint flow_steps_tenant_id_parent_id_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES flow_steps(tenant_id, id) ON DELETE CASCADE;
alter table flow_steps add constraint flow_steps_tenant_id_task_id_fkey FOREIGN KEY (tenant_id, task_id) REFERENCES tasks(tenant_id, id) ON DELETE CASCADE;
alter table ingestion_chunks add constraint ingestion_chunks_tenant_id_ingestion_id_fkey FOREIGN KEY (tenant_id, ingestion_id) REFERENCES ingestions(tenant_id, id) ON DELETE CASCADE;
alter table ingestion_errors add constraint ingestion_errors_tenant_id_ingestion_id_fkey FOREIGN KEY (tenant_id, ingestion_id) REFERENCES ingestions(tenant_id, id) ON DELETE CASCADE;
alter table ingestions add constraint ingestions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table ingestions add constraint ingestions_tenant_id_provider_id_fkey FOREIGN KEY (tenant_id, provider_id) REFERENCES providers(tenant_id, id) ON DELETE CASCADE;
alter table ingestions add constraint ingestions_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table invitation_roles add constraint invitation_roles_tenant_id_invitation_id_fkey FOREIGN KEY (tenant_id, invitation_id) REFERENCES invitations(tenant_id, id) ON DELETE CASCADE;
alter table invitation_roles add constraint invitation_roles_tenant_id_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES roles(tenant_id, id) ON DELETE CASCADE;
alter table invitations add constraint invitations_inviter_id_fkey FOREIGN KEY (inviter_id) REFERENCES users(id) ON DELETE SET NULL;
alter table invitations add constraint invitations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table memberships add constraint memberships_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table memberships add constraint memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
alter table mute_rule_findings add constraint mute_rule_findings_tenant_id_mute_rule_id_fkey FOREIGN KEY (tenant_id, mute_rule_id) REFERENCES mute_rules(tenant_id, id) ON DELETE CASCADE;
alter table mute_rule_findings add constraint mute_rule_findings_tenant_id_provider_id_fkey FOREIGN KEY (tenant_id, provider_id) REFERENCES providers(tenant_id, id) ON DELETE CASCADE;
alter table mute_rules add constraint mute_rules_tenant_id_created_by_fkey FOREIGN KEY (tenant_id, created_by) REFERENCES memberships(tenant_id, user_id) ON DELETE SET NULL (created_by);
alter table mute_rules add constraint mute_rules_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table processors add constraint processors_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table provider_group_providers add constraint provider_group_providers_tenant_id_provider_group_id_fkey FOREIGN KEY (tenant_id, provider_group_id) REFERENCES provider_groups(tenant_id, id) ON DELETE CASCADE;
alter table provider_group_providers add constraint provider_group_providers_tenant_id_provider_id_fkey FOREIGN KEY (tenant_id, provider_id) REFERENCES providers(tenant_id, id) ON DELETE CASCADE;
alter table provider_group_tags add constraint provider_group_tags_tenant_id_provider_group_id_fkey FOREIGN KEY (tenant_id, provider_group_id) REFERENCES provider_groups(tenant_id, id) ON DELETE CASCADE;
alter table provider_groups add constraint provider_groups_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table provider_secrets add constraint provider_secrets_tenant_id_provider_id_fkey FOREIGN KEY (tenant_id, provider_id) REFERENCES providers(tenant_id, id) ON DELETE CASCADE;
alter table providers add constraint providers_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table resource_counts add constraint resource_counts_tenant_id_provider_id_fkey FOREIGN KEY (tenant_id, provider_id) REFERENCES providers(tenant_id, id) ON DELETE CASCADE;
alter table resource_groups add constraint resource_groups_tenant_id_resource_id_fkey FOREIGN KEY (tenant_id, resource_id) REFERENCES resources(tenant_id, id) ON DELETE CASCADE;
alter table resource_tags add constraint resource_tags_tenant_id_resource_id_fkey FOREIGN KEY (tenant_id, resource_id) REFERENCES resources(tenant_id, id) ON DELETE CASCADE;
alter table resources add constraint resources_tenant_id_provider_id_fkey FOREIGN KEY (tenant_id, provider_id) REFERENCES providers(tenant_id, id) ON DELETE CASCADE;
alter table role_provider_groups add constraint role_provider_groups_tenant_id_provider_group_id_fkey FOREIGN KEY (tenant_id, provider_group_id) REFERENCES provider_groups(tenant_id, id) ON DELETE CASCADE;
alter table role_provider_groups add constraint role_provider_groups_tenant_id_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES roles(tenant_id, id) ON DELETE CASCADE;
alter table role_users add constraint role_users_tenant_id_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES roles(tenant_id, id) ON DELETE CASCADE;
alter table role_users add constraint role_users_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES memberships(tenant_id, user_id) ON DELETE CASCADE;
alter table roles add constraint roles_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table saml_assertions add constraint saml_assertions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table saml_configurations add constraint saml_configurations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table saml_requests add constraint saml_requests_tenant_id_config_id_fkey FOREIGN KEY (tenant_id, config_id) REFERENCES saml_configurations(tenant_id, id) ON DELETE CASCADE;
alter table saml_tokens add constraint saml_tokens_tenant_id_config_id_fkey FOREIGN KEY (tenant_id, config_id) REFERENCES saml_configurations(tenant_id, id) ON DELETE CASCADE;
alter table saml_tokens add constraint saml_tokens_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES memberships(tenant_id, user_id) ON DELETE CASCADE;
alter table scan_attack_surfaces add constraint scan_attack_surfaces_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table scan_category_summaries add constraint scan_category_summaries_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table scan_check_places add constraint scan_check_places_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table scan_check_summaries add constraint scan_check_summaries_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table scan_compliance add constraint scan_compliance_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table scan_compliance_sheets add constraint scan_compliance_sheets_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table scan_figures add constraint scan_figures_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table scan_places add constraint scan_places_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table scan_recounts add constraint scan_recounts_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table scan_resource_group_summaries add constraint scan_resource_group_summaries_tenant_id_provider_id_scan_i_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table scan_resource_summaries add constraint scan_resource_summaries_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table scan_services add constraint scan_services_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table scan_severities add constraint scan_severities_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table scan_summaries add constraint scan_summaries_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table scan_words add constraint scan_words_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;
alter table scans add constraint scans_tenant_id_provider_id_fkey FOREIGN KEY (tenant_id, provider_id) REFERENCES providers(tenant_id, id) ON DELETE CASCADE;
alter table schedules add constraint schedules_tenant_id_provider_id_fkey FOREIGN KEY (tenant_id, provider_id) REFERENCES providers(tenant_id, id) ON DELETE CASCADE;
alter table social_accounts add constraint social_accounts_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
alter table spent_refresh_tokens add constraint spent_refresh_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
alter table tasks add constraint tasks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE;
alter table threatscore_snapshots add constraint threatscore_snapshots_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES scans(tenant_id, provider_id, id) ON DELETE CASCADE;

-- Functions on rows of tables

CREATE OR REPLACE FUNCTION public.audit_hash(e audit_events)
 RETURNS bytea
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
begin
    return sha256(convert_to(
        public.audit_field('palisade-audit-1') || public.audit_field(e.tenant_id::text) || public.audit_field(e.seq::text)
        || public.audit_field(encode(e.previous_hash, 'hex')) || public.audit_field(e.id::text)
        || public.audit_field(((extract(epoch from e.inserted_at) * 1000000)::bigint)::text) || public.audit_field(e.kind)
        || public.audit_field(e.decision_id::text) || public.audit_field(e.operation) || public.audit_field(e.allowed::text)
        || public.audit_field(e.write::text) || public.audit_field(e.reason) || public.audit_field(e.rule)
        || public.audit_field(e.policy_revision) || public.audit_field(e.user_id::text) || public.audit_field(e.credential)
        || public.audit_field(e.api_key_id::text) || public.audit_field(e.api_key_prefix) || public.audit_field(e.request_id)
        || public.audit_field(e.client_address) || public.audit_field(e.target_id) || public.audit_field(e.status::text), 'UTF8'));
end $function$;

-- Triggers

CREATE TRIGGER audit_append_only BEFORE DELETE OR UPDATE ON public.audit_events FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_chain BEFORE INSERT ON public.audit_events FOR EACH ROW EXECUTE FUNCTION audit_chain();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON public.audit_events FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER tenant_is_there BEFORE INSERT ON public.memberships FOR EACH ROW EXECUTE FUNCTION joined_tenant_is_there();
CREATE TRIGGER resources_added AFTER INSERT ON public.resources REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_resources();
CREATE TRIGGER resources_removed AFTER DELETE ON public.resources REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_resources();

-- Row level security

alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy system_scope on api_keys as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session}'::text[])));
create policy tenant on api_keys as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table audit_events enable row level security;
alter table audit_events force row level security;
create policy deletion on audit_events as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy system_scope on audit_events as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{audit}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{audit}'::text[])));
create policy tenant on audit_events as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy removed_in_deletion on audit_events as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table catalogue_checks enable row level security;
alter table catalogue_checks force row level security;
create policy readable on catalogue_checks as permissive for select to palisade_app
    using (true);
create policy system_scope on catalogue_checks as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{catalogue}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{catalogue}'::text[])));

alter table catalogue_framework_revisions enable row level security;
alter table catalogue_framework_revisions force row level security;
create policy readable on catalogue_framework_revisions as permissive for select to palisade_app
    using (true);
create policy system_scope on catalogue_framework_revisions as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{catalogue}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{catalogue}'::text[])));

alter table catalogue_frameworks enable row level security;
alter table catalogue_frameworks force row level security;
create policy readable on catalogue_frameworks as permissive for select to palisade_app
    using (true);
create policy system_scope on catalogue_frameworks as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{catalogue}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{catalogue}'::text[])));

alter table check_metadata enable row level security;
alter table check_metadata force row level security;
create policy deletion on check_metadata as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on check_metadata as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy removed_in_deletion on check_metadata as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table check_metadata_categories enable row level security;
alter table check_metadata_categories force row level security;
create policy deletion on check_metadata_categories as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on check_metadata_categories as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy removed_in_deletion on check_metadata_categories as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table compliance_framework_revisions enable row level security;
alter table compliance_framework_revisions force row level security;
create policy tenant on compliance_framework_revisions as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table compliance_frameworks enable row level security;
alter table compliance_frameworks force row level security;
create policy tenant on compliance_frameworks as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table compliance_watchlist enable row level security;
alter table compliance_watchlist force row level security;
create policy tenant on compliance_watchlist as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table findings enable row level security;
alter table findings force row level security;
create policy deletion on findings as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy owner on findings as permissive for select to palisade_owner
    using (true);
create policy tenant on findings as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on findings as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on findings as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table flow_steps enable row level security;
alter table flow_steps force row level security;
create policy deletion on flow_steps as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on flow_steps as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on flow_steps as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on flow_steps as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table ingestion_chunks enable row level security;
alter table ingestion_chunks force row level security;
create policy deletion on ingestion_chunks as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on ingestion_chunks as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy of_visible_ingestion on ingestion_chunks as restrictive for all to palisade_app
    using ((EXISTS ( SELECT
   FROM ingestions i
  WHERE ((i.tenant_id = ingestion_chunks.tenant_id) AND (i.id = ingestion_chunks.ingestion_id)))))
    with check ((EXISTS ( SELECT
   FROM ingestions i
  WHERE ((i.tenant_id = ingestion_chunks.tenant_id) AND (i.id = ingestion_chunks.ingestion_id)))));
create policy removed_in_deletion on ingestion_chunks as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table ingestion_errors enable row level security;
alter table ingestion_errors force row level security;
create policy deletion on ingestion_errors as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on ingestion_errors as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on ingestion_errors as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on ingestion_errors as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table ingestions enable row level security;
alter table ingestions force row level security;
create policy deletion on ingestions as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on ingestions as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on ingestions as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on ingestions as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table invitation_roles enable row level security;
alter table invitation_roles force row level security;
create policy system_scope on invitation_roles as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{self,sign_up,invitation}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{self,sign_up,invitation}'::text[])));
create policy tenant on invitation_roles as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table invitations enable row level security;
alter table invitations force row level security;
create policy system_scope on invitations as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{sign_up,invitation}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{sign_up,invitation}'::text[])));
create policy tenant on invitations as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table memberships enable row level security;
alter table memberships force row level security;
create policy system_scope on memberships as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{login,session,self,sign_up,invitation}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{login,session,self,sign_up,invitation}'::text[])));
create policy tenant on memberships as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table mute_rule_findings enable row level security;
alter table mute_rule_findings force row level security;
create policy deletion on mute_rule_findings as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on mute_rule_findings as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on mute_rule_findings as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on mute_rule_findings as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table mute_rules enable row level security;
alter table mute_rules force row level security;
create policy tenant on mute_rules as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table processors enable row level security;
alter table processors force row level security;
create policy tenant on processors as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table provider_group_providers enable row level security;
alter table provider_group_providers force row level security;
create policy tenant on provider_group_providers as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on provider_group_providers as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));

alter table provider_group_tags enable row level security;
alter table provider_group_tags force row level security;
create policy tenant on provider_group_tags as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table provider_groups enable row level security;
alter table provider_groups force row level security;
create policy tenant on provider_groups as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table provider_secrets enable row level security;
alter table provider_secrets force row level security;
create policy system_scope on provider_secrets as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{rotation}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{rotation}'::text[])));
create policy tenant on provider_secrets as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on provider_secrets as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));

alter table providers enable row level security;
alter table providers force row level security;
create policy deletion on providers as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on providers as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on providers as restrictive for all to palisade_app
    using (((id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on providers as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table resource_counts enable row level security;
alter table resource_counts force row level security;
create policy tenant on resource_counts as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on resource_counts as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));

alter table resource_groups enable row level security;
alter table resource_groups force row level security;
create policy deletion on resource_groups as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on resource_groups as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on resource_groups as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on resource_groups as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table resource_tags enable row level security;
alter table resource_tags force row level security;
create policy deletion on resource_tags as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on resource_tags as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on resource_tags as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on resource_tags as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table resources enable row level security;
alter table resources force row level security;
create policy deletion on resources as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on resources as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on resources as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on resources as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table river.river_job enable row level security;
alter table river.river_job force row level security;
create policy owner on river.river_job as permissive for all to palisade_owner
    using (true)
    with check (true);
create policy tenant on river.river_job as permissive for all to palisade_app
    using (((args ->> 'tenant_id'::text) = ( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text) AS "nullif")))
    with check (((args ->> 'tenant_id'::text) = ( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text) AS "nullif")));
create policy worker on river.river_job as permissive for all to palisade_system
    using (true)
    with check (true);

alter table role_provider_groups enable row level security;
alter table role_provider_groups force row level security;
create policy system_scope on role_provider_groups as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session}'::text[])));
create policy tenant on role_provider_groups as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table role_users enable row level security;
alter table role_users force row level security;
create policy system_scope on role_users as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session,self,sign_up,invitation}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session,self,sign_up,invitation}'::text[])));
create policy tenant on role_users as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table roles enable row level security;
alter table roles force row level security;
create policy system_scope on roles as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session,self,sign_up}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session,self,sign_up}'::text[])));
create policy tenant on roles as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table saml_assertions enable row level security;
alter table saml_assertions force row level security;
create policy system_scope on saml_assertions as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{saml}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{saml}'::text[])));
create policy tenant on saml_assertions as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table saml_configurations enable row level security;
alter table saml_configurations force row level security;
create policy system_scope on saml_configurations as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{saml}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{saml}'::text[])));
create policy tenant on saml_configurations as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table saml_requests enable row level security;
alter table saml_requests force row level security;
create policy system_scope on saml_requests as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{saml,sign_up}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{saml,sign_up}'::text[])));
create policy tenant on saml_requests as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table saml_tokens enable row level security;
alter table saml_tokens force row level security;
create policy system_scope on saml_tokens as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{saml,sign_up}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{saml,sign_up}'::text[])));
create policy tenant on saml_tokens as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));

alter table scan_attack_surfaces enable row level security;
alter table scan_attack_surfaces force row level security;
create policy deletion on scan_attack_surfaces as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on scan_attack_surfaces as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scan_attack_surfaces as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on scan_attack_surfaces as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table scan_category_summaries enable row level security;
alter table scan_category_summaries force row level security;
create policy deletion on scan_category_summaries as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on scan_category_summaries as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scan_category_summaries as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on scan_category_summaries as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table scan_check_places enable row level security;
alter table scan_check_places force row level security;
create policy deletion on scan_check_places as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on scan_check_places as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scan_check_places as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on scan_check_places as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table scan_check_summaries enable row level security;
alter table scan_check_summaries force row level security;
create policy deletion on scan_check_summaries as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on scan_check_summaries as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scan_check_summaries as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on scan_check_summaries as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table scan_compliance enable row level security;
alter table scan_compliance force row level security;
create policy deletion on scan_compliance as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on scan_compliance as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scan_compliance as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on scan_compliance as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table scan_compliance_sheets enable row level security;
alter table scan_compliance_sheets force row level security;
create policy deletion on scan_compliance_sheets as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on scan_compliance_sheets as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scan_compliance_sheets as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on scan_compliance_sheets as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table scan_figures enable row level security;
alter table scan_figures force row level security;
create policy deletion on scan_figures as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on scan_figures as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scan_figures as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on scan_figures as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table scan_places enable row level security;
alter table scan_places force row level security;
create policy deletion on scan_places as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on scan_places as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scan_places as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on scan_places as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table scan_recounts enable row level security;
alter table scan_recounts force row level security;
create policy tenant on scan_recounts as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scan_recounts as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));

alter table scan_resource_group_summaries enable row level security;
alter table scan_resource_group_summaries force row level security;
create policy deletion on scan_resource_group_summaries as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on scan_resource_group_summaries as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scan_resource_group_summaries as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on scan_resource_group_summaries as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table scan_resource_summaries enable row level security;
alter table scan_resource_summaries force row level security;
create policy deletion on scan_resource_summaries as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on scan_resource_summaries as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scan_resource_summaries as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on scan_resource_summaries as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table scan_services enable row level security;
alter table scan_services force row level security;
create policy deletion on scan_services as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on scan_services as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scan_services as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on scan_services as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table scan_severities enable row level security;
alter table scan_severities force row level security;
create policy deletion on scan_severities as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on scan_severities as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scan_severities as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on scan_severities as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table scan_summaries enable row level security;
alter table scan_summaries force row level security;
create policy deletion on scan_summaries as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on scan_summaries as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scan_summaries as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on scan_summaries as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table scan_words enable row level security;
alter table scan_words force row level security;
create policy deletion on scan_words as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on scan_words as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scan_words as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on scan_words as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table scans enable row level security;
alter table scans force row level security;
create policy deletion on scans as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy owner on scans as permissive for select to palisade_owner
    using (true);
create policy system_scope on scans as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{backfill,retention}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{backfill,retention}'::text[])));
create policy tenant on scans as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on scans as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on scans as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table schedules enable row level security;
alter table schedules force row level security;
create policy system_scope on schedules as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{schedule}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{schedule}'::text[])));
create policy tenant on schedules as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on schedules as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));

alter table social_accounts enable row level security;
alter table social_accounts force row level security;
create policy system_scope on social_accounts as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{sign_up}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{sign_up}'::text[])));

alter table spent_refresh_tokens enable row level security;
alter table spent_refresh_tokens force row level security;
create policy system_scope on spent_refresh_tokens as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session}'::text[])));

alter table tasks enable row level security;
alter table tasks force row level security;
create policy deletion on tasks as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on tasks as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on tasks as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on tasks as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table tenants enable row level security;
alter table tenants force row level security;
create policy deletion on tenants as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")) AND (deleted_at IS NOT NULL)))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")) AND (deleted_at IS NOT NULL)));
create policy looked_for on tenants as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY (ARRAY['invitation'::text, 'saml'::text, 'schedule'::text])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY (ARRAY['invitation'::text, 'saml'::text, 'schedule'::text])));
create policy owner on tenants as permissive for select to palisade_owner
    using (true);
create policy swept on tenants as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY (ARRAY['backfill'::text, 'retention'::text])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY (ARRAY['backfill'::text, 'retention'::text])));
create policy system_scope on tenants as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{self,sign_up,policy}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{self,sign_up,policy}'::text[])));
create policy tenant on tenants as permissive for all to palisade_app
    using ((id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy removed_in_deletion on tenants as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table threatscore_frameworks enable row level security;
alter table threatscore_frameworks force row level security;
create policy readable on threatscore_frameworks as permissive for select to palisade_app
    using (true);
create policy system_scope on threatscore_frameworks as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{catalogue}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{catalogue}'::text[])));

alter table threatscore_snapshots enable row level security;
alter table threatscore_snapshots force row level security;
create policy deletion on threatscore_snapshots as permissive for all to palisade_system
    using (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))))
    with check (((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text) AND (tenant_id = ( SELECT t.id
   FROM tenants t
  WHERE ((t.id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND (t.deleted_at IS NOT NULL))))));
create policy tenant on threatscore_snapshots as permissive for all to palisade_app
    using ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")))
    with check ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));
create policy provider_visibility on threatscore_snapshots as restrictive for all to palisade_app
    using (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))))
    with check (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));
create policy removed_in_deletion on threatscore_snapshots as restrictive for delete to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'deletion'::text));

alter table users enable row level security;
alter table users force row level security;
create policy members on users as permissive for all to palisade_app
    using ((EXISTS ( SELECT
   FROM memberships m
  WHERE ((m.tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")) AND (m.user_id = users.id)))));
create policy system_scope on users as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{login,session,self,sign_up,invitation}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{login,session,self,sign_up,invitation}'::text[])));

alter table worker_leases enable row level security;
alter table worker_leases force row level security;
create policy system_scope on worker_leases as permissive for all to palisade_system
    using ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{queue}'::text[])))
    with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{queue}'::text[])));

-- Privileges

grant usage on schema public to palisade_app;
grant usage on schema public to palisade_system;
grant usage on schema public to public;
grant usage on schema river to palisade_app;
grant usage on schema river to palisade_system;
grant select (tenant_id, id, name, prefix, user_id, expires_at, revoked, last_used_at, inserted_at), insert (tenant_id, id, name, prefix, digest, user_id, expires_at), update (name, revoked_at) on table api_keys to palisade_app;
grant select (tenant_id, id, prefix, digest, user_id, expires_at, revoked, last_used_at), update (last_used_at) on table api_keys to palisade_system;
grant select, insert on table audit_events to palisade_app;
grant select (ctid, tenant_id, seq), delete on table audit_events to palisade_system;
grant select on table catalogue_checks to palisade_app;
grant select, insert, update, delete on table catalogue_checks to palisade_system;
grant select on table catalogue_framework_revisions to palisade_app;
grant select, insert on table catalogue_framework_revisions to palisade_system;
grant select on table catalogue_frameworks to palisade_app;
grant select, insert, update, delete on table catalogue_frameworks to palisade_system;
grant select, insert, update, delete on table check_metadata to palisade_app;
grant select (ctid, tenant_id), delete on table check_metadata to palisade_system;
grant select, insert, update, delete on table check_metadata_categories to palisade_app;
grant select (ctid, tenant_id), delete on table check_metadata_categories to palisade_system;
grant select, insert, delete on table compliance_framework_revisions to palisade_app;
grant select, insert, update (description, revision_id, updated_at), delete on table compliance_frameworks to palisade_app;
grant select, insert, delete on table compliance_watchlist to palisade_app;
grant select, insert, update, delete on table findings to palisade_app;
grant select (ctid, tenant_id), delete on table findings to palisade_system;
grant select, insert, update, delete on table flow_steps to palisade_app;
grant select (ctid, tenant_id), delete on table flow_steps to palisade_system;
grant select, insert, update, delete on table ingestion_chunks to palisade_app;
grant select (ctid, tenant_id), delete on table ingestion_chunks to palisade_system;
grant select, insert, update, delete on table ingestion_errors to palisade_app;
grant select (ctid, tenant_id), delete on table ingestion_errors to palisade_system;
grant select, insert, update, delete on table ingestions to palisade_app;
grant select (ctid, tenant_id), delete on table ingestions to palisade_system;
grant select, insert, update, delete on table invitation_roles to palisade_app;
grant select on table invitation_roles to palisade_system;
grant select, insert, update, delete on table invitations to palisade_app;
grant select, update (state, updated_at) on table invitations to palisade_system;
grant select, insert, update, delete on table memberships to palisade_app;
grant select, insert, delete on table memberships to palisade_system;
grant select, insert, delete on table mute_rule_findings to palisade_app;
grant select (ctid, tenant_id), delete on table mute_rule_findings to palisade_system;
grant select, insert, update (name, reason, enabled, updated_at), delete on table mute_rules to palisade_app;
grant select, insert, update (configuration, updated_at), delete on table processors to palisade_app;
grant select, insert, update, delete on table provider_group_providers to palisade_app;
grant select, insert, delete on table provider_group_tags to palisade_app;
grant select, insert, update, delete on table provider_groups to palisade_app;
grant select, insert, update, delete on table provider_secrets to palisade_app;
grant select (tenant_id) on table provider_secrets to palisade_system;
grant select, insert, update, delete on table providers to palisade_app;
grant select (ctid, tenant_id), delete on table providers to palisade_system;
grant select, insert, update, delete on table resource_counts to palisade_app;
grant select, insert, update, delete on table resource_groups to palisade_app;
grant select (ctid, tenant_id), delete on table resource_groups to palisade_system;
grant select, insert, update, delete on table resource_tags to palisade_app;
grant select (ctid, tenant_id), delete on table resource_tags to palisade_system;
grant select, insert, update, delete on table resources to palisade_app;
grant select (ctid, tenant_id), delete on table resources to palisade_system;
grant select, insert, update (kind) on table river.river_job to palisade_app;
grant select, insert, update, delete on table river.river_job to palisade_system;
grant usage on sequence river.river_job_id_seq to palisade_app;
grant select, usage on sequence river.river_job_id_seq to palisade_system;
grant select, insert, update, delete on table river.river_leader to palisade_system;
grant select on table river.river_migration to palisade_system;
grant select, insert, update, delete on table river.river_notification to palisade_system;
grant select, usage on sequence river.river_notification_id_seq to palisade_system;
grant select, insert, update, delete on table river.river_queue to palisade_system;
grant select, insert, update, delete on table role_provider_groups to palisade_app;
grant select on table role_provider_groups to palisade_system;
grant select, insert, update, delete on table role_users to palisade_app;
grant select, insert, delete on table role_users to palisade_system;
grant select, insert, update, delete on table roles to palisade_app;
grant select, insert, delete on table roles to palisade_system;
grant select (tenant_id) on table saml_assertions to palisade_app;
grant select (tenant_id, id, expires_at), insert, delete on table saml_assertions to palisade_system;
grant select, insert, update (email_domain, entity_id, metadata_xml, updated_at), delete on table saml_configurations to palisade_app;
grant select on table saml_configurations to palisade_system;
grant select (tenant_id, config_id), delete on table saml_requests to palisade_app;
grant select, insert, update (answer, email, name, company_name, user_type), delete on table saml_requests to palisade_system;
grant select (tenant_id, config_id), delete on table saml_tokens to palisade_app;
grant select, insert, delete on table saml_tokens to palisade_system;
grant select, insert, update, delete on table scan_attack_surfaces to palisade_app;
grant select (ctid, tenant_id), delete on table scan_attack_surfaces to palisade_system;
grant select, insert, update, delete on table scan_category_summaries to palisade_app;
grant select (ctid, tenant_id), delete on table scan_category_summaries to palisade_system;
grant select, insert, delete on table scan_check_places to palisade_app;
grant select (ctid, tenant_id), delete on table scan_check_places to palisade_system;
grant select, insert, delete on table scan_check_summaries to palisade_app;
grant select (ctid, tenant_id), delete on table scan_check_summaries to palisade_system;
grant select, insert, delete on table scan_compliance to palisade_app;
grant select (ctid, tenant_id), delete on table scan_compliance to palisade_system;
grant select, insert, delete on table scan_compliance_sheets to palisade_app;
grant select (ctid, tenant_id), delete on table scan_compliance_sheets to palisade_system;
grant select, insert, delete on table scan_figures to palisade_app;
grant select (ctid, tenant_id), delete on table scan_figures to palisade_system;
grant select, insert, update, delete on table scan_places to palisade_app;
grant select (ctid, tenant_id), delete on table scan_places to palisade_system;
grant select, insert, delete on table scan_recounts to palisade_app;
grant select, insert, update, delete on table scan_resource_group_summaries to palisade_app;
grant select (ctid, tenant_id), delete on table scan_resource_group_summaries to palisade_system;
grant select, insert, update, delete on table scan_resource_summaries to palisade_app;
grant select (ctid, tenant_id), delete on table scan_resource_summaries to palisade_system;
grant select, insert, delete on table scan_services to palisade_app;
grant select (ctid, tenant_id), delete on table scan_services to palisade_system;
grant select, insert, update, delete on table scan_severities to palisade_app;
grant select (ctid, tenant_id), delete on table scan_severities to palisade_system;
grant select, insert, update, delete on table scan_summaries to palisade_app;
grant select (ctid, tenant_id), delete on table scan_summaries to palisade_system;
grant select, insert, delete on table scan_words to palisade_app;
grant select (ctid, tenant_id), delete on table scan_words to palisade_system;
grant select, insert, update, delete on table scans to palisade_app;
grant select (ctid, tenant_id, state, aggregates_version), delete on table scans to palisade_system;
grant select, insert, update, delete on table schedules to palisade_app;
grant select (tenant_id, provider_id, next_run_at, enabled) on table schedules to palisade_system;
grant select, insert on table social_accounts to palisade_system;
grant select, insert, delete on table spent_refresh_tokens to palisade_system;
grant select, insert, update, delete on table tasks to palisade_app;
grant select (ctid, tenant_id), delete on table tasks to palisade_system;
grant select, update (name, updated_at, retention_months) on table tenants to palisade_app;
grant select, insert, update (name, updated_at, deleted_at), delete on table tenants to palisade_system;
grant select on table threatscore_frameworks to palisade_app;
grant select, insert on table threatscore_frameworks to palisade_system;
grant select, insert, update, delete on table threatscore_snapshots to palisade_app;
grant select (ctid, tenant_id), delete on table threatscore_snapshots to palisade_system;
grant select (id, name, email, company_name, is_active, date_joined, last_login) on table users to palisade_app;
grant select, insert, update (name, email, company_name, password, last_login, email_verified), delete on table users to palisade_system;
grant select, insert, update, delete on table worker_leases to palisade_system;
revoke all on function aggregate_lines(text,uuid) from public;
grant execute on function aggregate_lines(text,uuid) to palisade_app;
revoke all on function count_resources() from public;
revoke all on function drop_finding_month(date,integer) from public;
grant execute on function drop_finding_month(date,integer) to palisade_system;
revoke all on function ensure_partitions(date,integer) from public;
grant execute on function ensure_partitions(date,integer) to palisade_system;
revoke all on function erasable_tables() from public;
grant execute on function erasable_tables() to palisade_system;
revoke all on function erase_batch(text,integer) from public;
grant execute on function erase_batch(text,integer) to palisade_system;
revoke all on function erase_jobs(uuid,integer) from public;
grant execute on function erase_jobs(uuid,integer) to palisade_system;
revoke all on function erase_summaries(uuid,integer) from public;
grant execute on function erase_summaries(uuid,integer) to palisade_app;
revoke all on function finding_months() from public;
grant execute on function finding_months() to palisade_system;
revoke all on function findings_are_needed(uuid,uuid,integer) from public;
revoke all on function keep_framework_revisions() from public;
grant execute on function keep_framework_revisions() to palisade_system;
revoke all on function past_retention(timestamp with time zone,integer,timestamp with time zone) from public;
grant execute on function past_retention(timestamp with time zone,integer,timestamp with time zone) to palisade_app;
revoke all on function rescue_orphans(double precision) from public;
grant execute on function rescue_orphans(double precision) to palisade_system;
revoke all on function scan_aggregates() from public;
grant execute on function scan_aggregates() to palisade_app;
revoke all on function sought_checks(text) from public;
grant execute on function sought_checks(text) to palisade_app;
revoke all on function sought_findings(text,uuid[]) from public;
grant execute on function sought_findings(text,uuid[]) to palisade_app;
revoke all on function sought_kinds(text,uuid[]) from public;
grant execute on function sought_kinds(text,uuid[]) to palisade_app;
revoke all on function sought_whole_kinds(text,uuid[]) from public;
grant execute on function sought_whole_kinds(text,uuid[]) to palisade_app;
revoke all on function sought_words(text) from public;
grant execute on function sought_words(text) to palisade_app;
revoke all on function take_turn() from public;
revoke all on function threatscore_digest(jsonb) from public;
grant execute on function threatscore_digest(jsonb) to palisade_app;
grant execute on function threatscore_digest(jsonb) to palisade_system;
