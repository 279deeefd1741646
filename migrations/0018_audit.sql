-- The decision log: what policy decided, one row a decision, chained by hashes for each tenant. The database itself numbers,
-- links and seals a row when it is inserted; the program may add rows and read them, nobody may change one. docs/audit.md says
-- what a row holds and how to compute its hash with other tools.

-- +goose Up
create table audit_events (
    tenant_id uuid not null references tenants (id),
    seq bigint not null check (seq > 0),
    id uuid not null,
    inserted_at timestamptz not null,
    kind text not null check (kind in ('decision', 'outcome')),
    decision_id uuid,
    operation text not null check (char_length(operation) between 1 and 128),
    allowed boolean not null,
    write boolean not null,
    reason text not null,
    rule text not null,
    policy_revision text not null,
    user_id uuid not null,
    credential text not null,
    api_key_id uuid,
    api_key_prefix text,
    request_id text not null,
    client_address text not null,
    target_id text check (char_length(target_id) between 1 and 255),
    status smallint check (status between 100 and 599),
    previous_hash bytea not null,
    hash bytea not null,
    primary key (tenant_id, seq),
    unique (tenant_id, id),
    check ((kind = 'outcome') = (decision_id is not null))
);
comment on table audit_events is 'Append-only. There is no cascade from tenants: the deletion of a tenant removes its log by name.';
comment on column audit_events.seq is 'Place in the chain of the tenant, from 1 without a gap; given by the database.';
comment on column audit_events.inserted_at is 'Given by the database.';
comment on column audit_events.kind is 'decision: policy decided; outcome: how the request of an allowed write was answered.';
comment on column audit_events.decision_id is 'Of an outcome: the event of its decision.';
comment on column audit_events.user_id is 'No foreign key: the log outlives the person.';
comment on column audit_events.target_id is 'What the path named, as it was sent; shown to those alone who see every provider.';
comment on column audit_events.status is 'HTTP status of the answer; null for a decision that let the request through.';
comment on column audit_events.previous_hash is 'Hash of the row before; 32 zero bytes for the first.';
create index audit_events_inserted on audit_events (tenant_id, inserted_at, seq);
create index audit_events_user on audit_events (tenant_id, user_id, seq);
create index audit_events_operation on audit_events (tenant_id, operation, seq);
create index audit_events_request on audit_events (tenant_id, request_id);
create index audit_events_denied on audit_events (tenant_id, seq) where not allowed;
create index audit_events_api_key on audit_events (tenant_id, api_key_prefix, seq) where api_key_prefix is not null;
call wall.protect('audit_events');
grant select, insert on audit_events to palisade_app;

-- Verification asks which tenants have a log, the deletion of a tenant removes its log: the trigger below refuses to delete in
-- any other scope.
call wall.admit_system('audit_events', 'audit');
grant select (tenant_id, seq) on audit_events to palisade_system;
call wall.admit_deletion('audit_events');

-- One field of the encoding: its length in bytes, a colon, its text; a hyphen for null; a line feed. Without settings of its own
-- it is expanded in place, 20 times a row.
create function audit_field(value text) returns text language sql immutable
as $$ select coalesce(octet_length(convert_to(value, 'UTF8')) || ':' || value, '-') || E'\n' $$;

-- +goose StatementBegin
create function audit_hash(e audit_events) returns bytea language plpgsql stable set search_path = pg_catalog, public, pg_temp as $$
begin
    return sha256(convert_to(
        public.audit_field('palisade-audit-1') || public.audit_field(e.tenant_id::text) || public.audit_field(e.seq::text)
        || public.audit_field(encode(e.previous_hash, 'hex')) || public.audit_field(e.id::text)
        || public.audit_field(((extract(epoch from e.inserted_at) * 1000000)::bigint)::text) || public.audit_field(e.kind)
        || public.audit_field(e.decision_id::text) || public.audit_field(e.operation) || public.audit_field(e.allowed::text)
        || public.audit_field(e.write::text) || public.audit_field(e.reason) || public.audit_field(e.rule)
        || public.audit_field(e.policy_revision) || public.audit_field(e.user_id::text) || public.audit_field(e.credential)
        || public.audit_field(e.api_key_id::text) || public.audit_field(e.api_key_prefix) || public.audit_field(e.request_id)
        || public.audit_field(e.client_address) || public.audit_field(e.target_id) || public.audit_field(e.status::text), 'UTF8'));
end $$;
-- +goose StatementEnd

-- Numbers, links and seals a new row, whatever the statement says of these columns. Writers of one tenant wait for each other
-- until commit, so the order of the chain is the order in which rows become visible. Runs as its caller: with a snapshot or a
-- setting that hides the end of the chain from it, it makes a number that is taken, and the primary key refuses the row.
-- +goose StatementBegin
create function audit_chain() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
    last record;
begin
    perform pg_advisory_xact_lock(hashtextextended('audit_events ' || new.tenant_id, 0));
    select e.seq, e.hash into last from public.audit_events e where e.tenant_id = new.tenant_id order by e.seq desc limit 1;
    new.seq := coalesce(last.seq, 0) + 1;
    new.previous_hash := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
    new.inserted_at := clock_timestamp();
    new.hash := public.audit_hash(new);
    return new;
end $$;
-- +goose StatementEnd
create trigger audit_chain before insert on audit_events for each row execute function audit_chain();

-- Grants refuse this already; it also stops the owner's slip of the hand.
-- +goose StatementBegin
create function audit_append_only() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'DELETE' and current_user = 'palisade_system' and current_setting('app.scope', true) = 'deletion' then
        return old;
    end if;
    raise exception 'the audit log is append-only' using errcode = 'insufficient_privilege';
end $$;
-- +goose StatementEnd
create trigger audit_append_only before update or delete on audit_events for each row execute function audit_append_only();
create trigger audit_no_truncate before truncate on audit_events for each statement execute function audit_append_only();

-- +goose Down
drop trigger audit_chain on audit_events;
drop function audit_chain();
drop function audit_hash(audit_events);
drop table audit_events;
drop function audit_append_only();
drop function audit_field(text);
