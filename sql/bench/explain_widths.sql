-- Purpose: how many rows the tables have, partitions with their parents. Run by a superuser.
select regexp_replace(c.relname, '_\d{4}_\d{2}$', ''), sum(greatest(c.reltuples, 0))::bigint from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' group by 1
