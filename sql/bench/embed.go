// Package bench holds the SQL that benchmarks compare the program with, run on a bare connection. Nothing else uses it.
package bench

import "embed"

// FS holds one statement per file; the file's header says what it does and what its parameters are.
//
//go:embed *.sql
var FS embed.FS

// Read returns the statement of a file, by its name without ".sql". It panics for a name that does not exist.
func Read(name string) string {
	text, err := FS.ReadFile(name + ".sql")
	if err != nil {
		panic(err)
	}
	return string(text)
}
