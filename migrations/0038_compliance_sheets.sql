-- What a scan says about all frameworks in all regions together, in one row: the newest scans of many providers are put together from
-- it, bit by bit, where scan_compliance has a row for each framework.

-- +goose Up
create table scan_compliance_sheets (
    tenant_id uuid not null,
    provider_id uuid not null,
    scan_id uuid not null,
    layout_id uuid not null,
    compliance_ids text[] not null,
    revision_ids uuid[] not null,
    lengths integer[] not null,
    failures bit varying not null,
    primary key (tenant_id, scan_id),
    foreign key (tenant_id, provider_id, scan_id) references scans (tenant_id, provider_id, id) on delete cascade
);
comment on table scan_compliance_sheets is 'The rows of scan_compliance without a region, one behind the other in the order of compliance_ids.';
comment on column scan_compliance_sheets.layout_id is 'Digest of compliance_ids and revision_ids: the bits of sheets with the same layout mean the same.';
comment on column scan_compliance_sheets.lengths is 'How many of the bits are about each framework.';

-- The scans that are put together have theirs from the first moment on; the others when they are counted again.
alter table scan_compliance no force row level security;
alter table scans no force row level security;
alter table providers no force row level security;
with newest as materialized (
    select s.tenant_id, s.id from providers p cross join lateral (
        select x.tenant_id, x.id from scans x where x.tenant_id = p.tenant_id and x.provider_id = p.id and x.state = 'completed'
        order by x.inserted_at desc, x.id desc limit 1
    ) s
)
insert into scan_compliance_sheets (tenant_id, provider_id, scan_id, layout_id, compliance_ids, revision_ids, lengths, failures)
select c.tenant_id, c.provider_id, c.scan_id,
    md5(string_agg(c.compliance_id || ' ' || c.revision_id, E'\n' order by c.compliance_id collate "C"))::uuid,
    array_agg(c.compliance_id order by c.compliance_id collate "C"), array_agg(c.revision_id order by c.compliance_id collate "C"),
    array_agg(length(c.failures) order by c.compliance_id collate "C"),
    string_agg(c.failures::text, '' order by c.compliance_id collate "C")::bit varying
from newest n join scan_compliance c on c.tenant_id = n.tenant_id and c.scan_id = n.id and c.region = ''
group by c.tenant_id, c.provider_id, c.scan_id;
alter table scan_compliance force row level security;
alter table scans force row level security;
alter table providers force row level security;

call wall.protect('scan_compliance_sheets');
call wall.protect_provider('scan_compliance_sheets');
call wall.admit_deletion('scan_compliance_sheets');
grant select, insert, delete on scan_compliance_sheets to palisade_app;

-- +goose Down
drop table scan_compliance_sheets;
