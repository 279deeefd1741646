-- Purpose: the ids of some findings ($1: how many), spread over all of them.
select f.id from findings f order by f.uid_hash limit $1
