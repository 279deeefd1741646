-- Files that were handed in.

-- name: CreateIngestion :exec
-- Purpose: a file whose upload begins.
-- Index: ingestions_pkey.
insert into ingestions (tenant_id, id, filename) values (@tenant_id, @id, @filename);

-- name: DeleteStaleUploads :execrows
-- Purpose: uploads that a process left behind when it was killed: nobody sends a file for a day.
-- Index: ingestions_inserted.
delete from ingestions where state = 'uploading' and inserted_at < now() - interval '1 day';

-- name: AddIngestionChunk :exec
-- Purpose: one piece of the file, compressed.
-- Index: ingestion_chunks_pkey.
insert into ingestion_chunks (tenant_id, ingestion_id, number, content) values (@tenant_id, @ingestion_id, @number, @content);

-- name: GetIngestionChunk :one
-- Purpose: the piece with that number.
-- Index: ingestion_chunks_pkey.
select content from ingestion_chunks where ingestion_id = @ingestion_id and number = @number;

-- name: FindProviderByAccount :one
-- Purpose: the visible provider whose account a file is about. Owners and domains of some types have no case.
-- Index: providers_account.
select p.id from providers p
where p.provider = @provider and p.deleted_at is null
    and (p.uid = @uid or p.provider in ('github', 'm365', 'okta') and lower(p.uid) = lower(@uid))
order by p.uid = @uid desc limit 1;

-- name: QueueIngestion :exec
-- Purpose: the upload is complete and its provider known; work may begin.
-- Index: ingestions_pkey.
update ingestions set state = 'pending', provider_id = @provider_id::uuid, bytes = @bytes, task_id = @task_id::uuid, updated_at = now()
where id = @id and state = 'uploading';

-- name: GetIngestionForWork :one
-- Purpose: what the job needs to know; the row is locked so that two attempts do not run at once.
-- Index: ingestions_pkey, providers_pkey.
select i.id, i.state, i.provider_id, i.scan_id, i.bytes, p.provider, p.uid
from ingestions i join providers p on p.id = i.provider_id and p.deleted_at is null
where i.id = @id for update of i;

-- name: StartIngestion :exec
-- Purpose: the job has begun, for the scan with that id; what an earlier attempt counted is forgotten.
-- Index: ingestions_pkey.
update ingestions set state = 'processing', scan_id = @scan_id::uuid, findings_count = 0, errors_count = 0, updated_at = now()
where id = @id;

-- name: FinishIngestion :exec
-- Purpose: the outcome of the job.
-- Index: ingestions_pkey.
update ingestions set state = @state, findings_count = @findings_count, errors_count = @errors_count, completed_at = now(),
    updated_at = now()
where id = @id;

-- name: DeleteIngestionChunks :exec
-- Purpose: the file is not needed any more.
-- Index: ingestion_chunks_pkey.
delete from ingestion_chunks where ingestion_id = @ingestion_id;

-- name: DeleteIngestion :exec
-- Purpose: an upload that was refused leaves nothing behind.
-- Index: ingestions_pkey.
delete from ingestions where id = @id and state = 'uploading';

-- name: DeleteIngestionErrors :exec
-- Purpose: forget the errors of an earlier attempt.
-- Index: ingestion_errors_pkey.
delete from ingestion_errors where ingestion_id = @ingestion_id;

-- name: AddIngestionErrors :exec
-- Purpose: what could not be stored, in the order of the file.
-- Index: ingestion_errors_pkey.
insert into ingestion_errors (tenant_id, ingestion_id, provider_id, number, code, detail, finding_index, finding_uid)
select @tenant_id::uuid, @ingestion_id::uuid, @provider_id::uuid, unnest(@numbers::bigint[]), unnest(@codes::text[]),
    unnest(@details::text[]), nullif(unnest(@indexes::bigint[]), -1), nullif(unnest(@uids::text[]), '');

-- name: CreateIngestionScan :exec
-- Purpose: the scan that a file's findings belong to, executing from the start.
-- Index: scans_pkey.
insert into scans (tenant_id, id, provider_id, name, trigger, state, started_at)
values (@tenant_id, @id, @provider_id, @name, 'manual', 'executing', now());

-- name: RestartIngestionScan :execrows
-- Purpose: begin again after an attempt that did not end.
-- Index: scans_pkey.
update scans set state = 'executing', started_at = now(), progress = 0, updated_at = now()
where id = @id and state = 'executing';

-- name: AdvanceScan :exec
-- Purpose: the progress of a running scan, which never goes back.
-- Index: scans_pkey.
update scans set progress = greatest(progress, @progress::integer), updated_at = now()
where id = @id and state = 'executing' and progress < @progress::integer;

-- name: FailIngestionScan :exec
-- Purpose: a scan whose file could not be read to its end.
-- Index: scans_pkey.
update scans set state = 'failed', progress = 0, completed_at = now(), updated_at = now(),
    duration = extract(epoch from now() - coalesce(started_at, now()))::integer
where id = @id and state = 'executing';

-- name: ProviderBusy :one
-- Purpose: whether another scan of the provider runs, or a file that was handed in earlier waits to become one: files become
-- scans in their order. The provider's row is locked first, so that two cannot start at once.
-- Index: scans_active, ingestions_waiting.
select (exists (
    select from scans s where s.provider_id = @provider_id and s.state = 'executing'
) or exists (
    select from ingestions i where i.provider_id = @provider_id::uuid and i.state = 'pending' and i.id < @ingestion_id
))::boolean as busy;

-- name: ListIngestions :many
-- Purpose: a page of the files that were handed in. Uploads that are under way are not listed, nor what is about a provider that
-- is being deleted.
-- Index: ingestions_inserted, providers_pkey.
select i.id, i.state, i.filename, i.bytes, i.findings_count, i.errors_count, i.inserted_at, i.updated_at, i.completed_at,
    i.provider_id, i.scan_id, i.task_id,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from ingestions i
where i.state <> 'uploading' and not exists (
        select from providers p where p.tenant_id = i.tenant_id and p.id = i.provider_id and p.deleted_at is not null
    ) and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ i.inserted_at desc, i.id desc /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountIngestions :one
-- Purpose: how many files ListIngestions pages over.
-- Index: ingestions_inserted, providers_pkey.
select count(*) from ingestions i
where i.state <> 'uploading' and not exists (
        select from providers p where p.tenant_id = i.tenant_id and p.id = i.provider_id and p.deleted_at is not null
    ) and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: ListIngestionErrors :many
-- Purpose: a page of what could not be stored of a file.
-- Index: ingestion_errors_pkey.
select e.number, e.code, e.detail, e.finding_index, e.finding_uid,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from ingestion_errors e
where e.ingestion_id = @ingestion_id and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by e.number limit @page_size offset @page_offset;

-- name: CountIngestionErrors :one
-- Purpose: how many errors ListIngestionErrors pages over.
-- Index: ingestion_errors_pkey.
select count(*) from ingestion_errors e where e.ingestion_id = @ingestion_id;

-- name: GetIngestion :one
-- Purpose: one file that was handed in, unless it is about a provider that is being deleted.
-- Index: ingestions_pkey, providers_pkey.
select i.id, i.state, i.filename, i.bytes, i.findings_count, i.errors_count, i.inserted_at, i.updated_at, i.completed_at,
    i.provider_id, i.scan_id, i.task_id
from ingestions i where i.id = @id and i.state <> 'uploading' and not exists (
        select from providers p where p.tenant_id = i.tenant_id and p.id = i.provider_id and p.deleted_at is not null
    );
