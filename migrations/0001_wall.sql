-- The wall: runtime roles, and the two procedures that every later migration calls to put a table behind it.
-- Who may do what is decided here and nowhere else in the database; the program's policy decides only below it.

-- +goose Up
-- +goose StatementBegin
do $$
begin
    if not exists (select from pg_roles where rolname = 'palisade_app') then
        create role palisade_app login nosuperuser nobypassrls nocreatedb nocreaterole;
    end if;
    if not exists (select from pg_roles where rolname = 'palisade_system') then
        create role palisade_system login nosuperuser nobypassrls nocreatedb nocreaterole;
    end if;
end $$;
-- +goose StatementEnd

-- Bounds what one runaway statement can cost; the program sets shorter limits per request.
-- +goose StatementBegin
do $$
begin
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect, temporary on database %I to palisade_app, palisade_system', current_database());
end $$;
-- +goose StatementEnd
revoke create on schema public from public;
grant usage on schema public to palisade_app, palisade_system;

create schema wall;
comment on schema wall is 'Procedures for migrations only: no runtime role may use it.';

-- protect puts a table with a tenant_id column behind the tenant wall. The sub-select makes Postgres evaluate the
-- setting once per query; an unset or empty setting yields null, hence no rows, never an error, never all rows.
-- +goose StatementBegin
create procedure wall.protect(target regclass)
language plpgsql set search_path = pg_catalog, public as $$
begin
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format($policy$
        create policy tenant on %s for all to palisade_app
        using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
        with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    $policy$, target);
end $$;
-- +goose StatementEnd

-- protect_provider adds the provider wall: rows of a provider that policy hides from the subject do not exist for it.
-- app.visible_providers holds '*' or a Postgres array of uuids. A null provider_id (a row about no provider) is visible.
-- +goose StatementBegin
create procedure wall.protect_provider(target regclass, provider_column name default 'provider_id')
language plpgsql set search_path = pg_catalog, public as $$
begin
    execute format($policy$
        create policy provider_visibility on %1$s as restrictive for all to palisade_app
        using (
            %2$I is null
            or (select current_setting('app.visible_providers', true) = '*')
            or %2$I = any ((select case when current_setting('app.visible_providers', true) = '*' then '{}'
                else coalesce(nullif(current_setting('app.visible_providers', true), ''), '{}') end)::uuid[])
        )
        with check (
            %2$I is null
            or (select current_setting('app.visible_providers', true) = '*')
            or %2$I = any ((select case when current_setting('app.visible_providers', true) = '*' then '{}'
                else coalesce(nullif(current_setting('app.visible_providers', true), ''), '{}') end)::uuid[])
        )
    $policy$, target, provider_column);
end $$;
-- +goose StatementEnd

-- admit_system lets palisade_system pass the wall of one table inside the named scopes only (setting app.scope).
-- Which columns and statements it may use is decided by grants.
-- +goose StatementBegin
create procedure wall.admit_system(target regclass, variadic scopes text[])
language plpgsql set search_path = pg_catalog, public as $$
begin
    execute format($policy$
        create policy system_scope on %1$s for all to palisade_system
        using ((select current_setting('app.scope', true)) = any (%2$L::text[]))
        with check ((select current_setting('app.scope', true)) = any (%2$L::text[]))
    $policy$, target, scopes);
end $$;
-- +goose StatementEnd

-- +goose Down
drop procedure wall.admit_system(regclass, text[]);
drop procedure wall.protect_provider(regclass, name);
drop procedure wall.protect(regclass);
drop schema wall;
