package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
)

const closing = `package palisade.rbac.restrictions

deny contains {"rule": "closed", "sentence": "Nobody connects providers today."} if {
	input.operation == "providers.create"
}
`

const closingTest = `package closing_test

import data.palisade.rbac.restrictions

test_closed if {
	some one in restrictions.deny with input as {"operation": "providers.create"}
	one.rule == "closed"
}

test_open if {
	count(restrictions.deny) == 0 with input as {"operation": "providers.list"}
}
`

// TestAPolicyFolderIsReadWhileTheServerRuns changes a folder below a running server: a rule more, a half-copied and a broken
// content, a repaired one, the folder gone and back.
func TestAPolicyFolderIsReadWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("data.json", `{"mine": {}}`)
	write("first_test.rego", "package first_test\n\ntest_something if count(data.mine) == 0\n")
	var log lines
	server := apitest.StartWith(t, apitest.Setup{Settings: app.Settings{PolicyDir: dir}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	watch(t, server.App, dir)
	ada := server.SignUp(t, "Ada")
	connects := func() bool {
		answer := ada.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": "no account"}, nil)
		if answer.Status != http.StatusForbidden && answer.Status != http.StatusBadRequest {
			t.Fatalf("%d %s", answer.Status, answer.Raw)
		}
		return answer.Status == http.StatusBadRequest
	}
	first := server.App.Policy.Status()
	if !connects() || first.Refused != nil || ready(t, server.App) != "pass" {
		t.Fatal("the server did not start well")
	}

	write("closing.rego", closing)
	write("closing_test.rego", closingTest)
	await(t, "the rule is in force", func() bool { return !connects() })
	second := server.App.Policy.Status()
	if second.Revision == first.Revision || second.Refused != nil {
		t.Errorf("status %+v", second)
	}

	write("closing.rego", strings.Replace(closing, "input.operation", "input.operatoin", 1))
	await(t, "the broken content is refused", func() bool { return server.App.Policy.Status().Refused != nil })
	broken := server.App.Policy.Status()
	if connects() || broken.Revision != second.Revision || !broken.Since.Equal(second.Since) || !strings.Contains(broken.Refused.Error, "operatoin") {
		t.Errorf("status %+v", broken)
	}
	if word := ready(t, server.App); word != "warn" {
		t.Errorf("readiness is %s", word)
	}
	if gauge := measure(t, server.App, "palisade_policy_refused"); gauge != 1 {
		t.Errorf("the gauge is at %v", gauge)
	}
	if text := log.String(); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "policy refused, the active one stays") {
		t.Errorf("logged %s", text)
	}

	write("closing.rego", closing)
	await(t, "the repaired content is taken", func() bool { return server.App.Policy.Status().Refused == nil })
	if connects() || server.App.Policy.Status().Revision != second.Revision || measure(t, server.App, "palisade_policy_refused") != 0 {
		t.Error("the repaired policy is another")
	}

	if err := os.Rename(dir, dir+"-gone"); err != nil {
		t.Fatal(err)
	}
	await(t, "the missing folder is noticed", func() bool { return server.App.Policy.Status().Refused != nil })
	if connects() {
		t.Error("without its folder the policy is open")
	}
	if err := os.Rename(dir+"-gone", dir); err != nil {
		t.Fatal(err)
	}
	await(t, "the folder is back", func() bool { return server.App.Policy.Status().Refused == nil })

	for _, name := range []string{"closing.rego", "closing_test.rego"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "the rule is gone", connects)
	if server.App.Policy.Status().Revision != first.Revision {
		t.Error("the same files are another revision")
	}
}

func TestWithoutAPolicyFolderHealthSaysNothingOfIt(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	recorder := httptest.NewRecorder()
	server.App.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/health/ready", nil))
	if strings.Contains(recorder.Body.String(), "policy") {
		t.Errorf("%s", recorder.Body)
	}
}

// A folder may take the built-in policy's place, if that is said; files of the same names are refused otherwise.
func TestAFolderInPlaceOfTheBuiltInPolicy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../policy")); err != nil {
		t.Fatal(err)
	}
	server := apitest.StartWith(t, apitest.Setup{Settings: app.Settings{PolicyDir: dir, PolicyReplace: true}})
	server.SignUp(t, "Ada").Get(t, "/providers").Want(t, 200)
	settings := app.Settings{AppURL: server.DB.URL("palisade_app"), SystemURL: server.DB.URL("palisade_system"), MaxConns: 1, KeyDir: t.TempDir(), PolicyDir: dir}
	if program, err := app.Open(t.Context(), settings, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "policy-replace") {
		if err == nil {
			program.Close()
		}
		t.Errorf("a folder with our files is taken for a layer: %v", err)
	}
}

// watch looks at the folder often, until the test ends.
func watch(t *testing.T, program *app.App, dir string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- program.Policy.Watch(ctx, app.PolicyFolders(dir, false), 20*time.Millisecond) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("watch: %v", err)
		}
	})
}

func await(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for range 12000 {
		if happened() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("it did not happen that %s", what)
}

// ready is the word of the readiness document, asked for afresh: the kept outcome is waited out.
func ready(t *testing.T, program *app.App) string {
	t.Helper()
	var word string
	await(t, "readiness says what the policy's status is", func() bool {
		recorder := httptest.NewRecorder()
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/health/ready", nil)
		program.ServeHTTP(recorder, request)
		var body struct{ Status string }
		if recorder.Code != http.StatusOK || json.Unmarshal(recorder.Body.Bytes(), &body) != nil {
			time.Sleep(time.Second) // too often for one address
			return false
		}
		word = body.Status
		if (word == "warn") == (program.Policy.Status().Refused != nil) {
			return true
		}
		time.Sleep(time.Second)
		return false
	})
	return word
}

func measure(t *testing.T, program *app.App, name string) float64 {
	t.Helper()
	families, err := program.Metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// lines keeps what is logged.
type lines struct {
	mutex sync.Mutex
	text  strings.Builder
}

func (l *lines) Write(line []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(line)
}

func (l *lines) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}
