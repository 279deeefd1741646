package outage

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/enginetest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// childVariable tells the test binary to be a worker process: lines with the URLs of both roles, the folder of keys, the engine.
const childVariable = "PALISADE_TEST_OUTAGE_CHILD"

// silence is after how long a worker process is taken for dead.
const silence = 1200 * time.Millisecond

func TestMain(m *testing.M) {
	enginetest.Main()
	if text := os.Getenv(childVariable); text != "" {
		if err := child(strings.Split(text, "\n")); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// Most of the time is waiting: for leases to lapse, and for retries.
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(max(8, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// child is the program as a worker.
func child(with []string) error {
	go func() { // it ends with the test, however that ends
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(2)
	}()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	program, err := app.Open(ctx, app.Settings{AppURL: with[0], SystemURL: with[1], KeyDir: with[2], EnginePython: with[3], MaxConns: 4, TokenLimit: "off",
		WorkerSilence: silence, WorkerStop: 100 * time.Millisecond}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	defer program.Close()
	return program.Work(ctx)
}

// world is an installation: a database, an API, and no worker unless one is started.
type world struct {
	server *apitest.Server
	pool   *pgxpool.Pool // superuser: arranges and inspects
	python string
	made   map[string]bool // ids that were there before any work
	since  string          // moment before any work

	ada, bob    *apitest.Client
	goes, stays string // providers of Ada's
	again       string // the provider that has the account of the one that was deleted
}

// open makes the world one of a database.
func (w world) open(t *testing.T, db *pgtest.DB, keys string) *world {
	t.Helper()
	w.server = apitest.StartWith(t, apitest.Setup{DB: db, Settings: app.Settings{KeyDir: keys, EnginePython: w.python, WorkerSilence: silence}})
	w.pool = db.Pool(t, pgtest.Superuser)
	if w.ada != nil {
		w.ada, w.bob = w.server.As(w.ada), w.server.As(w.bob)
	}
	return &w
}

// prepared is a world that nobody uses, of which each test gets a copy.
type prepared struct {
	scenario scenario
	world    *world
	db       *pgtest.DB
	keys     string
	wanted   []string // state after an undisturbed run
	steps    []step   // of that run
}

func (p *prepared) copy(t *testing.T) *world {
	t.Helper()
	return p.world.open(t, p.db.Copy(t), p.keys)
}

// settled is a world of two organisations, of which the first has two accounts that were scanned.
func settled(t *testing.T) *prepared {
	t.Helper()
	p := &prepared{db: pgtest.New(t), keys: t.TempDir()}
	python := enginetest.Interpreter(t)
	t.Run("settle", func(t *testing.T) {
		w := world{python: python}.open(t, p.db, p.keys)
		w.ada, w.bob = w.server.SignUp(t, "Ada"), w.server.SignUp(t, "Bob")
		w.goes, w.stays = w.connect(t, w.ada, condemned), w.connect(t, w.ada, kept)
		w.connect(t, w.bob, condemned)
		w.begin(t)
		p.world = w
	})
	return p
}

// prepare arranges a scenario in a copy of a world and lets a worker do the work, undisturbed.
func (p *prepared) prepare(t *testing.T, scenario scenario) *prepared {
	t.Helper()
	p = &prepared{scenario: scenario, db: p.db.Copy(t), keys: p.keys, world: p.world}
	t.Run("arrange", func(t *testing.T) {
		p.world = p.world.open(t, p.db, p.keys)
		scenario.arrange(t, p.world)
		p.world.begin(t)
	})
	t.Run("undisturbed", func(t *testing.T) {
		w := p.copy(t)
		between := w.between(t)
		w.worker(t, between.app.URL, between.system.URL)
		w.settle(t, scenario)
		p.wanted, p.steps = w.state(t), between.steps(scenario)
		t.Logf("%d rows, steps %v", len(p.wanted), p.steps)
	})
	if t.Failed() {
		t.FailNow()
	}
	return p
}

// The accounts.
const (
	condemned = "111111111111" // is deleted in some tests
	kept      = "222222222222"
)

// connect connects an account that is scanned twice.
func (w *world) connect(t *testing.T, person *apitest.Client, account string) (provider string) {
	t.Helper()
	provider = person.Connect(t, account, "Account "+account)
	person.Post(t, "/providers/secrets", "provider-secrets", map[string]any{"secret_type": "static", "secret": enginetest.Secret(enginetest.Finds(2100))},
		map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 201)
	person.Ingest(t, ocsftest.File{Account: account, Findings: 250})
	person.Ingest(t, ocsftest.File{Account: account, Findings: 250, Flip: 4})
	return provider
}

// engine changes what the engine does with the account that may be deleted.
func (w *world) engine(t *testing.T, accessKey string) {
	t.Helper()
	secret := w.texts(t, `select id::text from provider_secrets where provider_id = $1`, w.goes)[0]
	w.ada.Patch(t, "/providers/secrets/"+secret, "provider-secrets", secret, map[string]any{"secret": enginetest.Secret(accessKey)}, nil).Want(t, 200)
}

// settle waits until nothing is left to be done; the test's own limit is the only clock.
func (w *world) settle(t *testing.T, scenario scenario) {
	t.Helper()
	for w.unsettled(t) > 0 || scenario.pending != "" && w.number(t, scenario.pending) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
}

// lines are the proxies between a worker and its database.
type lines struct{ app, system *pgtest.Proxy }

func (w *world) between(t *testing.T) lines {
	t.Helper()
	return lines{pgtest.NewProxy(t, w.server.DB.URL(pgtest.App)), pgtest.NewProxy(t, w.server.DB.URL(pgtest.System))}
}

func (l lines) cut() {
	l.app.Cut()
	l.system.Cut()
}

// step is an exchange between the worker and its database.
type step struct {
	system bool
	name   string
	times  int
}

// clockwork is what happens at intervals, or when something else is not ready, and in no order with the rest.
var clockwork = []string{"RenewLease", "RescueOrphans", "DropLease", "AttemptStands", "ReleaseTask", "PGGetProductAndVersion"}

// steps are the exchanges that a scenario is about, each once, in their order.
func (l lines) steps(scenario scenario) []step {
	var found []step
	for system, proxy := range map[bool]*pgtest.Proxy{false: l.app, true: l.system} {
		count := make(map[string]int)
		for _, name := range proxy.Steps() {
			of := regexp.MustCompile(`\w+$`).FindString(name)
			if slices.Contains(clockwork, of) || !scenario.about(system, name) {
				continue
			}
			if count[name]++; count[name] == 1 {
				found = append(found, step{system: system, name: name})
			}
		}
		for i := range found {
			if found[i].system == system {
				found[i].times = count[found[i].name]
			}
		}
	}
	return found
}

func (l lines) hold(at step, answered bool) *pgtest.Trap {
	if at.system {
		return l.system.Hold(at.name, 0, answered)
	}
	return l.app.Hold(at.name, 0, answered)
}

// worker is a process that is started again when it ends by itself, as those are that look after services.
type worker struct {
	mutex   sync.Mutex
	process *os.Process
	over    bool          // it is to end, and stays so
	ended   chan struct{} // closed when it has, for good
	err     error         // how
}

// worker starts a worker process on the databases of two URLs.
func (w *world) worker(t *testing.T, appURL, systemURL string) *worker {
	t.Helper()
	one := &worker{ended: make(chan struct{})}
	start := func() *exec.Cmd {
		command := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], "-test.run=^$")
		command.Env = append(os.Environ(), childVariable+"="+strings.Join([]string{appURL, systemURL, w.server.KeyDir, w.python}, "\n"))
		command.Stderr, command.Stdout = logged{t.Output()}, logged{t.Output()}
		_, err := command.StdinPipe()
		if err == nil {
			err = command.Start()
		}
		if err != nil {
			t.Errorf("start a worker: %v", err)
			return nil
		}
		one.process = command.Process
		return command
	}
	command := start()
	if command == nil {
		t.FailNow()
	}
	go func() {
		defer close(one.ended)
		for command != nil {
			one.err = command.Wait()
			one.mutex.Lock()
			if command = nil; !one.over {
				command = start()
			}
			one.mutex.Unlock()
		}
	}()
	t.Cleanup(func() { one.kill() })
	return one
}

// end sends the process a signal that ends it, and waits for that.
func (w *worker) end(signal syscall.Signal) error {
	w.mutex.Lock()
	w.over = true
	_ = w.process.Signal(signal)
	w.mutex.Unlock()
	<-w.ended
	return w.err
}

// kill ends the process by the signal that nothing survives, unless it has ended.
func (w *worker) kill() { _ = w.end(syscall.SIGKILL) }

// logged keeps what a worker says in the log of its test.
type logged struct{ io.Writer }

// direct starts a worker that nothing stands before.
func (w *world) direct(t *testing.T) *worker {
	t.Helper()
	return w.worker(t, w.server.DB.URL(pgtest.App), w.server.DB.URL(pgtest.System))
}

func (w *world) number(t *testing.T, sql string, args ...any) (found int) {
	t.Helper()
	if err := w.pool.QueryRow(t.Context(), sql, args...).Scan(&found); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return found
}

func (w *world) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := w.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (w *world) texts(t *testing.T, sql string, args ...any) []string {
	t.Helper()
	rows, err := w.pool.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return list
}

// unsettled is what has not come to its end. Periodic work comes again and again; it has its end too.
func (w *world) unsettled(t *testing.T) int {
	t.Helper()
	return w.number(t, `select (select count(*) from tasks t join tenants o on o.id = t.tenant_id where t.state in ('available', 'scheduled', 'executing') and o.deleted_at is null)
		+ (select count(*) from river.river_job where finalized_at is null and scheduled_at < now() + interval '30 minutes') + (select count(*) from tenants where deleted_at is not null)`)
}

var (
	anID   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	aTime  = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00(:00)?|Z)?`)
	ofNone = []string{"audit_events", "worker_leases"}
)

// begin notes what there is before any work.
func (w *world) begin(t *testing.T) {
	t.Helper()
	w.made = make(map[string]bool)
	w.since = w.texts(t, `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')`)[0]
	for _, line := range w.rows(t) {
		for _, id := range anID.FindAllString(line, -1) {
			w.made[id] = true
		}
	}
}

// rows are all rows of all tables, as text; what tells how often something was tried, and how long it took, is left out.
func (w *world) rows(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, table := range w.texts(t, `select c.relname::text from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
			and not c.relispartition and c.relname not like 'goose%' order by 1`) {
		if slices.Contains(ofNone, table) {
			continue
		}
		all = append(all, w.texts(t, fmt.Sprintf(`select %s || ' ' || (to_jsonb(x) - array['attempt', 'crashes', 'failures', 'job_id', 'duration', 'started_at']
			#- '{metadata,attempts}' #- '{result,duration}')::text from (select set_config('timezone', 'UTC', false)) zone, %s x`, "'"+table+"'", pgx.Identifier{table}.Sanitize()))...)
	}
	// Jobs of an organisation that is gone either went with it or were found to have nothing to do.
	return append(all, w.texts(t, `select 'job ' || j.kind from river.river_job j where j.kind = 'tenant-deletion'
		or j.args ? 'task_id' and exists (select from tenants t where t.id::text = j.args ->> 'tenant_id')`)...)
}

// state is rows with what differs from run to run made equal: ids and moments that came with the work.
func (w *world) state(t *testing.T) []string {
	t.Helper()
	all := w.rows(t)
	for i, line := range all {
		line = anID.ReplaceAllStringFunc(line, func(id string) string {
			if w.made[id] {
				return id
			}
			return "new"
		})
		all[i] = aTime.ReplaceAllStringFunc(line, func(moment string) string {
			if strings.Replace(moment, " ", "T", 1) > w.since {
				return "later"
			}
			return moment
		})
	}
	slices.Sort(all)
	return all
}

// difference tells what two states do not share, at most a few lines of each; empty when they are equal.
func difference(want, got []string) string {
	count := make(map[string]int)
	for _, line := range want {
		count[line]++
	}
	for _, line := range got {
		count[line]--
	}
	var missing, extra []string
	for line, left := range count {
		switch {
		case left > 0:
			missing = append(missing, fmt.Sprintf("- %d x %.600s", left, line))
		case left < 0:
			extra = append(extra, fmt.Sprintf("+ %d x %.600s", -left, line))
		}
	}
	slices.Sort(missing)
	slices.Sort(extra)
	return strings.Join(append(missing[:min(len(missing), 6)], extra[:min(len(extra), 6)]...), "\n")
}
