package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/config"
)

// policyInterval is how often a policy folder is looked at.
const policyInterval = 2 * time.Second

// keyInterval is how often the folder of the token keys is looked at.
const keyInterval = 5 * time.Second

func serveCommand() *cobra.Command {
	var noWorker bool
	command := &cobra.Command{
		Use:   "serve",
		Short: "Run the API server, and background jobs in it",
		Args:  arguments(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			settings, logger, err := load(command)
			if err != nil {
				return err
			}
			if noWorker {
				settings.Worker = false
			}
			return serve(command.Context(), settings, logger, nil)
		},
	}
	config.AddFlags(command.Flags(), serverSettings...)
	command.Flags().BoolVar(&noWorker, "no-worker", false, "run no background jobs: another process does, see palisade work")
	return command
}

func workCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "work",
		Short: "Run background jobs alone",
		Long: `Run background jobs alone, beside servers that were started with --no-worker or without. The database is the configured one,
or that of the server which runs on the data folder.`,
		Args: arguments(cobra.NoArgs),
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
			program, err := openSafely(ctx, settings, db, logger)
			if err != nil {
				return err
			}
			defer program.Close()
			running, ctx := errgroup.WithContext(ctx)
			if err := serveMetrics(ctx, running, settings, program, logger); err != nil {
				return err
			}
			logger.Info("working")
			running.Go(func() error { return program.Work(ctx) })
			return running.Wait()
		},
	}
	config.AddFlags(command.Flags(), serverSettings...)
	return command
}

// openSafely is openApp, unless the installation is one in which tenants are not kept apart.
func openSafely(ctx context.Context, settings config.Settings, db *database, logger *slog.Logger) (*app.App, error) {
	if err := refuse(ctx, settings, db); err != nil {
		return nil, err
	}
	return openApp(ctx, settings, db, logger)
}

// openApp builds the program on a database and refuses roles that could bypass the wall.
func openApp(ctx context.Context, settings config.Settings, db *database, logger *slog.Logger) (*app.App, error) {
	program, err := app.Open(ctx, appSettings(settings, db), logger)
	if err != nil {
		return nil, err
	}
	if err := program.Check(ctx); err != nil {
		program.Close()
		return nil, err
	}
	return program, nil
}

// serve runs the server until ctx ends. ready, when there is one, is called once with the address that it listens on; its
// error stops the server.
func serve(ctx context.Context, settings config.Settings, logger *slog.Logger, ready func(ctx context.Context, address string) error) error {
	listener, err := net.Listen("tcp", settings.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", settings.Listen, err)
	}
	defer func() { _ = listener.Close() }()
	db, err := openDatabase(ctx, settings, logger)
	if err != nil {
		return err
	}
	defer db.close(ctx)
	program, err := openSafely(ctx, settings, db, logger)
	if err != nil {
		return err
	}
	defer program.Close()
	if err := program.CreateFirstAdmin(ctx, settings.FirstAdminEmail, settings.FirstAdminPassword); err != nil {
		return err
	}

	running, ctx := errgroup.WithContext(ctx)
	if err := serveMetrics(ctx, running, settings, program, logger); err != nil {
		return err
	}
	running.Go(func() error { return listenAndServe(ctx, listener, settings, program, logger) })
	running.Go(func() error { return orderly(ctx, program.WatchKeys(ctx, keyInterval)) })
	if settings.Worker {
		running.Go(func() error { return program.Work(ctx) })
	}
	if settings.PolicyDir != "" {
		running.Go(func() error {
			return orderly(ctx, program.Policy.Watch(ctx, app.PolicyFolders(settings.PolicyDir, settings.PolicyReplace), policyInterval))
		})
	}
	if db.ended != nil {
		running.Go(func() error {
			select {
			case <-db.ended:
				return errors.New("the database server ended")
			case <-ctx.Done():
				return nil
			}
		})
	}
	if ready != nil {
		running.Go(func() error { return orderly(ctx, ready(ctx, listener.Addr().String())) })
	}
	return running.Wait()
}

// serveMetrics serves the metrics while the program runs, where the settings say.
func serveMetrics(ctx context.Context, running *errgroup.Group, settings config.Settings, program *app.App, logger *slog.Logger) error {
	if settings.MetricsListen == "" {
		return nil
	}
	listener, err := net.Listen("tcp", settings.MetricsListen)
	if err != nil {
		return fmt.Errorf("listen for metrics on %s: %w", settings.MetricsListen, err)
	}
	routes := http.NewServeMux()
	routes.Handle("GET /metrics", program.Metrics.Handler(logger))
	running.Go(func() error {
		return listenAndServe(ctx, listener, settings, routes, logger.With("serves", "metrics"))
	})
	return nil
}

// orderly forgets the error of something that ended because it was told to.
func orderly(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func listenAndServe(ctx context.Context, listener net.Listener, settings config.Settings, handler http.Handler, logger *slog.Logger) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn)}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	logger.Info("listening", "address", listener.Addr().String(), "pid", os.Getpid())
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), settings.StopAfter)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
