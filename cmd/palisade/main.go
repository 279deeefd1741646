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

// run executes the command line: 0 ok, 1 failed, 2 wrong use.
func run(ctx context.Context, args []string) int {
	command := rootCommand()
	command.SetArgs(args)
	err := command.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintln(os.Stderr, "palisade:", err)
		return 2
	}
	fmt.Fprintln(os.Stderr, "palisade:", err)
	return 1
}
