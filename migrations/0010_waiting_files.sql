-- The files that wait for their turn, by provider.

-- +goose Up
create index ingestions_waiting on ingestions (tenant_id, provider_id, id) where state = 'pending';

-- +goose Down
drop index ingestions_waiting;
