-- Purpose: release the lock of try_lock.sql. $1 key.
select pg_advisory_unlock($1)
