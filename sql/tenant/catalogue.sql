-- What engines can check: reference data that every tenant reads and none has of its own.

-- name: ListCatalogueChecks :many
-- Purpose: everything known about checks, to complete findings with.
-- Index: none; all rows are read.
select provider, content from catalogue_checks;

-- name: GetCatalogueRevision :one
-- Purpose: tells whether the checks changed since they were last read.
-- Index: none; the table is small.
select count(*) as checks, coalesce(max(updated_at), 'epoch')::timestamptz as newest from catalogue_checks;

-- name: SummariseCatalogue :many
-- Purpose: for each provider type, how many checks and frameworks are known and from which version of the engine.
-- Index: none; the tables are small.
select k.provider::text as provider, max(k.engine_version)::text as engine_version,
    count(*) filter (where k.is_check) as checks, count(*) filter (where not k.is_check) as frameworks
from (
    select provider, engine_version, true as is_check from catalogue_checks
    union all
    select provider, engine_version, false from catalogue_frameworks
) k group by k.provider order by k.provider;

-- name: ListChecksOfFrameworks :many
-- Purpose: which of some frameworks of a provider type are known, each with the checks that serve it.
-- Index: catalogue_frameworks_pkey.
select f.framework_id, array(
    select distinct k.id
    from jsonb_array_elements(case jsonb_typeof(f.content -> 'requirements') when 'array' then f.content -> 'requirements' else '[]' end) r,
        jsonb_array_elements_text(case jsonb_typeof(r.value -> 'checks') when 'array' then r.value -> 'checks' else '[]' end) k(id)
)::text[] as checks
from catalogue_frameworks f where f.provider = @provider and f.framework_id = any(@ids::text[]);
