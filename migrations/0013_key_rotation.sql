-- Sealing stored credentials again with a new key goes tenant by tenant, inside each; which tenants have any is read in the
-- system scope rotation. It sees that there are credentials and whose, nothing else of them.

-- +goose Up
call wall.admit_system('provider_secrets', 'rotation');
grant select (tenant_id) on provider_secrets to palisade_system;

-- +goose Down
revoke select (tenant_id) on provider_secrets from palisade_system;
drop policy system_scope on provider_secrets;
