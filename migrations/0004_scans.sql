-- Scans, what they found, and the aggregates that are switched on with a scan's completion.
-- Everything here hangs off a provider, carries its id and stands behind both walls.

-- +goose Up
create table scans (
    tenant_id uuid not null,
    id uuid not null,
    provider_id uuid not null,
    name text check (char_length(name) <= 100),
    trigger text not null check (trigger in ('scheduled', 'manual')),
    state text not null default 'available'
        check (state in ('available', 'scheduled', 'executing', 'completed', 'failed', 'cancelled')),
    unique_resource_count integer not null default 0,
    progress smallint not null default 0 check (progress between 0 and 100),
    duration integer,
    task_id uuid,
    scheduled_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    next_scan_at timestamptz,
    first_finding_id uuid,
    last_finding_id uuid,
    inserted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, provider_id, id),
    foreign key (tenant_id, provider_id) references providers (tenant_id, id) on delete cascade
);
comment on column scans.id is 'UUIDv7 of the moment the scan was asked for.';
comment on column scans.duration is 'Seconds.';
comment on column scans.first_finding_id is 'Smallest id of the scan''s findings, set on completion; with last_finding_id it bounds the partitions to read.';
create index scans_inserted on scans (tenant_id, inserted_at, id);
-- The latest completed scan of a provider.
create index scans_latest on scans (tenant_id, provider_id, inserted_at desc, id desc) where state = 'completed';
-- What runs or waits for a provider, in the order it was asked for.
create index scans_active on scans (tenant_id, provider_id, inserted_at, id) where state in ('available', 'executing');

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
    inserted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, provider_id, uid),
    foreign key (tenant_id, provider_id) references providers (tenant_id, id) on delete cascade
);
comment on column resources.metadata is 'JSON text as the engine reported it.';
-- The default order of lists, and index-only counts under the visibility policy.
create index resources_failed on resources (tenant_id, failed_findings_count desc, updated_at desc, id desc) include (provider_id);
create index resources_updated on resources (tenant_id, updated_at, id) include (provider_id);

create table resource_tags (
    tenant_id uuid not null,
    provider_id uuid not null,
    resource_id uuid not null,
    key text not null,
    value text not null,
    primary key (tenant_id, resource_id, key, value),
    foreign key (tenant_id, resource_id) references resources (tenant_id, id) on delete cascade
);

create table resource_groups (
    tenant_id uuid not null,
    provider_id uuid not null,
    resource_id uuid not null,
    name text not null,
    primary key (tenant_id, resource_id, name),
    foreign key (tenant_id, resource_id) references resources (tenant_id, id) on delete cascade
);

-- What a check says of itself, once per distinct content; a finding points at the content it was made with.
create table check_metadata (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    check_id text not null,
    content jsonb not null,
    search tsvector not null,
    inserted_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
comment on column check_metadata.id is 'First 128 bits of the SHA-256 of the canonical content.';
comment on column check_metadata.search is 'Words of the content, for filter[search].';

create table check_metadata_categories (
    tenant_id uuid not null,
    check_metadata_id uuid not null,
    category text not null,
    primary key (tenant_id, check_metadata_id, category),
    foreign key (tenant_id, check_metadata_id) references check_metadata (tenant_id, id) on delete cascade
);

create table findings (
    tenant_id uuid not null,
    id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    check_metadata_id uuid not null,
    uid_hash bigint not null,
    inserted_at timestamptz not null,
    updated_at timestamptz not null,
    first_seen_at timestamptz not null,
    muted_at timestamptz,
    status_rank smallint not null generated always as (case status
        when 'FAIL' then 1 when 'PASS' then 2 else 3 end) stored,
    severity_rank smallint not null generated always as (case severity
        when 'critical' then 1 when 'high' then 2 when 'medium' then 3 when 'low' then 4 else 5 end) stored,
    muted boolean not null default false,
    status text not null check (status in ('FAIL', 'PASS', 'MANUAL')),
    severity text not null check (severity in ('critical', 'high', 'medium', 'low', 'informational')),
    delta text check (delta in ('new', 'changed')),
    uid text not null check (char_length(uid) <= 300),
    check_id text not null,
    status_extended text,
    region text not null,
    service text not null,
    resource_type text not null,
    resource_group text,
    muted_reason text,
    raw_result jsonb,
    primary key (tenant_id, id),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
) partition by range (id);
comment on column findings.id is 'UUIDv7 of the moment the finding was stored; the month of it is the partition.';
comment on column findings.uid_hash is 'First 64 bits of the SHA-256 of uid: a short key for the history of a finding.';
-- Pages of a scan by status and severity, and index-only counts under the visibility policy.
create index findings_scan on findings (tenant_id, scan_id, status_rank, severity_rank, id) include (provider_id, muted);
create index findings_check on findings (tenant_id, scan_id, check_id, id) include (provider_id);
-- The last sighting of a finding, for delta and first_seen_at.
create index findings_history on findings (tenant_id, uid_hash, id);

create table resource_finding_mappings (
    tenant_id uuid not null,
    provider_id uuid not null,
    finding_id uuid not null,
    resource_id uuid not null,
    primary key (tenant_id, finding_id, resource_id),
    foreign key (tenant_id, resource_id) references resources (tenant_id, id) on delete cascade
) partition by range (finding_id);
create index resource_finding_mappings_resource on resource_finding_mappings (tenant_id, resource_id, finding_id) include (provider_id);

-- ensure_partitions makes the monthly partitions of findings and mappings from the month of since for the given number of
-- months. Bounds are the smallest UUIDv7 of each month (random bits zero), so they meet exactly. A partition is reached
-- through its parent only, so runtime roles get no grant on it; it is walled all the same.
-- +goose StatementBegin
create function ensure_partitions(since date, months integer) returns integer
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
-- +goose StatementBegin
create function uuidv7_floor(moment timestamptz) returns uuid
language sql immutable strict parallel safe set search_path = pg_catalog as $$
    select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;
-- +goose StatementEnd
comment on function uuidv7_floor is 'The smallest UUIDv7 of a millisecond: version and variant set, random bits zero.';
revoke all on function ensure_partitions(date, integer) from public;
grant execute on function ensure_partitions(date, integer) to palisade_system;
select ensure_partitions((date_trunc('month', now() at time zone 'UTC') - interval '1 month')::date, 8);

-- Counts of a scan per check, service, severity and region, of the findings and of the resources they are about (checks may
-- name several places for one resource; it is counted at its last); muted findings count in muted, total, muted_* and *_muted only.
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
    severity_rank smallint not null generated always as (case severity
        when 'critical' then 1 when 'high' then 2 when 'medium' then 3 when 'low' then 4 else 5 end) stored,
    inserted_at timestamptz not null default now(),
    primary key (tenant_id, scan_id, check_id, service, severity, region, resource_service, resource_region),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);

-- Which resources a scan saw, as it saw them: metadata of lists comes from here.
create table scan_resource_summaries (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    resource_id uuid not null,
    service text not null,
    region text not null,
    resource_type text not null,
    primary key (tenant_id, scan_id, resource_id),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);

-- The distinct places among those: few rows, which the choices of filter forms are read from.
create table scan_places (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    service text not null,
    region text not null,
    resource_type text not null,
    primary key (tenant_id, scan_id, service, region, resource_type),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
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
    primary key (tenant_id, scan_id, category, severity),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);

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
    primary key (tenant_id, scan_id, resource_group, severity),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);

-- Files that were handed in, and what could not be stored of them. Chunks hold the file until it is processed, so that
-- any worker can take the job and none is lost with a machine.
create table ingestions (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    provider_id uuid,
    scan_id uuid,
    task_id uuid,
    state text not null default 'uploading' check (state in ('uploading', 'pending', 'processing', 'completed', 'failed')),
    filename text not null check (char_length(filename) <= 255),
    bytes bigint not null default 0,
    findings_count bigint not null default 0,
    errors_count bigint not null default 0,
    inserted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    completed_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, provider_id) references providers (tenant_id, id) on delete cascade,
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);
create index ingestions_inserted on ingestions (tenant_id, inserted_at, id);

create table ingestion_chunks (
    tenant_id uuid not null,
    ingestion_id uuid not null,
    number integer not null,
    content bytea not null,
    primary key (tenant_id, ingestion_id, number),
    foreign key (tenant_id, ingestion_id) references ingestions (tenant_id, id) on delete cascade
);
alter table ingestion_chunks alter column content set storage external;

create table ingestion_errors (
    tenant_id uuid not null,
    ingestion_id uuid not null,
    number bigint not null,
    provider_id uuid,
    code text not null,
    detail text not null,
    finding_index bigint,
    finding_uid text,
    primary key (tenant_id, ingestion_id, number),
    foreign key (tenant_id, ingestion_id) references ingestions (tenant_id, id) on delete cascade
);

call wall.protect('scans');
call wall.protect_provider('scans');
call wall.protect('resources');
call wall.protect_provider('resources');
call wall.protect('resource_tags');
call wall.protect_provider('resource_tags');
call wall.protect('resource_groups');
call wall.protect_provider('resource_groups');
call wall.protect('check_metadata');
call wall.protect('check_metadata_categories');
call wall.protect('findings');
call wall.protect_provider('findings');
call wall.protect('resource_finding_mappings');
call wall.protect_provider('resource_finding_mappings');
call wall.protect('scan_summaries');
call wall.protect_provider('scan_summaries');
call wall.protect('scan_resource_summaries');
call wall.protect_provider('scan_resource_summaries');
call wall.protect('scan_places');
call wall.protect_provider('scan_places');
call wall.protect('scan_category_summaries');
call wall.protect_provider('scan_category_summaries');
call wall.protect('scan_resource_group_summaries');
call wall.protect_provider('scan_resource_group_summaries');
call wall.protect('ingestions');
call wall.protect_provider('ingestions');
call wall.protect('ingestion_chunks');
call wall.protect('ingestion_errors');
call wall.protect_provider('ingestion_errors');
grant select, insert, update, delete on scans, resources, resource_tags, resource_groups, check_metadata,
    check_metadata_categories, findings, resource_finding_mappings, scan_summaries, scan_resource_summaries, scan_places,
    scan_category_summaries, scan_resource_group_summaries, ingestions, ingestion_chunks, ingestion_errors to palisade_app;

-- +goose Down
drop table ingestion_errors, ingestion_chunks, ingestions, scan_resource_group_summaries, scan_category_summaries,
    scan_places, scan_resource_summaries, scan_summaries, resource_finding_mappings, findings, check_metadata_categories, check_metadata,
    resource_groups, resource_tags, resources, scans cascade;
drop function ensure_partitions(date, integer);
drop function uuidv7_floor(timestamptz);
