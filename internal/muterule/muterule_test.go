package muterule_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/muterule"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// childVariable tells the test binary to be a worker that its parent will kill: "app-url system-url".
const childVariable = "PALISADE_TEST_MUTING_CHILD"

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		urls := strings.Split(text, " ")
		if err := work(context.Background(), urls[0], urls[1]); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// work works the jobs of this package; a worker that dies is noticed soon.
func work(ctx context.Context, appURL, systemURL string) error {
	tenants, err := tenant.Open(ctx, pipeline.Config{URL: appURL, MaxConns: 4})
	if err != nil {
		return err
	}
	defer tenants.Close()
	executor, err := system.Open(ctx, pipeline.Config{URL: systemURL, MaxConns: 4})
	if err != nil {
		return err
	}
	defer executor.Close()
	registry := jobs.NewRegistry()
	muterule.Register(registry)
	client, err := jobs.NewClient(registry)
	if err != nil {
		return err
	}
	return client.Work(ctx, jobs.WorkConfig{Tenants: tenants, System: executor, Silence: 800 * time.Millisecond, Poll: 100 * time.Millisecond})
}

const (
	first  = "111111111111"
	second = "222222222222"
)

// house is a tenant with two accounts, of which the first was scanned twice.
type house struct {
	server *apitest.Server
	ada    *apitest.Client
	pool   *pgxpool.Pool
	scope  tenant.Scope
	scans  []string // old and new of the first account, then that of the second
	// providers are those of scans.
	providers []string
}

func build(t *testing.T, findings int) *house {
	t.Helper()
	h := &house{server: apitest.Start(t)}
	h.ada = h.server.SignUp(t, "Ada")
	h.pool = h.server.DB.Pool(t, pgtest.Superuser)
	h.scope = tenant.NewScope(uuid.MustParse(h.ada.Tenant), uuid.Nil, tenant.SeeAll())
	h.ada.Connect(t, first, "first")
	h.ada.Connect(t, second, "second")
	for _, file := range []ocsftest.File{{Account: first, Findings: findings}, {Account: first, Findings: findings, Flip: 4}, {Account: second, Findings: findings}} {
		h.scans = append(h.scans, h.ada.Ingest(t, file))
	}
	for _, scan := range h.scans {
		h.providers = append(h.providers, h.ada.Get(t, "/scans/"+scan).Want(t, 200).String("/data/relationships/provider/data/id"))
	}
	return h
}

// some are the ids of so many findings of a scan, failed ones among them.
func (h *house) some(t *testing.T, scan string, count int) []string {
	t.Helper()
	rows, err := h.pool.Query(t.Context(), `select id::text from findings where scan_id = $1 order by id limit $2`, scan, count)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if len(ids) != count {
		t.Fatalf("%d findings, want %d", len(ids), count)
	}
	return ids
}

func (h *house) mute(t *testing.T, name string, ids ...string) *apitest.Answer {
	t.Helper()
	return h.ada.Post(t, "/mute-rules", "mute-rules", map[string]any{"name": name, "reason": "Because of " + name, "finding_ids": ids}, nil)
}

// muted is how many findings of a scan are muted.
func (h *house) muted(t *testing.T, scan string) (count int) {
	t.Helper()
	if err := h.pool.QueryRow(t.Context(), `select count(*) from findings where scan_id = $1 and muted`, scan).Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

// work works the jobs here until the test ends.
func (h *house) work(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- work(ctx, h.server.DB.URL(pgtest.App), h.server.DB.URL(pgtest.System)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("workers: %v", err)
		}
	})
}

// ended waits until so many tasks have ended well, and none is left.
func (h *house) ended(t *testing.T, tasks int) {
	t.Helper()
	var states string
	for range 600 {
		var completed, others int
		err := h.pool.QueryRow(t.Context(), `select count(*) filter (where state = 'completed'), count(*) filter (where state <> 'completed'),
			coalesce(string_agg(name || ' ' || state || ' ' || coalesce(result::text, ''), ', '), '') from tasks
			where name in ('findings-mute-historical', 'reaggregate-all-finding-group-summaries')`).Scan(&completed, &others, &states)
		if err != nil {
			t.Fatal(err)
		}
		if completed == tasks && others == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("the tasks are %s", states)
}

// settled makes sure that no scan waits to be counted, and that counting all of them from scratch changes nothing.
func (h *house) settled(t *testing.T) {
	t.Helper()
	var named int
	if err := h.pool.QueryRow(t.Context(), `select count(*) from scan_recounts`).Scan(&named); err != nil || named != 0 {
		t.Errorf("%d scans wait to be counted: %v", named, err)
	}
	write := func(ctx context.Context, fn func(context.Context, *tenant.Tx) error) error {
		return h.server.App.Tenants.Write(ctx, h.scope, fn)
	}
	for i, scan := range h.scans {
		found, err := ingest.Verify(t.Context(), write, ingest.Scan{ID: uuid.MustParse(scan), ProviderID: uuid.MustParse(h.providers[i])})
		if err != nil || found.Awaits || len(found.Differences) > 0 {
			t.Errorf("the aggregates of scan %d are not those of a recount: %+v, %v", i, found, err)
		}
	}
	var wrong int
	err := h.pool.QueryRow(t.Context(), `select count(*) from resources r where r.failed_findings_count <> (
			select count(*) from findings f
			where f.resource_id = r.id and f.status = 'FAIL' and not f.muted and f.scan_id = (
				select s.id from scans s where s.provider_id = r.provider_id and s.state = 'completed' order by s.completed_at desc limit 1))`).Scan(&wrong)
	if err != nil || wrong != 0 {
		t.Errorf("%d resources have a wrong number of failed findings: %v", wrong, err)
	}
}

// TestMutingReachesEveryScanAndCount: findings of an old scan are named, those of the new scan are muted with them, the other
// account's are not; every aggregate is then what a recount makes of it.
func TestMutingReachesEveryScanAndCount(t *testing.T) {
	t.Parallel()
	h := build(t, 400)
	var before string
	const versions = `select string_agg(id::text || xmin::text, ',' order by id) from findings where scan_id = $1 and not muted`
	h.mute(t, "Board", h.some(t, h.scans[0], 150)...).Want(t, 201)
	if h.muted(t, h.scans[0]) != 150 || h.muted(t, h.scans[1]) != 0 {
		t.Errorf("at once %d and %d are muted", h.muted(t, h.scans[0]), h.muted(t, h.scans[1]))
	}
	// Counts of lists are right before the aggregates are.
	list := h.ada.Get(t, "/findings?filter[scan]="+h.scans[0]+"&filter[muted]=true").Want(t, 200)
	if list.At("/meta/pagination/count") != 150.0 {
		t.Errorf("the list counts %v", list.At("/meta/pagination/count"))
	}
	if err := h.pool.QueryRow(t.Context(), versions, h.scans[2]).Scan(&before); err != nil {
		t.Fatal(err)
	}
	h.work(t)
	h.ended(t, 2)
	h.settled(t)
	if h.muted(t, h.scans[0]) != 150 || h.muted(t, h.scans[1]) != 150 || h.muted(t, h.scans[2]) != 0 {
		t.Errorf("%d, %d and %d are muted", h.muted(t, h.scans[0]), h.muted(t, h.scans[1]), h.muted(t, h.scans[2]))
	}
	var after string
	if err := h.pool.QueryRow(t.Context(), versions, h.scans[2]).Scan(&after); err != nil || after != before {
		t.Errorf("findings that are not muted were written: %v", err)
	}
	overview := h.ada.Get(t, "/overviews/findings?filter[provider_id]="+h.providers[0]).Want(t, 200)
	if overview.At("/data/attributes/muted") != 150.0 || overview.At("/data/attributes/total") != 400.0 {
		t.Errorf("the overview says %s", overview.Raw)
	}
	tasks := h.ada.Get(t, "/tasks?filter[name]=findings-mute-historical").Want(t, 200)
	if tasks.At("/data/0/attributes/result/findings_muted") != 150.0 {
		t.Errorf("the task says %s", tasks.Raw)
	}
	// A scan that comes later is muted with the reason as it is then; a rule that is off mutes nothing more.
	rule := h.ada.Get(t, "/mute-rules").Want(t, 200).String("/data/0/id")
	h.ada.Patch(t, "/mute-rules/"+rule, "mute-rules", rule, map[string]any{"reason": "Another reason"}, nil).Want(t, 200)
	h.scans = append(h.scans, h.ada.Ingest(t, ocsftest.File{Account: first, Findings: 400}))
	h.ada.Patch(t, "/mute-rules/"+rule, "mute-rules", rule, map[string]any{"enabled": false}, nil).Want(t, 200)
	h.scans = append(h.scans, h.ada.Ingest(t, ocsftest.File{Account: first, Findings: 400}))
	h.providers = append(h.providers, h.providers[0], h.providers[0])
	h.settled(t)
	reason := h.ada.Get(t, "/findings?filter[scan]="+h.scans[3]+"&filter[muted]=true").Want(t, 200)
	if reason.String("/data/0/attributes/muted_reason") != "Another reason" || h.muted(t, h.scans[3]) != 150 || h.muted(t, h.scans[4]) != 0 {
		t.Errorf("later scans: %d and %d are muted, because: %q", h.muted(t, h.scans[3]), h.muted(t, h.scans[4]), reason.String("/data/0/attributes/muted_reason"))
	}
}

// TestAKilledWorkerLeavesNoCountWrong kills a worker, by the signal that nothing survives, while something holds it up inside each
// step; the next one ends the work.
func TestAKilledWorkerLeavesNoCountWrong(t *testing.T) {
	t.Parallel()
	for name, hold := range map[string]func(h *house) (sql string, argument any){
		"muting": func(h *house) (string, any) {
			return `select from findings where scan_id = $1 order by id limit 1 for update`, h.scans[1]
		},
		"before a count": func(h *house) (string, any) {
			return `select pg_advisory_xact_lock(hashtextextended('aggregates ' || $1, 0))`, h.providers[0]
		},
		"between counts": func(h *house) (string, any) {
			return `select from scan_summaries where scan_id = $1 limit 1 for update`, h.scans[1]
		},
		"at the end of a count": func(h *house) (string, any) {
			return `select from resources where provider_id = $1 for update`, h.providers[0]
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t, 200)
			h.mute(t, "Board", h.some(t, h.scans[0], 100)...).Want(t, 201)
			holder, err := h.pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			sql, argument := hold(h)
			if _, err := holder.Exec(t.Context(), sql, argument); err != nil {
				t.Fatal(err)
			}
			command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
			command.Env = append(os.Environ(), childVariable+"="+h.server.DB.URL(pgtest.App)+" "+h.server.DB.URL(pgtest.System))
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			h.waiting(t)
			if err := command.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = command.Wait() // it was killed
			if err := holder.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.work(t)
			h.ended(t, 2)
			h.settled(t)
			if h.muted(t, h.scans[0]) != 100 || h.muted(t, h.scans[1]) != 100 {
				t.Errorf("%d and %d are muted", h.muted(t, h.scans[0]), h.muted(t, h.scans[1]))
			}
		})
	}
}

// waiting waits until a session of this database waits for a lock.
func (h *house) waiting(t *testing.T) {
	t.Helper()
	for range 600 {
		var waits bool
		err := h.pool.QueryRow(t.Context(), `select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
		if waits {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the worker was not held up")
}

// TestManyRulesAtOnce: of rules that name the same finding at the same time one is made, those about others are all made, and
// the counts are right with workers that count meanwhile.
func TestManyRulesAtOnce(t *testing.T) {
	t.Parallel()
	h := build(t, 200)
	h.work(t)
	ids := h.some(t, h.scans[1], 100)
	statuses := make([]int, 8)
	var group sync.WaitGroup
	for i := range statuses {
		group.Go(func() {
			own := append([]string{ids[i/2*10]}, ids[i*10+1:i*10+10]...) // two rules each share their first finding
			statuses[i] = h.mute(t, fmt.Sprintf("Rule %d", i), own...).Status
		})
	}
	group.Wait()
	made := 0
	for i := 0; i < len(statuses); i += 2 {
		pair := []int{statuses[i], statuses[i+1]}
		slices.Sort(pair)
		if !slices.Equal(pair, []int{201, 409}) {
			t.Errorf("two rules about one finding were answered %v", pair)
		}
		made++
	}
	h.ended(t, 2*made)
	h.settled(t)
	if h.muted(t, h.scans[0]) != h.muted(t, h.scans[1]) || h.muted(t, h.scans[1]) != 10*made {
		t.Errorf("%d and %d are muted", h.muted(t, h.scans[0]), h.muted(t, h.scans[1]))
	}
}

// TestRulesAndScansAtOnce: rules are made while scans complete. Whichever comes first, what a rule names is muted in all scans.
func TestRulesAndScansAtOnce(t *testing.T) {
	t.Parallel()
	h := build(t, 200)
	h.work(t)
	ids := h.some(t, h.scans[0], 60)
	var group sync.WaitGroup
	group.Go(func() {
		for i := range 6 {
			if answer := h.mute(t, fmt.Sprintf("Rule %d", i), ids[i*10:i*10+10]...); answer.Status != 201 {
				t.Errorf("rule %d: %d %s", i, answer.Status, answer.Raw)
			}
		}
	})
	for range 4 {
		h.scans = append(h.scans, h.ada.Ingest(t, ocsftest.File{Account: first, Findings: 200}))
		h.providers = append(h.providers, h.providers[0])
	}
	group.Wait()
	h.ended(t, 12)
	h.settled(t)
	for i, scan := range h.scans {
		if want := map[bool]int{true: 60, false: 0}[h.providers[i] == h.providers[0]]; h.muted(t, scan) != want {
			t.Errorf("%d findings of scan %d are muted, want %d", h.muted(t, scan), i, want)
		}
	}
}
