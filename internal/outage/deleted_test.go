package outage

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// outlives are the tables whose rows about a provider stay when it is deleted: what was done, and what followed on what.
var outlives = []string{"tasks", "flow_steps", "audit_events"}

// TestWhatWorkIsAboutIsDeletedMeanwhile deletes the provider, or its organisation, before and after the work and at each of its
// transactions. Nothing is left of it, in answers at once and in the database in the end; nothing of others is touched.
func TestWhatWorkIsAboutIsDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	base := settled(t)
	for _, scenario := range scenarios {
		if scenario.deletes || scenario.alone {
			continue
		}
		t.Run(scenario.name, func(t *testing.T) {
			everyScenario(t, scenario, "scan", "file")
			t.Parallel()
			p := base.prepare(t, scenario)
			thorough := os.Getenv(thoroughVariable) != ""
			turn := 0
			for _, place := range p.places() {
				if place.system || !thorough && (place.answered || !strings.HasPrefix(place.name, "commit")) {
					continue
				}
				if turn++; turn%3 == 0 && !thorough {
					continue
				}
				for _, organisation := range []bool{false, true} {
					if thorough || organisation == (turn%3 == 2) {
						t.Run(fmt.Sprintf("%s/organisation=%v", place, organisation), func(t *testing.T) {
							t.Parallel()
							p.deletedAt(t, place, organisation)
						})
					}
				}
			}
			for _, organisation := range []bool{false, true} {
				t.Run(fmt.Sprintf("before/organisation=%v", organisation), func(t *testing.T) {
					t.Parallel()
					w := p.copy(t)
					w.delete(t, organisation)
					w.vanished(t, organisation)
					w.direct(t)
					w.settle(t, scenario)
					p.gone(t, w, organisation, "before")
				})
				t.Run(fmt.Sprintf("after/organisation=%v", organisation), func(t *testing.T) {
					t.Parallel()
					w := p.copy(t)
					w.direct(t)
					w.settle(t, scenario)
					w.delete(t, organisation)
					w.vanished(t, organisation)
					w.settle(t, scenario)
					p.gone(t, w, organisation, "after")
				})
			}
		})
	}
}

func (p *prepared) deletedAt(t *testing.T, place place, organisation bool) {
	t.Helper()
	w := p.copy(t)
	between := w.between(t)
	trap := between.hold(place.step, place.answered)
	w.worker(t, between.app.URL, between.system.URL)
	if !w.reached(t, p.scenario, trap) {
		t.Fatalf("the work is done and %s did not come", place)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		w.delete(t, organisation)
	}()
	select {
	case <-answered:
		w.vanished(t, organisation) // though the worker is at it
		trap.Release()
	case <-time.After(500 * time.Millisecond): // the request waits for what the worker holds
		trap.Release()
		<-answered
		w.vanished(t, organisation)
	}
	w.settle(t, p.scenario)
	p.gone(t, w, organisation, place.String())
}

// delete asks for the deletion.
func (w *world) delete(t *testing.T, organisation bool) {
	t.Helper()
	path, want := "/providers/"+w.goes, http.StatusAccepted
	if organisation {
		path, want = "/tenants/"+w.ada.Tenant, http.StatusNoContent
	}
	if answer := w.ada.Delete(t, path); answer.Status != want {
		t.Errorf("the deletion is answered %d %s", answer.Status, answer.Raw)
	}
}

// vanished fails the test when answers still tell of what was deleted. The account can be connected again, and starts empty.
func (w *world) vanished(t *testing.T, organisation bool) {
	t.Helper()
	if organisation {
		w.ada.Get(t, "/providers").Want(t, http.StatusUnauthorized)
		return
	}
	w.ada.Get(t, "/providers/"+w.goes).Want(t, http.StatusNotFound)
	for _, path := range []string{"/providers", "/scans", "/findings/latest", "/resources/latest", "/schedules", "/ingestions", "/providers/secrets"} {
		if answer := w.ada.Get(t, path+"?page[size]=500").Want(t, 200); strings.Contains(string(answer.Raw), w.goes) {
			t.Errorf("%s still tells of the provider: %.300s", path, answer.Raw)
		}
	}
	again := w.ada.Connect(t, condemned, "again")
	for _, path := range []string{"/scans", "/findings/latest", "/resources/latest"} {
		if answer := w.ada.Get(t, path+"?filter[provider]="+again).Want(t, 200); answer.At("/meta/pagination/count") != 0.0 {
			t.Errorf("%s of the new provider: %.300s", path, answer.Raw)
		}
	}
	if answer := w.ada.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": condemned}, nil); answer.Status != http.StatusConflict {
		t.Errorf("the account is connected twice: %d", answer.Status)
	}
	w.again = again
}

// gone fails the test unless nothing is left, everything has come to its end without a failure, and others have what they have when
// nothing is deleted.
func (p *prepared) gone(t *testing.T, w *world, organisation bool, when string) {
	t.Helper()
	column, id, keep := "provider_id", w.goes, []string{"tenant_id\": \"" + w.bob.Tenant, w.stays}
	if organisation {
		column, id, keep = "tenant_id", w.ada.Tenant, keep[:1]
	}
	for _, table := range w.texts(t, `select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid where c.relnamespace = 'public'::regnamespace
			and c.relkind in ('r', 'p') and not c.relispartition and a.attname = $1 and not a.attisdropped`, column) {
		if !organisation && slices.Contains(outlives, table) {
			continue
		}
		if left := w.number(t, fmt.Sprintf(`select count(*) from %s where %s = $1`, pgx.Identifier{table}.Sanitize(), column), id); left > 0 {
			t.Errorf("deleted at %s: %d rows are left in %s", when, left, table)
		}
	}
	if !organisation {
		if failed := w.texts(t, `select name || ' ' || state || ' ' || coalesce(result::text, '') from tasks where state not in ('completed', 'cancelled')`); len(failed) > 0 && !p.scenario.fails {
			t.Errorf("deleted at %s: %v", when, failed)
		}
		if stray := w.number(t, `select count(*) from findings where provider_id = $1`, w.again); stray > 0 {
			t.Errorf("deleted at %s: the new provider has %d findings", when, stray)
		}
	}
	others := func(lines []string) (kept []string) {
		for _, line := range lines {
			if slices.ContainsFunc(keep, func(id string) bool { return strings.Contains(line, id) }) && !strings.Contains(line, w.goes) {
				kept = append(kept, line)
			}
		}
		return kept
	}
	if wrong := difference(others(p.wanted), others(w.state(t))); wrong != "" {
		t.Errorf("deleted at %s: %s", when, wrong)
	}
}
