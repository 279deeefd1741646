-- What overviews read of a scan: its summaries added up, over all regions together and by region, and the same by service. And the
-- frameworks that ThreatScores are taken by, kept like the revisions of compliance: a score that is taken again is by the framework
-- that it was taken by before, whatever was imported since.

-- +goose Up
create table scan_figures (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    everywhere boolean not null,
    region text not null,
    pass integer not null,
    fail integer not null,
    muted integer not null,
    total integer not null,
    new integer not null,
    changed integer not null,
    unchanged integer not null,
    fail_new integer not null,
    fail_changed integer not null,
    pass_new integer not null,
    pass_changed integer not null,
    muted_new integer not null,
    muted_changed integer not null,
    fail_by_severity integer[] not null,
    pass_by_severity integer[] not null,
    inserted_at timestamptz not null default now(),
    primary key (tenant_id, scan_id, everywhere, region),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);
comment on table scan_figures is 'The sums of scan_summaries: one row a scan for all regions together (everywhere), and one for each region of its resources.';
comment on column scan_figures.fail_by_severity is 'Failures that are not muted: critical, high, medium, low, informational.';

create table scan_services (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    everywhere boolean not null,
    region text not null,
    service text not null,
    pass integer not null,
    fail integer not null,
    muted integer not null,
    total integer not null,
    inserted_at timestamptz not null default now(),
    primary key (tenant_id, scan_id, everywhere, region, service),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);
comment on table scan_services is 'The same for each service of the resources.';

-- The scans that overviews are about have theirs from the first moment on; the others when they are counted again.
alter table scan_summaries no force row level security;
alter table scans no force row level security;
alter table providers no force row level security;
insert into scan_figures (tenant_id, provider_id, scan_id, everywhere, region, pass, fail, muted, total, new, changed, unchanged,
    fail_new, fail_changed, pass_new, pass_changed, muted_new, muted_changed, fail_by_severity, pass_by_severity, inserted_at)
with newest as materialized (
    select s.tenant_id, s.id from providers p cross join lateral (
        select x.tenant_id, x.id from scans x where x.tenant_id = p.tenant_id and x.provider_id = p.id and x.state = 'completed'
        order by x.inserted_at desc, x.id desc limit 1
    ) s
)
select m.tenant_id, m.provider_id, m.scan_id, grouping(m.resource_region) = 1, coalesce(m.resource_region, ''), sum(m.pass), sum(m.fail), sum(m.muted),
    sum(m.total), sum(m.new), sum(m.changed), sum(m.unchanged), sum(m.fail_new), sum(m.fail_changed), sum(m.pass_new),
    sum(m.pass_changed), sum(m.muted_new), sum(m.muted_changed),
    array[coalesce(sum(m.fail) filter (where m.severity = 'critical'), 0), coalesce(sum(m.fail) filter (where m.severity = 'high'), 0),
        coalesce(sum(m.fail) filter (where m.severity = 'medium'), 0), coalesce(sum(m.fail) filter (where m.severity = 'low'), 0),
        coalesce(sum(m.fail) filter (where m.severity = 'informational'), 0)]::integer[],
    array[coalesce(sum(m.pass) filter (where m.severity = 'critical'), 0), coalesce(sum(m.pass) filter (where m.severity = 'high'), 0),
        coalesce(sum(m.pass) filter (where m.severity = 'medium'), 0), coalesce(sum(m.pass) filter (where m.severity = 'low'), 0),
        coalesce(sum(m.pass) filter (where m.severity = 'informational'), 0)]::integer[],
    max(m.inserted_at)
from newest n join scan_summaries m on m.tenant_id = n.tenant_id and m.scan_id = n.id
group by m.tenant_id, m.provider_id, m.scan_id, grouping sets ((), (m.resource_region));
insert into scan_services (tenant_id, provider_id, scan_id, everywhere, region, service, pass, fail, muted, total, inserted_at)
with newest as materialized (
    select s.tenant_id, s.id from providers p cross join lateral (
        select x.tenant_id, x.id from scans x where x.tenant_id = p.tenant_id and x.provider_id = p.id and x.state = 'completed'
        order by x.inserted_at desc, x.id desc limit 1
    ) s
)
select m.tenant_id, m.provider_id, m.scan_id, grouping(m.resource_region) = 1, coalesce(m.resource_region, ''), m.resource_service, sum(m.pass),
    sum(m.fail), sum(m.muted), sum(m.total), max(m.inserted_at)
from newest n join scan_summaries m on m.tenant_id = n.tenant_id and m.scan_id = n.id
group by m.tenant_id, m.provider_id, m.scan_id, grouping sets ((m.resource_service), (m.resource_service, m.resource_region));
alter table scan_summaries force row level security;
alter table scans force row level security;
alter table providers force row level security;

call wall.protect('scan_figures');
call wall.protect_provider('scan_figures');
call wall.admit_deletion('scan_figures');
call wall.protect('scan_services');
call wall.protect_provider('scan_services');
call wall.admit_deletion('scan_services');
grant select, insert, delete on scan_figures, scan_services to palisade_app;

-- Every content that a framework of ThreatScores ever had; written with an import and never changed or removed.
create table threatscore_frameworks (
    id uuid primary key,
    content jsonb not null
);
comment on table threatscore_frameworks is 'Contents by their digest, see threatscore_digest.';
alter table threatscore_frameworks enable row level security;
alter table threatscore_frameworks force row level security;
create policy readable on threatscore_frameworks for select to palisade_app using (true);
grant select on threatscore_frameworks to palisade_app;
call wall.admit_system('threatscore_frameworks', 'catalogue');
grant select, insert on threatscore_frameworks to palisade_system;

create function threatscore_digest(content jsonb) returns uuid language sql immutable set search_path = pg_catalog as $$
    select md5(content::text)::uuid
$$;
revoke all on function threatscore_digest(jsonb) from public;
grant execute on function threatscore_digest(jsonb) to palisade_app, palisade_system;

alter table threatscore_snapshots add column revision_id uuid;
comment on column threatscore_snapshots.revision_id is 'The content that the score was taken by; null for one of an earlier version of the program.';

alter table catalogue_frameworks no force row level security;
alter table threatscore_frameworks no force row level security;
insert into threatscore_frameworks (id, content)
select threatscore_digest(f.content), f.content from catalogue_frameworks f where starts_with(f.framework_id, 'prowler_threatscore_')
on conflict (id) do nothing;
alter table catalogue_frameworks force row level security;
alter table threatscore_frameworks force row level security;

-- +goose Down
alter table threatscore_snapshots drop column revision_id;
drop function threatscore_digest(jsonb);
drop table threatscore_frameworks;
drop table scan_services, scan_figures;
