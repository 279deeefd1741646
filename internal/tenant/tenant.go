// Package tenant runs queries inside one tenant. It is the only way to the tables of gen/tenantdb: the interface that the
// generated queries accept embeds Sealed, so nothing but this package's values fits, and every value carries a Scope that
// Postgres enforces by row-level security.
//
// What does not belong here: queries that cross tenants (internal/system) and decisions about permission or visibility
// (internal/authz), whose outcome arrives as part of the Scope.
package tenant

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/pipeline"
)

// Sealed is embedded in the interface of the generated queries; only this package implements it.
type Sealed interface{ sealed() }

// Visible is the set of providers that a scope shows. Its zero value shows none.
type Visible struct {
	all       bool
	condition filter.Fragment
	only      uuid.UUID
	exclusion bool // the condition only takes some providers away
}

// SeeAll shows every provider of the tenant.
func SeeAll() Visible { return Visible{all: true} }

// SeeNone shows no provider; rows that are about no provider are still there.
func SeeNone() Visible { return Visible{} }

// SeeWhere shows the providers p for which the compiled policy condition holds. A zero condition shows none.
func SeeWhere(condition filter.Fragment) Visible { return Visible{condition: condition} }

// SeeAllBut shows the providers p for which the condition holds, which is all but those that policy takes away: unlike
// SeeWhere it leaves the scope unlimited in everything that is about no provider.
func SeeAllBut(condition filter.Fragment) Visible {
	return Visible{condition: condition, exclusion: true}
}

// Scope says for whom a query runs. The zero Scope reaches nothing.
type Scope struct {
	tenant  uuid.UUID
	user    uuid.UUID
	visible Visible
}

// NewScope is the scope of a user, or of the program itself when user is uuid.Nil, in one tenant.
func NewScope(tenant, user uuid.UUID, visible Visible) Scope {
	return Scope{tenant: tenant, user: user, visible: visible}
}

// ForNewProvider makes the id of a provider that is about to be created and the scope in which its row can be written.
//
// The wall lets a scope write only what it shows, while people may create providers that policy does not show them
// afterwards. The id is made here, at random, and is nobody's yet: the scope shows that one provider and hides all that
// exist, so it is never wider than s, and no caller can aim it at a row that is there.
func (s Scope) ForNewProvider() (Scope, uuid.UUID) {
	id := uuid.New()
	s.visible = Visible{only: id}
	return s, id
}

// Tenant is the tenant of the scope.
func (s Scope) Tenant() uuid.UUID { return s.tenant }

// User is the user of the scope; uuid.Nil for the program itself.
func (s Scope) User() uuid.UUID { return s.user }

// SeesAll reports whether every provider of the tenant is visible.
func (s Scope) SeesAll() bool { return s.visible.all }

// Unlimited reports whether every provider of the tenant is visible but for those that exclusions of policy take away.
func (s Scope) Unlimited() bool { return s.visible.all || s.visible.exclusion }

func (s Scope) settings() pipeline.Settings {
	settings := pipeline.Settings{Visible: "{}"}
	if s.tenant != uuid.Nil {
		settings.TenantID = s.tenant.String()
	}
	if s.user != uuid.Nil {
		settings.UserID = s.user.String()
	}
	switch {
	case s.visible.all:
		settings.Visible = "*"
	case s.visible.only != uuid.Nil:
		settings.Visible = "{" + s.visible.only.String() + "}"
	case !s.visible.condition.IsZero():
		settings.Narrow = s.visible.condition
	}
	return settings
}

// Executor opens scopes on the app role's pools.
type Executor struct{ targets *pipeline.Targets }

// Open connects as palisade_app.
func Open(ctx context.Context, config pipeline.Config) (*Executor, error) {
	targets, err := pipeline.Open(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open tenant executor: %w", err)
	}
	return &Executor{targets: targets}, nil
}

// Close closes the pools.
func (e *Executor) Close() { e.targets.Close() }

// DB runs generated queries: a read scope or an open transaction.
type DB interface {
	Sealed
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	// Shaped is the same DB with fragments for the markers of the statements it runs.
	Shaped(fragments map[string]filter.Fragment) DB
}

// Violates reports whether err is Postgres refusing a row because of the constraint or unique index of that name.
func Violates(err error, constraint string) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.ConstraintName == constraint
}

// Read returns a DB that runs each statement in one round trip, in a read-only transaction of its own, on the replica
// when there is one. Statements of one Read do not share a snapshot.
func (e *Executor) Read(scope Scope) DB { return reader{e.targets.Read(scope.settings())} }

// Steady returns a DB whose reads are planned once a connection, for any values, and not each time for those that they have: for
// statements whose plan does not depend on them. Transactions that change something stay as they are.
func Steady(db DB) DB {
	if r, ok := db.(reader); ok {
		return reader{r.Reader.Steady()}
	}
	return db
}

// Write runs fn in one transaction on the primary; an error from fn undoes it all.
func (e *Executor) Write(ctx context.Context, scope Scope, fn func(ctx context.Context, tx *Tx) error) error {
	if scope.tenant == uuid.Nil {
		return errors.New("write without a tenant")
	}
	return e.targets.Write(ctx, scope.settings(), func(ctx context.Context, tx *pipeline.Tx) error {
		return fn(ctx, &Tx{Tx: tx, scope: scope})
	})
}

// WriteAgain is Write that is begun anew, a few times, when other transactions were in its way (a deadlock, a serialization
// failure). fn must be fit to run more than once: nothing but its statements may have an effect.
func (e *Executor) WriteAgain(ctx context.Context, scope Scope, fn func(ctx context.Context, tx *Tx) error) error {
	return pipeline.Again(ctx, func() error { return e.Write(ctx, scope, fn) })
}

// Once returns a DB that changes something with a single statement, in a transaction of its own and one round trip, on the primary.
func (e *Executor) Once(scope Scope) DB { return once{executor: e, scope: scope} }

type once struct {
	executor *Executor
	scope    Scope
}

var errOnce = errors.New("a single change returns no rows and has no markers")

func (o once) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if o.scope.tenant == uuid.Nil {
		return pgconn.CommandTag{}, errors.New("write without a tenant")
	}
	if strings.Contains(sql, filter.Marker) {
		return pgconn.CommandTag{}, errOnce
	}
	return o.executor.targets.Exec(ctx, o.scope.settings(), sql, args...)
}

func (once) Query(context.Context, string, ...any) (pgx.Rows, error) { return nil, errOnce }

func (once) QueryRow(context.Context, string, ...any) pgx.Row { return noRow{} }

func (o once) Shaped(map[string]filter.Fragment) DB { return o }

func (once) sealed() {}

type noRow struct{}

func (noRow) Scan(...any) error { return errOnce }

// Enqueuer inserts a job in an open transaction; internal/jobs implements it over River.
type Enqueuer interface {
	InsertTx(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, job any) (int64, error)
}

// Tx is an open transaction in a scope.
type Tx struct {
	*pipeline.Tx
	scope Scope
}

// Scope is the scope that the transaction was opened with.
func (t *Tx) Scope() Scope { return t.scope }

// Enqueue inserts a job that exists if and only if the transaction commits, and returns the job's id.
func (t *Tx) Enqueue(ctx context.Context, enqueuer Enqueuer, job any) (int64, error) {
	id, err := enqueuer.InsertTx(ctx, t.Unwrap(), t.scope.tenant, job)
	if err != nil {
		return 0, fmt.Errorf("enqueue: %w", err)
	}
	return id, nil
}

// Shaped is the transaction with fragments for the markers of the statements run through it.
func (t *Tx) Shaped(fragments map[string]filter.Fragment) DB {
	return &Tx{Tx: t.With(fragments), scope: t.scope}
}

func (t *Tx) sealed() {}

type reader struct{ *pipeline.Reader }

func (r reader) Shaped(fragments map[string]filter.Fragment) DB { return reader{r.With(fragments)} }

func (reader) sealed() {}

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
