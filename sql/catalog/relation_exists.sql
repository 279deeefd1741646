-- Purpose: whether a table or view exists. $1 name, with its schema unless that is on the search path.
select to_regclass($1::text) is not null
