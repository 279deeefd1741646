package audit_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/audit"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// house is a database with some tenants, and what works on it.
type house struct {
	db      *pgtest.DB
	pool    *pgxpool.Pool // superuser: arranges and inspects
	tenants *tenant.Executor
	system  *system.Executor
	ids     []uuid.UUID
}

func newHouse(t testing.TB, tenants int) *house {
	t.Helper()
	h := &house{db: pgtest.New(t)}
	h.pool = h.db.Pool(t, pgtest.Superuser)
	var err error
	if h.tenants, err = tenant.Open(t.Context(), pipeline.Config{URL: h.db.URL(pgtest.App), MaxConns: 6}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.tenants.Close)
	if h.system, err = system.Open(t.Context(), pipeline.Config{URL: h.db.URL(pgtest.System), MaxConns: 2}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.system.Close)
	for range tenants {
		id := uuid.New()
		h.ids = append(h.ids, id)
		h.exec(t, `insert into tenants (id, name) values ($1, 'Acme')`, id)
	}
	return h
}

// exec arranges as a superuser, whom nothing in the database stops.
func (h *house) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := h.pool.Exec(context.WithoutCancel(t.Context()), sql, args...); err != nil {
		t.Fatalf("arrange: %v", err)
	}
}

func (h *house) count(t testing.TB, where string, args ...any) (count int) {
	t.Helper()
	if err := h.pool.QueryRow(t.Context(), `select count(*) from audit_events where `+where, args...).Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

func (h *house) recorder(t testing.TB, config audit.Config) *audit.Recorder {
	t.Helper()
	config.Tenants = h.tenants
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	recorder, err := audit.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(recorder.Close)
	return recorder
}

func write(tenantID uuid.UUID) audit.Event {
	return audit.Event{ID: uuid.New(), TenantID: tenantID, Operation: "providers.update", Allowed: true, Write: true, Reason: "allowed",
		Rule: "provider-changes", Revision: "r1", UserID: uuid.New(), Credential: "token", Request: uuid.NewString(), Client: "192.0.2.1",
		Target: uuid.NewString()}
}

// fill records some events of the first tenant.
func (h *house) fill(t testing.TB, events int) {
	t.Helper()
	recorder := h.recorder(t, audit.Config{})
	for range events {
		if err := recorder.Decided(t.Context(), write(h.ids[0])); err != nil {
			t.Fatal(err)
		}
	}
	recorder.Close()
}

func (h *house) verify(t testing.TB, noted *audit.Head) audit.Chain {
	t.Helper()
	chain, err := audit.Verify(t.Context(), h.tenants, h.ids[0], noted)
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

func describe(chain audit.Chain) string {
	if chain.Break == nil {
		return "whole"
	}
	return fmt.Sprintf("%s at %d", chain.Break.Kind, chain.Break.Seq)
}
