-- Purpose: which resource each of them is about. $1 tenant, $2 provider, $3 findings, $4 resources.
insert into resource_finding_mappings (tenant_id, provider_id, finding_id, resource_id)
select $1::uuid, $2::uuid, unnest($3::uuid[]), unnest($4::uuid[])
