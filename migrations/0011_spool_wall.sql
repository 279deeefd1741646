-- The pieces of a findings file name no provider, but the ingestion that they belong to does: who does not see the one sees
-- nothing of the other. The sub-select is subject to the wall of ingestions.

-- +goose Up
create policy of_visible_ingestion on ingestion_chunks as restrictive for all to palisade_app
    using (exists (select from ingestions i where i.tenant_id = ingestion_chunks.tenant_id and i.id = ingestion_chunks.ingestion_id))
    with check (exists (select from ingestions i where i.tenant_id = ingestion_chunks.tenant_id and i.id = ingestion_chunks.ingestion_id));

-- +goose Down
drop policy of_visible_ingestion on ingestion_chunks;
