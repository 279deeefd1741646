package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/compliance"
	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/tenant"
)

func catalogueCommand() *cobra.Command {
	load := besideCommand("import FILE", "Replace the known checks and frameworks by those of a catalogue file", arguments(cobra.ExactArgs(1)),
		func(ctx context.Context, command *cobra.Command, program *app.App, args []string) error {
			file, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer func() { _ = file.Close() }()
			imported, err := catalogue.Import(ctx, program.System, file)
			if err != nil {
				return err
			}
			scans, err := compliance.CountAgain(ctx, program.Tenants, program.System)
			if err != nil {
				return fmt.Errorf("the catalogue is imported, import it again to count scans that await it: %w", err)
			}
			_, err = fmt.Fprintf(command.OutOrStdout(), "%d checks and %d frameworks of %s %s\n", imported.Checks, imported.Frameworks, imported.Engine, imported.Version)
			if err == nil && scans > 0 {
				_, err = fmt.Fprintf(command.OutOrStdout(), "%d earlier scans will be held against the frameworks within the hour\n", scans)
			}
			return err
		})
	list := besideCommand("list", "Show what is known, by provider type", arguments(cobra.NoArgs),
		func(ctx context.Context, command *cobra.Command, program *app.App, _ []string) error {
			all, err := catalogue.Summarise(ctx, program.Tenants.Read(tenant.Scope{}))
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(command.OutOrStdout(), 0, 0, 2, ' ', 0)
			_, _ = fmt.Fprintln(table, "PROVIDER\tENGINE\tCHECKS\tFRAMEWORKS") // Flush reports the error
			for _, one := range all {
				_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%d\n", one.Provider, one.EngineVersion, one.Checks, one.Frameworks)
			}
			return table.Flush()
		})
	return group("catalogue", "What engines can check: reference data of all tenants", load, list)
}

// besideCommand is a command that needs the program on its database, with or without a server running on it.
func besideCommand(use, short string, check cobra.PositionalArgs, run func(ctx context.Context, command *cobra.Command, program *app.App, args []string) error) *cobra.Command {
	command := &cobra.Command{Use: use, Short: short, Args: check,
		RunE: func(command *cobra.Command, args []string) error {
			settings, logger, err := load(command)
			if err != nil {
				return err
			}
			ctx := command.Context()
			db, err := reachDatabase(ctx, settings, logger)
			if err != nil {
				return err
			}
			defer db.close(ctx)
			program, err := openApp(ctx, settings, db, logger)
			if err != nil {
				return err
			}
			defer program.Close()
			return run(ctx, command, program, args)
		}}
	config.AddFlags(command.Flags(), append([]string{"key-dir", "policy-dir", "policy-replace"}, databaseSettings...)...)
	return command
}
