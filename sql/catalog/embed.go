// Package catalog holds the SQL that builds, locks, inspects and describes a database: bootstrapping, the reviewed dump,
// the check of the connected role. None of it reads or writes the product's data, and no runtime request uses it.
package catalog

import "embed"

// FS holds one statement per file; the file's header says what it does and what its parameters are.
//
//go:embed *.sql
var FS embed.FS

// Read returns the statement of a file, by its name without ".sql". It panics for a name that does not exist: names
// are constants, and the tests of the packages that use them run them all.
func Read(name string) string {
	text, err := FS.ReadFile(name + ".sql")
	if err != nil {
		panic(err)
	}
	return string(text)
}
