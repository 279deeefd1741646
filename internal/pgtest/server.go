package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/postgres"
	"github.com/palisade-sec/palisade/migrations"
)

// The databases of a prepared cluster that tests get copies of.
const (
	emptyTemplate    = "template1"
	migratedTemplate = "palisade_template"
)

// layout is part of the key of a prepared cluster: raise it when prepare makes something else.
const layout = "2"

// startLimit bounds what the first test waits for, a download included.
const startLimit = 5 * time.Minute

// keepPrepared is how long prepared clusters of other migrations are kept.
const keepPrepared = 24 * time.Hour

// settings give up durability, which a test's database does not need.
var settings = map[string]string{
	"fsync":              "off",
	"full_page_writes":   "off",
	"synchronous_commit": "off",
	"wal_level":          "minimal",
	"max_wal_senders":    "0",
	"max_connections":    "400",
	"shared_buffers":     "64MB",
	"min_wal_size":       "2MB",
	"max_wal_size":       "256MB",
	// Statistics change plans in the middle of a test.
	"autovacuum": "off",
}

// initArgs make a small cluster: it is copied for every test process.
var initArgs = []string{"--no-sync", "--wal-segsize=1"}

// server is the PostgreSQL server of this test process.
type server struct {
	postgres *postgres.Server
	admin    *pgxpool.Pool
	// watchdog keeps the pipe open whose end tells the watchdog that this process has ended.
	watchdog io.Closer
}

func startServer() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	s, err := newServer(ctx)
	if err != nil {
		return nil, fmt.Errorf("start the test database server: %w", err)
	}
	return s, nil
}

func newServer(ctx context.Context) (_ *server, err error) {
	cfg, err := serverConfig()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(scratchDir(), "palisade-test-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	cfg.DataDir = filepath.Join(dir, "data")
	if err := copyPrepared(ctx, cfg); err != nil {
		return nil, err
	}
	s := &server{}
	if s.postgres, err = postgres.Start(ctx, cfg); err != nil {
		return nil, err
	}
	if s.watchdog, err = startWatchdog(dir, s.postgres.Pid()); err == nil {
		s.admin, err = pgxpool.New(ctx, s.postgres.URL(postgres.Superuser, "postgres"))
	}
	if err != nil {
		_ = s.postgres.Stop(ctx)
	}
	return s, err
}

func serverConfig() (postgres.Config, error) {
	cfg := postgres.Config{Settings: settings, InitArgs: initArgs, OrphanSignal: syscall.SIGQUIT}
	if text := os.Getenv("PALISADE_TEST_POSTGRES"); text != "" {
		major, err := strconv.Atoi(text)
		if err != nil {
			return cfg, fmt.Errorf("PALISADE_TEST_POSTGRES is %q: want a major version", text)
		}
		cfg.Major = major
	}
	return cfg, nil
}

// copyPrepared copies the prepared cluster for these migrations and this server version to cfg.DataDir, making it first
// when it is not there. Test processes run side by side: a lock makes one of them do it.
func copyPrepared(ctx context.Context, cfg postgres.Config) error {
	binaries, major, err := postgres.Locate(ctx, cfg)
	if err != nil {
		return err
	}
	fingerprint, err := migrate.Fingerprint(migrations.FS)
	if err != nil {
		return err
	}
	root, err := cacheRoot()
	if err != nil {
		return err
	}
	// Programs of one major version but another build may differ in what a cluster holds (locales, page size).
	prepared := filepath.Join(root, fmt.Sprintf("pg%d-%s-%.16s-%s", major, shortHash(binaries), fingerprint, layout))
	lock, err := os.OpenFile(prepared+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	if _, err := os.Stat(prepared); errors.Is(err, fs.ErrNotExist) {
		removeOld(root)
		if err := prepare(ctx, cfg, prepared); err != nil {
			return fmt.Errorf("prepare a cluster: %w", err)
		}
	}
	// Others may copy at the same time, but nobody may remove it meanwhile.
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_SH); err != nil {
		return err
	}
	return copyTree(prepared, cfg.DataDir)
}

// prepare makes a stopped cluster with the roles and a migrated database.
func prepare(ctx context.Context, cfg postgres.Config, path string) error {
	cfg.DataDir = path + ".new"
	if err := os.RemoveAll(cfg.DataDir); err != nil {
		return err
	}
	srv, err := postgres.Start(ctx, cfg)
	if err != nil {
		return err
	}
	err = migrate.Bootstrap(ctx, srv.URL(postgres.Superuser, "postgres"), migratedTemplate, srv.Password)
	if err == nil {
		err = migrate.Up(ctx, srv.URL(Owner, migratedTemplate), migrations.FS, nil)
	}
	if err = errors.Join(err, srv.Stop(ctx)); err != nil {
		return errors.Join(err, os.RemoveAll(cfg.DataDir))
	}
	return os.Rename(cfg.DataDir, path)
}

// startWatchdog starts a shell that outlives this process by a moment: when the pipe to it closes, because this process
// has ended in whatever way, it ends the server and removes its folder. It has a session of its own, so that an interrupt
// typed at the terminal does not reach it.
func startWatchdog(dir string, server int) (io.Closer, error) {
	const script = `read -r _
kill -QUIT "$2" 2>/dev/null
tries=0
while kill -0 "$2" 2>/dev/null && [ "$tries" -lt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
rm -rf -- "$1"`
	cmd := exec.Command("/bin/sh", "-c", script, "palisade-test-watchdog", dir, strconv.Itoa(server))
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the watchdog: %w", err)
	}
	return pipe, nil
}
