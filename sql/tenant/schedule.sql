-- name: CreateSchedule :execrows
-- Purpose: scan a provider again and again from a moment on. No row is affected when it is scheduled already.
-- Index: schedules_tenant_id_provider_id_key.
insert into schedules (tenant_id, id, provider_id, frequency, every_hours, starts_at, hour, minute, weekdays, month_day, time_zone,
    enabled, next_run_at)
values ((select nullif(current_setting('app.tenant_id', true), '')::uuid), @provider_id, @provider_id, @frequency, @every_hours,
    @starts_at, @hour, @minute, @weekdays, @month_day, @time_zone, @enabled, @next_run_at)
on conflict (tenant_id, provider_id) do nothing;

-- name: LockSchedule :one
-- Purpose: the schedule of a provider, for those who change it or take its run; due says whether one is due. The provider's row
-- is locked first. No row: there is none.
-- Index: schedules_tenant_id_provider_id_key.
select c.frequency, c.every_hours, c.starts_at, c.hour, c.minute, c.weekdays, c.month_day, c.time_zone, c.enabled, c.next_run_at,
    (c.enabled and c.next_run_at <= now())::boolean as due
from schedules c where c.provider_id = @provider_id for update;

-- name: ChangeSchedule :exec
-- Purpose: give a schedule another rule, or switch it off and on.
-- Index: schedules_tenant_id_provider_id_key.
update schedules set frequency = @frequency, every_hours = @every_hours, starts_at = @starts_at, hour = @hour, minute = @minute,
    weekdays = @weekdays, month_day = @month_day, time_zone = @time_zone, enabled = @enabled, next_run_at = @next_run_at,
    updated_at = now()
where provider_id = @provider_id;

-- name: AdvanceSchedule :exec
-- Purpose: the due run is taken: the next one is at another time.
-- Index: schedules_tenant_id_provider_id_key.
update schedules set next_run_at = @next_run_at where provider_id = @provider_id;

-- name: DeleteSchedule :execrows
-- Purpose: scan a provider no more by itself. No row: it was not scheduled.
-- Index: schedules_tenant_id_provider_id_key.
delete from schedules where provider_id = @provider_id;

-- name: ListSchedules :many
-- Purpose: a page of schedules with their providers and their last scans' ends; one schedule when the condition names its id.
-- Index: schedules_pkey, providers_pkey, scans_latest.
select c.id, c.provider_id, c.frequency, c.every_hours, c.hour, c.minute, c.weekdays, c.month_day, c.time_zone, c.enabled,
    c.next_run_at, c.inserted_at, c.updated_at,
    (select s.completed_at from scans s where s.tenant_id = c.tenant_id and s.provider_id = c.provider_id and s.state = 'completed'
        order by s.inserted_at desc, s.id desc limit 1) as last_scan_at,
    p.provider, p.uid, p.alias, p.connected, p.connection_last_checked_at, p.inserted_at as provider_inserted_at,
    p.updated_at as provider_updated_at,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from schedules c join providers p on p.tenant_id = c.tenant_id and p.id = c.provider_id and p.deleted_at is null
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ c.inserted_at, c.id /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountSchedules :one
-- Purpose: how many schedules ListSchedules pages over.
-- Index: schedules_pkey, providers_pkey.
select count(*) from schedules c join providers p on p.tenant_id = c.tenant_id and p.id = c.provider_id and p.deleted_at is null
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;
