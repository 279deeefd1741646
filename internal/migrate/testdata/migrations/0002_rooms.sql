-- Partitions, a foreign key, routines, a view, a trigger.

-- +goose Up
create table rooms (
    tenant_id uuid not null,
    house_id uuid not null,
    number bigint generated always as identity,
    built date not null,
    primary key (tenant_id, number, built),
    foreign key (tenant_id, house_id) references houses (tenant_id, id) on delete cascade
) partition by range (built);
create table rooms_2020 partition of rooms for values from ('2020-01-01') to ('2021-01-01');
create index rooms_house on rooms (tenant_id, house_id) include (built);
create view big_houses with (security_invoker = true) as select h.tenant_id, h.id from houses h join rooms r on r.house_id = h.id;
-- +goose StatementBegin
create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
-- +goose StatementEnd
create function first_house() returns houses language sql stable as 'select * from houses limit 1';
revoke all on function touch() from public;
create trigger touched before update on houses for each row execute function touch();
grant select on big_houses to palisade_app, palisade_system;
grant usage on schema river to palisade_system;

-- +goose Down
revoke usage on schema river from palisade_system;
drop trigger touched on houses;
drop function first_house(), touch();
drop view big_houses;
drop table rooms;
