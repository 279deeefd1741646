-- Purpose: put copies of the completed scans behind them: every row that ingestion left about one of them, as if it had been left
-- earlier, a minute for each copy. bench.copies says how many, all together. Run by a superuser, without triggers; tables are found by their columns,
-- uuids of scans and findings move with the time that they hold.
set session_replication_role = 'replica';
create function pg_temp.earlier(id uuid, back interval) returns uuid language sql immutable as $$
    select (lpad(to_hex(('x' || lpad(substr(replace(id::text, '-', ''), 1, 12), 16, '0'))::bit(64)::bigint
        - (extract(epoch from back) * 1000)::bigint), 12, '0') || substr(replace(id::text, '-', ''), 13))::uuid
$$;
create temporary table copies as
select s.id as template, c.number * interval '1 minute' as back
from generate_series(1, current_setting('bench.copies')::integer) c(number)
join (
    select x.id, row_number() over (order by x.inserted_at desc) - 1 as number, count(*) over () as templates from scans x where x.state = 'completed'
) s on s.number = c.number % s.templates;
do $$
declare
    one record;
begin
    for one in
        select c.relname as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns,
            string_agg(case
                when a.attname in ('id', 'scan_id', 'first_finding_id', 'last_finding_id') then format('pg_temp.earlier(t.%I, k.back)', a.attname)
                when a.attname = 'finding_ids' then
                    'case when t.finding_ids is not null then array(select pg_temp.earlier(f.id, k.back) from unnest(t.finding_ids) f(id)) end'
                when a.atttypid = 'timestamptz'::regtype and a.attname not in ('first_seen_at', 'failing_since') then format('t.%I - k.back', a.attname)
                else format('t.%I', a.attname)
            end, ', ' order by a.attnum) as content,
            case when c.relname = 'scans' then 'id' else 'scan_id' end as scan
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
            and c.relname not in ('ingestions', 'scan_recounts')
            and (c.relname = 'scans' or exists (select from pg_attribute x where x.attrelid = c.oid and x.attname = 'scan_id'))
        group by c.relname
    loop
        execute format('insert into %I (%s) select %s from copies k join %I t on t.%I = k.template', one.name, one.columns, one.content, one.name, one.scan);
    end loop;
end
$$;
