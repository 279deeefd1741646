-- Rules that mute findings by uid. What is muted is locked in the order of its ids, so that those who mute at the same time,
-- and the scan that completes meanwhile, wait for each other and never in a circle.

-- name: ListMuteRules :many
-- Purpose: a page of the tenant's rules, each with the uids of those providers that the caller sees and that are not being
-- deleted.
-- Index: mute_rules_pkey, mute_rule_findings_pkey, providers_pkey.
select r.id, r.name, r.reason, r.enabled, r.created_by, r.inserted_at, r.updated_at,
    array(
        select m.uid from mute_rule_findings m join providers p on p.id = m.provider_id
        where m.mute_rule_id = r.id and p.deleted_at is null order by m.number
    )::text[] as finding_uids,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from mute_rules r
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ r.inserted_at desc, r.id desc /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountMuteRules :one
-- Purpose: how many rules ListMuteRules pages over.
-- Index: mute_rules_pkey.
select count(*) from mute_rules r where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: MuteRuleNameTaken :one
-- Purpose: whether another rule of the tenant has that name; itself is the rule that wants it, or no rule.
-- Index: mute_rules_tenant_id_name_key.
select exists (select from mute_rules where name = @name and id <> @itself);

-- name: ListFindingsToMute :many
-- Purpose: what the findings of these ids are about; those that are no reader's are missing.
-- Index: findings_pkey, scans_pkey, providers_pkey.
select f.id, f.provider_id, f.uid_hash, f.uid
from findings f
join scans s on s.id = f.scan_id and s.state = 'completed'
join providers p on p.id = f.provider_id and p.deleted_at is null
where f.id = any(@ids::uuid[]);

-- name: LockMuteRules :exec
-- Purpose: those who make rules in a tenant do so one after the other: each sees what the one before mutes.
-- Index: none.
select pg_advisory_xact_lock(hashtextextended('mute rules ' || (@tenant_id::uuid)::text, 0));

-- name: FindMuteOverlap :many
-- Purpose: which of these uids the oldest enabled rule mutes that mutes any of them.
-- Index: mute_rule_findings_uid, mute_rules_pkey.
select r.id, r.name, m.uid
from (
    select unnest(@provider_ids::uuid[]) as provider_id, unnest(@uid_hashes::bigint[]) as uid_hash, unnest(@uids::text[]) as uid
) w
join mute_rule_findings m on m.provider_id = w.provider_id and m.uid_hash = w.uid_hash and m.uid = w.uid
join mute_rules r on r.id = m.mute_rule_id and r.enabled
order by r.inserted_at, r.id, m.uid
limit @most;

-- name: CreateMuteRule :one
-- Purpose: a new rule, enabled. A name that is taken violates mute_rules_tenant_id_name_key, a creator who is no member any
-- more mute_rules_tenant_id_created_by_fkey.
-- Index: mute_rules_pkey.
insert into mute_rules (tenant_id, id, name, reason, created_by) values (@tenant_id, @id, @name, @reason, @created_by)
returning inserted_at;

-- name: AddMuteRuleFindings :exec
-- Purpose: what a new rule mutes.
-- Index: mute_rule_findings_pkey.
insert into mute_rule_findings (tenant_id, mute_rule_id, number, provider_id, uid_hash, uid)
select @tenant_id::uuid, @mute_rule_id::uuid, w.number, w.provider_id, w.uid_hash, w.uid
from (
    select unnest(@numbers::integer[]) as number, unnest(@provider_ids::uuid[]) as provider_id, unnest(@uid_hashes::bigint[]) as uid_hash,
        unnest(@uids::text[]) as uid
) w;

-- name: UpdateMuteRule :exec
-- Purpose: change what a rule is called, why it is there, and whether scans to come go by it. A name that is taken violates
-- mute_rules_tenant_id_name_key.
-- Index: mute_rules_pkey.
update mute_rules set name = coalesce(sqlc.narg('name'), name), reason = coalesce(sqlc.narg('reason'), reason),
    enabled = coalesce(sqlc.narg('enabled'), enabled), updated_at = now()
where id = @id;

-- name: DeleteMuteRule :exec
-- Purpose: remove a rule. What it muted stays muted.
-- Index: mute_rules_pkey, mute_rule_findings_pkey.
delete from mute_rules where id = @id;

-- name: MuteFindings :exec
-- Purpose: mute the findings that a new rule names, and note which scans have to be counted again.
-- Index: findings_pkey.
with due as (
    select f.id from findings f where f.id = any(@ids::uuid[]) and not f.muted order by f.id for no key update
), muted as (
    update findings f set muted = true, muted_at = @muted_at::timestamptz, muted_reason = @reason::text
    from due d where f.id = d.id
    returning f.tenant_id, f.provider_id, f.scan_id
)
insert into scan_recounts (tenant_id, provider_id, scan_id) select distinct m.tenant_id, m.provider_id, m.scan_id from muted m;

-- name: MuteByRule :one
-- Purpose: mute findings, however old, whose uids a rule has at these positions, a bounded number at once, and note which
-- scans have to be counted again. Call it until fewer are due than it may take. A rule that is gone mutes nothing.
-- Index: mute_rule_findings_pkey, mute_rules_pkey, findings_history.
with rule as (
    select r.id, r.reason, r.inserted_at from mute_rules r where r.id = @mute_rule_id for key share
), due as (
    select f.id, r.reason, r.inserted_at from rule r
    join mute_rule_findings m on m.mute_rule_id = r.id and m.number > @uid_offset and m.number <= (@uid_offset::integer) + (@uid_size::integer)
    cross join lateral (
        select x.id from findings x
        where x.uid_hash = m.uid_hash and x.uid = m.uid and x.provider_id = m.provider_id and not x.muted
    ) f
    limit @batch
), held as (
    select f.id, d.reason, d.inserted_at from due d join findings f on f.id = d.id where not f.muted order by f.id for no key update of f
), muted as (
    update findings f set muted = true, muted_at = h.inserted_at, muted_reason = h.reason
    from held h where f.id = h.id
    returning f.tenant_id, f.provider_id, f.scan_id
), noted as (
    insert into scan_recounts (tenant_id, provider_id, scan_id) select distinct m.tenant_id, m.provider_id, m.scan_id from muted m
)
select (select count(*) from due) as due, (select count(*) from muted) as muted;

-- name: MuteScanByRules :exec
-- Purpose: mute the findings of a scan that enabled rules name, before the scan is counted; of several rules the latest
-- gives the reason. Findings are younger than their scan; the offset keeps the planner from reading the scan, which seems to
-- be empty, once for each uid.
-- Index: mute_rule_findings_uid, mute_rules_pkey, findings_history.
with due as (
    select distinct on (f.id) f.id, r.reason
    from mute_rule_findings m
    join mute_rules r on r.id = m.mute_rule_id and r.enabled
    cross join lateral (
        select x.id, x.scan_id, x.muted from findings x
        where x.uid_hash = m.uid_hash and x.uid = m.uid and x.id >= @scan_id offset 0
    ) f
    where m.provider_id = @provider_id and f.scan_id = @scan_id and not f.muted
    order by f.id, r.inserted_at desc, r.id desc
), held as (
    select f.id, d.reason from due d join findings f on f.id = d.id order by f.id for no key update of f
)
update findings f set muted = true, muted_at = now(), muted_reason = h.reason
from held h where f.id = h.id;

-- name: NextScanToRecount :one
-- Purpose: a scan that has to be counted again; no row: none has.
-- Index: scan_recounts_scan.
select c.scan_id, c.provider_id from scan_recounts c order by c.scan_id limit 1;

-- name: TakeScanRecounts :execrows
-- Purpose: the scan is counted in this transaction. Whatever is muted from here on names it again.
-- Index: scan_recounts_scan.
delete from scan_recounts c where c.scan_id = @scan_id;

-- name: CountMuteRuleFindings :one
-- Purpose: the last position of a rule; 0 for a rule that is gone.
-- Index: mute_rule_findings_pkey.
select coalesce(max(m.number), 0)::integer from mute_rule_findings m where m.mute_rule_id = @mute_rule_id;

-- name: CountScansToRecount :one
-- Purpose: how many scans have to be counted again.
-- Index: scan_recounts_scan.
select count(distinct c.scan_id) from scan_recounts c;
