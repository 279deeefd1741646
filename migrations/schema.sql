--
-- PostgreSQL database dump
--

\restrict FhhLla1jXYJP3PjmC9dlxW1o8Zrx68OOb84jIkWl8k9IucIvlakkR5ZGmCYKxls

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: wall; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA wall;


--
-- Name: SCHEMA wall; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA wall IS 'Procedures for migrations only: no runtime role may use it.';


--
-- Name: ensure_partitions(date, integer); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ensure_partitions(since date, months integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
declare
    parent text;
    month date;
    child text;
    made integer := 0;
begin
    if months not between 1 and 60 then
        raise exception 'months must be between 1 and 60';
    end if;
    for i in 0 .. months - 1 loop
        month := (date_trunc('month', since) + make_interval(months => i))::date;
        foreach parent in array array['findings', 'resource_finding_mappings'] loop
            child := parent || '_' || to_char(month, 'YYYY_MM');
            if to_regclass('public.' || child) is null then
                execute format('create table public.%I partition of public.%I for values from (%L) to (%L)', child, parent,
                    uuidv7_floor(month::timestamp at time zone 'UTC'),
                    uuidv7_floor((month + interval '1 month') at time zone 'UTC'));
                execute format('alter table public.%I enable row level security', child);
                execute format('alter table public.%I force row level security', child);
                made := made + 1;
            end if;
        end loop;
    end loop;
    return made;
end $$;


--
-- Name: rescue_orphans(double precision); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.rescue_orphans(silence double precision) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public'
    AS $$
declare
    rescued integer;
begin
    update river.river_job j set state = 'available', scheduled_at = now(), max_attempts = greatest(j.max_attempts, j.attempt + 1)
    where j.state = 'running' and not exists (
        select from public.worker_leases l
        where l.id = j.attempted_by[array_upper(j.attempted_by, 1)] and l.renewed_at > now() - make_interval(secs => silence)
    );
    get diagnostics rescued = row_count;
    return rescued;
end $$;


--
-- Name: uuidv7_floor(timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.uuidv7_floor(moment timestamp with time zone) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
    select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;


--
-- Name: FUNCTION uuidv7_floor(moment timestamp with time zone); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.uuidv7_floor(moment timestamp with time zone) IS 'The smallest UUIDv7 of a millisecond: version and variant set, random bits zero.';


--
-- Name: admit_system(regclass, text[]); Type: PROCEDURE; Schema: wall; Owner: -
--

CREATE PROCEDURE wall.admit_system(IN target regclass, VARIADIC scopes text[])
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public'
    AS $_$
begin
    execute format($policy$
        create policy system_scope on %1$s for all to palisade_system
        using ((select current_setting('app.scope', true)) = any (%2$L::text[]))
        with check ((select current_setting('app.scope', true)) = any (%2$L::text[]))
    $policy$, target, scopes);
end $_$;


--
-- Name: protect(regclass); Type: PROCEDURE; Schema: wall; Owner: -
--

CREATE PROCEDURE wall.protect(IN target regclass)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public'
    AS $_$
begin
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format($policy$
        create policy tenant on %s for all to palisade_app
        using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
        with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    $policy$, target);
end $_$;


--
-- Name: protect_provider(regclass, name); Type: PROCEDURE; Schema: wall; Owner: -
--

CREATE PROCEDURE wall.protect_provider(IN target regclass, IN provider_column name DEFAULT 'provider_id'::name)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public'
    AS $_$
begin
    execute format($policy$
        create policy provider_visibility on %1$s as restrictive for all to palisade_app
        using (
            %2$I is null
            or (select current_setting('app.visible_providers', true) = '*')
            or %2$I = any ((select case when current_setting('app.visible_providers', true) = '*' then '{}'
                else coalesce(nullif(current_setting('app.visible_providers', true), ''), '{}') end)::uuid[])
        )
        with check (
            %2$I is null
            or (select current_setting('app.visible_providers', true) = '*')
            or %2$I = any ((select case when current_setting('app.visible_providers', true) = '*' then '{}'
                else coalesce(nullif(current_setting('app.visible_providers', true), ''), '{}') end)::uuid[])
        )
    $policy$, target, provider_column);
end $_$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: catalogue_checks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.catalogue_checks (
    provider text NOT NULL,
    check_id text NOT NULL,
    engine_version text NOT NULL,
    content jsonb NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.catalogue_checks FORCE ROW LEVEL SECURITY;


--
-- Name: catalogue_frameworks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.catalogue_frameworks (
    provider text NOT NULL,
    framework_id text NOT NULL,
    engine_version text NOT NULL,
    content jsonb NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.catalogue_frameworks FORCE ROW LEVEL SECURITY;


--
-- Name: check_metadata; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.check_metadata (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    check_id text NOT NULL,
    content jsonb NOT NULL,
    search tsvector NOT NULL,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.check_metadata FORCE ROW LEVEL SECURITY;


--
-- Name: COLUMN check_metadata.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.check_metadata.id IS 'First 128 bits of the SHA-256 of the canonical content.';


--
-- Name: COLUMN check_metadata.search; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.check_metadata.search IS 'Words of the content, for filter[search].';


--
-- Name: check_metadata_categories; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.check_metadata_categories (
    tenant_id uuid NOT NULL,
    check_metadata_id uuid NOT NULL,
    category text NOT NULL
);

ALTER TABLE ONLY public.check_metadata_categories FORCE ROW LEVEL SECURITY;


--
-- Name: findings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.findings (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    provider_id uuid NOT NULL,
    scan_id uuid NOT NULL,
    check_metadata_id uuid NOT NULL,
    uid_hash bigint NOT NULL,
    inserted_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    muted_at timestamp with time zone,
    status_rank smallint GENERATED ALWAYS AS (
CASE status
    WHEN 'FAIL'::text THEN 1
    WHEN 'PASS'::text THEN 2
    ELSE 3
END) STORED NOT NULL,
    severity_rank smallint GENERATED ALWAYS AS (
CASE severity
    WHEN 'critical'::text THEN 1
    WHEN 'high'::text THEN 2
    WHEN 'medium'::text THEN 3
    WHEN 'low'::text THEN 4
    ELSE 5
END) STORED NOT NULL,
    muted boolean DEFAULT false NOT NULL,
    status text NOT NULL,
    severity text NOT NULL,
    delta text,
    uid text NOT NULL,
    check_id text NOT NULL,
    status_extended text,
    region text NOT NULL,
    service text NOT NULL,
    resource_type text NOT NULL,
    resource_group text,
    muted_reason text,
    raw_result jsonb,
    CONSTRAINT findings_delta_check CHECK ((delta = ANY (ARRAY['new'::text, 'changed'::text]))),
    CONSTRAINT findings_severity_check CHECK ((severity = ANY (ARRAY['critical'::text, 'high'::text, 'medium'::text, 'low'::text, 'informational'::text]))),
    CONSTRAINT findings_status_check CHECK ((status = ANY (ARRAY['FAIL'::text, 'PASS'::text, 'MANUAL'::text]))),
    CONSTRAINT findings_uid_check CHECK ((char_length(uid) <= 300))
)
PARTITION BY RANGE (id);

ALTER TABLE ONLY public.findings FORCE ROW LEVEL SECURITY;


--
-- Name: COLUMN findings.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.findings.id IS 'UUIDv7 of the moment the finding was stored; the month of it is the partition.';


--
-- Name: COLUMN findings.uid_hash; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.findings.uid_hash IS 'First 64 bits of the SHA-256 of uid: a short key for the history of a finding.';


--
-- Name: flow_steps; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.flow_steps (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    flow_id uuid NOT NULL,
    parent_id uuid,
    "position" integer NOT NULL,
    provider_id uuid,
    type text NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    pending integer DEFAULT 0 NOT NULL,
    broken boolean DEFAULT false NOT NULL,
    reason text,
    job_kind text,
    job_args jsonb,
    task_id uuid,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT flow_steps_pending_check CHECK ((pending >= 0)),
    CONSTRAINT flow_steps_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'completed'::text, 'failed'::text, 'stopped'::text]))),
    CONSTRAINT flow_steps_type_check CHECK ((type = ANY (ARRAY['chain'::text, 'group'::text, 'job'::text])))
);

ALTER TABLE ONLY public.flow_steps FORCE ROW LEVEL SECURITY;


--
-- Name: COLUMN flow_steps.pending; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.flow_steps.pending IS 'Members that have not ended; the one that makes it 0 ends this step too.';


--
-- Name: COLUMN flow_steps.reason; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.flow_steps.reason IS 'Why the step was stopped: what it depended on and how that ended.';


--
-- Name: ingestion_chunks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ingestion_chunks (
    tenant_id uuid NOT NULL,
    ingestion_id uuid NOT NULL,
    number integer NOT NULL,
    content bytea NOT NULL
);
ALTER TABLE ONLY public.ingestion_chunks ALTER COLUMN content SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.ingestion_chunks FORCE ROW LEVEL SECURITY;


--
-- Name: ingestion_errors; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ingestion_errors (
    tenant_id uuid NOT NULL,
    ingestion_id uuid NOT NULL,
    number bigint NOT NULL,
    provider_id uuid,
    code text NOT NULL,
    detail text NOT NULL,
    finding_index bigint,
    finding_uid text
);

ALTER TABLE ONLY public.ingestion_errors FORCE ROW LEVEL SECURITY;


--
-- Name: ingestions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ingestions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    provider_id uuid,
    scan_id uuid,
    task_id uuid,
    state text DEFAULT 'uploading'::text NOT NULL,
    filename text NOT NULL,
    bytes bigint DEFAULT 0 NOT NULL,
    findings_count bigint DEFAULT 0 NOT NULL,
    errors_count bigint DEFAULT 0 NOT NULL,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    completed_at timestamp with time zone,
    CONSTRAINT ingestions_filename_check CHECK ((char_length(filename) <= 255)),
    CONSTRAINT ingestions_state_check CHECK ((state = ANY (ARRAY['uploading'::text, 'pending'::text, 'processing'::text, 'completed'::text, 'failed'::text])))
);

ALTER TABLE ONLY public.ingestions FORCE ROW LEVEL SECURITY;


--
-- Name: invitation_roles; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.invitation_roles (
    tenant_id uuid NOT NULL,
    invitation_id uuid NOT NULL,
    role_id uuid NOT NULL,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.invitation_roles FORCE ROW LEVEL SECURITY;


--
-- Name: invitations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.invitations (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    email text NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    token text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    inviter_id uuid,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT invitations_email_check CHECK (((email = lower(email)) AND (char_length(email) <= 254))),
    CONSTRAINT invitations_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'accepted'::text, 'expired'::text, 'revoked'::text]))),
    CONSTRAINT invitations_token_check CHECK ((char_length(token) = 14))
);

ALTER TABLE ONLY public.invitations FORCE ROW LEVEL SECURITY;


--
-- Name: memberships; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.memberships (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text DEFAULT 'member'::text NOT NULL,
    date_joined timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT memberships_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'member'::text])))
);

ALTER TABLE ONLY public.memberships FORCE ROW LEVEL SECURITY;


--
-- Name: provider_group_providers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.provider_group_providers (
    tenant_id uuid NOT NULL,
    provider_group_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.provider_group_providers FORCE ROW LEVEL SECURITY;


--
-- Name: provider_groups; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.provider_groups (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT provider_groups_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 255)))
);

ALTER TABLE ONLY public.provider_groups FORCE ROW LEVEL SECURITY;


--
-- Name: provider_secrets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.provider_secrets (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    provider_id uuid NOT NULL,
    name text,
    secret_type text NOT NULL,
    secret bytea NOT NULL,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT provider_secrets_name_check CHECK ((char_length(name) <= 100)),
    CONSTRAINT provider_secrets_secret_type_check CHECK ((secret_type = ANY (ARRAY['static'::text, 'role'::text, 'service_account'::text])))
);

ALTER TABLE ONLY public.provider_secrets FORCE ROW LEVEL SECURITY;


--
-- Name: COLUMN provider_secrets.secret; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.provider_secrets.secret IS 'Sealed by the program (authenticated cipher, bound to tenant and row); the database never sees the content.';


--
-- Name: providers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.providers (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    provider text NOT NULL,
    provider_rank smallint GENERATED ALWAYS AS (
CASE provider
    WHEN 'aws'::text THEN 1
    WHEN 'azure'::text THEN 2
    WHEN 'gcp'::text THEN 3
    WHEN 'kubernetes'::text THEN 4
    WHEN 'm365'::text THEN 5
    WHEN 'github'::text THEN 6
    WHEN 'mongodbatlas'::text THEN 7
    WHEN 'iac'::text THEN 8
    WHEN 'oraclecloud'::text THEN 9
    WHEN 'alibabacloud'::text THEN 10
    WHEN 'cloudflare'::text THEN 11
    WHEN 'openstack'::text THEN 12
    WHEN 'image'::text THEN 13
    WHEN 'googleworkspace'::text THEN 14
    WHEN 'vercel'::text THEN 15
    ELSE 16
END) STORED NOT NULL,
    uid text NOT NULL,
    alias text,
    connected boolean,
    connection_last_checked_at timestamp with time zone,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT providers_alias_check CHECK ((char_length(alias) <= 100)),
    CONSTRAINT providers_provider_check CHECK ((provider = ANY (ARRAY['aws'::text, 'azure'::text, 'gcp'::text, 'kubernetes'::text, 'm365'::text, 'github'::text, 'mongodbatlas'::text, 'iac'::text, 'oraclecloud'::text, 'alibabacloud'::text, 'cloudflare'::text, 'openstack'::text, 'image'::text, 'googleworkspace'::text, 'vercel'::text, 'okta'::text]))),
    CONSTRAINT providers_uid_check CHECK (((char_length(uid) >= 3) AND (char_length(uid) <= 250)))
);

ALTER TABLE ONLY public.providers FORCE ROW LEVEL SECURITY;


--
-- Name: COLUMN providers.provider_rank; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.providers.provider_rank IS 'Sort order of the provider type on the wire.';


--
-- Name: COLUMN providers.deleted_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.providers.deleted_at IS 'Set when deletion was asked for; the row and all that hangs off it go in the background.';


--
-- Name: resource_finding_mappings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.resource_finding_mappings (
    tenant_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    finding_id uuid NOT NULL,
    resource_id uuid NOT NULL
)
PARTITION BY RANGE (finding_id);

ALTER TABLE ONLY public.resource_finding_mappings FORCE ROW LEVEL SECURITY;


--
-- Name: resource_groups; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.resource_groups (
    tenant_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    name text NOT NULL
);

ALTER TABLE ONLY public.resource_groups FORCE ROW LEVEL SECURITY;


--
-- Name: resource_tags; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.resource_tags (
    tenant_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    key text NOT NULL,
    value text NOT NULL
);

ALTER TABLE ONLY public.resource_tags FORCE ROW LEVEL SECURITY;


--
-- Name: resources; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.resources (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    provider_id uuid NOT NULL,
    uid text NOT NULL,
    name text NOT NULL,
    region text NOT NULL,
    service text NOT NULL,
    type text NOT NULL,
    metadata text,
    details text,
    partition text,
    failed_findings_count integer DEFAULT 0 NOT NULL,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.resources FORCE ROW LEVEL SECURITY;


--
-- Name: COLUMN resources.metadata; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.resources.metadata IS 'JSON text as the engine reported it.';


--
-- Name: role_provider_groups; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.role_provider_groups (
    tenant_id uuid NOT NULL,
    role_id uuid NOT NULL,
    provider_group_id uuid NOT NULL,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.role_provider_groups FORCE ROW LEVEL SECURITY;


--
-- Name: role_users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.role_users (
    tenant_id uuid NOT NULL,
    role_id uuid NOT NULL,
    user_id uuid NOT NULL,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.role_users FORCE ROW LEVEL SECURITY;


--
-- Name: roles; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.roles (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    manage_users boolean DEFAULT false NOT NULL,
    manage_account boolean DEFAULT false NOT NULL,
    manage_billing boolean DEFAULT false NOT NULL,
    manage_providers boolean DEFAULT false NOT NULL,
    manage_integrations boolean DEFAULT false NOT NULL,
    manage_scans boolean DEFAULT false NOT NULL,
    unlimited_visibility boolean DEFAULT false NOT NULL,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT roles_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 255)))
);

ALTER TABLE ONLY public.roles FORCE ROW LEVEL SECURITY;


--
-- Name: scan_category_summaries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.scan_category_summaries (
    tenant_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    scan_id uuid NOT NULL,
    category text NOT NULL,
    severity text NOT NULL,
    total_findings integer NOT NULL,
    failed_findings integer NOT NULL,
    new_failed_findings integer NOT NULL
);

ALTER TABLE ONLY public.scan_category_summaries FORCE ROW LEVEL SECURITY;


--
-- Name: scan_resource_group_summaries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.scan_resource_group_summaries (
    tenant_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    scan_id uuid NOT NULL,
    resource_group text NOT NULL,
    severity text NOT NULL,
    total_findings integer NOT NULL,
    failed_findings integer NOT NULL,
    new_failed_findings integer NOT NULL,
    resources_count integer NOT NULL
);

ALTER TABLE ONLY public.scan_resource_group_summaries FORCE ROW LEVEL SECURITY;


--
-- Name: scan_resource_summaries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.scan_resource_summaries (
    tenant_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    scan_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    service text NOT NULL,
    region text NOT NULL,
    resource_type text NOT NULL
);

ALTER TABLE ONLY public.scan_resource_summaries FORCE ROW LEVEL SECURITY;


--
-- Name: scan_summaries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.scan_summaries (
    tenant_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    scan_id uuid NOT NULL,
    check_id text NOT NULL,
    service text NOT NULL,
    severity text NOT NULL,
    region text NOT NULL,
    pass integer NOT NULL,
    fail integer NOT NULL,
    muted integer NOT NULL,
    total integer NOT NULL,
    new integer NOT NULL,
    changed integer NOT NULL,
    unchanged integer NOT NULL,
    fail_new integer NOT NULL,
    fail_changed integer NOT NULL,
    pass_new integer NOT NULL,
    pass_changed integer NOT NULL,
    muted_new integer NOT NULL,
    muted_changed integer NOT NULL,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.scan_summaries FORCE ROW LEVEL SECURITY;


--
-- Name: scans; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.scans (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    provider_id uuid NOT NULL,
    name text,
    trigger text NOT NULL,
    state text DEFAULT 'available'::text NOT NULL,
    unique_resource_count integer DEFAULT 0 NOT NULL,
    progress smallint DEFAULT 0 NOT NULL,
    duration integer,
    task_id uuid,
    scheduled_at timestamp with time zone,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    next_scan_at timestamp with time zone,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT scans_name_check CHECK ((char_length(name) <= 100)),
    CONSTRAINT scans_progress_check CHECK (((progress >= 0) AND (progress <= 100))),
    CONSTRAINT scans_state_check CHECK ((state = ANY (ARRAY['available'::text, 'scheduled'::text, 'executing'::text, 'completed'::text, 'failed'::text, 'cancelled'::text]))),
    CONSTRAINT scans_trigger_check CHECK ((trigger = ANY (ARRAY['scheduled'::text, 'manual'::text])))
);

ALTER TABLE ONLY public.scans FORCE ROW LEVEL SECURITY;


--
-- Name: COLUMN scans.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.scans.id IS 'UUIDv7 of the moment the scan was asked for.';


--
-- Name: COLUMN scans.duration; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.scans.duration IS 'Seconds.';


--
-- Name: schedules; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schedules (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    provider_id uuid NOT NULL,
    every_hours integer DEFAULT 24 NOT NULL,
    next_run_at timestamp with time zone NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT schedules_every_hours_check CHECK (((every_hours >= 1) AND (every_hours <= 8784)))
);

ALTER TABLE ONLY public.schedules FORCE ROW LEVEL SECURITY;


--
-- Name: spent_refresh_tokens; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.spent_refresh_tokens (
    id text NOT NULL,
    user_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    spent_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT spent_refresh_tokens_id_check CHECK ((char_length(id) <= 64))
);

ALTER TABLE ONLY public.spent_refresh_tokens FORCE ROW LEVEL SECURITY;


--
-- Name: tasks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tasks (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    provider_id uuid,
    name text NOT NULL,
    state text DEFAULT 'available'::text NOT NULL,
    hidden boolean DEFAULT false NOT NULL,
    task_args jsonb DEFAULT '{}'::jsonb NOT NULL,
    result jsonb,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    job_id bigint,
    attempt integer DEFAULT 0 NOT NULL,
    crashes integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    CONSTRAINT tasks_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 128))),
    CONSTRAINT tasks_state_check CHECK ((state = ANY (ARRAY['available'::text, 'scheduled'::text, 'executing'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])))
);

ALTER TABLE ONLY public.tasks FORCE ROW LEVEL SECURITY;


--
-- Name: TABLE tasks; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.tasks IS 'One row a job; it outlives the provider that it was about, so there is no foreign key to it.';


--
-- Name: COLUMN tasks.hidden; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tasks.hidden IS 'A step that people did not ask for and do not see in lists.';


--
-- Name: COLUMN tasks.job_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tasks.job_id IS 'Job in the queue; null while the task waits for its turn.';


--
-- Name: COLUMN tasks.attempt; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tasks.attempt IS 'Counts starts; a worker whose attempt is not the last one has lost the task and may write nothing.';


--
-- Name: COLUMN tasks.crashes; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tasks.crashes IS 'Starts that ended without a word, because the process died.';


--
-- Name: COLUMN tasks.failures; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tasks.failures IS 'Attempts that failed for a reason that may pass.';


--
-- Name: tenants; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tenants (
    id uuid NOT NULL,
    name text NOT NULL,
    inserted_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tenants_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100)))
);

ALTER TABLE ONLY public.tenants FORCE ROW LEVEL SECURITY;


--
-- Name: users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.users (
    id uuid NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    company_name text DEFAULT ''::text NOT NULL,
    password text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    date_joined timestamp with time zone DEFAULT now() NOT NULL,
    last_login timestamp with time zone,
    CONSTRAINT users_company_name_check CHECK ((char_length(company_name) <= 150)),
    CONSTRAINT users_email_check CHECK (((email = lower(email)) AND (char_length(email) <= 254))),
    CONSTRAINT users_name_check CHECK (((char_length(name) >= 3) AND (char_length(name) <= 150)))
);

ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;


--
-- Name: COLUMN users.password; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.users.password IS 'Argon2id hash in PHC form; no grant to palisade_app.';


--
-- Name: worker_leases; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.worker_leases (
    id text NOT NULL,
    renewed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT worker_leases_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 100)))
);

ALTER TABLE ONLY public.worker_leases FORCE ROW LEVEL SECURITY;


--
-- Name: catalogue_checks catalogue_checks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.catalogue_checks
    ADD CONSTRAINT catalogue_checks_pkey PRIMARY KEY (provider, check_id);


--
-- Name: catalogue_frameworks catalogue_frameworks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.catalogue_frameworks
    ADD CONSTRAINT catalogue_frameworks_pkey PRIMARY KEY (provider, framework_id);


--
-- Name: check_metadata_categories check_metadata_categories_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.check_metadata_categories
    ADD CONSTRAINT check_metadata_categories_pkey PRIMARY KEY (tenant_id, check_metadata_id, category);


--
-- Name: check_metadata check_metadata_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.check_metadata
    ADD CONSTRAINT check_metadata_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: findings findings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.findings
    ADD CONSTRAINT findings_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: flow_steps flow_steps_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.flow_steps
    ADD CONSTRAINT flow_steps_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: flow_steps flow_steps_tenant_id_parent_id_position_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.flow_steps
    ADD CONSTRAINT flow_steps_tenant_id_parent_id_position_key UNIQUE (tenant_id, parent_id, "position");


--
-- Name: ingestion_chunks ingestion_chunks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ingestion_chunks
    ADD CONSTRAINT ingestion_chunks_pkey PRIMARY KEY (tenant_id, ingestion_id, number);


--
-- Name: ingestion_errors ingestion_errors_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ingestion_errors
    ADD CONSTRAINT ingestion_errors_pkey PRIMARY KEY (tenant_id, ingestion_id, number);


--
-- Name: ingestions ingestions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ingestions
    ADD CONSTRAINT ingestions_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: invitation_roles invitation_roles_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.invitation_roles
    ADD CONSTRAINT invitation_roles_pkey PRIMARY KEY (tenant_id, invitation_id, role_id);


--
-- Name: invitations invitations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: invitations invitations_token_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_token_key UNIQUE (token);


--
-- Name: memberships memberships_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: memberships memberships_tenant_id_user_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_tenant_id_user_id_key UNIQUE (tenant_id, user_id);


--
-- Name: provider_group_providers provider_group_providers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_group_providers
    ADD CONSTRAINT provider_group_providers_pkey PRIMARY KEY (tenant_id, provider_group_id, provider_id);


--
-- Name: provider_groups provider_groups_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_groups
    ADD CONSTRAINT provider_groups_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: provider_groups provider_groups_tenant_id_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_groups
    ADD CONSTRAINT provider_groups_tenant_id_name_key UNIQUE (tenant_id, name);


--
-- Name: provider_secrets provider_secrets_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_secrets
    ADD CONSTRAINT provider_secrets_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: provider_secrets provider_secrets_tenant_id_provider_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_secrets
    ADD CONSTRAINT provider_secrets_tenant_id_provider_id_key UNIQUE (tenant_id, provider_id);


--
-- Name: providers providers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.providers
    ADD CONSTRAINT providers_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: resource_finding_mappings resource_finding_mappings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.resource_finding_mappings
    ADD CONSTRAINT resource_finding_mappings_pkey PRIMARY KEY (tenant_id, finding_id, resource_id);


--
-- Name: resource_groups resource_groups_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.resource_groups
    ADD CONSTRAINT resource_groups_pkey PRIMARY KEY (tenant_id, resource_id, name);


--
-- Name: resource_tags resource_tags_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.resource_tags
    ADD CONSTRAINT resource_tags_pkey PRIMARY KEY (tenant_id, resource_id, key, value);


--
-- Name: resources resources_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.resources
    ADD CONSTRAINT resources_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: resources resources_tenant_id_provider_id_uid_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.resources
    ADD CONSTRAINT resources_tenant_id_provider_id_uid_key UNIQUE (tenant_id, provider_id, uid);


--
-- Name: role_provider_groups role_provider_groups_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.role_provider_groups
    ADD CONSTRAINT role_provider_groups_pkey PRIMARY KEY (tenant_id, role_id, provider_group_id);


--
-- Name: role_users role_users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.role_users
    ADD CONSTRAINT role_users_pkey PRIMARY KEY (tenant_id, role_id, user_id);


--
-- Name: roles roles_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.roles
    ADD CONSTRAINT roles_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: roles roles_tenant_id_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.roles
    ADD CONSTRAINT roles_tenant_id_name_key UNIQUE (tenant_id, name);


--
-- Name: scan_category_summaries scan_category_summaries_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.scan_category_summaries
    ADD CONSTRAINT scan_category_summaries_pkey PRIMARY KEY (tenant_id, scan_id, category, severity);


--
-- Name: scan_resource_group_summaries scan_resource_group_summaries_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.scan_resource_group_summaries
    ADD CONSTRAINT scan_resource_group_summaries_pkey PRIMARY KEY (tenant_id, scan_id, resource_group, severity);


--
-- Name: scan_resource_summaries scan_resource_summaries_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.scan_resource_summaries
    ADD CONSTRAINT scan_resource_summaries_pkey PRIMARY KEY (tenant_id, scan_id, resource_id);


--
-- Name: scan_summaries scan_summaries_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.scan_summaries
    ADD CONSTRAINT scan_summaries_pkey PRIMARY KEY (tenant_id, scan_id, check_id, service, severity, region);


--
-- Name: scans scans_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.scans
    ADD CONSTRAINT scans_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: scans scans_tenant_id_provider_id_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.scans
    ADD CONSTRAINT scans_tenant_id_provider_id_id_key UNIQUE (tenant_id, provider_id, id);


--
-- Name: schedules schedules_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT schedules_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: schedules schedules_tenant_id_provider_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT schedules_tenant_id_provider_id_key UNIQUE (tenant_id, provider_id);


--
-- Name: spent_refresh_tokens spent_refresh_tokens_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.spent_refresh_tokens
    ADD CONSTRAINT spent_refresh_tokens_pkey PRIMARY KEY (id);


--
-- Name: tasks tasks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: tenants tenants_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);


--
-- Name: users users_email_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_key UNIQUE (email);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);


--
-- Name: worker_leases worker_leases_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.worker_leases
    ADD CONSTRAINT worker_leases_pkey PRIMARY KEY (id);


--
-- Name: findings_check; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX findings_check ON ONLY public.findings USING btree (tenant_id, scan_id, check_id, id) INCLUDE (provider_id);


--
-- Name: findings_history; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX findings_history ON ONLY public.findings USING btree (tenant_id, uid_hash, id);


--
-- Name: findings_scan; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX findings_scan ON ONLY public.findings USING btree (tenant_id, scan_id, status_rank, severity_rank, id) INCLUDE (provider_id, muted);


--
-- Name: flow_steps_flow; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX flow_steps_flow ON public.flow_steps USING btree (tenant_id, flow_id, id);


--
-- Name: flow_steps_task; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX flow_steps_task ON public.flow_steps USING btree (tenant_id, task_id);


--
-- Name: ingestions_inserted; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ingestions_inserted ON public.ingestions USING btree (tenant_id, inserted_at, id);


--
-- Name: invitation_roles_role; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX invitation_roles_role ON public.invitation_roles USING btree (tenant_id, role_id, invitation_id);


--
-- Name: invitations_email; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX invitations_email ON public.invitations USING btree (tenant_id, email, state);


--
-- Name: memberships_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX memberships_user ON public.memberships USING btree (user_id, date_joined, tenant_id);


--
-- Name: provider_group_providers_provider; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX provider_group_providers_provider ON public.provider_group_providers USING btree (tenant_id, provider_id, provider_group_id);


--
-- Name: providers_account; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX providers_account ON public.providers USING btree (tenant_id, provider, uid) WHERE (deleted_at IS NULL);


--
-- Name: providers_inserted; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX providers_inserted ON public.providers USING btree (tenant_id, inserted_at, id);


--
-- Name: resource_finding_mappings_resource; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX resource_finding_mappings_resource ON ONLY public.resource_finding_mappings USING btree (tenant_id, resource_id, finding_id);


--
-- Name: resources_failed; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX resources_failed ON public.resources USING btree (tenant_id, failed_findings_count DESC, updated_at DESC, id);


--
-- Name: resources_updated; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX resources_updated ON public.resources USING btree (tenant_id, updated_at, id);


--
-- Name: role_provider_groups_group; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX role_provider_groups_group ON public.role_provider_groups USING btree (tenant_id, provider_group_id, role_id);


--
-- Name: role_users_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX role_users_user ON public.role_users USING btree (tenant_id, user_id, role_id);


--
-- Name: scans_active; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX scans_active ON public.scans USING btree (tenant_id, provider_id, inserted_at, id) WHERE (state = ANY (ARRAY['available'::text, 'executing'::text]));


--
-- Name: scans_inserted; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX scans_inserted ON public.scans USING btree (tenant_id, inserted_at, id);


--
-- Name: scans_latest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX scans_latest ON public.scans USING btree (tenant_id, provider_id, inserted_at DESC, id DESC) WHERE (state = 'completed'::text);


--
-- Name: schedules_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX schedules_due ON public.schedules USING btree (next_run_at, tenant_id, provider_id) WHERE enabled;


--
-- Name: spent_refresh_tokens_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX spent_refresh_tokens_expiry ON public.spent_refresh_tokens USING btree (expires_at);


--
-- Name: tasks_inserted; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_inserted ON public.tasks USING btree (tenant_id, inserted_at, id);


--
-- Name: tasks_name; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_name ON public.tasks USING btree (tenant_id, name, inserted_at, id);


--
-- Name: check_metadata_categories check_metadata_categories_tenant_id_check_metadata_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.check_metadata_categories
    ADD CONSTRAINT check_metadata_categories_tenant_id_check_metadata_id_fkey FOREIGN KEY (tenant_id, check_metadata_id) REFERENCES public.check_metadata(tenant_id, id) ON DELETE CASCADE;


--
-- Name: check_metadata check_metadata_tenant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.check_metadata
    ADD CONSTRAINT check_metadata_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;


--
-- Name: findings findings_tenant_id_provider_id_scan_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE public.findings
    ADD CONSTRAINT findings_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES public.scans(tenant_id, provider_id, id) ON DELETE CASCADE;


--
-- Name: flow_steps flow_steps_tenant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.flow_steps
    ADD CONSTRAINT flow_steps_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;


--
-- Name: flow_steps flow_steps_tenant_id_parent_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.flow_steps
    ADD CONSTRAINT flow_steps_tenant_id_parent_id_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES public.flow_steps(tenant_id, id) ON DELETE CASCADE;


--
-- Name: flow_steps flow_steps_tenant_id_task_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.flow_steps
    ADD CONSTRAINT flow_steps_tenant_id_task_id_fkey FOREIGN KEY (tenant_id, task_id) REFERENCES public.tasks(tenant_id, id) ON DELETE CASCADE;


--
-- Name: ingestion_chunks ingestion_chunks_tenant_id_ingestion_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ingestion_chunks
    ADD CONSTRAINT ingestion_chunks_tenant_id_ingestion_id_fkey FOREIGN KEY (tenant_id, ingestion_id) REFERENCES public.ingestions(tenant_id, id) ON DELETE CASCADE;


--
-- Name: ingestion_errors ingestion_errors_tenant_id_ingestion_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ingestion_errors
    ADD CONSTRAINT ingestion_errors_tenant_id_ingestion_id_fkey FOREIGN KEY (tenant_id, ingestion_id) REFERENCES public.ingestions(tenant_id, id) ON DELETE CASCADE;


--
-- Name: ingestions ingestions_tenant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ingestions
    ADD CONSTRAINT ingestions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;


--
-- Name: ingestions ingestions_tenant_id_provider_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ingestions
    ADD CONSTRAINT ingestions_tenant_id_provider_id_fkey FOREIGN KEY (tenant_id, provider_id) REFERENCES public.providers(tenant_id, id) ON DELETE CASCADE;


--
-- Name: ingestions ingestions_tenant_id_provider_id_scan_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ingestions
    ADD CONSTRAINT ingestions_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES public.scans(tenant_id, provider_id, id) ON DELETE CASCADE;


--
-- Name: invitation_roles invitation_roles_tenant_id_invitation_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.invitation_roles
    ADD CONSTRAINT invitation_roles_tenant_id_invitation_id_fkey FOREIGN KEY (tenant_id, invitation_id) REFERENCES public.invitations(tenant_id, id) ON DELETE CASCADE;


--
-- Name: invitation_roles invitation_roles_tenant_id_role_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.invitation_roles
    ADD CONSTRAINT invitation_roles_tenant_id_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES public.roles(tenant_id, id) ON DELETE CASCADE;


--
-- Name: invitations invitations_inviter_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_inviter_id_fkey FOREIGN KEY (inviter_id) REFERENCES public.users(id) ON DELETE SET NULL;


--
-- Name: invitations invitations_tenant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;


--
-- Name: memberships memberships_tenant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;


--
-- Name: memberships memberships_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: provider_group_providers provider_group_providers_tenant_id_provider_group_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_group_providers
    ADD CONSTRAINT provider_group_providers_tenant_id_provider_group_id_fkey FOREIGN KEY (tenant_id, provider_group_id) REFERENCES public.provider_groups(tenant_id, id) ON DELETE CASCADE;


--
-- Name: provider_group_providers provider_group_providers_tenant_id_provider_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_group_providers
    ADD CONSTRAINT provider_group_providers_tenant_id_provider_id_fkey FOREIGN KEY (tenant_id, provider_id) REFERENCES public.providers(tenant_id, id) ON DELETE CASCADE;


--
-- Name: provider_groups provider_groups_tenant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_groups
    ADD CONSTRAINT provider_groups_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;


--
-- Name: provider_secrets provider_secrets_tenant_id_provider_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_secrets
    ADD CONSTRAINT provider_secrets_tenant_id_provider_id_fkey FOREIGN KEY (tenant_id, provider_id) REFERENCES public.providers(tenant_id, id) ON DELETE CASCADE;


--
-- Name: providers providers_tenant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.providers
    ADD CONSTRAINT providers_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;


--
-- Name: resource_finding_mappings resource_finding_mappings_tenant_id_resource_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE public.resource_finding_mappings
    ADD CONSTRAINT resource_finding_mappings_tenant_id_resource_id_fkey FOREIGN KEY (tenant_id, resource_id) REFERENCES public.resources(tenant_id, id) ON DELETE CASCADE;


--
-- Name: resource_groups resource_groups_tenant_id_resource_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.resource_groups
    ADD CONSTRAINT resource_groups_tenant_id_resource_id_fkey FOREIGN KEY (tenant_id, resource_id) REFERENCES public.resources(tenant_id, id) ON DELETE CASCADE;


--
-- Name: resource_tags resource_tags_tenant_id_resource_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.resource_tags
    ADD CONSTRAINT resource_tags_tenant_id_resource_id_fkey FOREIGN KEY (tenant_id, resource_id) REFERENCES public.resources(tenant_id, id) ON DELETE CASCADE;


--
-- Name: resources resources_tenant_id_provider_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.resources
    ADD CONSTRAINT resources_tenant_id_provider_id_fkey FOREIGN KEY (tenant_id, provider_id) REFERENCES public.providers(tenant_id, id) ON DELETE CASCADE;


--
-- Name: role_provider_groups role_provider_groups_tenant_id_provider_group_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.role_provider_groups
    ADD CONSTRAINT role_provider_groups_tenant_id_provider_group_id_fkey FOREIGN KEY (tenant_id, provider_group_id) REFERENCES public.provider_groups(tenant_id, id) ON DELETE CASCADE;


--
-- Name: role_provider_groups role_provider_groups_tenant_id_role_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.role_provider_groups
    ADD CONSTRAINT role_provider_groups_tenant_id_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES public.roles(tenant_id, id) ON DELETE CASCADE;


--
-- Name: role_users role_users_tenant_id_role_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.role_users
    ADD CONSTRAINT role_users_tenant_id_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES public.roles(tenant_id, id) ON DELETE CASCADE;


--
-- Name: role_users role_users_tenant_id_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.role_users
    ADD CONSTRAINT role_users_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.memberships(tenant_id, user_id) ON DELETE CASCADE;


--
-- Name: roles roles_tenant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.roles
    ADD CONSTRAINT roles_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;


--
-- Name: scan_category_summaries scan_category_summaries_tenant_id_provider_id_scan_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.scan_category_summaries
    ADD CONSTRAINT scan_category_summaries_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES public.scans(tenant_id, provider_id, id) ON DELETE CASCADE;


--
-- Name: scan_resource_group_summaries scan_resource_group_summaries_tenant_id_provider_id_scan_i_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.scan_resource_group_summaries
    ADD CONSTRAINT scan_resource_group_summaries_tenant_id_provider_id_scan_i_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES public.scans(tenant_id, provider_id, id) ON DELETE CASCADE;


--
-- Name: scan_resource_summaries scan_resource_summaries_tenant_id_provider_id_scan_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.scan_resource_summaries
    ADD CONSTRAINT scan_resource_summaries_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES public.scans(tenant_id, provider_id, id) ON DELETE CASCADE;


--
-- Name: scan_summaries scan_summaries_tenant_id_provider_id_scan_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.scan_summaries
    ADD CONSTRAINT scan_summaries_tenant_id_provider_id_scan_id_fkey FOREIGN KEY (tenant_id, provider_id, scan_id) REFERENCES public.scans(tenant_id, provider_id, id) ON DELETE CASCADE;


--
-- Name: scans scans_tenant_id_provider_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.scans
    ADD CONSTRAINT scans_tenant_id_provider_id_fkey FOREIGN KEY (tenant_id, provider_id) REFERENCES public.providers(tenant_id, id) ON DELETE CASCADE;


--
-- Name: schedules schedules_tenant_id_provider_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT schedules_tenant_id_provider_id_fkey FOREIGN KEY (tenant_id, provider_id) REFERENCES public.providers(tenant_id, id) ON DELETE CASCADE;


--
-- Name: spent_refresh_tokens spent_refresh_tokens_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.spent_refresh_tokens
    ADD CONSTRAINT spent_refresh_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: tasks tasks_tenant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;


--
-- Name: catalogue_checks; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.catalogue_checks ENABLE ROW LEVEL SECURITY;

--
-- Name: catalogue_frameworks; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.catalogue_frameworks ENABLE ROW LEVEL SECURITY;

--
-- Name: check_metadata; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.check_metadata ENABLE ROW LEVEL SECURITY;

--
-- Name: check_metadata_categories; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.check_metadata_categories ENABLE ROW LEVEL SECURITY;

--
-- Name: findings; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.findings ENABLE ROW LEVEL SECURITY;

--
-- Name: flow_steps; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.flow_steps ENABLE ROW LEVEL SECURITY;

--
-- Name: ingestion_chunks; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.ingestion_chunks ENABLE ROW LEVEL SECURITY;

--
-- Name: ingestion_errors; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.ingestion_errors ENABLE ROW LEVEL SECURITY;

--
-- Name: ingestions; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.ingestions ENABLE ROW LEVEL SECURITY;

--
-- Name: invitation_roles; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.invitation_roles ENABLE ROW LEVEL SECURITY;

--
-- Name: invitations; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.invitations ENABLE ROW LEVEL SECURITY;

--
-- Name: users members; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY members ON public.users TO palisade_app USING ((EXISTS ( SELECT
   FROM public.memberships m
  WHERE ((m.tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")) AND (m.user_id = users.id)))));


--
-- Name: memberships; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.memberships ENABLE ROW LEVEL SECURITY;

--
-- Name: provider_group_providers; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.provider_group_providers ENABLE ROW LEVEL SECURITY;

--
-- Name: provider_groups; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.provider_groups ENABLE ROW LEVEL SECURITY;

--
-- Name: provider_secrets; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.provider_secrets ENABLE ROW LEVEL SECURITY;

--
-- Name: findings provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.findings AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: flow_steps provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.flow_steps AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: ingestion_errors provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.ingestion_errors AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: ingestions provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.ingestions AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: provider_group_providers provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.provider_group_providers AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: provider_secrets provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.provider_secrets AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: providers provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.providers AS RESTRICTIVE TO palisade_app USING (((id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: resource_finding_mappings provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.resource_finding_mappings AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: resource_groups provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.resource_groups AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: resource_tags provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.resource_tags AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: resources provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.resources AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: scan_category_summaries provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.scan_category_summaries AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: scan_resource_group_summaries provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.scan_resource_group_summaries AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: scan_resource_summaries provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.scan_resource_summaries AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: scan_summaries provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.scan_summaries AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: scans provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.scans AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: schedules provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.schedules AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: tasks provider_visibility; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY provider_visibility ON public.tasks AS RESTRICTIVE TO palisade_app USING (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[])))) WITH CHECK (((provider_id IS NULL) OR ( SELECT (current_setting('app.visible_providers'::text, true) = '*'::text)) OR (provider_id = ANY ((( SELECT
        CASE
            WHEN (current_setting('app.visible_providers'::text, true) = '*'::text) THEN '{}'::text
            ELSE COALESCE(NULLIF(current_setting('app.visible_providers'::text, true), ''::text), '{}'::text)
        END AS "coalesce"))::uuid[]))));


--
-- Name: providers; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.providers ENABLE ROW LEVEL SECURITY;

--
-- Name: catalogue_checks readable; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY readable ON public.catalogue_checks FOR SELECT TO palisade_app USING (true);


--
-- Name: catalogue_frameworks readable; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY readable ON public.catalogue_frameworks FOR SELECT TO palisade_app USING (true);


--
-- Name: resource_finding_mappings; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.resource_finding_mappings ENABLE ROW LEVEL SECURITY;

--
-- Name: resource_groups; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.resource_groups ENABLE ROW LEVEL SECURITY;

--
-- Name: resource_tags; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.resource_tags ENABLE ROW LEVEL SECURITY;

--
-- Name: resources; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.resources ENABLE ROW LEVEL SECURITY;

--
-- Name: role_provider_groups; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.role_provider_groups ENABLE ROW LEVEL SECURITY;

--
-- Name: role_users; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.role_users ENABLE ROW LEVEL SECURITY;

--
-- Name: roles; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.roles ENABLE ROW LEVEL SECURITY;

--
-- Name: scan_category_summaries; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.scan_category_summaries ENABLE ROW LEVEL SECURITY;

--
-- Name: scan_resource_group_summaries; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.scan_resource_group_summaries ENABLE ROW LEVEL SECURITY;

--
-- Name: scan_resource_summaries; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.scan_resource_summaries ENABLE ROW LEVEL SECURITY;

--
-- Name: scan_summaries; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.scan_summaries ENABLE ROW LEVEL SECURITY;

--
-- Name: scans; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.scans ENABLE ROW LEVEL SECURITY;

--
-- Name: schedules; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.schedules ENABLE ROW LEVEL SECURITY;

--
-- Name: spent_refresh_tokens; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.spent_refresh_tokens ENABLE ROW LEVEL SECURITY;

--
-- Name: catalogue_checks system_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY system_scope ON public.catalogue_checks TO palisade_system USING ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{catalogue}'::text[]))) WITH CHECK ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{catalogue}'::text[])));


--
-- Name: catalogue_frameworks system_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY system_scope ON public.catalogue_frameworks TO palisade_system USING ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{catalogue}'::text[]))) WITH CHECK ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{catalogue}'::text[])));


--
-- Name: invitation_roles system_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY system_scope ON public.invitation_roles TO palisade_system USING ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{self,sign_up,invitation}'::text[]))) WITH CHECK ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{self,sign_up,invitation}'::text[])));


--
-- Name: invitations system_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY system_scope ON public.invitations TO palisade_system USING ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{sign_up,invitation}'::text[]))) WITH CHECK ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{sign_up,invitation}'::text[])));


--
-- Name: memberships system_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY system_scope ON public.memberships TO palisade_system USING ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{login,session,self,sign_up,invitation}'::text[]))) WITH CHECK ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{login,session,self,sign_up,invitation}'::text[])));


--
-- Name: role_provider_groups system_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY system_scope ON public.role_provider_groups TO palisade_system USING ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session}'::text[]))) WITH CHECK ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session}'::text[])));


--
-- Name: role_users system_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY system_scope ON public.role_users TO palisade_system USING ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session,self,sign_up,invitation}'::text[]))) WITH CHECK ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session,self,sign_up,invitation}'::text[])));


--
-- Name: roles system_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY system_scope ON public.roles TO palisade_system USING ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session,self,sign_up,invitation}'::text[]))) WITH CHECK ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{session,self,sign_up,invitation}'::text[])));


--
-- Name: schedules system_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY system_scope ON public.schedules TO palisade_system USING ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{schedule}'::text[]))) WITH CHECK ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{schedule}'::text[])));


--
-- Name: spent_refresh_tokens system_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY system_scope ON public.spent_refresh_tokens TO palisade_system USING ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{login,session}'::text[]))) WITH CHECK ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{login,session}'::text[])));


--
-- Name: tenants system_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY system_scope ON public.tenants TO palisade_system USING ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{login,session,self,sign_up,invitation}'::text[]))) WITH CHECK ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{login,session,self,sign_up,invitation}'::text[])));


--
-- Name: users system_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY system_scope ON public.users TO palisade_system USING ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{login,session,self,sign_up,invitation}'::text[]))) WITH CHECK ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{login,session,self,sign_up,invitation}'::text[])));


--
-- Name: worker_leases system_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY system_scope ON public.worker_leases TO palisade_system USING ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{queue}'::text[]))) WITH CHECK ((( SELECT current_setting('app.scope'::text, true) AS current_setting) = ANY ('{queue}'::text[])));


--
-- Name: tasks; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY;

--
-- Name: check_metadata tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.check_metadata TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: check_metadata_categories tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.check_metadata_categories TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: findings tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.findings TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: flow_steps tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.flow_steps TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: ingestion_chunks tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.ingestion_chunks TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: ingestion_errors tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.ingestion_errors TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: ingestions tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.ingestions TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: invitation_roles tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.invitation_roles TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: invitations tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.invitations TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: memberships tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.memberships TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: provider_group_providers tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.provider_group_providers TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: provider_groups tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.provider_groups TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: provider_secrets tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.provider_secrets TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: providers tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.providers TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: resource_finding_mappings tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.resource_finding_mappings TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: resource_groups tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.resource_groups TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: resource_tags tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.resource_tags TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: resources tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.resources TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: role_provider_groups tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.role_provider_groups TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: role_users tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.role_users TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: roles tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.roles TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: scan_category_summaries tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.scan_category_summaries TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: scan_resource_group_summaries tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.scan_resource_group_summaries TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: scan_resource_summaries tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.scan_resource_summaries TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: scan_summaries tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.scan_summaries TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: scans tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.scans TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: schedules tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.schedules TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: tasks tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.tasks TO palisade_app USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: tenants tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.tenants TO palisade_app USING ((id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif")));


--
-- Name: tenants; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;

--
-- Name: users; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

--
-- Name: worker_leases; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.worker_leases ENABLE ROW LEVEL SECURITY;

--
-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA public TO palisade_app;
GRANT USAGE ON SCHEMA public TO palisade_system;


--
-- Name: FUNCTION ensure_partitions(since date, months integer); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.ensure_partitions(since date, months integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.ensure_partitions(since date, months integer) TO palisade_system;


--
-- Name: FUNCTION rescue_orphans(silence double precision); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.rescue_orphans(silence double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION public.rescue_orphans(silence double precision) TO palisade_system;


--
-- Name: TABLE catalogue_checks; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.catalogue_checks TO palisade_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.catalogue_checks TO palisade_system;


--
-- Name: TABLE catalogue_frameworks; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.catalogue_frameworks TO palisade_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.catalogue_frameworks TO palisade_system;


--
-- Name: TABLE check_metadata; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.check_metadata TO palisade_app;


--
-- Name: TABLE check_metadata_categories; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.check_metadata_categories TO palisade_app;


--
-- Name: TABLE findings; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.findings TO palisade_app;


--
-- Name: TABLE flow_steps; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.flow_steps TO palisade_app;


--
-- Name: TABLE ingestion_chunks; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.ingestion_chunks TO palisade_app;


--
-- Name: TABLE ingestion_errors; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.ingestion_errors TO palisade_app;


--
-- Name: TABLE ingestions; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.ingestions TO palisade_app;


--
-- Name: TABLE invitation_roles; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.invitation_roles TO palisade_app;
GRANT SELECT ON TABLE public.invitation_roles TO palisade_system;


--
-- Name: TABLE invitations; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.invitations TO palisade_app;
GRANT SELECT ON TABLE public.invitations TO palisade_system;


--
-- Name: COLUMN invitations.state; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(state) ON TABLE public.invitations TO palisade_system;


--
-- Name: COLUMN invitations.updated_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(updated_at) ON TABLE public.invitations TO palisade_system;


--
-- Name: TABLE memberships; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.memberships TO palisade_app;
GRANT SELECT,INSERT,DELETE ON TABLE public.memberships TO palisade_system;


--
-- Name: TABLE provider_group_providers; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.provider_group_providers TO palisade_app;


--
-- Name: TABLE provider_groups; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.provider_groups TO palisade_app;


--
-- Name: TABLE provider_secrets; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.provider_secrets TO palisade_app;


--
-- Name: TABLE providers; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.providers TO palisade_app;


--
-- Name: TABLE resource_finding_mappings; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.resource_finding_mappings TO palisade_app;


--
-- Name: TABLE resource_groups; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.resource_groups TO palisade_app;


--
-- Name: TABLE resource_tags; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.resource_tags TO palisade_app;


--
-- Name: TABLE resources; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.resources TO palisade_app;


--
-- Name: TABLE role_provider_groups; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.role_provider_groups TO palisade_app;
GRANT SELECT ON TABLE public.role_provider_groups TO palisade_system;


--
-- Name: TABLE role_users; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.role_users TO palisade_app;
GRANT SELECT,INSERT ON TABLE public.role_users TO palisade_system;


--
-- Name: TABLE roles; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.roles TO palisade_app;
GRANT SELECT,INSERT,DELETE ON TABLE public.roles TO palisade_system;


--
-- Name: TABLE scan_category_summaries; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.scan_category_summaries TO palisade_app;


--
-- Name: TABLE scan_resource_group_summaries; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.scan_resource_group_summaries TO palisade_app;


--
-- Name: TABLE scan_resource_summaries; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.scan_resource_summaries TO palisade_app;


--
-- Name: TABLE scan_summaries; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.scan_summaries TO palisade_app;


--
-- Name: TABLE scans; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.scans TO palisade_app;


--
-- Name: TABLE schedules; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.schedules TO palisade_app;


--
-- Name: COLUMN schedules.tenant_id; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(tenant_id) ON TABLE public.schedules TO palisade_system;


--
-- Name: COLUMN schedules.provider_id; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(provider_id) ON TABLE public.schedules TO palisade_system;


--
-- Name: COLUMN schedules.next_run_at; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(next_run_at) ON TABLE public.schedules TO palisade_system;


--
-- Name: COLUMN schedules.enabled; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(enabled) ON TABLE public.schedules TO palisade_system;


--
-- Name: TABLE spent_refresh_tokens; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE public.spent_refresh_tokens TO palisade_system;


--
-- Name: TABLE tasks; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tasks TO palisade_app;


--
-- Name: TABLE tenants; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.tenants TO palisade_app;
GRANT SELECT,INSERT ON TABLE public.tenants TO palisade_system;


--
-- Name: COLUMN tenants.name; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(name) ON TABLE public.tenants TO palisade_app;
GRANT UPDATE(name) ON TABLE public.tenants TO palisade_system;


--
-- Name: COLUMN tenants.updated_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(updated_at) ON TABLE public.tenants TO palisade_app;
GRANT UPDATE(updated_at) ON TABLE public.tenants TO palisade_system;


--
-- Name: TABLE users; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE public.users TO palisade_system;


--
-- Name: COLUMN users.id; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(id) ON TABLE public.users TO palisade_app;


--
-- Name: COLUMN users.name; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(name) ON TABLE public.users TO palisade_app;
GRANT UPDATE(name) ON TABLE public.users TO palisade_system;


--
-- Name: COLUMN users.email; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(email) ON TABLE public.users TO palisade_app;
GRANT UPDATE(email) ON TABLE public.users TO palisade_system;


--
-- Name: COLUMN users.company_name; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(company_name) ON TABLE public.users TO palisade_app;
GRANT UPDATE(company_name) ON TABLE public.users TO palisade_system;


--
-- Name: COLUMN users.password; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(password) ON TABLE public.users TO palisade_system;


--
-- Name: COLUMN users.is_active; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(is_active) ON TABLE public.users TO palisade_app;


--
-- Name: COLUMN users.date_joined; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(date_joined) ON TABLE public.users TO palisade_app;


--
-- Name: COLUMN users.last_login; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(last_login) ON TABLE public.users TO palisade_app;
GRANT UPDATE(last_login) ON TABLE public.users TO palisade_system;


--
-- Name: TABLE worker_leases; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.worker_leases TO palisade_system;


--
-- PostgreSQL database dump complete
--

\unrestrict FhhLla1jXYJP3PjmC9dlxW1o8Zrx68OOb84jIkWl8k9IucIvlakkR5ZGmCYKxls

