-- Connected accounts and their credentials.

-- +goose Up
create table providers (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    provider text not null check (provider in ('aws', 'azure', 'gcp', 'kubernetes', 'm365', 'github', 'mongodbatlas', 'iac',
        'oraclecloud', 'alibabacloud', 'cloudflare', 'openstack', 'image', 'googleworkspace', 'vercel', 'okta')),
    provider_rank smallint not null generated always as (case provider
        when 'aws' then 1 when 'azure' then 2 when 'gcp' then 3 when 'kubernetes' then 4 when 'm365' then 5
        when 'github' then 6 when 'mongodbatlas' then 7 when 'iac' then 8 when 'oraclecloud' then 9
        when 'alibabacloud' then 10 when 'cloudflare' then 11 when 'openstack' then 12 when 'image' then 13
        when 'googleworkspace' then 14 when 'vercel' then 15 else 16 end) stored,
    uid text not null check (char_length(uid) between 3 and 250),
    alias text check (char_length(alias) <= 100),
    connected boolean,
    connection_last_checked_at timestamptz,
    inserted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (tenant_id, id)
);
comment on column providers.provider_rank is 'Sort order of the provider type on the wire.';
comment on column providers.deleted_at is 'Set when deletion was asked for; the row and all that hangs off it go in the background.';
create unique index providers_account on providers (tenant_id, provider, uid) where deleted_at is null;
create index providers_inserted on providers (tenant_id, inserted_at, id);

create table provider_group_providers (
    tenant_id uuid not null,
    provider_group_id uuid not null,
    provider_id uuid not null,
    inserted_at timestamptz not null default now(),
    primary key (tenant_id, provider_group_id, provider_id),
    foreign key (tenant_id, provider_group_id) references provider_groups (tenant_id, id) on delete cascade,
    foreign key (tenant_id, provider_id) references providers (tenant_id, id) on delete cascade
);
create index provider_group_providers_provider on provider_group_providers (tenant_id, provider_id, provider_group_id);

create table provider_secrets (
    tenant_id uuid not null,
    id uuid not null,
    provider_id uuid not null,
    name text check (char_length(name) <= 100),
    secret_type text not null check (secret_type in ('static', 'role', 'service_account')),
    secret bytea not null,
    inserted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, provider_id),
    foreign key (tenant_id, provider_id) references providers (tenant_id, id) on delete cascade
);
comment on column provider_secrets.secret is 'Sealed by the program (authenticated cipher, bound to tenant and row); the database never sees the content.';

call wall.protect('providers');
call wall.protect_provider('providers', 'id');
call wall.protect('provider_group_providers');
call wall.protect_provider('provider_group_providers');
call wall.protect('provider_secrets');
call wall.protect_provider('provider_secrets');
grant select, insert, update, delete on providers, provider_group_providers, provider_secrets to palisade_app;

-- +goose Down
drop table provider_secrets, provider_group_providers, providers cascade;
