package scan_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/recurrence"
	"github.com/palisade-sec/palisade/internal/scan"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// house is a database with the scans' service and no workers: what is enqueued stays where it is.
type house struct {
	db      *pgtest.DB
	tenants *tenant.Executor
	system  *system.Executor
	service *scan.Service
}

func newHouse(t *testing.T) *house {
	t.Helper()
	db := pgtest.New(t)
	h := &house{db: db}
	var err error
	if h.tenants, err = tenant.Open(t.Context(), pipeline.Config{URL: db.URL(pgtest.App), MaxConns: 4}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.tenants.Close)
	if h.system, err = system.Open(t.Context(), pipeline.Config{URL: db.URL(pgtest.System), MaxConns: 4}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.system.Close)
	registry := jobs.NewRegistry()
	scan.Register(registry, scan.Parts{})
	client, err := jobs.NewClient(registry)
	if err != nil {
		t.Fatal(err)
	}
	h.service = scan.New(client)
	return h
}

// provider makes a tenant with one provider, scheduled for a moment.
func (h *house) provider(t *testing.T, due time.Time) (tenant.Scope, uuid.UUID) {
	t.Helper()
	scope := tenant.NewScope(uuid.New(), uuid.Nil, tenant.SeeAll())
	err := h.system.Write(t.Context(), system.SignUp, uuid.Nil, func(ctx context.Context, db system.DB) error {
		_, err := systemdb.New(db).CreateTenant(ctx, systemdb.CreateTenantParams{ID: scope.Tenant(), Name: "House"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.New()
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if err := queries.CreateProvider(ctx, tenantdb.CreateProviderParams{TenantID: scope.Tenant(), ID: id, Provider: "aws", Uid: "123456789012"}); err != nil {
			return err
		}
		_, err := queries.CreateSchedule(ctx, tenantdb.CreateScheduleParams{ProviderID: id, Frequency: recurrence.Daily, Hour: new(int16(due.UTC().Hour())),
			Minute: int16(due.UTC().Minute()), TimeZone: "UTC", Enabled: true, NextRunAt: due})
		return err
	})
	return scope, id
}

func (h *house) write(t *testing.T, scope tenant.Scope, fn func(context.Context, *tenant.Tx) error) {
	t.Helper()
	if err := h.tenants.Write(t.Context(), scope, fn); err != nil {
		t.Fatal(err)
	}
}

func (h *house) sweep(t *testing.T, want int) {
	t.Helper()
	taken, err := h.service.Sweep(t.Context(), h.tenants, h.system)
	if err != nil || taken != want {
		t.Fatalf("the sweep took %d runs, want %d: %v", taken, want, err)
	}
}

func (h *house) scans(t *testing.T, scope tenant.Scope) []tenantdb.ListScansRow {
	t.Helper()
	rows, err := tenantdb.New(h.tenants.Read(scope).Shaped(map[string]filter.Fragment{"where": {}, "order": {}, "position": {}})).
		ListScans(t.Context(), tenantdb.ListScansParams{PageSize: 100})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestTheSweepStartsWhatIsDueInEveryTenant(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	past := time.Now().Add(-time.Minute).Truncate(time.Microsecond)
	ada, _ := h.provider(t, past)
	bob, _ := h.provider(t, past)
	eve, _ := h.provider(t, time.Now().Add(time.Hour))
	h.sweep(t, 2)
	for name, scope := range map[string]tenant.Scope{"ada": ada, "bob": bob} {
		rows := h.scans(t, scope)
		if len(rows) != 1 || rows[0].State != scan.Available || rows[0].Trigger != "scheduled" || rows[0].TaskID == nil || !rows[0].ScheduledAt.Equal(past) {
			t.Errorf("%s has scans %+v", name, rows)
		}
	}
	if rows := h.scans(t, eve); len(rows) != 0 {
		t.Errorf("eve has scans %+v", rows)
	}
	h.sweep(t, 0)
}

func TestARunThatIsDueTwiceWaitsOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	// Two days were missed: they are one run, and the next one is in the future.
	scope, provider := h.provider(t, time.Now().Add(-50*time.Hour))
	h.sweep(t, 1)
	h.sweep(t, 0)
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
		return tenantdb.New(tx).PlanScan(ctx, tenantdb.PlanScanParams{ID: uuid.New(), Name: "planned", ProviderID: provider})
	})
	planned := 0
	for _, row := range h.scans(t, scope) {
		if row.State == scan.Scheduled {
			planned++
			if until := time.Until(*row.ScheduledAt); until <= 0 || until > 24*time.Hour {
				t.Errorf("the next run is planned in %v", until)
			}
		}
	}
	if planned != 1 {
		t.Errorf("%d runs are planned", planned)
	}
}

func TestAScheduledRunWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	scope, provider := h.provider(t, time.Now().Add(-time.Minute))
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
		_, err := h.service.Start(ctx, tx, provider, scan.Wanted{})
		return err
	})
	h.sweep(t, 1)
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
		next, err := tenantdb.New(tx).NextWaitingScan(ctx, provider)
		if err == nil && next.TaskName != "scan-perform-scheduled" {
			t.Errorf("the next scan is %+v", next)
		}
		return err
	})
}

func TestTheSweepPassesOverADeletedProvider(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	scope, provider := h.provider(t, time.Now().Add(-time.Minute))
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
		_, err := tenantdb.New(tx).CondemnProvider(ctx, provider)
		return err
	})
	h.sweep(t, 1)
	h.sweep(t, 0)
	if rows := h.scans(t, scope); len(rows) != 0 {
		t.Errorf("scans %+v", rows)
	}
}

func TestManyAskAtOnceAndOneHasItsTurn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	scope, provider := h.provider(t, time.Now().Add(time.Hour))
	const many = 8
	failures := make(chan error, many)
	for range many {
		go func() {
			failures <- h.tenants.Write(context.WithoutCancel(t.Context()), scope, func(ctx context.Context, tx *tenant.Tx) error {
				_, err := h.service.Start(ctx, tx, provider, scan.Wanted{})
				return err
			})
		}()
	}
	for range many {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
	waiting := 0
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
		var err error
		waiting, err = countWaiting(ctx, tx, provider)
		return err
	})
	if rows := h.scans(t, scope); len(rows) != many || waiting != many-1 {
		t.Errorf("%d scans, %d of them wait", len(rows), waiting)
	}
}

// countWaiting gives one waiting scan after the other its turn and counts them.
func countWaiting(ctx context.Context, tx *tenant.Tx, provider uuid.UUID) (int, error) {
	queries := tenantdb.New(tx)
	for n := 0; ; n++ {
		next, err := queries.NextWaitingScan(ctx, provider)
		if err != nil {
			return n, nil //nolint:nilerr // none is left
		}
		job := int64(n)
		if err := queries.SetTaskJob(ctx, tenantdb.SetTaskJobParams{ID: next.TaskID, JobID: &job}); err != nil {
			return n, err
		}
	}
}

// TestSchedulesOfADeletedTenantStop: what is due there is no more anybody's.
func TestSchedulesOfADeletedTenantStop(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	past := time.Now().Add(-time.Minute)
	ada, _ := h.provider(t, past)
	h.provider(t, past)
	err := h.system.Write(t.Context(), system.Self, uuid.Nil, func(ctx context.Context, db system.DB) error {
		_, err := systemdb.New(db).CondemnEmptyTenants(ctx, []uuid.UUID{ada.Tenant()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	h.sweep(t, 1)
	if rows := h.scans(t, ada); len(rows) != 0 {
		t.Errorf("the deleted tenant has scans %+v", rows)
	}
}

// TestADueRunTakesTheScopeOfItsProvider lets the scope change after the placeholder of the run was made.
func TestADueRunTakesTheScopeOfItsProvider(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, provider := h.provider(t, time.Now().Add(-time.Minute))
	h.sweep(t, 1) // without a scope, and without a placeholder
	narrow := func(scope string) {
		h.write(t, ada, func(ctx context.Context, tx *tenant.Tx) error {
			_, err := tenantdb.New(tx).ChangeProvider(ctx, tenantdb.ChangeProviderParams{ID: provider, ScanScopeGiven: true, ScanScope: []byte(scope)})
			return err
		})
	}
	if rows := h.scans(t, ada); len(rows) != 1 || rows[0].Scope != nil {
		t.Fatalf("scans %+v", rows)
	}
	other, planned := h.provider(t, time.Now().Add(time.Hour))
	h.write(t, other, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if err := queries.PlanScan(ctx, tenantdb.PlanScanParams{ID: uuid.New(), Name: "Daily scheduled scan", ProviderID: planned}); err != nil {
			return err
		}
		_, err := queries.ChangeProvider(ctx, tenantdb.ChangeProviderParams{ID: planned, ScanScopeGiven: true, ScanScope: []byte(`{"services": ["s3"]}`)})
		if err != nil {
			return err
		}
		return queries.AdvanceSchedule(ctx, tenantdb.AdvanceScheduleParams{ProviderID: planned, NextRunAt: time.Now().Add(-time.Second)})
	})
	h.sweep(t, 1)
	narrow(`{"services": ["iam"]}`) // too late for a run that waits
	if rows := h.scans(t, other); len(rows) != 1 || rows[0].State != scan.Available || string(rows[0].Scope) != `{"services": ["s3"]}` {
		t.Errorf("scans %+v", rows)
	}
	if rows := h.scans(t, ada); rows[0].Scope != nil {
		t.Errorf("scans %+v", rows)
	}
}
