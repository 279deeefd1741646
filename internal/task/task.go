// Package task holds what people see of work in the background: a task with its state, its arguments and what came of it.
// Every job with a tenant has one.
//
// What does not belong here: queues and workers (internal/jobs), what follows on what (internal/flow), and the wire
// (internal/api/tasks).
package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/paging"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// State is where a task is.
type State string

// The states, in the words of the wire.
const (
	Available State = "available" // waits for a worker, for its time, or for its turn
	Scheduled State = "scheduled"
	Executing State = "executing"
	Completed State = "completed"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Ended reports whether the state is final.
func (s State) Ended() bool { return s == Completed || s == Failed || s == Cancelled }

// Task is one task as people see it.
type Task struct {
	ID         uuid.UUID
	ProviderID uuid.UUID // uuid.Nil when it is about no provider
	Name       string
	State      State
	Args       json.RawMessage // JSON object: ids that the task works with, without the tenant
	Result     json.RawMessage // JSON; nil before the end
	Metadata   json.RawMessage // JSON object
	InsertedAt time.Time
	// TouchedAt is when the task ended or, before that, changed last.
	TouchedAt time.Time
}

// ErrNotFound is returned for a task that does not exist or that the scope does not show.
var ErrNotFound = errors.New("no such task")

// New is a task that is about to be created.
type New struct {
	ID         uuid.UUID
	ProviderID uuid.UUID // uuid.Nil when it is about no provider
	Name       string
	Args       json.RawMessage
	Hidden     bool // people do not see it
}

// Create stores a new task in the open transaction.
func Create(ctx context.Context, tx *tenant.Tx, one New) (Task, error) {
	row, err := tenantdb.New(tx).CreateTask(ctx, tenantdb.CreateTaskParams{ID: one.ID, ProviderID: optional(one.ProviderID),
		Name: one.Name, Hidden: one.Hidden, TaskArgs: one.Args})
	if err != nil {
		return Task{}, fmt.Errorf("create task: %w", err)
	}
	return fromRow(tenantdb.GetTaskRow(row)), nil
}

// Get reads one task that people may see; where is a further condition on it, the zero Fragment is none. The error is
// ErrNotFound when there is none.
func Get(ctx context.Context, db tenant.DB, id uuid.UUID, where filter.Fragment) (Task, error) {
	row, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": where})).GetTask(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Task{}, ErrNotFound
	}
	if err != nil {
		return Task{}, fmt.Errorf("get task: %w", err)
	}
	return fromRow(row), nil
}

// List reads the page of the tasks that people may see which the query asks for.
func List(ctx context.Context, db tenant.DB, query filter.Query) ([]Task, filter.Window, error) {
	rows, window, err := paging.Read(ctx, tenant.Together, db, &query, func(db tenant.DB, where filter.Fragment) (int64, error) {
		return tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": where})).CountTasks(ctx)
	}, func(db tenant.DB, part paging.Part) ([]tenantdb.ListTasksRow, error) {
		return tenantdb.New(db.Shaped(part.Markers())).ListTasks(ctx,
			tenantdb.ListTasksParams{PageSize: int32(part.Size), PageOffset: int32(part.Offset)})
	})
	if err != nil {
		return nil, filter.Window{}, fmt.Errorf("list tasks: %w", err)
	}
	tasks := make([]Task, len(rows))
	for i, row := range rows {
		tasks[i] = fromRow(tenantdb.GetTaskRow{ID: row.ID, ProviderID: row.ProviderID, Name: row.Name, State: row.State, TaskArgs: row.TaskArgs,
			Result: row.Result, Metadata: row.Metadata, InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt, CompletedAt: row.CompletedAt})
	}
	return tasks, window, nil
}

// Cancel cancels a task that has not ended; ok is false for one that has. Its job finds it cancelled: it does nothing, or stops.
// What follows on the end is the job layer's: see jobs.Client.
func Cancel(ctx context.Context, tx *tenant.Tx, id uuid.UUID) (cancelled Task, ok bool, err error) {
	row, err := tenantdb.New(tx).CancelTask(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Task{}, false, nil
	}
	if err != nil {
		return Task{}, false, fmt.Errorf("cancel task: %w", err)
	}
	return fromRow(tenantdb.GetTaskRow(row)), true, nil
}

func fromRow(row tenantdb.GetTaskRow) Task {
	one := Task{ID: row.ID, Name: row.Name, State: State(row.State), Args: row.TaskArgs, Result: row.Result,
		Metadata: row.Metadata, InsertedAt: row.InsertedAt, TouchedAt: row.UpdatedAt}
	if row.ProviderID != nil {
		one.ProviderID = *row.ProviderID
	}
	if row.CompletedAt != nil {
		one.TouchedAt = *row.CompletedAt
	}
	return one
}

func optional(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
