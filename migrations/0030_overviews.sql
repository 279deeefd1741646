-- Aggregates of a scan behind overviews, a few rows each: failures by severity for series of days, attack surfaces, and the
-- ThreatScore. They are made with the scan's completion and by every recount; what spans scans is put together when it is read.
-- Beside them the number of a provider's resources.

-- +goose Up
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
    primary key (tenant_id, scan_id),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);
comment on table scan_severities is 'One row a scan, also of one that found nothing: failures that are not muted by severity, and muted findings.';

create table scan_attack_surfaces (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    surface text not null check (surface in ('internet-exposed', 'secrets', 'privilege-escalation', 'ec2-imdsv1')),
    total_findings integer not null,
    failed_findings integer not null,
    muted_failed_findings integer not null,
    primary key (tenant_id, scan_id, surface),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);

create table threatscore_snapshots (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    inserted_at timestamptz not null,
    compliance_id text not null,
    overall_score numeric(5, 2) not null check (overall_score between 0 and 100),
    section_scores jsonb not null,
    critical_requirements jsonb not null,
    total_requirements integer not null,
    passed_requirements integer not null,
    failed_requirements integer not null,
    manual_requirements integer not null,
    total_findings bigint not null,
    passed_findings bigint not null,
    failed_findings bigint not null,
    primary key (tenant_id, scan_id),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);
comment on table threatscore_snapshots is 'A scan has one snapshot at most, and its id is the scan''s: it stays the same when muting makes it anew.';
comment on column threatscore_snapshots.inserted_at is 'When the scan completed.';
comment on column threatscore_snapshots.section_scores is 'Score by section: {"1. IAM": 85.50}.';
create index threatscore_snapshots_provider on threatscore_snapshots (tenant_id, provider_id, inserted_at desc, scan_id desc);

-- The last completed scan of a provider before a moment: series of days go from one day to the one before by it.
create index scans_completed on scans (tenant_id, provider_id, completed_at desc, id desc) where state = 'completed';

-- How many resources a provider has: counting them is too slow for an overview. The number moves in the statement that adds or
-- removes them, so it is right in every transaction.
create table resource_counts (
    tenant_id uuid not null,
    provider_id uuid not null,
    resources bigint not null,
    primary key (tenant_id, provider_id),
    foreign key (tenant_id, provider_id) references providers (tenant_id, id) on delete cascade
);
alter table resources no force row level security;
insert into resource_counts (tenant_id, provider_id, resources) select tenant_id, provider_id, count(*) from resources group by tenant_id, provider_id;
alter table resources force row level security;
call wall.protect('resource_counts');
call wall.protect_provider('resource_counts');
grant select, insert, update, delete on resource_counts to palisade_app;

-- count_resources runs as whoever adds or removes. In the scope deletion nobody asks for the number any more, and with a provider
-- that goes its number goes too.
-- +goose StatementBegin
create function count_resources() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
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
end $$;
-- +goose StatementEnd
revoke all on function count_resources() from public;
create trigger resources_added after insert on resources
    referencing new table as changed for each statement execute function count_resources();
create trigger resources_removed after delete on resources
    referencing old table as changed for each statement execute function count_resources();

call wall.protect('scan_severities');
call wall.protect_provider('scan_severities');
call wall.admit_deletion('scan_severities');
call wall.protect('scan_attack_surfaces');
call wall.protect_provider('scan_attack_surfaces');
call wall.admit_deletion('scan_attack_surfaces');
call wall.protect('threatscore_snapshots');
call wall.protect_provider('threatscore_snapshots');
call wall.admit_deletion('threatscore_snapshots');
grant select, insert, update, delete on scan_severities, scan_attack_surfaces, threatscore_snapshots to palisade_app;

-- +goose Down
drop trigger resources_removed on resources;
drop trigger resources_added on resources;
drop function count_resources();
drop table resource_counts;
drop index scans_completed;
drop table threatscore_snapshots, scan_attack_surfaces, scan_severities;
