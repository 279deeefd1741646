package audit_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/palisade-sec/palisade/internal/audit"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// Many requests of several tenants at once: when Decided returns, the event is there; the chains are whole; requests share
// transactions.
func TestDecidedIsCommittedAndShared(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 3)
	registry := prometheus.NewRegistry()
	recorder := h.recorder(t, audit.Config{Registerer: registry})
	const clients, each = 24, 20
	var group sync.WaitGroup
	for client := range clients {
		group.Go(func() {
			for range each {
				event := write(h.ids[client%len(h.ids)])
				if err := recorder.Decided(t.Context(), event); err != nil {
					t.Error(err)
					return
				}
				if h.count(t, `id = $1`, event.ID) != 1 {
					t.Error("an event is not there though it was said to be")
				}
			}
		})
	}
	group.Wait()
	for _, id := range h.ids {
		chain, err := audit.Verify(t.Context(), h.tenants, id, nil)
		if err != nil || chain.Break != nil || chain.Seq != clients/3*each {
			t.Errorf("%+v %v", chain, err)
		}
	}
	transactions, events := metric(t, registry, "palisade_audit_batch_events")
	t.Logf("%v transactions for %v events", transactions, events)
	if events != clients*each || transactions >= events {
		t.Error("no two requests shared a transaction")
	}
}

// metric is the one metric of that name: how many observations, and their sum or the count of a counter.
func metric(t *testing.T, registry *prometheus.Registry, name string) (count, sum float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			one := family.GetMetric()[0]
			return float64(one.GetHistogram().GetSampleCount()), one.GetHistogram().GetSampleSum() + one.GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0, 0
}

func TestReadsAreSampled(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1)
	for share, check := range map[float64]func(int) bool{
		0: func(n int) bool { return n == 0 }, 1: func(n int) bool { return n == 400 }, 0.5: func(n int) bool { return n > 100 && n < 300 },
	} {
		h.exec(t, `alter table audit_events disable trigger all; delete from audit_events; alter table audit_events enable trigger all`)
		recorder := h.recorder(t, audit.Config{ReadSample: share})
		for range 400 {
			event := write(h.ids[0])
			event.Write = false
			if err := recorder.Decided(t.Context(), event); err != nil {
				t.Fatal(err)
			}
		}
		recorder.Close() // writes what is queued
		if n := h.count(t, `true`); !check(n) {
			t.Errorf("share %v: %d of 400 reads are recorded", share, n)
		}
	}
}

func TestOutcomesFollowDecisions(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1)
	recorder := h.recorder(t, audit.Config{})
	done, denied := write(h.ids[0]), write(h.ids[0])
	denied.Allowed, denied.Reason, denied.Status = false, "denied", 403
	for _, one := range []audit.Event{done, denied} {
		if err := recorder.Decided(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		recorder.Answered(one, 409)
	}
	recorder.Close()
	if h.count(t, `kind = 'outcome' and decision_id = $1 and status = 409`, done.ID) != 1 || h.count(t, `true`) != 3 {
		t.Error("want a decision with its outcome, and a denial, which is its own outcome")
	}
	if chain := h.verify(t, nil); chain.Break != nil || chain.Seq != 3 {
		t.Error(describe(chain))
	}
}

// Whatever a client sends as a path or a header, its event can be stored.
func TestAnythingCanBeATarget(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1)
	recorder := h.recorder(t, audit.Config{})
	for _, target := range []string{"", "x", "\x00", "\xff\xfe", "%00", strings.Repeat("é", 300), strings.Repeat("\xff", 5000), "'; drop table users; --", "a\nb"} {
		event := write(h.ids[0])
		event.Target, event.Request, event.Client = target, target, target
		if err := recorder.Decided(t.Context(), event); err != nil {
			t.Errorf("%q: %v", target[:min(len(target), 20)], err)
		}
	}
	if chain := h.verify(t, nil); chain.Break != nil || chain.Seq != 9 {
		t.Error(describe(chain))
	}
}

// A database that does not take events refuses the requests, keeps no goroutine, and is tried again for the next request.
func TestFailureIsToldToThoseWhoWait(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 2)
	var lines bytes.Buffer
	registry := prometheus.NewRegistry()
	recorder := h.recorder(t, audit.Config{Registerer: registry, ReadSample: 1, Logger: slog.New(slog.NewJSONHandler(&lines, nil))})
	h.exec(t, `revoke insert on audit_events from palisade_app`)
	if err := recorder.Decided(t.Context(), write(h.ids[0])); err == nil {
		t.Error("a write went through though its event was not stored")
	}
	read := write(h.ids[0])
	read.Write = false
	if err := recorder.Decided(t.Context(), read); err != nil {
		t.Error("a read was refused because of its sample:", err)
	}
	if err := recorder.Decided(t.Context(), write(h.ids[0])); err == nil { // waits until the read's batch has failed too
		t.Error("a write went through though its event was not stored")
	}
	h.exec(t, `grant insert on audit_events to palisade_app`)
	if err := recorder.Decided(t.Context(), write(h.ids[0])); err != nil {
		t.Error("the recorder did not recover:", err)
	}
	if err := recorder.Decided(t.Context(), write(uuid.New())); err == nil {
		t.Error("an event of no tenant was stored")
	}
	recorder.Close()
	if err := recorder.Decided(t.Context(), write(h.ids[0])); !errors.Is(err, audit.ErrClosed) {
		t.Error("after Close:", err)
	}
	recorder.Answered(write(h.ids[0]), 200)
	if _, lost := metric(t, registry, "palisade_audit_lost_total"); lost != 2 { // the read and the outcome
		t.Errorf("%v events count as lost", lost)
	}
	for _, want := range []string{"audit events could not be written", "were lost"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("the log does not say %q: %s", want, lines.String())
		}
	}
}

// A tenant whose chain is held up delays nobody else; whoever gives up waiting is refused, and the event of a request that has
// ended is not written.
func TestAHeldUpTenantDelaysNoOther(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 2)
	recorder := h.recorder(t, audit.Config{})
	holder, err := pgx.Connect(t.Context(), h.db.URL(pgtest.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Close(context.WithoutCancel(t.Context())) }()
	const lock = `(hashtextextended('audit_events ' || $1::uuid, 0))`
	if _, err := holder.Exec(t.Context(), `select pg_advisory_lock`+lock, h.ids[0]); err != nil {
		t.Fatal(err)
	}
	first := make(chan error, 1)
	go func() { first <- recorder.Decided(t.Context(), write(h.ids[0])) }()
	for waiting := false; !waiting; {
		if err := holder.QueryRow(t.Context(), `select exists (select from pg_locks where locktype = 'advisory' and not granted)`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	second, given := write(h.ids[0]), make(chan error, 1)
	go func() { given <- recorder.Decided(gone, second) }()
	cancel()
	if err := <-given; !errors.Is(err, context.Canceled) {
		t.Error("whoever gave up was told", err)
	}
	if err := recorder.Decided(t.Context(), write(h.ids[1])); err != nil {
		t.Error("another tenant:", err)
	}
	if _, err := holder.Exec(t.Context(), `select pg_advisory_unlock`+lock, h.ids[0]); err != nil {
		t.Fatal(err)
	}
	if err := <-first; err != nil {
		t.Error(err)
	}
	recorder.Close()
	if h.count(t, `id = $1`, second.ID) != 0 || h.count(t, `tenant_id = $1`, h.ids[0]) != 1 {
		t.Error("the event of a request that had ended was written")
	}
}

func BenchmarkDecided(b *testing.B) {
	h := newHouse(b, 1)
	recorder := h.recorder(b, audit.Config{})
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := recorder.Decided(b.Context(), write(h.ids[0])); err != nil {
				b.Fatal(err)
			}
		}
	})
}
