package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
)

// settingsQuery shows what a transaction runs under.
const settingsQuery = `select coalesce(current_setting('app.tenant_id', true), ''), coalesce(current_setting('app.user_id', true), ''),
	coalesce(current_setting('app.visible_providers', true), ''), coalesce(current_setting('app.scope', true), ''),
	current_setting('transaction_read_only'), current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')`

type shown struct{ tenant, user, visible, scope, readOnly, timeout, idle string }

func (s *shown) targets() []any {
	return []any{&s.tenant, &s.user, &s.visible, &s.scope, &s.readOnly, &s.timeout, &s.idle}
}

// open connects as palisade_app with one connection, so that every statement reuses it.
func open(t *testing.T, config pipeline.Config) *pipeline.Targets {
	t.Helper()
	if config.MaxConns == 0 {
		config.MaxConns = 1
	}
	targets, err := pipeline.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(targets.Close)
	return targets
}

func sqlState(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

// idle fails unless every connection was given back. A connection in an unknown state is closed in the background.
func idle(t *testing.T, targets *pipeline.Targets) {
	t.Helper()
	for range 1000 {
		if targets.Primary().Stat().AcquiredConns() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%d connections were not given back", targets.Primary().Stat().AcquiredConns())
}

func arrange(t *testing.T, db *pgtest.DB, sql string, args ...any) {
	t.Helper()
	if _, err := db.Pool(t, pgtest.Superuser).Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("arrange: %v", err)
	}
}

func TestSettingsLiveAsLongAsTheirTransaction(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	targets := open(t, pipeline.Config{URL: db.URL(pgtest.App)})
	settings := pipeline.Settings{TenantID: uuid.NewString(), UserID: uuid.NewString(), Visible: "*"}
	leftover := func(after string) {
		t.Helper()
		var got shown
		if err := targets.Primary().QueryRow(t.Context(), settingsQuery).Scan(got.targets()...); err != nil {
			t.Fatal(err)
		}
		if want := (shown{readOnly: "off", timeout: "0", idle: "0"}); got != want {
			t.Fatalf("after %s the connection still has %+v", after, got)
		}
	}
	leftover("connecting")
	for range 3 { // the first statement is prepared, later ones are not: both ways must open the scope
		var got shown
		if err := targets.Read(settings).QueryRow(t.Context(), settingsQuery).Scan(got.targets()...); err != nil {
			t.Fatal(err)
		}
		if got.tenant != settings.TenantID || got.user != settings.UserID || got.visible != "*" || got.scope != "" || got.readOnly != "on" {
			t.Fatalf("a read runs under %+v", got)
		}
		leftover("a read")
	}
	write := func(end error) {
		err := targets.Write(t.Context(), settings, func(ctx context.Context, tx *pipeline.Tx) error {
			var got shown
			if err := tx.QueryRow(ctx, settingsQuery).Scan(got.targets()...); err != nil {
				return err
			}
			if got.tenant != settings.TenantID || got.readOnly != "off" || got.idle != "1min" {
				t.Errorf("a write runs under %+v", got)
			}
			return end
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
	}
	write(nil)
	leftover("a commit")
	write(errors.New("enough"))
	leftover("a rollback")
	// The next scope on the same connection gets nothing of the last one.
	var got shown
	if err := targets.Read(pipeline.Settings{}).QueryRow(t.Context(), settingsQuery).Scan(got.targets()...); err != nil || got.tenant+got.user+got.visible+got.scope != "" {
		t.Fatalf("an empty scope runs under %+v, %v", got, err)
	}
	idle(t, targets)
}

func TestReadsCannotWrite(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	targets := open(t, pipeline.Config{URL: db.URL(pgtest.App)})
	tenant := uuid.NewString()
	arrange(t, db, `insert into tenants (id, name) values ($1, 'Acme')`, tenant)
	read := targets.Read(pipeline.Settings{TenantID: tenant, Visible: "*"})
	for _, sql := range []string{
		`insert into roles (tenant_id, id, name) values ('` + tenant + `', gen_random_uuid(), 'x') returning name`,
		`update tenants set name = 'x' returning name`,
		`delete from roles returning name`,
		`with gone as (delete from roles returning name) select name from gone`,
		`select name from tenants for update`,
	} {
		var name string
		if err := read.QueryRow(t.Context(), sql).Scan(&name); sqlState(err) != "25006" {
			t.Errorf("%s: %v, want a refusal of writing", sql, err)
		}
	}
	if _, err := read.Exec(t.Context(), `update tenants set name = 'x'`); err == nil {
		t.Error("Exec of a read scope did not refuse")
	}
	// Neither can the statement lift the ban for itself.
	var ignored string
	if err := read.QueryRow(t.Context(), `select set_config('transaction_read_only', 'off', true) || name from tenants`).Scan(&ignored); err == nil {
		t.Error("a read made its transaction writable")
	}
	idle(t, targets)
}

func TestAReadIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	narrow := filter.MustCondition("p.provider", filter.In, []string{"aws"})
	modes := map[string]string{"prepared": "", "behind a pooler": "&default_query_exec_mode=cache_describe", "unprepared": "&default_query_exec_mode=exec"}
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			between := pgtest.NewProxy(t, db.URL(pgtest.App)+mode)
			targets := open(t, pipeline.Config{URL: between.URL})
			for kind, settings := range map[string]pipeline.Settings{
				"plain":  {TenantID: uuid.NewString(), Visible: "*"},
				"narrow": {TenantID: uuid.NewString(), Narrow: narrow},
			} {
				read := func() {
					t.Helper()
					var count int
					if err := targets.Read(settings).QueryRow(t.Context(), `select count(*) from providers where id <> $1`, uuid.New()).Scan(&count); err != nil {
						t.Fatal(err)
					}
				}
				read() // describes the statements, once a connection
				between.Reset()
				for range 5 {
					read()
				}
				if syncs, simple := between.Count('S'), between.Count('Q'); syncs != 5 || simple != 0 {
					t.Errorf("%s: 5 reads took %d round trips and %d simple queries", kind, syncs, simple)
				}
				if parsed := between.Count('P'); mode == "" && parsed != 0 {
					t.Errorf("%s: a prepared read was parsed again %d times", kind, parsed)
				}
			}
			settings := pipeline.Settings{TenantID: uuid.NewString(), Visible: "*"}
			write := func() {
				err := targets.Write(t.Context(), settings, func(ctx context.Context, tx *pipeline.Tx) error {
					_, err := tx.Exec(ctx, `delete from roles`)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			write()
			between.Reset()
			write()
			if syncs := between.Count('S') + between.Count('Q'); syncs != 3 {
				t.Errorf("a write of one statement took %d round trips, want begin, statement, commit", syncs)
			}
			idle(t, targets)
		})
	}
}

func TestTheSimpleProtocolIsRefused(t *testing.T) {
	t.Parallel()
	_, err := pipeline.Open(t.Context(), pipeline.Config{URL: "postgres://u:hunter2@127.0.0.1:1/x?default_query_exec_mode=simple_protocol"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatal(err)
	}
	_, err = pipeline.Open(t.Context(), pipeline.Config{URL: "postgres://u:hunter2@127.0.0.1:port/x"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatal(err)
	}
}

func TestAWriteIsAllOrNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	targets := open(t, pipeline.Config{URL: db.URL(pgtest.App)})
	tenant := uuid.NewString()
	arrange(t, db, `insert into tenants (id, name) values ($1, 'Acme')`, tenant)
	settings := pipeline.Settings{TenantID: tenant, Visible: "*"}
	add := func(name string, then func(ctx context.Context) error) (err error) {
		defer func() {
			if failure := recover(); failure != nil {
				err = errors.New("panicked")
			}
		}()
		return targets.Write(t.Context(), settings, func(ctx context.Context, tx *pipeline.Tx) error {
			if _, err := tx.Exec(ctx, `insert into roles (tenant_id, id, name) values ($1, $2, $3)`, tenant, uuid.New(), name); err != nil {
				return err
			}
			return then(ctx)
		})
	}
	there := func() (names string) {
		t.Helper()
		if err := targets.Read(settings).QueryRow(t.Context(), `select coalesce(string_agg(name, ' ' order by name), '') from roles`).Scan(&names); err != nil {
			t.Fatal(err)
		}
		return names
	}
	if err := add("kept", func(context.Context) error { return nil }); err != nil || there() != "kept" {
		t.Fatal(err, there())
	}
	enough := errors.New("enough")
	if err := add("failed", func(context.Context) error { return enough }); !errors.Is(err, enough) {
		t.Fatal(err)
	}
	if err := add("panicked", func(context.Context) error { panic("boom") }); err == nil {
		t.Fatal("the panic was swallowed")
	}
	idle(t, targets)
	ended, cancel := context.WithCancel(t.Context())
	err := targets.Write(ended, settings, func(ctx context.Context, tx *pipeline.Tx) error {
		if _, err := tx.Exec(ctx, `insert into roles (tenant_id, id, name) values ($1, $2, 'cancelled')`, tenant, uuid.New()); err != nil {
			return err
		}
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("commit of a cancelled write: %v", err)
	}
	idle(t, targets)
	if names := there(); names != "kept" {
		t.Fatalf("there are %q", names)
	}
	// A scope that cannot be opened runs nothing.
	ran := false
	err = targets.Write(t.Context(), pipeline.Settings{TenantID: tenant, Narrow: filter.MustCondition("p.nowhere", filter.In, []string{"x"})},
		func(context.Context, *pipeline.Tx) error { ran = true; return nil })
	if err == nil || ran {
		t.Fatalf("a scope that failed was used: %v %v", err, ran)
	}
	idle(t, targets)
}

func TestConnectionsComeBack(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	targets := open(t, pipeline.Config{URL: db.URL(pgtest.App)})
	read := targets.Read(pipeline.Settings{TenantID: uuid.NewString(), Visible: "*"})
	const many = `select n, repeat('x', 1000) from generate_series(1, 5000) n`
	cases := map[string]func(t *testing.T){
		"read to the end": func(t *testing.T) {
			rows, err := read.Query(t.Context(), many)
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				if rows.Conn() != nil {
					t.Fatal("rows hand out their connection")
				}
			}
			if rows.Err() != nil {
				t.Fatal(rows.Err())
			}
			idle(t, targets) // without Close
			rows.Close()
		},
		"closed early": func(t *testing.T) {
			rows, err := read.Query(t.Context(), many)
			if err != nil || !rows.Next() {
				t.Fatal(err)
			}
			rows.Close()
			rows.Close()
		},
		"scanned wrongly": func(t *testing.T) {
			rows, err := read.Query(t.Context(), many)
			if err != nil || !rows.Next() {
				t.Fatal(err)
			}
			var wrong time.Time
			if err := rows.Scan(&wrong, &wrong); err == nil {
				t.Fatal("text was scanned as a time")
			}
			rows.Close()
		},
		"row scanned wrongly": func(t *testing.T) {
			var wrong time.Time
			if err := read.QueryRow(t.Context(), `select 'x'`).Scan(&wrong); err == nil {
				t.Fatal("text was scanned as a time")
			}
		},
		"row of many": func(t *testing.T) {
			var n int
			var text string
			if err := read.QueryRow(t.Context(), many).Scan(&n, &text); err != nil || n != 1 {
				t.Fatal(err)
			}
		},
		"no row": func(t *testing.T) {
			if err := read.QueryRow(t.Context(), `select 1 where false`).Scan(new(int)); !errors.Is(err, pgx.ErrNoRows) {
				t.Fatal(err)
			}
		},
		"bad statement": func(t *testing.T) {
			if _, err := read.Query(t.Context(), `select nonsense`); sqlState(err) != "42703" {
				t.Fatal(err)
			}
		},
		"bad argument": func(t *testing.T) {
			if _, err := read.Query(t.Context(), `select $1::uuid`, struct{}{}); err == nil {
				t.Fatal("a struct was taken for a uuid")
			}
		},
		"fails while it runs": func(t *testing.T) {
			err := read.QueryRow(t.Context(), `select 1 / (n - 3000) from generate_series(1, 5000) n order by 1 desc`).Scan(new(int))
			if sqlState(err) != "22012" {
				t.Fatal(err)
			}
		},
		"fails after some rows": func(t *testing.T) {
			rows, err := read.Query(t.Context(), `select repeat('x', 1000 + 0 / (n - 4000)) from generate_series(1, 5000) n`)
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
			}
			if sqlState(rows.Err()) != "22012" {
				t.Fatal(rows.Err())
			}
		},
		"cancelled in the middle": func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			rows, err := read.Query(ctx, many)
			if err != nil || !rows.Next() {
				t.Fatal(err)
			}
			cancel()
			for rows.Next() {
			}
			rows.Close()
		},
		"cancelled before": func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := read.Query(ctx, many); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		},
		"marker without fragment": func(t *testing.T) {
			const marked = `select n from generate_series(1, 3) n where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */`
			if _, err := read.Query(t.Context(), marked); err == nil {
				t.Fatal("a query with a marker ran without a fragment")
			}
			if _, err := read.With(map[string]filter.Fragment{"other": {}}).Query(t.Context(), marked); err == nil {
				t.Fatal("a query ran with the fragment of another")
			}
			if _, err := read.With(map[string]filter.Fragment{"where": {}}).Query(t.Context(), `select 1`); err == nil {
				t.Fatal("a fragment was dropped silently")
			}
			var n int
			shaped := read.With(map[string]filter.Fragment{"where": filter.MustCondition("n", filter.GT, int64(2))})
			if err := shaped.QueryRow(t.Context(), marked).Scan(&n); err != nil || n != 3 {
				t.Fatal(n, err)
			}
		},
	}
	for name, run := range cases {
		// One after the other: they share the only connection.
		if !t.Run(name, func(t *testing.T) {
			run(t)
			idle(t, targets)
			var one int
			if err := read.QueryRow(t.Context(), `select 1`).Scan(&one); err != nil || one != 1 {
				t.Fatalf("the connection is of no use any more: %v", err)
			}
		}) {
			return
		}
	}
}

func TestMarkersAreRefusedInWritesToo(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	targets := open(t, pipeline.Config{URL: db.URL(pgtest.App)})
	const marked = `select 1 where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */`
	err := targets.Write(t.Context(), pipeline.Settings{}, func(ctx context.Context, tx *pipeline.Tx) error {
		if _, err := tx.Exec(ctx, marked); err == nil {
			t.Error("Exec took a marker")
		}
		if _, err := tx.Query(ctx, marked); err == nil {
			t.Error("Query took a marker")
		}
		if err := tx.QueryRow(ctx, marked).Scan(new(int)); err == nil {
			t.Error("QueryRow took a marker")
		}
		return tx.With(map[string]filter.Fragment{"where": {}}).QueryRow(ctx, marked).Scan(new(int))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheDeadlineBoundsTheStatement(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	targets := open(t, pipeline.Config{URL: db.URL(pgtest.App), Timeout: 7 * time.Second})
	limit := func(ctx context.Context) time.Duration {
		t.Helper()
		var text string
		if err := targets.Read(pipeline.Settings{}).QueryRow(ctx, `select extract(epoch from current_setting('statement_timeout')::interval)::text || 's'`).Scan(&text); err != nil {
			t.Fatal(err)
		}
		parsed, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	if got := limit(t.Context()); got != 7*time.Second {
		t.Errorf("without a deadline a statement may take %s", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if got := limit(ctx); got > time.Hour || got < 50*time.Minute {
		t.Errorf("with an hour left a statement may take %s", got)
	}
	short := open(t, pipeline.Config{URL: db.URL(pgtest.App), Timeout: time.Millisecond})
	if err := short.Read(pipeline.Settings{}).QueryRow(t.Context(), `select pg_sleep(60)::text`).Scan(new(string)); sqlState(err) != "57014" {
		t.Errorf("a statement over its time: %v", err)
	}
	idle(t, short)
}

func TestReadsFallBackToThePrimary(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	where := func(targets *pipeline.Targets) (string, error) {
		var name string
		err := targets.Read(pipeline.Settings{}).QueryRow(t.Context(), `select current_setting('application_name')`).Scan(&name)
		return name, err
	}
	// The application's name tells the two apart: it is set by the replica's connection string alone.
	mark := func(url string) string { return url + "&application_name=replica" }
	t.Run("there", func(t *testing.T) {
		t.Parallel()
		replica := pgtest.NewProxy(t, mark(db.URL(pgtest.App)))
		targets := open(t, pipeline.Config{URL: db.URL(pgtest.App), ReplicaURL: replica.URL})
		if name, err := where(targets); name != "replica" || err != nil {
			t.Fatal(name, err)
		}
		// A write is the primary's.
		err := targets.Write(t.Context(), pipeline.Settings{}, func(ctx context.Context, tx *pipeline.Tx) error {
			var name string
			if err := tx.QueryRow(ctx, `select current_setting('application_name')`).Scan(&name); err != nil || name == "replica" {
				t.Errorf("a write went to %q, %v", name, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		// The connection breaks while nobody looks, then the replica is gone for good.
		for _, leave := range []func(){replica.Cut, replica.Leave} {
			leave()
			if name, err := where(targets); name == "replica" && err == nil {
				continue // the pool noticed and connected anew
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if name, err := where(targets); name != "" || err != nil {
			t.Fatal(name, err)
		}
	})
	t.Run("starting up", func(t *testing.T) {
		t.Parallel()
		for _, code := range []string{"57P03", "53300"} {
			replica := pgtest.NewProxy(t, mark(db.URL(pgtest.App)))
			replica.Refuse(code)
			targets := open(t, pipeline.Config{URL: db.URL(pgtest.App), ReplicaURL: replica.URL})
			if name, err := where(targets); name != "" || err != nil {
				t.Fatal(name, err)
			}
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		replica := pgtest.NewProxy(t, mark(db.URL(pgtest.App)))
		replica.Leave()
		targets := open(t, pipeline.Config{URL: db.URL(pgtest.App), ReplicaURL: replica.URL})
		if name, err := where(targets); name != "" || err != nil {
			t.Fatal(name, err)
		}
	})
	t.Run("a refusal is an answer", func(t *testing.T) {
		t.Parallel()
		primary := pgtest.NewProxy(t, db.URL(pgtest.App))
		targets := open(t, pipeline.Config{URL: primary.URL, ReplicaURL: mark(db.URL(pgtest.App))})
		before := primary.Connections()
		if _, err := targets.Read(pipeline.Settings{}).Query(t.Context(), `select nonsense`); sqlState(err) != "42703" {
			t.Fatal(err)
		}
		if primary.Connections() != before || primary.Count('S') != 0 {
			t.Fatal("the refused statement was tried on the primary")
		}
	})
}

func TestRolesThatPassTheWallAreRefused(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for role, good := range map[string]bool{pgtest.App: true, pgtest.System: true, pgtest.Owner: false, pgtest.Superuser: false} {
		if err := open(t, pipeline.Config{URL: db.URL(role)}).CheckRole(t.Context()); (err == nil) != good {
			t.Errorf("%s: %v", role, err)
		}
	}
}
