-- What engines can check: reference data without a tenant, read by all, written in one system scope.

-- +goose Up
create table catalogue_checks (
    provider text not null,
    check_id text not null,
    engine_version text not null,
    content jsonb not null,
    updated_at timestamptz not null default now(),
    primary key (provider, check_id)
);

create table catalogue_frameworks (
    provider text not null,
    framework_id text not null,
    engine_version text not null,
    content jsonb not null,
    updated_at timestamptz not null default now(),
    primary key (provider, framework_id)
);

alter table catalogue_checks enable row level security;
alter table catalogue_checks force row level security;
create policy readable on catalogue_checks for select to palisade_app using (true);
alter table catalogue_frameworks enable row level security;
alter table catalogue_frameworks force row level security;
create policy readable on catalogue_frameworks for select to palisade_app using (true);
grant select on catalogue_checks, catalogue_frameworks to palisade_app;

--   catalogue      replace the reference data of an engine version
call wall.admit_system('catalogue_checks', 'catalogue');
call wall.admit_system('catalogue_frameworks', 'catalogue');
grant select, insert, update, delete on catalogue_checks, catalogue_frameworks to palisade_system;

-- +goose Down
drop table catalogue_frameworks, catalogue_checks;
