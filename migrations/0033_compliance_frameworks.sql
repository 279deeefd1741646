-- Compliance frameworks that tenants write themselves, and the frameworks that a tenant watches.

-- +goose Up
create table compliance_frameworks (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    compliance_id text not null check (compliance_id ~ '^custom_[a-z0-9][a-z0-9_.-]{0,92}$'),
    provider text not null,
    description text not null,
    revision_id uuid not null,
    inserted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, compliance_id)
);
comment on column compliance_frameworks.revision_id is 'The revision that scans are held against from now on.';
call wall.protect('compliance_frameworks');
grant select, insert, update (description, revision_id, updated_at), delete on compliance_frameworks to palisade_app;

-- Every content that such a framework ever had, like catalogue_framework_revisions; what is written is never changed.
create table compliance_framework_revisions (
    tenant_id uuid not null,
    id uuid not null,
    framework_id uuid not null,
    framework text not null,
    name text not null,
    version text not null,
    requirements jsonb not null,
    inserted_at timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, framework_id) references compliance_frameworks (tenant_id, id) on delete cascade
);
create index compliance_framework_revisions_framework on compliance_framework_revisions (tenant_id, framework_id);
call wall.protect('compliance_framework_revisions');
grant select, insert, delete on compliance_framework_revisions to palisade_app;

-- The frameworks that the tenant's overview shows; none: all.
create table compliance_watchlist (
    tenant_id uuid not null references tenants (id) on delete cascade,
    compliance_id text not null check (char_length(compliance_id) between 1 and 100),
    inserted_at timestamptz not null default now(),
    primary key (tenant_id, compliance_id)
);
call wall.protect('compliance_watchlist');
grant select, insert, delete on compliance_watchlist to palisade_app;

-- +goose Down
drop table compliance_watchlist;
drop table compliance_framework_revisions;
drop table compliance_frameworks;
