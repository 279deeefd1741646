package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/recount"
)

func recountCommand() *cobra.Command {
	var options recountOptions
	command := besideCommand("recount", "Count completed scans again, or verify what is stored of them", arguments(cobra.NoArgs),
		func(ctx context.Context, command *cobra.Command, program *app.App, _ []string) error {
			return options.run(ctx, command.OutOrStdout(), program)
		})
	// Wrong use is told before anything is started.
	command.PreRunE = func(*cobra.Command, []string) error { return options.read() }
	command.Long = `Make everything again that completed scans are summed up in (overviews, summaries, the failures of resources, ...) from their
findings: of all tenants, or of those scans that the flags name. Works beside a running server and without one, one scan in a
transaction, and may be interrupted and run again.

With --verify nothing is changed: what is stored is compared with a recount, scan by scan. Scans that differ are printed as a line
of JSON each, with the number of rows of each table that are wrong or missing; the exit status is 1 when there are any. A
scan of which findings were muted a moment ago awaits a job that counts it, and is not compared.

The last line is JSON too: how many scans were counted or compared, how many await a recount, and how many differ.`
	command.Example = "  palisade recount --verify"
	command.Flags().StringVar(&options.tenant, "tenant", "", "id of the one tenant whose scans are meant")
	command.Flags().StringVar(&options.provider, "provider", "", "id of the one provider whose scans are meant")
	command.Flags().StringVar(&options.scan, "scan", "", "id of the one scan that is meant")
	command.Flags().BoolVar(&options.verify, "verify", false, "compare and change nothing")
	return command
}

// recountOptions are the flags of recount, as given and as read.
type recountOptions struct {
	tenant, provider, scan string
	verify                 bool

	selected recount.Selection
}

func (o *recountOptions) read() error {
	for flag, one := range map[string]struct {
		text string
		id   *uuid.UUID
	}{"tenant": {o.tenant, &o.selected.Tenant}, "provider": {o.provider, &o.selected.Provider}, "scan": {o.scan, &o.selected.Scan}} {
		if one.text == "" {
			continue
		}
		var err error
		if *one.id, err = uuid.Parse(one.text); err != nil || *one.id == uuid.Nil {
			return usageError{fmt.Errorf("--%s: want the id of a %[1]s", flag)}
		}
	}
	return nil
}

func (o *recountOptions) run(ctx context.Context, out io.Writer, program *app.App) error {
	lines := json.NewEncoder(out)
	sum, err := program.Recount(ctx, o.selected, o.verify, func(one recount.Outcome) error { return lines.Encode(one) })
	if err != nil {
		return err
	}
	if err := lines.Encode(sum); err != nil {
		return err
	}
	if sum.Differ > 0 {
		return fmt.Errorf("recount: %d of %d scans are not what a recount makes of them: %w", sum.Differ, sum.Scans, errFindings)
	}
	return nil
}
