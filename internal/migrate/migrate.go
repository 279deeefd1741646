package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/palisade-sec/palisade/sql/catalog"
)

// RiverSchema is the schema of the job queue's tables, to be given to River's client too.
const RiverSchema = "river"

// bookkeeping is the table in which the applied migrations are noted.
const bookkeeping = "schema_migrations"

// lockKey is the advisory lock under which migrations run: "palisade" as eight bytes.
const lockKey int64 = 0x70616c6973616465

// lockRetry is the pause between two attempts to take the lock.
const lockRetry = 100 * time.Millisecond

// Step is one migration and when it was applied; a zero time means that it is pending.
type Step struct {
	// Name is the file's name, or "river N" for a migration of the job queue.
	Name    string
	Version int64
	// AppliedAt is zero for River's migrations, which do not note it.
	AppliedAt time.Time
	Applied   bool
}

// Up applies what is pending: first River's migrations, then those of files (NNNN_name.sql in goose format) in order.
// ownerURL connects directly (not through a pooler in transaction mode) as the role that owns the database. Several
// processes may call it at the same time: one works, the others wait, bounded by ctx.
func Up(ctx context.Context, ownerURL string, files fs.FS, logger *slog.Logger) error {
	err := locked(ctx, ownerURL, files, logger, func(ctx context.Context, db *database) error {
		if _, err := db.pool.Exec(ctx, catalog.Read("create_river_schema")); err != nil {
			return fmt.Errorf("create schema %s: %w", RiverSchema, err)
		}
		result, err := db.river.Migrate(ctx, rivermigrate.DirectionUp, nil)
		if err != nil {
			return fmt.Errorf("river: %w", err)
		}
		applied, err := db.ours.Up(ctx)
		if err != nil {
			return err
		}
		if n := len(result.Versions) + len(applied); n > 0 {
			db.logger.Info("database migrated", "river", len(result.Versions), "applied", len(applied))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("migrate up: %w", err)
	}
	return nil
}

// Down reverts the last steps of our own migrations, newest first; fewer when fewer are applied. River's tables stay:
// jobs in them outlive a change of our schema.
func Down(ctx context.Context, ownerURL string, files fs.FS, steps int, logger *slog.Logger) error {
	if steps < 1 {
		return fmt.Errorf("migrate down: %d steps: at least 1", steps)
	}
	err := locked(ctx, ownerURL, files, logger, func(ctx context.Context, db *database) error {
		for range steps {
			if _, err := db.ours.Down(ctx); errors.Is(err, goose.ErrNoNextVersion) {
				return nil
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("migrate down: %w", err)
	}
	return nil
}

// Status lists River's migrations and ours in the order in which Up applies them. It changes nothing.
func Status(ctx context.Context, ownerURL string, files fs.FS) ([]Step, error) {
	steps, err := status(ctx, ownerURL, files)
	if err != nil {
		return nil, fmt.Errorf("migration status: %w", err)
	}
	return steps, nil
}

func status(ctx context.Context, ownerURL string, files fs.FS) ([]Step, error) {
	db, err := open(ctx, ownerURL, files, nil)
	if err != nil {
		return nil, err
	}
	defer db.close()
	existing, err := db.river.ExistingVersions(ctx)
	if err != nil {
		return nil, fmt.Errorf("river: %w", err)
	}
	done := map[int]bool{}
	for _, migration := range existing {
		done[migration.Version] = true
	}
	var steps []Step
	for _, migration := range db.river.AllVersions() {
		steps = append(steps, Step{
			Name:    fmt.Sprintf("river %d", migration.Version),
			Version: int64(migration.Version),
			Applied: done[migration.Version],
		})
	}
	ours, err := db.ourSteps(ctx)
	return append(steps, ours...), err
}

// Pending says whether Up has something to do.
func Pending(ctx context.Context, ownerURL string, files fs.FS) (bool, error) {
	steps, err := Status(ctx, ownerURL, files)
	for _, step := range steps {
		if !step.Applied {
			return true, err
		}
	}
	return false, err
}

// database is one connection pool with the two migrators on it.
type database struct {
	pool   *pgxpool.Pool
	sql    *sql.DB
	river  *rivermigrate.Migrator[pgx.Tx]
	ours   *goose.Provider
	logger *slog.Logger
}

func open(ctx context.Context, ownerURL string, files fs.FS, logger *slog.Logger) (*database, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	cfg, err := pgxpool.ParseConfig(ownerURL)
	if err != nil {
		return nil, fmt.Errorf("connection string: %w", err)
	}
	cfg.MaxConns = 3
	// Notices ("relation exists, skipping") are no news here; and statements are run once, so they are not prepared.
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	db := &database{pool: pool, sql: stdlib.OpenDBFromPool(pool), logger: logger}
	db.river, err = rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: RiverSchema, Logger: logger})
	if err == nil {
		db.ours, err = goose.NewProvider(goose.DialectPostgres, db.sql, files,
			goose.WithTableName(bookkeeping), goose.WithDisableGlobalRegistry(true), goose.WithSlog(logger))
	}
	if err != nil {
		db.close()
		return nil, err
	}
	return db, nil
}

func (db *database) close() {
	_ = db.sql.Close()
	db.pool.Close()
}

// locked runs work while holding the migrations' lock on a connection of its own.
func locked(ctx context.Context, ownerURL string, files fs.FS, logger *slog.Logger, work func(context.Context, *database) error) error {
	db, err := open(ctx, ownerURL, files, logger)
	if err != nil {
		return err
	}
	defer db.close()
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	for {
		var free bool
		if err := conn.QueryRow(ctx, catalog.Read("try_lock"), lockKey).Scan(&free); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		if free {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("another process is migrating: %w", ctx.Err())
		case <-time.After(lockRetry):
		}
	}
	err = work(ctx, db)
	if _, unlockErr := conn.Exec(context.WithoutCancel(ctx), catalog.Read("unlock"), lockKey); unlockErr != nil {
		// The lock goes with the connection.
		_ = conn.Conn().Close(context.WithoutCancel(ctx))
	}
	return err
}

func (db *database) ourSteps(ctx context.Context) ([]Step, error) {
	var exists bool
	if err := db.pool.QueryRow(ctx, catalog.Read("relation_exists"), bookkeeping).Scan(&exists); err != nil {
		return nil, err
	}
	var steps []Step
	if !exists {
		// The library would create its table to answer: status is a read.
		for _, source := range db.ours.ListSources() {
			steps = append(steps, Step{Name: source.Path, Version: source.Version})
		}
		return steps, nil
	}
	states, err := db.ours.Status(ctx)
	if err != nil {
		return nil, err
	}
	for _, state := range states {
		steps = append(steps, Step{
			Name:      state.Source.Path,
			Version:   state.Source.Version,
			AppliedAt: state.AppliedAt,
			Applied:   state.State == goose.StateApplied,
		})
	}
	return steps, nil
}
