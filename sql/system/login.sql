-- Scope login. Reason: before a token exists there is no tenant; a person is found by address, and the tenants that they
-- may enter are theirs across organisations.

-- name: FindLogin :one
-- Purpose: the account of an address, with what is needed to check a password.
-- Index: users_email_key.
select id, password, is_active from users where email = @email;

-- name: FirstMembership :one
-- Purpose: the tenant that a log-in without a tenant enters: the person's oldest membership.
-- Index: memberships_user.
select tenant_id from memberships where user_id = @user_id order by date_joined, tenant_id limit 1;

-- name: IsMember :one
-- Purpose: whether a person may enter a tenant.
-- Index: memberships_tenant_id_user_id_key.
select exists (select from memberships where tenant_id = @tenant_id and user_id = @user_id);

-- name: NoteLogin :exec
-- Purpose: remember when a person last logged in.
-- Index: users_pkey.
update users set last_login = now() where id = @id;
