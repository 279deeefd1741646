-- What changing and removing people needs beyond 0002: profiles, memberships that end, accounts that close. All of it spans
-- organisations, so it happens in the system scope self, whose queries are bound to one person.

-- +goose Up
grant update (name, email, company_name), delete on users to palisade_system;
grant delete on memberships, roles to palisade_system;
drop policy system_scope on invitation_roles;
call wall.admit_system('invitation_roles', 'self', 'sign_up', 'invitation');

-- +goose Down
revoke update (name, email, company_name), delete on users from palisade_system;
revoke delete on memberships, roles from palisade_system;
drop policy system_scope on invitation_roles;
call wall.admit_system('invitation_roles', 'sign_up', 'invitation');
