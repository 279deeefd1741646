-- Purpose: rows of findings and nothing else: no history, no delta. $1 tenant, $2 provider, $3 scan, then arrays.
insert into findings (tenant_id, provider_id, scan_id, id, check_metadata_id, uid_hash, inserted_at, updated_at, first_seen_at,
    muted, status, severity, delta, uid, check_id, status_extended, region, service, resource_type, resource_group, resource_id)
select $1::uuid, $2::uuid, $3::uuid, b.id, b.check_metadata_id, b.uid_hash, b.inserted_at, b.inserted_at, b.inserted_at,
    b.muted, b.status, b.severity, b.delta, b.uid, b.check_id, b.status_extended, b.region, b.service, b.resource_type, b.resource_group,
    b.resource_id
from (
    select unnest($4::uuid[]) as id, unnest($5::uuid[]) as check_metadata_id, unnest($6::bigint[]) as uid_hash,
        unnest($7::timestamptz[]) as inserted_at, unnest($8::boolean[]) as muted, unnest($9::text[]) as status,
        unnest($10::text[]) as severity, unnest($11::text[]) as delta, unnest($12::text[]) as uid, unnest($13::text[]) as check_id,
        unnest($14::text[]) as status_extended, unnest($15::text[]) as region, unnest($16::text[]) as service,
        unnest($17::text[]) as resource_type, unnest($18::text[]) as resource_group, unnest($19::uuid[]) as resource_id
) b
