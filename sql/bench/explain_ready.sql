-- Purpose: whether explain_world has filled the database behind as many findings ($1) of the organisation ($2) as are wanted.
select (select count(*) from findings where tenant_id = $2::uuid) >= $1::bigint and exists (select from roles where tenant_id = $2::uuid and name = 'Limited')
