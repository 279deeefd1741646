package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/postgres"
)

// quick trades durability for speed; the clusters here live for one test.
var quick = map[string]string{"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}

// config uses the version named by PALISADE_TEST_POSTGRES, as package pgtest does.
func config(dir string) postgres.Config {
	major, _ := strconv.Atoi(os.Getenv("PALISADE_TEST_POSTGRES"))
	return postgres.Config{DataDir: dir, Major: major, Settings: quick, InitArgs: []string{"--no-sync"}}
}

func start(t *testing.T, cfg postgres.Config) *postgres.Server {
	t.Helper()
	srv, err := postgres.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return srv
}

func connect(t *testing.T, connString string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), connString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func show(t *testing.T, conn *pgx.Conn, setting string) string {
	t.Helper()
	// The statement is a protocol word with the name of a setting, not SQL that reads data.
	value := conn.PgConn().ExecParams(t.Context(), "show "+setting, nil, nil, nil, nil).Read()
	if value.Err != nil {
		t.Fatal(value.Err)
	}
	return string(value.Rows[0][0])
}

// TestStart covers the life of a cluster, in a folder whose parents only we may enter (t.TempDir makes such).
func TestStart(t *testing.T) {
	t.Parallel()
	// A private folder with a parent that is private too.
	dir := filepath.Join(t.TempDir(), "data")
	srv := start(t, config(dir))
	conn := connect(t, srv.URL(postgres.Superuser, "postgres"))
	for setting, want := range map[string]string{
		"server_encoding":  "UTF8",
		"listen_addresses": "",
		"timezone":         "UTC",
		"fsync":            "off",
	} {
		if got := show(t, conn, setting); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	if err := migrate.CheckCollation(t.Context(), conn); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]os.FileMode{"": 0o700, "cluster": 0o700, "secret": 0o600} {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%q has mode %v, want %v", path, info.Mode().Perm(), want)
		}
	}
	_ = conn.Close(t.Context())
	if err := srv.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(t.Context(), srv.URL(postgres.Superuser, "postgres")); err == nil {
		t.Error("the stopped server still answers")
	}

	again := start(t, config(dir))
	if again.URL("x", "y") != srv.URL("x", "y") {
		t.Error("the connection string changed over a restart")
	}
	connect(t, again.URL(postgres.Superuser, "postgres"))
}

func TestPasswordIsRequired(t *testing.T) {
	t.Parallel()
	srv := start(t, config(t.TempDir()))
	good := srv.URL(postgres.Superuser, "postgres")
	connect(t, good)
	u, err := url.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []*url.Userinfo{url.User(postgres.Superuser), url.UserPassword(postgres.Superuser, "wrong")} {
		u.User = user
		if conn, err := pgx.Connect(t.Context(), u.String()); err == nil {
			_ = conn.Close(t.Context())
			t.Errorf("%q could log in", user)
		}
	}
	if srv.Password("a") == srv.Password("b") {
		t.Error("two roles have the same password")
	}
}

func TestSecondStarterIsRefusedAndMayAttach(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := postgres.Attach(dir); !errors.Is(err, postgres.ErrNotRunning) {
		t.Fatalf("attach to nothing: %v", err)
	}
	srv := start(t, config(dir))
	if _, err := postgres.Start(t.Context(), config(dir)); !errors.Is(err, postgres.ErrInUse) {
		t.Fatalf("second start: %v", err)
	}
	attached, err := postgres.Attach(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := attached.URL("x", "y"), srv.URL("x", "y"); got != want {
		t.Errorf("attached at %s, want %s", got, want)
	}
	if err := attached.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	connect(t, attached.URL(postgres.Superuser, "postgres"))
}

// TestLongPath needs a socket outside the data folder: a socket address holds about a hundred bytes.
func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long-", 30))
	srv := start(t, config(dir))
	connect(t, srv.URL(postgres.Superuser, "postgres"))
	attached, err := postgres.Attach(dir)
	if err != nil {
		t.Fatal(err)
	}
	connect(t, attached.URL(postgres.Superuser, "postgres"))
}

func TestStalePidFile(t *testing.T) {
	t.Parallel()
	for name, pid := range map[string]string{
		"of a dead process":     "4194303",
		"of an unrelated one":   strconv.Itoa(os.Getpid()),
		"of init":               "1",
		"with nothing readable": "garbage",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			srv := start(t, config(dir))
			if err := srv.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			text := pid + "\n/somewhere\n1700000000\n5432\n.\n\n  1  1\nready\n"
			path := filepath.Join(dir, "cluster", "postmaster.pid")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			chownLike(t, path, filepath.Dir(path))
			srv = start(t, config(dir))
			connect(t, srv.URL(postgres.Superuser, "postgres"))
		})
	}
}

// chownLike gives path to the owner of model: as root, the server runs as another account.
func chownLike(t *testing.T, path, model string) {
	t.Helper()
	info, err := os.Stat(model)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
}

// TestKilledServer kills the server itself; its starter notices, and the next start recovers.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv, err := postgres.Start(t.Context(), config(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(srv.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-srv.Done()
	if err := srv.Stop(t.Context()); err == nil {
		t.Error("no error from the stop of a killed server")
	}
	srv = start(t, config(dir))
	connect(t, srv.URL(postgres.Superuser, "postgres"))
}

const starterEnv = "PALISADE_TEST_STARTER_DIR"

// TestKilledStarter kills the process that started a server, as a crash would, and starts again at once.
func TestKilledStarter(t *testing.T) {
	if dir := os.Getenv(starterEnv); dir != "" {
		cfg := config(dir)
		if _, err := postgres.Start(t.Context(), cfg); err != nil {
			fmt.Println("FAILED", err)
		}
		fmt.Println("STARTED")
		select {}
	}
	t.Parallel()
	for range 3 {
		dir := t.TempDir()
		child := exec.Command(os.Args[0], "-test.run=^TestKilledStarter$")
		child.Env = append(os.Environ(), starterEnv+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() && lines.Text() != "STARTED" {
			if strings.HasPrefix(lines.Text(), "FAILED") {
				t.Error(lines.Text())
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait()
		srv, err := postgres.Start(t.Context(), config(dir))
		if err != nil {
			t.Fatal(err)
		}
		connect(t, srv.URL(postgres.Superuser, "postgres"))
		if err := srv.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStartFailures(t *testing.T) {
	t.Parallel()
	t.Run("no folder", func(t *testing.T) {
		t.Parallel()
		if _, err := postgres.Start(t.Context(), postgres.Config{}); err == nil {
			t.Error("started without a folder")
		}
	})
	t.Run("bad setting", func(t *testing.T) {
		t.Parallel()
		cfg := config(t.TempDir())
		cfg.Settings = map[string]string{"max_connections": "none"}
		_, err := postgres.Start(t.Context(), cfg)
		if err == nil || !strings.Contains(err.Error(), "max_connections") {
			t.Errorf("the error does not name the setting: %v", err)
		}
	})
	t.Run("failed initdb leaves no cluster", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		cfg := config(dir)
		cfg.InitArgs = []string{"--no-such-option"}
		if _, err := postgres.Start(t.Context(), cfg); err == nil {
			t.Fatal("started with a wrong initdb option")
		}
		start(t, config(dir))
	})
	t.Run("lost secret", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := start(t, config(dir)).Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, "secret")); err != nil {
			t.Fatal(err)
		}
		if _, err := postgres.Start(t.Context(), config(dir)); err == nil {
			t.Error("started without the secret")
		}
	})
	t.Run("other major version", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		srv := start(t, config(dir))
		if err := srv.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		cfg := config(dir)
		cfg.Major = srv.Major() + 1
		if _, err := postgres.Start(t.Context(), cfg); err == nil {
			t.Error("started a cluster of another version")
		}
	})
	t.Run("version too old", func(t *testing.T) {
		t.Parallel()
		cfg := config(t.TempDir())
		cfg.Major = postgres.MinMajor - 1
		if _, err := postgres.Start(t.Context(), cfg); err == nil {
			t.Error("accepted an old version")
		}
	})
}
