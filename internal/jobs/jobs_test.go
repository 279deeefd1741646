package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/flow"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// house is a database with executors, and jobs on it.
type house struct {
	tenants *tenant.Executor
	system  *system.Executor
	client  *jobs.Client
	queues  map[string]int
	stop    func()
}

func build(t *testing.T, appURL, systemURL string, registry *jobs.Registry) *house {
	t.Helper()
	h := &house{}
	var err error
	if h.tenants, err = tenant.Open(t.Context(), pipeline.Config{URL: appURL, MaxConns: 8}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.tenants.Close)
	if h.system, err = system.Open(t.Context(), pipeline.Config{URL: systemURL, MaxConns: 8}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.system.Close)
	if h.client, err = jobs.NewClient(registry); err != nil {
		t.Fatal(err)
	}
	return h
}

func newHouse(t *testing.T, registry *jobs.Registry) *house {
	t.Helper()
	db := pgtest.New(t)
	return build(t, db.URL(pgtest.App), db.URL(pgtest.System), registry)
}

// work runs workers until the test ends, or h.stop is called.
func (h *house) work(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- h.client.Work(ctx, jobs.WorkConfig{Tenants: h.tenants, System: h.system, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
			Silence: 800 * time.Millisecond, Stop: 200 * time.Millisecond, Poll: 100 * time.Millisecond,
			Queues: h.queues})
	}()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("work: %v", err)
		}
	})
	t.Cleanup(h.stop)
}

// TestWorkersThatAreToldToStopWhileTheyStart have nothing to complain of.
func TestWorkersThatAreToldToStopWhileTheyStart(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	h := build(t, db.URL(pgtest.App), db.URL(pgtest.System), jobs.NewRegistry())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.client.Work(ctx, jobs.WorkConfig{Tenants: h.tenants, System: h.system, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Error(err)
	}
}

func (h *house) tenant(t *testing.T) tenant.Scope {
	t.Helper()
	id := uuid.New()
	err := h.system.Write(t.Context(), system.SignUp, uuid.Nil, func(ctx context.Context, db system.DB) error {
		_, err := systemdb.New(db).CreateTenant(ctx, systemdb.CreateTenantParams{ID: id, Name: "House"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tenant.NewScope(id, uuid.Nil, tenant.SeeAll())
}

func (h *house) write(t *testing.T, scope tenant.Scope, fn func(ctx context.Context, tx *tenant.Tx) error) {
	t.Helper()
	if err := h.tenants.Write(t.Context(), scope, fn); err != nil {
		t.Fatal(err)
	}
}

func (h *house) enqueue(t *testing.T, scope tenant.Scope, job jobs.Job) task.Task {
	t.Helper()
	var one task.Task
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
		var err error
		one, err = h.client.Enqueue(ctx, tx, job)
		return err
	})
	return one
}

func (h *house) get(t *testing.T, scope tenant.Scope, id uuid.UUID) task.Task {
	t.Helper()
	one, err := task.Get(t.Context(), h.tenants.Read(scope), id, filter.Fragment{})
	if err != nil {
		t.Fatal(err)
	}
	return one
}

// ended waits for the end of a task; the test's own limit is the only clock.
func (h *house) ended(t *testing.T, scope tenant.Scope, id uuid.UUID) task.Task {
	t.Helper()
	for {
		if one := h.get(t, scope, id); one.State.Ended() {
			return one
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (h *house) all(t *testing.T, scope tenant.Scope) map[string]task.Task {
	t.Helper()
	table := filter.MustTable(filter.Table{})
	query, err := filter.Parse(filter.ReadParams("page[size]=100"), table)
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := task.List(t.Context(), h.tenants.Read(scope), query)
	if err != nil {
		t.Fatal(err)
	}
	named := make(map[string]task.Task)
	for _, one := range list {
		named[one.Name] = one
	}
	return named
}

type echo struct {
	Word string `json:"word"`
}

func (echo) Kind() string        { return "echo" }
func (echo) Provider() uuid.UUID { return uuid.Nil }

func TestAJobRunsInItsTenantAndLeavesItsResult(t *testing.T) {
	t.Parallel()
	registry := jobs.NewRegistry()
	jobs.Register(registry, jobs.Default, jobs.Options{}, func(_ context.Context, run jobs.Run, args echo) (any, error) {
		return map[string]any{"word": args.Word, "tenant": run.Tenant(), "attempt": run.Attempt}, nil
	})
	h := newHouse(t, registry)
	ada, bob := h.tenant(t), h.tenant(t)
	first, second := h.enqueue(t, ada, echo{"one"}), h.enqueue(t, bob, echo{"two"})
	if first.State != task.Available || string(first.Args) != `{"word": "one"}` {
		t.Errorf("new task is %s with %s", first.State, first.Args)
	}
	h.work(t)
	for _, want := range []struct {
		scope tenant.Scope
		id    uuid.UUID
		word  string
	}{{ada, first.ID, "one"}, {bob, second.ID, "two"}} {
		one := h.ended(t, want.scope, want.id)
		var result struct {
			Word    string
			Tenant  uuid.UUID
			Attempt int
		}
		if err := json.Unmarshal(one.Result, &result); err != nil {
			t.Fatal(err)
		}
		if one.State != task.Completed || result.Word != want.word || result.Tenant != want.scope.Tenant() || result.Attempt != 1 {
			t.Errorf("task of %s is %s with %s", want.word, one.State, one.Result)
		}
	}
	if _, err := task.Get(t.Context(), h.tenants.Read(bob), first.ID, filter.Fragment{}); !errors.Is(err, task.ErrNotFound) {
		t.Errorf("bob reads ada's task: %v", err)
	}
}

func TestAJobExistsOnlyIfItsTransactionCommits(t *testing.T) {
	t.Parallel()
	registry := jobs.NewRegistry()
	jobs.Register(registry, jobs.Default, jobs.Options{}, func(context.Context, jobs.Run, echo) (any, error) { return nil, nil })
	h := newHouse(t, registry)
	scope := h.tenant(t)
	undone := errors.New("undone")
	err := h.tenants.Write(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error {
		if _, err := h.client.Enqueue(ctx, tx, echo{"never"}); err != nil {
			return err
		}
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	after := h.enqueue(t, scope, echo{"after"})
	h.work(t)
	h.ended(t, scope, after.ID)
	if tasks := h.all(t, scope); len(tasks) != 1 {
		t.Errorf("tasks: %v", tasks)
	}
}

func TestATenantWithManyJobsDoesNotKeepTheOthersWaiting(t *testing.T) {
	t.Parallel()
	registry := jobs.NewRegistry()
	var mu sync.Mutex
	var order []uuid.UUID
	jobs.Register(registry, jobs.Default, jobs.Options{}, func(_ context.Context, run jobs.Run, _ echo) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, run.Tenant())
		return nil, nil
	})
	h := newHouse(t, registry)
	busy, quiet := h.tenant(t), h.tenant(t)
	const many = 40
	for range many {
		h.enqueue(t, busy, echo{"many"})
	}
	one := h.enqueue(t, quiet, echo{"one"})
	h.work(t)
	h.ended(t, quiet, one.ID)
	h.settled(t, busy)
	h.stop()
	// Two are worked at a time, so the order may be off by one.
	if place := slices.Index(order, quiet.Tenant()); place < 0 || place > 6 {
		t.Errorf("the other tenant's job was the %dth", place+1)
	}
}

func TestTheQueueIsWalledByTenant(t *testing.T) {
	t.Parallel()
	registry := jobs.NewRegistry()
	jobs.Register(registry, jobs.Default, jobs.Options{}, func(context.Context, jobs.Run, echo) (any, error) { return nil, nil })
	h := newHouse(t, registry)
	ada, bob := h.tenant(t), h.tenant(t)
	h.enqueue(t, ada, echo{"secret plan"})
	queue, err := river.NewClient(riverpgxv5.New(nil), &river.Config{Schema: migrate.RiverSchema})
	if err != nil {
		t.Fatal(err)
	}
	count := func(scope tenant.Scope) (n int) {
		h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
			listed, err := queue.JobListTx(ctx, tx.Unwrap(), river.NewJobListParams())
			if err == nil {
				n = len(listed.Jobs)
			}
			return err
		})
		return n
	}
	if got := count(ada); got != 1 {
		t.Errorf("ada sees %d of her jobs", got)
	}
	if got := count(bob); got != 0 {
		t.Errorf("bob sees %d jobs of ada", got)
	}
	for name, attempt := range map[string]func(ctx context.Context, tx *tenant.Tx) error{
		"insert for another tenant": func(ctx context.Context, tx *tenant.Tx) error {
			_, err := queue.InsertTx(ctx, tx.Unwrap(), forged{Tenant: ada.Tenant().String()}, nil)
			return err
		},
		"insert for no tenant": func(ctx context.Context, tx *tenant.Tx) error {
			_, err := queue.InsertTx(ctx, tx.Unwrap(), forged{}, nil)
			return err
		},
		"delete": func(ctx context.Context, tx *tenant.Tx) error {
			_, err := queue.JobDeleteTx(ctx, tx.Unwrap(), 1)
			return err
		},
		"cancel": func(ctx context.Context, tx *tenant.Tx) error {
			_, err := queue.JobCancelTx(ctx, tx.Unwrap(), 1)
			return err
		},
	} {
		err := h.tenants.Write(t.Context(), bob, attempt)
		if refused, ok := errors.AsType[*pgconn.PgError](err); !ok || refused.Code != "42501" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := count(ada); got != 1 {
		t.Errorf("ada sees %d of her jobs afterwards", got)
	}
}

// forged is a job that was not made by this package.
type forged struct {
	Tenant string `json:"tenant_id,omitempty"`
}

func (forged) Kind() string { return "echo" }

func TestFailuresAreToldWithoutTheInside(t *testing.T) {
	t.Parallel()
	registry := jobs.NewRegistry()
	jobs.Register(registry, jobs.Default, jobs.Options{Timeout: 50 * time.Millisecond}, func(ctx context.Context, _ jobs.Run, args echo) (any, error) {
		switch args.Word {
		case "said":
			return nil, fmt.Errorf("wrapped: %w", task.Fail("ProviderConnectionError", "It is not connected.", errors.New("password=hunter2")))
		case "unsaid":
			return nil, errors.New("password=hunter2")
		case "slow":
			<-ctx.Done()
			return nil, ctx.Err()
		}
		panic("password=hunter2")
	})
	h := newHouse(t, registry)
	scope := h.tenant(t)
	h.work(t)
	const internal = `{"exc_type": "InternalError", "exc_module": "palisade", "exc_message": ["The task failed because of an internal error."]}`
	for word, want := range map[string]string{
		"said":   `{"exc_type": "ProviderConnectionError", "exc_module": "palisade", "exc_message": ["It is not connected."]}`,
		"unsaid": internal,
		"panic":  internal,
		"slow":   `{"exc_type": "SoftTimeLimitExceeded", "exc_module": "palisade", "exc_message": ["The task took too long."]}`,
	} {
		one := h.ended(t, scope, h.enqueue(t, scope, echo{word}).ID)
		if one.State != task.Failed || string(one.Result) != want {
			t.Errorf("%s: %s %s", word, one.State, one.Result)
		}
	}
}

func TestOnlyWhatMayPassIsTriedAgain(t *testing.T) {
	t.Parallel()
	registry := jobs.NewRegistry()
	jobs.Register(registry, jobs.Default, jobs.Options{Retries: 1}, func(_ context.Context, run jobs.Run, args echo) (any, error) {
		switch {
		case args.Word == "passes" && run.Attempt == 1, args.Word == "stays":
			return nil, jobs.Transient(errors.New("busy"))
		case args.Word == "final":
			return nil, errors.New("wrong")
		}
		return run.Attempt, nil
	})
	h := newHouse(t, registry)
	scope := h.tenant(t)
	h.work(t)
	passes, stays, final := h.enqueue(t, scope, echo{"passes"}), h.enqueue(t, scope, echo{"stays"}), h.enqueue(t, scope, echo{"final"})
	if one := h.ended(t, scope, passes.ID); one.State != task.Completed || string(one.Result) != "2" {
		t.Errorf("passes: %s %s", one.State, one.Result)
	}
	if one := h.ended(t, scope, stays.ID); one.State != task.Failed {
		t.Errorf("stays: %s", one.State)
	}
	if one := h.ended(t, scope, final.ID); one.State != task.Failed {
		t.Errorf("final: %s", one.State)
	}
}

func TestACancelledTaskIsNotWorked(t *testing.T) {
	t.Parallel()
	registry := jobs.NewRegistry()
	var mu sync.Mutex
	var worked []string
	jobs.Register(registry, jobs.Default, jobs.Options{}, func(_ context.Context, _ jobs.Run, args echo) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		worked = append(worked, args.Word)
		return nil, nil
	})
	h := newHouse(t, registry)
	scope := h.tenant(t)
	first := h.enqueue(t, scope, echo{"cancelled"})
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
		one, ok, err := task.Cancel(ctx, tx, first.ID)
		if !ok || one.State != task.Cancelled {
			t.Errorf("cancel: %v %s", ok, one.State)
		}
		return err
	})
	second := h.enqueue(t, scope, echo{"worked"})
	h.work(t)
	h.ended(t, scope, second.ID)
	h.stop()
	if !slices.Equal(worked, []string{"worked"}) {
		t.Errorf("worked %v", worked)
	}
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
		if _, ok, err := task.Cancel(ctx, tx, second.ID); ok || err != nil {
			t.Errorf("cancel of an ended task: %v %v", ok, err)
		}
		return nil
	})
}

// TestATaskOfAnotherVersionIsCancelled: while versions run side by side, what a task is about may go although its kind is known
// to the other one alone.
func TestATaskOfAnotherVersionIsCancelled(t *testing.T) {
	t.Parallel()
	newer := jobs.NewRegistry()
	jobs.Register(newer, jobs.Default, jobs.Options{}, func(context.Context, jobs.Run, echo) (any, error) { return nil, nil })
	h := newHouse(t, newer)
	older, err := jobs.NewClient(jobs.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	scope := h.tenant(t)
	cancelled, dropped := h.enqueue(t, scope, echo{"cancelled"}), h.enqueue(t, scope, echo{"dropped"})
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
		if _, ok, err := older.Cancel(ctx, tx, cancelled.ID); !ok || err != nil {
			t.Errorf("cancel: %v %v", ok, err)
		}
		return older.Drop(ctx, tx, dropped.ID)
	})
	for _, one := range []task.Task{cancelled, dropped} {
		if state := h.get(t, scope, one.ID).State; state != task.Cancelled {
			t.Errorf("%s is %s", one.Name, state)
		}
	}
}

func TestADeletedProviderEndsAJobQuietly(t *testing.T) {
	t.Parallel()
	registry := jobs.NewRegistry()
	started, gone := make(chan struct{}), make(chan struct{})
	jobs.Register(registry, jobs.Default, jobs.Options{}, func(context.Context, jobs.Run, about) (any, error) {
		close(started)
		<-gone
		return nil, errors.New("nothing there")
	})
	h := newHouse(t, registry)
	scope := h.tenant(t)
	provider := uuid.New()
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error { return createProvider(ctx, tx, provider) })
	during := h.enqueue(t, scope, about{provider})
	h.work(t)
	<-started
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error { return deleteProvider(ctx, tx, provider) })
	close(gone)
	if one := h.ended(t, scope, during.ID); one.State != task.Cancelled || one.Result != nil {
		t.Errorf("during: %s %s", one.State, one.Result)
	}
	after := h.enqueue(t, scope, about{provider})
	if one := h.ended(t, scope, after.ID); one.State != task.Cancelled {
		t.Errorf("after: %s", one.State)
	}
}

type about struct {
	ID uuid.UUID `json:"provider_id"`
}

func (about) Kind() string          { return "about" }
func (a about) Provider() uuid.UUID { return a.ID }

func TestAStoppedProcessGivesItsJobsBack(t *testing.T) {
	t.Parallel()
	registry := jobs.NewRegistry()
	started := make(chan struct{}, 2)
	jobs.Register(registry, jobs.Default, jobs.Options{}, func(ctx context.Context, run jobs.Run, _ echo) (any, error) {
		started <- struct{}{}
		if run.Attempt == 1 {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return "done", nil
	})
	h := newHouse(t, registry)
	scope := h.tenant(t)
	one := h.enqueue(t, scope, echo{"long"})
	h.work(t)
	<-started
	h.stop()
	if one := h.get(t, scope, one.ID); one.State != task.Available {
		t.Errorf("after the stop: %s", one.State)
	}
	h.work(t)
	if one := h.ended(t, scope, one.ID); one.State != task.Completed {
		t.Errorf("at the end: %s %s", one.State, one.Result)
	}
}

func TestPeriodicWork(t *testing.T) {
	t.Parallel()
	registry := jobs.NewRegistry()
	ran := make(chan struct{}, 100)
	registry.Every("tick", 100*time.Millisecond, func(context.Context) error {
		ran <- struct{}{}
		return errors.New("it goes on all the same")
	})
	h := newHouse(t, registry)
	h.work(t)
	<-ran
	<-ran
}

type member struct {
	Name string `json:"name"`
	Fail bool   `json:"fail"`
}

func (member) Kind() string        { return "member" }
func (member) Provider() uuid.UUID { return uuid.Nil }

func TestFlows(t *testing.T) {
	t.Parallel()
	registry := jobs.NewRegistry()
	journals := journalSet{of: make(map[uuid.UUID][]string)}
	jobs.Register(registry, jobs.Default, jobs.Options{}, func(_ context.Context, run jobs.Run, args member) (any, error) {
		journals.add(run.Tenant(), args.Name)
		if args.Fail {
			return nil, errors.New("told to")
		}
		return nil, nil
	})
	jobs.Register(registry, jobs.Overview, jobs.Options{}, func(context.Context, jobs.Run, echo) (any, error) { return nil, nil })
	h := newHouse(t, registry)
	h.work(t)
	ok := func(name string) flow.Step { return jobs.Step(member{Name: name}) }
	bad := func(name string) flow.Step { return jobs.Step(member{Name: name, Fail: true}) }
	cases := map[string]struct {
		root  flow.Step
		order []string // "a<b": a before b; "!a": never
	}{
		"chain":          {flow.Chain(ok("a"), ok("b"), ok("c")), []string{"a<b", "b<c"}},
		"group":          {flow.Group(ok("a"), ok("b"), ok("c")), nil},
		"nested":         {flow.Chain(ok("a"), flow.Group(ok("b"), flow.Chain(ok("c"), ok("d")), ok("e")), flow.Group(ok("f"), ok("g"))), []string{"a<b", "a<c", "c<d", "b<f", "d<f", "e<g", "d<g"}},
		"empty":          {flow.Chain(ok("a"), flow.Group(), ok("b")), []string{"a<b"}},
		"chain breaks":   {flow.Chain(ok("a"), bad("b"), ok("c"), flow.Group(ok("d"))), []string{"a<b", "!c", "!d"}},
		"group breaks":   {flow.Chain(flow.Group(bad("a"), ok("b")), ok("c")), []string{"!c"}},
		"others go on":   {flow.Group(flow.Chain(bad("a"), ok("b")), flow.Chain(ok("c"), ok("d"))), []string{"!b", "c<d"}},
		"breaks upwards": {flow.Chain(flow.Group(flow.Chain(bad("a"), ok("b")), ok("c")), ok("d")), []string{"!b", "!d"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scope := h.tenant(t)
			h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
				_, err := h.client.StartFlow(ctx, tx, c.root)
				return err
			})
			h.settled(t, scope)
			journal := journals.get(scope.Tenant())
			for _, rule := range c.order {
				checkOrder(t, journal, rule)
			}
			if seen := slices.Compact(slices.Sorted(slices.Values(journal))); len(seen) != len(journal) {
				t.Errorf("something ran twice: %v", journal)
			}
		})
	}
}

// settled waits until every task of a tenant has ended: what follows on an end starts in the same transaction, so nothing can
// come after that.
func (h *house) settled(t *testing.T, scope tenant.Scope) {
	t.Helper()
	query, err := filter.Parse(filter.ReadParams("page[size]=100"), filter.MustTable(filter.Table{}))
	if err != nil {
		t.Fatal(err)
	}
	for {
		list, _, err := task.List(t.Context(), h.tenants.Read(scope), query)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(list, func(one task.Task) bool { return !one.State.Ended() }) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func checkOrder(t *testing.T, journal []string, rule string) {
	t.Helper()
	if rule[0] == '!' {
		if slices.Contains(journal, rule[1:]) {
			t.Errorf("%s ran: %v", rule[1:], journal)
		}
		return
	}
	before, after := slices.Index(journal, rule[:1]), slices.Index(journal, rule[2:])
	if before < 0 || after < 0 || before > after {
		t.Errorf("want %s, got %v", rule, journal)
	}
}

type journalSet struct {
	mu sync.Mutex
	of map[uuid.UUID][]string
}

func (j *journalSet) add(tenant uuid.UUID, name string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.of[tenant] = append(j.of[tenant], name)
}

func (j *journalSet) get(tenant uuid.UUID) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.of[tenant])
}

func TestABrokenChainSaysWhatItStopped(t *testing.T) {
	t.Parallel()
	registry := jobs.NewRegistry()
	jobs.Register(registry, jobs.Default, jobs.Options{}, func(context.Context, jobs.Run, member) (any, error) {
		return nil, errors.New("told to")
	})
	jobs.Register(registry, jobs.Default, jobs.Options{}, func(context.Context, jobs.Run, echo) (any, error) { return nil, nil })
	h := newHouse(t, registry)
	scope := h.tenant(t)
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
		_, err := h.client.StartFlow(ctx, tx, flow.Chain(jobs.Step(member{}), jobs.Step(echo{})))
		return err
	})
	h.work(t)
	one := h.ended(t, scope, h.all(t, scope)["member"].ID)
	if string(one.Metadata) != `{"stopped": ["echo"]}` {
		t.Errorf("metadata: %s", one.Metadata)
	}
}

func TestWhatFollowsAnEndIsOneWithIt(t *testing.T) {
	t.Parallel()
	registry := jobs.NewRegistry()
	jobs.Register(registry, jobs.Default, jobs.Options{
		Ended: func(ctx context.Context, tx *tenant.Tx, end jobs.End) error {
			if end.State == task.Completed {
				_, err := end.Run.Client().Enqueue(ctx, tx, member{Name: end.Args.(echo).Word})
				return err
			}
			return nil
		},
	}, func(ctx context.Context, run jobs.Run, args echo) (any, error) {
		return jobs.Finally(func(context.Context, *tenant.Tx) (any, error) {
			if args.Word == "undone" {
				return nil, errors.New("not this time")
			}
			return "finally", nil
		}), nil
	})
	jobs.Register(registry, jobs.Default, jobs.Options{}, func(context.Context, jobs.Run, member) (any, error) { return nil, nil })
	h := newHouse(t, registry)
	done, undone := h.tenant(t), h.tenant(t)
	h.work(t)
	if one := h.ended(t, done, h.enqueue(t, done, echo{"done"}).ID); string(one.Result) != `"finally"` {
		t.Errorf("done: %s %s", one.State, one.Result)
	}
	if _, follows := h.all(t, done)["member"]; !follows {
		t.Error("nothing follows")
	}
	if one := h.ended(t, undone, h.enqueue(t, undone, echo{"undone"}).ID); one.State != task.Failed {
		t.Errorf("undone: %s", one.State)
	}
	if _, follows := h.all(t, undone)["member"]; follows {
		t.Error("something follows on what was undone")
	}
}

func createProvider(ctx context.Context, tx *tenant.Tx, id uuid.UUID) error {
	return tenantdb.New(tx).CreateProvider(ctx, tenantdb.CreateProviderParams{TenantID: tx.Scope().Tenant(), ID: id, Provider: "aws", Uid: "123456789012"})
}

func deleteProvider(ctx context.Context, tx *tenant.Tx, id uuid.UUID) error {
	_, err := tenantdb.New(tx).CondemnProvider(ctx, id)
	return err
}
