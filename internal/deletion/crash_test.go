package deletion_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/deletion"
	"github.com/palisade-sec/palisade/internal/enginetest"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/scan"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// childVariable tells the test binary to be a worker process that its parent will kill: "app-url system-url".
const childVariable = "PALISADE_TEST_DELETION_CHILD"

func TestMain(m *testing.M) {
	enginetest.Main()
	if text := os.Getenv(childVariable); text != "" {
		if err := child(strings.Split(text, " ")); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func child(urls []string) error {
	ctx := context.Background()
	tenants, err := tenant.Open(ctx, pipeline.Config{URL: urls[0], MaxConns: 4})
	if err != nil {
		return err
	}
	executor, err := system.Open(ctx, pipeline.Config{URL: urls[1], MaxConns: 4})
	if err != nil {
		return err
	}
	registry := jobs.NewRegistry()
	client, err := jobs.NewClient(registry)
	if err != nil {
		return err
	}
	deletion.Register(registry, deletion.New(executor, client, slog.New(slog.DiscardHandler)).With(10, time.Hour))
	deletion.RegisterProviders(registry, deletion.NewProviders(client).With(10, time.Hour))
	scan.Register(registry, scan.Parts{})
	return client.Work(ctx, jobs.WorkConfig{Tenants: tenants, System: executor, Silence: 800 * time.Millisecond, Poll: 50 * time.Millisecond})
}

// TestAKilledErasureIsFinishedByAnother kills the worker process in the middle of a batch of one table after the other; in the
// end another process finishes.
func TestAKilledErasureIsFinishedByAnother(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	bobs := rows(t, s.pool, s.bob.Tenant)
	s.ada.Delete(t, "/tenants/"+s.ada.Tenant).Want(t, 204)
	for _, table := range []string{"findings", "resources", "scans", "providers", "tenants"} {
		s.killedAt(t, table)
	}
	last := s.worker(t)
	s.erased(t)
	stop(t, last)
	if now := rows(t, s.pool, s.bob.Tenant); !maps.Equal(now, bobs) {
		t.Errorf("bob had %v, has %v", bobs, now)
	}
}

// killedAt runs a worker process until it waits for the last row of a table that the test holds, and kills it there.
func (s *street) killedAt(t *testing.T, table string) {
	t.Helper()
	tx, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	column := "tenant_id"
	if table == "tenants" {
		column = "id"
	}
	held, err := tx.Exec(t.Context(), fmt.Sprintf(`select from %s where ctid = (select max(ctid) from %[1]s where %[2]s = $1) and %[2]s = $1 for update`, table, column), s.ada.Tenant)
	if err != nil || held.RowsAffected() == 0 {
		t.Fatalf("%s: no row to hold: %v", table, err)
	}
	before := s.count(t, `select count(*) from `+table+` where `+column+` = $1`, s.ada.Tenant)
	victim := s.worker(t)
	for s.count(t, `select count(*) from pg_stat_activity where datname = current_database() and usename = 'palisade_system' and wait_event_type = 'Lock'`) == 0 {
		time.Sleep(20 * time.Millisecond)
	}
	stop(t, victim)
	// The server notices when the batch gets its row: it must not commit what nobody waits for any more, or commit all of it.
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for s.count(t, `select count(*) from pg_stat_activity where datname = current_database() and usename = 'palisade_system'`) > s.connections(t) {
		time.Sleep(20 * time.Millisecond)
	}
	after := s.count(t, `select count(*) from `+table+` where `+column+` = $1`, s.ada.Tenant)
	if after == 0 || after > before {
		t.Errorf("%s: %d rows before the kill, %d after", table, before, after)
	}
}

// worker starts a worker process.
func (s *street) worker(t *testing.T) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	command.Env = append(os.Environ(), childVariable+"="+s.server.DB.URL(pgtest.App)+" "+s.server.DB.URL(pgtest.System))
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return command
}

// stop kills a worker process.
func stop(t *testing.T, command *exec.Cmd) {
	t.Helper()
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // it was killed
}

// connections are those of the test's own server.
func (s *street) connections(t *testing.T) int {
	t.Helper()
	return s.count(t, `select count(*) from pg_stat_activity where datname = current_database() and usename = 'palisade_system' and application_name = 'palisade:system'`)
}
