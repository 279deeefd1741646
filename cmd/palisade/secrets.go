package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/app"
)

func secretsCommand() *cobra.Command {
	rotate := besideCommand("rotate", "Seal stored credentials again with the first key of the key file", arguments(cobra.NoArgs),
		func(ctx context.Context, command *cobra.Command, program *app.App, _ []string) error {
			done, err := program.RotateSecrets(ctx)
			if encoded := json.NewEncoder(command.OutOrStdout()).Encode(done); err == nil {
				err = encoded
			}
			if err == nil && done.Failed > 0 {
				err = fmt.Errorf("%d credentials cannot be opened with any key of the file: the log names them", done.Failed)
			}
			return err
		})
	rotate.Long = `Seal stored credentials again with the first key of the file secret_keys in the key folder, wherever an earlier key sealed
them. Put a new key there first, and restart every process with it: those that do not have it cannot open what was rotated.
Works beside a running server and without one, may be interrupted and run again. Prints the outcome as one line of JSON; when
nothing failed, the other keys of the file can be removed. The exit status is 1 when credentials cannot be opened.`
	rotate.Example = "  head -c 32 /dev/urandom | base64   # a new key"
	return group("secrets", "Credentials of connected accounts, sealed at rest", rotate)
}
