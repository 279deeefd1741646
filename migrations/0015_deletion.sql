-- Deletion of organisations. Whoever asks for it sees the organisation vanish at once: in that transaction it loses its members
-- and is marked, and from then on nobody enters it and no job of it begins. Its rows go afterwards, batch by batch, in the system
-- scope deletion, which reaches one marked organisation at a time and nothing of any other.

-- +goose Up
alter table tenants add column deleted_at timestamptz;
comment on column tenants.deleted_at is 'Set when deletion was asked for; the row goes last, when nothing hangs off it any more.';

-- Accepting an invitation, single sign-on and the sweep of schedules look whether the organisation is there.
create policy looked_for on tenants for all to palisade_system
    using ((select current_setting('app.scope', true)) in ('invitation', 'saml', 'schedule'))
    with check ((select current_setting('app.scope', true)) in ('invitation', 'saml', 'schedule'));
create policy deletion on tenants for all to palisade_system
    using ((select current_setting('app.scope', true)) = 'deletion'
        and id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and deleted_at is not null)
    with check ((select current_setting('app.scope', true)) = 'deletion'
        and id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and deleted_at is not null);
-- A grant holds in every scope, this policy does not: no other scope removes an organisation.
create policy removed_in_deletion on tenants as restrictive for delete to palisade_system
    using ((select current_setting('app.scope', true)) = 'deletion');
grant update (deleted_at), delete on tenants to palisade_system;

-- admit_deletion lets the scope deletion remove the rows of a table in batches: those of the organisation that the setting
-- app.tenant_id names, and only once it is marked. Tables without it go with the rows that they hang off, so it is for every
-- table that grows with use.
-- +goose StatementBegin
create procedure wall.admit_deletion(target regclass)
language plpgsql set search_path = pg_catalog, public as $$
begin
    execute format($policy$
        create policy deletion on %s for all to palisade_system
        using ((select current_setting('app.scope', true)) = 'deletion' and tenant_id = (select t.id from tenants t
            where t.id = nullif(current_setting('app.tenant_id', true), '')::uuid and t.deleted_at is not null))
        with check ((select current_setting('app.scope', true)) = 'deletion' and tenant_id = (select t.id from tenants t
            where t.id = nullif(current_setting('app.tenant_id', true), '')::uuid and t.deleted_at is not null))
    $policy$, target);
    execute format('create policy removed_in_deletion on %s as restrictive for delete to palisade_system '
        'using ((select current_setting(''app.scope'', true)) = ''deletion'')', target);
    execute format('grant select (tenant_id, ctid), delete on %s to palisade_system', target);
end $$;
-- +goose StatementEnd

call wall.admit_deletion('providers');
call wall.admit_deletion('scans');
call wall.admit_deletion('resources');
call wall.admit_deletion('resource_tags');
call wall.admit_deletion('resource_groups');
call wall.admit_deletion('check_metadata');
call wall.admit_deletion('check_metadata_categories');
call wall.admit_deletion('findings');
call wall.admit_deletion('resource_finding_mappings');
call wall.admit_deletion('scan_summaries');
call wall.admit_deletion('scan_resource_summaries');
call wall.admit_deletion('scan_places');
call wall.admit_deletion('scan_category_summaries');
call wall.admit_deletion('scan_resource_group_summaries');
call wall.admit_deletion('ingestions');
call wall.admit_deletion('ingestion_chunks');
call wall.admit_deletion('ingestion_errors');
call wall.admit_deletion('tasks');
call wall.admit_deletion('flow_steps');

-- erasable_tables are the tables that admit_deletion was called for, those that others hang off last.
create function erasable_tables() returns setof text language sql stable set search_path = pg_catalog, public as $$
    with recursive erasable as (
        select polrelid as oid from pg_policy where polname = 'deletion' and polrelid <> 'public.tenants'::regclass
    ), links as (
        select conrelid as child, confrelid as parent from pg_constraint
        where contype = 'f' and conparentid = 0 and conrelid <> confrelid
            and conrelid in (select oid from erasable) and confrelid in (select oid from erasable)
    ), heights as (
        select oid, 0 as height from erasable
        union
        select l.parent, h.height + 1 from heights h join links l on l.child = h.oid
    )
    select oid::regclass::text from heights group by oid order by max(height), oid::regclass::text
$$;

-- erase_batch removes rows of one table, about so many (of a partitioned table as many from each partition at worst), and
-- returns how many they were. It runs as its caller: which rows there are for it, the wall decides. Going by the index, it
-- passes over what earlier batches removed without looking at it again.
-- +goose StatementBegin
create function erase_batch(target text, batch integer) returns integer
language plpgsql set search_path = pg_catalog, public set enable_seqscan = off as $$
declare
    erased integer;
begin
    execute format('delete from %1$s where ctid = any (array(select ctid from %1$s limit %2$s))', target::regclass, batch);
    get diagnostics erased = row_count;
    return erased;
end $$;
-- +goose StatementEnd

-- erase_jobs removes jobs of an organisation from the queue, all but those at work, which end by themselves.
-- +goose StatementBegin
create function erase_jobs(tenant uuid, batch integer) returns integer
language plpgsql set search_path = pg_catalog, public as $$
declare
    erased integer;
begin
    delete from river.river_job where id in (
        select j.id from river.river_job j
        where j.args @> jsonb_build_object('tenant_id', tenant) and j.state <> 'running' limit batch
    );
    get diagnostics erased = row_count;
    return erased;
end $$;
-- +goose StatementEnd
revoke all on function erasable_tables(), erase_batch(text, integer), erase_jobs(uuid, integer) from public;
grant execute on function erasable_tables(), erase_batch(text, integer), erase_jobs(uuid, integer) to palisade_system;

-- Whoever joins an organisation waits for its deletion and finds it gone, and the other way round: no organisation that is
-- being deleted has a member, whichever way people are let in.
-- +goose StatementBegin
create function joined_tenant_is_there() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
    perform from public.tenants t where t.id = new.tenant_id and t.deleted_at is null for share;
    if not found then
        raise exception 'the tenant is gone' using errcode = 'foreign_key_violation', constraint = 'memberships_tenant_is_there';
    end if;
    return new;
end $$;
-- +goose StatementEnd
create trigger tenant_is_there before insert on memberships for each row execute function joined_tenant_is_there();

-- Deleting a person looks here for what names them; without these it would read the tables from end to end.
create index invitations_inviter on invitations (inviter_id);
create index spent_refresh_tokens_user on spent_refresh_tokens (user_id);

-- +goose Down
drop index spent_refresh_tokens_user;
drop index invitations_inviter;
drop trigger tenant_is_there on memberships;
drop function joined_tenant_is_there();
drop function erase_jobs(uuid, integer);
drop function erase_batch(text, integer);
drop function erasable_tables();
-- +goose StatementBegin
do $$
declare
    target regclass;
begin
    for target in select polrelid from pg_policy where polname = 'deletion' loop
        execute format('drop policy deletion on %s', target);
        execute format('drop policy removed_in_deletion on %s', target);
        if target <> 'public.tenants'::regclass then
            execute format('revoke select (tenant_id, ctid), delete on %s from palisade_system', target);
        end if;
    end loop;
end $$;
-- +goose StatementEnd
drop procedure wall.admit_deletion(regclass);
revoke update (deleted_at), delete on tenants from palisade_system;
drop policy looked_for on tenants;
alter table tenants drop column deleted_at;
