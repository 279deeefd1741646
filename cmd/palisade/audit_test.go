package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

func TestAuditVerify(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	for _, person := range []*apitest.Client{ada, bob} {
		for _, name := range []string{"One", "Two", "Three"} {
			person.Role(t, name, nil)
		}
	}
	server.App.Close() // writes what waits
	verify := func(args ...string) (int, string) {
		t.Helper()
		return command(t, append([]string{"audit", "verify", "--database-url", server.DB.URL(pgtest.App), "--database-system-url", server.DB.URL(pgtest.System),
			"--key-dir", server.KeyDir, "--log-level", "error"}, args...)...)
	}
	status, text := verify()
	if status != 0 || !strings.Contains(text, ada.Tenant+": ok 6:") || !strings.Contains(text, bob.Tenant+": ok 6:") {
		t.Fatal(status, text)
	}
	status, heads := verify("--format", "json")
	if lines := strings.Count(heads, "\n"); status != 0 || lines != 2 || strings.Contains(heads, "break") {
		t.Fatal(status, heads)
	}
	file := filepath.Join(t.TempDir(), "heads.json")
	if err := os.WriteFile(file, []byte(heads), 0o600); err != nil {
		t.Fatal(err)
	}
	_, head, _ := strings.Cut(text, ada.Tenant+": ok ")
	head, _, _ = strings.Cut(head, "\n")
	for _, args := range [][]string{{"--expect-from", file}, {"--tenant", ada.Tenant, "--expect", head}, {"--tenant", ada.Tenant, "--expect", strings.ToUpper(head)}} {
		if status, text := verify(args...); status != 0 {
			t.Error(args, status, text)
		}
	}
	pool := server.DB.Pool(t, pgtest.Superuser)
	if _, err := pool.Exec(t.Context(), `alter table audit_events disable trigger all; delete from audit_events where tenant_id = '`+ada.Tenant+`' and seq > 4`); err != nil {
		t.Fatal(err)
	}
	if status, text := verify(); status != 0 {
		t.Error("a log without its end is whole by itself", status, text)
	}
	for _, args := range [][]string{{"--expect-from", file}, {"--tenant", ada.Tenant, "--expect", head}} {
		if status, text := verify(args...); status != 1 || !strings.Contains(text, "truncated") {
			t.Error(args, status, text)
		}
	}
	if _, err := pool.Exec(t.Context(), `update audit_events set reason = 'denied' where tenant_id = '`+bob.Tenant+`' and seq = 2`); err != nil {
		t.Fatal(err)
	}
	if status, text := verify("--format", "json"); status != 1 || !strings.Contains(text, `"break":{"seq":2,"kind":"changed"`) || !strings.Contains(text, `"seq":1,`) {
		t.Error(status, text)
	}
	if status, text := verify("--tenant", ada.Tenant); status != 0 || strings.Contains(text, bob.Tenant) {
		t.Error(status, text)
	}
	garbage := filepath.Join(t.TempDir(), "garbage.json")
	if err := os.WriteFile(garbage, []byte("{not json"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range [][]string{{"--tenant", "x"}, {"--expect", head}, {"--tenant", ada.Tenant, "--expect", "x"}, {"--tenant", ada.Tenant, "--expect", "1:abc"},
		{"--tenant", ada.Tenant, "--expect", "0:" + strings.Repeat("0", 64)}, {"--expect-from", "/nowhere"}, {"--expect-from", garbage}, {"--format", "xml"}, {"more"}} {
		if status, text := verify(wrong...); status != 2 {
			t.Error(wrong, status, text)
		}
	}
	if status, text := verify("--tenant", uuid.NewString()); status != 0 || !strings.Contains(text, "ok 0:") {
		t.Error(status, text)
	}
}
