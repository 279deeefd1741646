-- Muting: the processor that tells scans what to mute, the rules that mute findings by their uids, and which scans have to be
-- counted again because findings of theirs were muted.

-- +goose Up
create table processors (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    processor_type text not null check (processor_type in ('mutelist')),
    configuration jsonb not null,
    inserted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, processor_type)
);
call wall.protect('processors');
grant select, insert, update (configuration, updated_at), delete on processors to palisade_app;

create table mute_rules (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null check (char_length(name) between 3 and 100),
    reason text not null check (char_length(reason) between 3 and 500),
    enabled boolean not null default true,
    created_by uuid,
    inserted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, name),
    foreign key (tenant_id, created_by) references memberships (tenant_id, user_id) on delete set null (created_by)
);
create index mute_rules_creator on mute_rules (tenant_id, created_by);
call wall.protect('mute_rules');
grant select, insert, update (name, reason, enabled, updated_at), delete on mute_rules to palisade_app;

-- What a rule mutes belongs to a provider: who does not see the provider sees the rule, but not those uids of it.
create table mute_rule_findings (
    tenant_id uuid not null,
    mute_rule_id uuid not null,
    number integer not null,
    provider_id uuid not null,
    uid_hash bigint not null,
    uid text not null,
    primary key (tenant_id, mute_rule_id, number),
    foreign key (tenant_id, mute_rule_id) references mute_rules (tenant_id, id) on delete cascade,
    foreign key (tenant_id, provider_id) references providers (tenant_id, id) on delete cascade
);
comment on column mute_rule_findings.number is 'Position in the rule: the work on a rule goes by it.';
create index mute_rule_findings_uid on mute_rule_findings (tenant_id, provider_id, uid_hash);
call wall.protect('mute_rule_findings');
call wall.protect_provider('mute_rule_findings');
call wall.admit_deletion('mute_rule_findings');
grant select, insert, delete on mute_rule_findings to palisade_app;

-- Muting writes here which scans it touched, in its own transaction, and whoever counts one again removes it in theirs: no
-- crash and no other rule makes a count stale for good. The same scan may be named many times.
create table scan_recounts (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    provider_id uuid not null,
    scan_id uuid not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);
create index scan_recounts_scan on scan_recounts (tenant_id, scan_id);
call wall.protect('scan_recounts');
call wall.protect_provider('scan_recounts');
grant select, insert, delete on scan_recounts to palisade_app;

-- +goose Down
drop table scan_recounts;
drop table mute_rule_findings;
drop table mute_rules;
drop table processors;
