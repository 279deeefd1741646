-- Scope self. Reason: the list of a person's own organisations and memberships spans tenants by its nature; every query is
-- bound to the person's id.

-- name: ListOwnTenants :many
-- Purpose: a page of the tenants that a person is a member of, with the ids of all memberships of each.
-- Index: memberships_user, tenants_pkey, memberships_pkey.
select t.id, t.name, t.retention_months, t.inserted_at, t.updated_at,
    (select array_agg(o.id order by o.id) from memberships o where o.tenant_id = t.id)::uuid[] as membership_ids,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
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
select m.id, m.tenant_id, m.user_id, m.role, m.date_joined,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from memberships m
where m.user_id = @user_id and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ m.date_joined, m.id /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountOwnMemberships :one
-- Purpose: how many memberships ListOwnMemberships pages over.
-- Index: memberships_user.
select count(*) from memberships m
where m.user_id = @user_id and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: ExistOwnTenants :one
-- Purpose: whether all of some ids are tenants of the person: a filter by any other is refused.
-- Index: memberships_tenant_id_user_id_key.
select count(*) = cardinality(@ids::uuid[]) from memberships where user_id = @user_id and tenant_id = any(@ids::uuid[]);

-- name: ExistFellows :one
-- Purpose: whether all of some ids are people who share a tenant with the person: a filter by any other is refused.
-- Index: memberships_user, memberships_tenant_id_user_id_key.
select count(distinct f.user_id) = cardinality(@ids::uuid[]) from memberships m
join memberships f on f.tenant_id = m.tenant_id where m.user_id = @user_id and f.user_id = any(@ids::uuid[]);

-- name: GetProfile :one
-- Purpose: a person's profile and password hash for a change; changes of the same person wait for each other.
-- Index: users_pkey.
select id, name, email, company_name, password, date_joined from users where id = @id for no key update;

-- name: UpdateProfile :exec
-- Purpose: change what a person is called. An address that is taken violates users_email_key; a new one is not known to be
-- theirs.
-- Index: users_pkey.
update users set name = @name, email = @email, company_name = @company_name, password = @password,
    email_verified = email_verified and email = @email where id = @id;

-- name: LockOwnTenants :many
-- Purpose: make changes to who may do what in a person's tenants wait for each other; in one order, so that two such changes
-- cannot wait for each other in a circle.
-- Index: memberships_user, tenants_pkey.
select t.id from tenants t where t.id in (select m.tenant_id from memberships m where m.user_id = @user_id)
order by t.id for no key update;

-- name: ListTenantsOf :many
-- Purpose: the tenants that a person is a member of, in the order of LockOwnTenants.
-- Index: memberships_user.
select m.tenant_id from memberships m where m.user_id = @user_id order by m.tenant_id;

-- name: LockOneTenant :exec
-- Purpose: make changes to who may do what in a tenant wait for each other.
-- Index: tenants_pkey.
select id from tenants where id = @id for no key update;

-- name: CountLockedOut :one
-- Purpose: how many of some tenants have members but nobody who manages the account.
-- Index: memberships_pkey, roles_pkey, role_users_pkey.
select count(*) from unnest(@tenant_ids::uuid[]) as t(id)
where exists (select from memberships m where m.tenant_id = t.id) and not exists (
    select from roles ro join role_users ru on ru.tenant_id = ro.tenant_id and ru.role_id = ro.id
    where ro.tenant_id = t.id and ro.manage_account
);

-- name: DeleteUser :execrows
-- Purpose: close a person's account; memberships and roles held go with it.
-- Index: users_pkey.
delete from users where id = @id;

-- name: FindMembership :one
-- Purpose: one membership of a tenant, to end it.
-- Index: memberships_pkey.
select user_id, role from memberships where tenant_id = @tenant_id and id = @id;

-- name: StandingIn :one
-- Purpose: whether a person owns a tenant or is a plain member; no row for anybody else.
-- Index: memberships_tenant_id_user_id_key.
select role from memberships where tenant_id = @tenant_id and user_id = @user_id;

-- name: CountOwners :one
-- Purpose: how many owners a tenant has.
-- Index: memberships_pkey.
select count(*) from memberships where tenant_id = @tenant_id and role = 'owner';

-- name: ListHeldRoles :many
-- Purpose: the roles that a person holds in a tenant.
-- Index: role_users_user.
select role_id from role_users where tenant_id = @tenant_id and user_id = @user_id;

-- name: DeleteMembership :exec
-- Purpose: end a membership; the roles held through it go with it.
-- Index: memberships_pkey.
delete from memberships where tenant_id = @tenant_id and id = @id;

-- name: DeleteUnusedRoles :exec
-- Purpose: remove those of some roles that nobody holds and no invitation brings.
-- Index: roles_pkey, role_users_pkey, invitation_roles_role.
delete from roles ro where ro.tenant_id = @tenant_id and ro.id = any(@ids::uuid[])
    and not exists (select from role_users l where l.tenant_id = ro.tenant_id and l.role_id = ro.id)
    and not exists (select from invitation_roles l where l.tenant_id = ro.tenant_id and l.role_id = ro.id);

-- name: DeleteMemberships :many
-- Purpose: end all memberships of a tenant; the roles held through them go with them. Returns whose they were.
-- Index: memberships_pkey.
delete from memberships where tenant_id = @tenant_id returning user_id;

-- name: LockUsers :many
-- Purpose: let some people join nothing until the transaction ends; in one order, after the tenants, so that two that do so
-- cannot wait for each other in a circle.
-- Index: users_pkey.
select id from users where id = any(@ids::uuid[]) order by id for update;

-- name: DeleteHomelessUsers :exec
-- Purpose: close the accounts of those of some people who have no membership left; under LockUsers.
-- Index: users_pkey, memberships_user.
delete from users u where u.id = any(@ids::uuid[]) and not exists (select from memberships m where m.user_id = u.id);

-- name: CondemnEmptyTenants :many
-- Purpose: mark those of some tenants that have no member for deletion; under LockOneTenant or LockOwnTenants.
-- Index: tenants_pkey, memberships_pkey.
update tenants t set deleted_at = now(), updated_at = now()
where t.id = any(@ids::uuid[]) and t.deleted_at is null and not exists (select from memberships m where m.tenant_id = t.id)
returning t.id;
