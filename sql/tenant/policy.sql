-- What policy looks at, for explaining a decision to an administrator.

-- name: LoadRoleForPolicy :one
-- Purpose: one role, by its name, as policy sees it; no row when the tenant has none of that name.
-- Index: roles_tenant_id_name_key, role_provider_groups_pkey.
select jsonb_build_array(jsonb_build_object(
        'id', ro.id, 'name', ro.name,
        'manage_users', ro.manage_users, 'manage_account', ro.manage_account, 'manage_billing', ro.manage_billing,
        'manage_providers', ro.manage_providers, 'manage_integrations', ro.manage_integrations,
        'manage_scans', ro.manage_scans, 'unlimited_visibility', ro.unlimited_visibility,
        'provider_groups', coalesce((
            select jsonb_agg(g.provider_group_id order by g.provider_group_id) from role_provider_groups g
            where g.tenant_id = ro.tenant_id and g.role_id = ro.id
        ), '[]')))::jsonb as roles
from roles ro where ro.name = @name;
