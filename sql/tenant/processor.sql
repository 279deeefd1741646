-- name: ListProcessors :many
-- Purpose: a page of the tenant's processors.
-- Index: processors_pkey.
select p.id, p.processor_type, p.configuration, p.inserted_at, p.updated_at,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from processors p
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ p.processor_type, p.inserted_at desc, p.id desc /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountProcessors :one
-- Purpose: how many processors ListProcessors pages over.
-- Index: processors_pkey.
select count(*) from processors p where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: ProcessorConfiguration :one
-- Purpose: what the tenant's processor of a type is told to do; no row: there is none.
-- Index: processors_tenant_id_processor_type_key.
select p.configuration from processors p where p.processor_type = @processor_type;

-- name: CreateProcessor :exec
-- Purpose: a new processor. A second one of a type violates processors_tenant_id_processor_type_key.
-- Index: processors_pkey.
insert into processors (tenant_id, id, processor_type, configuration) values (@tenant_id, @id, @processor_type, @configuration);

-- name: ConfigureProcessor :exec
-- Purpose: tell a processor what to do from now on.
-- Index: processors_pkey.
update processors set configuration = @configuration, updated_at = now() where id = @id;

-- name: DeleteProcessor :exec
-- Purpose: remove a processor.
-- Index: processors_pkey.
delete from processors where id = @id;
