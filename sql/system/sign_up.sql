-- Scope sign_up. Reason: a new person has no tenant yet; the tenant, the membership and the role come into being together.

-- name: CreateUser :one
-- Purpose: a new person. An address that is taken violates users_email_key.
-- Index: users_email_key.
insert into users (id, name, email, company_name, password) values (@id, @name, @email, @company_name, @password)
returning id, name, email, company_name, date_joined;

-- name: CreateTenant :one
-- Purpose: a new organisation.
-- Index: tenants_pkey.
insert into tenants (id, name) values (@id, @name) returning id, name, inserted_at, updated_at;

-- name: CreateMembership :exec
-- Purpose: make a person a member of an organisation.
-- Index: memberships_pkey.
insert into memberships (tenant_id, id, user_id, role) values (@tenant_id, @id, @user_id, @role);

-- name: CreateAdminRole :exec
-- Purpose: the role of an organisation's founder: every permission, every provider.
-- Index: roles_pkey.
insert into roles (tenant_id, id, name, manage_users, manage_account, manage_billing, manage_providers, manage_integrations,
    manage_scans, unlimited_visibility)
values (@tenant_id, @id, 'admin', true, true, true, true, true, true, true);

-- name: GrantRole :exec
-- Purpose: give a role of an organisation to one of its members.
-- Index: role_users_pkey.
insert into role_users (tenant_id, role_id, user_id) values (@tenant_id, @role_id, @user_id)
on conflict do nothing;
