-- Purpose: what the newest completed scan offers to be asked for: its findings, one of them with its resource, and the day; and how
-- many scans have completed. One row, none while no scan has completed.
select n.id, n.findings, n.scans, f.id, f.uid, f.check_id, f.resource_id, to_char(f.inserted_at at time zone 'UTC', 'YYYY-MM-DD')
from (
    select s.id, (select count(*) from findings x where x.scan_id = s.id) as findings,
        (select count(*) from scans x where x.state = 'completed') as scans
    from scans s where s.state = 'completed' order by s.inserted_at desc limit 1
) n
join lateral (select x.* from findings x where x.scan_id = n.id order by x.uid_hash limit 1) f on true
