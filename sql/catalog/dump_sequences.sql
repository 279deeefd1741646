-- Purpose: sequences of our schemas that are not part of an identity column. $1 name of the table of the migrations' bookkeeping.
select format('create sequence %s as %s increment by %s start with %s;', c.oid::regclass, s.seqtypid::regtype, s.seqincrement, s.seqstart)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_sequence s on s.seqrelid = c.oid
where n.nspname not in ('information_schema', 'river') and n.nspname not like 'pg\_%'
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
        and (d.deptype in ('i', 'e') or (d.deptype = 'a' and d.refobjid = to_regclass($1))))
order by c.oid::regclass::text collate "C"
