-- Purpose: the most frequent value of a column in an organisation ($1), and a rare one. The program puts the names of the table and
-- the column in. Run by a superuser.
with counted as (
    select column_name::text as value, count(*) as rows from table_name where tenant_id = $1 and column_name::text <> '' group by 1
)
select coalesce((select value from counted order by rows desc, value limit 1), ''), coalesce((select value from counted order by rows, md5(value) limit 1), '')
