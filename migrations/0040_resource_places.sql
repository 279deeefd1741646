-- Resources by where they are: lists that are filtered by service, region or type count along it, and see in it whose they are.

-- +goose Up
create index resources_place on resources (tenant_id, service, region, type) include (provider_id, updated_at);

-- +goose Down
drop index resources_place;
