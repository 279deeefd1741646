-- A finding knows its resource. It has exactly one, so the table that linked the two was a second copy of every finding's key,
-- with two indexes, and whatever asked for the resource looked it up there, finding by finding.

-- +goose Up
alter table findings no force row level security;
alter table resources no force row level security;
alter table resource_finding_mappings no force row level security;
-- Written anew rather than updated, which would leave as much dead space in months that nothing is written to any more.
create temp table held on commit drop as
select f.*, m.resource_id from findings f
left join resource_finding_mappings m on m.tenant_id = f.tenant_id and m.finding_id = f.id;
truncate findings;
alter table findings add column resource_id uuid not null;
insert into findings (tenant_id, id, provider_id, scan_id, check_metadata_id, uid_hash, inserted_at, updated_at, first_seen_at,
    muted_at, muted, status, severity, delta, uid, check_id, status_extended, region, service, resource_type, resource_group,
    muted_reason, raw_result, resource_id)
select h.tenant_id, h.id, h.provider_id, h.scan_id, h.check_metadata_id, h.uid_hash, h.inserted_at, h.updated_at, h.first_seen_at,
    h.muted_at, h.muted, h.status, h.severity, h.delta, h.uid, h.check_id, h.status_extended, h.region, h.service, h.resource_type,
    h.resource_group, h.muted_reason, h.raw_result, h.resource_id
from held h order by h.id;
alter table findings add foreign key (tenant_id, resource_id) references resources (tenant_id, id) on delete cascade;
alter table findings force row level security;
alter table resources force row level security;
comment on column findings.resource_id is 'The resource that the finding is about; as it is now, not as it was then.';
-- The findings of a resource, scan by scan. Those of one scan share an entry of the index: their id in it would cost 0.05 KB each.
create index findings_resource on findings (tenant_id, resource_id, scan_id);
drop table resource_finding_mappings;

-- ensure_partitions as it was, for findings alone.
-- +goose StatementBegin
create or replace function ensure_partitions(since date, months integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public set lock_timeout = '500ms' as $$
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
end $$;
-- +goose StatementEnd

-- finding_months are the months that there are partitions of.
create or replace function finding_months() returns setof date language sql stable set search_path = pg_catalog, public as $$
    select to_date(right(c.relname, 7), 'YYYY_MM') from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.findings'::regclass
    order by 1
$$;

-- drop_finding_month drops the partition of a month, if none of its findings is needed any more; false says that it is. Neither
-- this month nor the one before is ever dropped. Dropping keeps everybody from the table, and what it refers to, for a moment; who has
-- to wait for that longer than the limit gives up with lock_not_available, and the caller tries again.
-- +goose StatementBegin
create or replace function drop_finding_month(month date, default_months integer) returns boolean
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
    lock table only findings in access exclusive mode;
    -- Whoever was writing has ended, and nobody begins.
    if findings_are_needed(since, below, default_months) then
        return false;
    end if;
    execute format('drop table if exists public.%I', 'findings_' || to_char(began, 'YYYY_MM'));
    return true;
end $$;
-- +goose StatementEnd

-- +goose Down
create table resource_finding_mappings (
    tenant_id uuid not null,
    provider_id uuid not null,
    finding_id uuid not null,
    resource_id uuid not null,
    primary key (tenant_id, finding_id, resource_id),
    foreign key (tenant_id, resource_id) references resources (tenant_id, id) on delete cascade
) partition by range (finding_id);
create index resource_finding_mappings_resource on resource_finding_mappings (tenant_id, resource_id, finding_id) include (provider_id);
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
select ensure_partitions(month, 1) from finding_months() month;
alter table findings no force row level security;
insert into resource_finding_mappings (tenant_id, provider_id, finding_id, resource_id)
select f.tenant_id, f.provider_id, f.id, f.resource_id from findings f;
alter table findings force row level security;
call wall.protect('resource_finding_mappings');
call wall.protect_provider('resource_finding_mappings');
call wall.admit_deletion('resource_finding_mappings');
grant select, insert, update, delete on resource_finding_mappings to palisade_app;
create or replace function finding_months() returns setof date language sql stable set search_path = pg_catalog, public as $$
    select distinct to_date(right(c.relname, 7), 'YYYY_MM') from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent in ('public.findings'::regclass, 'public.resource_finding_mappings'::regclass)
    order by 1
$$;
-- +goose StatementBegin
create or replace function drop_finding_month(month date, default_months integer) returns boolean
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
drop index findings_resource;
alter table findings drop column resource_id;
