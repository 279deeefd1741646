-- Filters that leave few findings: which checks and regions they are in is counted, and from there an index leads to them.

-- +goose Up
create index findings_place on findings (tenant_id, scan_id, check_id, region);
drop index findings_check;
create index resources_name on resources (tenant_id, name);

-- +goose Down
drop index resources_name;
create index findings_check on findings (tenant_id, scan_id, check_id);
drop index findings_place;
