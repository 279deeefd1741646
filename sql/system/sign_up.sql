-- Scope sign_up. Reason: a new person has no tenant yet; the tenant, the membership and the role come into being together.

-- name: CreateUser :one
-- Purpose: a new person. An address that is taken violates users_email_key.
-- Index: users_email_key.
insert into users (id, name, email, company_name, password, email_verified)
values (@id, @name, @email, @company_name, @password, @email_verified)
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

-- name: FindSocialAccount :one
-- Purpose: the person to whom an account at a provider belongs.
-- Index: social_accounts_pkey, users_pkey.
select u.id, u.email, u.is_active, u.password from social_accounts a join users u on u.id = a.user_id
where a.provider = @provider and a.subject = @subject;

-- name: HoldAddress :exec
-- Purpose: make those who come with the same address for the first time wait for each other, until the end of the transaction.
-- Index: none.
select pg_advisory_xact_lock(hashtextextended('address ' || @email::text, 0));

-- name: FindNamesake :one
-- Purpose: the person who has an address, whether it is known to be theirs, and whether another account at the provider is
-- linked to them; the address stays theirs until the end of the transaction.
-- Index: users_email_key, social_accounts_user_id_provider_key.
select u.id, u.is_active, u.password, u.email_verified,
    exists (select from social_accounts a where a.user_id = u.id and a.provider = @provider) as linked
from users u where u.email = @email for no key update;

-- name: LinkSocialAccount :exec
-- Purpose: note to whom an account at a provider belongs.
-- Index: social_accounts_pkey.
insert into social_accounts (provider, subject, user_id) values (@provider, @subject, @user_id);

-- name: HoldSignUps :exec
-- Purpose: make sign-ups, and others who look whether there is anybody, wait for the end of the transaction.
-- Index: none.
lock table users in share row exclusive mode;

-- name: AnybodyThere :one
-- Purpose: whether the installation has any person.
-- Index: none; the first row answers.
select exists (select from users);

-- name: TakeSignOn :one
-- Purpose: the outcome of a sign-on, for the browser that both began it and brought the answer; it is given once.
-- Index: saml_requests_pkey.
delete from saml_requests
where tenant_id = @tenant_id and id = @id and browser = @browser and answer = @answer and expires_at > now()
returning config_id, callback, email, name, company_name, user_type;

-- name: FindSignedOn :one
-- Purpose: the person whom an identity provider vouches for, and where they are a member; a change of them waits.
-- Index: users_email_key, memberships_tenant_id_user_id_key, memberships_user.
select u.id, u.name, u.company_name, u.is_active,
    exists (select from memberships m where m.tenant_id = @tenant_id and m.user_id = u.id) as member,
    exists (select from memberships m where m.user_id = u.id and m.tenant_id <> @tenant_id) as elsewhere
from users u where u.email = @email for no key update;

-- name: RenameSignedOn :exec
-- Purpose: what the identity provider calls a person.
-- Index: users_pkey.
update users set name = @name, company_name = @company_name where id = @id;

-- name: FindRoleByName :one
-- Purpose: the role of a tenant that an identity provider names.
-- Index: roles_tenant_id_name_key.
select id, manage_account from roles where tenant_id = @tenant_id and name = @name;

-- name: ListReadOnlyRoles :many
-- Purpose: the roles that a person without any may get, and whether each does no more than read everything.
-- Index: roles_tenant_id_name_key.
select id, name, (unlimited_visibility and not (manage_users or manage_account or manage_billing or manage_providers
    or manage_integrations or manage_scans))::boolean as reads_only
from roles where tenant_id = @tenant_id and (name = 'read_only' or starts_with(name, 'read_only_'));

-- name: CreateReadOnlyRole :exec
-- Purpose: a role that sees everything and changes nothing.
-- Index: roles_pkey.
insert into roles (tenant_id, id, name, unlimited_visibility) values (@tenant_id, @id, @name, true);

-- name: HoldsRole :one
-- Purpose: whether a person holds any role of a tenant.
-- Index: role_users_user.
select exists (select from role_users where tenant_id = @tenant_id and user_id = @user_id);

-- name: ManagesAccountAlone :one
-- Purpose: whether a person manages a tenant's account and nobody else does.
-- Index: roles_pkey, role_users_pkey.
select (coalesce(bool_or(ru.user_id = @user_id), false) and not coalesce(bool_or(ru.user_id <> @user_id), false))::boolean as alone
from roles ro join role_users ru on ru.tenant_id = ro.tenant_id and ru.role_id = ro.id
where ro.tenant_id = @tenant_id and ro.manage_account;

-- name: TakeRolesBut :exec
-- Purpose: take all roles of a tenant but one from a person.
-- Index: role_users_user.
delete from role_users where tenant_id = @tenant_id and user_id = @user_id and role_id <> @role_id;

-- name: CreateSignOnToken :exec
-- Purpose: a one-time token for the user interface.
-- Index: saml_tokens_pkey.
insert into saml_tokens (tenant_id, digest, config_id, user_id, expires_at)
values (@tenant_id, @digest, @config_id, @user_id, @expires_at);
