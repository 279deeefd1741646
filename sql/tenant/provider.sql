-- name: ListProviders :many
-- Purpose: a page of connected accounts, each with its secret and its groups; one account when the condition names its id.
-- Index: providers_inserted, provider_secrets_tenant_id_provider_id_key, provider_group_providers_provider.
select p.id, p.provider, p.uid, p.alias, p.connected, p.connection_last_checked_at, p.inserted_at, p.updated_at,
    p.scan_scope, s.id as secret_id,
    array(select g.provider_group_id from provider_group_providers g
        where g.tenant_id = p.tenant_id and g.provider_id = p.id order by g.provider_group_id)::uuid[] as group_ids,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from providers p left join provider_secrets s on s.tenant_id = p.tenant_id and s.provider_id = p.id
where p.deleted_at is null and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ p.inserted_at desc, p.id desc /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountProviders :one
-- Purpose: how many accounts ListProviders pages over.
-- Index: providers_inserted.
select count(*) from providers p
where p.deleted_at is null and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: ListNamesOfProviderGroups :many
-- Purpose: the groups that an answer about providers includes.
-- Index: provider_groups_pkey.
select g.id, g.name from provider_groups g where g.id = any(@ids::uuid[]) order by g.id;

-- name: CreateProvider :exec
-- Purpose: connect an account; providers_account refuses a second one with the same identifier. Runs in a scope made for the
-- new row alone, because a subject may create what policy does not show them.
-- Index: providers_account.
insert into providers (tenant_id, id, provider, uid, alias, scan_scope)
values (@tenant_id, @id, @provider, @uid, sqlc.narg('alias'), sqlc.narg('scan_scope'));

-- name: ChangeProvider :execrows
-- Purpose: change an account's alias and the scope of its scans, each when it was given, null included.
-- Index: providers_pkey.
update providers set alias = case when @alias_given::boolean then sqlc.narg('alias') else alias end,
    scan_scope = case when @scan_scope_given::boolean then sqlc.narg('scan_scope')::jsonb else scan_scope end, updated_at = now()
where id = @id and deleted_at is null;
