// Command seal closes a generated query package: it embeds the Sealed interface of an executor's package in the package's
// DBTX interface, so that only that executor's values fit. It runs after the query compiler.
//
//	seal FILE PACKAGE
package main

import (
	"fmt"
	"os"
	"path"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: seal FILE PACKAGE")
		os.Exit(2)
	}
	if err := seal(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func seal(file, executor string) error {
	source, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read generated file: %w", err)
	}
	text := string(source)
	const opening, imports = "type DBTX interface {\n", "import (\n"
	if strings.Count(text, opening) != 1 || strings.Count(text, imports) != 1 {
		return fmt.Errorf("%s does not look like generated query code", file)
	}
	text = strings.Replace(text, opening, opening+"\t"+path.Base(executor)+".Sealed\n", 1)
	text = strings.Replace(text, imports, imports+"\t\""+executor+"\"\n", 1)
	// A query package is used through its executor alone; a transaction never comes from outside.
	start := strings.Index(text, "func (q *Queries) WithTx(")
	if start < 0 {
		return fmt.Errorf("%s has no WithTx", file)
	}
	text = strings.TrimRight(text[:start], "\n") + "\n"
	text = strings.Replace(text, "\t\"github.com/jackc/pgx/v5\"\n", "\t\"github.com/jackc/pgx/v5\"\n", 1)
	return os.WriteFile(file, []byte(text), 0o644)
}
