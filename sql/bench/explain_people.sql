-- Purpose: tables without a tenant as the samples see them, for this session.
create temp view people as select u.*, m.tenant_id from users u join memberships m on m.user_id = u.id;
create temp view own_tenants as select t.*, t.id as tenant_id from tenants t;
create temp view own_memberships as select m.* from memberships m join users u on u.id = m.user_id where u.email = 'bench@example.com'
