package migrate_test

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/migrations"
)

func fixture() fs.FS { return os.DirFS("testdata/migrations") }

func steps(t *testing.T, url string, files fs.FS) (applied, pending int) {
	t.Helper()
	all, err := migrate.Status(t.Context(), url, files)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range all {
		switch {
		case strings.HasPrefix(step.Name, "river "):
		case step.Applied:
			applied++
		default:
			pending++
		}
	}
	return applied, pending
}

func TestUpDownStatus(t *testing.T) {
	t.Parallel()
	url := pgtest.NewEmpty(t).URL(pgtest.Owner)
	check := func(wantApplied, wantPending int) {
		t.Helper()
		if applied, pending := steps(t, url, fixture()); applied != wantApplied || pending != wantPending {
			t.Fatalf("%d applied and %d pending, want %d and %d", applied, pending, wantApplied, wantPending)
		}
	}
	check(0, 2)
	for range 2 { // the second time there is nothing to do
		if err := migrate.Up(t.Context(), url, fixture(), nil); err != nil {
			t.Fatal(err)
		}
		check(2, 0)
	}
	if err := migrate.Down(t.Context(), url, fixture(), 1, nil); err != nil {
		t.Fatal(err)
	}
	check(1, 1)
	if err := migrate.Down(t.Context(), url, fixture(), 10, nil); err != nil {
		t.Fatal(err)
	}
	check(0, 2)
	if err := migrate.Down(t.Context(), url, fixture(), 0, nil); err == nil {
		t.Error("reverted zero steps")
	}
}

// TestStatusChangesNothing asks about a database that has never been migrated.
func TestStatusChangesNothing(t *testing.T) {
	t.Parallel()
	url := pgtest.NewEmpty(t).URL(pgtest.Owner)
	before, err := migrate.Dump(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if pending, err := migrate.Pending(t.Context(), url, fixture()); err != nil || !pending {
		t.Fatalf("pending is %v (%v)", pending, err)
	}
	after, err := migrate.Dump(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if before != after {
		t.Error("asking for the status changed the database")
	}
}

func TestFailedMigrationIsNotHalfApplied(t *testing.T) {
	t.Parallel()
	url := pgtest.NewEmpty(t).URL(pgtest.Owner)
	files := fstest.MapFS{}
	for _, name := range []string{"0001_house.sql", "0003_broken.sql"} {
		text, err := os.ReadFile("testdata/broken/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	if err := migrate.Up(t.Context(), url, files, nil); err == nil {
		t.Fatal("a broken migration succeeded")
	}
	if applied, pending := steps(t, url, files); applied != 1 || pending != 1 {
		t.Errorf("%d applied, %d pending, want 1 and 1", applied, pending)
	}
	text, err := migrate.Dump(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "half_made") {
		t.Error("the first statement of the failed migration stayed")
	}
	if err := migrate.Up(t.Context(), url, fixture(), nil); err != nil {
		t.Errorf("the lock was not released: %v", err)
	}
}

func TestTwoStartersDoNotRace(t *testing.T) {
	t.Parallel()
	url := pgtest.NewEmpty(t).URL(pgtest.Owner)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if err := migrate.Up(t.Context(), url, fixture(), nil); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if _, pending := steps(t, url, fixture()); pending != 0 {
		t.Errorf("%d pending", pending)
	}
}

// TestDownToNothing reverts the real migrations and applies them again: the result is the same.
func TestDownToNothing(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t).URL(pgtest.Owner)
	before, err := migrate.Dump(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate.Down(t.Context(), url, migrations.FS, 1000, nil); err != nil {
		t.Fatal(err)
	}
	empty, err := migrate.Dump(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(empty, "create table") || strings.Contains(empty, "CREATE OR REPLACE") {
		t.Errorf("something stayed:\n%s", empty)
	}
	if err := migrate.Up(t.Context(), url, migrations.FS, nil); err != nil {
		t.Fatal(err)
	}
	after, err := migrate.Dump(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if before != after {
		t.Error("down and up again gave another schema")
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	one, err := migrate.Fingerprint(fstest.MapFS{"0001_a.sql": {Data: []byte("x")}, "schema.sql": {Data: []byte("dump")}})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		files fs.FS
		same  bool
	}{
		"another dump":  {fstest.MapFS{"0001_a.sql": {Data: []byte("x")}, "schema.sql": {Data: []byte("other")}}, true},
		"other content": {fstest.MapFS{"0001_a.sql": {Data: []byte("y")}}, false},
		"other name":    {fstest.MapFS{"0002_a.sql": {Data: []byte("x")}}, false},
		"one more":      {fstest.MapFS{"0001_a.sql": {Data: []byte("x")}, "0002_b.sql": {Data: []byte("")}}, false},
	}
	for name, test := range tests {
		two, err := migrate.Fingerprint(test.files)
		if err != nil {
			t.Fatal(err)
		}
		if (one == two) != test.same {
			t.Errorf("%s: same fingerprint is %v, want %v", name, one == two, test.same)
		}
	}
}

// TestDumpShowsTheWall dumps the fixture and looks for each kind of object.
func TestDumpShowsTheWall(t *testing.T) {
	t.Parallel()
	url := pgtest.NewEmpty(t).URL(pgtest.Owner)
	if err := migrate.Up(t.Context(), url, fixture(), nil); err != nil {
		t.Fatal(err)
	}
	text, err := migrate.Dump(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/dump.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(want)) {
		if line = strings.TrimSuffix(line, "\n"); !strings.Contains(text, line) {
			t.Errorf("not in the dump: %s", line)
		}
	}
	for _, forbidden := range []string{"rooms_2020", "schema_migrations", "river_job"} {
		if strings.Contains(text, forbidden) {
			t.Errorf("the dump speaks of %s", forbidden)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// TestDumpRuns runs the dump of the real schema and of the fixture on an empty database and dumps that one.
func TestDumpRuns(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]fs.FS{"fixture": fixture(), "migrations": migrations.FS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := pgtest.NewEmpty(t).URL(pgtest.Owner)
			if err := migrate.Up(t.Context(), source, files, nil); err != nil {
				t.Fatal(err)
			}
			want, err := migrate.Dump(t.Context(), source)
			if err != nil {
				t.Fatal(err)
			}
			target := pgtest.NewEmpty(t).URL(pgtest.Owner)
			// The job queue's tables are not in the dump, what we grant on them is.
			if err := migrate.Up(t.Context(), target, fixture(), nil); err != nil {
				t.Fatal(err)
			}
			if err := migrate.Down(t.Context(), target, fixture(), 2, nil); err != nil {
				t.Fatal(err)
			}
			conn, err := pgx.Connect(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(context.WithoutCancel(t.Context()))
			if _, err := conn.PgConn().Exec(t.Context(), want).ReadAll(); err != nil {
				t.Fatalf("the dump does not run: %v\n%s", err, want)
			}
			got, err := migrate.Dump(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("the dump of what the dump makes differs:\n%s\n---- want ----\n%s", got, want)
			}
		})
	}
}

func TestBootstrapIsRepeatable(t *testing.T) {
	t.Parallel()
	db := pgtest.NewEmpty(t)
	none := func(string) string { return "" }
	if err := migrate.Bootstrap(t.Context(), db.URL(pgtest.Superuser), db.Name, none); err != nil {
		t.Fatal(err)
	}
	if err := db.Pool(t, pgtest.App).Ping(t.Context()); err != nil {
		t.Errorf("a bootstrap without passwords changed one: %v", err)
	}
}

func TestBootstrapErrorHidesPasswords(t *testing.T) {
	t.Parallel()
	db := pgtest.NewEmpty(t)
	const secret = "a-secret-password"
	// The owner's password only: a role may change its own, and roles are shared by all tests of the process.
	err := migrate.Bootstrap(t.Context(), db.URL(pgtest.App), db.Name, func(role string) string {
		if role == pgtest.Owner {
			return secret
		}
		return ""
	})
	if err == nil {
		t.Fatal("a runtime role could set passwords")
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the error holds the password: %v", err)
	}
}
