-- What policy looks at, for explaining a decision to an administrator and for comparing policies.

-- name: ListRolesForPolicy :one
-- Purpose: all roles of the tenant as policy sees them.
-- Index: roles_pkey, role_provider_groups_pkey.
select coalesce(jsonb_agg(jsonb_build_object(
        'id', ro.id, 'name', ro.name,
        'manage_users', ro.manage_users, 'manage_account', ro.manage_account, 'manage_billing', ro.manage_billing,
        'manage_providers', ro.manage_providers, 'manage_integrations', ro.manage_integrations,
        'manage_scans', ro.manage_scans, 'unlimited_visibility', ro.unlimited_visibility,
        'provider_groups', coalesce((
            select jsonb_agg(g.provider_group_id order by g.provider_group_id) from role_provider_groups g
            where g.tenant_id = ro.tenant_id and g.role_id = ro.id
        ), '[]')) order by ro.name, ro.id), '[]')::jsonb as roles
from roles ro;

-- name: ListPeopleForPolicy :many
-- Purpose: the tenant's people who may log in, with the ids of their roles.
-- Index: memberships_pkey, users_pkey, role_users_user.
select u.id, u.email, coalesce((
        select array_agg(ru.role_id order by ru.role_id) from role_users ru
        where ru.tenant_id = m.tenant_id and ru.user_id = m.user_id
    ), '{}')::uuid[] as role_ids
from memberships m join users u on u.id = m.user_id
where u.is_active order by u.email;

-- name: ListProvidersForPolicy :many
-- Purpose: the providers with the ids of their groups.
-- Index: providers_pkey, provider_group_providers_provider.
select p.id, p.provider, p.uid, p.alias, coalesce((
        select array_agg(l.provider_group_id order by l.provider_group_id) from provider_group_providers l
        where l.tenant_id = p.tenant_id and l.provider_id = p.id
    ), '{}')::uuid[] as group_ids
from providers p where p.deleted_at is null order by p.provider, p.uid;

-- name: ListProviderGroupsForPolicy :many
-- Purpose: the provider groups with their tags.
-- Index: provider_groups_tenant_id_name_key, provider_group_tags_pkey.
select g.id, g.name, coalesce((
        select array_agg(t.tag order by t.tag) from provider_group_tags t
        where t.tenant_id = g.tenant_id and t.provider_group_id = g.id
    ), '{}')::text[] as tags
from provider_groups g order by g.name;
