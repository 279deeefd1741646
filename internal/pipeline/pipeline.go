// Package pipeline runs statements on Postgres in as few round trips as correctness allows, always inside a transaction
// whose settings were made first. It is the shared engine room of internal/tenant and internal/system, the only two
// packages that may import it: whoever else wants rows goes through one of them.
package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"

	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/sql/scope"
)

// Config says where a pool connects and how large it may grow.
type Config struct {
	URL             string        // connection string of a role that is neither superuser nor BYPASSRLS
	ReplicaURL      string        // optional: where reads go
	MaxConns        int32         // per pool; 0: the driver's default
	ApplicationName string        // shown in pg_stat_activity
	Timeout         time.Duration // longest statement when the context has no deadline; 0: 30 s
	// Tracer sees every statement with its arguments, and so whatever they hold: for measuring and for nothing else.
	Tracer pgx.QueryTracer
}

// Settings are what a transaction runs under; they are made before its first statement and vanish with it.
type Settings struct {
	TenantID string          // empty: rows of no tenant
	UserID   string          // empty: nobody
	Visible  string          // '*' or a Postgres array of provider ids
	Narrow   filter.Fragment // condition on providers p that replaces Visible; zero: Visible stands
	System   string          // scope of palisade_system; empty for palisade_app
	Steady   bool            // statements are planned once a connection, for any values, and not for those that they have
}

// Targets are a primary and, when configured, a replica that answers reads.
type Targets struct {
	primary *pgxpool.Pool
	replica *pgxpool.Pool
	timeout time.Duration
}

// Open connects the pools. It does not check the role: the caller does, with a query of its own.
func Open(ctx context.Context, config Config) (*Targets, error) {
	primary, err := openPool(ctx, config, config.URL, 0)
	if err != nil {
		return nil, err
	}
	targets := &Targets{primary: primary, replica: primary, timeout: config.Timeout}
	if targets.timeout == 0 {
		targets.timeout = 30 * time.Second
	}
	if config.ReplicaURL != "" {
		if targets.replica, err = openPool(ctx, config, config.ReplicaURL, replicaPatience); err != nil {
			primary.Close()
			return nil, err
		}
	}
	return targets, nil
}

// Close returns when every connection is given back and closed.
func (t *Targets) Close() {
	if t.replica != t.primary {
		t.replica.Close()
	}
	t.primary.Close()
}

// Ping reports whether the primary answers.
func (t *Targets) Ping(ctx context.Context) error { return t.primary.Ping(ctx) }

// Stats are the states of the pools, by target: primary, and replica when there is one.
func (t *Targets) Stats() map[string]*pgxpool.Stat {
	stats := map[string]*pgxpool.Stat{"primary": t.primary.Stat()}
	if t.replica != t.primary {
		stats["replica"] = t.replica.Stat()
	}
	return stats
}

// Primary is the pool itself, for River's driver and nothing else.
func (t *Targets) Primary() *pgxpool.Pool { return t.primary }

// replicaPatience is how long a read waits for a replica that does not answer before it goes to the primary.
const replicaPatience = 2 * time.Second

// openPool opens one pool; patience bounds how long connecting may take, 0 leaves that to the connection string.
func openPool(ctx context.Context, config Config, url string, patience time.Duration) (*pgxpool.Pool, error) {
	parsed, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The driver's message may quote the connection string, which holds a password.
		return nil, errors.New("parse database url: not a valid connection string")
	}
	if config.MaxConns > 0 {
		parsed.MaxConns = config.MaxConns
	}
	if config.ApplicationName != "" {
		parsed.ConnConfig.RuntimeParams["application_name"] = config.ApplicationName
	}
	parsed.ConnConfig.RuntimeParams["timezone"] = "UTC"
	if parsed.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		return nil, errors.New("parse database url: the simple protocol mixes values into statements and is refused; behind a pooler use default_query_exec_mode=cache_describe")
	}
	if patience > 0 && parsed.ConnConfig.ConnectTimeout > patience {
		parsed.ConnConfig.ConnectTimeout = patience
	}
	parsed.ConnConfig.Tracer = config.Tracer
	parsed.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		pgxuuid.Register(conn.TypeMap())
		registerJSON(conn.TypeMap())
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, parsed)
	if err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	return pool, nil
}

// registerJSON has JSON that stays text taken over as it is: the server has checked it, and it is most of what lists carry.
func registerJSON(types *pgtype.Map) {
	decode := func(text []byte, target any) error {
		if raw, ok := target.(*json.RawMessage); ok {
			*raw = bytes.Clone(text) // the driver uses the memory again
			return nil
		}
		return json.Unmarshal(text, target)
	}
	types.RegisterType(&pgtype.Type{Name: "json", OID: pgtype.JSONOID, Codec: &pgtype.JSONCodec{Marshal: json.Marshal, Unmarshal: decode}})
	types.RegisterType(&pgtype.Type{Name: "jsonb", OID: pgtype.JSONBOID, Codec: &pgtype.JSONBCodec{Marshal: json.Marshal, Unmarshal: decode}})
}

// lead is how much earlier than the caller the server gives up at most: a statement that it ends leaves the connection whole, one
// that the caller abandons does not.
const lead = 500 * time.Millisecond

// openArguments are the arguments of scope.Open.
func (t *Targets) openArguments(ctx context.Context, settings Settings, readOnly string) []any {
	limit := t.timeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = max(time.Until(deadline), time.Millisecond)
		limit -= min(limit/10, lead)
	}
	visible := settings.Visible
	if !settings.Narrow.IsZero() {
		visible = "*"
	}
	milliseconds := strconv.FormatInt(max(limit.Milliseconds(), 1), 10)
	return []any{settings.TenantID, settings.UserID, visible, settings.System, milliseconds, readOnly, planMode(settings.Steady)}
}

func planMode(steady bool) string {
	if steady {
		return "force_generic_plan"
	}
	return "auto"
}

// queueScope queues the statements that open the scope and returns how many they are.
func (t *Targets) queueScope(ctx context.Context, batch *pgx.Batch, settings Settings, readOnly string) (int, error) {
	batch.Queue(scope.Open, t.openArguments(ctx, settings, readOnly)...)
	if settings.Narrow.IsZero() {
		return 1, nil
	}
	text, args, err := filter.Splice(scope.Narrow, map[string]filter.Fragment{"visible": settings.Narrow}, 0)
	if err != nil {
		return 0, fmt.Errorf("narrow visibility: %w", err)
	}
	batch.Queue(text, args...)
	return 2, nil
}

// Reader answers single statements, each in a read-only transaction of its own that takes one round trip.
type Reader struct {
	targets   *Targets
	settings  Settings
	fragments map[string]filter.Fragment
	gathered  *gathering // nil: statements are sent when they are asked for
}

// Read returns a Reader under the settings.
func (t *Targets) Read(settings Settings) *Reader { return &Reader{targets: t, settings: settings} }

// With returns a Reader that puts the fragments at the markers of the statements it runs.
func (r *Reader) With(fragments map[string]filter.Fragment) *Reader {
	shaped := *r
	shaped.fragments = fragments
	return &shaped
}

// Steady returns a Reader whose statements are planned once a connection.
func (r *Reader) Steady() *Reader {
	steady := *r
	steady.settings.Steady = true
	return &steady
}

// Exec refuses: a reader changes nothing.
func (r *Reader) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, errors.New("a read scope cannot execute a change")
}

// Query sends the scope and the statement together. A replica that cannot be reached is retried once on the primary.
func (r *Reader) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	text, all, err := splice(sql, r.fragments, args)
	if err != nil {
		return nil, err
	}
	if r.gathered != nil {
		return r.gathered.query(text, all)
	}
	rows, err := r.send(ctx, r.targets.replica, text, all)
	if err != nil && r.targets.replica != r.targets.primary && ctx.Err() == nil && isUnreachable(err) {
		return r.send(ctx, r.targets.primary, text, all)
	}
	return rows, err
}

// QueryRow is Query for statements that return at most one row.
func (r *Reader) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := r.Query(ctx, sql, args...)
	return &row{rows: rows, err: err}
}

func (r *Reader) send(ctx context.Context, pool *pgxpool.Pool, sql string, args []any) (pgx.Rows, error) {
	conn, results, err := r.beginOn(ctx, pool, []*ask{{sql: sql, args: args}})
	if err != nil {
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		_ = results.Close()
		conn.Release()
		return nil, err
	}
	return &releasing{Rows: rows, results: results, conn: conn}, nil
}

// Tx is an open transaction under its settings.
type Tx struct {
	tx        pgx.Tx
	fragments map[string]filter.Fragment
}

// Write runs fn in one read-write transaction on the primary: begin and the scope are one round trip, and everything is
// undone when fn returns an error or panics.
func (t *Targets) Write(ctx context.Context, settings Settings, fn func(context.Context, *Tx) error) error {
	conn, err := t.primary.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("acquire connection: %w", err)
	}
	defer conn.Release()
	batch := &pgx.Batch{}
	batch.BeginTx(pgx.TxOptions{})
	if _, err := t.queueScope(ctx, batch, settings, "off"); err != nil {
		return err
	}
	results := conn.SendBatch(ctx, batch)
	tx := results.Tx()
	defer rollBack(ctx, tx)
	if err := results.Close(); err != nil {
		return fmt.Errorf("open write scope: %w", err)
	}
	if err := fn(ctx, &Tx{tx: tx}); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// Exec runs one change in a transaction of its own on the primary. Scope, statement and commit are one round trip, so that what
// the statement locks is held no longer than it has to.
func (t *Targets) Exec(ctx context.Context, settings Settings, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	conn, err := t.primary.Acquire(ctx)
	if err != nil {
		return tag, fmt.Errorf("acquire connection: %w", err)
	}
	defer conn.Release()
	batch := &pgx.Batch{}
	opening, err := t.queueScope(ctx, batch, settings, "off")
	if err != nil {
		return tag, err
	}
	batch.Queue(sql, args...)
	results := conn.SendBatch(ctx, batch)
	defer func() {
		if closing := results.Close(); err == nil && closing != nil { // the server commits when all of it has run
			err = fmt.Errorf("commit: %w", closing)
		}
	}()
	for range opening {
		if _, err := results.Exec(); err != nil {
			return tag, fmt.Errorf("open write scope: %w", err)
		}
	}
	return results.Exec()
}

// rollBack undoes a transaction that did not commit. It must reach the server also when the caller's context has ended, but
// a server that is silent must not hold the connection for ever.
func rollBack(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = tx.Rollback(ctx)
}

// With returns the same transaction with fragments for the markers of the statements run through it.
func (t *Tx) With(fragments map[string]filter.Fragment) *Tx {
	return &Tx{tx: t.tx, fragments: fragments}
}

// Unwrap is the driver's transaction, for River's InsertTx and nothing else.
func (t *Tx) Unwrap() pgx.Tx { return t.tx }

// Exec runs a statement in the transaction.
func (t *Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	text, all, err := splice(sql, t.fragments, args)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	return t.tx.Exec(ctx, text, all...)
}

// Query runs a statement in the transaction.
func (t *Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	text, all, err := splice(sql, t.fragments, args)
	if err != nil {
		return nil, err
	}
	return t.tx.Query(ctx, text, all...)
}

// QueryRow runs a statement that returns at most one row in the transaction.
func (t *Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	text, all, err := splice(sql, t.fragments, args)
	if err != nil {
		return &row{err: err}
	}
	return t.tx.QueryRow(ctx, text, all...)
}

func splice(sql string, fragments map[string]filter.Fragment, args []any) (string, []any, error) {
	if len(fragments) == 0 && !strings.Contains(sql, filter.Marker) {
		return sql, args, nil
	}
	text, more, err := filter.Splice(sql, fragments, len(args))
	if err != nil {
		return "", nil, fmt.Errorf("shape statement: %w", err)
	}
	return text, append(args[:len(args):len(args)], more...), nil
}

// isUnreachable tells a server that could not be asked from one that refused the statement. A server that lets nobody in,
// that shuts down, or that ends a read because of what it replays from the primary was not asked either.
func isUnreachable(err error) bool {
	var connecting *pgconn.ConnectError
	var refused *pgconn.PgError
	if errors.As(err, &connecting) || !errors.As(err, &refused) {
		return true
	}
	switch refused.Code {
	case "57P01", "57P02", "57P03", "40001": // shutdown, crash, cannot connect now, conflict with recovery
		return true
	}
	return false
}

// releasing gives the connection back when the rows are read or closed.
type releasing struct {
	pgx.Rows
	results pgx.BatchResults
	conn    *pgxpool.Conn
	done    bool
	err     error
}

// Conn hides the connection: whoever reads rows gets no way round the scope.
func (r *releasing) Conn() *pgx.Conn { return nil }

func (r *releasing) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

func (r *releasing) Close() {
	if r.done {
		return
	}
	r.done = true
	r.Rows.Close()
	if err := r.results.Close(); err != nil {
		r.err = err
	}
	r.conn.Release()
}

func (r *releasing) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}

// row scans the first of some rows, as pgx.Row does.
type row struct {
	rows pgx.Rows
	err  error
}

func (r *row) Scan(targets ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(targets...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}

// CheckRole refuses a role that could bypass row-level security.
func (t *Targets) CheckRole(ctx context.Context) error {
	power, err := migrate.CheckRole(ctx, t.primary)
	if err != nil {
		return fmt.Errorf("check role: %w", err)
	}
	return power.Err()
}
