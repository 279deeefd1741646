-- Scope deletion. Reason: an organisation that is being deleted has no member and is in no tenant scope any more. The scope reaches
-- the one that the setting app.tenant_id names, and only when it is marked; see migrations/0015_deletion.sql.

-- name: ListErasableTables :many
-- Purpose: the tables whose rows go in batches, those that others hang off last.
-- Index: none; reads the catalogue of the database.
select erasable_tables()::text as name;

-- name: EraseBatch :one
-- Purpose: remove some rows of one table; returns how many they were.
-- Index: the primary key of the table; rows by where they lie.
select erase_batch(@target::text, @batch::integer)::integer as erased;

-- name: EraseJobs :one
-- Purpose: remove some of the tenant's jobs from the queue; returns how many they were.
-- Index: river_job_args_index.
select erase_jobs(@tenant_id::uuid, @batch::integer)::integer as erased;

-- name: EraseTenant :execrows
-- Purpose: remove the tenant itself, with what is small and hangs off it: roles, groups, invitations, keys, settings.
-- Index: tenants_pkey.
delete from tenants where id = @id;
