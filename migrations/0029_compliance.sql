-- Compliance: what scans say about the frameworks of their provider type. A framework changes from one version of the engine to
-- the next, so results hang off the revision that they were counted with, and no later import changes what they mean.

-- +goose Up
-- Every content that a framework ever had, as far as results depend on it; written with an import and never changed or removed.
create table catalogue_framework_revisions (
    id uuid primary key,
    provider text not null,
    framework_id text not null,
    framework text not null,
    name text not null,
    version text not null,
    requirements jsonb not null
);
comment on table catalogue_framework_revisions is 'Contents of frameworks by their digest. requirements is a list of {id, description, checks} in the order of their results.';
alter table catalogue_framework_revisions enable row level security;
alter table catalogue_framework_revisions force row level security;
create policy readable on catalogue_framework_revisions for select to palisade_app using (true);
grant select on catalogue_framework_revisions to palisade_app;
call wall.admit_system('catalogue_framework_revisions', 'catalogue');
grant select, insert on catalogue_framework_revisions to palisade_system;

alter table catalogue_frameworks add column revision_id uuid;
comment on column catalogue_frameworks.revision_id is 'The revision that the content is; null only within an import.';

-- keep_framework_revisions stores the contents that are not stored yet. It runs as its caller: the wall decides what that may write.
-- A requirement that stands twice is the last of its name, in the place of the first.
create function keep_framework_revisions() returns void language sql set search_path = pg_catalog, public as $$
    with listed as materialized (
        select f.provider, f.framework_id, n.number, n.requirement, n.requirement ->> 'id' as id
        from catalogue_frameworks f cross join lateral jsonb_array_elements(
            case jsonb_typeof(f.content -> 'requirements') when 'array' then f.content -> 'requirements' else '[]' end
        ) with ordinality n(requirement, number)
        where f.revision_id is null
    ), single as (
        select provider, framework_id, id, min(number) as number,
            (array_agg(requirement order by number desc))[1] as requirement
        from listed group by provider, framework_id, id
    ), contents as (
        select provider, framework_id, jsonb_agg(jsonb_build_object('id', coalesce(id, ''),
            'description', coalesce(requirement ->> 'description', ''),
            'checks', case jsonb_typeof(requirement -> 'checks') when 'array' then requirement -> 'checks' else '[]' end) order by number) as requirements
        from single group by provider, framework_id
    ), digested as materialized (
        select f.provider, f.framework_id, coalesce(f.content ->> 'framework', '') as framework, coalesce(f.content ->> 'name', '') as name,
            coalesce(f.content ->> 'version', '') as version, coalesce(c.requirements, '[]') as requirements,
            md5(jsonb_build_array(f.provider, f.framework_id, f.content -> 'framework', f.content -> 'name', f.content -> 'version',
                c.requirements)::text)::uuid as id
        from catalogue_frameworks f left join contents c on c.provider = f.provider and c.framework_id = f.framework_id
        where f.revision_id is null
    ), kept as (
        insert into catalogue_framework_revisions (id, provider, framework_id, framework, name, version, requirements)
        select id, provider, framework_id, framework, name, version, requirements from digested
        on conflict (id) do nothing
    )
    update catalogue_frameworks f set revision_id = d.id from digested d where f.provider = d.provider and f.framework_id = d.framework_id
$$;
revoke all on function keep_framework_revisions() from public;
grant execute on function keep_framework_revisions() to palisade_system;

-- What a scan says about a framework, in a region or, where region is empty, in all of them together.
create table scan_compliance (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    region text not null,
    compliance_id text not null,
    revision_id uuid not null,
    passed integer not null,
    failed integer not null,
    manual integer not null,
    failures bit varying not null,
    primary key (tenant_id, scan_id, region, compliance_id),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);
comment on column scan_compliance.failures is 'One bit for each requirement of the revision: whether it failed.';
call wall.protect('scan_compliance');
call wall.protect_provider('scan_compliance');
call wall.admit_deletion('scan_compliance');
grant select, insert, delete on scan_compliance to palisade_app;

-- The frameworks that are there already; force applies to the owner too.
alter table catalogue_frameworks no force row level security;
alter table catalogue_framework_revisions no force row level security;
select keep_framework_revisions();
alter table catalogue_frameworks force row level security;
alter table catalogue_framework_revisions force row level security;

-- +goose Down
drop table scan_compliance;
drop function keep_framework_revisions();
alter table catalogue_frameworks drop column revision_id;
drop table catalogue_framework_revisions;
