-- name: LockTenant :one
-- Purpose: make changes to who may do what in a tenant wait for each other, so that each sees what the one before left. Rows
-- that refer to the tenant can still be inserted meanwhile.
-- Index: tenants_pkey.
select id from tenants where id = @id for no key update;

-- name: HasAccountManager :one
-- Purpose: whether somebody in the tenant still holds a role that manages the account; asked at the end of every change that
-- could take it away, under LockTenant.
-- Index: roles_pkey, role_users_pkey.
select exists (
    select from roles ro join role_users ru on ru.tenant_id = ro.tenant_id and ru.role_id = ro.id where ro.manage_account
);

-- name: ListRoles :many
-- Purpose: a page of the tenant's roles with the ids that each is linked to.
-- Index: roles_pkey, role_provider_groups_pkey, role_users_pkey, invitation_roles_role.
select ro.id, ro.name, ro.manage_users, ro.manage_account, ro.manage_billing, ro.manage_providers, ro.manage_integrations,
    ro.manage_scans, ro.unlimited_visibility, ro.inserted_at, ro.updated_at,
    coalesce((select array_agg(g.id order by g.inserted_at, g.id) from role_provider_groups l
        join provider_groups g on g.tenant_id = l.tenant_id and g.id = l.provider_group_id
        where l.tenant_id = ro.tenant_id and l.role_id = ro.id), '{}')::uuid[] as provider_group_ids,
    coalesce((select array_agg(u.id order by u.date_joined, u.id) from role_users l join users u on u.id = l.user_id
        where l.tenant_id = ro.tenant_id and l.role_id = ro.id), '{}')::uuid[] as user_ids,
    coalesce((select array_agg(i.id order by i.inserted_at, i.id) from invitation_roles l
        join invitations i on i.tenant_id = l.tenant_id and i.id = l.invitation_id
        where l.tenant_id = ro.tenant_id and l.role_id = ro.id), '{}')::uuid[] as invitation_ids,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from roles ro
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ ro.inserted_at, ro.id /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountRoles :one
-- Purpose: how many roles ListRoles pages over.
-- Index: roles_pkey.
select count(*) from roles ro where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: GetRole :one
-- Purpose: one role for a change, and whether a person holds it.
-- Index: roles_pkey, role_users_pkey.
select ro.id, ro.name, ro.manage_users, ro.manage_account, ro.manage_providers, ro.manage_integrations, ro.manage_scans,
    ro.unlimited_visibility,
    exists (select from role_users ru where ru.tenant_id = ro.tenant_id and ru.role_id = ro.id and ru.user_id = @user_id) as held
from roles ro where ro.id = @id;

-- name: RoleNameTaken :one
-- Purpose: whether the tenant has a role of that name.
-- Index: roles_tenant_id_name_key.
select exists (select from roles where name = @name);

-- name: CreateRole :exec
-- Purpose: a new role. A name that is taken violates roles_tenant_id_name_key.
-- Index: roles_pkey.
insert into roles (tenant_id, id, name, manage_users, manage_account, manage_providers, manage_integrations, manage_scans,
    unlimited_visibility)
values (@tenant_id, @id, @name, @manage_users, @manage_account, @manage_providers, @manage_integrations, @manage_scans,
    @unlimited_visibility);

-- name: UpdateRole :exec
-- Purpose: what a role is called and grants.
-- Index: roles_pkey.
update roles set name = @name, manage_users = @manage_users, manage_account = @manage_account,
    manage_providers = @manage_providers, manage_integrations = @manage_integrations, manage_scans = @manage_scans,
    unlimited_visibility = @unlimited_visibility, updated_at = now()
where id = @id;

-- name: DeleteRole :execrows
-- Purpose: remove a role; its links go with it.
-- Index: roles_pkey.
delete from roles where id = @id;

-- name: FindRoles :many
-- Purpose: which of some ids are roles of the tenant.
-- Index: roles_pkey.
select id from roles where id = any(@ids::uuid[]);

-- name: FindMembers :many
-- Purpose: which of some ids are members of the tenant.
-- Index: memberships_tenant_id_user_id_key.
select user_id from memberships where user_id = any(@ids::uuid[]);

-- name: ClearRoleUsers :exec
-- Purpose: take a role from everybody.
-- Index: role_users_pkey.
delete from role_users where role_id = @role_id;

-- name: AddRoleUsers :exec
-- Purpose: give a role to members of the tenant.
-- Index: role_users_pkey.
insert into role_users (tenant_id, role_id, user_id)
select @tenant_id, @role_id, unnest(@user_ids::uuid[]) on conflict do nothing;

-- name: ClearUserRoles :exec
-- Purpose: take all roles of the tenant from a person.
-- Index: role_users_user.
delete from role_users where user_id = @user_id;

-- name: AddUserRoles :execrows
-- Purpose: give a member those of some roles that the tenant has.
-- Index: roles_pkey, role_users_pkey.
insert into role_users (tenant_id, role_id, user_id)
select ro.tenant_id, ro.id, @user_id from roles ro where ro.id = any(@role_ids::uuid[]) on conflict do nothing;

-- name: CountUserRoles :one
-- Purpose: how many of some roles a person holds already.
-- Index: role_users_user.
select count(*) from role_users where user_id = @user_id and role_id = any(@role_ids::uuid[]);

-- name: ClearRoleProviderGroups :exec
-- Purpose: unlink a role from all provider groups.
-- Index: role_provider_groups_pkey.
delete from role_provider_groups where role_id = @role_id;

-- name: AddRoleProviderGroups :exec
-- Purpose: link a role to those of some provider groups that the tenant has.
-- Index: provider_groups_pkey, role_provider_groups_pkey.
insert into role_provider_groups (tenant_id, role_id, provider_group_id)
select g.tenant_id, @role_id, g.id from provider_groups g where g.id = any(@provider_group_ids::uuid[]) on conflict do nothing;

-- name: CountRoleProviderGroups :one
-- Purpose: how many of some provider groups a role is linked to already.
-- Index: role_provider_groups_pkey.
select count(*) from role_provider_groups where role_id = @role_id and provider_group_id = any(@provider_group_ids::uuid[]);
