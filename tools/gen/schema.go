package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/postgres"
)

const schemaFile = "migrations/schema.sql"

// writeSchema applies the migrations to a scratch database and describes the result.
func writeSchema(ctx context.Context) error {
	text, err := dumpScratch(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(schemaFile, []byte(text), 0o644)
}

func dumpScratch(ctx context.Context) (_ string, err error) {
	dir, err := os.MkdirTemp("", "palisade-gen-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, err := postgres.Start(ctx, postgres.Config{DataDir: filepath.Join(dir, "postgres"),
		Settings: map[string]string{"fsync": "off"}, InitArgs: []string{"--no-sync"}})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	if err := migrate.Bootstrap(ctx, server.URL(postgres.Superuser, "postgres"), migrate.Database, server.Password); err != nil {
		return "", err
	}
	owner := server.URL(migrate.OwnerRole, migrate.Database)
	// The files are read from the folder, not from the binary: they may be newer than a cached build.
	if err := migrate.Up(ctx, owner, os.DirFS("migrations"), nil); err != nil {
		return "", err
	}
	return migrate.Dump(ctx, owner)
}
