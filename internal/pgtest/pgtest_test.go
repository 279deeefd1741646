package pgtest_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/migrations"
)

func TestNewIsMigrated(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	pending, err := migrate.Pending(t.Context(), db.URL(pgtest.Owner), migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	if pending {
		t.Error("migrations are pending")
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	tests := []struct {
		role string
		fit  bool
	}{
		{pgtest.App, true},
		{pgtest.System, true},
		{pgtest.Owner, false},
		{pgtest.Superuser, false},
	}
	for _, test := range tests {
		power, err := migrate.CheckRole(t.Context(), db.Pool(t, test.role))
		if err != nil {
			t.Fatal(err)
		}
		if power.Name != test.role {
			t.Errorf("connected as %s, want %s", power.Name, test.role)
		}
		if fit := power.Err() == nil; fit != test.fit {
			t.Errorf("%s may work at run time: %v, want %v (%v)", test.role, fit, test.fit, power.Err())
		}
	}
}

func TestDatabasesAreSeparate(t *testing.T) {
	t.Parallel()
	one, two := pgtest.New(t), pgtest.New(t)
	if one.Name == two.Name {
		t.Fatal("two tests share a database")
	}
	if err := migrate.Down(t.Context(), one.URL(pgtest.Owner), migrations.FS, 1, nil); err != nil {
		t.Fatal(err)
	}
	pending, err := migrate.Pending(t.Context(), two.URL(pgtest.Owner), migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	if pending {
		t.Error("a change of one database shows in the other")
	}
}

func TestDroppedAtTheEnd(t *testing.T) {
	t.Parallel()
	var url string
	t.Run("inner", func(t *testing.T) {
		db := pgtest.New(t)
		url = db.URL(pgtest.Owner)
		if err := db.Pool(t, pgtest.App).Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := migrate.Dump(t.Context(), url); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("the database is still there: %v", err)
	}
}

const userEnv = "PALISADE_TEST_PGTEST_USER"

// TestNothingIsLeftBehind kills a test process in the middle of a test.
func TestNothingIsLeftBehind(t *testing.T) {
	if os.Getenv(userEnv) != "" {
		fmt.Println("URL", pgtest.New(t).URL(pgtest.Owner))
		select {}
	}
	t.Parallel()
	temp, err := os.MkdirTemp("", "pgt") // short: a socket goes below it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temp) })
	child := exec.Command(os.Args[0], "-test.run=^TestNothingIsLeftBehind$")
	child.Env = append(os.Environ(), userEnv+"=1", "TMPDIR="+temp)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "URL ") {
	}
	pidFiles, err := filepath.Glob(filepath.Join(temp, "*", "data", "cluster", "postmaster.pid"))
	if err != nil || len(pidFiles) != 1 {
		t.Fatalf("want one server, got %v (%v)", pidFiles, err)
	}
	text, err := os.ReadFile(pidFiles[0])
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	for {
		entries, err := os.ReadDir(temp)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 && syscall.Kill(pid, 0) != nil {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("left behind: %v", entries)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func BenchmarkNew(b *testing.B) {
	pgtest.New(b) // starts the server
	for b.Loop() {
		pgtest.New(b)
	}
}
