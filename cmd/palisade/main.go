// Command palisade is the whole product in one binary: the API server, its workers and the tools of its operators.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run executes the command line and returns the exit status.
func run(ctx context.Context, args []string) int {
	command := rootCommand()
	command.SetArgs(args)
	err := command.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "palisade:", err)
	}
	return status(err)
}

// status is the exit status of an error: 0 for none, 2 for wrong use, 3 for a difference that was asked for, 1 for anything
// else.
func status(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		return 2
	case errors.Is(err, errDifferent):
		return 3
	}
	return 1
}
