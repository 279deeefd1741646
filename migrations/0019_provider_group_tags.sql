-- Tags of provider groups, for people to say what a group is and for policy to speak of. And the system scope policy: whoever
-- compares policies on the machine needs to know which organisations there are; everything else is read inside each.

-- +goose Up
create table provider_group_tags (
    tenant_id uuid not null,
    provider_group_id uuid not null,
    tag text not null check (char_length(tag) between 1 and 100),
    primary key (tenant_id, provider_group_id, tag),
    foreign key (tenant_id, provider_group_id) references provider_groups (tenant_id, id) on delete cascade
);
call wall.protect('provider_group_tags');
grant select, insert, delete on provider_group_tags to palisade_app;

drop policy system_scope on tenants;
call wall.admit_system('tenants', 'self', 'sign_up', 'policy');

-- +goose Down
drop policy system_scope on tenants;
call wall.admit_system('tenants', 'self', 'sign_up');
drop table provider_group_tags;
