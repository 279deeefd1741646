-- Purpose: foreign keys of our schemas.
select format('alter table %s add constraint %I %s;', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
from pg_constraint k
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
where k.contype = 'f' and k.conparentid = 0 and not c.relispartition
    and n.nspname not in ('information_schema', 'river') and n.nspname not like 'pg\_%'
order by k.conrelid::regclass::text collate "C", k.conname collate "C"
