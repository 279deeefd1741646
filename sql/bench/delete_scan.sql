-- Purpose: remove that scan ($1) and its rows.
delete from scans where id = $1
