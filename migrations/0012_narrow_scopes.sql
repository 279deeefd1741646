-- Scopes reach the tables that their queries read and write, and no other: logging in, checking a session and accepting an
-- invitation have no business with the organisations themselves.

-- +goose Up
drop policy system_scope on tenants;
call wall.admit_system('tenants', 'self', 'sign_up');
drop policy system_scope on roles;
call wall.admit_system('roles', 'session', 'self', 'sign_up');
drop policy system_scope on spent_refresh_tokens;
call wall.admit_system('spent_refresh_tokens', 'session');

-- +goose Down
drop policy system_scope on spent_refresh_tokens;
call wall.admit_system('spent_refresh_tokens', 'login', 'session');
drop policy system_scope on roles;
call wall.admit_system('roles', 'session', 'self', 'sign_up', 'invitation');
drop policy system_scope on tenants;
call wall.admit_system('tenants', 'login', 'session', 'self', 'sign_up', 'invitation');
