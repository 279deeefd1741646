package deletion_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/deletion"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/system"
)

// street is a server with two organisations, a large one of Ada's and a small one of Bob's. Eve is a member of Ada's alone, Carl of
// Ada's and of his own.
type street struct {
	server              *apitest.Server
	pool                *pgxpool.Pool // superuser: arranges and inspects
	ada, bob, eve, carl *apitest.Client
}

func newStreet(t *testing.T) *street {
	t.Helper()
	server := apitest.Start(t)
	s := &street{server: server, pool: server.DB.Pool(t, pgtest.Superuser)}
	s.ada, s.bob, s.carl = server.SignUp(t, "Ada"), server.SignUp(t, "Bob"), server.SignUp(t, "Carl")
	role := s.ada.Role(t, "reader", map[string]any{"unlimited_visibility": true})
	s.eve = s.ada.Member(t, "Eve", role)
	token := s.ada.Invite(t, s.carl.Email, role).Want(t, 201).String("/data/attributes/token")
	s.carl.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": token}, nil).Want(t, 201)
	s.ada.Invite(t, "late@example.com", role).Want(t, 201)
	for client, accounts := range map[*apitest.Client][]string{s.ada: {"111111111111", "222222222222"}, s.bob: {"333333333333"}} {
		for _, account := range accounts {
			provider := client.Connect(t, account, "Account "+account)
			client.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "of " + account},
				map[string]any{"providers": apitest.Many("providers", provider)}).Want(t, 201)
			client.Ingest(t, ocsftest.File{Account: account, Findings: 150})
		}
	}
	return s
}

// rows counts the rows of a tenant in every table that has a tenant_id, with a digest of them.
func rows(t *testing.T, pool *pgxpool.Pool, tenant string) map[string]string {
	t.Helper()
	found, err := pool.Query(t.Context(), `
		select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
			and a.attname = 'tenant_id' and not a.attisdropped`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil || len(tables) < 30 {
		t.Fatalf("only %d tables of tenants: the look-up is wrong (%v)", len(tables), err)
	}
	counts := make(map[string]string)
	for _, table := range tables {
		var count int
		var digest string
		err := pool.QueryRow(t.Context(), fmt.Sprintf(`select count(*), coalesce(md5(string_agg(x::text, '' order by x::text)), '')
			from %s x where tenant_id = $1`, pgx.Identifier{table}.Sanitize()), tenant).Scan(&count, &digest)
		if err != nil {
			t.Fatal(err)
		}
		if count > 0 {
			counts[table] = fmt.Sprintf("%d %s", count, digest)
		}
	}
	return counts
}

func (s *street) count(t *testing.T, sql string, args ...any) int {
	t.Helper()
	var count int
	if err := s.pool.QueryRow(t.Context(), sql, args...).Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

// queued is how many erasures wait in the queue.
func (s *street) queued(t *testing.T) int {
	t.Helper()
	return s.count(t, `select count(*) from river.river_job where kind = 'tenant-deletion' and state in ('available', 'running', 'retryable')`)
}

// stands fails the test unless Ada's organisation is as it was.
func (s *street) stands(t *testing.T, when string) {
	t.Helper()
	for name, one := range map[string]*apitest.Client{"ada": s.ada, "eve": s.eve} {
		if answer := one.Get(t, "/tenants/"+s.ada.Tenant); answer.Status != 200 || answer.Len("/data/relationships/memberships/data") != 3 {
			t.Fatalf("%s: %s is answered %d %s", when, name, answer.Status, answer.Raw)
		}
	}
	if s.queued(t) != 0 || s.count(t, `select count(*) from tenants where deleted_at is not null`) != 0 {
		t.Fatalf("%s: the deletion is half done", when)
	}
}

// vanished fails the test unless nobody gets into Ada's organisation any more, and whoever was in no other is gone.
func (s *street) vanished(t *testing.T, when string) {
	t.Helper()
	for name, one := range map[string]*apitest.Client{"ada": s.ada, "eve": s.eve} {
		if answer := one.Get(t, "/users/me"); answer.Status != 401 || answer.String("/errors/1/detail") != "user_not_found" {
			t.Fatalf("%s: %s is answered %d %s", when, name, answer.Status, answer.Raw)
		}
	}
	if answer := s.carl.Get(t, "/tenants").Want(t, 200); answer.Len("/data") != 1 || answer.String("/data/0/id") != s.carl.Tenant {
		t.Fatalf("%s: carl is in %s", when, answer.Raw)
	}
	s.carl.Get(t, "/tenants/"+s.ada.Tenant).Want(t, 404)
	if s.count(t, `select count(*) from memberships where tenant_id = $1`, s.ada.Tenant) != 0 {
		t.Fatalf("%s: there are members left", when)
	}
}

// through is another server with the same database, which it reaches as palisade_system through a cutter.
func (s *street) through(t *testing.T, cutter *pgtest.Proxy) *apitest.Server {
	t.Helper()
	program, err := app.Open(t.Context(), app.Settings{AppURL: s.server.DB.URL(pgtest.App), SystemURL: cutter.URL, MaxConns: 2,
		KeyDir: s.server.KeyDir, TokenLimit: "off"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(program.Close)
	listener := httptest.NewServer(program)
	t.Cleanup(listener.Close)
	return &apitest.Server{App: program, DB: s.server.DB, URL: listener.URL + "/api/v1", KeyDir: s.server.KeyDir}
}

// eraser is a service that works on the street's database through a cutter.
func (s *street) eraser(t *testing.T, url string) *deletion.Service {
	t.Helper()
	executor, err := system.Open(t.Context(), pipeline.Config{URL: url, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(executor.Close)
	return deletion.New(executor, nil, slog.New(slog.DiscardHandler))
}

// TestTenantDeletionLeavesAllOrNothing ends the connection to the database at each statement of the request in turn, the
// commit included: either nothing has happened, or everything has.
func TestTenantDeletionLeavesAllOrNothing(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	cutter := pgtest.NewProxy(t, s.server.DB.URL(pgtest.System))
	there := s.through(t, cutter)
	before := rows(t, s.pool, s.ada.Tenant)
	delete(before, "audit_events")
	failures := 0
	for exchange := 0; ; exchange++ {
		if exchange > 300 {
			t.Fatal("the request never gets through")
		}
		cutter.CutAfter(exchange)
		answer := there.As(s.ada).Delete(t, "/tenants/"+s.ada.Tenant)
		uncut := cutter.Stop()
		if answer.Status == 204 {
			if !uncut {
				t.Fatalf("exchange %d: the answer is 204 and the connection was cut", exchange)
			}
			break
		}
		failures++
		if answer.Status < 500 {
			t.Fatalf("exchange %d: %d %s", exchange, answer.Status, answer.Raw)
		}
		when := fmt.Sprintf("cut at exchange %d", exchange)
		s.stands(t, when)
		after := rows(t, s.pool, s.ada.Tenant)
		delete(after, "audit_events")
		if !maps.Equal(before, after) {
			t.Fatalf("%s: rows were %v, are %v", when, before, after)
		}
	}
	s.vanished(t, "done")
	if s.queued(t) != 1 {
		t.Errorf("%d erasures are queued", s.queued(t))
	}
	if failures < 20 {
		t.Errorf("only %d statements were cut: the cutter cuts elsewhere", failures)
	}
}

// TestTenantDeletionUndoneByAnyRefusal lets the database refuse each change that the request makes, and the commit.
func TestTenantDeletionUndoneByAnyRefusal(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	s.exec(t, `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$`)
	before := rows(t, s.pool, s.ada.Tenant)
	delete(before, "audit_events")
	for table, trigger := range map[string]string{
		"memberships":     `create trigger refusal before delete on %s for each row execute function refuse()`,
		"users":           `create trigger refusal before delete on %s for each row execute function refuse()`,
		"role_users":      `create trigger refusal before delete on %s for each row execute function refuse()`,
		"tenants":         `create trigger refusal before update on %s for each row execute function refuse()`,
		"river.river_job": `create trigger refusal before insert on %s for each row execute function refuse()`,
		"invitations":     `create constraint trigger refusal after update on %s deferrable initially deferred for each row execute function refuse()`, // at commit
	} {
		s.exec(t, fmt.Sprintf(trigger, table))
		if answer := s.ada.Delete(t, "/tenants/"+s.ada.Tenant); answer.Status != 500 || strings.Contains(string(answer.Raw), "refused") {
			t.Errorf("%s: %d %s", table, answer.Status, answer.Raw)
		}
		s.exec(t, `drop trigger refusal on `+table)
		s.stands(t, "refused by "+table)
		after := rows(t, s.pool, s.ada.Tenant)
		delete(after, "audit_events")
		if !maps.Equal(before, after) {
			t.Errorf("%s: rows were %v, are %v", table, before, after)
		}
	}
	s.ada.Delete(t, "/tenants/"+s.ada.Tenant).Want(t, 204)
	s.vanished(t, "done")
}

func (s *street) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := s.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("arrange: %v", err)
	}
}

// TestErasureInterruptedAnywhereGoesOn ends the connection to the database again and again, each time a little later. What is
// erased stays erased, nothing of others is touched, and in the end nothing is left.
func TestErasureInterruptedAnywhereGoesOn(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	bobs, carls := rows(t, s.pool, s.bob.Tenant), rows(t, s.pool, s.carl.Tenant)
	s.ada.Delete(t, "/tenants/"+s.ada.Tenant).Want(t, 204)
	s.vanished(t, "asked for")
	cutter := pgtest.NewProxy(t, s.server.DB.URL(pgtest.System))
	eraser := s.eraser(t, cutter.URL).With(20, time.Hour)
	cuts, done := 0, false
	for exchange := 0; !done; exchange++ {
		if exchange > 3000 {
			t.Fatal("the erasure never ends")
		}
		cutter.CutAfter(exchange)
		var err error
		done, err = eraser.Erase(t.Context(), uuid.MustParse(s.ada.Tenant))
		if uncut := cutter.Stop(); (err == nil) != uncut || done != uncut {
			t.Fatalf("cut at %d: done %v, %v", exchange, done, err)
		}
		if err == nil {
			break
		}
		cuts++
		if s.count(t, `select count(*) from tenants where id = $1`, s.ada.Tenant) == 0 && len(rows(t, s.pool, s.ada.Tenant)) > 0 {
			t.Fatalf("cut at %d: the tenant is gone before its rows", exchange)
		}
	}
	if left := rows(t, s.pool, s.ada.Tenant); len(left) > 0 || s.count(t, `select count(*) from tenants where id = $1`, s.ada.Tenant) != 0 {
		t.Errorf("left: %v", left)
	}
	if now := rows(t, s.pool, s.bob.Tenant); !maps.Equal(now, bobs) {
		t.Errorf("bob had %v, has %v", bobs, now)
	}
	if now := rows(t, s.pool, s.carl.Tenant); !maps.Equal(now, carls) {
		t.Errorf("carl had %v, has %v", carls, now)
	}
	if cuts < 60 {
		t.Errorf("only %d interruptions: the cutter cuts elsewhere", cuts)
	}
	t.Logf("%d interruptions", cuts)
	if done, err := eraser.Erase(t.Context(), uuid.MustParse(s.ada.Tenant)); err != nil || !done {
		t.Errorf("once more: %v, %v", done, err)
	}
}

// TestErasureReachesNothingElse asks for what must not be: an organisation that is not marked, and one that is not there.
func TestErasureReachesNothingElse(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	eraser := s.eraser(t, s.server.DB.URL(pgtest.System))
	before := rows(t, s.pool, s.bob.Tenant)
	for _, id := range []string{s.bob.Tenant, uuid.NewString(), uuid.Nil.String()} {
		if _, err := eraser.Erase(t.Context(), uuid.MustParse(id)); err != nil {
			t.Error(err)
		}
	}
	if after := rows(t, s.pool, s.bob.Tenant); !maps.Equal(before, after) {
		t.Errorf("bob had %v, has %v", before, after)
	}
	s.bob.Get(t, "/tenants/"+s.bob.Tenant).Want(t, 200)
	// The scope itself, whatever statement it runs: every row of others and every organisation that lives is out of its reach.
	s.ada.Delete(t, "/tenants/"+s.ada.Tenant).Want(t, 204)
	pool, err := pipeline.Open(t.Context(), pipeline.Config{URL: s.server.DB.URL(pgtest.System), MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	for _, scope := range []string{"", "deletion", "self", "sign_up", "schedule", "session", "upkeep"} {
		for _, statement := range []string{`delete from findings`, `delete from tasks`, `delete from providers`, `delete from tenants`} {
			var gone int64
			err := pool.Write(t.Context(), pipeline.Settings{System: scope, TenantID: s.bob.Tenant, Visible: "*"}, func(ctx context.Context, tx *pipeline.Tx) error {
				tag, err := tx.Exec(ctx, statement)
				gone = tag.RowsAffected()
				return err
			})
			if err != nil || gone != 0 {
				t.Errorf("scope %q, %s: %d rows, %v", scope, statement, gone, err)
			}
		}
	}
}

// TestLargeAndSmallTakeTurns: whoever has little does not wait for whoever has much.
func TestLargeAndSmallTakeTurns(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	s.ada.Delete(t, "/tenants/"+s.ada.Tenant).Want(t, 204)
	s.bob.Delete(t, "/tenants/"+s.bob.Tenant).Want(t, 204)
	short := s.eraser(t, s.server.DB.URL(pgtest.System)).With(10, 0) // a batch a turn
	turns := map[string]int{s.ada.Tenant: 0, s.bob.Tenant: 0}
	var order []string
	for waiting := []string{s.ada.Tenant, s.bob.Tenant}; len(waiting) > 0; {
		one := waiting[0]
		waiting = waiting[1:]
		done, err := short.Erase(t.Context(), uuid.MustParse(one))
		if err != nil {
			t.Fatal(err)
		}
		if turns[one]++; turns[one] > 1000 {
			t.Fatal("a turn gets nowhere")
		}
		if !done {
			waiting = append(waiting, one)
		} else {
			order = append(order, one)
		}
	}
	if !slices.Equal(order, []string{s.bob.Tenant, s.ada.Tenant}) || turns[s.bob.Tenant] < 5 {
		t.Errorf("%v turns, ended in the order %v", turns, order)
	}
	for tenant := range turns {
		if left := rows(t, s.pool, tenant); len(left) > 0 {
			t.Errorf("left of %s: %v", tenant, left)
		}
	}
}

// TestErasureByWorkers is the whole way: the request, the job, nothing left, jobs of the queue included.
func TestErasureByWorkers(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	provider := s.ada.Get(t, "/providers").Want(t, 200).String("/data/0/id")
	s.ada.Post(t, "/scans", "scans", nil, map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 202)
	bobs := rows(t, s.pool, s.bob.Tenant)
	s.ada.Delete(t, "/tenants/"+s.ada.Tenant).Want(t, 204)
	s.server.Work(t)
	s.erased(t)
	if now := rows(t, s.pool, s.bob.Tenant); !maps.Equal(now, bobs) {
		t.Errorf("bob had %v, has %v", bobs, now)
	}
	for s.count(t, `select count(*) from river.river_job where args ->> 'tenant_id' = $1 and state <> 'completed'`, s.ada.Tenant) > 0 {
		time.Sleep(20 * time.Millisecond) // a job that was at work ends by itself
	}
}

// erased waits until nothing of Ada's organisation is left; the test's own limit is the only clock.
func (s *street) erased(t *testing.T) {
	t.Helper()
	for s.count(t, `select count(*) from tenants where id = $1`, s.ada.Tenant) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
	if left := rows(t, s.pool, s.ada.Tenant); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
