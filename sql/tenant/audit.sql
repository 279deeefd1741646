-- name: AppendAuditEvents :exec
-- Purpose: events at the end of the tenant's chain, in this order; the database numbers, links and seals them. Zero ids, empty
-- texts and status 0 mean none.
-- Index: audit_events_pkey.
insert into audit_events (tenant_id, id, kind, decision_id, operation, allowed, write, reason, rule, policy_revision, user_id,
    credential, api_key_id, api_key_prefix, request_id, client_address, target_id, status)
select @tenant_id::uuid, e.id, e.kind, nullif(e.decision_id, '00000000-0000-0000-0000-000000000000'), e.operation, e.allowed, e.write,
    e.reason, e.rule, e.policy_revision, e.user_id, e.credential, nullif(e.api_key_id, '00000000-0000-0000-0000-000000000000'),
    nullif(e.api_key_prefix, ''), e.request_id, e.client_address, nullif(e.target_id, ''), nullif(e.status, 0)
from (
    select generate_subscripts(@ids::uuid[], 1) as n, unnest(@ids::uuid[]) as id, unnest(@kinds::text[]) as kind,
        unnest(@decision_ids::uuid[]) as decision_id, unnest(@operations::text[]) as operation, unnest(@allowed::boolean[]) as allowed,
        unnest(@writes::boolean[]) as write, unnest(@reasons::text[]) as reason, unnest(@rules::text[]) as rule,
        unnest(@policy_revisions::text[]) as policy_revision, unnest(@user_ids::uuid[]) as user_id,
        unnest(@credentials::text[]) as credential, unnest(@api_key_ids::uuid[]) as api_key_id,
        unnest(@api_key_prefixes::text[]) as api_key_prefix, unnest(@request_ids::text[]) as request_id,
        unnest(@client_addresses::text[]) as client_address, unnest(@target_ids::text[]) as target_id, unnest(@statuses::smallint[]) as status
) e order by e.n;

-- name: ListAuditEvents :many
-- Purpose: a page of the tenant's log. What a path named may belong to a provider that policy hides, so it is shown to those
-- alone who see every provider.
-- Index: audit_events_pkey, audit_events_tenant_id_id_key, audit_events_inserted, audit_events_user, audit_events_operation, audit_events_request, audit_events_denied, audit_events_api_key.
select e.seq, e.id, e.inserted_at, e.kind, e.decision_id, e.operation, e.allowed, e.write, e.reason, e.rule, e.policy_revision,
    e.user_id, e.credential, e.api_key_id, e.api_key_prefix, e.request_id, e.client_address,
    coalesce(case when (select current_setting('app.visible_providers', true)) = '*' then e.target_id end, '')::text as target_id,
    e.status, e.previous_hash, e.hash,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from audit_events e
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ e.seq desc /* TEMPLATE_END */
limit @page_size;

-- name: ReadAuditChain :many
-- Purpose: a stretch of the tenant's chain as it is stored, for verification.
-- Index: audit_events_pkey.
select * from audit_events where seq > @after_seq order by seq limit @batch;
