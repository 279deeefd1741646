package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

const executors = "github.com/palisade-sec/palisade/internal/"

// compileQueries turns the SQL files into Go and closes the result: only the executors' values fit.
func compileQueries(ctx context.Context, sqlc string) error {
	compile := []string{"go", "tool", "-modfile=tools/tools.mod", "sqlc", "generate"}
	if sqlc != "" {
		compile = []string{sqlc, "generate"}
	}
	commands := [][]string{
		compile,
		{"go", "run", "./tools/seal", "gen/tenantdb/db.go", executors + "tenant"},
		{"go", "run", "./tools/seal", "gen/systemdb/db.go", executors + "system"},
		{"gofmt", "-w", "gen/tenantdb", "gen/systemdb"},
	}
	for _, words := range commands {
		command := exec.CommandContext(ctx, words[0], words[1:]...)
		command.Stdout, command.Stderr = os.Stdout, os.Stderr
		if err := command.Run(); err != nil {
			return fmt.Errorf("%s: %w", words[0], err)
		}
	}
	return nil
}
