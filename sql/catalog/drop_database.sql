-- Purpose: the statement that drops a database although sessions are open in it. $1 name.
select format('drop database if exists %I with (force)', $1::text)
