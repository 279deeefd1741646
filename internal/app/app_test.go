package app_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

func TestTheProgramRefusesRolesThatPassTheWall(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for name, one := range map[string]struct {
		app, system string
		good        bool
	}{
		"the runtime roles":      {pgtest.App, pgtest.System, true},
		"a superuser for app":    {pgtest.Superuser, pgtest.System, false},
		"the owner for system":   {pgtest.App, pgtest.Owner, false},
		"a superuser for system": {pgtest.App, pgtest.Superuser, false},
	} {
		program, err := app.Open(t.Context(), app.Settings{AppURL: db.URL(one.app), SystemURL: db.URL(one.system), MaxConns: 1, KeyDir: t.TempDir()}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := program.Check(t.Context()); (err == nil) != one.good {
			t.Errorf("%s: %v", name, err)
		}
		program.Close()
		program.Close() // twice does no harm
	}
}

func TestBadSettingsDoNotStart(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	good := app.Settings{AppURL: db.URL(pgtest.App), SystemURL: db.URL(pgtest.System), MaxConns: 1}
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "policy.rego"), []byte("package x\nallow if {"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(broken, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*app.Settings){
		"no url":               func(s *app.Settings) { s.AppURL = "postgres://x:hunter2@h:port/" },
		"no system url":        func(s *app.Settings) { s.SystemURL = "postgres://x:hunter2@h:port/" },
		"simple protocol":      func(s *app.Settings) { s.AppURL += "&default_query_exec_mode=simple_protocol" },
		"limit":                func(s *app.Settings) { s.TokenLimit = "many" },
		"broken policy":        func(s *app.Settings) { s.PolicyDir = broken },
		"no policy":            func(s *app.Settings) { s.PolicyDir = filepath.Join(broken, "nowhere") },
		"keys in no folder":    func(s *app.Settings) { s.KeyDir = file },
		"keys below no folder": func(s *app.Settings) { s.KeyDir = filepath.Join(file, "below") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := good
			settings.KeyDir = t.TempDir()
			change(&settings)
			program, err := app.Open(t.Context(), settings, slog.New(slog.DiscardHandler))
			if err == nil {
				program.Close()
				t.Fatal("it started")
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error holds a secret: %v", err)
			}
		})
	}
}

func TestWhatStandsBesideTheOperations(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	program, err := app.Open(t.Context(), app.Settings{AppURL: db.URL(pgtest.App), SystemURL: db.URL(pgtest.System), MaxConns: 1, KeyDir: t.TempDir()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(program.Close)
	for path, want := range map[string]int{"/health/live": 200, "/health/ready": 200, "/api/v1/schema": 200, "/api/v1/docs": 200, "/api/v1/": 200, "/api/v1": 301,
		"/api/v1/providers": 401, "/api/v1/compliance-overviews": 401, "/": 404} {
		recorder := httptest.NewRecorder()
		program.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if recorder.Code != want {
			t.Errorf("%s: %d, want %d", path, recorder.Code, want)
		}
	}
	if err := program.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	described, err := app.Describe(t.Context())
	if err != nil || len(described.Operations()) != len(program.Server.Operations()) {
		t.Error("the description is of other operations", err)
	}
}
