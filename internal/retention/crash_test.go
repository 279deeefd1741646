package retention_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/retention"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// childVariable tells the test binary to be a worker process that its parent will kill: "app-url system-url".
const childVariable = "PALISADE_TEST_RETENTION_CHILD"

func TestMain(m *testing.M) {
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
	retention.Register(registry, retention.New(tenants, executor, client, 0, slog.New(slog.DiscardHandler)).With(10, time.Hour, time.Millisecond))
	return client.Work(ctx, jobs.WorkConfig{Tenants: tenants, System: executor, Silence: 800 * time.Millisecond, Poll: 50 * time.Millisecond})
}

// TestAKilledErasureIsFinishedByAnother kills the worker process in the middle of a batch of one table after the other; in the end
// another process finishes, and nothing that stays is harmed. No answer shows anything of the scan at any time.
func TestAKilledErasureIsFinishedByAnother(t *testing.T) {
	t.Parallel()
	a := newAttic(t)
	account, _ := a.account(t, a.ada)
	old := a.scan(t, a.ada, account, 90, "1 year")
	a.scan(t, a.ada, account, 30, "5 days")
	newest := a.scan(t, a.ada, account, 40, "1 minute")
	// Somebody else needs the month, so it goes in batches.
	theirs, _ := a.account(t, a.bob)
	bobs := a.scan(t, a.bob, theirs, 30, "1 year")
	keep(t, a.ada, 6)
	a.sweep(t, 0)
	for _, table := range []string{"findings", "resources", "scan_resource_summaries", "scan_summaries", "scans"} {
		a.killedAt(t, table, old)
		a.ada.Get(t, "/scans/"+old).Want(t, 404)
		if list := a.ada.Get(t, "/findings?filter[scan]="+newest+"&page[size]=100").Want(t, 200); list.Len("/data") != 40 {
			t.Errorf("killed at %s: the newest scan has %d findings", table, list.Len("/data"))
		}
	}
	last := a.worker(t)
	a.erased(t)
	stop(t, last)
	a.consistent(t, "erased")
	if states := a.states(t, a.ada); len(states) != 2 || states[old] != "" {
		t.Errorf("left: %v", states)
	}
	if n := a.count(t, `select count(*) from findings where scan_id = $1`, bobs); n != 30 {
		t.Errorf("the other tenant's scan has %d findings", n)
	}
	if n := a.count(t, `select count(*) from tasks where name = 'scan-retention'`); n != 1 {
		t.Errorf("%d tasks", n)
	}
	told := a.ada.Get(t, "/tasks?filter[name]=scan-retention").Want(t, 200)
	if told.At("/data/0/attributes/metadata/removed/findings") != 90.0 || told.At("/data/0/attributes/metadata/removed/scans") != 1.0 {
		t.Errorf("the task tells %s", told.Raw)
	}
}

// killedAt runs a worker process until it waits for a row of the scan in a table, which the test holds, and kills it there.
func (a *attic) killedAt(t *testing.T, table, scan string) {
	t.Helper()
	tx, err := a.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	// The last row, so that some batches come before it.
	held, err := tx.Exec(t.Context(), map[string]string{
		"findings": `select from findings where id = (select max(id::text)::uuid from findings where scan_id = $1) for update`,
		"resources": `select from resources where id = (select o.resource_id from scan_resource_summaries o where o.scan_id = $1
			and not exists (select from scan_resource_summaries x where x.resource_id = o.resource_id and x.scan_id <> $1) order by o.resource_id desc limit 1) for update`,
		"scan_resource_summaries": `select from scan_resource_summaries where ctid = (select max(ctid) from scan_resource_summaries where scan_id = $1) for update`,
		"scan_summaries":          `select from scan_summaries where ctid = (select max(ctid) from scan_summaries where scan_id = $1) for update`,
		"scans":                   `select from scans where id = $1 for update`,
	}[table], scan)
	if err != nil || held.RowsAffected() == 0 {
		t.Fatalf("%s: no row to hold: %v", table, err)
	}
	victim := a.worker(t)
	for a.count(t, `select count(*) from pg_stat_activity where datname = current_database() and usename = 'palisade_app' and wait_event_type = 'Lock'`) == 0 {
		time.Sleep(20 * time.Millisecond)
	}
	stop(t, victim)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The server notices when the batch gets its row: what nobody waits for any more is not committed.
	for a.count(t, `select count(*) from pg_stat_activity where datname = current_database() and usename = 'palisade_app' and application_name <> 'palisade:app'`) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
}

// worker starts a worker process.
func (a *attic) worker(t *testing.T) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	command.Env = append(os.Environ(), childVariable+"="+a.server.DB.URL(pgtest.App)+" "+a.server.DB.URL(pgtest.System))
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
