-- name: CreateTask :one
-- Purpose: the task of a job that is about to be enqueued, or that waits for its turn.
-- Index: tasks_pkey.
insert into tasks (tenant_id, id, provider_id, name, hidden, task_args)
values ((select nullif(current_setting('app.tenant_id', true), '')::uuid), @id, sqlc.narg('provider_id'), @name, @hidden, @task_args)
returning id, provider_id, name, state, task_args, result, metadata, inserted_at, updated_at, completed_at;

-- name: SetTaskJob :exec
-- Purpose: note the job of a task: from now on it has its turn.
-- Index: tasks_pkey.
update tasks set job_id = @job_id, updated_at = now() where id = @id;

-- name: GetTask :one
-- Purpose: one task as people see it.
-- Index: tasks_pkey.
select t.id, t.provider_id, t.name, t.state, t.task_args, t.result, t.metadata, t.inserted_at, t.updated_at, t.completed_at
from tasks t where t.id = @id and not t.hidden and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: ListTasks :many
-- Purpose: a page of the tasks that people asked for.
-- Index: tasks_inserted.
select t.id, t.provider_id, t.name, t.state, t.task_args, t.result, t.metadata, t.inserted_at, t.updated_at, t.completed_at,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from tasks t where not t.hidden and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ t.inserted_at desc, t.id /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountTasks :one
-- Purpose: how many tasks ListTasks pages over.
-- Index: tasks_inserted.
select count(*) from tasks t where not t.hidden and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: BeginTask :one
-- Purpose: start an attempt. A task that was executing already is one whose worker died. No row: the task has ended, was
-- cancelled, or is gone, or its tenant is going. provider_there is false when the provider that the task is about is gone or
-- going.
-- Index: tasks_pkey, providers_pkey, tenants_pkey.
update tasks t set state = 'executing', attempt = t.attempt + 1, crashes = t.crashes + (t.state = 'executing')::integer,
    started_at = coalesce(t.started_at, now()), updated_at = now(),
    metadata = case when t.state <> 'executing' then t.metadata else jsonb_set(t.metadata, '{attempts}', jsonb_path_query_array(
        coalesce(t.metadata -> 'attempts', '[]') || jsonb_build_object('attempt', t.attempt, 'ended_at', now(), 'reason', 'The worker was lost.'),
        '$[last - 19 to last]')) end
where t.id = @id and t.state in ('available', 'scheduled', 'executing')
    and exists (select from tenants o where o.id = t.tenant_id and o.deleted_at is null)
returning t.name, t.attempt, t.crashes, t.failures, t.provider_id, (t.provider_id is null or exists (
    select from providers p where p.id = t.provider_id and p.deleted_at is null))::boolean as provider_there;

-- name: HoldTask :one
-- Purpose: make sure that an attempt is still the current one, and keep it so until the transaction ends. No row: it is not, or
-- its tenant is going.
-- Index: tasks_pkey, tenants_pkey.
select t.id from tasks t
where t.id = @id and t.attempt = @attempt and t.state = 'executing'
    and exists (select from tenants o where o.id = t.tenant_id and o.deleted_at is null)
for share of t;

-- name: EndTask :execrows
-- Purpose: end an attempt for good; no row is affected when it is not the current one any more.
-- Index: tasks_pkey.
update tasks set state = @state, result = sqlc.narg('result'), completed_at = now(), updated_at = now()
where id = @id and attempt = @attempt and state = 'executing';

-- name: ReleaseTask :execrows
-- Purpose: give an attempt up so that another one follows. Why, if that is a failure, is kept with the task; the last 20 are.
-- Index: tasks_pkey.
update tasks set state = 'available', failures = failures + @failures, updated_at = now(),
    metadata = case when sqlc.narg('reason')::text is null then metadata else jsonb_set(metadata, '{attempts}', jsonb_path_query_array(
        coalesce(metadata -> 'attempts', '[]') || jsonb_build_object('attempt', attempt, 'ended_at', now(), 'reason', sqlc.narg('reason')::text),
        '$[last - 19 to last]')) end
where id = @id and attempt = @attempt and state = 'executing';

-- name: NoteTask :exec
-- Purpose: add members to what is known about a task.
-- Index: tasks_pkey.
update tasks set metadata = metadata || @metadata::jsonb, updated_at = now() where id = @id;

-- name: CancelTask :one
-- Purpose: cancel a task that has not ended, at work or not. Its job finds it so: one that waits does nothing, one at work has lost
-- it and stops. No row: it has ended, or is gone.
-- Index: tasks_pkey.
update tasks t set state = 'cancelled', completed_at = now(), updated_at = now()
where t.id = @id and t.state in ('available', 'scheduled', 'executing')
returning t.id, t.provider_id, t.name, t.state, t.task_args, t.result, t.metadata, t.inserted_at, t.updated_at, t.completed_at;

-- name: LockProviderOfHeldTask :exec
-- Purpose: take the row of the provider before that of a task that waits for its turn, as those do who give it its turn.
-- Index: tasks_pkey, providers_pkey.
select p.id from tasks t join providers p on p.tenant_id = t.tenant_id and p.id = t.provider_id
where t.id = @id and t.job_id is null and t.state = 'available' for update of p;

-- name: AttemptStands :one
-- Purpose: whether an attempt is still the current one, and whether the provider that it is about is there. No row: the task is gone.
-- Index: tasks_pkey, providers_pkey.
select (t.attempt = @attempt and t.state = 'executing')::boolean as current, (t.provider_id is null or exists (
    select from providers p where p.id = t.provider_id and p.deleted_at is null))::boolean as provider_there
from tasks t where t.id = @id;

-- name: ProviderThere :one
-- Purpose: whether a provider exists and is not being deleted.
-- Index: providers_pkey.
select exists (select from providers p where p.id = @id and p.deleted_at is null);
