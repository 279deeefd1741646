// Command gen writes what machines write: migrations/schema.sql from the migrations, and gen/tenantdb and gen/systemdb
// from the SQL files. It runs in the repository's root. What has not changed since the last run, by the hashes kept in
// gen/stamp.json, is not made again; -force makes everything.
//
// The OpenAPI documents in gen/ are written by the program itself (palisade openapi): they need the whole program, which
// needs what is written here.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// stampFile keeps the hashes of what was last made, and of what it was made from.
const stampFile = "gen/stamp.json"

// stamp says what the generated files were made from and what they are; keys are the steps' names.
type stamp map[string]string

func main() {
	force := flag.Bool("force", false, "make everything, changed or not")
	only := flag.String("only", "", "the one step to take: schema or queries")
	sqlc := flag.String("sqlc", "", "compiled query compiler to use instead of the pinned Go tool")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := generate(ctx, *force, *only, *sqlc); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func generate(ctx context.Context, force bool, only, sqlc string) error {
	steps := []step{
		{name: "schema", inputs: []string{"migrations/[0-9]*.sql", "sql/catalog/*.sql", "go.sum"}, outputs: []string{schemaFile}, make: writeSchema},
		{name: "queries", inputs: []string{schemaFile, "sql/tenant/*.sql", "sql/system/*.sql", "sqlc.yaml", "tools/tools.mod", "tools/seal/*.go"},
			outputs: []string{"gen/tenantdb/*.go", "gen/systemdb/*.go"},
			make:    func(ctx context.Context) error { return compileQueries(ctx, sqlc) }},
	}
	done := readStamp()
	for _, step := range steps {
		if only != "" && only != step.name {
			continue
		}
		hash, err := step.hash()
		if err != nil {
			return err
		}
		if !force && done[step.name] == hash {
			fmt.Println(step.name + ": up to date")
			continue
		}
		if err := step.make(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if done[step.name], err = step.hash(); err != nil {
			return err
		}
		fmt.Println(step.name + ": written")
	}
	return done.write()
}

func readStamp() stamp {
	done := stamp{}
	// A stamp that is missing or damaged means that everything is made again.
	if content, err := os.ReadFile(stampFile); err == nil {
		_ = json.Unmarshal(content, &done)
	}
	return done
}

func (s stamp) write() error {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(stampFile, append(content, '\n'), 0o644)
}
