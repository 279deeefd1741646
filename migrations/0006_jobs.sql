-- Work in the background: tasks (what people see of a job), flows (what follows on what), schedules, and the walls around
-- the job queue's own tables, which hold the jobs of every tenant.

-- +goose Up
create table tasks (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    provider_id uuid,
    name text not null check (char_length(name) between 1 and 128),
    state text not null default 'available'
        check (state in ('available', 'scheduled', 'executing', 'completed', 'failed', 'cancelled')),
    hidden boolean not null default false,
    task_args jsonb not null default '{}',
    result jsonb,
    metadata jsonb not null default '{}',
    job_id bigint,
    attempt integer not null default 0,
    crashes integer not null default 0,
    failures integer not null default 0,
    inserted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    started_at timestamptz,
    completed_at timestamptz,
    primary key (tenant_id, id)
);
comment on table tasks is 'One row a job; it outlives the provider that it was about, so there is no foreign key to it.';
comment on column tasks.hidden is 'A step that people did not ask for and do not see in lists.';
comment on column tasks.job_id is 'Job in the queue; null while the task waits for its turn.';
comment on column tasks.attempt is 'Counts starts; a worker whose attempt is not the last one has lost the task and may write nothing.';
comment on column tasks.crashes is 'Starts that ended without a word, because the process died.';
comment on column tasks.failures is 'Attempts that failed for a reason that may pass.';
create index tasks_inserted on tasks (tenant_id, inserted_at, id);
-- How many jobs of a tenant wait in the queue, for the order among tenants.
create index tasks_queued on tasks (tenant_id) where state = 'available' and job_id is not null;
create index tasks_name on tasks (tenant_id, name, inserted_at, id);

-- The scan that a task performs.
create unique index scans_task on scans (tenant_id, task_id) where task_id is not null;

-- A flow is a tree of steps: chains run their members one after the other, groups all at once, jobs are the leaves.
create table flow_steps (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    flow_id uuid not null,
    parent_id uuid,
    position integer not null,
    provider_id uuid,
    type text not null check (type in ('chain', 'group', 'job')),
    state text not null default 'waiting' check (state in ('waiting', 'running', 'completed', 'failed', 'stopped')),
    pending integer not null default 0 check (pending >= 0),
    broken boolean not null default false,
    reason text,
    job_kind text,
    job_args jsonb,
    task_id uuid,
    inserted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, parent_id, position),
    foreign key (tenant_id, parent_id) references flow_steps (tenant_id, id) on delete cascade,
    foreign key (tenant_id, task_id) references tasks (tenant_id, id) on delete cascade
);
comment on column flow_steps.pending is 'Members that have not ended; the one that makes it 0 ends this step too.';
comment on column flow_steps.reason is 'Why the step was stopped: what it depended on and how that ended.';
create unique index flow_steps_task on flow_steps (tenant_id, task_id);
create index flow_steps_flow on flow_steps (tenant_id, flow_id, id);

create table schedules (
    tenant_id uuid not null,
    id uuid not null,
    provider_id uuid not null,
    every_hours integer not null default 24 check (every_hours between 1 and 8784),
    next_run_at timestamptz not null,
    enabled boolean not null default true,
    inserted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, provider_id),
    foreign key (tenant_id, provider_id) references providers (tenant_id, id) on delete cascade
);
-- The sweep looks across tenants for what is due.
create index schedules_due on schedules (next_run_at, tenant_id, provider_id) where enabled;

-- A worker process is alive as long as it renews its lease; jobs of a dead one are taken over.
create table worker_leases (
    id text primary key check (char_length(id) between 1 and 100),
    renewed_at timestamptz not null default now()
);

call wall.protect('tasks');
call wall.protect_provider('tasks');
call wall.protect('flow_steps');
call wall.protect_provider('flow_steps');
call wall.protect('schedules');
call wall.protect_provider('schedules');
grant select, insert, update, delete on tasks, flow_steps, schedules to palisade_app;

-- Scopes of palisade_system:
--   queue          leases of workers, and the jobs of workers that died
--   schedule       which schedules are due
call wall.admit_system('schedules', 'schedule');
grant select (tenant_id, provider_id, next_run_at, enabled) on schedules to palisade_system;
alter table worker_leases enable row level security;
alter table worker_leases force row level security;
call wall.admit_system('worker_leases', 'queue');
grant select, insert, update, delete on worker_leases to palisade_system;

-- The queue's own table. palisade_app inserts jobs inside its tenant's transactions; the insert returns the row and names a
-- conflict action, hence select and update of one column. Neither reaches another tenant's jobs.
grant usage on schema river to palisade_app, palisade_system;
alter table river.river_job enable row level security;
alter table river.river_job force row level security;
create policy tenant on river.river_job for all to palisade_app
    using (args ->> 'tenant_id' = (select nullif(current_setting('app.tenant_id', true), '')))
    with check (args ->> 'tenant_id' = (select nullif(current_setting('app.tenant_id', true), '')));
create policy worker on river.river_job for all to palisade_system using (true) with check (true);
-- Later migrations of the queue run as the owner and may have to touch every row.
create policy owner on river.river_job for all to current_user using (true) with check (true);
grant select, insert, update (kind) on river.river_job to palisade_app;
grant usage on sequence river.river_job_id_seq to palisade_app;
-- The client that works jobs: fetching, leader election, rescue, cleaning, queue records.
grant select, insert, update, delete on all tables in schema river to palisade_system;
revoke insert, update, delete on river.river_migration from palisade_system;
grant usage, select on all sequences in schema river to palisade_system;

-- rescue_orphans makes the running jobs of dead workers available again and returns how many they were. A worker is dead
-- when it has not renewed its lease for so many seconds. The clock is the database's alone.
-- +goose StatementBegin
create function rescue_orphans(silence double precision) returns integer
language plpgsql set search_path = pg_catalog, public as $$
declare
    rescued integer;
begin
    update river.river_job j set state = 'available', scheduled_at = now(), max_attempts = greatest(j.max_attempts, j.attempt + 1)
    where j.state = 'running' and not exists (
        select from public.worker_leases l
        where l.id = j.attempted_by[array_upper(j.attempted_by, 1)] and l.renewed_at > now() - make_interval(secs => silence)
    );
    get diagnostics rescued = row_count;
    return rescued;
end $$;
-- +goose StatementEnd
revoke all on function rescue_orphans(double precision) from public;
grant execute on function rescue_orphans(double precision) to palisade_system;

-- +goose Down
drop function rescue_orphans(double precision);
drop policy owner on river.river_job;
drop policy worker on river.river_job;
drop policy tenant on river.river_job;
alter table river.river_job no force row level security;
alter table river.river_job disable row level security;
revoke all on all tables in schema river from palisade_app, palisade_system;
revoke all on all sequences in schema river from palisade_app, palisade_system;
revoke usage on schema river from palisade_app, palisade_system;
drop index scans_task;
drop table worker_leases, schedules, flow_steps, tasks cascade;
