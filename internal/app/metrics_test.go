package app_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/ocsftest"
)

// scrape returns the metrics as Prometheus reads them.
func scrape(t *testing.T, program *app.App) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	program.Metrics.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if recorder.Code != http.StatusOK || !strings.HasPrefix(recorder.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %v", recorder.Code, recorder.Header())
	}
	return recorder.Body.String()
}

// scrapeUntil scrapes until a line is there: what a job did is counted a moment after its task has ended.
func scrapeUntil(t *testing.T, program *app.App, line string) string {
	t.Helper()
	for range 600 {
		if text := scrape(t, program); strings.Contains(text, "\n"+line+"\n") {
			return text
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s does not come", line)
	return ""
}

func TestWhatTheProgramCounts(t *testing.T) {
	t.Parallel()
	server := apitest.StartWith(t, apitest.Setup{Settings: app.Settings{AddressLimit: "8/day", TokenLimit: "6/day"}})
	server.Work(t)
	ada := server.SignUp(t, "Ada") // three requests
	ada.Connect(t, "123456789012", "One")
	ada.Get(t, "/providers/"+uuid.NewString()).Want(t, 404)
	server.Anonymous().Get(t, "/providers").Want(t, 401)
	server.Anonymous().Get(t, "/nothing-is-called-that").Want(t, 404)
	ada.Get(t, "/providers").Want(t, 200)
	ada.Get(t, "/providers").Want(t, 429)
	var content bytes.Buffer
	if err := (ocsftest.File{Account: "123456789012", Findings: 3}).Write(&content); err != nil {
		t.Fatal(err)
	}
	if done, err := server.App.Ingest(t.Context(), uuid.MustParse(ada.Tenant), "file.json", &content); err != nil || done.Findings != 3 {
		t.Fatal(done, err)
	}
	text := scrapeUntil(t, server.App, `palisade_jobs_total{kind="ingestion",outcome="completed"} 1`)
	for _, line := range []string{
		`palisade_http_requests_total{operation="users.create",status="2xx"} 1`,
		`palisade_http_requests_total{operation="tokens.create",status="2xx"} 1`,
		`palisade_http_requests_total{operation="providers.create",status="2xx"} 1`,
		`palisade_http_requests_total{operation="providers.retrieve",status="4xx"} 1`,
		`palisade_http_requests_total{operation="none",status="4xx"} 2`,
		`palisade_http_request_duration_seconds_count{operation="providers.create"} 1`,
		`palisade_http_throttled_total{limit="address"} 1`,
		`palisade_http_requests_in_flight 0`,
		`palisade_job_duration_seconds_count{kind="ingestion"} 1`,
		`palisade_db_pool_connections_max{role="app",target="primary"} 4`,
		`palisade_db_pool_connections_max{role="system",target="primary"} 4`,
		`palisade_policy_refused 0`,
		fmt.Sprintf(`palisade_policy_info{revision="%s"} 1`, server.App.Policy.Snapshot().Revision()),
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("there is no %s", line)
		}
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes", "palisade_build_info", "palisade_db_pool_acquires_total", "palisade_policy_active_since_seconds", "palisade_audit_events_total{"} {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("there is no %s", name)
		}
	}
	// Nothing that tells one tenant, person or address from another.
	for _, secret := range []string{ada.Tenant, ada.User, ada.Email, "127.0.0.1", "One"} {
		if strings.Contains(text, secret) {
			t.Errorf("the metrics tell %s", secret)
		}
	}
	if found := regexp.MustCompile(`(?m)^palisade_.*(tenant|user|path|address)(_id)?=`).FindString(text); found != "" {
		t.Errorf("a label with no end of values: %s", found)
	}
}

// TestOthersRegisterTheirMetrics is what the other packages build on.
func TestOthersRegisterTheirMetrics(t *testing.T) {
	t.Parallel()
	program := apitest.Start(t).App
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "palisade_lamps_total", Help: "Lamps."})
	if err := program.Metrics.Register(counter); err != nil {
		t.Fatal(err)
	}
	counter.Add(2)
	if !strings.Contains(scrape(t, program), "\npalisade_lamps_total 2\n") {
		t.Error("the counter does not show")
	}
}
