-- Purpose: whether text sorts by code point in this database, and what it sorts by.
select d.datcollate,
    to_jsonb(d) ->> 'datlocprovider' = 'b' -- the built-in provider knows no other order
    or d.datlocprovider = 'c' and upper(replace(d.datcollate, '-', '')) in ('C', 'POSIX', 'C.UTF8')
from pg_database d
where d.datname = current_database()
