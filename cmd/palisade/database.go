package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/postgres"
	"github.com/palisade-sec/palisade/migrations"
)

// database is where the program finds its data: connection strings of the three roles.
type database struct {
	owner, app, system string
	ended              <-chan struct{} // closed when a Postgres of our own has ended; nil for any other
	stop               func(context.Context) error
}

// close stops a Postgres of our own. The context that ended the program must not cut that short.
func (d *database) close(ctx context.Context) {
	if d.stop != nil {
		_ = d.stop(context.WithoutCancel(ctx)) // it recovers at the next start
	}
}

// openDatabase is the database to serve from: the configured one, or a Postgres of our own that it starts and migrates.
func openDatabase(ctx context.Context, settings config.Settings, logger *slog.Logger) (*database, error) {
	if settings.Embedded() {
		return startDatabase(ctx, settings, logger)
	}
	db := external(settings)
	if db.app == "" {
		return nil, usageError{errors.New("set database-url and database-system-url: the program works as two roles")}
	}
	if settings.Migrate {
		if db.owner == "" {
			return nil, usageError{errors.New("set database-owner-url: migrations run as the owner")}
		}
		if err := migrate.Up(ctx, db.owner, migrations.FS, logger); err != nil {
			return nil, fmt.Errorf("migrate database: %w", err)
		}
	}
	return db, nil
}

func external(settings config.Settings) *database {
	return &database{owner: settings.OwnerURL, app: settings.AppURL, system: settings.SystemURL}
}

// startDatabase runs the program's own Postgres in the data folder and brings it to the current schema.
func startDatabase(ctx context.Context, settings config.Settings, logger *slog.Logger) (_ *database, err error) {
	server, err := postgres.Start(ctx, postgres.Config{DataDir: settings.PostgresDir(), Logger: logger})
	if errors.Is(err, postgres.ErrInUse) {
		return nil, fmt.Errorf("start database: %w: another palisade runs on %s; choose another with --data-dir", err, settings.DataDir)
	}
	if err != nil {
		return nil, fmt.Errorf("start database: %w", err)
	}
	db := ours(server)
	db.stop, db.ended = server.Stop, server.Done()
	defer func() {
		if err != nil {
			db.close(ctx)
		}
	}()
	if err := migrate.Bootstrap(ctx, server.URL(postgres.Superuser, "postgres"), migrate.Database, server.Password); err != nil {
		return nil, fmt.Errorf("prepare database: %w", err)
	}
	if err := migrate.Up(ctx, db.owner, migrations.FS, logger); err != nil {
		return nil, fmt.Errorf("migrate database: %w", err)
	}
	return db, nil
}

func ours(server *postgres.Server) *database {
	return &database{
		owner:  server.URL(migrate.OwnerRole, migrate.Database),
		app:    server.URL(migrate.AppRole, migrate.Database),
		system: server.URL(migrate.SystemRole, migrate.Database),
	}
}

// reachDatabase is the database for a command beside the server: the configured one, that of the server which runs on
// the data folder, or one that it starts for the command.
func reachDatabase(ctx context.Context, settings config.Settings, logger *slog.Logger) (*database, error) {
	if !settings.Embedded() {
		return external(settings), nil
	}
	server, err := postgres.Attach(settings.PostgresDir())
	if errors.Is(err, postgres.ErrNotRunning) {
		return startDatabase(ctx, settings, logger)
	}
	if err != nil {
		return nil, fmt.Errorf("reach the database of the running server: %w", err)
	}
	return ours(server), nil
}

func databaseCommand() *cobra.Command {
	var role string
	url := &cobra.Command{
		Use:   "url",
		Short: "Print the connection string of a role, for administrators and auditors",
		Long: `Print the connection string of a role. It contains the password. With a Postgres of the program's own, a server
has to be running on the data folder.`,
		Example: "  psql \"$(palisade db url --role app)\"",
		Args:    arguments(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			settings, _, err := load(command)
			if err != nil {
				return err
			}
			db := external(settings)
			if settings.Embedded() {
				server, err := postgres.Attach(settings.PostgresDir())
				if err != nil {
					return fmt.Errorf("%w: start one with palisade serve", err)
				}
				db = ours(server)
			}
			found, ok := map[string]string{"owner": db.owner, "app": db.app, "system": db.system}[role]
			if !ok {
				return usageError{fmt.Errorf("role %q: want owner, app or system", role)}
			}
			if found == "" {
				return usageError{fmt.Errorf("no connection string is set for role %s", role)}
			}
			_, err = fmt.Fprintln(command.OutOrStdout(), found)
			return err
		},
	}
	url.Flags().StringVar(&role, "role", "app", "owner, app or system")
	config.AddFlags(url.Flags(), databaseSettings...)
	return group("db", "Reach the database", url)
}
