-- name: ListProviderGroups :many
-- Purpose: a page of provider groups with the visible providers, the roles and the tags of each.
-- Index: provider_groups_pkey, provider_group_providers_pkey, role_provider_groups_group, provider_group_tags_pkey.
select g.id, g.name, g.inserted_at, g.updated_at,
    coalesce((select array_agg(p.id order by p.inserted_at, p.id) from provider_group_providers l
        join providers p on p.tenant_id = l.tenant_id and p.id = l.provider_id
        where l.tenant_id = g.tenant_id and l.provider_group_id = g.id and p.deleted_at is null), '{}')::uuid[] as provider_ids,
    coalesce((select array_agg(ro.id order by ro.inserted_at, ro.id) from role_provider_groups l
        join roles ro on ro.tenant_id = l.tenant_id and ro.id = l.role_id
        where l.tenant_id = g.tenant_id and l.provider_group_id = g.id), '{}')::uuid[] as role_ids,
    coalesce((select array_agg(t.tag order by t.tag) from provider_group_tags t
        where t.tenant_id = g.tenant_id and t.provider_group_id = g.id), '{}')::text[] as tags,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from provider_groups g
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ g.inserted_at, g.id /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountProviderGroups :one
-- Purpose: how many provider groups ListProviderGroups pages over.
-- Index: provider_groups_pkey.
select count(*) from provider_groups g where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: LockProviderGroup :one
-- Purpose: one provider group for a change; changes of the same group wait for each other.
-- Index: provider_groups_pkey.
select name from provider_groups where id = @id for no key update;

-- name: ProviderGroupNameTaken :one
-- Purpose: whether the tenant has a provider group of that name.
-- Index: provider_groups_tenant_id_name_key.
select exists (select from provider_groups where name = @name);

-- name: CreateProviderGroup :exec
-- Purpose: a new provider group. A name that is taken violates provider_groups_tenant_id_name_key.
-- Index: provider_groups_pkey.
insert into provider_groups (tenant_id, id, name) values (@tenant_id, @id, @name);

-- name: RenameProviderGroup :exec
-- Purpose: what a provider group is called.
-- Index: provider_groups_pkey.
update provider_groups set name = @name, updated_at = now() where id = @id;

-- name: DeleteProviderGroup :execrows
-- Purpose: remove a provider group; its links go with it.
-- Index: provider_groups_pkey.
delete from provider_groups where id = @id;

-- name: FindProviderGroups :many
-- Purpose: which of some ids are provider groups of the tenant.
-- Index: provider_groups_pkey.
select id from provider_groups where id = any(@ids::uuid[]);

-- name: FindProviders :many
-- Purpose: which of some ids are providers that the subject sees.
-- Index: providers_pkey.
select id from providers where id = any(@ids::uuid[]) and deleted_at is null;

-- name: ClearGroupProviders :exec
-- Purpose: take all providers that the subject sees out of a provider group.
-- Index: provider_group_providers_pkey.
delete from provider_group_providers where provider_group_id = @provider_group_id;

-- name: AddGroupProviders :exec
-- Purpose: put providers into a provider group.
-- Index: provider_group_providers_pkey.
insert into provider_group_providers (tenant_id, provider_group_id, provider_id)
select @tenant_id, @provider_group_id, unnest(@provider_ids::uuid[]) on conflict do nothing;

-- name: CountGroupProviders :one
-- Purpose: how many of some providers a provider group holds already.
-- Index: provider_group_providers_pkey.
select count(*) from provider_group_providers where provider_group_id = @provider_group_id and provider_id = any(@provider_ids::uuid[]);

-- name: ClearGroupTags :exec
-- Purpose: take all tags off a provider group.
-- Index: provider_group_tags_pkey.
delete from provider_group_tags where provider_group_id = @provider_group_id;

-- name: AddGroupTags :exec
-- Purpose: put tags on a provider group.
-- Index: provider_group_tags_pkey.
insert into provider_group_tags (tenant_id, provider_group_id, tag)
select @tenant_id, @provider_group_id, unnest(@tags::text[]);

-- name: TouchProviderGroup :exec
-- Purpose: note that a provider group was changed.
-- Index: provider_groups_pkey.
update provider_groups set updated_at = now() where id = @id;

-- name: ClearGroupRoles :exec
-- Purpose: unlink a provider group from all roles.
-- Index: role_provider_groups_group.
delete from role_provider_groups where provider_group_id = @provider_group_id;

-- name: AddGroupRoles :exec
-- Purpose: link a provider group to roles.
-- Index: role_provider_groups_pkey.
insert into role_provider_groups (tenant_id, role_id, provider_group_id)
select @tenant_id, unnest(@role_ids::uuid[]), @provider_group_id on conflict do nothing;
