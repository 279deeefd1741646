package tenantdb

var _ = "select id from findings"
