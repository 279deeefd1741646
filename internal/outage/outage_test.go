package outage

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"slices"
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
	{name: "scan", kinds: []string{"scan-perform"}, arrange: func(t *testing.T, w *world) {
		w.scan(t)
		w.scan(t)
	}},
	{name: "scan that fails", kinds: []string{"scan-perform", "scan-discard"}, arrange: func(t *testing.T, w *world) {
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
	{name: "file", kinds: []string{"ingestion"}, arrange: func(t *testing.T, w *world) {
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
		w.ada.Delete(t, "/providers/"+w.goes).Want(t, 202)
	}},
	{name: "organisation's deletion", kinds: []string{"tenant-deletion"}, system: []string{"Erase", "ListErasableTables"}, alone: true, arrange: func(t *testing.T, w *world) {
		w.scan(t)
		w.ada.Delete(t, "/tenants/"+w.ada.Tenant).Want(t, 204)
	}},
	{name: "upkeep", apart: true, kinds: []string{"partitions", "leases", "spent-refresh-tokens"}, alone: true, system: []string{"EnsurePartitions", "Purge"},
		pending: `select (select count(*) from worker_leases where id = 'long dead') + (select count(*) from spent_refresh_tokens)
			+ (select 1 - count(*) from pg_class where relname = 'findings_' || to_char(date_trunc('month', now() at time zone 'UTC') + interval '3 months', 'YYYY_MM'))`,
		arrange: func(t *testing.T, w *world) {
			w.exec(t, `insert into worker_leases (id, renewed_at) values ('long dead', now() - interval '2 days')`)
			w.exec(t, `insert into spent_refresh_tokens (id, user_id, expires_at) select 'spent', id, now() - interval '90 days' from users limit 1`)
			for _, table := range []string{"findings", "resource_finding_mappings"} {
				w.exec(t, `drop table if exists `+table+"_"+time.Now().UTC().AddDate(0, 0, 1-time.Now().UTC().Day()).AddDate(0, 3, 0).Format("2006_01"))
			}
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
	do  func(t *testing.T, w *world, between lines, victim *exec.Cmd, trap *pgtest.Trap)
	// goes: the worker does not go on, another one takes over.
	goes bool
}

var disturbances = []disturbance{
	{name: "cut off", row: 1, do: func(_ *testing.T, _ *world, between lines, _ *exec.Cmd, trap *pgtest.Trap) {
		between.cut()
		trap.Release()
	}},
	{name: "killed", row: 3, goes: true, do: func(_ *testing.T, _ *world, between lines, victim *exec.Cmd, trap *pgtest.Trap) {
		kill(victim)
		between.cut()
		trap.Release()
	}},
	{name: "told to stop", row: 1, goes: true, do: func(t *testing.T, _ *world, _ lines, victim *exec.Cmd, trap *pgtest.Trap) {
		if err := victim.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		time.Sleep(150 * time.Millisecond) // its jobs are told when their time is over
		trap.Release()
		if err := victim.Wait(); err != nil {
			t.Errorf("the worker did not stop in order: %v", err)
		}
	}},
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
	var victim *exec.Cmd
	for _, one := range run {
		trap := between.hold(one.step, one.answered)
		if victim == nil {
			victim = w.worker(t, between.app.URL, between.system.URL)
		}
		if !w.reached(t, p.scenario, trap) {
			t.Errorf("the work is done and %s did not come", one.place)
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
