-- Scope session. Reason: a token names a person and a tenant, a key is found before either is known; both are checked, and the
-- roles loaded, before a tenant scope may be opened.

-- name: LoadSession :one
-- Purpose: everything that authorises one request: the person, whether they are a member of the token's tenant, and the
-- roles that they hold there with the groups that those see. No row: there is no such person.
-- Index: users_pkey, memberships_tenant_id_user_id_key, role_users_user, roles_pkey, role_provider_groups_pkey.
select u.is_active, u.password, u.email,
    exists (select from memberships m where m.tenant_id = @tenant_id and m.user_id = u.id) as member,
    coalesce((
        select jsonb_agg(jsonb_build_object(
            'id', r.id, 'name', r.name,
            'manage_users', r.manage_users, 'manage_account', r.manage_account, 'manage_billing', r.manage_billing,
            'manage_providers', r.manage_providers, 'manage_integrations', r.manage_integrations,
            'manage_scans', r.manage_scans, 'unlimited_visibility', r.unlimited_visibility,
            'provider_groups', coalesce((
                select jsonb_agg(g.provider_group_id order by g.provider_group_id) from role_provider_groups g
                where g.tenant_id = r.tenant_id and g.role_id = r.id
            ), '[]'))
        order by r.id)
        from role_users ru join roles r on r.tenant_id = ru.tenant_id and r.id = ru.role_id
        where ru.tenant_id = @tenant_id and ru.user_id = u.id
    ), '[]')::jsonb as roles
from users u where u.id = @user_id;

-- name: LoadAPIKey :one
-- Purpose: everything that authorises one request by key: the key of a prefix, whether it holds, and its owner as LoadSession
-- gives them, who has to be a member of the key's tenant still. No row: there is no such key.
-- Index: api_keys_prefix_key, memberships_tenant_id_user_id_key, users_pkey, role_users_user, roles_pkey,
-- role_provider_groups_pkey.
select k.tenant_id, k.id, k.digest, k.revoked, k.expires_at <= now() as expired,
    (k.last_used_at is not null and k.last_used_at > now() - interval '1 minute')::boolean as noted,
    u.id as user_id, u.is_active, u.email,
    coalesce((
        select jsonb_agg(jsonb_build_object(
            'id', r.id, 'name', r.name,
            'manage_users', r.manage_users, 'manage_account', r.manage_account, 'manage_billing', r.manage_billing,
            'manage_providers', r.manage_providers, 'manage_integrations', r.manage_integrations,
            'manage_scans', r.manage_scans, 'unlimited_visibility', r.unlimited_visibility,
            'provider_groups', coalesce((
                select jsonb_agg(g.provider_group_id order by g.provider_group_id) from role_provider_groups g
                where g.tenant_id = r.tenant_id and g.role_id = r.id
            ), '[]'))
        order by r.id)
        from role_users ru join roles r on r.tenant_id = ru.tenant_id and r.id = ru.role_id
        where ru.tenant_id = m.tenant_id and ru.user_id = m.user_id
    ), '[]')::jsonb as roles
from api_keys k
left join memberships m on m.tenant_id = k.tenant_id and m.user_id = k.user_id
left join users u on u.id = m.user_id
where k.prefix = @prefix;

-- name: NoteKeyUse :exec
-- Purpose: remember when a key was last used, to the minute. Requests that use the same key at that moment do not wait for
-- each other, nor for a change of the key: one that finds the row taken leaves it.
-- Index: api_keys_pkey.
update api_keys a set last_used_at = now()
where a.tenant_id = @tenant_id and a.id = (
    select k.id from api_keys k where k.tenant_id = @tenant_id and k.id = @id
        and (k.last_used_at is null or k.last_used_at <= now() - interval '1 minute') for no key update skip locked
);

-- name: SpendRefreshToken :execrows
-- Purpose: use up a refresh token; no row is affected when it was used before.
-- Index: spent_refresh_tokens_pkey.
insert into spent_refresh_tokens (id, user_id, expires_at) values (@id, @user_id, @expires_at)
on conflict (id) do nothing;

-- name: PurgeSpentRefreshTokens :execrows
-- Purpose: forget used tokens that have expired anyway.
-- Index: spent_refresh_tokens_expiry.
delete from spent_refresh_tokens where expires_at < now();
