// Package system runs the few queries that cross tenants, each inside a named scope that the database grants just the
// tables and columns it needs. The queries are those of sql/system, one file a scope, each with its reason in its header;
// gen/systemdb accepts no other executor.
//
// What does not belong here: anything that can be done inside one tenant (internal/tenant).
package system

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/pipeline"
)

// Sealed is embedded in the interface of the generated queries; only this package implements it.
type Sealed interface{ sealed() }

// Scope names a reason to cross tenants; the policies of the database know the names.
type Scope string

// The scopes, as in the migrations.
const (
	Login      Scope = "login"      // find a person by address, their organisations, note the log-in
	Session    Scope = "session"    // check a token's subject and load the roles it acts with
	Self       Scope = "self"       // a person's own organisations and memberships
	SignUp     Scope = "sign_up"    // create a person with a tenant, or with the roles of an invitation
	Invitation Scope = "invitation" // accept an invitation by its token
	Catalogue  Scope = "catalogue"  // replace the reference data of an engine version
	Upkeep     Scope = "upkeep"     // partitions, expired rows, stale work
	Backfill   Scope = "backfill"   // which tenants have scans that have to be counted again
	Retention  Scope = "retention"  // which tenants have scans that go, and partitions that nobody needs
	Queue      Scope = "queue"      // leases of workers, and the jobs of workers that died
	Schedule   Scope = "schedule"   // which schedules are due
	Rotation   Scope = "rotation"   // which tenants have sealed credentials
	Deletion   Scope = "deletion"   // remove what is left of one tenant that is being deleted; see WriteFor
	Policy     Scope = "policy"     // which tenants there are, for comparing policies
	Audit      Scope = "audit"      // which tenants have an audit log
	SAML       Scope = "saml"       // a sign-on through an identity provider, found by its domain
)

// Executor opens scopes on the system role's pools.
type Executor struct{ targets *pipeline.Targets }

// Open connects as palisade_system.
func Open(ctx context.Context, config pipeline.Config) (*Executor, error) {
	targets, err := pipeline.Open(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open system executor: %w", err)
	}
	return &Executor{targets: targets}, nil
}

// Close closes the pools.
func (e *Executor) Close() { e.targets.Close() }

// QueuePool is the pool on which River keeps its own tables, for internal/jobs alone.
func (e *Executor) QueuePool() *pgxpool.Pool { return e.targets.Primary() }

// DB runs generated queries in a scope.
type DB interface {
	Sealed
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	// Shaped is the same DB with fragments for the markers of the statements it runs.
	Shaped(fragments map[string]filter.Fragment) DB
}

// Read returns a DB that runs each statement in one round trip, read-only. user is the person on whose behalf the scope is
// opened, uuid.Nil when there is none.
func (e *Executor) Read(scope Scope, user uuid.UUID) DB {
	return reader{e.targets.Read(settings(scope, user))}
}

// Write runs fn in one transaction; an error from fn undoes it all.
func (e *Executor) Write(ctx context.Context, scope Scope, user uuid.UUID, fn func(ctx context.Context, db DB) error) error {
	return e.targets.Write(ctx, settings(scope, user), func(ctx context.Context, tx *pipeline.Tx) error {
		return fn(ctx, transaction{tx})
	})
}

// WriteFor is Write in a scope that the database binds to one tenant.
func (e *Executor) WriteFor(ctx context.Context, scope Scope, tenant uuid.UUID, fn func(ctx context.Context, db DB) error) error {
	bound := settings(scope, uuid.Nil)
	bound.TenantID = tenant.String()
	return e.targets.Write(ctx, bound, func(ctx context.Context, tx *pipeline.Tx) error {
		return fn(ctx, transaction{tx})
	})
}

// WriteAgain is Write that is begun anew, a few times, when other transactions were in its way (a deadlock, a serialization
// failure). fn must be fit to run more than once: nothing but its statements may have an effect.
func (e *Executor) WriteAgain(ctx context.Context, scope Scope, user uuid.UUID, fn func(ctx context.Context, db DB) error) error {
	return pipeline.Again(ctx, func() error { return e.Write(ctx, scope, user, fn) })
}

// Enqueuer inserts a job of no tenant in an open transaction; internal/jobs implements it over River.
type Enqueuer interface {
	InsertSystemTx(ctx context.Context, tx pgx.Tx, job any) error
}

// Enqueue inserts a job that exists if and only if the transaction commits; db is that of a Write.
func Enqueue(ctx context.Context, db DB, enqueuer Enqueuer, job any) error {
	open, ok := db.(transaction)
	if !ok {
		return errors.New("enqueue: not in a transaction")
	}
	if err := enqueuer.InsertSystemTx(ctx, open.Unwrap(), job); err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	return nil
}

func settings(scope Scope, user uuid.UUID) pipeline.Settings {
	settings := pipeline.Settings{System: string(scope), Visible: "{}"}
	if user != uuid.Nil {
		settings.UserID = user.String()
	}
	return settings
}

type reader struct{ *pipeline.Reader }

func (r reader) Shaped(fragments map[string]filter.Fragment) DB { return reader{r.With(fragments)} }

func (reader) sealed() {}

type transaction struct{ *pipeline.Tx }

func (t transaction) Shaped(fragments map[string]filter.Fragment) DB {
	return transaction{t.With(fragments)}
}

func (transaction) sealed() {}

// Together runs reads that do not need each other's results, each with a DB like db, and sends what they wait for in one round trip
// where db is a read scope. In a transaction they run one after the other. The error is the first one that occurs.
func Together(ctx context.Context, db DB, reads ...func(DB) error) error {
	scope, ok := db.(reader)
	if !ok {
		for _, read := range reads {
			if err := read(db); err != nil {
				return err
			}
		}
		return nil
	}
	shared := make([]func(*pipeline.Reader) error, len(reads))
	for i, read := range reads {
		shared[i] = func(one *pipeline.Reader) error { return read(reader{one}) }
	}
	return scope.Gather(ctx, shared...)
}

// CheckRole refuses to work as a role that could bypass the wall.
func (e *Executor) CheckRole(ctx context.Context) error { return e.targets.CheckRole(ctx) }

// PoolStats are the states of the pools of connections, by target.
func (e *Executor) PoolStats() map[string]*pgxpool.Stat { return e.targets.Stats() }

// Ping reports whether the primary answers.
func (e *Executor) Ping(ctx context.Context) error { return e.targets.Ping(ctx) }
