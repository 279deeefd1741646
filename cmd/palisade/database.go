package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/postgres"
	"github.com/palisade-sec/palisade/migrations"
)

// database is where the program finds its data: connection strings of the three roles.
type database struct {
	owner, app, system string
	stop               func(context.Context) error
}

// startDatabase runs the program's own Postgres in the data folder and brings it to the current schema.
func startDatabase(ctx context.Context, dataDir string, logger *slog.Logger) (*database, error) {
	server, err := postgres.Start(ctx, postgres.Config{DataDir: filepath.Join(dataDir, "postgres"), Logger: logger})
	if err != nil {
		return nil, fmt.Errorf("start database: %w", err)
	}
	db := &database{
		owner:  server.URL(migrate.OwnerRole, migrate.Database),
		app:    server.URL(migrate.AppRole, migrate.Database),
		system: server.URL(migrate.SystemRole, migrate.Database),
		stop:   server.Stop,
	}
	if err := migrate.Bootstrap(ctx, server.URL(postgres.Superuser, "postgres"), migrate.Database, server.Password); err != nil {
		return nil, fmt.Errorf("prepare database: %w", err)
	}
	if err := migrate.Up(ctx, db.owner, migrations.FS, logger); err != nil {
		return nil, fmt.Errorf("migrate database: %w", err)
	}
	return db, nil
}
