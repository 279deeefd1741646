package scan_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/recurrence"
	"github.com/palisade-sec/palisade/internal/scan"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

func (h *house) schedule(t *testing.T, scope tenant.Scope, provider uuid.UUID) tenantdb.LockScheduleRow {
	t.Helper()
	var row tenantdb.LockScheduleRow
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) (err error) {
		row, err = tenantdb.New(tx).LockSchedule(ctx, provider)
		return err
	})
	return row
}

// change gives the provider's schedule another rule, or switches it off or on.
func (h *house) change(t *testing.T, scope tenant.Scope, provider uuid.UUID, change func(*scan.Schedule)) {
	t.Helper()
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
		return h.service.ChangeSchedule(ctx, tx, provider, func(old scan.Schedule) (scan.Schedule, error) {
			change(&old)
			return old, nil
		})
	})
}

func rule(t *testing.T, one recurrence.Rule, zone string) recurrence.Rule {
	t.Helper()
	made, err := recurrence.New(one, zone)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// TestManyWorkersTakeARunOnce: processes with connections of their own sweep at once, again and again, while somebody changes
// schedules and starts runs by hand; every due run is taken by one of them.
func TestManyWorkersTakeARunOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	type home struct {
		scope    tenant.Scope
		provider uuid.UUID
	}
	due := time.Now().Add(-49 * time.Hour)
	homes := make([]home, 12)
	for i := range homes {
		homes[i].scope, homes[i].provider = h.provider(t, due)
	}
	var group sync.WaitGroup
	for range 4 {
		tenants, err := tenant.Open(t.Context(), pipeline.Config{URL: h.db.URL(pgtest.App), MaxConns: 3})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tenants.Close)
		others, err := system.Open(t.Context(), pipeline.Config{URL: h.db.URL(pgtest.System), MaxConns: 2})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(others.Close)
		for range 2 {
			group.Go(func() {
				for range 3 {
					if _, err := h.service.Sweep(t.Context(), tenants, others); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	group.Go(func() {
		for i, one := range homes {
			err := h.tenants.Write(t.Context(), one.scope, func(ctx context.Context, tx *tenant.Tx) error {
				if i%2 == 0 {
					_, err := h.service.RunSchedule(ctx, tx, one.provider)
					return err
				}
				return h.service.ChangeSchedule(ctx, tx, one.provider, func(old scan.Schedule) (scan.Schedule, error) { return old, nil })
			})
			if err != nil && !errors.Is(err, scan.ErrRunPending) {
				t.Error(err)
			}
		}
	})
	group.Wait()
	for i, one := range homes {
		begun := 0
		for _, row := range h.scans(t, one.scope) {
			if row.State == scan.Available {
				begun++
			}
		}
		if next := h.schedule(t, one.scope, one.provider).NextRunAt; begun != 1 || !next.After(time.Now()) {
			t.Errorf("provider %d has %d runs, and its next run at %v", i, begun, next)
		}
	}
}

func TestAPausedScheduleStartsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	scope, provider := h.provider(t, time.Now().Add(-time.Minute))
	h.change(t, scope, provider, func(one *scan.Schedule) { one.Enabled = false })
	h.sweep(t, 0)
	if rows := h.scans(t, scope); len(rows) != 0 {
		t.Fatalf("scans %+v", rows)
	}
	// What was due while it was paused is not made up for.
	h.change(t, scope, provider, func(one *scan.Schedule) { one.Enabled = true })
	h.sweep(t, 0)
	rows := h.scans(t, scope)
	if len(rows) != 1 || rows[0].State != scan.Scheduled || !rows[0].ScheduledAt.After(time.Now()) {
		t.Errorf("scans %+v", rows)
	}
}

func TestTheNextRunFollowsTheSchedule(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	scope, provider := h.provider(t, time.Now().Add(time.Hour))
	planned := func(name string) time.Time {
		t.Helper()
		rows := h.scans(t, scope)
		next := h.schedule(t, scope, provider).NextRunAt
		if len(rows) != 1 || rows[0].State != scan.Scheduled || !rows[0].ScheduledAt.Equal(next) || *rows[0].Name != name || !next.After(time.Now()) {
			t.Fatalf("the next run is at %v, and planned as %+v", next, rows)
		}
		return next
	}
	h.change(t, scope, provider, func(one *scan.Schedule) {})
	first := planned("Daily scheduled scan")
	h.change(t, scope, provider, func(one *scan.Schedule) {
		one.Rule = rule(t, recurrence.Rule{Frequency: recurrence.Monthly, MonthDay: 31, Hour: 4}, "Asia/Tokyo")
	})
	tokyo, err := recurrence.Zone("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	if next := planned("Monthly scheduled scan").In(tokyo); next.AddDate(0, 0, 1).Day() != 1 || next.Hour() != 4 || next.Equal(first) {
		t.Errorf("the next run is at %v", next)
	}
	h.change(t, scope, provider, func(one *scan.Schedule) { one.Enabled = false })
	if rows := h.scans(t, scope); len(rows) != 0 {
		t.Errorf("a paused schedule has planned %+v", rows)
	}
	h.change(t, scope, provider, func(one *scan.Schedule) { one.Enabled = true })
	planned("Monthly scheduled scan")
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error { return h.service.DeleteSchedule(ctx, tx, provider) })
	if rows := h.scans(t, scope); len(rows) != 0 {
		t.Errorf("a deleted schedule has planned %+v", rows)
	}
	err = h.tenants.Write(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error { return h.service.DeleteSchedule(ctx, tx, provider) })
	if !errors.Is(err, scan.ErrNotScheduled) {
		t.Errorf("a second deletion: %v", err)
	}
}

// TestAChangeLeavesARunThatIsDue: only another rule, or resuming, moves the next run.
func TestAChangeLeavesARunThatIsDue(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	due := time.Now().Add(-time.Minute).Truncate(time.Microsecond)
	scope, provider := h.provider(t, due)
	h.change(t, scope, provider, func(*scan.Schedule) {})
	if next := h.schedule(t, scope, provider).NextRunAt; !next.Equal(due) {
		t.Errorf("the run that was due at %v is now due at %v", due, next)
	}
	h.sweep(t, 1)
}

// TestARunByHandLeavesTheNextOne: it is a run beside those that are due.
func TestARunByHandLeavesTheNextOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	scope, provider := h.provider(t, time.Now().Add(time.Hour))
	h.change(t, scope, provider, func(*scan.Schedule) {})
	before := h.schedule(t, scope, provider).NextRunAt
	start := func() error {
		return h.tenants.Write(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error {
			_, err := h.service.RunSchedule(ctx, tx, provider)
			return err
		})
	}
	if err := start(); err != nil {
		t.Fatal(err)
	}
	if err := start(); !errors.Is(err, scan.ErrRunPending) {
		t.Errorf("a second run: %v", err)
	}
	states := map[string]int{}
	for _, row := range h.scans(t, scope) {
		states[row.State]++
	}
	if next := h.schedule(t, scope, provider).NextRunAt; !next.Equal(before) || states[scan.Available] != 1 || states[scan.Scheduled] != 1 {
		t.Errorf("the next run is at %v, it was at %v; scans %v", next, before, states)
	}
}

// TestARunThatIsDroppedIsPlannedAgain: while a scheduled run waits, the next one that is due is left out, and what stands for the
// one after it says when that is.
func TestARunThatIsDroppedIsPlannedAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	scope, provider := h.provider(t, time.Now().Add(-time.Minute))
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
		_, err := h.service.RunSchedule(ctx, tx, provider)
		return err
	})
	h.sweep(t, 1)
	states := map[string]int{}
	for _, row := range h.scans(t, scope) {
		states[row.State]++
		if row.State == scan.Scheduled && !row.ScheduledAt.After(time.Now()) {
			t.Errorf("a run is planned for %v", row.ScheduledAt)
		}
	}
	if states[scan.Available] != 1 || states[scan.Scheduled] != 1 {
		t.Errorf("scans %v", states)
	}
}
