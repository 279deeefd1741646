-- Purpose: a scan ($2) of a provider ($3) of a tenant ($1) to hold the rows that are inserted once more.
insert into scans (tenant_id, id, provider_id, trigger, state) values ($1, $2, $3, 'manual', 'cancelled')
