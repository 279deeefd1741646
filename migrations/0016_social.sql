-- Logging in through Google or GitHub: which account there is which person here, and whether a person's address is known to
-- be theirs. Both span organisations, as people do.

-- +goose Up
create table social_accounts (
    provider text not null check (provider in ('google', 'github')),
    subject text not null check (char_length(subject) between 1 and 255),
    user_id uuid not null references users (id) on delete cascade,
    inserted_at timestamptz not null default now(),
    primary key (provider, subject),
    unique (user_id, provider)
);
comment on column social_accounts.subject is 'The provider''s own id of the account: it stays when the address changes.';

-- An account is linked by its address only when the address is known to belong to the person on both sides.
alter table users add column email_verified boolean not null default false;
comment on column users.email_verified is 'A provider vouched for the address when the person signed up, and it has not changed since.';

alter table social_accounts enable row level security;
alter table social_accounts force row level security;
call wall.admit_system('social_accounts', 'sign_up');
grant select, insert on social_accounts to palisade_system;
grant update (email_verified) on users to palisade_system;

-- +goose Down
revoke update (email_verified) on users from palisade_system;
alter table users drop column email_verified;
drop table social_accounts;
