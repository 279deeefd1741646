package bench

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	sql "github.com/palisade-sec/palisade/sql/bench"
)

var update = flag.Bool("update", false, "copy the statements that bare connections run from the generated queries")

// TestBareStatementsAreTheGenerated holds the bare statements to those that the program runs.
func TestBareStatementsAreTheGenerated(t *testing.T) {
	t.Parallel()
	generated, err := os.ReadFile("../../gen/tenantdb/finding.sql.go")
	if err != nil {
		t.Fatal(err)
	}
	for file, query := range map[string]string{"point_read": "GetFindings", "list_page": "ListFindings", "count": "CountFindingsInSummaries"} {
		found := regexp.MustCompile("(?s)`-- name: " + query + " :\\w+\n(.*?)`").FindSubmatch(generated)
		if found == nil {
			t.Fatalf("no query %s", query)
		}
		want := fmt.Sprintf("-- Purpose: %s of sql/tenant, with its parameters. Written by go test ./internal/bench -update.\n%s\n", query, strings.TrimSpace(string(found[1])))
		if *update {
			if err := os.WriteFile(filepath.Join("../../sql/bench", file+".sql"), []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if sql.Read(file) != want {
			t.Errorf("sql/bench/%s.sql is not %s any more: run go test ./internal/bench -update", file, query)
		}
	}
}

// fixture is a server with one scan, in this process.
func fixture(t testing.TB, findings int) (*reads, *apitest.Server) {
	t.Helper()
	server := apitest.StartWorking(t)
	client := newClient(server.URL)
	tenantID, err := client.enter(t.Context(), madeAccount)
	if err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	if err := (ocsftest.File{Account: madeAccount, Findings: findings, Padding: 3500}).Write(&content); err != nil {
		t.Fatal(err)
	}
	result, err := client.ingest(t.Context(), &content)
	if err != nil || result.findings != int64(findings) || result.stored <= 0 || result.overall < result.sent+result.stored {
		t.Fatalf("%+v, %v", result, err)
	}
	r, err := newReads(t.Context(), client, server.DB.URL(pgtest.App), tenantID, server.App.Tenants)
	if err != nil {
		t.Fatal(err)
	}
	return r, server
}

func ways(r *reads) map[string]way {
	return map[string]way{"point/bare": r.pointBare, "point/executor": r.pointExecutor, "point/http": r.pointHTTP, "page/bare": r.pageBare,
		"page/executor": r.pageExecutor, "page/http": r.pageHTTP}
}

// TestEveryWayReads sees that what is measured works.
func TestEveryWayReads(t *testing.T) {
	t.Parallel()
	r, _ := fixture(t, 300)
	for name, way := range ways(r) {
		seen, err := measure(t.Context(), 2, 50*time.Millisecond, way)
		if err != nil || len(seen) != 1 || seen[0].rate <= 0 || seen[0].p50 <= 0 || seen[0].p95 < seen[0].p50 {
			t.Errorf("%s: %+v, %v", name, seen, err)
		}
	}
	if rate, err := rawInsert(t.Context(), r.appURL, r.tenant); err != nil || rate <= 0 {
		t.Errorf("raw insert: %v, %v", rate, err)
	}
	if _, err := (&bench{server: &process{appURL: r.appURL}, tenant: r.tenant}).sizes(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestListsAreMeasured sees that everything that is asked answers, through HTTP and on a bare connection.
func TestListsAreMeasured(t *testing.T) {
	warming, rounds, concurrency = 1, 1, []int{1, 2}
	r, server := fixture(t, 300)
	var out bytes.Buffer
	b := &bench{tenant: r.tenant, client: r.client, out: &out, options: Options{Findings: 60, Older: 1, OlderFindings: 40, Reading: time.Millisecond},
		server: &process{appURL: server.DB.URL(pgtest.App), systemURL: server.DB.URL(pgtest.System), ownerURL: server.DB.URL(pgtest.Owner),
			superURL: server.DB.URL(pgtest.Superuser), keyDir: server.KeyDir}}
	var err error
	if b.beside, err = newCapture(t.Context(), b.server.settings(), r.client); err != nil {
		t.Fatal(err)
	}
	defer b.beside.close()
	if err := importCatalogue(t.Context(), b.beside.program.System); err != nil {
		t.Fatal(err)
	}
	for _, step := range []func(context.Context) error{b.pour, func(ctx context.Context) error { return b.copies(ctx, 8) }, b.fill, b.lists, b.fill, func(ctx context.Context) error { return compare(ctx, b, b) }} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if lines := strings.Count(out.String(), "\n| "); lines != 2*len(requests(subject{}))+2 {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
	about, err := b.settle(t.Context())
	if err != nil || about.findings != 60 || about.scans != 4+8 {
		t.Errorf("%+v, %v; the second time there is nothing to ingest", about, err)
	}
	oldest, err := b.client.do(t.Context(), "GET", "/scans?sort=inserted_at&page[size]=1", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	scan := regexp.MustCompile(`"type":"scans","id":"([^"]*)"`).FindSubmatch(oldest)
	if scan == nil {
		t.Fatalf("no scan: %s", oldest)
	}
	for path, wants := range map[string]string{"/findings?filter[scan]=": `"count":40\b`, "/compliance-overviews?filter[scan_id]=": `"total_requirements":240\b`,
		"/findings?filter[search]=sample&filter[scan]=": `"count":40\b`} {
		if answer, err := b.client.do(t.Context(), "GET", path+string(scan[1]), "", nil); err != nil || !regexp.MustCompile(wants).Match(answer) {
			t.Errorf("%s of a copy: %.2000s, %v", path, answer, err)
		}
	}
	if answer, err := b.client.do(t.Context(), "GET", "/compliance-overviews/requirements?filter[scan_id]="+about.scan.String()+"&filter[compliance_id]="+frameworkID, "", nil); err != nil || strings.Count(string(answer), `"type":"compliance-requirements-details"`) != 240 {
		t.Errorf("requirements: %.300s, %v", answer, err)
	}
}

// TestIngestionIsMeasured sees that each scan has its line.
func TestIngestionIsMeasured(t *testing.T) {
	t.Parallel()
	r, _ := fixture(t, 40)
	var out bytes.Buffer
	b := &bench{tenant: r.tenant, client: r.client, out: &out, options: Options{Findings: 40, Scans: 2}, folder: t.TempDir(),
		server: &process{appURL: r.appURL, command: &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}}}}
	if err := b.ingestion(t.Context(), beginIngestion(&out)); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n| "); lines != 3 || strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
}

func BenchmarkRead(b *testing.B) {
	r, _ := fixture(b, 20_000)
	for name, way := range ways(r) {
		b.Run(name, func(b *testing.B) {
			one, err := way(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			defer one.close()
			for b.Loop() {
				if err := one.read(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
		})
	}
}

func BenchmarkRawInsert(b *testing.B) {
	r, _ := fixture(b, 20_000)
	for b.Loop() {
		rate, err := rawInsert(b.Context(), r.appURL, r.tenant)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(rate, "rows/s")
	}
}
