-- Its second statement fails.

-- +goose Up
create table half_made (id uuid);
create table half_made (id uuid);

-- +goose Down
drop table half_made;
