-- Compliance frameworks that a tenant writes itself, and those that it watches.

-- name: ListComplianceFrameworks :many
-- Purpose: a page of the tenant's own frameworks as they are now, without their requirements.
-- Index: compliance_frameworks_pkey, compliance_framework_revisions_pkey.
select w.id, w.compliance_id, w.provider, w.description, r.framework, r.name, r.version, jsonb_array_length(r.requirements) as requirements_count,
    w.inserted_at, w.updated_at, /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from compliance_frameworks w join compliance_framework_revisions r on r.id = w.revision_id
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ w.inserted_at desc, w.id desc /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountComplianceFrameworks :one
-- Purpose: how many frameworks ListComplianceFrameworks pages over.
-- Index: compliance_frameworks_pkey, compliance_framework_revisions_pkey.
select count(*) from compliance_frameworks w join compliance_framework_revisions r on r.id = w.revision_id
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: GetComplianceFramework :one
-- Purpose: one of the tenant's own frameworks as it is now.
-- Index: compliance_frameworks_pkey, compliance_framework_revisions_pkey.
select w.id, w.compliance_id, w.provider, w.description, w.revision_id, r.framework, r.name, r.version, r.requirements, w.inserted_at, w.updated_at
from compliance_frameworks w join compliance_framework_revisions r on r.id = w.revision_id
where w.id = @id;

-- name: FindComplianceFrameworks :many
-- Purpose: the provider type and the content, by its id alone, of the framework that results carry this id of.
-- Index: compliance_frameworks_tenant_id_compliance_id_key.
select w.provider, w.id, w.revision_id from compliance_frameworks w where w.compliance_id = @compliance_id;

-- name: LockComplianceFrameworks :exec
-- Purpose: those who change the tenant's frameworks do so one after the other.
-- Index: none.
select pg_advisory_xact_lock(hashtextextended('compliance frameworks ' || (@tenant_id::uuid)::text, 0));

-- name: ComplianceIDTaken :one
-- Purpose: whether a framework of the tenant has that id.
-- Index: compliance_frameworks_tenant_id_compliance_id_key.
select exists (select from compliance_frameworks where compliance_id = @compliance_id);

-- name: CreateComplianceFramework :exec
-- Purpose: a new framework. An id that is taken violates compliance_frameworks_tenant_id_compliance_id_key.
-- Index: compliance_frameworks_pkey.
insert into compliance_frameworks (tenant_id, id, compliance_id, provider, description, revision_id)
values (@tenant_id, @id, @compliance_id, @provider, @description, @revision_id);

-- name: AddComplianceRevision :exec
-- Purpose: a new content of a framework. Older ones stay: scans were held against them.
-- Index: compliance_framework_revisions_pkey.
insert into compliance_framework_revisions (tenant_id, id, framework_id, framework, name, version, requirements)
values (@tenant_id, @id, @framework_id, @framework, @name, @version, @requirements);

-- name: UpdateComplianceFramework :execrows
-- Purpose: have scans held against another content from now on.
-- Index: compliance_frameworks_pkey.
update compliance_frameworks set description = @description, revision_id = @revision_id, updated_at = now() where id = @id;

-- name: DeleteComplianceFramework :one
-- Purpose: remove a framework with all its contents.
-- Index: compliance_frameworks_pkey, compliance_framework_revisions_framework.
delete from compliance_frameworks where id = @id returning compliance_id;

-- name: KnownChecks :many
-- Purpose: which of some checks a provider type has; an empty answer to no question about checks tells nothing.
-- Index: catalogue_checks_pkey.
select k.check_id from catalogue_checks k where k.provider = @provider and k.check_id = any(@check_ids::text[]);

-- name: ListScansToHold :many
-- Purpose: the newest completed scan of each provider of a type.
-- Index: providers_account, scans_latest.
select s.id, p.id as provider_id from providers p cross join lateral (
    select x.id from scans x where x.tenant_id = p.tenant_id and x.provider_id = p.id and x.state = 'completed'
    order by x.inserted_at desc, x.id desc limit 1
) s
where p.deleted_at is null and p.provider = @provider order by s.id;

-- name: ListScansBehind :many
-- Purpose: some scans in the order of their ids, behind a given one.
-- Index: scans_pkey.
select s.id from scans s where s.id > @after_id and s.state = 'completed' order by s.id limit @batch;

-- name: DropLostCompliance :exec
-- Purpose: remove what some scans say about a framework of the tenant whose contents are gone.
-- Index: scan_compliance_pkey, compliance_framework_revisions_pkey.
delete from scan_compliance c where c.scan_id = any(@scan_ids::uuid[]) and c.compliance_id = @compliance_id
    and not exists (select from compliance_framework_revisions r where r.id = c.revision_id);

-- name: ListWatchedFrameworks :many
-- Purpose: the frameworks that the tenant watches.
-- Index: compliance_watchlist_pkey.
select w.compliance_id from compliance_watchlist w order by w.compliance_id;

-- name: ListUnknownFrameworks :many
-- Purpose: which of some ids no framework has, of the catalogue or the tenant's own.
-- Index: compliance_frameworks_tenant_id_compliance_id_key; catalogue_frameworks is small.
select n.id::text from (select unnest(@compliance_ids::text[]) as id) n
where not exists (select from catalogue_frameworks f where f.framework_id = n.id)
    and not exists (select from compliance_frameworks w where w.compliance_id = n.id);

-- name: ClearWatchlist :exec
-- Purpose: make room for another watchlist.
-- Index: compliance_watchlist_pkey.
delete from compliance_watchlist;

-- name: FillWatchlist :exec
-- Purpose: watch frameworks.
-- Index: compliance_watchlist_pkey.
insert into compliance_watchlist (tenant_id, compliance_id) select @tenant_id, unnest(@compliance_ids::text[]);
