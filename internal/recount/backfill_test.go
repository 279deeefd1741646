package recount_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/recount"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// childVariable tells the test binary to be a worker process that its parent will kill: "app-url system-url".
const childVariable = "PALISADE_TEST_BACKFILL_CHILD"

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
	service, client, err := open(urls[0], urls[1], 2*time.Millisecond)
	if err != nil {
		return err
	}
	tenants, executor := service.Executors()
	return client.Work(context.Background(), jobs.WorkConfig{Tenants: tenants, System: executor, Silence: 800 * time.Millisecond, Poll: 50 * time.Millisecond})
}

// open is a service of its own with so long a turn, and the client of its jobs.
func open(app, systemURL string, turn time.Duration) (*recount.Service, *jobs.Client, error) {
	tenants, err := tenant.Open(context.Background(), pipeline.Config{URL: app, MaxConns: 4})
	if err != nil {
		return nil, nil, err
	}
	executor, err := system.Open(context.Background(), pipeline.Config{URL: systemURL, MaxConns: 4})
	if err != nil {
		return nil, nil, err
	}
	registry := jobs.NewRegistry()
	client, err := jobs.NewClient(registry)
	if err != nil {
		return nil, nil, err
	}
	service := recount.New(tenants, executor, client, slog.New(slog.DiscardHandler)).With(turn)
	recount.Register(registry, service)
	return service, client, nil
}

// archive is a server with two organisations that have scans, which are then made to be of an earlier version.
type archive struct {
	server   *apitest.Server
	pool     *pgxpool.Pool // superuser: arranges and inspects
	ada, bob *apitest.Client
	scans    []string // Ada's, the oldest first
}

func newArchive(t *testing.T) *archive {
	t.Helper()
	server := apitest.Start(t)
	a := &archive{server: server, pool: server.DB.Pool(t, pgtest.Superuser), ada: server.SignUp(t, "Ada"), bob: server.SignUp(t, "Bob")}
	for _, account := range []string{"111111111111", "222222222222"} {
		a.ada.Connect(t, account, "Account "+account)
		for _, findings := range []int{30, 40} {
			a.scans = append(a.scans, a.ada.Ingest(t, ocsftest.File{Account: account, Findings: findings}))
		}
	}
	a.bob.Connect(t, "333333333333", "His")
	a.bob.Ingest(t, ocsftest.File{Account: "333333333333", Findings: 30})
	a.forget(t)
	return a
}

// forget makes all scans such as a version of the program left them that summed nothing up.
func (a *archive) forget(t *testing.T) {
	t.Helper()
	for _, one := range ingest.Aggregates() {
		a.exec(t, `delete from `+one.Table)
	}
	a.exec(t, `update scans set aggregates_version = 0, unique_resource_count = 0`)
}

func (a *archive) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := a.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("arrange: %v", err)
	}
}

func (a *archive) count(t *testing.T, sql string, args ...any) int {
	t.Helper()
	var count int
	if err := a.pool.QueryRow(t.Context(), sql, args...).Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

// settled waits until no scan is of an earlier version and no job is under way, and compares all with a recount. The test's own
// limit is the only clock.
func (a *archive) settled(t *testing.T) {
	t.Helper()
	for a.count(t, `select count(*) from scans where state = 'completed' and aggregates_version < $1`, ingest.Version()) > 0 ||
		a.count(t, `select count(*) from tasks where name = 'backfill-scan-aggregates' and state not in ('completed', 'cancelled')`) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
	sum, err := recount.New(a.server.App.Tenants, a.server.App.System, nil, nil).Verify(t.Context(), recount.Selection{}, func(one recount.Outcome) error {
		t.Errorf("scan %s: %+v", one.Scan, one.Differences)
		return nil
	})
	if err != nil || sum.Scans != 5 || a.count(t, `select count(*) from scan_summaries`) == 0 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// TestScansOfEarlierVersionsAreCounted is the whole way: workers start, and every tenant's scans are counted by one task of its.
func TestScansOfEarlierVersionsAreCounted(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.server.Work(t)
	a.settled(t)
	for person, scans := range map[*apitest.Client]float64{a.ada: 4, a.bob: 1} {
		tasks := person.Get(t, "/tasks?filter[name]=backfill-scan-aggregates").Want(t, 200)
		if tasks.Len("/data") != 1 || tasks.String("/data/0/attributes/state") != "completed" || tasks.At("/data/0/attributes/result/scans_counted") != scans ||
			tasks.At("/data/0/attributes/metadata/progress") != 100.0 || tasks.At("/data/0/attributes/metadata/scans_total") != scans {
			t.Errorf("the tasks are %s", tasks.Raw)
		}
	}
}

// TestOneBackfillATenant: looking again adds nothing while a job is under way, nor when there is nothing to do.
func TestOneBackfillATenant(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	service, _, err := open(a.server.DB.URL(pgtest.App), a.server.DB.URL(pgtest.System), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(service.CloseExecutors)
	for range 3 {
		if err := service.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := a.count(t, `select count(*) from tasks where name = 'backfill-scan-aggregates'`); n != 2 {
		t.Errorf("%d tasks for two tenants", n)
	}
	a.exec(t, `update tasks set state = 'completed' where name = 'backfill-scan-aggregates'`)
	if _, err := service.All(t.Context(), recount.Selection{}); err != nil {
		t.Fatal(err)
	}
	if err := service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := a.count(t, `select count(*) from tasks where name = 'backfill-scan-aggregates'`); n != 2 {
		t.Errorf("%d tasks, though all is counted", n)
	}
}

// TestAKilledBackfillIsFinishedByAnother kills the worker process while it counts one scan after the other, the newest first; in the
// end another process finishes.
func TestAKilledBackfillIsFinishedByAnother(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	for at := len(a.scans) - 1; at >= 0; at-- {
		a.killedAt(t, a.scans[at])
		if n := a.count(t, `select count(*) from scans where tenant_id = $1 and aggregates_version > 0`, a.ada.Tenant); n != len(a.scans)-1-at {
			t.Fatalf("killed at scan %d: %d are counted", at, n)
		}
	}
	last := a.worker(t)
	a.settled(t)
	stop(t, last)
	var counted, total int
	err := a.pool.QueryRow(t.Context(), `select (metadata ->> 'scans_counted')::integer, (metadata ->> 'scans_total')::integer from tasks
		where name = 'backfill-scan-aggregates' and tenant_id = $1`, a.ada.Tenant).Scan(&counted, &total)
	if err != nil || counted != len(a.scans) || total != len(a.scans) {
		t.Errorf("the task tells of %d of %d scans: %v", counted, total, err)
	}
}

// killedAt runs a worker process until it waits for the row of a scan, which the test holds, and kills it there.
func (a *archive) killedAt(t *testing.T, scan string) {
	t.Helper()
	tx, err := a.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if _, err := tx.Exec(t.Context(), `select from scans where id = $1 for update`, scan); err != nil {
		t.Fatal(err)
	}
	victim := a.worker(t)
	for a.count(t, `select count(*) from pg_stat_activity where datname = current_database() and usename = 'palisade_app' and wait_event_type = 'Lock'`) == 0 {
		time.Sleep(20 * time.Millisecond)
	}
	stop(t, victim)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The server notices when it gets the row: what nobody waits for any more is not committed.
	for a.count(t, `select count(*) from pg_stat_activity where datname = current_database() and usename = 'palisade_app' and application_name <> 'palisade:app'`) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
}

// worker starts a worker process.
func (a *archive) worker(t *testing.T) *exec.Cmd {
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

// TestMutedMeanwhileIsNotCompared: a scan of which findings were muted awaits its recount, and a recount is that.
func TestMutedMeanwhileIsNotCompared(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	service := recount.New(a.server.App.Tenants, a.server.App.System, nil, nil)
	if _, err := service.All(t.Context(), recount.Selection{}); err != nil {
		t.Fatal(err)
	}
	scan := uuid.MustParse(a.scans[1])
	a.exec(t, `with muted as (update findings set muted = true, muted_reason = 'x', muted_at = now() where scan_id = $1 returning tenant_id, provider_id, scan_id)
		insert into scan_recounts (tenant_id, provider_id, scan_id) select distinct * from muted`, scan)
	sum, err := service.Verify(t.Context(), recount.Selection{}, func(one recount.Outcome) error {
		if one.Scan != scan || !one.Awaits {
			t.Errorf("%+v", one)
		}
		return nil
	})
	if err != nil || sum != (recount.Summary{Scans: 5, Awaiting: 1}) {
		t.Errorf("%+v, %v", sum, err)
	}
	if _, err := service.All(t.Context(), recount.Selection{Scan: scan}); err != nil {
		t.Fatal(err)
	}
	a.settled(t)
}
