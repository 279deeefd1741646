package outage

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/enginetest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// scenario is something that workers have to do.
type scenario struct {
	name    string
	kinds   []string // what is worked
	arrange func(t *testing.T, w *world)
	system  []string // steps in no tenant that it is about begin so; see about
	alone   bool     // it is about no other steps
	pending string   // counts what periodic work has left to do; may be empty
	deletes bool     // deleting the provider meanwhile would be another request of the same
	fails   bool     // its tasks fail
	apart   bool     // its steps come in no order: one disturbance a run
}

// about tells the steps that belong to the scenario from those of other periodic work.
func (s scenario) about(system bool, name string) bool {
	if !system {
		return !s.alone
	}
	name = strings.TrimPrefix(strings.TrimPrefix(name, "commit after "), "rollback after ")
	return slices.ContainsFunc(s.system, func(begin string) bool { return strings.HasPrefix(name, begin) })
}

var scenarios = []scenario{
	{name: "check", kinds: []string{"provider-connection-check"}, arrange: func(t *testing.T, w *world) {
		w.ada.Do(t, http.MethodPost, "/providers/"+w.goes+"/connection", "", nil).Want(t, 202)
	}},
	{name: "scan", kinds: []string{"scan-perform", "scan-words"}, arrange: func(t *testing.T, w *world) {
		w.scan(t)
		w.scan(t)
	}},
	{name: "scan that fails", fails: true, kinds: []string{"scan-perform", "scan-discard"}, arrange: func(t *testing.T, w *world) {
		w.engine(t, enginetest.DiesAfter(2100))
		w.scan(t)
	}},
	{name: "scheduled scan", kinds: []string{"schedule-sweep", "scan-perform-scheduled"}, system: []string{"ListDueSchedules"},
		pending: `select count(*) from schedules where next_run_at <= now()`,
		arrange: func(t *testing.T, w *world) {
			w.ada.Post(t, "/schedules", "schedules", map[string]any{"scan_frequency": "DAILY", "scan_hour": 3, "scan_timezone": "UTC"},
				map[string]any{"provider": apitest.One("providers", w.goes)}).Want(t, 201)
			w.exec(t, `update schedules set next_run_at = now() - interval '1 minute'`)
		}},
	{name: "file", kinds: []string{"ingestion", "scan-words"}, arrange: func(t *testing.T, w *world) {
		w.upload(t, ocsftest.File{Account: condemned, Findings: 2100}, 0)
	}},
	{name: "damaged file", kinds: []string{"ingestion"}, arrange: func(t *testing.T, w *world) {
		w.upload(t, ocsftest.File{Account: condemned, Findings: 2100}, 5)
	}},
	{name: "muting", kinds: []string{"findings-mute-historical", "reaggregate-all-finding-group-summaries"}, arrange: func(t *testing.T, w *world) {
		ids := w.texts(t, `select f.id::text from findings f join scans s on s.id = f.scan_id where f.provider_id in ($1, $2)
			and s.inserted_at in (select min(inserted_at) from scans group by provider_id) order by f.uid limit 240`, w.goes, w.stays)
		w.ada.Post(t, "/mute-rules", "mute-rules", map[string]any{"name": "Board", "reason": "Decided", "finding_ids": ids}, nil).Want(t, 201)
	}},
	{name: "provider's deletion", kinds: []string{"provider-deletion"}, deletes: true, arrange: func(t *testing.T, w *world) {
		w.upload(t, ocsftest.File{Account: condemned, Findings: 10}, 0)
		w.scan(t)
		// They wait, and do not begin beside the deletion.
		w.exec(t, `update river.river_job set state = 'scheduled', scheduled_at = now() + interval '1 hour'`)
		w.ada.Delete(t, "/providers/"+w.goes).Want(t, 202)
	}},
	{name: "organisation's deletion", kinds: []string{"tenant-deletion"}, system: []string{"Erase", "ListErasableTables"}, alone: true, arrange: func(t *testing.T, w *world) {
		w.scan(t)
		w.ada.Delete(t, "/tenants/"+w.ada.Tenant).Want(t, 204)
	}},
	{name: "counting again", kinds: []string{"aggregates-backfill", "backfill-scan-aggregates"}, system: []string{"ListTenantsToCount"},
		pending: `select count(*) from scans where state = 'completed' and aggregates_version = 0`,
		arrange: func(t *testing.T, w *world) {
			w.exec(t, `update scans set aggregates_version = 0 where tenant_id = $1`, w.ada.Tenant)
		}},
	{name: "framework of their own", kinds: []string{"backfill-compliance-framework"}, arrange: func(t *testing.T, w *world) {
		w.ada.Post(t, "/compliance-frameworks", "compliance-frameworks", map[string]any{"compliance_id": "custom_board", "provider": "aws", "framework": "Board",
			"name": "The board's", "version": "1", "requirements": []map[string]any{{"id": "1", "name": "One"}}}, nil).Want(t, 201)
	}},
	{name: "upkeep", apart: true, kinds: []string{"partitions", "leases", "spent-refresh-tokens"}, alone: true, system: []string{"EnsurePartitions", "Purge"},
		pending: `select (select count(*) from worker_leases where id = 'long dead') + (select count(*) from spent_refresh_tokens)
			+ (select 1 - count(*) from pg_class where relname = 'findings_' || to_char(date_trunc('month', now() at time zone 'UTC') + interval '3 months', 'YYYY_MM'))`,
		arrange: func(t *testing.T, w *world) {
			w.exec(t, `insert into worker_leases (id, renewed_at) values ('long dead', now() - interval '2 days')`)
			w.exec(t, `insert into spent_refresh_tokens (id, user_id, expires_at) select 'spent', id, now() - interval '90 days' from users limit 1`)
			w.exec(t, `drop table if exists findings_`+time.Now().UTC().AddDate(0, 0, 1-time.Now().UTC().Day()).AddDate(0, 3, 0).Format("2006_01"))
		}},
}

func (w *world) scan(t *testing.T) string {
	t.Helper()
	return w.ada.Post(t, "/scans", "scans", nil, map[string]any{"provider": apitest.One("providers", w.goes)}).Want(t, 202).String("/data/id")
}

// upload hands a file in, without so many of its last bytes.
func (w *world) upload(t *testing.T, file ocsftest.File, damage int) {
	t.Helper()
	var content, body bytes.Buffer
	if err := file.Write(&content); err != nil {
		t.Fatal(err)
	}
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "f.json")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(content.Bytes()[:content.Len()-damage])
	_ = form.Close()
	w.ada.Do(t, http.MethodPost, "/ingestions", form.FormDataContentType(), body.Bytes()).Want(t, 202)
}

// reached waits until a trap holds the worker; false means that the work is done without it.
func (w *world) reached(t *testing.T, scenario scenario, trap *pgtest.Trap) bool {
	t.Helper()
	for {
		select {
		case <-trap.Reached:
			return true
		case <-time.After(200 * time.Millisecond):
			if w.unsettled(t) == 0 && (scenario.pending == "" || w.number(t, scenario.pending) == 0) {
				return false
			}
		}
	}
}

// place is a step at which a worker is disturbed: before the database sees it, or after it has answered and before the worker
// knows.
type place struct {
	step
	answered bool
}

func (p place) String() string {
	if p.answered {
		return "answer to " + p.name
	}
	return p.name
}

// disturbance is what happens to a worker that is held at a place.
type disturbance struct {
	name string
	// row is how many times in a row it may happen to one job.
	row int
	do  func(t *testing.T, w *world, between lines, victim *worker, trap *pgtest.Trap)
	// goes: the worker does not go on, another one takes over.
	goes bool
}

var disturbances = []disturbance{
	{name: "cut off", row: 1, do: func(_ *testing.T, _ *world, between lines, _ *worker, trap *pgtest.Trap) {
		between.cut()
		trap.Release()
	}},
	{name: "killed", row: 3, goes: true, do: func(_ *testing.T, _ *world, between lines, victim *worker, trap *pgtest.Trap) {
		victim.kill()
		between.cut()
		trap.Release()
	}},
	{name: "told to stop", row: 1, goes: true, do: func(t *testing.T, _ *world, _ lines, victim *worker, trap *pgtest.Trap) {
		// Its jobs are told when their time is over.
		time.AfterFunc(150*time.Millisecond, trap.Release)
		if err := victim.end(syscall.SIGTERM); err != nil {
			t.Errorf("the worker did not stop in order: %v", err)
		}
	}},
}

// elsewhere are kinds that are disturbed where they live.
var elsewhere = map[string]string{"retention": "internal/retention", "scan-retention": "internal/retention"}

// TestEveryKindIsDisturbed: somebody has thought of what happens to each kind of work.
func TestEveryKindIsDisturbed(t *testing.T) {
	t.Parallel()
	var known []string
	for _, scenario := range scenarios {
		known = append(known, scenario.kinds...)
	}
	for _, kind := range apitest.Start(t).App.JobKinds() {
		if !slices.Contains(known, kind) && elsewhere[kind] == "" {
			t.Errorf("%s is in no scenario", kind)
		}
	}
}

// everyScenario leaves the scenarios that are much like the named ones to make outage, unless that is what runs.
func everyScenario(t *testing.T, one scenario, named ...string) {
	t.Helper()
	if os.Getenv(thoroughVariable) == "" && !slices.Contains(named, one.name) {
		t.Skip("takes too long for every run of the tests: make outage runs it")
	}
}

// TestTwoWorkersDoubleNothing: two workers do what one does.
func TestTwoWorkersDoubleNothing(t *testing.T) {
	t.Parallel()
	base := settled(t)
	for _, scenario := range scenarios {
		t.Run(scenario.name, func(t *testing.T) {
			everyScenario(t, scenario, "scan", "muting")
			t.Parallel()
			p := base.prepare(t, scenario)
			w := p.copy(t)
			for range 2 {
				w.direct(t)
			}
			w.settle(t, scenario)
			if wrong := difference(p.wanted, w.state(t)); wrong != "" {
				t.Error(wrong)
			}
		})
	}
}

// TestAFrozenWorkerDoesNoHarm stops a worker process from running after each of its commits, until another one has taken over and
// ended the work; what it then goes on to say is refused. What is frozen in the middle of a transaction, as others that run beside
// may be, is left out: the database waits a minute before it ends that.
func TestAFrozenWorkerDoesNoHarm(t *testing.T) {
	t.Parallel()
	base := settled(t)
	for _, scenario := range scenarios {
		if scenario.apart {
			continue
		}
		t.Run(scenario.name, func(t *testing.T) {
			everyScenario(t, scenario, "scan")
			t.Parallel()
			p := base.prepare(t, scenario)
			for i, place := range p.places() {
				if !place.answered || i%3 != 0 && os.Getenv(thoroughVariable) == "" {
					continue
				}
				t.Run(place.String(), func(t *testing.T) {
					t.Parallel()
					p.frozenAt(t, place)
				})
			}
		})
	}
}

func (p *prepared) frozenAt(t *testing.T, place place) {
	t.Helper()
	w := p.copy(t)
	between := w.between(t)
	trap := between.hold(place.step, true)
	victim := w.worker(t, between.app.URL, between.system.URL)
	if !w.reached(t, p.scenario, trap) {
		t.Fatalf("the work is done and %s did not come", place)
	}
	for _, do := range []func(){
		func() { _ = victim.process.Signal(syscall.SIGSTOP) },
		func() { w.direct(t); w.settle(t, p.scenario) },
		func() { trap.Release() },
		func() { _ = victim.process.Signal(syscall.SIGCONT) },
	} {
		do()
	}
	// It stops in order, and so after it has said what it had to say; that it has lost its lease meanwhile is no surprise.
	_ = victim.end(syscall.SIGTERM)
	w.settle(t, p.scenario)
	if wrong := difference(p.wanted, w.state(t)); wrong != "" {
		t.Error(wrong)
	}
}

// TestTheLeaderIsKilledWhileItSweeps: its runs are started once each by whoever is left, who then leads: what becomes due is started,
// and the other periodic work goes on.
func TestTheLeaderIsKilledWhileItSweeps(t *testing.T) {
	t.Parallel()
	base := settled(t)
	w := base.copy(t)
	for _, provider := range []string{w.goes, w.stays} {
		w.ada.Post(t, "/schedules", "schedules", map[string]any{"scan_frequency": "DAILY", "scan_hour": 3, "scan_timezone": "UTC"},
			map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 201)
	}
	const makeDue = `update schedules set next_run_at = now() - interval '1 minute'`
	w.exec(t, makeDue)
	between := w.between(t)
	trap := between.hold(step{name: "commit after TakePlannedScan"}, true)
	leader := w.worker(t, between.app.URL, between.system.URL)
	<-trap.Reached
	const leads = `select string_agg(leader_id, ',') from river.river_leader where expires_at > now()`
	old := w.texts(t, leads)[0]
	w.direct(t)
	leader.kill()
	between.cut()
	trap.Release()
	sweeps := scenario{pending: `select count(*) from schedules where next_run_at <= now()`}
	w.settle(t, sweeps)
	runs := func() int {
		return w.number(t, `select count(*) from scans where trigger = 'scheduled' and state = 'completed'`)
	}
	if runs() != 2 {
		t.Errorf("%d scheduled scans for two schedules", runs())
	}
	w.exec(t, makeDue)
	w.settle(t, sweeps)
	if runs() != 4 {
		t.Errorf("%d scheduled scans after both were due twice", runs())
	}
	if now := w.texts(t, `select coalesce((`+leads+`), '')`)[0]; now == old || now == "" {
		t.Errorf("%q led, and now %q does", old, now)
	}
	if missing := w.texts(t, `select k from unnest(array['partitions', 'leases', 'spent-refresh-tokens']) k
		where (select count(*) from river.river_job where kind = k and state = 'completed') < 2`); len(missing) > 0 {
		t.Errorf("the new leader did not begin %v", missing)
	}
}

// TestTheEngineIsKilled: what it was asked for fails and says so, nothing stays of it, and the next of the kind is as ever.
func TestTheEngineIsKilled(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(t *testing.T, w *world) (task string){
		"connection check": func(t *testing.T, w *world) string {
			return w.ada.Do(t, http.MethodPost, "/providers/"+w.goes+"/connection", "", nil).Want(t, 202).String("/data/id")
		},
		"scan": func(t *testing.T, w *world) string { return w.scan(t) },
		"scheduled scan": func(t *testing.T, w *world) string {
			if w.number(t, `select count(*) from schedules`) == 0 {
				w.ada.Post(t, "/schedules", "schedules", map[string]any{"scan_frequency": "DAILY", "scan_hour": 3, "scan_timezone": "UTC"},
					map[string]any{"provider": apitest.One("providers", w.goes)}).Want(t, 201)
			}
			return w.ada.Do(t, http.MethodPost, "/schedules/"+w.goes+"/run", "", nil).Want(t, 202).String("/data/id")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := settled(t)
			w := base.copy(t)
			file := t.TempDir() + "/gate"
			w.engine(t, map[bool]string{true: enginetest.Stalls(file), false: enginetest.Waits(2100, file)}[name == "connection check"])
			w.direct(t)
			task := ask(t, w)
			var text []byte
			for len(text) == 0 {
				text, _ = os.ReadFile(file + ".at")
				time.Sleep(10 * time.Millisecond)
			}
			engine, err := strconv.Atoi(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(engine, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			w.settle(t, scenario{})
			if one := w.ada.Get(t, "/tasks/"+task).Want(t, 200); one.String("/data/attributes/state") != "failed" ||
				one.String("/data/attributes/result/exc_type") != "EngineKilledError" {
				t.Errorf("the task: %s", one.Raw)
			}
			if left := w.number(t, `select count(*) from findings f join scans s on s.id = f.scan_id where s.state <> 'completed'`); left > 0 {
				t.Errorf("%d findings are left", left)
			}
			w.engine(t, enginetest.Finds(5))
			next := ask(t, w)
			w.settle(t, scenario{})
			if one := w.ada.Get(t, "/tasks/"+next).Want(t, 200); one.String("/data/attributes/state") != "completed" {
				t.Errorf("the next task: %s", one.Raw)
			}
		})
	}
}

// thoroughVariable asks for every disturbance at every exchange, which takes long: see make outage.
const thoroughVariable = "PALISADE_TEST_EVERY_STEP"

// blow is a disturbance at a place.
type blow struct {
	place
	*disturbance
}

func (b blow) String() string { return b.disturbance.name + " at " + b.place.String() }

// blows are what happens in one run each: every transaction is disturbed before and after its commit, by turns in one way and in
// the other.
func (p *prepared) blows() (runs [][]blow) {
	if os.Getenv(thoroughVariable) != "" {
		for i := range disturbances {
			row := disturbances[i].row
			if p.scenario.apart {
				row = 1
			}
			for places := range slices.Chunk(p.places(), row) {
				var run []blow
				for _, place := range places {
					run = append(run, blow{place, &disturbances[i]})
				}
				runs = append(runs, run)
			}
		}
		return runs
	}
	var commits []place
	for _, place := range p.places() {
		if strings.HasPrefix(place.name, "commit") {
			commits = append(commits, place)
		}
	}
	size := len(disturbances)
	if p.scenario.apart {
		size = 1
	}
	for i, place := range commits {
		if i%size == 0 {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], blow{place, &disturbances[i%len(disturbances)]})
	}
	return runs
}

// TestDisturbedWorkEndsAsUndisturbed: see docs/jobs.md.
func TestDisturbedWorkEndsAsUndisturbed(t *testing.T) {
	t.Parallel()
	base := settled(t)
	for _, scenario := range scenarios {
		t.Run(scenario.name, func(t *testing.T) {
			everyScenario(t, scenario, "scan", "file", "provider's deletion")
			t.Parallel()
			p := base.prepare(t, scenario)
			for _, run := range p.blows() {
				t.Run(fmt.Sprint(run), func(t *testing.T) {
					t.Parallel()
					p.disturb(t, run)
				})
			}
		})
	}
}

func (p *prepared) places() []place {
	var all []place
	for _, step := range p.steps {
		all = append(all, place{step: step})
		if strings.HasPrefix(step.name, "commit") {
			all = append(all, place{step: step, answered: true})
		}
	}
	return all
}

func (p *prepared) disturb(t *testing.T, run []blow) {
	t.Helper()
	w := p.copy(t)
	between := w.between(t)
	var victim *worker
	for i, one := range run {
		trap := between.hold(one.step, one.answered)
		if victim == nil {
			victim = w.worker(t, between.app.URL, between.system.URL)
		}
		if !w.reached(t, p.scenario, trap) {
			if t.Logf("the work is done and %s did not come", one.place); i == 0 {
				t.Fail() // later ones may have been overtaken: what is cut off is done, or not
			}
			continue
		}
		one.do(t, w, between, victim, trap)
		if one.goes {
			victim = nil
		}
	}
	if victim == nil {
		w.direct(t)
	}
	w.settle(t, p.scenario)
	if wrong := difference(p.wanted, w.state(t)); wrong != "" {
		t.Error(wrong)
	}
}
