package main

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/internal/deploy"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/token"
)

// on is the flags of a command on a database.
func on(db *pgtest.DB, keys string, args ...string) []string {
	return append(args, "--database-url", db.URL(pgtest.App), "--database-system-url", db.URL(pgtest.System), "--key-dir", keys, "--listen", "127.0.0.1:0")
}

// TestAnUnsafeServerDoesNotStart breaks what keeps tenants apart, each in a real way, and starts the server and the worker.
func TestAnUnsafeServerDoesNotStart(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		spoil func(t *testing.T, db *pgtest.DB, keys string) []string // returns more flags
		want  []string
	}{
		"a superuser": {func(_ *testing.T, db *pgtest.DB, _ string) []string {
			return []string{"--database-url", db.URL(pgtest.Superuser)}
		}, []string{"database.role", "is a superuser", "nosuperuser"}},
		"a table without row level security": {func(t *testing.T, db *pgtest.DB, _ string) []string {
			conn, err := pgx.Connect(t.Context(), db.URL(pgtest.Superuser))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(t.Context()) }()
			if _, err := conn.Exec(t.Context(), "alter table findings disable row level security"); err != nil {
				t.Fatal(err)
			}
			return nil
		}, []string{"database.row-security", "findings: row level security is not enabled", "migrations/schema.sql"}},
		"a key that everybody has": {func(t *testing.T, _ *pgtest.DB, keys string) []string {
			server := httptest.NewTLSServer(nil)
			defer server.Close()
			known := x509.MarshalPKCS1PrivateKey(server.TLS.Certificates[0].PrivateKey.(*rsa.PrivateKey))
			content := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: known})
			if err := os.WriteFile(filepath.Join(keys, token.KeyFileName), content, 0o600); err != nil {
				t.Fatal(err)
			}
			return nil
		}, []string{"keys.well-known", "httptest", "remove jwt_private.pem"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, keys := pgtest.New(t), t.TempDir()
			more := row.spoil(t, db, keys)
			for _, args := range [][]string{{"serve"}, {"work"}} {
				var out bytes.Buffer
				root := rootCommand()
				root.SetOut(&out)
				root.SetErr(&out)
				root.SetArgs(append(on(db, keys, args...), more...))
				err := root.ExecuteContext(t.Context())
				if status(err) != 1 {
					t.Fatalf("%v: status %d: %v", args, status(err), err)
				}
				for _, want := range append(row.want, "docs/deploy.md") {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%v: the refusal does not say %q: %v", args, want, err)
					}
				}
			}
		})
	}
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	db, keys := pgtest.New(t), t.TempDir()
	if err := os.Chmod(keys, 0o700); err != nil {
		t.Fatal(err)
	}
	if code, out := command(t, on(db, keys, "check")...); code != 0 || !strings.Contains(out, "ok       database.row-security: ") || strings.Contains(out, "http.hsts") {
		t.Errorf("status %d: %s", code, out)
	}
	code, out := command(t, on(db, keys, "check", "--deploy", "--servers", "500")...)
	if code != 1 {
		t.Errorf("status %d", code)
	}
	for _, want := range []string{"ERROR    http.hsts: ", "ERROR    keys.present: ", "ERROR    database.connections: ", "WARNING  access.sign-up: ", "To mend it: set hsts-max-age"} {
		if !strings.Contains(out, want) {
			t.Errorf("there is no %q in: %s", want, out)
		}
	}
	code, out = command(t, on(db, keys, "check", "--deploy", "--format", "json")...)
	var verdicts []deploy.Verdict
	if err := json.Unmarshal([]byte(out), &verdicts); err != nil || code != 1 || len(verdicts) != len(deploy.Checks()) {
		t.Errorf("status %d, %d verdicts: %v", code, len(verdicts), err)
	}
	if entries, err := os.ReadDir(keys); err != nil || len(entries) > 0 {
		t.Errorf("the check made %v %v", entries, err)
	}
	for _, args := range [][]string{{"check", "--format", "xml"}, {"check", "--servers", "0"}, {"check", "--database-owner-url", "postgres://h/d"}} {
		if code, out := command(t, args...); code != 2 {
			t.Errorf("%v: status %d: %s", args, code, out)
		}
	}
}
