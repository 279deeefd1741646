-- People, organisations (tenants) and what roles grant. Users and tenants span organisations, so they have no
-- tenant_id; their policies below show the app role only those that belong to the tenant of the request.

-- +goose Up
create table users (
    id uuid primary key,
    name text not null check (char_length(name) between 3 and 150),
    email text not null unique check (email = lower(email) and char_length(email) <= 254),
    company_name text not null default '' check (char_length(company_name) <= 150),
    password text not null,
    is_active boolean not null default true,
    date_joined timestamptz not null default now(),
    last_login timestamptz
);
comment on column users.password is 'Argon2id hash in PHC form; no grant to palisade_app.';

create table tenants (
    id uuid primary key,
    name text not null check (char_length(name) between 1 and 100),
    inserted_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table memberships (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    user_id uuid not null references users (id) on delete cascade,
    role text not null default 'member' check (role in ('owner', 'member')),
    date_joined timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, user_id)
);
-- A person's organisations, oldest first: log-in without a tenant picks the first.
create index memberships_user on memberships (user_id, date_joined, tenant_id);

create table roles (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null check (char_length(name) between 1 and 255),
    manage_users boolean not null default false,
    manage_account boolean not null default false,
    manage_billing boolean not null default false,
    manage_providers boolean not null default false,
    manage_integrations boolean not null default false,
    manage_scans boolean not null default false,
    unlimited_visibility boolean not null default false,
    inserted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, name)
);

-- A role is held by members of its own tenant only: the key leads through memberships.
create table role_users (
    tenant_id uuid not null,
    role_id uuid not null,
    user_id uuid not null,
    inserted_at timestamptz not null default now(),
    primary key (tenant_id, role_id, user_id),
    foreign key (tenant_id, role_id) references roles (tenant_id, id) on delete cascade,
    foreign key (tenant_id, user_id) references memberships (tenant_id, user_id) on delete cascade
);
create index role_users_user on role_users (tenant_id, user_id, role_id);

create table provider_groups (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null check (char_length(name) between 1 and 255),
    inserted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, name)
);

create table role_provider_groups (
    tenant_id uuid not null,
    role_id uuid not null,
    provider_group_id uuid not null,
    inserted_at timestamptz not null default now(),
    primary key (tenant_id, role_id, provider_group_id),
    foreign key (tenant_id, role_id) references roles (tenant_id, id) on delete cascade,
    foreign key (tenant_id, provider_group_id) references provider_groups (tenant_id, id) on delete cascade
);
create index role_provider_groups_group on role_provider_groups (tenant_id, provider_group_id, role_id);

create table invitations (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    email text not null check (email = lower(email) and char_length(email) <= 254),
    state text not null default 'pending' check (state in ('pending', 'accepted', 'expired', 'revoked')),
    token text not null unique check (char_length(token) = 14),
    expires_at timestamptz not null,
    inviter_id uuid references users (id) on delete set null,
    inserted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
create index invitations_email on invitations (tenant_id, email, state);

create table invitation_roles (
    tenant_id uuid not null,
    invitation_id uuid not null,
    role_id uuid not null,
    inserted_at timestamptz not null default now(),
    primary key (tenant_id, invitation_id, role_id),
    foreign key (tenant_id, invitation_id) references invitations (tenant_id, id) on delete cascade,
    foreign key (tenant_id, role_id) references roles (tenant_id, id) on delete cascade
);
create index invitation_roles_role on invitation_roles (tenant_id, role_id, invitation_id);

-- Refresh tokens that were exchanged already: each may be used once. Rows are purged when the token has expired.
create table spent_refresh_tokens (
    id text primary key check (char_length(id) <= 64),
    user_id uuid not null references users (id) on delete cascade,
    expires_at timestamptz not null,
    spent_at timestamptz not null default now()
);
create index spent_refresh_tokens_expiry on spent_refresh_tokens (expires_at);

call wall.protect('memberships');
call wall.protect('roles');
call wall.protect('role_users');
call wall.protect('provider_groups');
call wall.protect('role_provider_groups');
call wall.protect('invitations');
call wall.protect('invitation_roles');

alter table users enable row level security;
alter table users force row level security;
create policy members on users for all to palisade_app
    using (exists (
        select from memberships m
        where m.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and m.user_id = users.id
    ));
alter table tenants enable row level security;
alter table tenants force row level security;
create policy tenant on tenants for all to palisade_app
    using (id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table spent_refresh_tokens enable row level security;
alter table spent_refresh_tokens force row level security;

grant select (id, name, email, company_name, is_active, date_joined, last_login) on users to palisade_app;
grant select, update (name, updated_at) on tenants to palisade_app;
grant select, insert, update, delete on memberships, roles, role_users, provider_groups, role_provider_groups,
    invitations, invitation_roles to palisade_app;

-- The scopes of palisade_system, each used by the queries of one file in sql/system:
--   login          find a person by address, their organisations, and note the log-in
--   session        check a token's subject and load the roles it acts with
--   self           a person's own organisations and memberships, whatever the token's tenant is
--   sign_up        create a person with a tenant of their own, or with the roles of an invitation
--   invitation     accept an invitation by its token
call wall.admit_system('users', 'login', 'session', 'self', 'sign_up', 'invitation');
call wall.admit_system('tenants', 'login', 'session', 'self', 'sign_up', 'invitation');
call wall.admit_system('memberships', 'login', 'session', 'self', 'sign_up', 'invitation');
call wall.admit_system('roles', 'session', 'self', 'sign_up', 'invitation');
call wall.admit_system('role_users', 'session', 'self', 'sign_up', 'invitation');
call wall.admit_system('role_provider_groups', 'session');
call wall.admit_system('invitations', 'sign_up', 'invitation');
call wall.admit_system('invitation_roles', 'sign_up', 'invitation');
call wall.admit_system('spent_refresh_tokens', 'login', 'session');
grant select, insert, update (last_login, password) on users to palisade_system;
grant select, insert, update (name, updated_at) on tenants to palisade_system;
grant select, insert on memberships to palisade_system;
grant select, insert on roles, role_users to palisade_system;
grant select on role_provider_groups to palisade_system;
grant select, update (state, updated_at) on invitations to palisade_system;
grant select on invitation_roles to palisade_system;
grant select, insert, delete on spent_refresh_tokens to palisade_system;

-- +goose Down
drop table spent_refresh_tokens, invitation_roles, invitations, role_provider_groups, provider_groups, role_users, roles,
    memberships, tenants, users cascade;
