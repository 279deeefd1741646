-- Purpose: triggers of our schemas, without those that implement foreign keys and those of partitions.
select pg_get_triggerdef(t.oid) || ';'
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
join pg_namespace n on n.oid = c.relnamespace
where not t.tgisinternal and t.tgparentid = 0
    and n.nspname not in ('information_schema', 'river') and n.nspname not like 'pg\_%'
order by c.oid::regclass::text collate "C", t.tgname collate "C"
