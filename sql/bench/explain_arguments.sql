-- Purpose: what explain_world is to fill: the organisation whose lists are asked for ($1), another one ($2), the provider that all of
-- somebody's few findings are of ($3), how many rows a table of thousands has for each organisation ($4).
select set_config('explain.tenant', $1, false), set_config('explain.other', $2, false), set_config('explain.small', $3, false),
    set_config('explain.rows', $4, false)
