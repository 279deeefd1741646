-- Scope catalogue. Reason: what engines can check is the same for every tenant, and is written by operators, not tenants.

-- name: PutCatalogueChecks :exec
-- Purpose: store a batch of checks, new ones and new versions of known ones. The engine's version follows at the end.
-- Index: catalogue_checks_pkey.
insert into catalogue_checks (provider, check_id, engine_version, content, updated_at)
select b.provider, b.id, '', b.content, now()
from (select unnest(@providers::text[]) as provider, unnest(@ids::text[]) as id, unnest(@contents::jsonb[]) as content) b
on conflict (provider, check_id) do update set content = excluded.content, updated_at = excluded.updated_at;

-- name: PutCatalogueFrameworks :exec
-- Purpose: the same for compliance frameworks.
-- Index: catalogue_frameworks_pkey.
insert into catalogue_frameworks (provider, framework_id, engine_version, content, updated_at)
select b.provider, b.id, '', b.content, now()
from (select unnest(@providers::text[]) as provider, unnest(@ids::text[]) as id, unnest(@contents::jsonb[]) as content) b
on conflict (provider, framework_id) do update set content = excluded.content, updated_at = excluded.updated_at, revision_id = null;

-- name: KeepFrameworkRevisions :exec
-- Purpose: keep the contents of the frameworks that this transaction stored: results of scans hang off them.
-- Index: catalogue_framework_revisions_pkey; catalogue_frameworks is small.
select keep_framework_revisions();

-- name: KeepThreatScoreFrameworks :exec
-- Purpose: keep the contents of the frameworks of ThreatScores that are there: scores hang off them.
-- Index: catalogue_frameworks_pkey, threatscore_frameworks_pkey.
insert into threatscore_frameworks (id, content)
select threatscore_digest(f.content), f.content from catalogue_frameworks f where starts_with(f.framework_id, 'prowler_threatscore_')
on conflict (id) do nothing;

-- name: FinishCatalogueChecks :execrows
-- Purpose: note the engine's version on what this transaction stored.
-- Index: catalogue_checks_pkey; the table is small.
update catalogue_checks set engine_version = @engine_version where engine_version = '' and updated_at = now();

-- name: FinishCatalogueFrameworks :execrows
-- Purpose: the same for compliance frameworks.
-- Index: catalogue_frameworks_pkey; the table is small.
update catalogue_frameworks set engine_version = @engine_version where engine_version = '' and updated_at = now();

-- name: DropOldCatalogueChecks :execrows
-- Purpose: remove what the engine does not have any more, for the provider types that the file is about.
-- Index: catalogue_checks_pkey.
delete from catalogue_checks where provider = any(@providers::text[]) and updated_at <> now();

-- name: DropOldCatalogueFrameworks :execrows
-- Purpose: the same for compliance frameworks.
-- Index: catalogue_frameworks_pkey.
delete from catalogue_frameworks where provider = any(@providers::text[]) and updated_at <> now();
