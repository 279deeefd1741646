-- Purpose: take the lock under which migrations run, if it is free. Session level: released by unlock.sql or with the
-- connection. Tried again and again rather than waited for, because a waiting statement holds a snapshot that would
-- block "create index concurrently" in the migration it waits for. $1 key.
select pg_try_advisory_lock($1)
