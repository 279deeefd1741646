package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

const firstPassword = "Correct-Horse-9x!"

// opened is a program on a database; what it logs is in the buffer.
func opened(t *testing.T, db *pgtest.DB, keys string) (*app.App, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	program, err := app.Open(t.Context(), app.Settings{AppURL: db.URL(pgtest.App), SystemURL: db.URL(pgtest.System), MaxConns: 2, KeyDir: keys, InvitationOnly: true},
		slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(program.Close)
	return program, &log
}

// send asks a program for something with a JSON:API document.
func send(t *testing.T, program *app.App, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1"+path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/vnd.api+json")
	recorder := httptest.NewRecorder()
	program.ServeHTTP(recorder, request)
	return recorder
}

// TestTheFirstAdministratorIsOne: of servers that start at the same time on an empty installation, one makes the person, who
// may do everything although sign-up is closed.
func TestTheFirstAdministratorIsOne(t *testing.T) {
	t.Parallel()
	db, keys := pgtest.New(t), t.TempDir()
	const starts = 4
	programs, logs := make([]*app.App, starts), make([]*bytes.Buffer, starts)
	for i := range starts {
		programs[i], logs[i] = opened(t, db, keys)
	}
	var group sync.WaitGroup
	for i := range starts {
		group.Go(func() {
			if err := programs[i].CreateFirstAdmin(t.Context(), " Root@Example.com", firstPassword); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	made := 0
	for _, log := range logs {
		made += strings.Count(log.String(), "first administrator created")
		if strings.Contains(log.String(), firstPassword) {
			t.Error("the log tells the password")
		}
	}
	counts := func(want ...int) {
		t.Helper()
		var people, tenants, full int
		err := db.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select (select count(*) from users), (select count(*) from tenants),
			(select count(*) from role_users u join roles r on r.id = u.role_id where r.name = 'admin' and r.manage_account and r.unlimited_visibility)`).Scan(&people, &tenants, &full)
		if err != nil || people != want[0] || tenants != want[1] || full != want[2] {
			t.Errorf("%d people, %d organisations, %d administrators, %v; want %v", people, tenants, full, err, want)
		}
	}
	if made != 1 {
		t.Errorf("%d say that they made the person", made)
	}
	counts(1, 1, 1)
	log := `{"data":{"type":"tokens","attributes":{"email":"root@example.com","password":"` + firstPassword + `"}}}`
	if answer := send(t, programs[0], "/tokens", log); answer.Code != 200 {
		t.Errorf("log-in: %d %s", answer.Code, answer.Body)
	}
	if answer := send(t, programs[0], "/users", `{"data":{"type":"users","attributes":{"name":"New","email":"new@example.com","password":"`+firstPassword+`"}}}`); answer.Code != 403 {
		t.Errorf("sign-up: %d %s", answer.Code, answer.Body)
	}
	// Another address, another password, even a bad one: there is somebody.
	for _, password := range []string{"Another-Horse-8y!", "short"} {
		if err := programs[0].CreateFirstAdmin(t.Context(), "other@example.com", password); err != nil {
			t.Error(err)
		}
	}
	counts(1, 1, 1)
}

func TestTheFirstAdministratorKeepsTheRules(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	program, _ := opened(t, db, t.TempDir())
	for name, one := range map[string]struct{ email, password, want string }{
		"short":       {"root@example.com", "hunter2", "This password is too short."},
		"like mail":   {"root.person@example.com", "Root.person@example.com1", "too similar"},
		"no address":  {"root", firstPassword, "Enter a valid email address."},
		"two":         {"a@example.com, b@example.com", firstPassword, "Enter a valid email address."},
		"too long":    {strings.Repeat("a", 250) + "@example.com", firstPassword, "254"},
		"no password": {"root@example.com", "", "too short"},
	} {
		err := program.CreateFirstAdmin(t.Context(), one.email, one.password)
		if err == nil || !strings.Contains(err.Error(), "first administrator") || !strings.Contains(err.Error(), one.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := program.CreateFirstAdmin(t.Context(), "", ""); err != nil {
		t.Errorf("not asked for: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := program.CreateFirstAdmin(ended, "root@example.com", firstPassword); err == nil {
		t.Error("an ended context makes people")
	}
}
