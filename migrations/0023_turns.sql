-- Turns: the order in which jobs of tenants leave a queue. A job's turn is one more than that of its tenant's last job in the queue,
-- and not before the turns that have begun: so tenants take turns, however many jobs each of them has waiting, and nobody gains by
-- having been idle. The queue orders by priority and by time; a turn is written as a time long past. What belongs to no tenant
-- has the better priority. A job that comes back takes the next turn.

-- +goose Up
create index river_job_turns_begun on river.river_job (queue, ((metadata ->> 'turn')::bigint))
    where state in ('running', 'completed', 'cancelled', 'discarded');
create index river_job_turns_of_tenant on river.river_job ((args ->> 'tenant_id'), queue, ((metadata ->> 'turn')::bigint));

-- take_turn looks at the jobs of all tenants, so it runs as the owner; what it tells a job is a number.
-- +goose StatementBegin
create function take_turn() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
    begun bigint;
    taken bigint;
begin
    if tg_op = 'UPDATE' and new.scheduled_at > clock_timestamp() then
        new.state := 'scheduled'; -- it asks for a pause: its turn comes after it
        return new;
    end if;
    select (j.metadata ->> 'turn')::bigint into begun from river.river_job j
    where j.queue = new.queue and j.state in ('running', 'completed', 'cancelled', 'discarded') and (j.metadata ->> 'turn')::bigint is not null
    order by (j.metadata ->> 'turn')::bigint desc limit 1;
    begun := coalesce(begun, 0);
    if new.metadata ? 'turn' then
        taken := begun + 1;
    else
        select (j.metadata ->> 'turn')::bigint + 1 into taken from river.river_job j
        where j.args ->> 'tenant_id' = new.args ->> 'tenant_id' and j.queue = new.queue and (j.metadata ->> 'turn')::bigint is not null
        order by (j.metadata ->> 'turn')::bigint desc limit 1;
        taken := greatest(begun, coalesce(taken, 0));
    end if;
    new.metadata := jsonb_set(new.metadata, '{turn}', to_jsonb(taken));
    new.scheduled_at := timestamptz '2000-01-01 00:00:00+00' + taken * interval '1 millisecond';
    return new;
end $$;
-- +goose StatementEnd
revoke all on function take_turn() from public;
create trigger take_turn_first before insert on river.river_job for each row
    when (new.state = 'available' and new.args ? 'tenant_id') execute function take_turn();
create trigger take_turn_again before update of state on river.river_job for each row
    when (new.state = 'available' and old.state <> 'available' and new.args ? 'tenant_id') execute function take_turn();
-- How many jobs of a tenant wait makes no difference any more.
drop index tasks_queued;

-- +goose Down
create index tasks_queued on tasks (tenant_id) where state = 'available' and job_id is not null;
drop trigger take_turn_again on river.river_job;
drop trigger take_turn_first on river.river_job;
drop function take_turn();
drop index river.river_job_turns_of_tenant;
drop index river.river_job_turns_begun;
