-- name: ListUsers :many
-- Purpose: a page of the tenant's members with their membership and the roles that they hold here.
-- Index: memberships_tenant_id_user_id_key, users_pkey, role_users_user.
select u.id, u.name, u.email, u.company_name, u.date_joined,
    m.tenant_id, m.id as membership_id, m.role as membership_role, m.date_joined as member_since,
    coalesce((select array_agg(ro.id order by ro.inserted_at, ro.id) from role_users l
        join roles ro on ro.tenant_id = l.tenant_id and ro.id = l.role_id
        where l.tenant_id = m.tenant_id and l.user_id = u.id), '{}')::uuid[] as role_ids,
    (select json_agg(json_build_object('id', ro.id, 'name', ro.name, 'manage_users', ro.manage_users, 'manage_account', ro.manage_account,
            'manage_billing', ro.manage_billing, 'manage_providers', ro.manage_providers, 'manage_integrations', ro.manage_integrations,
            'manage_scans', ro.manage_scans, 'unlimited_visibility', ro.unlimited_visibility, 'inserted_at', ro.inserted_at, 'updated_at', ro.updated_at))
        from role_users l join roles ro on ro.tenant_id = l.tenant_id and ro.id = l.role_id
        where l.tenant_id = m.tenant_id and l.user_id = u.id)::json as roles,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from memberships m join users u on u.id = m.user_id
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ u.date_joined desc, u.id desc /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountUsers :one
-- Purpose: how many members ListUsers pages over.
-- Index: memberships_tenant_id_user_id_key, users_pkey.
select count(*) from memberships m join users u on u.id = m.user_id where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: ExistUsers :one
-- Purpose: whether all of some ids are members of the tenant: a filter by a person who is not one is refused.
-- Index: memberships_tenant_id_user_id_key.
select count(*) = cardinality(@ids::uuid[]) from memberships where user_id = any(@ids::uuid[]);
