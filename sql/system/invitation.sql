-- Scope invitation. Reason: whoever accepts an invitation is not a member yet, so no tenant scope of theirs reaches it; the
-- token, together with the address, is the proof. Sign-up by invitation runs the same queries in the scope sign_up.

-- name: HoldInvitingTenant :one
-- Purpose: the tenant that an invitation leads to, unless it is being deleted; its deletion, and changes to who may do what in
-- it, wait. Before the invitation itself: that is the order in which deletion goes.
-- Index: invitations_token_key, tenants_pkey.
select t.id from tenants t
where t.id = (select i.tenant_id from invitations i where i.token = @token and i.email = @email) and t.deleted_at is null
for share;

-- name: FindInvitation :one
-- Purpose: the invitation of a token, for the address that it was made for; a change of it waits.
-- Index: invitations_token_key.
select tenant_id, id, state, expires_at from invitations where token = @token and email = @email for no key update;

-- name: AddressOf :one
-- Purpose: the address of the person who accepts.
-- Index: users_pkey.
select email from users where id = @id;

-- name: CloseInvitation :exec
-- Purpose: note that an invitation was accepted or has lapsed.
-- Index: invitations_pkey.
update invitations set state = @state, updated_at = now() where tenant_id = @tenant_id and id = @id and state = 'pending';

-- name: JoinTenant :exec
-- Purpose: make the invited person a member, unless they are one.
-- Index: memberships_tenant_id_user_id_key.
insert into memberships (tenant_id, id, user_id) values (@tenant_id, @id, @user_id) on conflict (tenant_id, user_id) do nothing;

-- name: GrantInvitedRoles :exec
-- Purpose: give the invited person the roles of the invitation.
-- Index: invitation_roles_pkey, role_users_pkey.
insert into role_users (tenant_id, role_id, user_id)
select l.tenant_id, l.role_id, @user_id from invitation_roles l
where l.tenant_id = @tenant_id and l.invitation_id = @invitation_id on conflict do nothing;

-- name: GetMembership :one
-- Purpose: the membership that an acceptance made or found.
-- Index: memberships_tenant_id_user_id_key.
select id, tenant_id, user_id, role, date_joined from memberships where tenant_id = @tenant_id and user_id = @user_id;
