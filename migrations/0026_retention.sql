-- What keeps the numbers of scans right, and removes scans that nobody wants to keep any longer: the version of a scan's aggregates,
-- the months that a tenant keeps its scans, and the end of partitions that hold nothing else.

-- +goose Up
alter table scans
    add column aggregates_version smallint not null default 0,
    drop constraint scans_state_check,
    add constraint scans_state_check check (state in ('available', 'scheduled', 'executing', 'completed', 'failed', 'cancelled', 'expired'));
comment on column scans.aggregates_version is 'Which version of the program''s aggregates the scan has; 0 is none of a number.';
comment on column scans.state is 'Expired is for the program alone: no answer shows the scan any more, and its rows are being removed.';
create index scans_counted on scans (tenant_id, aggregates_version) where state = 'completed';
create index scans_expired on scans (tenant_id, id) where state = 'expired';

alter table tenants add column retention_months smallint check (retention_months between 1 and 120);
comment on column tenants.retention_months is 'After so many months scans go; null: what the operator set holds.';
grant update (retention_months) on tenants to palisade_app;

-- Which tenants have scans that have to be counted again, or scans that go, is read across tenants; the work is done inside each.
create policy swept on tenants for all to palisade_system
    using ((select current_setting('app.scope', true)) in ('backfill', 'retention'))
    with check ((select current_setting('app.scope', true)) in ('backfill', 'retention'));
call wall.admit_system('scans', 'backfill', 'retention');
grant select (state, aggregates_version) on scans to palisade_system;

-- scan_aggregates are the tables of what scans are summed up in: those whose keys begin with the tenant and the scan. Whatever
-- has to know them all asks here.
create function scan_aggregates() returns setof text language sql stable set search_path = pg_catalog, public as $$
    select c.relname::text from pg_constraint k join pg_class c on c.oid = k.conrelid
    where k.contype = 'p' and c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and not c.relispartition
        and array(select a.attname::text from unnest(k.conkey[1:2]) with ordinality as u(number, place)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number order by u.place) = array['tenant_id', 'scan_id']
    order by c.relname
$$;

-- erase_summaries removes aggregate rows of a scan, at most so many of each table, and returns how many they were. It runs as its
-- caller: the wall decides which rows there are.
-- +goose StatementBegin
create or replace function erase_summaries(scan uuid, batch integer) returns integer
language plpgsql set search_path = pg_catalog, public set enable_seqscan = off as $$
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
end $$;
-- +goose StatementEnd

-- aggregate_lines are what is stored of a scan in one of those tables, a row a line, without the moments at which it was written.
-- Two names more stand for what else a scan is summed up in: scans for its own row, resources for the failures of the provider's
-- resources, which are the last scan's. It runs as its caller.
-- +goose StatementBegin
create function aggregate_lines(target text, scan uuid) returns setof text
language plpgsql stable set search_path = pg_catalog, public as $$
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
end $$;
-- +goose StatementEnd
revoke all on function scan_aggregates(), aggregate_lines(text, uuid) from public;
grant execute on function scan_aggregates(), aggregate_lines(text, uuid) to palisade_app;

-- past_retention says whether so many calendar months have passed since something ended. A day that the month has not in which they
-- end is the first of the next: nothing goes sooner than asked for, and what is due stays due.
create function past_retention(ended timestamptz, months integer, moment timestamptz) returns boolean
language sql immutable parallel safe set search_path = pg_catalog as $$
    select (moment at time zone 'UTC') > least(m.began + make_interval(months => months) + ((ended at time zone 'UTC') - m.began),
        m.began + make_interval(months => months + 1))
    from (select date_trunc('month', ended at time zone 'UTC') as began) m
$$;
revoke all on function past_retention(timestamptz, integer, timestamptz) from public;
grant execute on function past_retention(timestamptz, integer, timestamptz) to palisade_app;

-- ensure_partitions as it was, but for those who make the same partition at the same time, and for those who read meanwhile: nobody
-- waits for longer than the limit.
-- +goose StatementBegin
create or replace function ensure_partitions(since date, months integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public set lock_timeout = '500ms' as $$
declare
    parent text;
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
        foreach parent in array array['findings', 'resource_finding_mappings'] loop
            child := parent || '_' || to_char(month, 'YYYY_MM');
            if to_regclass('public.' || child) is null then
                execute format('create table public.%I partition of public.%I for values from (%L) to (%L)', child, parent,
                    uuidv7_floor(month::timestamp at time zone 'UTC'),
                    uuidv7_floor((month + interval '1 month') at time zone 'UTC'));
                execute format('alter table public.%I enable row level security', child);
                execute format('alter table public.%I force row level security', child);
                made := made + 1;
            end if;
        end loop;
    end loop;
    return made;
end $$;
-- +goose StatementEnd

-- The owner looks at the scans of all tenants to find out whether a partition is needed, and does nothing else with them.
create policy owner on tenants for select to current_user using (true);
create policy owner on scans for select to current_user using (true);
create policy owner on findings for select to current_user using (true);

-- findings_are_needed says whether findings with ids from one on and below another belong to a scan that stays: any but one that
-- is expired, and that is so for a reason that holds now.
create function findings_are_needed(since uuid, below uuid, default_months integer) returns boolean
language sql stable set search_path = pg_catalog, public as $$
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
$$;
revoke all on function findings_are_needed(uuid, uuid, integer) from public;

-- finding_months are the months that there are partitions of, of findings or of their links.
create function finding_months() returns setof date language sql stable set search_path = pg_catalog, public as $$
    select distinct to_date(right(c.relname, 7), 'YYYY_MM') from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent in ('public.findings'::regclass, 'public.resource_finding_mappings'::regclass)
    order by 1
$$;

-- drop_finding_month drops the partitions of a month, if none of its findings is needed any more; false says that it is. Neither
-- this month nor the one before is ever dropped. Dropping keeps everybody from the two tables for a moment; who has to wait for
-- that longer than the limit gives up with lock_not_available, and the caller tries again.
-- +goose StatementBegin
create function drop_finding_month(month date, default_months integer) returns boolean
language plpgsql security definer set search_path = pg_catalog, public set lock_timeout = '200ms' as $$
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
    lock table only findings, only resource_finding_mappings in access exclusive mode;
    -- Whoever was writing has ended, and nobody begins.
    if findings_are_needed(since, below, default_months) then
        return false;
    end if;
    execute format('drop table if exists public.%I', 'resource_finding_mappings_' || to_char(began, 'YYYY_MM'));
    execute format('drop table if exists public.%I', 'findings_' || to_char(began, 'YYYY_MM'));
    return true;
end $$;
-- +goose StatementEnd
revoke all on function finding_months(), drop_finding_month(date, integer) from public;
grant execute on function finding_months(), drop_finding_month(date, integer) to palisade_system;

-- +goose Down
drop function drop_finding_month(date, integer);
drop function finding_months();
drop function findings_are_needed(uuid, uuid, integer);
drop policy owner on findings;
drop policy owner on scans;
drop policy owner on tenants;
-- +goose StatementBegin
create or replace function ensure_partitions(since date, months integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
    parent text;
    month date;
    child text;
    made integer := 0;
begin
    if months not between 1 and 60 then
        raise exception 'months must be between 1 and 60';
    end if;
    for i in 0 .. months - 1 loop
        month := (date_trunc('month', since) + make_interval(months => i))::date;
        foreach parent in array array['findings', 'resource_finding_mappings'] loop
            child := parent || '_' || to_char(month, 'YYYY_MM');
            if to_regclass('public.' || child) is null then
                execute format('create table public.%I partition of public.%I for values from (%L) to (%L)', child, parent,
                    uuidv7_floor(month::timestamp at time zone 'UTC'),
                    uuidv7_floor((month + interval '1 month') at time zone 'UTC'));
                execute format('alter table public.%I enable row level security', child);
                execute format('alter table public.%I force row level security', child);
                made := made + 1;
            end if;
        end loop;
    end loop;
    return made;
end $$;
-- +goose StatementEnd
drop function past_retention(timestamptz, integer, timestamptz);
drop function aggregate_lines(text, uuid);
-- +goose StatementBegin
create or replace function erase_summaries(scan uuid, batch integer) returns integer
language plpgsql set search_path = pg_catalog, public set enable_seqscan = off as $$
declare
    target text;
    erased integer;
    total integer := 0;
begin
    foreach target in array array['scan_resource_summaries', 'scan_summaries', 'scan_places', 'scan_category_summaries',
            'scan_resource_group_summaries'] loop
        execute format('delete from %1$I where ctid = any (array(select x.ctid from %1$I x where x.scan_id = $1 limit $2)) and scan_id = $1', target)
            using scan, batch;
        get diagnostics erased = row_count;
        total := total + erased;
    end loop;
    return total;
end $$;
-- +goose StatementEnd
drop function scan_aggregates();
revoke select (state, aggregates_version) on scans from palisade_system;
drop policy system_scope on scans;
drop policy swept on tenants;
revoke update (retention_months) on tenants from palisade_app;
alter table tenants drop column retention_months;
drop index scans_expired;
drop index scans_counted;
-- What is expired is not shown; nothing else would remove it.
alter table scans no force row level security;
delete from scans where state = 'expired';
alter table scans force row level security;
alter table scans
    drop constraint scans_state_check,
    add constraint scans_state_check check (state in ('available', 'scheduled', 'executing', 'completed', 'failed', 'cancelled')),
    drop column aggregates_version;
