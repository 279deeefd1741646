package health_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/health"
)

func ask(t *testing.T, handler http.Handler, method, accept string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, "/", nil)
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

func TestLive(t *testing.T) {
	t.Parallel()
	handler := health.Live(health.Config{Release: "1.2.3"})
	for _, row := range []struct {
		method, accept string
		status         int
	}{
		{"GET", "", 200}, {"GET", "*/*", 200}, {"GET", health.MediaType, 200}, {"GET", "text/html, application/health+json;q=0.5", 200},
		{"HEAD", "", 200}, {"OPTIONS", "", 200},
		{"GET", "application/json", 406}, {"GET", "application/vnd.api+json", 406}, {"POST", "", 405}, {"DELETE", "", 405},
	} {
		answer := ask(t, handler, row.method, row.accept)
		if answer.Code != row.status || answer.Header().Get("Content-Type") != health.MediaType || answer.Header().Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("%s %q: %d %v", row.method, row.accept, answer.Code, answer.Header())
		}
		if cached := answer.Header().Get("Cache-Control") == "max-age=3, must-revalidate"; cached != (row.status == 200 && row.method != "OPTIONS") {
			t.Errorf("%s %q: Cache-Control %q", row.method, row.accept, answer.Header().Get("Cache-Control"))
		}
		if row.method == "HEAD" && answer.Body.Len() > 0 {
			t.Error("HEAD has a body")
		}
	}
	want := `{"status":"pass","version":"1","releaseId":"1.2.3","serviceId":"palisade","description":"Palisade API"}`
	if got := ask(t, handler, "GET", "").Body.String(); got != want {
		t.Errorf("got %s", got)
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		err    error
		status int
		word   string
	}{
		"fine":   {nil, 200, "pass"},
		"broken": {errors.New("password=hunter2 refused"), 503, "fail"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			handler := health.Ready(health.Config{Checks: []health.Check{{Name: "postgres", Run: func(context.Context) error { runs++; return row.err }}}})
			for range 3 {
				answer := ask(t, handler, "GET", "")
				var body struct {
					Status string
					Checks map[string][]map[string]any
				}
				if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
					t.Fatal(err)
				}
				if answer.Code != row.status || body.Status != row.word || strings.Contains(answer.Body.String(), "hunter2") {
					t.Errorf("%d %s", answer.Code, answer.Body)
				}
				check := body.Checks["postgres:responseTime"][0]
				if check["status"] != row.word || check["componentId"] != "postgres" || check["componentType"] != "datastore" || check["observedUnit"] != "ms" {
					t.Errorf("%v", check)
				}
			}
			if runs != 1 {
				t.Errorf("the check ran %d times within the time its outcome is kept", runs)
			}
		})
	}
}

func TestAdviceWarnsAndHoldsNothingUp(t *testing.T) {
	t.Parallel()
	good := health.Check{Name: "postgres", Run: func(context.Context) error { return nil }}
	bad := health.Check{Name: "postgres", Run: func(context.Context) error { return errors.New("down") }}
	for name, row := range map[string]struct {
		check               health.Check
		says                string
		status              int
		word, advice, whole string
	}{
		"all is well":          {good, "", 200, "pass", "pass", ""},
		"something to know":    {good, "Look at it.", 200, "warn", "warn", "Look at it."},
		"worse than an advice": {bad, "Look at it.", 503, "fail", "warn", "Look at it."},
	} {
		handler := health.Ready(health.Config{Checks: []health.Check{row.check}, Advices: []health.Advice{{Name: "policy", Run: func() string { return row.says }}}})
		answer := ask(t, handler, "GET", "")
		var body struct {
			Status string
			Checks map[string][]map[string]any
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		said, _ := body.Checks["policy"][0]["output"].(string)
		if answer.Code != row.status || body.Status != row.word || body.Checks["policy"][0]["status"] != row.advice || said != row.whole {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
	}
}

func TestTooOften(t *testing.T) {
	t.Parallel()
	handler := health.Ready(health.Config{Ready: func(*http.Request) bool { return false },
		Checks: []health.Check{{Name: "postgres", Run: func(context.Context) error { t.Error("checked all the same"); return nil }}}})
	if answer := ask(t, handler, "GET", ""); answer.Code != 429 || answer.Header().Get("Cache-Control") != "" {
		t.Errorf("%d %v", answer.Code, answer.Header())
	}
}
