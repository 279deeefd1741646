// Package engine runs scanners as child processes and turns what they say into findings, connection results
// and catalogue entries.
//
// A secret enters through Request and leaves on the child's standard input alone: never as an argument, in the
// environment, on disk, in a log or in an error. The package stores nothing and knows no tenant, job or task.
package engine
