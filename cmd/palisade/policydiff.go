package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/policydiff"
	"github.com/palisade-sec/palisade/internal/population"
)

// errDifferent is the outcome that --exit-code asks for.
var errDifferent = errors.New("the policies differ")

func policyDiffCommand() *cobra.Command {
	var fixture, format string
	var replaces, exitCode bool
	command := &cobra.Command{
		Use:   "diff PROPOSED_DIR",
		Short: "Say who gains or loses what under another policy folder",
		Long: `Say who would gain or lose which operation, and see which providers in addition or no longer, if PROPOSED_DIR took the
place of the policy folder in force (--policy-dir; none: the built-in policy alone). People, roles, groups and providers are
those of the database: the configured one, or that of the server which runs on the data folder. With --fixture they are those
of a file, and no database is needed:

  tenants:
    - name: Harbour
      providers:
        - {provider: aws, uid: "111111111111", alias: production}
      groups:
        - {name: live, tags: [critical], providers: ["111111111111"]}
      roles:
        - {name: operators, permissions: [manage_scans], unlimited_visibility: false, provider_groups: [live]}
      people:
        - {email: ana@example.com, roles: [operators]}

The proposed folder has to compile; palisade policy check examines the rest. The exit status is 0 whether or not anything
differs, or 3 for a difference with --exit-code; 1 when something failed, 2 for wrong use.`,
		Example: "  palisade policy diff proposed --policy-dir /etc/palisade/policy",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(command *cobra.Command, args []string) error {
			settings, logger, err := load(command)
			if err != nil {
				return err
			}
			write, ok := map[string]func(policydiff.Report, io.Writer) error{"text": policydiff.Report.WriteText, "json": policydiff.Report.WriteJSON,
				"markdown": policydiff.Report.WriteMarkdown}[format]
			if !ok {
				return usageError{fmt.Errorf("--format %q: want text, json or markdown", format)}
			}
			ctx := command.Context()
			active, err := authz.Load(ctx, app.PolicyFolders(settings.PolicyDir, settings.PolicyReplace))
			if err != nil {
				return fmt.Errorf("active policy: %w", err)
			}
			proposed, err := authz.Load(ctx, app.PolicyFolders(args[0], replaces))
			if err != nil {
				return fmt.Errorf("proposed policy: %w", err)
			}
			tenants, err := populationOf(ctx, settings, logger, fixture)
			if err != nil {
				return err
			}
			report, err := policydiff.Compare(ctx, active, proposed, tenants)
			if err != nil {
				return err
			}
			if err := write(report, command.OutOrStdout()); err != nil {
				return err
			}
			if exitCode && !report.Empty() {
				return errDifferent
			}
			return nil
		},
	}
	command.Flags().StringVar(&fixture, "fixture", "", "file with organisations, YAML or JSON, instead of a database")
	command.Flags().StringVar(&format, "format", "text", "text, json or markdown")
	command.Flags().BoolVar(&replaces, "replace", false, "PROPOSED_DIR is a whole policy that takes the place of the built-in one")
	command.Flags().BoolVar(&exitCode, "exit-code", false, "end with status 3 when anything differs")
	config.AddFlags(command.Flags(), append([]string{"key-dir", "policy-dir", "policy-replace"}, databaseSettings...)...)
	return command
}

func populationOf(ctx context.Context, settings config.Settings, logger *slog.Logger, fixture string) ([]population.Tenant, error) {
	if fixture != "" {
		content, err := os.ReadFile(fixture)
		if err != nil {
			return nil, err
		}
		return population.Parse(content)
	}
	db, err := reachDatabase(ctx, settings, logger)
	if err != nil {
		return nil, err
	}
	defer db.close(ctx)
	// The policy folder in force is a matter of the comparison; a broken one must not keep the database from being read.
	settings.PolicyDir, settings.PolicyReplace = "", false
	program, err := openApp(ctx, settings, db, logger)
	if err != nil {
		return nil, err
	}
	defer program.Close()
	return population.Read(ctx, program.System, program.Tenants)
}
