-- name: LockProvider :one
-- Purpose: put those who start scans of a provider in order, and read what a scan needs of it. No row: it is gone, going, or
-- hidden.
-- Index: providers_pkey.
select p.id, p.provider, p.uid, p.alias from providers p where p.id = @id and p.deleted_at is null for update;

-- name: HasActiveScan :one
-- Purpose: whether a scan of the provider has its turn: its job is in the queue or at work.
-- Index: scans_active, tasks_pkey.
select exists (
    select from scans s join tasks t on t.tenant_id = s.tenant_id and t.id = s.task_id
    where s.provider_id = @provider_id and s.state in ('available', 'executing')
    and t.job_id is not null and t.state in ('available', 'executing') and t.name in ('scan-perform', 'scan-perform-scheduled')
);

-- name: HasPendingScheduledScan :one
-- Purpose: whether a scheduled scan of the provider waits or runs already: scheduled runs collapse into one.
-- Index: scans_active.
select exists (
    select from scans s where s.provider_id = @provider_id and s.trigger = 'scheduled' and s.state in ('available', 'executing')
    and s.task_id is not null
);

-- name: CreateScan :exec
-- Purpose: a new scan, with a scope of its own or, with inherits, its provider's.
-- Index: scans_pkey, providers_pkey.
insert into scans (tenant_id, id, provider_id, name, trigger, state, task_id, scheduled_at, scope)
values ((select nullif(current_setting('app.tenant_id', true), '')::uuid), @id, @provider_id, sqlc.narg('name'), @trigger, @state,
    sqlc.narg('task_id'), sqlc.narg('scheduled_at'),
    case when @inherits::boolean then (select p.scan_scope from providers p where p.id = @provider_id) else sqlc.narg('scope')::jsonb end);

-- name: TakePlannedScan :one
-- Purpose: turn the placeholder of the next scheduled run into a scan with its task and its provider's scope. No row: there is none.
-- Index: scans_inserted, providers_pkey.
update scans s set state = 'available', task_id = @task_id, scheduled_at = @scheduled_at, updated_at = now(),
    scope = (select p.scan_scope from providers p where p.id = @provider_id)
where s.id = (
    select o.id from scans o where o.provider_id = @provider_id and o.trigger = 'scheduled' and o.state = 'scheduled'
    order by o.scheduled_at, o.id limit 1
)
returning s.id;

-- name: PlanScan :exec
-- Purpose: see that there is exactly one placeholder for the next scheduled run.
-- Index: scans_inserted, schedules_tenant_id_provider_id_key.
insert into scans (tenant_id, id, provider_id, name, trigger, state, scheduled_at)
select c.tenant_id, @id, c.provider_id, @name::text, 'scheduled', 'scheduled', c.next_run_at from schedules c
where c.provider_id = @provider_id and c.enabled and not exists (
    select from scans o where o.provider_id = c.provider_id and o.trigger = 'scheduled' and o.state = 'scheduled'
);

-- name: MovePlannedScan :exec
-- Purpose: let the placeholder stand for the time at which the schedule is due now. A name of the program's own (one of known)
-- follows the schedule, one that people gave stays.
-- Index: scans_inserted, schedules_tenant_id_provider_id_key.
update scans s set scheduled_at = c.next_run_at, name = case when s.name = any(@known::text[]) then @name::text else s.name end,
    updated_at = now()
from schedules c
where c.provider_id = @provider_id and c.enabled and s.tenant_id = c.tenant_id and s.provider_id = c.provider_id
and s.trigger = 'scheduled' and s.state = 'scheduled';

-- name: DropPlannedScan :exec
-- Purpose: nothing is planned for a provider any more.
-- Index: scans_inserted.
delete from scans s where s.provider_id = @provider_id and s.trigger = 'scheduled' and s.state = 'scheduled';

-- name: NextWaitingScan :one
-- Purpose: the scan of a provider that waits longest for its turn, with its task.
-- Index: scans_active, tasks_pkey.
select s.id, s.task_id::uuid as task_id, t.name as task_name from scans s
join tasks t on t.tenant_id = s.tenant_id and t.id = s.task_id
where s.provider_id = @provider_id and s.state = 'available' and t.job_id is null and t.state = 'available'
order by s.inserted_at, s.id limit 1;

-- name: ScanOfTask :one
-- Purpose: the scan that a task performs.
-- Index: scans_task.
select s.id, s.provider_id, s.name, s.trigger, s.state, s.scope from scans s where s.task_id = @task_id;

-- name: LoadScanTarget :one
-- Purpose: what the engine needs to know: the account and its sealed credentials, if there are any.
-- Index: scans_pkey, providers_pkey, provider_secrets_tenant_id_provider_id_key.
select p.id as provider_id, p.provider, p.uid, k.id as secret_id, k.secret as secret
from providers p left join provider_secrets k on k.tenant_id = p.tenant_id and k.provider_id = p.id
where p.id = @provider_id and p.deleted_at is null;

-- name: BeginScan :execrows
-- Purpose: a scan starts, or starts again after its worker died.
-- Index: scans_pkey.
update scans set state = 'executing', started_at = now(), progress = 0, updated_at = now()
where id = @id and state in ('available', 'scheduled', 'executing');

-- name: ProgressScan :exec
-- Purpose: how far a running scan is; it never falls.
-- Index: scans_pkey.
update scans set progress = @progress, updated_at = now() where id = @id and state = 'executing' and progress < @progress;

-- name: ScanOutcome :one
-- Purpose: what a completed scan's task tells of it.
-- Index: scans_pkey.
select s.id, s.trigger, s.state, s.unique_resource_count, s.progress, s.duration, s.started_at, s.completed_at, s.scheduled_at
from scans s where s.id = @id;

-- name: FailScan :execrows
-- Purpose: a scan ends badly, or is cancelled before it started.
-- Index: scans_pkey.
update scans set state = @state, completed_at = now(), started_at = coalesce(started_at, case when @state = 'failed' then now() end),
    duration = floor(extract(epoch from now() - coalesce(started_at, now())))::integer, updated_at = now()
where id = @id and state in ('available', 'executing');

-- name: NoteConnection :execrows
-- Purpose: what a connection check or the start of a scan found out. No row: the provider is gone.
-- Index: providers_pkey.
update providers set connected = @connected, connection_last_checked_at = now(), updated_at = now()
where id = @id and deleted_at is null;

-- name: ListScans :many
-- Purpose: a page of scans with their providers, without those that expired; one scan when the condition names its id.
-- Index: scans_inserted, scans_pkey, providers_pkey.
select s.id, s.provider_id, s.name, s.trigger, s.state, s.unique_resource_count, s.progress, s.duration, s.task_id, s.scheduled_at,
    s.started_at, s.completed_at, s.next_scan_at, s.inserted_at, s.scope,
    p.provider, p.uid, p.alias, p.connected, p.connection_last_checked_at, p.inserted_at as provider_inserted_at,
    p.updated_at as provider_updated_at,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from scans s join providers p on p.tenant_id = s.tenant_id and p.id = s.provider_id and p.deleted_at is null
where s.state <> 'expired' and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ s.inserted_at desc, s.id /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountScans :one
-- Purpose: how many scans ListScans pages over.
-- Index: scans_inserted, providers_pkey.
select count(*) from scans s join providers p on p.tenant_id = s.tenant_id and p.id = s.provider_id and p.deleted_at is null
where s.state <> 'expired' and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: RenameScan :execrows
-- Purpose: change the name of a scan.
-- Index: scans_pkey.
update scans set name = sqlc.narg('name'), updated_at = now() where id = @id and state <> 'expired';

-- name: KnownProviders :many
-- Purpose: which of some provider ids name providers that the subject sees.
-- Index: providers_pkey.
select p.id from providers p where p.id = any(@ids::uuid[]) and p.deleted_at is null;

-- name: CondemnProvider :execrows
-- Purpose: a provider is to be deleted: from now on it is not there. No row: it was not before.
-- Index: providers_pkey.
update providers set deleted_at = now(), updated_at = now() where id = @id and deleted_at is null;

-- name: OtherScanAtWork :one
-- Purpose: whether another scan of the provider is being filled, e.g. from a file. The provider's row is locked first, so that
-- two cannot start at once.
-- Index: scans_active.
select exists (select from scans s where s.provider_id = @provider_id and s.state = 'executing' and s.id <> @scan_id);
