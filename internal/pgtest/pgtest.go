package pgtest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/postgres"
)

// The roles that URL and Pool take. Superuser passes row level security: it is for arranging and inspecting only.
const (
	Owner     = migrate.OwnerRole
	App       = migrate.AppRole
	System    = migrate.SystemRole
	Superuser = postgres.Superuser
)

// DB is a database that lives for one test.
type DB struct {
	// Name is the database's name on the shared server.
	Name string

	server *server
}

// theServer is the server of this process, started by the first test that needs it.
var theServer = sync.OnceValues(startServer)

var lastDatabase atomic.Int64

// New returns a fresh database with all migrations applied. It is dropped when the test ends.
func New(t testing.TB) *DB {
	t.Helper()
	return clone(t, migratedTemplate)
}

// NewEmpty returns a fresh database with the roles, owned by the owner role, and no migration applied: for tests of
// migrations.
func NewEmpty(t testing.TB) *DB {
	t.Helper()
	return clone(t, emptyTemplate)
}

// Copy returns a database that begins as a copy of this one, which nobody may be connected to.
func (db *DB) Copy(t testing.TB) *DB {
	t.Helper()
	return clone(t, db.Name)
}

// URL returns the connection string for one of the roles above.
func (db *DB) URL(role string) string { return db.server.postgres.URL(role, db.Name) }

// Pool returns a small connection pool as one of the roles above. It is closed when the test ends.
func (db *DB) Pool(t testing.TB, role string) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(db.URL(role))
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxConns = 8
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func clone(t testing.TB, template string) *DB {
	t.Helper()
	server, err := theServer()
	if err != nil {
		t.Fatal(err)
	}
	db := &DB{Name: fmt.Sprintf("test_%d", lastDatabase.Add(1)), server: server}
	if err := db.create(t.Context(), template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := db.drop(ctx); err != nil {
			t.Errorf("drop database %s: %v", db.Name, err)
		}
	})
	return db
}

func (db *DB) create(ctx context.Context, template string) error {
	conn, err := db.server.admin.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return migrate.CloneDatabase(ctx, conn.Conn(), db.Name, template)
}

func (db *DB) drop(ctx context.Context) error {
	conn, err := db.server.admin.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return migrate.DropDatabase(ctx, conn.Conn(), db.Name)
}
