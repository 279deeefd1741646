-- API keys: what programs present instead of a token. A key acts for the person who made it, in one tenant.

-- +goose Up
-- The foreign key leads through memberships: the moment a person leaves a tenant, or an account closes, their keys have no
-- owner, and a key without an owner is revoked, whatever transaction it was that ended the membership.
create table api_keys (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null check (char_length(name) between 3 and 100),
    prefix text not null unique check (prefix ~ '^pk_[2-9A-HJKMNP-TV-Z]{8}$'),
    digest bytea not null check (octet_length(digest) = 32),
    user_id uuid,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revoked boolean not null generated always as (revoked_at is not null or user_id is null) stored,
    last_used_at timestamptz,
    inserted_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, name),
    foreign key (tenant_id, user_id) references memberships (tenant_id, user_id) on delete set null (user_id)
);
comment on column api_keys.digest is 'SHA-256 of the whole key, which holds 256 random bits; no grant to palisade_app to read it.';
create index api_keys_owner on api_keys (tenant_id, user_id);

call wall.protect('api_keys');
grant select (tenant_id, id, name, prefix, user_id, expires_at, revoked, last_used_at, inserted_at),
    insert (tenant_id, id, name, prefix, digest, user_id, expires_at), update (name, revoked_at) on api_keys to palisade_app;

-- A key is checked before its tenant is known, like a token.
call wall.admit_system('api_keys', 'session');
grant select (tenant_id, id, prefix, digest, user_id, expires_at, revoked, last_used_at), update (last_used_at)
    on api_keys to palisade_system;

-- +goose Down
drop table api_keys;
