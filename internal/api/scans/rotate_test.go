package scans_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/enginetest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/provider"
	"github.com/palisade-sec/palisade/internal/secret"
)

// reachable asks for a connection check and returns what it found: "connected", or why it could not say so.
func reachable(t *testing.T, person *apitest.Client, provider string) string {
	t.Helper()
	asked := person.Do(t, http.MethodPost, "/providers/"+provider+"/connection", "application/json", []byte("{}")).Want(t, 202)
	task := ended(t, person, asked.String("/data/id"))
	if task.At("/data/attributes/result/connected") == true {
		return "connected"
	}
	return task.String("/data/attributes/result/exc_type") + task.String("/data/attributes/result/error")
}

// keys writes the key file: the first one seals.
func keys(t *testing.T, folder string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, secret.FileName), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCredentialsOutliveTheKeyThatSealedThem(t *testing.T) {
	t.Parallel()
	python := enginetest.Interpreter(t)
	first := apitest.StartIdle(t, python)
	// restart is the server after its key file was changed.
	restart := func() *apitest.Server {
		return apitest.StartWith(t, apitest.Setup{DB: first.DB, Settings: app.Settings{KeyDir: first.KeyDir, EnginePython: python}})
	}
	ada, bob := first.SignUp(t, "Ada"), first.SignUp(t, "Bob")
	// More than a transaction seals again.
	const many = 120
	for i := range many - 1 {
		connect(t, ada, fmt.Sprintf("200000000%03d", i), enginetest.Finds(1))
	}
	_, damaged := connect(t, ada, account, enginetest.Finds(1))
	adas, _ := connect(t, ada, "777777777777", enginetest.Finds(1))
	bobs, _ := connect(t, bob, account, enginetest.Finds(1))
	pool := first.DB.Pool(t, pgtest.Superuser)
	if _, err := pool.Exec(t.Context(), `update provider_secrets set secret = set_byte(secret, 40, 255 - get_byte(secret, 40)) where id = $1`, damaged); err != nil {
		t.Fatal(err)
	}
	var before string
	const stamps = `select string_agg(id::text || updated_at::text || provider_id::text, ',' order by id) from provider_secrets`
	if err := pool.QueryRow(t.Context(), stamps).Scan(&before); err != nil {
		t.Fatal(err)
	}

	content, err := os.ReadFile(filepath.Join(first.KeyDir, secret.FileName))
	if err != nil {
		t.Fatal(err)
	}
	old := strings.TrimSpace(string(content))
	fresh, err := secret.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	rotate := func(server *apitest.Server, want provider.Rotation) {
		t.Helper()
		if got, err := server.App.RotateSecrets(t.Context()); err != nil || got != want {
			t.Errorf("rotated %+v, %v; want %+v", got, err, want)
		}
	}
	keys(t, first.KeyDir, fresh, old)
	second := restart()
	rotate(second, provider.Rotation{Tenants: 2, Secrets: many + 2, Rotated: many + 1, Failed: 1})
	rotate(second, provider.Rotation{Tenants: 2, Secrets: many + 2, Failed: 1})
	var after string
	if err := pool.QueryRow(t.Context(), stamps).Scan(&after); err != nil || after != before {
		t.Errorf("more than the seal has changed: %v", err)
	}

	keys(t, first.KeyDir, fresh)
	third := restart()
	third.Work(t)
	for name, one := range map[string]struct {
		person   *apitest.Client
		provider string
	}{"ada": {ada, adas}, "bob": {bob, bobs}} {
		if got := reachable(t, third.As(one.person), one.provider); got != "connected" {
			t.Errorf("%s: %s", name, got)
		}
	}
	// With the old key alone nothing opens any more: everything was sealed again.
	keys(t, first.KeyDir, old)
	rotate(restart(), provider.Rotation{Tenants: 2, Secrets: many + 2, Failed: many + 1})
}
