package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/deploy"
	"github.com/palisade-sec/palisade/internal/engine"
)

func checkCommand() *cobra.Command {
	var production bool
	var format string
	var servers int
	command := &cobra.Command{
		Use:   "check",
		Short: "Check the database's roles and walls, the keys and the policy",
		Long: `Check what keeps tenants apart: the database's roles and walls, the keys and the policy; and whether
there is a scan engine. With --deploy also everything else that production needs. docs/deploy.md lists the checks by name, and
what to do when one fails.

The exit status is 1 when a check of severity fatal or error failed. A server does not start when a fatal one fails.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usageError{fmt.Errorf("format %q: want text or json", format)}
			}
			if servers < 1 {
				return usageError{fmt.Errorf("%d servers: at least 1", servers)}
			}
			settings, logger, err := load(command)
			if err != nil {
				return err
			}
			wanted := deploy.Essential
			if production {
				wanted = deploy.Everything
			}
			return check(command.Context(), command.OutOrStdout(), settings, logger, checkOptions{wanted, servers, format == "json"})
		},
	}
	command.Flags().BoolVar(&production, "deploy", false, "also check whether the settings are fit for production")
	command.Flags().StringVar(&format, "format", "text", "text or json")
	command.Flags().IntVar(&servers, "servers", 1, "how many processes (serve and work) share the database")
	config.AddFlags(command.Flags(), serverSettings...)
	return command
}

type checkOptions struct {
	wanted  func(deploy.Check) bool
	servers int
	json    bool
}

// check examines the installation, prints the verdicts and fails when one is against it.
func check(ctx context.Context, out io.Writer, settings config.Settings, logger *slog.Logger, options checkOptions) error {
	db, err := reachDatabase(ctx, settings, logger)
	if err != nil {
		return err
	}
	defer db.close(ctx)
	if db.app == "" {
		return usageError{errors.New("set database-url and database-system-url: they are what is checked")}
	}
	examined := deployment(settings, db)
	examined.Servers = options.servers
	verdicts := deploy.Examine(ctx, examined, options.wanted)
	if options.json {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(verdicts)
	} else {
		err = printVerdicts(out, verdicts)
	}
	if err != nil {
		return err
	}
	bad := 0
	for _, verdict := range verdicts {
		if verdict.Bad() {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("check: %d of %d failed: %w", bad, len(verdicts), errFindings)
	}
	return nil
}

// deployment is the installation on a database, to be examined.
func deployment(settings config.Settings, db *database) *deploy.Deployment {
	return &deploy.Deployment{Settings: settings, AppURL: db.app, SystemURL: db.system, OwnerURL: db.owner, Front: app.Front(appSettings(settings, db)),
		Engine: engine.NewSurvey(engine.Options{Python: settings.EnginePython, PassEnv: settings.EnginePassEnv}).Report,
		Policy: func(ctx context.Context) error {
			return authz.Check(ctx, app.PolicyFolders(settings.PolicyDir, settings.PolicyReplace))
		}}
}

// refuse keeps a server from starting on an installation in which tenants are not kept apart.
func refuse(ctx context.Context, settings config.Settings, db *database) error {
	if err := deploy.Refuse(ctx, deployment(settings, db)); err != nil {
		return fmt.Errorf("not safe to start (docs/deploy.md):\n%w", err)
	}
	return nil
}

func printVerdicts(out io.Writer, verdicts []deploy.Verdict) error {
	var errs []error
	line := func(format string, args ...any) {
		_, err := fmt.Fprintf(out, format, args...)
		errs = append(errs, err)
	}
	for _, verdict := range verdicts {
		word := string(verdict.Status)
		if verdict.Status == deploy.Failed {
			word = strings.ToUpper(string(verdict.Severity))
		}
		line("%-8s %s: %s\n", word, verdict.ID, verdict.Title)
		for _, problem := range verdict.Problems {
			line("           %s\n", strings.ReplaceAll(problem, "\n", "\n           "))
		}
		if verdict.Status == deploy.Failed {
			line("           To mend it: %s.\n", verdict.Remedy)
		}
	}
	return errors.Join(errs...)
}
