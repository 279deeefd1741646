-- Purpose: put a session into a tenant ($1) once and for all, so that what follows is the bare statement. $2 'on' or 'off':
-- whether commits wait for the disk.
select set_config('app.tenant_id', $1, false), set_config('app.user_id', '', false), set_config('app.visible_providers', '*', false),
    set_config('synchronous_commit', $2, false)
