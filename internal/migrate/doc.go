// Package migrate brings a database to the current schema and describes the result: bootstrapping roles and database,
// applying and reverting the numbered migrations under a lock, the reviewed dump, and the check that a runtime role
// cannot bypass row level security.
//
// The migrations themselves are in folder migrations, the SQL of this package in sql/catalog. Nothing here is used while
// serving requests.
package migrate
