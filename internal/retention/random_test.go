package retention_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/ocsftest"
)

// TestWhateverHappensTheNumbersAreRight takes random steps of everything that has a bearing on what scans are summed up in: files,
// rules that mute and are changed, scans that grow old, retention, providers that go. After each settled step all that is stored is what a
// recount makes of it, also when the night comes just then: workers sweep when they start, and here all the time.
func TestWhateverHappensTheNumbersAreRight(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	a := newAttic(t)
	a.server.Work(t)
	defer a.nights(t)()
	w := &walk{attic: a, random: random, accounts: make(map[string]string)}
	w.connect(t)
	w.connect(t)
	keep(t, a.ada, 6)
	for step := range 18 {
		name, act := w.next()
		act(t)
		w.settled(t)
		a.consistent(t, fmt.Sprintf("seed %d, step %d, %s", seed, step, name))
		if t.Failed() {
			return
		}
	}
	kept := a.count(t, `select count(*) from providers p where exists (select from findings f where f.provider_id = p.id) and not exists (
		select from scans s where s.provider_id = p.id and s.state = 'completed')`)
	if kept > 0 {
		t.Errorf("%d providers lost their newest scan", kept)
	}
	t.Logf("took %v; %d scans, %d findings are left", w.taken, a.count(t, `select count(*) from scans`), a.count(t, `select count(*) from findings`))
}

// nights sweeps again and again, until it is told to stop.
func (a *attic) nights(t *testing.T) (stop func()) {
	t.Helper()
	service, stopped := a.service(t, 0), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(stopped)
		for ctx.Err() == nil {
			if err := service.Sweep(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("a sweep: %v", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() { cancel(); <-stopped }
}

// walk is where the random steps lead.
type walk struct {
	*attic
	random   *rand.Rand
	accounts map[string]string // account by provider
	rules    int
	taken    map[string]int
}

func (w *walk) next() (string, func(*testing.T)) {
	steps := []struct {
		name   string
		weight int
		act    func(*testing.T)
	}{{"a file", 8, w.file}, {"an old file", 5, w.oldFile}, {"a rule", 5, w.mute}, {"a change of a rule", 2, w.changeRule}, {"retention", 4, w.retention},
		{"a provider goes", 1, w.remove}, {"a new account", 2, w.connect}}
	if w.taken == nil {
		w.taken = make(map[string]int)
	}
	all := 0
	for _, one := range steps {
		all += one.weight
	}
	at := w.random.IntN(all)
	for _, one := range steps {
		if at -= one.weight; at < 0 {
			w.taken[one.name]++
			return one.name, one.act
		}
	}
	panic("unreachable")
}

func (w *walk) connect(t *testing.T) {
	t.Helper()
	account, provider := w.account(t, w.ada)
	w.accounts[provider] = account
}

// some is one of the providers; empty when there is none.
func (w *walk) some() (provider string) {
	at := w.random.IntN(max(len(w.accounts), 1))
	for one := range w.accounts {
		if at--; at < 0 {
			return one
		}
	}
	return ""
}

func (w *walk) ingest(t *testing.T) string {
	t.Helper()
	if len(w.accounts) == 0 {
		w.connect(t)
	}
	return w.ada.Ingest(t, ocsftest.File{Account: w.accounts[w.some()], Findings: 1 + w.random.IntN(40), Flip: w.random.IntN(4)})
}

func (w *walk) file(t *testing.T) { w.ingest(t) }

func (w *walk) oldFile(t *testing.T) {
	w.age(t, w.ingest(t), fmt.Sprintf("%d days", 1+w.random.IntN(700)))
}

// mute makes a rule of some findings, wherever they are.
func (w *walk) mute(t *testing.T) {
	var ids []string
	err := w.pool.QueryRow(t.Context(), `select coalesce(array_agg(id), '{}') from (select id::text from findings where not muted order by md5(id::text || $1) limit $2) f`,
		fmt.Sprint(w.random.Uint64()), 1+w.random.IntN(15)).Scan(&ids)
	if err != nil {
		t.Fatal(err)
	}
	if len(ids) == 0 {
		return
	}
	w.rules++
	answer := w.ada.Post(t, "/mute-rules", "mute-rules", map[string]any{"name": fmt.Sprintf("Rule %d", w.rules), "reason": "Because", "finding_ids": ids}, nil)
	if answer.Status != 201 && answer.Status != 409 && answer.Status != 400 { // another rule may mute the same
		t.Fatalf("%d %s", answer.Status, answer.Raw)
	}
}

// changeRule turns a rule off or on, or removes it: what is muted stays muted, what comes is not.
func (w *walk) changeRule(t *testing.T) {
	rules := w.ada.Get(t, "/mute-rules?page[size]=100").Want(t, 200)
	if rules.Len("/data") == 0 {
		return
	}
	id := rules.String(fmt.Sprintf("/data/%d/id", w.random.IntN(rules.Len("/data"))))
	if w.random.IntN(2) == 0 {
		w.ada.Delete(t, "/mute-rules/"+id).Want(t, 204)
		return
	}
	w.ada.Patch(t, "/mute-rules/"+id, "mute-rules", id, map[string]any{"enabled": w.random.IntN(2) == 0}, nil).Want(t, 200)
}

func (w *walk) retention(t *testing.T) {
	keep(t, w.ada, 1+w.random.IntN(18))
	w.sweep(t, 0)
}

func (w *walk) remove(t *testing.T) {
	provider := w.some()
	if provider == "" {
		return
	}
	w.ada.Delete(t, "/providers/"+provider).Want(t, 202)
	delete(w.accounts, provider)
}

// settled waits until no work is under way; the test's own limit is the only clock.
func (w *walk) settled(t *testing.T) {
	t.Helper()
	for w.count(t, `select count(*) from tasks where state in ('available', 'scheduled', 'executing')`) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
	if n := w.count(t, `select count(*) from tasks where state = 'failed'`); n > 0 {
		t.Errorf("%d tasks failed", n)
	}
	if n := w.count(t, `select count(*) from scan_recounts`); n > 0 {
		t.Errorf("%d scans await a recount that nobody makes", n)
	}
}
