package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

const lines = "application/x-ndjson"

// open begins to read a list as a whole.
func open(ctx context.Context, t *testing.T, client *apitest.Client, path, accept string) *http.Response {
	t.Helper()
	response, err := http.DefaultClient.Do(client.Request(ctx, t, http.MethodGet, path, accept, nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d", path, response.StatusCode)
	}
	return response
}

func addTasks(t *testing.T, pool *pgxpool.Pool, tenant string, count int) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), `insert into tasks (tenant_id, id, name, state, task_args, inserted_at)
		select $1, gen_random_uuid(), 'task ' || n, 'completed', jsonb_build_object('padding', repeat('x', 400)), now() - n * interval '1 second'
		from generate_series(1, $2::integer) n`, tenant, count); err != nil {
		t.Fatal(err)
	}
}

// TestAStreamTakesLittleMemory reads 200 000 rows, many times more than the program may hold at any time meanwhile. It is not
// parallel: others would count.
func TestAStreamTakesLittleMemory(t *testing.T) {
	const rows, most = 200_000, 24 << 20
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	addTasks(t, server.DB.Pool(t, pgtest.Superuser), ada.Tenant, rows)
	held := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before, peak, total, count := held(), uint64(0), 0, 0
	reader := bufio.NewReader(open(t.Context(), t, ada, "/tasks", lines).Body)
	for {
		line, err := reader.ReadSlice('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		total, count = total+len(line), count+1
		if count%20_000 == 0 {
			peak = max(peak, held())
		}
	}
	t.Logf("%d rows, %d MiB; at most %d MiB more than before were held", count, total>>20, (max(peak, before)-before)>>20)
	if count != rows || total < 3*most {
		t.Errorf("%d rows of %d bytes in all prove nothing", count, total)
	}
	if peak > before+most {
		t.Errorf("%d bytes were held, %d before", peak, before)
	}
}

// stalled is a stream of which a later portion waits in the database.
type stalled struct {
	*http.Response
	pool    *pgxpool.Pool
	release func()
}

func stall(ctx context.Context, t *testing.T, server *apitest.Server, client *apitest.Client, accept string) *stalled {
	t.Helper()
	pool := server.DB.Pool(t, pgtest.Superuser)
	addTasks(t, pool, client.Tenant, 30_000)
	s := &stalled{Response: open(ctx, t, client, "/tasks", accept), pool: pool}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	s.release = func() { once.Do(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }) }
	t.Cleanup(s.release)
	if _, err := tx.Exec(t.Context(), `lock table tasks in access exclusive mode`); err != nil {
		t.Fatal(err)
	}
	return s
}

// waiting is how many statements of the program wait for a lock.
func (s *stalled) waiting(t *testing.T) int {
	t.Helper()
	count := 0
	if err := s.pool.QueryRow(t.Context(), `select count(*) from pg_stat_activity
		where datname = current_database() and usename = $1 and wait_event_type = 'Lock'`, pgtest.App).Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

func (s *stalled) until(t *testing.T, count int) {
	t.Helper()
	for s.waiting(t) != count {
		if t.Context().Err() != nil {
			t.Fatal("it never came to that")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestAStreamEndsWithItsReader: a client that goes away stops the statement that works for it.
func TestAStreamEndsWithItsReader(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	stream := stall(ctx, t, server, server.SignUp(t, "Ada"), lines)
	read := make(chan error, 1)
	go func() { _, err := io.Copy(io.Discard, stream.Body); read <- err }()
	stream.until(t, 1)
	cancel()
	stream.until(t, 0)
	if err := <-read; !errors.Is(err, context.Canceled) {
		t.Error("the reader saw", err)
	}
}

// TestAStreamThatBreaksDoesNotLookWhole ends the database session behind a stream.
func TestAStreamThatBreaksDoesNotLookWhole(t *testing.T) {
	t.Parallel()
	for name, accept := range map[string]string{"lines": lines, "table": "text/csv"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := apitest.Start(t)
			stream := stall(t.Context(), t, server, server.SignUp(t, "Ada"), accept)
			var content bytes.Buffer
			read := make(chan error, 1)
			go func() { _, err := io.Copy(&content, stream.Body); read <- err }()
			stream.until(t, 1)
			if _, err := stream.pool.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
				where datname = current_database() and usename = $1 and wait_event_type = 'Lock'`, pgtest.App); err != nil {
				t.Fatal(err)
			}
			if err := <-read; err == nil || content.Len() == 0 {
				t.Errorf("%d bytes, then %v", content.Len(), err)
			}
			stream.release()
		})
	}
}

// TestStreamsShowWhatListsShow: another tenant's rows and hidden providers' are in no stream, and refusals are documents.
func TestStreamsShowWhatListsShow(t *testing.T) {
	t.Parallel()
	const other = "210987654321"
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	ada.Connect(t, account, "Hidden")
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "Shown"},
		map[string]any{"providers": apitest.Many("providers", ada.Connect(t, other, "Shown"))}).Want(t, 201).String("/data/id")
	dan, blank := ada.Member(t, "Dan", ada.Role(t, "limited", nil, group)), ada.Member(t, "Blank", ada.Role(t, "blank", nil))
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 1200})
	ada.Ingest(t, ocsftest.File{Account: other, Findings: 700})
	bob.Connect(t, account, "Bob's")
	bob.Ingest(t, ocsftest.File{Account: account, Findings: 3})
	for client, want := range map[*apitest.Client]int{ada: 1900, dan: 700, blank: 0, bob: 3} {
		for _, sort := range []string{"", "&sort=-severity,status", "&sort=check_id,-updated_at"} {
			answer := client.GetAs(t, "/findings/latest?fields[findings]=status,severity"+sort, "text/csv").Want(t, 200)
			records, err := csv.NewReader(bytes.NewReader(answer.Raw)).ReadAll()
			if err != nil || len(records) != want+1 || strings.Join(records[0], ",") != "id,status,severity" {
				t.Errorf("%s by %q: %d records, %v", client.Email, sort, len(records), err)
			}
			seen := map[string]bool{}
			for _, record := range records[1:] {
				seen[record[0]] = true
			}
			if len(seen) != want {
				t.Errorf("%s by %q: %d findings in %d records", client.Email, sort, len(seen), len(records)-1)
			}
		}
		if got := bytes.Count(client.GetAs(t, "/findings/latest", lines).Want(t, 200).Raw, []byte("\n")); got != want {
			t.Errorf("%s is sent %d lines", client.Email, got)
		}
	}
	// A cursor of one tenant's list shows another tenant nothing of it.
	next := ada.Get(t, "/findings/latest?page[after]=&page[size]=1").Want(t, 200).String("/links/next")
	_, foreign, _ := strings.Cut(next, "/api/v1")
	for client, most := range map[*apitest.Client]int{bob: 3, dan: 700, blank: 0} {
		if got := bytes.Count(client.GetAs(t, foreign, lines).Want(t, 200).Raw, []byte("\n")); got > most {
			t.Errorf("%s is sent %d lines behind another's cursor", client.Email, got)
		}
	}
	for path, status := range map[string]int{"/findings": 400, "/findings/latest?sort=taste": 400, "/findings/latest?page[after]=x": 400, "/findings/latest?include=nobody": 400, "/users": 403, "/findings/metadata/latest": 406, "/roles": 403} {
		for _, accept := range []string{"text/csv", lines} {
			answer := blank.GetAs(t, path, accept)
			if answer.Status != status || !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/vnd.api+json") || answer.Len("/errors") < 1 {
				t.Errorf("%s as %s: %d %s", path, accept, answer.Status, answer.Raw)
			}
		}
	}
}

// TestStreamsAreNegotiated: of what the client takes the best liked, and the first of those that it likes alike.
func TestStreamsAreNegotiated(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	for accept, want := range map[string]string{
		"text/csv": "text/csv", "TEXT/CSV; header=present": "text/csv", "text/csv, */*": "text/csv", "*/*, text/csv": "application/vnd.api+json",
		"text/html, */*;q=0.1, application/x-ndjson;q=0.5": lines, "text/csv;q=0, application/json": "application/vnd.api+json",
		"text/csv;q=0.5, application/x-ndjson;q=0.6": lines, "*/*": "application/vnd.api+json",
	} {
		answer := ada.GetAs(t, "/roles", accept).Want(t, 200)
		if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, want) {
			t.Errorf("%q is answered with %s", accept, kind)
		}
		if vary := strings.Join(answer.Header.Values("Vary"), ", "); !strings.Contains(vary, "Accept") {
			t.Errorf("%q: varies with %q", accept, vary)
		}
	}
	for _, accept := range []string{"text/csv;q=0", "text/html", "text/*"} {
		ada.GetAs(t, "/roles", accept).Want(t, 406)
	}
	ada.GetAs(t, "/users/me", "text/csv").Want(t, 406)
	for coding, packed := range map[string]bool{"gzip": true, "br, GZIP;q=0.5": true, "gzip;q=0": false, "identity": false} {
		request := ada.Request(t.Context(), t, http.MethodGet, "/roles", "text/csv", nil)
		request.Header.Set("Accept-Encoding", coding)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		var body io.Reader = response.Body
		if (response.Header.Get("Content-Encoding") == "gzip") != packed {
			t.Errorf("%s: %v", coding, response.Header)
		} else if packed {
			if body, err = gzip.NewReader(body); err != nil {
				t.Fatal(err)
			}
		}
		if content, err := io.ReadAll(body); err != nil || !bytes.HasPrefix(content, []byte("id,")) {
			t.Errorf("%s: %s, %v", coding, content, err)
		}
		_ = response.Body.Close()
	}
}

// TestARequestThatTakesTooLong waits for a lock in the database until its time is over: a read, a change and a whole list.
func TestARequestThatTakesTooLong(t *testing.T) {
	t.Parallel()
	calm := apitest.Start(t)
	ada := calm.SignUp(t, "Ada")
	var log lockedBuffer
	hasty := apitest.StartWith(t, apitest.Setup{DB: calm.DB, Settings: app.Settings{KeyDir: calm.KeyDir, RequestTimeout: 700 * time.Millisecond},
		Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	pool := calm.DB.Pool(t, pgtest.Superuser)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `lock table provider_groups in access exclusive mode`); err != nil {
		t.Fatal(err)
	}
	impatient := hasty.As(ada)
	for name, answer := range map[string]*apitest.Answer{
		"read":   impatient.Get(t, "/provider-groups"),
		"change": impatient.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "Late"}, nil),
		"stream": impatient.GetAs(t, "/provider-groups", "text/csv"),
	} {
		if answer.Status != 503 || answer.String("/errors/0/code") != "timeout" || answer.Header.Get("Retry-After") == "" || answer.Header.Get("Content-Type") != "application/vnd.api+json" {
			t.Errorf("%s: %d %v %s", name, answer.Status, answer.Header, answer.Raw)
		}
		if correlation := answer.Header.Get("Correlation-ID"); !strings.Contains(log.line("request took too long", correlation), `"path":"/api/v1/provider-groups"`) {
			t.Errorf("%s: the log does not tell of %s", name, correlation)
		}
	}
	var waiting int
	if err := pool.QueryRow(t.Context(), `select count(*) from pg_stat_activity where datname = current_database() and usename = $1 and wait_event_type = 'Lock'`,
		pgtest.App).Scan(&waiting); err != nil || waiting != 0 {
		t.Errorf("%d statements go on, %v", waiting, err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if groups := ada.Get(t, "/provider-groups").Want(t, 200); groups.Len("/data") != 0 {
		t.Errorf("something of the change is left: %s", groups.Raw)
	}
}

// lockedBuffer is a log that a test reads while the server writes it.
type lockedBuffer struct {
	mutex   sync.Mutex
	content bytes.Buffer
}

func (b *lockedBuffer) Write(line []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.content.Write(line)
}

// line is the line that holds all of the texts.
func (b *lockedBuffer) line(texts ...string) string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
next:
	for line := range strings.SplitSeq(b.content.String(), "\n") {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue next
			}
		}
		return line
	}
	return ""
}
