-- name: ListInvitations :many
-- Purpose: a page of the tenant's invitations with the roles that each brings.
-- Index: invitations_pkey, invitation_roles_pkey.
select i.id, i.email, i.state, i.token, i.expires_at, i.inviter_id, i.inserted_at, i.updated_at,
    coalesce((select array_agg(ro.id order by ro.inserted_at, ro.id) from invitation_roles l
        join roles ro on ro.tenant_id = l.tenant_id and ro.id = l.role_id
        where l.tenant_id = i.tenant_id and l.invitation_id = i.id), '{}')::uuid[] as role_ids,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from invitations i
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ i.inserted_at desc, i.id desc /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountInvitations :one
-- Purpose: how many invitations ListInvitations pages over.
-- Index: invitations_pkey.
select count(*) from invitations i where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: LockInvitation :one
-- Purpose: one invitation for a change: a change and an acceptance wait for each other.
-- Index: invitations_pkey.
select email, state, expires_at from invitations where id = @id for no key update;

-- name: EmailIsMember :one
-- Purpose: whether a member of the tenant has that address.
-- Index: users_email_key, memberships_tenant_id_user_id_key.
select exists (select from users where email = @email);

-- name: EmailIsInvited :one
-- Purpose: whether an invitation to that address waits for an answer.
-- Index: invitations_email.
select exists (select from invitations where email = @email and state = 'pending');

-- name: CreateInvitation :exec
-- Purpose: a new invitation.
-- Index: invitations_pkey.
insert into invitations (tenant_id, id, email, token, expires_at, inviter_id)
values (@tenant_id, @id, @email, @token, @expires_at, @inviter_id);

-- name: UpdateInvitation :exec
-- Purpose: whom an invitation is for and how long it holds.
-- Index: invitations_pkey.
update invitations set email = @email, expires_at = @expires_at, updated_at = now() where id = @id;

-- name: RevokeInvitation :exec
-- Purpose: take an invitation back.
-- Index: invitations_pkey.
update invitations set state = 'revoked', updated_at = now() where id = @id;

-- name: ClearInvitationRoles :exec
-- Purpose: unlink an invitation from all roles.
-- Index: invitation_roles_pkey.
delete from invitation_roles where invitation_id = @invitation_id;

-- name: AddInvitationRoles :exec
-- Purpose: let an invitation bring roles.
-- Index: invitation_roles_pkey.
insert into invitation_roles (tenant_id, invitation_id, role_id)
select @tenant_id, @invitation_id, unnest(@role_ids::uuid[]) on conflict do nothing;
