-- Purpose: fill the tables of eight organisations, so that reading one of them as a whole shows: people, roles, accounts, scans, tasks
-- and what else there is beside findings and resources, which are ingested before. One of the people sees few accounts. Run by a
-- superuser on a database that is for measuring alone: triggers and foreign keys rest meanwhile.
set session_replication_role = replica;

create temp table organisations as
select number, case number when 0 then current_setting('explain.tenant')::uuid when 1 then current_setting('explain.other')::uuid
    else md5('organisation ' || number)::uuid end as id from generate_series(0, 7) number;
create temp table amount as select current_setting('explain.rows')::int as rows, greatest(current_setting('explain.rows')::int / 4, 30) as fewer;

insert into tenants (id, name) select id, 'Organisation ' || number from organisations where number > 1;

insert into users (id, name, email, company_name, password, is_active, date_joined)
select md5('user ' || o.number || ' ' || i)::uuid, 'Person ' || i || ' of ' || o.number, 'person-' || i || '-' || o.number || '@explain.example',
    'Company ' || i % 50, (select password from users where email = 'bench@example.com'), i % 100 <> 0, now() - i % 60 * interval '1 day' - i * interval '1 second'
from organisations o cross join amount a cross join generate_series(1, a.rows) i;
insert into memberships (tenant_id, id, user_id, role, date_joined)
select o.id, md5('membership ' || o.number || ' ' || i)::uuid, md5('user ' || o.number || ' ' || i)::uuid, case when i % 100 = 0 then 'owner' else 'member' end,
    now() - i % 60 * interval '1 day' - i * interval '1 second'
from organisations o cross join amount a cross join generate_series(1, a.rows) i;

insert into provider_groups (tenant_id, id, name, inserted_at, updated_at)
select o.id, md5('group ' || o.number || ' ' || i)::uuid, 'Group ' || i, now() - i % 60 * interval '1 day', now() - i % 60 * interval '1 day'
from organisations o cross join amount a cross join generate_series(1, a.fewer) i;
insert into provider_group_tags (tenant_id, provider_group_id, tag)
select g.tenant_id, g.id, tag from provider_groups g cross join lateral (values ('common'), ('tag ' || right(g.name, 2))) t(tag) on conflict do nothing;
insert into providers (tenant_id, id, provider, uid, alias, connected, inserted_at, updated_at)
select o.id, md5('provider ' || o.number || ' ' || i)::uuid,
    (array['aws', 'aws', 'aws', 'azure', 'gcp', 'kubernetes', 'm365', 'github', 'iac', 'oraclecloud', 'okta'])[1 + i % 11],
    'account-' || i, 'Account ' || i, (array[true, false, null])[1 + i % 3], now() - i % 60 * interval '1 day' - i * interval '1 second', now() - i % 60 * interval '1 day'
from organisations o cross join amount a cross join generate_series(1, a.fewer) i;
insert into provider_group_providers (tenant_id, provider_group_id, provider_id)
select o.id, md5('group ' || o.number || ' ' || 1 + (i * k) % a.fewer)::uuid, md5('provider ' || o.number || ' ' || i)::uuid
from organisations o cross join amount a cross join generate_series(1, a.fewer) i cross join generate_series(1, 3) k on conflict do nothing;
insert into provider_secrets (tenant_id, id, provider_id, name, secret_type, secret, inserted_at)
select p.tenant_id, p.id, p.id, 'Secret of ' || p.uid, 'static', '\x00', p.inserted_at from providers p where p.uid like 'account-%';
insert into schedules (tenant_id, id, provider_id, hour, next_run_at, enabled, inserted_at, frequency)
select p.tenant_id, p.id, p.id, 4, now() + interval '10 years' + length(p.uid) * interval '1 hour', p.connected is not false, p.inserted_at, 'daily'
from providers p where p.uid like 'account-%';

insert into roles (tenant_id, id, name, manage_users, manage_scans, inserted_at, updated_at)
select o.id, md5('role ' || o.number || ' ' || i)::uuid, 'Role ' || i, i % 7 = 0, i % 3 = 0, now() - i % 60 * interval '1 day', now() - i % 60 * interval '1 day'
from organisations o cross join amount a cross join generate_series(1, a.fewer) i;
insert into role_provider_groups (tenant_id, role_id, provider_group_id)
select o.id, md5('role ' || o.number || ' ' || i)::uuid, md5('group ' || o.number || ' ' || i)::uuid
from organisations o cross join amount a cross join generate_series(1, a.fewer) i;
insert into role_users (tenant_id, role_id, user_id)
select o.id, md5('role ' || o.number || ' ' || 1 + i % a.fewer)::uuid, md5('user ' || o.number || ' ' || i)::uuid
from organisations o cross join amount a cross join generate_series(2, a.rows) i;

-- The first person of the organisation may do everything, and sees one group of few accounts.
insert into provider_groups (tenant_id, id, name) select id, '00000000-0000-4000-8000-00000000005a'::uuid, 'Small sight' from organisations where number = 0
union all select id, '00000000-0000-4000-8000-00000000001a'::uuid, 'Large sight' from organisations where number = 0;
insert into provider_group_providers (tenant_id, provider_group_id, provider_id)
select o.id, '00000000-0000-4000-8000-00000000005a'::uuid, current_setting('explain.small')::uuid from organisations o where number = 0
union select o.id, '00000000-0000-4000-8000-00000000005a'::uuid, md5('provider 0 ' || i)::uuid from organisations o cross join generate_series(1, 20) i where o.number = 0
union select p.tenant_id, '00000000-0000-4000-8000-00000000001a'::uuid, p.id from providers p join organisations o on o.id = p.tenant_id and o.number = 0 where p.uid not like 'account-%';
insert into roles (tenant_id, id, name, manage_users, manage_account, manage_billing, manage_providers, manage_integrations, manage_scans)
select id, md5('limited')::uuid, 'Limited', true, true, true, true, true, true from organisations where number = 0;
insert into role_provider_groups (tenant_id, role_id, provider_group_id) select id, md5('limited')::uuid, '00000000-0000-4000-8000-00000000005a'::uuid from organisations where number = 0;
insert into role_users (tenant_id, role_id, user_id) select id, md5('limited')::uuid, md5('user 0 1')::uuid from organisations where number = 0;

insert into invitations (tenant_id, id, email, state, token, expires_at, inviter_id, inserted_at, updated_at)
select o.id, md5('invitation ' || o.number || ' ' || i)::uuid, 'guest-' || i || '@explain.example', (array['pending', 'accepted', 'accepted', 'expired', 'revoked'])[1 + i % 5],
    lpad(to_hex(o.number * 10000000 + i), 14, 'x'), now() + (i % 14 - 7) * interval '1 day', md5('user ' || o.number || ' ' || 1 + i % 20)::uuid,
    now() - i % 60 * interval '1 day' - i * interval '1 second', now() - i % 60 * interval '1 day'
from organisations o cross join amount a cross join generate_series(1, a.rows) i;
insert into invitation_roles (tenant_id, invitation_id, role_id)
select o.id, md5('invitation ' || o.number || ' ' || i)::uuid, md5('role ' || o.number || ' ' || 1 + i % a.fewer)::uuid
from organisations o cross join amount a cross join generate_series(1, a.rows) i;
insert into api_keys (tenant_id, id, name, prefix, digest, user_id, expires_at, revoked_at, inserted_at)
select o.id, md5('key ' || o.number || ' ' || i)::uuid, 'Key ' || i, 'pk_' || upper(translate(lpad(to_hex(o.number * 10000000 + i), 8, '0'), '01', 'gh')),
    sha256(('key ' || o.number || ' ' || i)::bytea), md5('user ' || o.number || ' ' || i)::uuid, now() + i % 60 * interval '1 day', case when i % 20 = 0 then now() end,
    now() - i % 60 * interval '1 day' - i * interval '1 second'
from organisations o cross join amount a cross join generate_series(1, a.rows) i;
insert into mute_rules (tenant_id, id, name, reason, enabled, created_by, inserted_at, updated_at)
select o.id, md5('mute rule ' || o.number || ' ' || i)::uuid, 'Mute rule ' || i, 'Reason ' || i % 100, i % 5 <> 0, md5('user ' || o.number || ' ' || 1 + i % 20)::uuid,
    now() - i % 60 * interval '1 day' - i * interval '1 second', now() - i % 60 * interval '1 day'
from organisations o cross join amount a cross join generate_series(1, a.rows) i;
insert into mute_rule_findings (tenant_id, mute_rule_id, number, provider_id, uid_hash, uid)
select r.tenant_id, r.id, k, gen_random_uuid(), hashtextextended(r.id::text, k), 'muted-' || r.name || '-' || k from mute_rules r cross join generate_series(1, 5) k;
insert into compliance_framework_revisions (tenant_id, id, framework_id, framework, name, version, requirements)
select o.id, md5('revision ' || o.number || ' ' || i)::uuid, md5('framework ' || o.number || ' ' || i)::uuid, 'Framework ' || i % 10, 'Rules ' || i, '1.' || i, '[]'
from organisations o cross join amount a cross join generate_series(1, a.fewer) i;
insert into compliance_frameworks (tenant_id, id, compliance_id, provider, description, revision_id, inserted_at)
select o.id, md5('framework ' || o.number || ' ' || i)::uuid, 'custom_' || i, 'aws', 'Invented.', md5('revision ' || o.number || ' ' || i)::uuid, now() - i % 60 * interval '1 day'
from organisations o cross join amount a cross join generate_series(1, a.fewer) i;
insert into compliance_watchlist (tenant_id, compliance_id)
select f.tenant_id, f.compliance_id from compliance_frameworks f where f.compliance_id like 'custom_1%'
union select o.id, c.framework_id from organisations o cross join catalogue_frameworks c;
insert into saml_configurations (tenant_id, id, email_domain, entity_id, metadata_xml)
select id, id, 'organisation-' || number || '.example', 'https://idp-' || number || '.example', '<EntityDescriptor/>' from organisations;
insert into processors (tenant_id, id, processor_type, configuration) select id, id, 'mutelist', '{"Mutelist": {"Accounts": {}}}' from organisations;

insert into tasks (tenant_id, id, name, state, inserted_at, completed_at)
select o.id, md5('task ' || o.number || ' ' || i)::uuid, case when i = 7 then 'task-of-its-own' else (array['scan-perform', 'ingestion', 'provider-connection-check', 'provider-deletion'])[1 + i % 97 % 4] end,
    case when i % 500 = 0 then 'failed' when i % 501 = 0 then 'cancelled' else 'completed' end, now() - i * interval '3 minutes', now() - i * interval '3 minutes'
from organisations o cross join amount a cross join generate_series(1, a.rows * 10) i;
insert into scans (tenant_id, id, provider_id, name, trigger, state, progress, duration, task_id, scheduled_at, started_at, completed_at, inserted_at, updated_at, aggregates_version)
select o.id, (left(uuidv7_floor(t.moment)::text, 15) || right(md5('scan ' || o.number || ' ' || i), 3) || '-8' || right(gen_random_uuid()::text, 16))::uuid,
    md5('provider ' || o.number || ' ' || 1 + i % a.fewer)::uuid, 'Scan ' || i, case when i % 10 = 0 then 'manual' else 'scheduled' end,
    case when i % 50 = 0 then 'failed' when i % 51 = 0 then 'cancelled' else 'completed' end, 100, 60 + i % 600, md5('task ' || o.number || ' ' || i)::uuid,
    t.moment, t.moment, t.moment + interval '1 minute', t.moment, t.moment + interval '1 minute', (select max(aggregates_version) from scans)
from organisations o cross join amount a cross join generate_series(1, a.rows * 10) i
cross join lateral (select date_trunc('milliseconds', now() - interval '5 minutes' - i * interval '5 minutes')) t(moment);
insert into ingestions (tenant_id, id, provider_id, scan_id, task_id, state, filename, bytes, findings_count, errors_count, inserted_at, updated_at, completed_at)
select s.tenant_id, s.id, s.provider_id, s.id, s.task_id, case s.state when 'completed' then 'completed' else 'failed' end, s.name || '.json', 1000, 20, 0,
    s.inserted_at, s.updated_at, s.completed_at from scans s where s.name like 'Scan %';
insert into ingestion_errors (tenant_id, ingestion_id, number, provider_id, code, detail)
select i.tenant_id, i.id, k, i.provider_id, 'invalid', 'Not a finding.' from (select * from ingestions order by tenant_id = current_setting('explain.tenant')::uuid desc, id limit 8) i
cross join amount a cross join generate_series(1, a.rows * 10) k;

-- What scans of a few findings leave, in the two organisations with findings: lines of a large scan, some of each table.
create temp table model as
select s.id from scans s where s.tenant_id = current_setting('explain.tenant')::uuid and s.first_finding_id is not null order by s.unique_resource_count desc, s.inserted_at desc limit 1;
create temp table counted as select s.tenant_id, s.id, s.provider_id, s.completed_at from scans s join organisations o on o.id = s.tenant_id and o.number < 2
where s.state = 'completed' and s.first_finding_id is null;
analyze counted, model, organisations, amount;
insert into scan_severities (tenant_id, provider_id, scan_id, critical, high, medium, low, informational, muted)
select c.tenant_id, c.provider_id, c.id, 1, 2, 3, 4, 5, 0 from counted c;
insert into scan_summaries (tenant_id, provider_id, scan_id, check_id, service, severity, region, resource_service, resource_region, pass, fail, muted, total, new, changed,
    unchanged, fail_new, fail_changed, pass_new, pass_changed, muted_new, muted_changed, pass_muted, fail_muted)
select c.tenant_id, c.provider_id, c.id, x.check_id, x.service, x.severity, x.region, x.resource_service, x.resource_region, 1, 1, 0, 2, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0
from counted c cross join (select * from scan_summaries where scan_id = (select id from model) order by md5(check_id || region) limit 10) x;
insert into scan_figures
select r.* from counted c cross join (select * from scan_figures where scan_id = (select id from model) order by everywhere desc, region limit 3) x
cross join lateral jsonb_populate_record(null::scan_figures,
    to_jsonb(x) || jsonb_build_object('tenant_id', c.tenant_id, 'provider_id', c.provider_id, 'scan_id', c.id)) r;
insert into scan_services
select r.* from counted c cross join (select * from scan_services where scan_id = (select id from model) order by everywhere desc, region, service limit 10) x
cross join lateral jsonb_populate_record(null::scan_services,
    to_jsonb(x) || jsonb_build_object('tenant_id', c.tenant_id, 'provider_id', c.provider_id, 'scan_id', c.id)) r;
insert into scan_check_summaries
select r.* from counted c cross join (select * from scan_check_summaries where scan_id = (select id from model) order by check_id limit 10) x
cross join lateral jsonb_populate_record(null::scan_check_summaries,
    to_jsonb(x) || jsonb_build_object('tenant_id', c.tenant_id, 'provider_id', c.provider_id, 'scan_id', c.id)) r;
insert into scan_compliance (tenant_id, provider_id, scan_id, region, compliance_id, revision_id, passed, failed, manual, failures)
select c.tenant_id, c.provider_id, c.id, x.region, x.compliance_id, x.revision_id, x.passed, x.failed, x.manual, x.failures
from counted c cross join (select distinct on (compliance_id) * from scan_compliance where scan_id = (select id from model) order by compliance_id, region) x;
insert into threatscore_snapshots
select r.* from counted c cross join (select * from threatscore_snapshots where scan_id = (select id from model)) x
cross join lateral jsonb_populate_record(null::threatscore_snapshots, to_jsonb(x) || jsonb_build_object('tenant_id', c.tenant_id,
    'provider_id', c.provider_id, 'scan_id', c.id, 'inserted_at', c.completed_at, 'overall_score', hashtext(c.id::text)::bigint % 50 + 50)) r;

insert into audit_events (tenant_id, seq, id, inserted_at, kind, decision_id, operation, allowed, write, reason, rule, policy_revision, user_id, credential, api_key_id,
    api_key_prefix, request_id, client_address, target_id, status, previous_hash, hash)
select o.id, i + o.seq, md5('event ' || o.number || ' ' || i)::uuid, now() - (a.rows * 10 - i) * interval '1 minute',
    case when i % 2 = 0 then 'outcome' else 'decision' end, case when i % 2 = 0 then md5('event ' || o.number || ' ' || i - 1)::uuid end,
    (array['providers.create', 'scans.create', 'findings.list', 'roles.update'])[1 + i / 2 % 4], i % 300 <> 1, i / 2 % 4 <> 2, 'granted', 'rule-' || i / 2 % 4, 'revision',
    md5('user ' || o.number || ' ' || 1 + i / 2 % 200)::uuid, case when i / 2 % 10 = 0 then 'api_key' else 'token' end,
    case when i / 2 % 10 = 0 then md5('key ' || o.number || ' ' || 1 + i / 20 % 40)::uuid end,
    case when i / 2 % 10 = 0 then 'pk_GGGGGG' || 22 + i / 20 % 40 end, md5('request ' || i / 2), '10.0.' || i / 2 % 9 || '.1', null,
    case when i % 2 = 0 then 200 + i / 2 % 2 * 201 end, '\x00', sha256(i::text::bytea)
from (select o.*, coalesce((select max(seq) from audit_events e where e.tenant_id = o.id), 0) as seq from organisations o) o
cross join amount a cross join generate_series(1, a.rows * 10) i;

drop table organisations, amount, model, counted;
reset session_replication_role;
