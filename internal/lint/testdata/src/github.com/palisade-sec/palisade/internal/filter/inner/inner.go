package inner

var _ = "select id from findings"
