// Package scope holds the SQL with which the executors open a transaction. Nothing else belongs here: queries that read
// or write data are in sql/tenant and sql/system.
package scope

import _ "embed"

// Open is the statement that sets the scope of a transaction; its parameters are listed in its header.
//
//go:embed open.sql
var Open string

// Narrow is the statement that resolves a visibility condition to the set of visible providers; the marker "visible"
// takes the condition.
//
//go:embed narrow.sql
var Narrow string
