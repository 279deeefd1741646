-- Purpose: have commits of the session not wait for the disk.
select set_config('synchronous_commit', 'off', false)
