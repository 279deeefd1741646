-- Deletion of a provider: first what the request does at once, then the batches of the job, which runs until there are no rows.

-- name: ForgetProviderSecrets :execrows
-- Purpose: forget the credentials of a provider that is being deleted.
-- Index: provider_secrets_tenant_id_provider_id_key.
delete from provider_secrets where provider_id = @provider_id;

-- name: ProviderIsGoing :one
-- Purpose: whether there is something left of a provider whose deletion was asked for.
-- Index: providers_pkey.
select exists (select from providers p where p.id = @id and p.deleted_at is not null);

-- name: ListWaitingTasks :many
-- Purpose: some of the tasks about a provider that have not begun, but for the one that asks.
-- Index: tasks_of_provider.
select t.id from tasks t
where t.provider_id = @provider_id and t.state in ('available', 'scheduled') and t.id <> @own_id order by t.id limit @batch;

-- name: CancelWaitingTask :one
-- Purpose: cancel a task that has not begun, whether it has its turn or not. No row: it has begun or ended.
-- Index: tasks_pkey.
update tasks t set state = 'cancelled', completed_at = now(), updated_at = now()
where t.id = @id and t.state in ('available', 'scheduled')
returning t.name, t.task_args;

-- name: ProviderAtWork :one
-- Purpose: whether a job about a provider is at work, but for the one that asks.
-- Index: tasks_of_provider.
select exists (select from tasks t where t.provider_id = @provider_id and t.state = 'executing' and t.id <> @own_id);

-- name: ExpectProviderFindings :one
-- Purpose: about how many findings a provider has, without counting them.
-- Index: scans_tenant_id_provider_id_id_key, scan_summaries_pkey.
select coalesce(sum(c.total), 0)::bigint as findings
from scans s join scan_summaries c on c.tenant_id = s.tenant_id and c.scan_id = s.id where s.provider_id = @provider_id;

-- name: GuideErasure :exec
-- Purpose: have the batches of this transaction go by their indexes: a batch is small however large the tables are.
-- Index: none.
select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true);

-- name: NextProviderScan :one
-- Purpose: a scan of a provider that is being deleted. No row: there is none left.
-- Index: scans_tenant_id_provider_id_id_key.
select s.id from scans s where s.provider_id = @provider_id order by s.id limit 1;

-- name: EraseScanSummaries :one
-- Purpose: remove some aggregate rows of a scan; returns how many they were.
-- Index: the primary keys of the aggregates, which begin with the scan.
select erase_summaries(@scan_id::uuid, @batch::integer)::integer as erased;

-- name: EraseScan :execrows
-- Purpose: remove a scan of a provider that is being deleted; what was added to it meanwhile goes along.
-- Index: scans_pkey, findings_scan, ingestions_provider.
delete from scans where id = @id;

-- name: EraseProviderChunks :execrows
-- Purpose: remove some pieces of the files that were handed in about a provider.
-- Index: ingestions_provider, ingestion_chunks_pkey.
with gone as materialized (
    select c.ingestion_id, c.number from ingestions i join ingestion_chunks c on c.tenant_id = i.tenant_id and c.ingestion_id = i.id
    where i.provider_id = @provider_id limit @batch
)
delete from ingestion_chunks c using gone g where c.ingestion_id = g.ingestion_id and c.number = g.number;

-- name: EraseProviderIngestionErrors :execrows
-- Purpose: remove some notes about what could not be stored of those files.
-- Index: ingestions_provider, ingestion_errors_pkey.
with gone as materialized (
    select e.ingestion_id, e.number from ingestions i join ingestion_errors e on e.tenant_id = i.tenant_id and e.ingestion_id = i.id
    where i.provider_id = @provider_id limit @batch
)
delete from ingestion_errors e using gone g where e.ingestion_id = g.ingestion_id and e.number = g.number;

-- name: EraseProviderIngestions :execrows
-- Purpose: remove some of those files.
-- Index: ingestions_provider, ingestions_pkey.
with gone as materialized (select i.id from ingestions i where i.provider_id = @provider_id limit @batch)
delete from ingestions i using gone g where i.id = g.id;

-- name: EraseProviderMuted :execrows
-- Purpose: remove some of what mute rules hold of a provider's findings.
-- Index: mute_rule_findings_uid, mute_rule_findings_pkey.
with gone as materialized (select m.mute_rule_id, m.number from mute_rule_findings m where m.provider_id = @provider_id limit @batch)
delete from mute_rule_findings m using gone g where m.mute_rule_id = g.mute_rule_id and m.number = g.number;

-- name: EraseProviderResources :execrows
-- Purpose: remove some resources of a provider with their tags and groups.
-- Index: resources_tenant_id_provider_id_uid_key, resources_pkey, resource_tags_pkey, resource_groups_pkey.
with gone as materialized (select r.id from resources r where r.provider_id = @provider_id limit @batch),
tags as (delete from resource_tags t using gone g where t.resource_id = g.id),
names as (delete from resource_groups n using gone g where n.resource_id = g.id)
delete from resources r using gone g where r.id = g.id;

-- name: EraseProvider :execrows
-- Purpose: remove the provider itself, with its memberships in groups and whatever was added to it meanwhile. One that nobody
-- asked to delete stays.
-- Index: providers_pkey.
delete from providers where id = @id and deleted_at is not null;
