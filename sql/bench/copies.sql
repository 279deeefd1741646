-- Purpose: how many copies copy_scans makes ($1).
select set_config('bench.copies', $1, false)
