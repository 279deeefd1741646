-- Scope self. Reason: the list of a person's own organisations and memberships spans tenants by its nature; every query is
-- bound to the person's id.

-- name: ListOwnTenants :many
-- Purpose: a page of the tenants that a person is a member of, with the ids of all memberships of each.
-- Index: memberships_user, tenants_pkey, memberships_pkey.
select t.id, t.name, t.inserted_at, t.updated_at,
    (select array_agg(o.id order by o.id) from memberships o where o.tenant_id = t.id)::uuid[] as membership_ids
from memberships m join tenants t on t.id = m.tenant_id
where m.user_id = @user_id and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ t.inserted_at desc, t.id /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountOwnTenants :one
-- Purpose: how many tenants ListOwnTenants pages over.
-- Index: memberships_user, tenants_pkey.
select count(*) from memberships m join tenants t on t.id = m.tenant_id
where m.user_id = @user_id and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: ListOwnMemberships :many
-- Purpose: a page of a person's memberships in all tenants.
-- Index: memberships_user.
select m.id, m.tenant_id, m.user_id, m.role, m.date_joined from memberships m
where m.user_id = @user_id and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ m.date_joined, m.id /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountOwnMemberships :one
-- Purpose: how many memberships ListOwnMemberships pages over.
-- Index: memberships_user.
select count(*) from memberships m
where m.user_id = @user_id and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;
