-- name: ListAPIKeys :many
-- Purpose: a page of the tenant's keys; the secrets are not among what can be read.
-- Index: api_keys_pkey.
select k.id, k.name, k.prefix, k.user_id, k.expires_at, k.revoked, k.last_used_at, k.inserted_at,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from api_keys k
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ k.revoked, k.inserted_at desc, k.id desc /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountAPIKeys :one
-- Purpose: how many keys ListAPIKeys pages over.
-- Index: api_keys_pkey.
select count(*) from api_keys k where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: CreateAPIKey :exec
-- Purpose: a new key of a member. A name that is taken violates api_keys_tenant_id_name_key, a prefix api_keys_prefix_key, an
-- owner who is no member any more api_keys_tenant_id_user_id_fkey.
-- Index: api_keys_pkey.
insert into api_keys (tenant_id, id, name, prefix, digest, user_id, expires_at)
values (@tenant_id, @id, @name, @prefix, @digest, @user_id, @expires_at);

-- name: RenameAPIKey :exec
-- Purpose: what a key is called. A name that is taken violates api_keys_tenant_id_name_key.
-- Index: api_keys_pkey.
update api_keys set name = @name where id = @id;

-- name: RevokeAPIKey :execrows
-- Purpose: end a key for good; no row is affected when it had ended before.
-- Index: api_keys_pkey.
update api_keys set revoked_at = now() where id = @id and not revoked;
