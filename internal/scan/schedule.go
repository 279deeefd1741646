package scan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/recurrence"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// names are those of the scans that schedules start.
var names = map[string]string{recurrence.Interval: "Scheduled scan", recurrence.Daily: "Daily scheduled scan",
	recurrence.Weekly: "Weekly scheduled scan", recurrence.Monthly: "Monthly scheduled scan"}

// firstRunDelay is the time in which the first run of a new daily schedule can still be revoked.
const firstRunDelay = 5 * time.Second

var (
	// ErrScheduled is returned when the provider has a schedule already.
	ErrScheduled = errors.New("the provider is scheduled already")
	// ErrNotScheduled is returned when the provider has no schedule.
	ErrNotScheduled = errors.New("the provider is not scheduled")
	// ErrRunPending is returned when a scheduled scan of the provider waits or runs: there is no second one.
	ErrRunPending = errors.New("a scheduled scan of the provider waits or runs")
)

// Schedule says when a provider is scanned by itself. There is one of a provider at most.
type Schedule struct {
	Rule    recurrence.Rule
	Timed   bool // an interval was made for a time of day, Rule's Hour and Minute; every other rule is
	Enabled bool // a schedule that is not starts nothing
}

// ScheduleDaily has the provider scanned every day at this time, and for the first time in a few seconds. It returns the task of
// the first run.
func (s *Service) ScheduleDaily(ctx context.Context, tx *tenant.Tx, provider uuid.UUID) (task.Task, error) {
	now := time.Now().UTC()
	rule, err := recurrence.New(recurrence.Rule{Frequency: recurrence.Daily, Hour: now.Hour(), Minute: now.Minute()}, "UTC")
	if err != nil {
		return task.Task{}, err
	}
	if err := create(ctx, tx, provider, Schedule{Rule: rule, Timed: true, Enabled: true}, now); err != nil {
		return task.Task{}, err
	}
	return s.beginScheduled(ctx, tx, provider, run{name: names[rule.Frequency], due: now, notBefore: now.Add(firstRunDelay)})
}

// CreateSchedule has the provider scanned whenever the schedule is due.
func (s *Service) CreateSchedule(ctx context.Context, tx *tenant.Tx, provider uuid.UUID, schedule Schedule) error {
	if err := create(ctx, tx, provider, schedule, time.Now()); err != nil {
		return err
	}
	return plan(ctx, tx, provider)
}

func create(ctx context.Context, tx *tenant.Tx, provider uuid.UUID, schedule Schedule, now time.Time) error {
	if err := lock(ctx, tx, provider); err != nil {
		return err
	}
	row := columns(provider, schedule, schedule.Rule.Next(now))
	created, err := tenantdb.New(tx).CreateSchedule(ctx, tenantdb.CreateScheduleParams{ProviderID: provider, Frequency: row.Frequency,
		EveryHours: row.EveryHours, StartsAt: row.StartsAt, Hour: row.Hour, Minute: row.Minute, Weekdays: row.Weekdays, MonthDay: row.MonthDay,
		TimeZone: row.TimeZone, Enabled: row.Enabled, NextRunAt: row.NextRunAt})
	if err != nil {
		return fmt.Errorf("create schedule: %w", err)
	}
	if created == 0 {
		return ErrScheduled
	}
	return nil
}

// ChangeSchedule makes another schedule of the provider's: change gets what it is and returns what it is to be. When that is due at
// other times, or is switched on, the next run is the first one from now on; otherwise it stays, also one that is due already.
func (s *Service) ChangeSchedule(ctx context.Context, tx *tenant.Tx, provider uuid.UUID, change func(Schedule) (Schedule, error)) error {
	row, old, err := lockSchedule(ctx, tx, provider)
	if err != nil {
		return err
	}
	wanted, err := change(old)
	if err != nil {
		return err
	}
	next := row.NextRunAt
	if !wanted.Rule.Equal(old.Rule) || wanted.Enabled && !old.Enabled {
		next = wanted.Rule.Next(time.Now())
	}
	queries := tenantdb.New(tx)
	if err := queries.ChangeSchedule(ctx, columns(provider, wanted, next)); err != nil {
		return fmt.Errorf("change schedule: %w", err)
	}
	if !wanted.Enabled {
		return drop(ctx, queries, provider)
	}
	return plan(ctx, tx, provider)
}

// DeleteSchedule ends the schedule of the provider. A run that has begun, or waits for its turn, stays.
func (s *Service) DeleteSchedule(ctx context.Context, tx *tenant.Tx, provider uuid.UUID) error {
	if err := lock(ctx, tx, provider); err != nil {
		return err
	}
	queries := tenantdb.New(tx)
	deleted, err := queries.DeleteSchedule(ctx, provider)
	if err != nil {
		return fmt.Errorf("delete schedule: %w", err)
	}
	if deleted == 0 {
		return ErrNotScheduled
	}
	return drop(ctx, queries, provider)
}

// RunSchedule starts a run of the provider's schedule at once, also of one that is switched off. The next run stays as it is.
func (s *Service) RunSchedule(ctx context.Context, tx *tenant.Tx, provider uuid.UUID) (task.Task, error) {
	_, schedule, err := lockSchedule(ctx, tx, provider)
	if err != nil {
		return task.Task{}, err
	}
	pending, err := tenantdb.New(tx).HasPendingScheduledScan(ctx, provider)
	if err != nil {
		return task.Task{}, fmt.Errorf("look for a scheduled scan: %w", err)
	}
	if pending {
		return task.Task{}, ErrRunPending
	}
	return s.beginScheduled(ctx, tx, provider, run{name: names[schedule.Rule.Frequency], due: time.Now(), beside: true})
}

// lockSchedule reads the schedule of a provider, both being locked.
func lockSchedule(ctx context.Context, tx *tenant.Tx, provider uuid.UUID) (tenantdb.LockScheduleRow, Schedule, error) {
	if err := lock(ctx, tx, provider); err != nil {
		return tenantdb.LockScheduleRow{}, Schedule{}, err
	}
	row, err := tenantdb.New(tx).LockSchedule(ctx, provider)
	if errors.Is(err, pgx.ErrNoRows) {
		return row, Schedule{}, ErrNotScheduled
	}
	if err != nil {
		return row, Schedule{}, fmt.Errorf("lock schedule: %w", err)
	}
	schedule, err := schedule(row)
	if err != nil {
		return row, Schedule{}, fmt.Errorf("schedule of provider %s: %w", provider, err)
	}
	return row, schedule, nil
}

func schedule(row tenantdb.LockScheduleRow) (Schedule, error) {
	rule := recurrence.Rule{Frequency: row.Frequency, Every: int(value(row.EveryHours)), Start: value(row.StartsAt), Hour: int(value(row.Hour)),
		Minute: int(row.Minute), MonthDay: int(value(row.MonthDay))}
	for _, day := range row.Weekdays {
		rule.Weekdays = append(rule.Weekdays, time.Weekday(day))
	}
	rule, err := recurrence.New(rule, row.TimeZone)
	return Schedule{Rule: rule, Timed: row.Hour != nil, Enabled: row.Enabled}, err
}

// columns are the schedule's row.
func columns(provider uuid.UUID, one Schedule, next time.Time) tenantdb.ChangeScheduleParams {
	rule := one.Rule
	row := tenantdb.ChangeScheduleParams{ProviderID: provider, Frequency: rule.Frequency, Minute: int16(rule.Minute), TimeZone: rule.ZoneName(),
		Enabled: one.Enabled, NextRunAt: next}
	if one.Timed {
		row.Hour = new(int16(rule.Hour))
	}
	switch rule.Frequency {
	case recurrence.Interval:
		row.EveryHours, row.StartsAt = new(int32(rule.Every)), &rule.Start
	case recurrence.Weekly:
		for _, day := range rule.Weekdays {
			row.Weekdays = append(row.Weekdays, int16(day))
		}
	case recurrence.Monthly:
		row.MonthDay = new(int16(rule.MonthDay))
	}
	return row
}

func value[T any](given *T) (value T) {
	if given != nil {
		value = *given
	}
	return value
}

// run says how a run of a schedule begins.
type run struct {
	name      string
	due       time.Time
	notBefore time.Time // zero: at once
	beside    bool      // the placeholder goes on to stand for the next run
}

// beginScheduled begins a run of a schedule: with the scan that stood for it, or a new one.
func (s *Service) beginScheduled(ctx context.Context, tx *tenant.Tx, provider uuid.UUID, run run) (task.Task, error) {
	queries := tenantdb.New(tx)
	return s.begin(ctx, tx, PerformScheduled{ProviderID: provider}, run.notBefore, func(ctx context.Context, taskID uuid.UUID) error {
		if !run.beside {
			_, err := queries.TakePlannedScan(ctx, tenantdb.TakePlannedScanParams{TaskID: &taskID, ScheduledAt: &run.due, ProviderID: provider})
			if !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
		}
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		return queries.CreateScan(ctx, tenantdb.CreateScanParams{ID: id, ProviderID: provider, Name: &run.name, Trigger: scheduled, State: Available,
			TaskID: &taskID, ScheduledAt: &run.due, Inherits: true})
	})
}

// plan sees that the next run of the provider's schedule, if there is one that is enabled, has a scan that stands for it. The
// provider is locked.
func plan(ctx context.Context, tx *tenant.Tx, provider uuid.UUID) error {
	queries := tenantdb.New(tx)
	row, err := queries.LockSchedule(ctx, provider)
	if errors.Is(err, pgx.ErrNoRows) {
		return drop(ctx, queries, provider)
	}
	if err != nil {
		return fmt.Errorf("lock schedule: %w", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	known := make([]string, 0, len(names))
	for _, name := range names {
		known = append(known, name)
	}
	name := names[row.Frequency]
	if err := queries.MovePlannedScan(ctx, tenantdb.MovePlannedScanParams{ProviderID: provider, Known: known, Name: name}); err != nil {
		return fmt.Errorf("move planned scan: %w", err)
	}
	if err := queries.PlanScan(ctx, tenantdb.PlanScanParams{ID: id, Name: name, ProviderID: provider}); err != nil {
		return fmt.Errorf("plan next scan: %w", err)
	}
	return nil
}

func drop(ctx context.Context, queries *tenantdb.Queries, provider uuid.UUID) error {
	if err := queries.DropPlannedScan(ctx, provider); err != nil {
		return fmt.Errorf("drop planned scan: %w", err)
	}
	return nil
}
