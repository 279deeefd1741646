-- Deletion of providers. The request that asks for it marks the row: from then on no answer shows the provider or anything of it.
-- Its rows go afterwards, in the scope of the tenant, in batches.

-- +goose Up
-- The work about a provider that has not ended: it is cancelled, or waited for, before rows go.
create index tasks_of_provider on tasks (tenant_id, provider_id, id) where state in ('available', 'scheduled', 'executing');
-- What the keys of ingestions look up when a scan or a provider goes; without it each would read the table from end to end.
create index ingestions_provider on ingestions (tenant_id, provider_id, scan_id);

-- erase_summaries removes aggregate rows of a scan, at most so many of each table, and returns how many they were. It runs as its
-- caller: the wall decides which rows there are.
-- +goose StatementBegin
create function erase_summaries(scan uuid, batch integer) returns integer
language plpgsql set search_path = pg_catalog, public set enable_seqscan = off as $$
declare
    target text;
    erased integer;
    total integer := 0;
begin
    foreach target in array array['scan_resource_summaries', 'scan_summaries', 'scan_places', 'scan_category_summaries',
            'scan_resource_group_summaries'] loop
        execute format('delete from %1$I where ctid = any (array(select x.ctid from %1$I x where x.scan_id = $1 limit $2)) and scan_id = $1', target)
            using scan, batch;
        get diagnostics erased = row_count;
        total := total + erased;
    end loop;
    return total;
end $$;
-- +goose StatementEnd
revoke all on function erase_summaries(uuid, integer) from public;
grant execute on function erase_summaries(uuid, integer) to palisade_app;

-- +goose Down
drop function erase_summaries(uuid, integer);
drop index ingestions_provider;
drop index tasks_of_provider;
