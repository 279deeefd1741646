package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/demo"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/secret/keyfile"
)

func demoCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "demo",
		Short: "Start a server with sample organisations, people and findings",
		Long: `Start a server with sample organisations, people with different roles, and invented findings, and print log-ins and requests
to try. It keeps its data in a folder of its own (palisade-demo beside the usual data folder) and can be started again. It
always uses its own Postgres.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			settings, _, err := load(command)
			if err != nil {
				return err
			}
			if !command.Flags().Changed("data-dir") {
				settings.DataDir = filepath.Join(filepath.Dir(settings.DataDir), "palisade-demo")
			}
			// Samples stay out of any real database, and the workers that store them run here.
			settings.AppURL, settings.SystemURL, settings.OwnerURL, settings.AppReplicaURL, settings.SystemReplicaURL = "", "", "", "", ""
			settings.Worker = true
			// The samples sign up like anybody, in a database that has nobody.
			settings.SignUp, settings.FirstAdminEmail = config.SignUpOpen, ""
			return runDemo(command.Context(), command.OutOrStdout(), settings)
		},
	}
	config.AddFlags(command.Flags(), "listen", "data-dir", "log-level", "prowler-python", "engine-pass-env")
	return command
}

// runDemo serves, fills in the samples, prints the guide, and serves on. The log goes to a file, so that the guide stays
// in sight.
func runDemo(ctx context.Context, out io.Writer, settings config.Settings) error {
	if err := os.MkdirAll(settings.DataDir, 0o700); err != nil {
		return err
	}
	password, err := demoPassword(settings)
	if err != nil {
		return fmt.Errorf("demo password: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(settings.DataDir, "demo.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	fmt.Fprintf(out, "Starting in %s (log: demo.log there) ...\n", settings.DataDir)
	return serve(ctx, settings, newLogger(settings, log), func(ctx context.Context, address string) error {
		base := "http://" + address + rest.BasePath
		if err := demo.Fill(ctx, base, password); err != nil {
			return fmt.Errorf("fill in the samples: %w", err)
		}
		_, err := fmt.Fprintf(out, "\n%s\nStop with Ctrl-C. Start again with the same command; remove %s to start anew.\n", demo.Guide(base, password), settings.DataDir)
		return err
	})
}

// demoPassword is the password of the sample people, made once for this folder.
func demoPassword(settings config.Settings) (string, error) {
	content, err := keyfile.LoadOrCreate(filepath.Join(settings.DataDir, "demo_password"), func() ([]byte, error) {
		return []byte("Sample-" + rand.Text()[:12] + "-7"), nil
	})
	return string(content), err
}
