-- name: CreateFlowStep :exec
-- Purpose: one step of a new flow.
-- Index: flow_steps_pkey.
insert into flow_steps (tenant_id, id, flow_id, parent_id, position, provider_id, type, pending, job_kind, job_args)
values ((select nullif(current_setting('app.tenant_id', true), '')::uuid), @id, @flow_id, sqlc.narg('parent_id'), @position,
    sqlc.narg('provider_id'), @type, @pending, sqlc.narg('job_kind'), sqlc.narg('job_args'));

-- name: GetFlowStep :one
-- Purpose: one step.
-- Index: flow_steps_pkey.
select s.id, s.flow_id, s.parent_id, s.position, s.provider_id, s.type, s.state, s.pending, s.broken, s.job_kind, s.job_args, s.task_id
from flow_steps s where s.id = @id;

-- name: GetFlowStepOfTask :one
-- Purpose: the step that a task is, if it is part of a flow.
-- Index: flow_steps_task.
select s.id, s.flow_id, s.parent_id, s.position, s.provider_id, s.type, s.state, s.pending, s.broken, s.job_kind, s.job_args, s.task_id
from flow_steps s where s.task_id = @task_id;

-- name: ListFlowMembers :many
-- Purpose: the members of a chain or group, in order.
-- Index: flow_steps_tenant_id_parent_id_position_key.
select s.id, s.flow_id, s.parent_id, s.position, s.provider_id, s.type, s.state, s.pending, s.broken, s.job_kind, s.job_args, s.task_id
from flow_steps s where s.parent_id = @parent_id order by s.position;

-- name: StartFlowStep :exec
-- Purpose: a step begins; a job step with its task.
-- Index: flow_steps_pkey.
update flow_steps set state = 'running', task_id = sqlc.narg('task_id'), updated_at = now() where id = @id and state = 'waiting';

-- name: EndFlowStep :execrows
-- Purpose: a step ends; no row is affected when it has ended before.
-- Index: flow_steps_pkey.
update flow_steps set state = @state, reason = sqlc.narg('reason'), updated_at = now()
where id = @id and state in ('waiting', 'running');

-- name: CountDownFlowStep :one
-- Purpose: one member of a step has ended. The row lock puts members that end at the same time in order: exactly one of
-- them sees 0 left.
-- Index: flow_steps_pkey.
update flow_steps set pending = pending - 1, broken = broken or @broken::boolean, updated_at = now() where id = @id
returning pending, broken;
