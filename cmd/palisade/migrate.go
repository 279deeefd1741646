package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/migrations"
)

func migrateCommand() *cobra.Command {
	var steps int
	up := ownerCommand("up", "Bring the database to the current schema", func(ctx context.Context, _ *cobra.Command, db *database, logger *slog.Logger) error {
		return migrate.Up(ctx, db.owner, migrations.FS, logger)
	})
	down := ownerCommand("down", "Revert the last migrations", func(ctx context.Context, _ *cobra.Command, db *database, logger *slog.Logger) error {
		if steps < 1 {
			return usageError{errors.New("--steps: at least 1")}
		}
		return migrate.Down(ctx, db.owner, migrations.FS, steps, logger)
	})
	down.Flags().IntVar(&steps, "steps", 1, "how many migrations to revert")
	status := ownerCommand("status", "List the migrations and when each was applied", func(ctx context.Context, command *cobra.Command, db *database, _ *slog.Logger) error {
		all, err := migrate.Status(ctx, db.owner, migrations.FS)
		if err != nil {
			return err
		}
		for _, step := range all {
			when := "pending"
			switch {
			case step.Applied && step.AppliedAt.IsZero():
				when = "applied"
			case step.Applied:
				when = step.AppliedAt.UTC().Format("2006-01-02 15:04:05")
			}
			if _, err := fmt.Fprintf(command.OutOrStdout(), "%-32s %s\n", step.Name, when); err != nil {
				return err
			}
		}
		return nil
	})
	return group("migrate", "Change the database's schema, as its owner", up, down, status)
}

// ownerCommand is a command that works on the database as its owner.
func ownerCommand(use, short string, run func(ctx context.Context, command *cobra.Command, db *database, logger *slog.Logger) error) *cobra.Command {
	command := &cobra.Command{Use: use, Short: short, Args: arguments(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
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
			if db.owner == "" {
				return usageError{errors.New("set database-owner-url: migrations run as the owner")}
			}
			return run(ctx, command, db, logger)
		}}
	config.AddFlags(command.Flags(), databaseSettings...)
	return command
}
