package bench

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
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
func fixture(t testing.TB, findings int) *reads {
	t.Helper()
	server := apitest.StartWorking(t)
	client := newClient(server.URL)
	tenantID, err := client.person(t.Context(), madeAccount)
	if err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	if err := (ocsftest.File{Account: madeAccount, Findings: findings, Padding: 3500}).Write(&content); err != nil {
		t.Fatal(err)
	}
	result, err := client.ingest(t.Context(), &content)
	if err != nil || result.findings != int64(findings) || result.scan <= 0 || result.overall < result.scan {
		t.Fatalf("%+v, %v", result, err)
	}
	r, err := newReads(t.Context(), client, server.DB.URL(pgtest.App), tenantID, server.App.Tenants)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ways(r *reads) map[string]way {
	return map[string]way{"point/bare": r.pointBare, "point/executor": r.pointExecutor, "point/http": r.pointHTTP, "page/bare": r.pageBare, "page/http": r.pageHTTP}
}

// TestEveryWayReads sees that what is measured works.
func TestEveryWayReads(t *testing.T) {
	t.Parallel()
	r := fixture(t, 300)
	for name, way := range ways(r) {
		if rate, err := measure(t.Context(), way, 2, 50*time.Millisecond); err != nil || rate <= 0 {
			t.Errorf("%s: %v reads/s, %v", name, rate, err)
		}
	}
	if rate, err := rawInsert(t.Context(), r.appURL, r.tenant); err != nil || rate <= 0 {
		t.Errorf("raw insert: %v, %v", rate, err)
	}
	if _, err := (&bench{server: &process{appURL: r.appURL}, tenant: r.tenant}).sizes(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestListsAreMeasured sees that every list that is measured answers.
func TestListsAreMeasured(t *testing.T) {
	t.Parallel()
	r := fixture(t, 300)
	var out bytes.Buffer
	b := &bench{server: &process{appURL: r.appURL}, tenant: r.tenant, client: r.client, out: &out,
		options: Options{Findings: 40, Older: 1, OlderFindings: 40, Reading: time.Millisecond}}
	for _, step := range []func(context.Context) error{b.older, b.settle, b.lists} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if lines := strings.Count(out.String(), "\n| "); lines != len(requests(300, ""))+1 {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
}

func BenchmarkRead(b *testing.B) {
	r := fixture(b, 20_000)
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
	r := fixture(b, 20_000)
	for b.Loop() {
		rate, err := rawInsert(b.Context(), r.appURL, r.tenant)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(rate, "rows/s")
	}
}
