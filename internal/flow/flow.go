// Package flow runs jobs in an order: chains one after the other, groups all at once, and any nesting of the two. A flow is
// kept in the database, and it moves in the transaction in which a job ends: the job's end, the count of what is left of its
// group and the start of what follows are one.
//
// What does not belong here: how a job is queued and worked (internal/jobs).
package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Job is one job of a flow: its kind, the provider that it is about (uuid.Nil: none) and its arguments, ids only.
type Job struct {
	Kind     string
	Provider uuid.UUID
	Args     json.RawMessage
}

// Starter enqueues a job in the open transaction and returns the id of its task; internal/jobs is one.
type Starter interface {
	StartStep(ctx context.Context, tx *tenant.Tx, job Job) (uuid.UUID, error)
}

// The types and states of steps, as the table knows them.
const (
	chain = "chain"
	group = "group"
	leaf  = "job"

	waiting   = "waiting"
	completed = "completed"
	failed    = "failed"
	stopped   = "stopped"
)

// Step is a flow or a part of one. Make it with One, Chain and Group.
type Step struct {
	kind    string
	members []Step
	job     Job
}

// One is a step of a single job.
func One(job Job) Step { return Step{kind: leaf, job: job} }

// Chain runs its members one after the other. When one fails, those after it are stopped and the chain has failed.
func Chain(members ...Step) Step { return Step{kind: chain, members: members} }

// Group runs its members all at once and has ended when all of them have; it has failed when one of them has.
func Group(members ...Step) Step { return Step{kind: group, members: members} }

// Start stores a flow and starts what can start, in the open transaction. It returns the flow's id.
func Start(ctx context.Context, tx *tenant.Tx, starter Starter, root Step) (uuid.UUID, error) {
	m := mover{queries: tenantdb.New(tx), tx: tx, starter: starter}
	flowID, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, err
	}
	first, err := m.store(ctx, flowID, nil, 0, root)
	if err != nil {
		return uuid.Nil, fmt.Errorf("store flow: %w", err)
	}
	if err := m.start(ctx, first); err != nil {
		return uuid.Nil, fmt.Errorf("start flow: %w", err)
	}
	return flowID, nil
}

// Ended moves the flow that a task is part of, if there is one, in the transaction in which the task ends. reason says how it
// ended, for the steps that this stops; their kinds are returned.
func Ended(ctx context.Context, tx *tenant.Tx, starter Starter, taskID uuid.UUID, ok bool, reason string) ([]string, error) {
	m := mover{queries: tenantdb.New(tx), tx: tx, starter: starter, reason: reason}
	row, err := m.queries.GetFlowStepOfTask(ctx, &taskID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the step of the task: %w", err)
	}
	if err := m.end(ctx, step(row), ok); err != nil {
		return nil, fmt.Errorf("move flow: %w", err)
	}
	return m.stopped, nil
}

// step is a stored step.
type step tenantdb.GetFlowStepRow

// mover moves flows inside one transaction.
type mover struct {
	queries *tenantdb.Queries
	tx      *tenant.Tx
	starter Starter
	reason  string
	stopped []string
}

// store writes a step and its members and returns the step.
func (m *mover) store(ctx context.Context, flowID uuid.UUID, parent *uuid.UUID, position int, declared Step) (step, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return step{}, err
	}
	row := tenantdb.CreateFlowStepParams{ID: id, FlowID: flowID, ParentID: parent, Position: int32(position), Type: declared.kind,
		Pending: int32(len(declared.members))}
	if declared.kind == leaf {
		row.JobKind, row.JobArgs = &declared.job.Kind, declared.job.Args
		if declared.job.Provider != uuid.Nil {
			row.ProviderID = &declared.job.Provider
		}
	}
	if err := m.queries.CreateFlowStep(ctx, row); err != nil {
		return step{}, err
	}
	for i, member := range declared.members {
		if _, err := m.store(ctx, flowID, &id, i, member); err != nil {
			return step{}, err
		}
	}
	return step{ID: id, FlowID: flowID, ParentID: parent, Position: row.Position, ProviderID: row.ProviderID, Type: row.Type,
		State: waiting, Pending: row.Pending, JobKind: row.JobKind, JobArgs: row.JobArgs}, nil
}

// start starts a waiting step.
func (m *mover) start(ctx context.Context, one step) error {
	if one.Type == leaf {
		return m.startJob(ctx, one)
	}
	if err := m.queries.StartFlowStep(ctx, tenantdb.StartFlowStepParams{ID: one.ID}); err != nil {
		return err
	}
	members, err := m.queries.ListFlowMembers(ctx, &one.ID)
	if err != nil {
		return err
	}
	if len(members) == 0 {
		return m.end(ctx, one, true)
	}
	if one.Type == chain {
		members = members[:1]
	}
	for _, member := range members {
		if err := m.start(ctx, step(member)); err != nil {
			return err
		}
	}
	return nil
}

func (m *mover) startJob(ctx context.Context, one step) error {
	job := Job{Args: one.JobArgs}
	if one.JobKind != nil {
		job.Kind = *one.JobKind
	}
	if one.ProviderID != nil {
		job.Provider = *one.ProviderID
	}
	taskID, err := m.starter.StartStep(ctx, m.tx, job)
	if err != nil {
		return fmt.Errorf("start %s: %w", job.Kind, err)
	}
	return m.queries.StartFlowStep(ctx, tenantdb.StartFlowStepParams{ID: one.ID, TaskID: &taskID})
}

// end ends a step and moves what contains it.
func (m *mover) end(ctx context.Context, one step, ok bool) error {
	state := completed
	if !ok {
		state = failed
	}
	ended, err := m.queries.EndFlowStep(ctx, tenantdb.EndFlowStepParams{ID: one.ID, State: state})
	if err != nil || ended == 0 || one.ParentID == nil {
		return err
	}
	left, err := m.queries.CountDownFlowStep(ctx, tenantdb.CountDownFlowStepParams{ID: *one.ParentID, Broken: !ok})
	if err != nil {
		return err
	}
	parent, err := m.queries.GetFlowStep(ctx, *one.ParentID)
	if err != nil {
		return err
	}
	switch {
	case parent.Type == chain && !ok:
		if err := m.stopMembers(ctx, parent.ID); err != nil {
			return err
		}
		return m.end(ctx, step(parent), false)
	case left.Pending == 0:
		return m.end(ctx, step(parent), !left.Broken)
	case parent.Type == chain:
		return m.startNext(ctx, one)
	}
	return nil
}

// startNext starts the member of a chain that follows a step.
func (m *mover) startNext(ctx context.Context, one step) error {
	members, err := m.queries.ListFlowMembers(ctx, one.ParentID)
	if err != nil {
		return err
	}
	for _, member := range members {
		if member.Position == one.Position+1 {
			return m.start(ctx, step(member))
		}
	}
	return fmt.Errorf("step %s of flow %s has no successor", one.ID, one.FlowID)
}

// stopMembers stops what has not begun below a step.
func (m *mover) stopMembers(ctx context.Context, parent uuid.UUID) error {
	members, err := m.queries.ListFlowMembers(ctx, &parent)
	if err != nil {
		return err
	}
	for _, member := range members {
		if member.State != waiting {
			continue
		}
		if _, err := m.queries.EndFlowStep(ctx, tenantdb.EndFlowStepParams{ID: member.ID, State: stopped, Reason: &m.reason}); err != nil {
			return err
		}
		if member.JobKind != nil {
			m.stopped = append(m.stopped, *member.JobKind)
		}
		if err := m.stopMembers(ctx, member.ID); err != nil {
			return err
		}
	}
	return nil
}
