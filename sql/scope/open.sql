-- Purpose: open a scope inside the current transaction: who asks, what may be seen, for how long, and whether anything may
-- be written. All settings are local to the transaction. $1 tenant id, $2 user id, $3 visible providers ('*' or a uuid
-- array), $4 scope of palisade_system, $5 statement timeout in ms, $6 'on' to forbid writes, $7 plan_cache_mode. Who says nothing
-- for a minute in the middle of a transaction is frozen or cut off: what it holds is set free for others.
-- Reads go by indexes: of a table that was empty when it was last looked at, as next month's partition is, the planner believes that
-- reading all of it is free, and loses the order of the index for the tables beside it. Such costs must not start the compiler, nor
-- workers, which took seconds to start for each row of a page: the machine's processors are for the requests of others.
-- Index: none.
select set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true),
    set_config('app.visible_providers', $3, true), set_config('app.scope', $4, true),
    set_config('statement_timeout', $5, true), set_config('transaction_read_only', $6, true),
    set_config('idle_in_transaction_session_timeout', '60000', true), set_config('jit', 'off', true),
    set_config('plan_cache_mode', $7, true),
    set_config('max_parallel_workers_per_gather', case $6 when 'on' then '0' else current_setting('max_parallel_workers_per_gather') end, true),
    set_config('enable_seqscan', case $6 when 'on' then 'off' else 'on' end, true)
