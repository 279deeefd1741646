-- Schedules say when they are due by the clock of a time zone, and a provider has one at most: it is known by the provider's id.
-- What was scheduled every 24 hours is daily from now on, at the same time.

-- +goose Up
alter table schedules
    add column frequency text not null default 'daily' check (frequency in ('interval', 'daily', 'weekly', 'monthly')),
    add column hour smallint check (hour between 0 and 23),
    add column minute smallint not null default 0 check (minute between 0 and 59),
    add column weekdays smallint[] check (weekdays <@ '{0,1,2,3,4,5,6}'),
    add column month_day smallint check (month_day between 1 and 31),
    add column time_zone text not null default 'UTC' check (char_length(time_zone) between 1 and 64),
    add column starts_at timestamptz,
    alter column every_hours drop not null,
    alter column every_hours drop default;
alter table schedules no force row level security;
update schedules set id = provider_id, every_hours = null, hour = extract(hour from next_run_at at time zone 'UTC')::smallint,
    minute = extract(minute from next_run_at at time zone 'UTC')::smallint;
alter table schedules force row level security;
comment on column schedules.id is 'The id of the provider.';
comment on column schedules.every_hours is 'Of an interval, which is due at starts_at and every so many hours from then on.';
comment on column schedules.hour is 'With minute by the clock of time_zone; of an interval, whose starts_at was made of it, null when nobody asked for a time.';
comment on column schedules.weekdays is 'Of a weekly schedule: 0 is Sunday.';
comment on column schedules.month_day is 'Of a monthly schedule; a month that is shorter counts with its last day.';
comment on column schedules.next_run_at is 'Of no meaning while the schedule is not enabled.';

-- +goose Down
alter table schedules no force row level security;
update schedules set every_hours = 24 where every_hours is null;
alter table schedules force row level security;
alter table schedules
    alter column every_hours set default 24,
    alter column every_hours set not null,
    drop column starts_at,
    drop column time_zone,
    drop column month_day,
    drop column weekdays,
    drop column minute,
    drop column hour,
    drop column frequency;
