-- Scope rotation. Reason: a new key concerns the credentials of every tenant; each tenant's are then sealed again inside it.

-- name: ListTenantsWithSecrets :many
-- Purpose: tenants that have stored credentials, in the order of their ids, behind a given one.
-- Index: provider_secrets_pkey.
select distinct k.tenant_id from provider_secrets k where k.tenant_id > @after_id order by k.tenant_id limit @batch;
