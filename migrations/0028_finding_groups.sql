-- Finding groups: what each scan found with each check, whole and by place. A group of findings is a check; lists of groups add
-- up the rows of the scans that they are about.

-- +goose Up
-- Each check of a scan, counted.
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
    first_seen_at timestamptz,
    last_seen_at timestamptz not null,
    failing_since timestamptz,
    primary key (tenant_id, scan_id, check_id),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);
comment on table scan_check_summaries is 'What has no _muted in its name counts findings that are not muted.';
comment on column scan_check_summaries.check_metadata_id is 'The content that describes the check; of several the one with the greatest id.';
comment on column scan_check_summaries.severity_rank is 'Of the severest finding, muted or not.';
comment on column scan_check_summaries.resources_fail is 'Resources with a failure that is not muted.';
comment on column scan_check_summaries.first_seen_at is 'The first time that any of the new findings that are not muted was seen.';
comment on column scan_check_summaries.failing_since is 'The first time that any of the failures that are not muted was seen.';
-- Whether there is a group, for those who see some providers only.
create index scan_check_summaries_check on scan_check_summaries (tenant_id, check_id, scan_id) include (provider_id);

-- The same by all that lists of groups filter findings by and that few findings of a check differ in. delta is among it, so the
-- counts of new and changed findings are those of the rows.
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
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    failing_since timestamptz,
    primary key (tenant_id, scan_id, check_id, number),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);
comment on column scan_check_places.number is 'Position among the places of the check.';
comment on column scan_check_places.resource_ids is 'The resources, when the check has findings about some resource in several places, so that their numbers do not add up.';
comment on column scan_check_places.failing_ids is 'Those of them with a failure that is not muted.';
comment on column scan_check_places.first_seen_at is 'The first time that any of the findings was seen, muted or not.';

-- The title of a check is filtered by; the content is large and stored out of line.
alter table check_metadata add column title text not null generated always as (coalesce(content ->> 'checktitle', '')) stored;

call wall.protect('scan_check_summaries');
call wall.protect_provider('scan_check_summaries');
call wall.admit_deletion('scan_check_summaries');
call wall.protect('scan_check_places');
call wall.protect_provider('scan_check_places');
call wall.admit_deletion('scan_check_places');
grant select, insert, delete on scan_check_summaries, scan_check_places to palisade_app;

-- +goose Down
alter table check_metadata drop column title;
drop table scan_check_places;
drop table scan_check_summaries;
