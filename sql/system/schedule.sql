-- Scope schedule. Reason: one sweep finds what is due in every tenant; each run is then started inside its tenant.

-- name: ListDueSchedules :many
-- Purpose: providers whose next scheduled scan is due, the longest due first; tenants that are being deleted have none.
-- Index: schedules_due, tenants_pkey.
select c.tenant_id, c.provider_id from schedules c
where c.enabled and c.next_run_at <= now() and exists (select from tenants t where t.id = c.tenant_id and t.deleted_at is null)
order by c.next_run_at, c.tenant_id, c.provider_id limit @batch;
