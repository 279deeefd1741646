package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/migrations"
)

func checkCommand() *cobra.Command {
	var deploy bool
	command := &cobra.Command{
		Use:   "check",
		Short: "Check the database's roles and walls, the keys and the policy",
		Args:  arguments(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			settings, logger, err := load(command)
			if err != nil {
				return err
			}
			return check(command.Context(), command.OutOrStdout(), settings, logger, deploy)
		},
	}
	command.Flags().BoolVar(&deploy, "deploy", false, "also refuse settings that are not fit for production")
	config.AddFlags(command.Flags(), serverSettings...)
	return command
}

// check runs all checks, prints what each found and fails when one did.
func check(ctx context.Context, out io.Writer, settings config.Settings, logger *slog.Logger, deploy bool) error {
	db, err := reachDatabase(ctx, settings, logger)
	if err != nil {
		return err
	}
	defer db.close(ctx)
	program, err := app.Open(ctx, appSettings(settings, db), logger)
	if err != nil {
		return err
	}
	defer program.Close()
	checks := []struct {
		name string
		run  func() error
	}{
		{"roles cannot pass the wall", func() error { return program.Check(ctx) }},
		{"every table is behind the wall", func() error { return wall(ctx, db) }},
		{"the schema is current", func() error { return schema(ctx, db) }},
		{"keys are private", func() error { return keys(settings.Keys()) }},
		{"the policy passes its examination", func() error { return authz.Check(ctx, app.PolicyFolders(settings.PolicyDir, settings.PolicyReplace)) }},
	}
	if deploy {
		checks = append(checks, struct {
			name string
			run  func() error
		}{"settings are fit for production", func() error { return production(settings) }})
	}
	failed := 0
	for _, one := range checks {
		verdict := "ok"
		if err := one.run(); err != nil {
			verdict = "FAILED\n    " + strings.ReplaceAll(err.Error(), "\n", "\n    ")
			failed++
		}
		if _, err := fmt.Fprintf(out, "%s: %s\n", one.name, verdict); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("check: %d of %d failed: %w", failed, len(checks), errFindings)
	}
	return nil
}

func wall(ctx context.Context, db *database) error {
	faults, err := migrate.WallFaults(ctx, db.app)
	if err == nil && len(faults) > 0 {
		err = errors.New(strings.Join(faults, "\n"))
	}
	return err
}

// schema needs the owner, whom a deployment need not configure here.
func schema(ctx context.Context, db *database) error {
	if db.owner == "" {
		return nil
	}
	pending, err := migrate.Pending(ctx, db.owner, migrations.FS)
	if err == nil && pending {
		err = errors.New("migrations are pending: palisade migrate up")
	}
	return err
}

// keys looks at the files of the key folder: only their owner may read them.
func keys(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var faults []error
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 && !strings.Contains(entry.Name(), "public") {
			faults = append(faults, fmt.Errorf("%s may be read by others (%v)", filepath.Join(dir, entry.Name()), info.Mode().Perm()))
		}
	}
	return errors.Join(faults...)
}

// production refuses what is convenient on a developer's machine alone.
func production(settings config.Settings) error {
	var faults []error
	fault := func(when bool, format string, arguments ...any) {
		if when {
			faults = append(faults, fmt.Errorf(format, arguments...))
		}
	}
	fault(settings.TokenLimit == "off" || settings.TokenLimit == "", "token-rate-limit is off: passwords can be guessed without limit")
	if _, err := rest.ParseLimit(settings.TokenLimit); err != nil {
		faults = append(faults, err)
	}
	fault(settings.Embedded(), "the database is the program's own: set database-url to one with replicas and backups")
	for _, one := range []struct{ key, value string }{{"database-url", settings.AppURL}, {"database-system-url", settings.SystemURL},
		{"database-replica-url", settings.AppReplicaURL}, {"database-system-replica-url", settings.SystemReplicaURL}} {
		fault(one.value != "" && !verified(one.value), "%s: connect with sslmode=verify-full, or over a local socket", one.key)
	}
	for _, origin := range settings.CORSOrigins {
		fault(!strings.HasPrefix(origin, "https://"), "cors-origins: %s is not https", origin)
	}
	host, _, err := net.SplitHostPort(settings.Listen)
	fault(err != nil, "listen: %v", err)
	loopback := host == "localhost" || net.ParseIP(host) != nil && net.ParseIP(host).IsLoopback()
	fault(err == nil && !loopback && !settings.TrustProxy,
		"listen: the server speaks plain HTTP on %s: put a proxy with TLS before it and set trust-proxy, or listen on the loopback", settings.Listen)
	return errors.Join(faults...)
}

// verified reports whether a connection string leads over TLS to a server whose name is checked, or stays on the machine.
func verified(connection string) bool {
	parsed, err := url.Parse(connection)
	if err != nil {
		return false
	}
	host := parsed.Hostname()
	if given := parsed.Query().Get("host"); given != "" {
		host = given
	}
	return parsed.Query().Get("sslmode") == "verify-full" || strings.HasPrefix(host, "/")
}
