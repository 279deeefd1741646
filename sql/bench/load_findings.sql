-- Purpose: the rows of the newest completed scan, to insert them once more.
select f.provider_id, f.check_metadata_id, f.uid_hash, f.inserted_at, f.muted, f.status, f.severity, f.delta, f.uid, f.check_id,
    f.status_extended, f.region, f.service, f.resource_type, f.resource_group, f.resource_id
from findings f
where f.scan_id = (select s.id from scans s where s.state = 'completed' order by s.inserted_at desc limit 1)
order by f.id
