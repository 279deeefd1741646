-- name: ListMemberships :many
-- Purpose: a page of the tenant's memberships.
-- Index: memberships_pkey.
select m.id, m.tenant_id, m.user_id, m.role, m.date_joined,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from memberships m
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ m.id /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountMemberships :one
-- Purpose: how many memberships ListMemberships pages over.
-- Index: memberships_pkey.
select count(*) from memberships m where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: MemberRole :one
-- Purpose: whether a person owns the tenant or is a plain member; no row for anybody else.
-- Index: memberships_tenant_id_user_id_key.
select role from memberships where user_id = @user_id;

-- name: RenameTenant :exec
-- Purpose: what the organisation is called.
-- Index: tenants_pkey.
update tenants set name = @name, updated_at = now() where id = @id;
