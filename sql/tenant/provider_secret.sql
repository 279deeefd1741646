-- Credentials of connected accounts. The column secret holds what the program sealed; no list or answer reads it.

-- name: ListProviderSecrets :many
-- Purpose: a page of credentials without their content; one when the condition names its id.
-- Index: provider_secrets_pkey, providers_pkey.
select s.id, s.provider_id, s.name, s.secret_type, s.inserted_at, s.updated_at, p.provider,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from provider_secrets s join providers p on p.tenant_id = s.tenant_id and p.id = s.provider_id
where p.deleted_at is null and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ s.inserted_at desc, s.id desc /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountProviderSecrets :one
-- Purpose: how many credentials ListProviderSecrets pages over.
-- Index: provider_secrets_pkey, providers_pkey.
select count(*)
from provider_secrets s join providers p on p.tenant_id = s.tenant_id and p.id = s.provider_id
where p.deleted_at is null and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: GetSecretHolder :one
-- Purpose: the type of the account that credentials are for, and the credentials that it has already.
-- Index: providers_pkey, provider_secrets_tenant_id_provider_id_key.
select p.provider, s.id as secret_id
from providers p left join provider_secrets s on s.tenant_id = p.tenant_id and s.provider_id = p.id
where p.id = @provider_id and p.deleted_at is null;

-- name: CreateProviderSecret :one
-- Purpose: store an account's sealed credentials; no row when the account is gone or going, which nobody begins meanwhile. The
-- unique constraint on the account refuses a second set.
-- Index: providers_pkey, provider_secrets_tenant_id_provider_id_key.
insert into provider_secrets (tenant_id, id, provider_id, name, secret_type, secret)
select p.tenant_id, @id::uuid, p.id, sqlc.narg('name')::text, @secret_type::text, @secret::bytea
from (select o.tenant_id, o.id from providers o where o.id = @provider_id and o.deleted_at is null for share) p
returning inserted_at, updated_at;

-- name: ReplaceProviderSecret :one
-- Purpose: replace sealed credentials whole, with the type that they were checked as; the name only when it is to change.
-- Index: provider_secrets_pkey.
update provider_secrets set secret_type = @secret_type, secret = @secret, updated_at = now(),
    name = case when @rename::boolean then sqlc.narg('name')::text else name end
where id = @id
returning name, inserted_at, updated_at;

-- name: DeleteProviderSecret :execrows
-- Purpose: forget an account's credentials.
-- Index: provider_secrets_pkey.
delete from provider_secrets where id = @id;

-- name: LockSealedSecrets :many
-- Purpose: a batch of sealed credentials, in the order of their ids, behind a given one, for a change of the key: nobody replaces
-- them before the transaction ends.
-- Index: provider_secrets_pkey.
select k.id, k.secret from provider_secrets k where k.id > @after_id order by k.id limit @batch for no key update;

-- name: SealSecretsAgain :execrows
-- Purpose: the same credentials, sealed with another key: for people nothing has changed.
-- Index: provider_secrets_pkey.
update provider_secrets k set secret = b.secret
from (select unnest(@ids::uuid[]) as id, unnest(@secrets::bytea[]) as secret) b where k.id = b.id;
