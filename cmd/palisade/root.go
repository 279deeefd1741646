package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/api/signon"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/rest"
)

// usageError is a command line that makes no sense.
type usageError struct{ error }

func rootCommand() *cobra.Command {
	root := group("palisade", "Multi-tenant API server for cloud security posture",
		serveCommand(), workCommand(), demoCommand(), migrateCommand(), databaseCommand(), policyCommand(), checkCommand(),
		catalogueCommand(), secretsCommand(), auditCommand(), keysCommand(), ingestCommand(), recountCommand(), openapiCommand(), benchCommand(), configCommand())
	root.Long = `Palisade is a multi-tenant API server for cloud security posture.

Every setting is a flag, an environment variable (PALISADE_ and the flag's name in capitals, with underscores) and a key of
the file that --config names; the flag wins, then the variable, then the file. Without a database URL the program runs a
Postgres of its own in the data folder.

The exit status is 0 when all went well, 1 when something failed, 2 when the command line or a setting is wrong.`
	root.Version = app.Release
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

// group is a command that only holds others.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	command := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs,
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("there is no command %q: see %s --help", args[0], command.CommandPath())}
			}
			return command.Help()
		}}
	command.AddCommand(children...)
	return command
}

// arguments makes the refusal of a check of arguments a usage error.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		if err := check(command, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// The settings that a command's flags offer; every other setting can still come from the environment or the file.
var (
	databaseSettings = []string{"data-dir", "database-url", "database-system-url", "database-owner-url", "log-level", "log-format"}
	serverSettings   = append([]string{"listen", "key-dir", "policy-dir", "policy-replace", "token-rate-limit", "account-rate-limit", "rate-limit-address",
		"rate-limit-token", "rate-limit-key", "trust-proxy", "allowed-hosts", "hsts-max-age", "cors-origins", "metrics-listen", "migrate", "audit-read-sample",
		"database-replica-url", "database-system-replica-url", "database-max-conns", "prowler-python", "engine-pass-env", "engine-services", "retention-months", "stop-after", "request-timeout",
		"sign-up", "first-admin-email", "first-admin-password-file",
		"external-url", "sign-in-url", "saml-callback-url", "saml-entity-id"}, databaseSettings...)
)

// load reads the settings and makes the logger.
func load(command *cobra.Command) (config.Settings, *slog.Logger, error) {
	settings, err := config.Load(command.Flags())
	if err != nil {
		return settings, nil, usageError{err}
	}
	if _, err := engine.ParseServices(settings.EngineServices); err != nil {
		return settings, nil, usageError{fmt.Errorf("engine-services: %w", err)}
	}
	if err := signOnSettings(settings).Check(); err != nil {
		return settings, nil, usageError{err}
	}
	if err := checkBounds(settings); err != nil {
		return settings, nil, usageError{err}
	}
	return settings, newLogger(settings, os.Stderr), nil
}

// checkBounds refuses limits and host names that make no sense.
func checkBounds(settings config.Settings) error {
	for key, text := range map[string]string{"token-rate-limit": settings.TokenLimit, "account-rate-limit": settings.AccountLimit,
		"rate-limit-address": settings.AddressLimit, "rate-limit-token": settings.AccessTokenLimit, "rate-limit-key": settings.KeyLimit} {
		if _, err := rest.ParseLimit(text); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	if err := rest.CheckHosts(settings.AllowedHosts); err != nil {
		return fmt.Errorf("allowed-hosts: %w", err)
	}
	return nil
}

func newLogger(settings config.Settings, out io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(settings.LogLevel)) // checked by config
	options := &slog.HandlerOptions{Level: level}
	if settings.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(out, options))
	}
	return slog.New(slog.NewJSONHandler(out, options))
}

func signOnSettings(settings config.Settings) signon.Settings {
	return signon.Settings{ExternalURL: settings.ExternalURL, SignInURL: settings.SignInURL, CallbackURL: settings.SAMLCallbackURL, EntityID: settings.SAMLEntityID}
}

// appSettings are the settings in the words of the program proper.
func appSettings(settings config.Settings, db *database) app.Settings {
	memory, _ := settings.EngineMemoryBytes() // it was read when the settings were
	return app.Settings{
		AppURL: db.app, SystemURL: db.system, AppReplicaURL: settings.AppReplicaURL, SystemReplicaURL: settings.SystemReplicaURL,
		MaxConns: int32(settings.MaxConns), KeyDir: settings.Keys(), TokenLimit: settings.TokenLimit, TrustProxy: settings.TrustProxy,
		CORSOrigins: settings.CORSOrigins, PolicyDir: settings.PolicyDir, PolicyReplace: settings.PolicyReplace, EnginePython: settings.EnginePython, EnginePassEnv: settings.EnginePassEnv,
		EngineServices: settings.EngineServices, EngineMemory: memory, ScanTimeout: settings.ScanTimeout, RequestTimeout: settings.RequestTimeout, ScanConcurrency: settings.ScanConcurrency, RetentionMonths: settings.RetentionMonths,
		AuditReadSample: settings.AuditReadSample, Social: socialSettings(settings), InvitationOnly: settings.SignUp == config.SignUpInvitation,
		AccountLimit: settings.AccountLimit, AddressLimit: settings.AddressLimit, AccessTokenLimit: settings.AccessTokenLimit, KeyLimit: settings.KeyLimit,
		AllowedHosts: settings.Hosts(), HSTS: settings.HSTSMaxAge,
		SignOn: signOnSettings(settings),
	}
}
