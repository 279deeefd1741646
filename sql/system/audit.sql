-- Scope audit. Reason: the logs of all tenants are verified in one go; which tenants have one is read here, each log then
-- inside its tenant.

-- name: NextAuditedTenant :one
-- Purpose: the tenant behind a given one that has a log, in the order of their ids.
-- Index: audit_events_pkey.
select a.tenant_id from audit_events a where a.tenant_id > @after_id order by a.tenant_id limit 1;
