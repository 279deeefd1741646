package retention_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/recount"
	"github.com/palisade-sec/palisade/internal/retention"
	"github.com/palisade-sec/palisade/internal/system"
)

// attic is a server with two organisations. Nothing runs in the background unless a test says so.
type attic struct {
	server   *apitest.Server
	pool     *pgxpool.Pool // superuser: arranges and inspects
	ada, bob *apitest.Client
	accounts int
}

func newAttic(t *testing.T) *attic {
	t.Helper()
	server := apitest.Start(t)
	return &attic{server: server, pool: server.DB.Pool(t, pgtest.Superuser), ada: server.SignUp(t, "Ada"), bob: server.SignUp(t, "Bob")}
}

// account connects an account of a number that nobody has.
func (a *attic) account(t *testing.T, of *apitest.Client) (account, provider string) {
	t.Helper()
	a.accounts++
	account = fmt.Sprintf("%012d", 100000000000+a.accounts)
	return account, of.Connect(t, account, "Account "+account)
}

// scan hands in a file and makes as if that had been so long ago, ids of findings included.
func (a *attic) scan(t *testing.T, of *apitest.Client, account string, findings int, ago string) string {
	t.Helper()
	scan := of.Ingest(t, ocsftest.File{Account: account, Findings: findings})
	a.age(t, scan, ago)
	return scan
}

// age moves a scan and its findings into the past, into the partitions of that time.
func (a *attic) age(t *testing.T, scan, ago string) {
	t.Helper()
	a.exec(t, `select ensure_partitions((now() - $1::text::interval - interval '1 month')::date, 3)`, ago)
	const moved = `(lpad(to_hex(('x' || left(replace(%[1]s::text, '-', ''), 12))::bit(48)::bigint
		- (extract(epoch from now() - (now() - $2::text::interval)) * 1000)::bigint), 12, '0') || substr(replace(%[1]s::text, '-', ''), 13))::uuid`
	// At once: a scan whose findings alone are old would lose them to a month that is dropped.
	tx, err := a.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	for _, statement := range []string{
		`update findings set id = ` + fmt.Sprintf(moved, "id") + `, inserted_at = inserted_at - $2::text::interval where scan_id = $1`,
		`update scans set first_finding_id = ` + fmt.Sprintf(moved, "first_finding_id") + `, last_finding_id = ` + fmt.Sprintf(moved, "last_finding_id") + `,
			inserted_at = inserted_at - $2::text::interval, started_at = started_at - $2::text::interval, completed_at = completed_at - $2::text::interval where id = $1`,
	} {
		if _, err := tx.Exec(t.Context(), statement, scan, ago); err != nil {
			t.Fatalf("arrange: %v\n%s", err, statement)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The times at which findings were seen are summed up too, and another scan may be the last now.
	var provider uuid.UUID
	if err := a.pool.QueryRow(t.Context(), `select provider_id from scans where id = $1`, scan).Scan(&provider); err != nil {
		t.Fatal(err)
	}
	if _, err := recount.New(a.server.App.Tenants, a.server.App.System, nil, nil).All(t.Context(), recount.Selection{Provider: provider}); err != nil {
		t.Fatal(err)
	}
}

func (a *attic) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := a.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("arrange: %v\n%s", err, sql)
	}
}

func (a *attic) count(t *testing.T, sql string, args ...any) int {
	t.Helper()
	var count int
	if err := a.pool.QueryRow(t.Context(), sql, args...).Scan(&count); err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	return count
}

// keep says how long a person's tenant keeps its scans.
func keep(t *testing.T, person *apitest.Client, months any) {
	t.Helper()
	person.Patch(t, "/tenants/"+person.Tenant, "tenants", person.Tenant, map[string]any{"retention_months": months}, nil).Want(t, 200)
}

// service is one of its own, with the client of its jobs.
func (a *attic) service(t *testing.T, months int) *retention.Service {
	t.Helper()
	registry := jobs.NewRegistry()
	client, err := jobs.NewClient(registry)
	if err != nil {
		t.Fatal(err)
	}
	service := retention.New(a.server.App.Tenants, a.server.App.System, client, months, slog.New(slog.DiscardHandler))
	retention.Register(registry, service)
	return service.With(10, time.Hour, time.Millisecond)
}

// sweep marks, drops and enqueues.
func (a *attic) sweep(t *testing.T, months int) {
	t.Helper()
	if err := a.service(t, months).Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// erased waits until no marked scan is left; the test's own limit is the only clock.
func (a *attic) erased(t *testing.T) {
	t.Helper()
	for a.count(t, `select count(*) from scans where state = 'expired'`) > 0 ||
		a.count(t, `select count(*) from tasks where name = 'scan-retention' and state <> 'completed'`) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
}

// states are those of the scans of a tenant, by id.
func (a *attic) states(t *testing.T, person *apitest.Client) map[string]string {
	t.Helper()
	rows, err := a.pool.Query(t.Context(), `select id::text, state from scans where tenant_id = $1`, person.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	states := make(map[string]string)
	var id, state string
	if _, err := pgx.ForEachRow(rows, []any{&id, &state}, func() error { states[id] = state; return nil }); err != nil {
		t.Fatal(err)
	}
	return states
}

// consistent compares all that is summed up with a recount, and looks for what hangs in the air.
func (a *attic) consistent(t *testing.T, when string) {
	t.Helper()
	_, err := recount.New(a.server.App.Tenants, a.server.App.System, nil, nil).Verify(t.Context(), recount.Selection{}, func(one recount.Outcome) error {
		if !one.Awaits {
			t.Errorf("%s: scan %s: %+v", when, one.Scan, one.Differences)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	for what, sql := range map[string]string{
		"findings without their resource": `select count(*) from findings f where not exists (select from resources r where r.id = f.resource_id)`,
		// While a scan is erased its findings go first.
		"resources that nothing is about": `select count(*) from resources r where not exists (select from findings f where f.resource_id = r.id)
			and not exists (select from scans s where s.provider_id = r.provider_id and s.state = 'expired')`,
		"scans beyond their findings": `select count(*) from scans s where s.first_finding_id is not null and s.state = 'completed' and not exists (select from findings f where f.id = s.first_finding_id)`,
	} {
		if n := a.count(t, sql); n > 0 {
			t.Errorf("%s: %d %s", when, n, what)
		}
	}
}

// TestOldScansGo is the whole way: a tenant says how long, the night comes, workers erase. What is young, the newest of each provider,
// what runs, and another tenant's stay.
func TestOldScansGo(t *testing.T) {
	t.Parallel()
	a := newAttic(t)
	busy, provider := a.account(t, a.ada)
	idle, _ := a.account(t, a.ada)
	theirs, _ := a.account(t, a.bob)
	gone := []string{a.scan(t, a.ada, busy, 60, "14 months"), a.scan(t, a.ada, busy, 30, "3 months 1 day")}
	young := a.scan(t, a.ada, busy, 20, "2 months 20 days")
	newest := a.scan(t, a.ada, busy, 25, "1 minute")
	only := a.scan(t, a.ada, idle, 10, "5 years")
	bobs := a.scan(t, a.bob, theirs, 10, "5 years")
	a.scan(t, a.bob, theirs, 10, "1 minute")
	for _, state := range []string{"executing", "available", "scheduled", "failed", "cancelled"} {
		a.exec(t, `insert into scans (tenant_id, id, provider_id, trigger, state, inserted_at, completed_at)
			select tenant_id, gen_random_uuid(), provider_id, 'manual', $2, now() - interval '1 year', case when $2 in ('failed', 'cancelled') then now() - interval '1 year' end
			from scans where id = $1`, newest, state)
	}
	a.sweep(t, 0)
	if states := a.states(t, a.ada); len(states) != 10 || strings.Contains(fmt.Sprint(states), "expired") {
		t.Fatalf("nobody has asked for it: %v", states)
	}
	keep(t, a.ada, 3)
	a.sweep(t, 0)
	states := a.states(t, a.ada)
	for _, id := range gone {
		if states[id] != "expired" {
			t.Errorf("an old scan is %q", states[id])
		}
		a.ada.Get(t, "/scans/"+id).Want(t, 404)
		if list := a.ada.Get(t, "/findings?filter[scan]="+id); list.Len("/data") > 0 {
			t.Errorf("findings of an expired scan: %s", list.Raw)
		}
		a.ada.Patch(t, "/scans/"+id, "scans", id, map[string]any{"name": "Back again"}, nil).Want(t, 404)
	}
	for _, id := range []string{young, newest, only} {
		if states[id] != "completed" {
			t.Errorf("a scan that stays is %q", states[id])
		}
	}
	if list := a.ada.Get(t, "/scans?page[size]=50").Want(t, 200); list.Len("/data") != 6 || strings.Contains(string(list.Raw), "expired") {
		t.Errorf("%d scans are listed, want the three that stay and the three that wait or run: %s", list.Len("/data"), list.Raw)
	}
	a.sweep(t, 0)
	if n := a.count(t, `select count(*) from tasks where name = 'scan-retention'`); n != 1 {
		t.Errorf("%d jobs for one tenant", n)
	}
	a.server.Work(t)
	a.erased(t)
	left := a.states(t, a.ada)
	if len(left) != 6 || left[young] == "" || left[newest] == "" || left[only] == "" || a.states(t, a.bob)[bobs] == "" {
		t.Errorf("left: %v", left)
	}
	for _, table := range []string{"findings", "scan_summaries", "scan_resource_summaries", "scan_check_summaries", "ingestions"} {
		if n := a.count(t, `select count(*) from `+table+` where scan_id = any($1::uuid[])`, gone); n > 0 {
			t.Errorf("%d rows of %s are left", n, table)
		}
	}
	if n := a.count(t, `select count(*) from resources where provider_id = $1`, provider); n != a.count(t, `select count(distinct resource_id) from scan_resource_summaries where provider_id = $1`, provider) {
		t.Errorf("%d resources of the account are left, others than those that are seen", n)
	}
	a.consistent(t, "erased")
	told := a.ada.Get(t, "/tasks?filter[name]=scan-retention").Want(t, 200)
	if told.String("/data/0/attributes/state") != "completed" || told.At("/data/0/attributes/metadata/removed/scans") != 4.0 || told.At("/data/0/attributes/metadata/progress") != 100.0 {
		t.Errorf("the task tells %s", told.Raw)
	}
	if theirs := a.bob.Get(t, "/tasks?filter[name]=scan-retention").Want(t, 200); theirs.Len("/data") != 0 {
		t.Errorf("another tenant sees %s", theirs.Raw)
	}
}

// TestTheOperatorsMonthsAreForTheOthers: a tenant's own wish goes before, longer or shorter.
func TestTheOperatorsMonthsAreForTheOthers(t *testing.T) {
	t.Parallel()
	a := newAttic(t)
	scans := make(map[*apitest.Client]string)
	for _, one := range []*apitest.Client{a.ada, a.bob} {
		account, _ := a.account(t, one)
		scans[one] = a.scan(t, one, account, 10, "7 months")
		a.scan(t, one, account, 10, "1 minute")
	}
	keep(t, a.ada, 12)
	a.sweep(t, 8)
	if a.states(t, a.bob)[scans[a.bob]] != "completed" {
		t.Error("seven months are not eight")
	}
	a.sweep(t, 6)
	if a.states(t, a.ada)[scans[a.ada]] != "completed" || a.states(t, a.bob)[scans[a.bob]] != "expired" {
		t.Errorf("%v %v", a.states(t, a.ada), a.states(t, a.bob))
	}
	keep(t, a.ada, nil)
	a.sweep(t, 6)
	if a.states(t, a.ada)[scans[a.ada]] != "expired" {
		t.Error("without a wish of one's own the operator's holds")
	}
}

// after is so many calendar months later; a day that the month has not is the first of the next.
func after(moment time.Time, months int) time.Time {
	year, month, day := moment.Date()
	there := time.Date(year, month+time.Month(months), day, moment.Hour(), moment.Minute(), moment.Second(), 0, time.UTC)
	if there.Day() != day {
		return time.Date(year, month+time.Month(months)+1, 1, 0, 0, 0, 0, time.UTC)
	}
	return there
}

// TestMonthsAreCalendarMonths asks the database about random dates, ends of months and leap years among them.
func TestMonthsAreCalendarMonths(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t, pgtest.Superuser)
	date := func(text string) time.Time {
		moment, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	gone := func(ended time.Time, months int, now time.Time) (past bool) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), `select past_retention($1, $2, $3)`, ended, months, now).Scan(&past); err != nil {
			t.Fatal(err)
		}
		return past
	}
	for _, row := range []struct {
		ended  string
		months int
		last   string // moment at which it is there yet
	}{
		{"2026-01-15 10:00", 1, "2026-02-15 10:00"}, {"2026-01-31 10:00", 1, "2026-03-01 00:00"}, {"2024-01-30 10:00", 1, "2024-03-01 00:00"},
		{"2024-02-29 10:00", 12, "2025-03-01 00:00"}, {"2024-02-29 10:00", 48, "2028-02-29 10:00"}, {"2025-12-31 23:59", 2, "2026-03-01 00:00"},
		{"2026-02-28 10:00", 1, "2026-03-28 10:00"}, {"2026-08-31 00:00", 1, "2026-10-01 00:00"},
	} {
		if last := date(row.last); gone(date(row.ended), row.months, last) || !gone(date(row.ended), row.months, last.Add(time.Second)) {
			t.Errorf("%s and %d months do not end at %s", row.ended, row.months, row.last)
		}
	}
	for range 3000 {
		ended := time.Date(2015+rand.IntN(20), time.Month(1+rand.IntN(12)), 1+rand.IntN(31), rand.IntN(24), rand.IntN(60), rand.IntN(60), 0, time.UTC)
		if rand.IntN(2) == 0 { // about the end of a month
			ended = time.Date(ended.Year(), ended.Month(), 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rand.IntN(72*3600)-48*3600) * time.Second)
		}
		months := 1 + rand.IntN(40)
		due := after(ended, months)
		now := due.Add(time.Duration(rand.IntN(8*24*3600)-4*24*3600) * time.Second)
		if past := gone(ended, months, now); past != now.After(due) {
			t.Errorf("%s after %d months, at %s: %v", ended, months, now, past)
		}
	}
}

// months are the partitions of findings that are there.
func (a *attic) months(t *testing.T) []string {
	t.Helper()
	rows, err := a.pool.Query(t.Context(), `select to_char(finding_months(), 'YYYY-MM')`)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (a *attic) month(t *testing.T, ago string) string {
	t.Helper()
	var month string
	if err := a.pool.QueryRow(t.Context(), `select to_char(now() - $1::text::interval, 'YYYY-MM')`, ago).Scan(&month); err != nil {
		t.Fatal(err)
	}
	return month
}

// drop asks the database for the end of a month, as the program does.
func (a *attic) drop(t *testing.T, ago string, months *int) (dropped bool, err error) {
	t.Helper()
	pool, err := pipeline.Open(t.Context(), pipeline.Config{URL: a.server.DB.URL(pgtest.System), MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	err = pool.Write(t.Context(), pipeline.Settings{System: string(system.Retention)}, func(ctx context.Context, tx *pipeline.Tx) error {
		return tx.QueryRow(ctx, `select drop_finding_month((now() - $1::text::interval)::date, $2)`, ago, months).Scan(&dropped)
	})
	return dropped, err
}

// TestMonthsThatNobodyNeedsAreDropped: a month goes as a whole when the last tenant that had findings in it needs them no more, and
// whatever is asked of the database, never before.
func TestMonthsThatNobodyNeedsAreDropped(t *testing.T) {
	t.Parallel()
	a := newAttic(t)
	var accounts []string
	for _, one := range []*apitest.Client{a.ada, a.bob} {
		account, _ := a.account(t, one)
		accounts = append(accounts, account)
		a.scan(t, one, account, 30, "1 year")
		a.scan(t, one, account, 20, "1 minute")
	}
	old := a.month(t, "1 year")
	one := 1
	refused := func(when string) {
		t.Helper()
		for _, months := range []*int{nil, &one} {
			if dropped, err := a.drop(t, "1 year", months); err != nil || dropped {
				t.Errorf("%s: dropped %v, %v", when, dropped, err)
			}
		}
		if !slices.Contains(a.months(t), old) {
			t.Fatalf("%s: the month is gone", when)
		}
	}
	refused("nobody's scans have expired")
	keep(t, a.ada, 6)
	a.sweep(t, 0)
	refused("one of two tenants needs it")
	// Marks alone are not believed: the scan is not old enough for what its tenant wishes.
	a.exec(t, `update scans set state = 'expired' where tenant_id = $1 and completed_at < now() - interval '2 months'`, a.bob.Tenant)
	keep(t, a.bob, 13)
	refused("marked, and too young")
	a.exec(t, `update scans set state = 'completed' where tenant_id = $1 and state = 'expired'`, a.bob.Tenant)
	keep(t, a.bob, 11)
	a.sweep(t, 0)
	if slices.Contains(a.months(t), old) {
		t.Fatal("nobody needs the month, and it is there")
	}
	for _, ago := range []string{"0 months", "1 month"} {
		if dropped, err := a.drop(t, ago, &one); err != nil || dropped {
			t.Errorf("%s ago: dropped %v, %v", ago, dropped, err)
		}
	}
	for _, months := range []int{0, 121} {
		if _, err := a.drop(t, "1 year", &months); err == nil {
			t.Errorf("%d months were taken", months)
		}
	}
	a.server.Work(t)
	a.erased(t)
	a.consistent(t, "dropped")
	for i, one := range []*apitest.Client{a.ada, a.bob} {
		if n := a.count(t, `select count(*) from findings where tenant_id = $1`, one.Tenant); n != 20 {
			t.Errorf("%d findings are left", n)
		}
		scan := one.Ingest(t, ocsftest.File{Account: accounts[i], Findings: 20}) // the next one goes on as ever
		if list := one.Get(t, "/findings?filter[scan]="+scan+"&filter[delta]=new"); list.Len("/data") != 0 {
			t.Errorf("what was seen a minute ago is new: %s", list.Raw)
		}
	}
}

// TestAScanOfNoMonthHoldsIt: scans that failed, that run and that found nothing keep a month only while they have findings in it.
func TestAScanOfNoMonthHoldsIt(t *testing.T) {
	t.Parallel()
	a := newAttic(t)
	account, _ := a.account(t, a.ada)
	old := a.scan(t, a.ada, account, 10, "1 year")
	a.scan(t, a.ada, account, 10, "1 minute")
	keep(t, a.ada, 6)
	a.exec(t, `update scans set state = 'executing', completed_at = null where id = $1`, old)
	a.sweep(t, 0)
	if !slices.Contains(a.months(t), a.month(t, "1 year")) {
		t.Fatal("findings of a scan that runs were dropped")
	}
	a.exec(t, `update scans set state = 'failed', completed_at = now() where id = $1`, old)
	a.sweep(t, 0)
	if !slices.Contains(a.months(t), a.month(t, "1 year")) {
		t.Fatal("findings of a scan that failed today were dropped")
	}
	a.exec(t, `delete from findings where scan_id = $1`, old)
	a.exec(t, `insert into scans (tenant_id, id, provider_id, trigger, state) select tenant_id, gen_random_uuid(), provider_id, 'manual', 'executing' from scans where id = $1`, old)
	a.sweep(t, 0)
	if slices.Contains(a.months(t), a.month(t, "1 year")) {
		t.Error("nothing is in the month, and it is there")
	}
}

// TestReadersAreNotHarmed: while somebody reads, a month is not dropped, and whoever begins to read meanwhile waits for a moment only.
func TestReadersAreNotHarmed(t *testing.T) {
	t.Parallel()
	a := newAttic(t)
	account, _ := a.account(t, a.ada)
	a.scan(t, a.ada, account, 10, "1 year")
	newest := a.scan(t, a.ada, account, 10, "1 minute")
	keep(t, a.ada, 6)
	reading, err := a.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reading.Rollback(t.Context()) }()
	if _, err := reading.Exec(t.Context(), `select count(*) from findings`); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.service(t, 0).Sweep(t.Context()) }()
	answers := 0
	for done := false; !done; {
		select {
		case err := <-ended:
			done = true
			if err == nil || !strings.Contains(err.Error(), "lock") {
				t.Errorf("the sweep says %v, want that the tables are in use", err)
			}
		default:
			if list := a.ada.Get(t, "/findings?filter[scan]="+newest).Want(t, 200); list.Len("/data") != 10 {
				t.Fatalf("an answer in the meantime: %s", list.Raw)
			}
			answers++
		}
	}
	if answers == 0 {
		t.Error("nobody read in the meantime")
	}
	if !slices.Contains(a.months(t), a.month(t, "1 year")) {
		t.Fatal("dropped under somebody who reads")
	}
	if err := reading.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.sweep(t, 0)
	if slices.Contains(a.months(t), a.month(t, "1 year")) {
		t.Error("nobody reads any more, and the month is there")
	}
}

// TestResourcesStayWhileSomethingIsAboutThem: what only old scans saw goes with the last of them.
func TestResourcesStayWhileSomethingIsAboutThem(t *testing.T) {
	t.Parallel()
	a := newAttic(t)
	account, provider := a.account(t, a.ada)
	older := a.scan(t, a.ada, account, 60, "8 months")
	middle := a.scan(t, a.ada, account, 40, "5 months")
	a.scan(t, a.ada, account, 10, "1 minute")
	seen := func(scan string) int {
		return a.count(t, `select count(*) from resources r where r.provider_id = $1 and exists (
			select from scan_resource_summaries o where o.scan_id = $2 and o.resource_id = r.id)`, provider, scan)
	}
	before := a.count(t, `select count(*) from resources`)
	ofMiddle := seen(middle)
	if seen(older) != before || ofMiddle >= before {
		t.Fatalf("%d resources, %d and %d of them seen: the test proves nothing", before, seen(older), ofMiddle)
	}
	a.server.Work(t)
	keep(t, a.ada, 6)
	a.sweep(t, 0)
	a.erased(t)
	if n := a.count(t, `select count(*) from resources`); n != ofMiddle {
		t.Errorf("%d resources, want those %d that the scan of five months ago saw", n, ofMiddle)
	}
	a.consistent(t, "erased")
}

// TestWhoMaySetRetention goes through what is refused, and what is shown.
func TestWhoMaySetRetention(t *testing.T) {
	t.Parallel()
	a := newAttic(t)
	path := "/tenants/" + a.ada.Tenant
	if one := a.ada.Get(t, path).Want(t, 200); strings.Contains(string(one.Raw), "retention") {
		t.Errorf("nobody has set it: %s", one.Raw)
	}
	plain := a.ada.Member(t, "Plain", a.ada.Role(t, "plain", nil))
	patch := func(by *apitest.Client, months any) *apitest.Answer {
		return by.Patch(t, path, "tenants", a.ada.Tenant, map[string]any{"retention_months": months}, nil)
	}
	if answer := patch(plain, 3); answer.Status != 403 {
		t.Errorf("a member without permission: %d %s", answer.Status, answer.Raw)
	}
	if answer := patch(a.bob, 3); answer.Status != 404 && answer.Status != 403 {
		t.Errorf("a stranger: %d %s", answer.Status, answer.Raw)
	}
	for _, bad := range []any{0, -1, 121, 1.5, "three", "3", true, []any{3}, map[string]any{}, 1e30} {
		answer := patch(a.ada, bad)
		if answer.Status != 400 || answer.String("/errors/0/source/pointer") != "/data/attributes/retention_months" {
			t.Errorf("%v: %d %s", bad, answer.Status, answer.Raw)
		}
	}
	a.ada.Patch(t, path, "tenants", a.ada.Tenant, map[string]any{"name": "New", "retention_months": 500}, nil).Want(t, 400)
	if one := a.ada.Get(t, path).Want(t, 200); strings.Contains(string(one.Raw), "retention") || one.String("/data/attributes/name") == "New" {
		t.Errorf("a refusal changed something: %s", one.Raw)
	}
	for _, months := range []float64{1, 120} {
		if answer := patch(a.ada, months).Want(t, 200); answer.At("/data/attributes/retention_months") != months {
			t.Errorf("%s", answer.Raw)
		}
	}
	a.ada.Patch(t, path, "tenants", a.ada.Tenant, map[string]any{"name": "New"}, nil).Want(t, 200)
	if list := a.ada.Get(t, "/tenants").Want(t, 200); list.At("/data/0/attributes/retention_months") != 120.0 || list.String("/data/0/attributes/name") != "New" {
		t.Errorf("%s", list.Raw)
	}
	if one := patch(a.ada, nil).Want(t, 200); strings.Contains(string(one.Raw), "retention") {
		t.Errorf("taken back: %s", one.Raw)
	}
	if made := a.ada.Post(t, "/tenants", "tenants", map[string]any{"name": "Second", "retention_months": 3}, nil).Want(t, 201); strings.Contains(string(made.Raw), "retention") {
		t.Errorf("a new tenant has a wish: %s", made.Raw)
	}
	if n := a.count(t, `select count(*) from tenants where retention_months is not null`); n != 0 {
		t.Errorf("%d tenants have a wish", n)
	}
}

// TestRetentionReachesNoTenantThatGoes: one that is being deleted is left to its deletion.
func TestRetentionReachesNoTenantThatGoes(t *testing.T) {
	t.Parallel()
	a := newAttic(t)
	account, _ := a.account(t, a.ada)
	a.scan(t, a.ada, account, 10, "1 year")
	a.scan(t, a.ada, account, 10, "1 minute")
	a.exec(t, `update tenants set deleted_at = now() where id = $1`, a.ada.Tenant)
	a.sweep(t, 1)
	if states := fmt.Sprint(a.states(t, a.ada)); strings.Contains(states, "expired") {
		t.Error(states)
	}
}
