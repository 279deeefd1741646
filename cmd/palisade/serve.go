package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/app"
)

func serveCommand() *cobra.Command {
	var listen, dataDir string
	command := &cobra.Command{
		Use:   "serve",
		Short: "Run the API server",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return serve(command.Context(), listen, dataDir)
		},
	}
	command.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "address to listen on")
	command.Flags().StringVar(&dataDir, "data-dir", "", "folder for the database and the keys (default: the user's data folder)")
	return command
}

func serve(ctx context.Context, listen, dataDir string) error {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if dataDir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return fmt.Errorf("find the data folder: %w", err)
		}
		dataDir = filepath.Join(home, ".local", "share", "palisade")
	}
	db, err := startDatabase(ctx, dataDir, logger)
	if err != nil {
		return err
	}
	defer func() { _ = db.stop(context.WithoutCancel(ctx)) }()
	program, err := app.Open(ctx, app.Settings{AppURL: db.app, SystemURL: db.system, KeyDir: filepath.Join(dataDir, "keys"),
		TokenLimit: os.Getenv("PALISADE_TOKEN_RATE_LIMIT")}, logger)
	if err != nil {
		return err
	}
	defer program.Close()
	if err := program.Check(ctx); err != nil {
		return err
	}
	return listenAndServe(ctx, listen, program, logger)
}

func listenAndServe(ctx context.Context, listen string, handler http.Handler, logger *slog.Logger) error {
	server := &http.Server{Addr: listen, Handler: handler, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	logger.Info("listening", "address", listen)
	select {
	case err := <-failed:
		return fmt.Errorf("listen on %s: %w", listen, err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
