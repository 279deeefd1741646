package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Run is one attempt at a job, bound to the job's tenant. All providers of the tenant are visible to it.
type Run struct {
	Task    uuid.UUID // task of the job
	Attempt int       // from 1

	executor *tenant.Executor
	scope    tenant.Scope
	client   *Client
}

// ErrLost is returned by Write when the job is not this worker's any more: it was cancelled, another one has it because this one
// was believed dead, or the tenant is being deleted. Either way the attempt ends without a word.
var ErrLost = errors.New("the job was cancelled or taken over by another worker, or its tenant is being deleted")

// Tenant is the tenant of the job.
func (r Run) Tenant() uuid.UUID { return r.scope.Tenant() }

// Scope is the tenant's scope, in which the job works: no user, every provider visible.
func (r Run) Scope() tenant.Scope { return r.scope }

// Executor opens scopes, for domains that take an executor with a scope. What they write outside Write must be harmless when
// another worker does the same.
func (r Run) Executor() *tenant.Executor { return r.executor }

// Client enqueues further jobs and flows, in a transaction of Write.
func (r Run) Client() *Client { return r.client }

// Read returns a DB for single statements in the tenant.
func (r Run) Read() tenant.DB { return r.executor.Read(r.scope) }

// Write runs fn in one transaction, if and only if this worker still has the job; else ErrLost.
func (r Run) Write(ctx context.Context, fn func(ctx context.Context, tx *tenant.Tx) error) error {
	return r.executor.Write(ctx, r.scope, func(ctx context.Context, tx *tenant.Tx) error {
		_, err := tenantdb.New(tx).HoldTask(ctx, tenantdb.HoldTaskParams{ID: r.Task, Attempt: int32(r.Attempt)})
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrLost
		}
		if err != nil {
			return fmt.Errorf("hold task: %w", err)
		}
		return fn(ctx, tx)
	})
}

// Note adds members to the metadata of the task, e.g. how far it is. Do not call it inside Write, which holds the task.
func (r Run) Note(ctx context.Context, members map[string]any) error {
	return r.executor.Write(ctx, r.scope, func(ctx context.Context, tx *tenant.Tx) error { return r.NoteIn(ctx, tx, members) })
}

// NoteIn adds the members of what, which becomes a JSON object, to the metadata of the task in a transaction of Write: it stands if
// and only if what else the transaction did stands.
func (r Run) NoteIn(ctx context.Context, tx *tenant.Tx, what any) error {
	encoded, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("encode progress: %w", err)
	}
	if err := tenantdb.New(tx).NoteTask(ctx, tenantdb.NoteTaskParams{ID: r.Task, Metadata: encoded}); err != nil {
		return fmt.Errorf("note progress: %w", err)
	}
	return nil
}

// Recall reads into a struct what this attempt and earlier ones noted on the task.
func (r Run) Recall(ctx context.Context, tx *tenant.Tx, into any) error {
	own, err := task.Get(ctx, tx, r.Task, filter.Fragment{})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(own.Metadata, into); err != nil {
		return fmt.Errorf("read progress: %w", err)
	}
	return nil
}

// Finally is a result that is made in the transaction in which the task ends: what it writes and the end of the task are one.
// An error of it fails the job and undoes both.
type Finally func(ctx context.Context, tx *tenant.Tx) (any, error)
