-- Scope policy. Reason: comparing two policies asks what changes for anybody, so the organisations are listed first; their
-- people, roles and providers are then read inside each.

-- name: ListTenantsForPolicy :many
-- Purpose: every organisation, by its id and name.
-- Index: none; all rows are wanted.
select id, name from tenants order by name, id;
