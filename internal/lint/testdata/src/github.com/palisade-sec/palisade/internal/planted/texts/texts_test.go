package texts

var _ = "select id from findings"
