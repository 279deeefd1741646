-- What a scan looks at: a provider may have a scope of its own, which is that of its scans unless one is asked for with another.
-- A scan keeps the scope that it was given when it was asked for, or when its schedule was due; null is everything.

-- +goose Up
alter table providers add column scan_scope jsonb check (jsonb_typeof(scan_scope) = 'object');
alter table scans add column scope jsonb check (jsonb_typeof(scope) = 'object');
comment on column providers.scan_scope is 'What the scans of the provider look at: lists of regions, services, checks, ...; null is everything.';
comment on column scans.scope is 'What the scan looks at, as scan_scope of the provider. The numbers on resources that it did not see are left alone.';

-- +goose Down
alter table scans drop column scope;
alter table providers drop column scan_scope;
