-- Purpose: how long a statement may take that is explained ($1, in ms), for the rest of the transaction.
select set_config('statement_timeout', $1, true)
