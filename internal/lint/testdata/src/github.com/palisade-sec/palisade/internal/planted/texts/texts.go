// Package texts holds SQL text, and sentences that are none.
package texts

var (
	_ = "select id from findings where id = $1"        // want `SQL text`
	_ = "-- comment\nSELECT id\nFROM findings"         // want `SQL text`
	_ = "select " + "count(*)" + " from findings"      // want `SQL text`
	_ = "select set_config('app.tenant_id', $1, true)" // want `SQL text`
	_ = "insert into findings (id) values ($1)"        // want `SQL text`
	_ = "update findings set muted = true"             // want `SQL text`
	_ = "update findings f set muted = true"           // want `SQL text`
	_ = "delete from findings where id = $1"           // want `SQL text`
	_ = "with x as (select 1) select * from x"         // want `SQL text`
	_ = "create table lamps (id uuid)"                 // want `SQL text`
	_ = "drop policy tenant on findings"               // want `SQL text`
	_ = "set local app.tenant_id = 'x'"                // want `SQL text`
	_ = "grant select on findings to palisade_app"     // want `SQL text`

	_ = "select one of the providers"
	_ = "create a tenant"
	_ = "Update a provider"
	_ = "with a role that manages scans"
	_ = "delete from the list"
	_ = "insert into the queue"
	_ = "drop what is old"
)
