-- name: GetProvider :one
-- Purpose: one connected account.
-- Index: providers_pkey.
select p.id, p.provider, p.uid, p.alias, p.connected, p.connection_last_checked_at, p.inserted_at, p.updated_at
from providers p where p.id = @id and p.deleted_at is null;
