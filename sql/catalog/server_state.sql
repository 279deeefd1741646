-- Purpose: what the connected server and role are, for the deployment check: version, how many connections the server takes from
-- roles like this one, the role and its own limit of connections (-1: none), and how long a statement of it may run unless the
-- program says otherwise (0: for ever).
select
    current_setting('server_version_num')::int as version,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true), '0')::int as connections,
    r.rolname::text as role,
    r.rolconnlimit as role_connections,
    (select s.setting::bigint from pg_settings s where s.name = 'statement_timeout') as statement_timeout
from pg_roles r
where r.rolname = session_user
