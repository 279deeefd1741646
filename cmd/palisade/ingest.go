package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/ingestion"
)

func ingestCommand() *cobra.Command {
	var tenant string
	command := besideCommand("ingest FILE", "Store a findings file as a scan of the provider that it is about", arguments(cobra.ExactArgs(1)),
		func(ctx context.Context, command *cobra.Command, program *app.App, args []string) error {
			inside, err := uuid.Parse(tenant)
			if err != nil {
				return usageError{errors.New("--tenant: want the id of the tenant that has the provider")}
			}
			file, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer func() { _ = file.Close() }()
			return ingest(ctx, command, program, inside, file)
		})
	command.Long = `Store a findings file (OCSF JSON: an array or a line each, gzip allowed) as a completed scan of the provider that it is about,
which must exist in the tenant. For administrators at the machine; people use POST /api/v1/ingestions. Works beside a running
server and without one. Prints the outcome as one line of JSON; the exit status is 1 when the file could not be stored.`
	command.Flags().StringVar(&tenant, "tenant", "", "id of the tenant that has the provider")
	return command
}

// ingest works jobs itself while it waits: there may be no server, or one without workers.
func ingest(ctx context.Context, command *cobra.Command, program *app.App, tenant uuid.UUID, file *os.File) error {
	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- program.Work(working) }()
	outcome, err := program.Ingest(ctx, tenant, filepath.Base(file.Name()), file)
	stop()
	if err = errors.Join(err, <-ended); err != nil {
		return err
	}
	if err := json.NewEncoder(command.OutOrStdout()).Encode(outcome); err != nil {
		return err
	}
	if outcome.State != ingestion.Completed {
		return fmt.Errorf("the file could not be stored: see GET /api/v1/ingestions/%s/errors", outcome.Ingestion)
	}
	return nil
}
