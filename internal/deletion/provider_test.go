package deletion_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/enginetest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

const condemned = "111111111111" // the account that goes
const kept = "222222222222"

// estate is a server with an organisation that has two accounts with findings, credentials, groups and schedules, of which one is
// to be deleted, and another organisation that has the same account.
type estate struct {
	server    *apitest.Server
	pool      *pgxpool.Pool // superuser: arranges and inspects
	ada, bob  *apitest.Client
	goes      string // provider
	stays     string
	bobs      string
	scan      string
	ingestion string
}

func newEstate(t *testing.T, server *apitest.Server) *estate {
	t.Helper()
	e := &estate{server: server, pool: server.DB.Pool(t, pgtest.Superuser), ada: server.SignUp(t, "Ada"), bob: server.SignUp(t, "Bob")}
	furnish := func(client *apitest.Client, account, scanKey string) (provider, scan string) {
		provider = client.Connect(t, account, "Alias of "+account)
		client.Post(t, "/providers/secrets", "provider-secrets", map[string]any{"name": "Secret of " + account, "secret_type": "static", "secret": enginetest.Secret(scanKey)},
			map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 201)
		client.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "Group of " + provider[:8]},
			map[string]any{"providers": apitest.Many("providers", provider)}).Want(t, 201)
		return provider, client.Ingest(t, ocsftest.File{Account: account, Findings: 60})
	}
	e.goes, e.scan = furnish(e.ada, condemned, enginetest.Finds(4))
	e.stays, _ = furnish(e.ada, kept, enginetest.Finds(4))
	e.bobs, _ = furnish(e.bob, condemned, enginetest.Finds(4))
	e.ingestion = e.text(t, `select id::text from ingestions where provider_id = $1`, e.goes)
	return e
}

func (e *estate) count(t *testing.T, sql string, args ...any) int {
	t.Helper()
	var count int
	if err := e.pool.QueryRow(t.Context(), sql, args...).Scan(&count); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return count
}

func (e *estate) text(t *testing.T, sql string, args ...any) string {
	t.Helper()
	var text string
	if err := e.pool.QueryRow(t.Context(), sql, args...).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

func (e *estate) texts(t *testing.T, sql string, args ...any) []string {
	t.Helper()
	rows, err := e.pool.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return list
}

// outlives are the tables whose rows about a provider stay when it is deleted.
var outlives = map[string]string{
	"tasks":        "history: what was done, by ids",
	"flow_steps":   "history: what followed on what",
	"audit_events": "the log of what people did",
}

// erasedInBatches are the tables that the job empties before it removes the provider.
var erasedInBatches = []string{"ingestions", "ingestion_errors", "findings", "scan_resource_summaries",
	"scan_summaries", "scan_places", "scan_category_summaries", "scan_resource_group_summaries", "scan_compliance", "scan_severities", "scan_figures", "scan_services", "scan_compliance_sheets",
	"scan_check_summaries", "scan_check_places", "scan_attack_surfaces", "threatscore_snapshots", "scan_words", "scans", "resources", "resource_tags", "resource_groups", "mute_rule_findings"}

// goWithProvider are the tables that have few rows a provider and hang off it.
var goWithProvider = []string{"provider_secrets", "provider_group_providers", "schedules", "scan_recounts", "resource_counts"}

// tablesOfProviders are the tables with a provider_id.
func (e *estate) tablesOfProviders(t *testing.T) []string {
	t.Helper()
	return e.texts(t, `select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
			and a.attname = 'provider_id' and not a.attisdropped order by 1`)
}

// left counts the rows about a provider in every table but those that outlive it.
func (e *estate) left(t *testing.T, provider string) map[string]int {
	t.Helper()
	found := make(map[string]int)
	for _, table := range e.tablesOfProviders(t) {
		if outlives[table] != "" {
			continue
		}
		if count := e.count(t, fmt.Sprintf(`select count(*) from %s where provider_id = $1`, pgx.Identifier{table}.Sanitize()), provider); count > 0 {
			found[table] = count
		}
	}
	if count := e.count(t, `select count(*) from providers where id = $1`, provider); count > 0 {
		found["providers"] = count
	}
	return found
}

// ended waits for a task; the test's own limit is the only clock.
func ended(t *testing.T, person *apitest.Client, task string) *apitest.Answer {
	t.Helper()
	for {
		answer := person.Get(t, "/tasks/"+task).Want(t, 200)
		if slices.Contains([]string{"completed", "failed", "cancelled"}, answer.String("/data/attributes/state")) {
			return answer
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func remove(t *testing.T, person *apitest.Client, provider string) (task string) {
	t.Helper()
	answer := person.Delete(t, "/providers/"+provider).Want(t, 202)
	task = answer.String("/data/id")
	if answer.Header.Get("Content-Location") != "/api/v1/tasks/"+task || answer.String("/data/type") != "tasks" ||
		answer.String("/data/attributes/name") != "provider-deletion" || answer.String("/data/attributes/task_args/provider_id") != provider {
		t.Fatalf("%v %s", answer.Header, answer.Raw)
	}
	return task
}

// TestProviderDeletionForgetsNoTable: somebody has thought of how the rows of every table go when a provider is deleted.
func TestProviderDeletionForgetsNoTable(t *testing.T) {
	t.Parallel()
	e := &estate{pool: pgtest.New(t).Pool(t, pgtest.Superuser)}
	known := slices.Concat(erasedInBatches, goWithProvider, slices.Collect(maps.Keys(outlives)))
	tables := e.tablesOfProviders(t)
	for _, table := range tables {
		if !slices.Contains(known, table) {
			t.Errorf("%s has a provider_id: erase it in batches in provider.go, or say here that it goes with the provider or outlives it", table)
		}
	}
	if len(tables) < 15 {
		t.Errorf("only %d tables: the look-up is wrong", len(tables))
	}
}

// markers are texts that belong to a provider alone: its ids, and what its rows say.
func (e *estate) markers(t *testing.T, provider string) (ids map[string]string, data []string) {
	t.Helper()
	ids = map[string]string{provider: "providers"}
	for _, table := range e.tablesOfProviders(t) {
		if e.count(t, `select count(*) from pg_attribute where attrelid = $1::text::regclass and attname = 'id' and not attisdropped`, table) == 0 || outlives[table] != "" {
			continue
		}
		for _, id := range e.texts(t, fmt.Sprintf(`select id::text from %s where provider_id = $1 order by id limit 200`, pgx.Identifier{table}.Sanitize()), provider) {
			ids[id] = table
		}
	}
	return ids, []string{condemned}
}

// TestADeletedProviderIsInNoAnswer asks every GET operation for every kind of thing that belonged to a provider, before the job
// has begun, between all its batches, and after it. Nobody's answer holds anything of it but tasks and the audit log, which tell
// its id as history.
func TestADeletedProviderIsInNoAnswer(t *testing.T) {
	t.Parallel()
	e := newEstate(t, apitest.StartIdle(t, enginetest.Interpreter(t)))
	e.ada.Post(t, "/schedules/daily", "daily-schedules", map[string]any{"provider_id": e.goes}, nil).Want(t, 202)
	e.ada.Post(t, "/scans", "scans", map[string]any{"name": "Waits " + condemned}, map[string]any{"provider": apitest.One("providers", e.goes)}).Want(t, 202)
	ids, data := e.markers(t, e.goes)
	alive := e.walk(t, ids, data)
	if len(alive) < 15 {
		t.Fatalf("only %v show the provider while it is there: the walk proves nothing", alive)
	}
	task := remove(t, e.ada, e.goes)
	if count := e.count(t, `select (select count(*) from provider_secrets where provider_id = $1) + (select count(*) from schedules where provider_id = $1)`, e.goes); count != 0 {
		t.Errorf("%d secrets and schedules are left when the request is answered", count)
	}
	if shown := e.walk(t, ids, data); len(shown) > 0 {
		t.Errorf("before the job: %v", shown)
	}
	for _, table := range []string{"ingestions", "findings", "scans", "resources"} {
		e.killedAt(t, table)
		if shown := e.walk(t, ids, data); len(shown) > 0 {
			t.Errorf("in the middle, at %s: %v", table, shown)
		}
	}
	e.server.Work(t)
	done := ended(t, e.ada, task)
	if done.String("/data/attributes/state") != "completed" {
		t.Fatalf("%s", done.Raw)
	}
	if shown := e.walk(t, ids, data); len(shown) > 0 {
		t.Errorf("after the job: %v", shown)
	}
	if left := e.left(t, e.goes); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// walk asks every GET operation, lists with and without filters and everything that can be included, and returns those whose
// answers hold a marker that the request did not say.
func (e *estate) walk(t *testing.T, ids map[string]string, data []string) []string {
	t.Helper()
	var shown []string
	day := time.Now().UTC().Format(time.DateOnly)
	for name, info := range e.server.App.Policy.Snapshot().Operations() {
		if info.Method != http.MethodGet || strings.HasPrefix(info.Path, "/saml") {
			continue
		}
		history := strings.HasPrefix(info.Path, "/tasks") || strings.HasPrefix(info.Path, "/audit-events")
		paths := []string{info.Path}
		if before, rest, ok := strings.Cut(info.Path, "{"); ok {
			_, after, _ := strings.Cut(rest, "}")
			paths = nil
			asked := make(map[string]int)
			for id, table := range ids {
				if asked[table]++; asked[table] <= 2 {
					paths = append(paths, before+id+after)
				}
			}
		}
		for _, path := range paths {
			for _, query := range []url.Values{{}, {"filter[inserted_at]": {day}}, {"filter[provider]": {e.goes}}, {"filter[provider_id]": {e.goes}},
				{"filter[scan]": {e.scan}, "filter[inserted_at]": {day}}, {"filter[scan_id]": {e.scan}}, {"include": {"provider"}}, {"include": {"providers"}},
				{"include": {"scan.provider,resources"}, "filter[inserted_at]": {day}}, {"include": {"findings"}}} {
				query.Set("page[size]", "1000")
				answer := e.ada.Get(t, path+"?"+query.Encode())
				if answer.Status >= 500 && answer.Status != 501 {
					t.Errorf("%s %s: %d %s", path, query, answer.Status, answer.Raw)
				}
				if what := holds(answer, path, query, ids, data, history); what != "" {
					shown = append(shown, fmt.Sprintf("%s %s?%s (%s)", name, path, query.Encode(), what))
				}
			}
		}
	}
	slices.Sort(shown)
	return slices.Compact(shown)
}

// holds returns the first marker that an answer holds and its request does not say.
func holds(answer *apitest.Answer, path string, query url.Values, ids map[string]string, data []string, history bool) string {
	said := path + " " + fmt.Sprint(query)
	text := string(answer.Raw)
	for _, one := range data {
		if strings.Contains(text, one) && !history {
			return one
		}
	}
	for id, table := range ids {
		if strings.Contains(text, id) && !strings.Contains(said, id) && !history {
			return table + " " + id
		}
		// What was asked for by its id is an answer about it when it is there.
		if answer.Status == http.StatusOK && strings.Contains(path, id) && strings.Contains(text, `"id":"`+id) && !history {
			return table + " " + id
		}
	}
	return ""
}

// TestAProviderIsDeletedBeforeDuringAndAfterItsScan: whatever is going on about it ends quietly, as cancelled.
func TestAProviderIsDeletedBeforeDuringAndAfterItsScan(t *testing.T) {
	t.Parallel()
	scan := func(t *testing.T, e *estate) (task string) {
		t.Helper()
		return e.ada.Post(t, "/scans", "scans", nil, map[string]any{"provider": apitest.One("providers", e.goes)}).Want(t, 202).String("/data/id")
	}
	gone := func(t *testing.T, e *estate, deletion string, cancelled ...string) {
		t.Helper()
		if done := ended(t, e.ada, deletion); done.String("/data/attributes/state") != "completed" || done.At("/data/attributes/metadata/progress") != 100.0 {
			t.Errorf("deletion: %s", done.Raw)
		}
		for _, one := range cancelled {
			if task := ended(t, e.ada, one); task.String("/data/attributes/state") != "cancelled" || fmt.Sprint(task.At("/data/attributes/result")) != "map[]" {
				t.Errorf("task: %s", task.Raw)
			}
		}
		if left := e.left(t, e.goes); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		for _, other := range []string{e.stays, e.bobs} {
			if there := e.left(t, other); there["findings"] != 60 || there["provider_secrets"] != 1 || there["providers"] != 1 {
				t.Errorf("of another provider there is %v", there)
			}
		}
	}
	t.Run("before", func(t *testing.T) {
		t.Parallel()
		e := newEstate(t, apitest.StartIdle(t, enginetest.Interpreter(t)))
		tasks := []string{scan(t, e), scan(t, e), scan(t, e),
			e.ada.Post(t, "/schedules/daily", "daily-schedules", map[string]any{"provider_id": e.goes}, nil).Want(t, 202).String("/data/id"),
			e.ada.Do(t, http.MethodPost, "/providers/"+e.goes+"/connection", "", nil).Want(t, 202).String("/data/id")}
		deletion := remove(t, e.ada, e.goes)
		refused := e.ada.Delete(t, "/tasks/"+deletion)
		if refused.Status != 400 || !strings.Contains(string(refused.Raw), "Task cannot be revoked.") {
			t.Errorf("revoking the deletion: %d %s", refused.Status, refused.Raw)
		}
		e.server.Work(t)
		gone(t, e, deletion, tasks...)
	})
	t.Run("during", func(t *testing.T) {
		t.Parallel()
		e := newEstate(t, apitest.StartScanning(t, enginetest.Interpreter(t)))
		file := filepath.Join(t.TempDir(), "wait")
		secret := e.text(t, `select id::text from provider_secrets where provider_id = $1`, e.goes)
		e.ada.Patch(t, "/providers/secrets/"+secret, "provider-secrets", secret, map[string]any{"secret": enginetest.Secret(enginetest.Waits(2100, file))}, nil).Want(t, 200)
		tasks := []string{scan(t, e), scan(t, e)}
		var child int
		for child == 0 {
			raw, err := os.ReadFile(file + ".at")
			if err != nil {
				time.Sleep(10 * time.Millisecond)
				continue
			}
			if child, err = strconv.Atoi(string(raw)); err != nil {
				t.Fatal(err)
			}
		}
		gone(t, e, remove(t, e.ada, e.goes), tasks...)
		if err := syscall.Kill(child, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("the engine is still there: %v", err)
		}
	})
	t.Run("after", func(t *testing.T) {
		t.Parallel()
		e := newEstate(t, apitest.StartScanning(t, enginetest.Interpreter(t)))
		if done := ended(t, e.ada, scan(t, e)); done.String("/data/attributes/state") != "completed" {
			t.Fatalf("scan: %s", done.Raw)
		}
		before := e.left(t, e.goes)
		deletion := remove(t, e.ada, e.goes)
		gone(t, e, deletion)
		e.counted(t, deletion, before)
	})
}

// counted fails the test unless the result of a deletion says what there was.
func (e *estate) counted(t *testing.T, deletion string, before map[string]int) {
	t.Helper()
	done := e.ada.Get(t, "/tasks/"+deletion).Want(t, 200)
	summaries := 0
	for table, count := range before {
		if strings.HasPrefix(table, "scan_") {
			summaries += count
		}
	}
	for model, want := range map[string]int{"findings": before["findings"], "scans": before["scans"], "resources": before["resources"],
		"ingestions": before["ingestions"], "providers": 1, "scan_summaries": summaries} {
		if got := done.At("/data/attributes/result/" + model); got != float64(want) {
			t.Errorf("%s: %v are said to be removed of %d: %s", model, got, want, done.Raw)
		}
	}
}

// TestTheSameAccountAgain: two requests at once make one provider; after a deletion the account can be connected again at once, and
// what is new is not touched by what goes.
func TestTheSameAccountAgain(t *testing.T) {
	t.Parallel()
	e := newEstate(t, apitest.StartIdle(t, ""))
	create := func() int {
		return e.ada.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": condemned}, nil).Status
	}
	if create() != 409 {
		t.Error("the account is connected twice")
	}
	if statuses := atOnce(4, func() int { return e.ada.Delete(t, "/providers/"+e.goes).Status }); !slices.Equal(statuses, []int{202, 404, 404, 404}) {
		t.Errorf("four deletions at once: %v", statuses)
	}
	if statuses := atOnce(4, create); !slices.Equal(statuses, []int{201, 409, 409, 409}) {
		t.Errorf("four creations at once: %v", statuses)
	}
	again := e.ada.Get(t, "/providers?filter[uid]="+condemned).Want(t, 200).String("/data/0/id")
	e.ada.Ingest(t, ocsftest.File{Account: condemned, Findings: 30})
	if again == e.goes {
		t.Fatal("the provider is the old one")
	}
	e.server.Work(t)
	for e.count(t, `select count(*) from providers where id = $1`, e.goes) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
	if there := e.left(t, again); there["findings"] != 30 || there["providers"] != 1 {
		t.Errorf("of the new one there is %v", there)
	}
	if count := e.ada.Get(t, "/findings/latest?filter[provider]="+again).Want(t, 200).At("/meta/pagination/count"); count != 30.0 {
		t.Errorf("%v findings", count)
	}
}

// atOnce does something several times at the same time and returns the outcomes in their order.
func atOnce(times int, do func() int) []int {
	outcomes := make([]int, times)
	var group sync.WaitGroup
	for i := range outcomes {
		group.Go(func() { outcomes[i] = do() })
	}
	group.Wait()
	slices.Sort(outcomes)
	return outcomes
}

// TestWhoMayDeleteAProvider: who sees it and manages providers; for everybody else nothing happens.
func TestWhoMayDeleteAProvider(t *testing.T) {
	t.Parallel()
	e := newEstate(t, apitest.StartIdle(t, ""))
	group := e.text(t, `select provider_group_id::text from provider_group_providers where provider_id = $1`, e.stays)
	reader := e.ada.Member(t, "Reader", e.ada.Role(t, "reader", map[string]any{"unlimited_visibility": true}))
	limited := e.ada.Member(t, "Limited", e.ada.Role(t, "limited", map[string]any{"manage_providers": true}, group))
	if _, err := e.pool.Exec(t.Context(), `update roles set unlimited_visibility = false where name = 'limited'`); err != nil { // no request makes such a role
		t.Fatal(err)
	}
	reader.Delete(t, "/providers/"+e.goes).Want(t, 403)
	limited.Delete(t, "/providers/"+e.goes).Want(t, 404)
	e.bob.Delete(t, "/providers/"+e.goes).Want(t, 404)
	e.server.Anonymous().Delete(t, "/providers/"+e.goes).Want(t, 401)
	e.ada.Delete(t, "/providers/"+e.goes+"?filter[alias]=other").Want(t, 404)
	e.ada.Delete(t, "/providers/nonsense").Want(t, 404)
	if there := e.left(t, e.goes); there["provider_secrets"] != 1 || e.count(t, `select count(*) from tasks where name = 'provider-deletion'`) != 0 {
		t.Fatalf("something happened: %v", there)
	}
	task := remove(t, limited, e.stays)
	limited.Get(t, "/tasks/"+task).Want(t, 200)
	e.bob.Get(t, "/tasks/"+task).Want(t, 404)
	e.ada.Get(t, "/providers/"+e.stays).Want(t, 404)
	e.ada.Get(t, "/providers/"+e.goes).Want(t, 200)
}

// TestAKilledProviderDeletionGoesOn kills the worker process in the middle of a batch of one table after the other; what they
// removed is counted once each.
func TestAKilledProviderDeletionGoesOn(t *testing.T) {
	t.Parallel()
	e := newEstate(t, apitest.StartIdle(t, ""))
	before := e.left(t, e.goes)
	others := []map[string]int{e.left(t, e.stays), e.left(t, e.bobs)}
	task := remove(t, e.ada, e.goes)
	for _, table := range []string{"ingestions", "findings", "scan_summaries", "scans", "resources", "providers"} {
		e.killedAt(t, table)
		if progress := e.ada.Get(t, "/tasks/"+task).Want(t, 200); progress.String("/data/attributes/state") == "completed" {
			t.Fatalf("%s: %s", table, progress.Raw)
		}
	}
	victim := e.worker(t)
	done := ended(t, e.ada, task)
	stop(t, victim)
	if done.String("/data/attributes/state") != "completed" {
		t.Errorf("%s", done.Raw)
	}
	e.counted(t, task, before)
	if left := e.left(t, e.goes); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	for i, provider := range []string{e.stays, e.bobs} {
		if now := e.left(t, provider); !maps.Equal(now, others[i]) {
			t.Errorf("another provider had %v, has %v", others[i], now)
		}
	}
	// The same job once more, as after a crash between its end and the queue's knowledge of it.
	if _, err := e.pool.Exec(t.Context(), `update tasks set state = 'available' where id = $1`, task); err != nil {
		t.Fatal(err)
	}
	if _, err := e.pool.Exec(t.Context(), `update river.river_job set state = 'available', finalized_at = null where kind = 'provider-deletion'`); err != nil {
		t.Fatal(err)
	}
	victim = e.worker(t)
	defer stop(t, victim)
	again := ended(t, e.ada, task)
	var first, second any
	if json.Unmarshal(done.Raw, &first) != nil || json.Unmarshal(again.Raw, &second) != nil ||
		fmt.Sprint(done.At("/data/attributes/result")) != fmt.Sprint(again.At("/data/attributes/result")) {
		t.Errorf("first %s, then %s", done.Raw, again.Raw)
	}
}

func (e *estate) worker(t *testing.T) *exec.Cmd {
	t.Helper()
	return (&street{server: e.server}).worker(t)
}

// killedAt runs a worker process until it waits for a row of a table that the test holds, and kills it there.
func (e *estate) killedAt(t *testing.T, table string) {
	t.Helper()
	tx, err := e.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	column := "provider_id"
	if table == "providers" {
		column = "id"
	}
	held, err := tx.Exec(t.Context(), fmt.Sprintf(`select from %s where ctid = (select max(ctid) from %[1]s where %[2]s = $1) and %[2]s = $1 for update`, table, column), e.goes)
	if err != nil || held.RowsAffected() == 0 {
		t.Fatalf("%s: no row to hold: %v", table, err)
	}
	victim := e.worker(t)
	for e.count(t, `select count(*) from pg_stat_activity where datname = current_database() and usename = 'palisade_app' and wait_event_type = 'Lock'`) == 0 {
		time.Sleep(20 * time.Millisecond)
	}
	stop(t, victim)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The server notices the killed client when its statement gets the row.
	for e.count(t, `select count(*) from pg_stat_activity where datname = current_database() and usename = 'palisade_app' and application_name <> 'palisade:app'`) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
	if e.count(t, `select count(*) from providers where id = $1`, e.goes) == 0 {
		t.Errorf("%s: the provider is gone", table)
	}
}
