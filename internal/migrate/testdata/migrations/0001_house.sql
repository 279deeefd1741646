-- A small schema with one of each kind of object.

-- +goose Up
create table houses (
    tenant_id uuid not null,
    id uuid not null,
    name text not null default 'nameless' check (length(name) < 50),
    street text collate "C",
    search text generated always as (lower(name)) stored,
    primary key (tenant_id, id),
    unique (tenant_id, name)
);
comment on table houses is 'One''s houses.';
comment on column houses.name is 'Shown to people.';
create index houses_street on houses (tenant_id, street) where street is not null;
alter table houses enable row level security;
alter table houses force row level security;
create policy tenant on houses to palisade_app
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
create policy quiet on houses as restrictive for select to palisade_app using (name <> 'secret');
grant usage on schema public to palisade_app;
grant select (id, name), insert, update (name) on houses to palisade_app;

-- +goose Down
drop table houses;
