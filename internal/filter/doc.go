// Package filter turns the query parameters of a request into typed pieces of SQL: conditions, an order, a page.
//
// A resource declares a Table: the fields that may be filtered, sorted, searched and included, each bound to a checked
// column. Parse holds a request against it and answers either a Query or the refusal that the wire contract prescribes.
// Nothing that a request says becomes SQL text: names are looked up in the table, values travel as $n. A Fragment can be
// made here only, and Splice is how the executor puts one into a generated query.
//
// What does not belong here: database access, HTTP, tenants, permissions. Whether a referenced object exists, or how a
// page is written, is decided elsewhere.
package filter
