-- Purpose: open a scope inside the current transaction: who asks, what may be seen, for how long, and whether anything may
-- be written. All settings are local to the transaction. $1 tenant id, $2 user id, $3 visible providers ('*' or a uuid
-- array), $4 scope of palisade_system, $5 statement timeout in ms, $6 'on' to forbid writes. Who says nothing for a minute in the
-- middle of a transaction is frozen or cut off: what it holds is set free for others.
-- Index: none.
select set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true),
    set_config('app.visible_providers', $3, true), set_config('app.scope', $4, true),
    set_config('statement_timeout', $5, true), set_config('transaction_read_only', $6, true),
    set_config('idle_in_transaction_session_timeout', '60000', true)
