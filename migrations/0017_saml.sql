-- SAML single sign-on: an organisation trusts one identity provider for the addresses of one domain. What a sign-on needs
-- between its steps stands here too, because several servers share the work and each step counts once.

-- +goose Up
create table saml_configurations (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    email_domain text not null unique check (email_domain = lower(email_domain) and char_length(email_domain) between 1 and 254),
    entity_id text not null unique check (octet_length(entity_id) between 1 and 1024),
    metadata_xml text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id)
);

-- A sign-on from the request to the identity provider until the browser comes back for its outcome.
create table saml_requests (
    tenant_id uuid not null,
    id text not null check (char_length(id) <= 64),
    config_id uuid not null,
    browser bytea not null,
    callback text not null default '',
    expires_at timestamptz not null,
    answer bytea,
    email text not null default '',
    name text not null default '',
    company_name text not null default '',
    user_type text not null default '',
    primary key (tenant_id, id),
    foreign key (tenant_id, config_id) references saml_configurations (tenant_id, id) on delete cascade
);
comment on column saml_requests.browser is 'SHA-256 of the secret in the cookie of the browser that began.';
comment on column saml_requests.answer is 'SHA-256 of the secret in the cookie of the browser that brought the answer; null: no good answer yet.';
create index saml_requests_config on saml_requests (tenant_id, config_id);
create index saml_requests_expiry on saml_requests (tenant_id, expires_at);

-- Assertions that were accepted: each counts once. Rows are purged when the assertion has expired anyway.
create table saml_assertions (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id bytea not null,
    expires_at timestamptz not null,
    primary key (tenant_id, id)
);
comment on column saml_assertions.id is 'SHA-256 of the identity provider''s entity id and the assertion''s id.';
create index saml_assertions_expiry on saml_assertions (tenant_id, expires_at);

-- One-time tokens: what the browser hands to the user interface, which exchanges it for a pair.
create table saml_tokens (
    tenant_id uuid not null,
    digest bytea not null unique,
    config_id uuid not null,
    user_id uuid not null,
    expires_at timestamptz not null,
    primary key (tenant_id, digest),
    foreign key (tenant_id, config_id) references saml_configurations (tenant_id, id) on delete cascade,
    foreign key (tenant_id, user_id) references memberships (tenant_id, user_id) on delete cascade
);
comment on column saml_tokens.digest is 'SHA-256 of the token, a random UUID.';
create index saml_tokens_config on saml_tokens (tenant_id, config_id);
create index saml_tokens_user on saml_tokens (tenant_id, user_id);
create index saml_tokens_expiry on saml_tokens (tenant_id, expires_at);

call wall.protect('saml_configurations');
call wall.protect('saml_requests');
call wall.protect('saml_assertions');
call wall.protect('saml_tokens');
grant select, insert, update (email_domain, entity_id, metadata_xml, updated_at), delete on saml_configurations to palisade_app;
-- A changed configuration ends what was begun with the old one.
grant select (tenant_id, config_id), delete on saml_requests, saml_tokens to palisade_app;

-- The wall is tried on every table: whose rows there are is what the app role may see of those that it has no business with.
grant select (tenant_id) on saml_assertions to palisade_app;

-- Before a sign-on ends there is no tenant but that of the domain (scope saml); its end makes people and memberships, as
-- sign-up does.
call wall.admit_system('saml_configurations', 'saml');
call wall.admit_system('saml_requests', 'saml', 'sign_up');
call wall.admit_system('saml_assertions', 'saml');
call wall.admit_system('saml_tokens', 'saml', 'sign_up');
grant select on saml_configurations to palisade_system;
grant select, insert, update (answer, email, name, company_name, user_type), delete on saml_requests to palisade_system;
grant select (tenant_id, id, expires_at), insert, delete on saml_assertions to palisade_system;
grant select, insert, delete on saml_tokens to palisade_system;
-- The identity provider may say which role a person holds from now on.
grant delete on role_users to palisade_system;

-- +goose Down
revoke delete on role_users from palisade_system;
drop table saml_tokens, saml_assertions, saml_requests, saml_configurations;
