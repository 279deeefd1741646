-- Purpose: the ids of some findings ($1: how many) of the newest completed scan, spread over all of them.
select f.id from findings f
where f.scan_id = (select s.id from scans s where s.state = 'completed' order by s.inserted_at desc limit 1)
order by f.uid_hash limit $1
