//go:debug rsa1024min=0

package deploy

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/pflag"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/secret"
	"github.com/palisade-sec/palisade/internal/token"
)

// installation is a good one, with what a test needs to spoil it.
type installation struct {
	*Deployment
	db *pgtest.DB
}

// prepare gives the roles of a new database what a good installation has.
func prepare(t *testing.T) *pgtest.DB {
	t.Helper()
	db := pgtest.New(t)
	for _, role := range []string{pgtest.App, pgtest.System} {
		(&installation{db: db}).run(t, fmt.Sprintf("alter role %s in database %s set statement_timeout = '15min'", role, db.Name))
	}
	return db
}

// good is an installation on a prepared database that passes every check.
func good(t *testing.T, db *pgtest.DB) *installation {
	t.Helper()
	keys := filepath.Join(t.TempDir(), "keys")
	if _, err := token.LoadOrCreateKeys(keys); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.LoadOrCreate(keys); err != nil {
		t.Fatal(err)
	}
	flags := pflag.NewFlagSet("palisade", pflag.ContinueOnError)
	config.AddFlags(flags)
	err := flags.Parse([]string{"--key-dir", keys, "--listen", "10.0.0.7:8080", "--trust-proxy", "--allowed-hosts", "palisade.example.com", "--hsts-max-age", "8760h",
		"--database-url", db.URL(pgtest.App), "--database-system-url", db.URL(pgtest.System), "--database-owner-url", db.URL(pgtest.Owner),
		"--rate-limit-address", "600/minute", "--rate-limit-token", "600/minute", "--rate-limit-key", "600/minute", "--sign-up", "invitation",
		"--cors-origins", "https://palisade.example.com", "--metrics-listen", "127.0.0.1:9090", "--database-max-conns", "5"})
	if err != nil {
		t.Fatal(err)
	}
	settings, err := config.Load(flags)
	if err != nil {
		t.Fatal(err)
	}
	return &installation{db: db, Deployment: &Deployment{Settings: settings, AppURL: settings.AppURL, SystemURL: settings.SystemURL, OwnerURL: settings.OwnerURL, Servers: 2,
		Policy: func(context.Context) error { return nil },
		Engine: reported(engine.Report{Installed: true, Providers: []engine.ProviderReport{{Type: "aws", Usable: true}}}),
		Front:  app.Front(app.Settings{TrustProxy: true, AllowedHosts: settings.Hosts(), HSTS: settings.HSTSMaxAge})}}
}

// run runs a statement as superuser.
func (i *installation) run(t *testing.T, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), i.db.URL(pgtest.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// as makes a role and returns the connection string for it.
func (i *installation) as(t *testing.T, role, attributes string) string {
	t.Helper()
	role += "_" + i.db.Name
	i.run(t, fmt.Sprintf("create role %s login password 'secret' %s; grant connect on database %s to %s", role, attributes, i.db.Name, role))
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.WithoutCancel(t.Context()), i.db.URL(pgtest.Superuser))
		if err != nil {
			return // the server is gone, and the role with it
		}
		defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
		_, _ = conn.Exec(context.WithoutCancel(t.Context()), "drop owned by "+role+"; drop role "+role)
	})
	parsed, err := url.Parse(i.db.URL(pgtest.App))
	if err != nil {
		t.Fatal(err)
	}
	parsed.User = url.UserPassword(role, "secret")
	return parsed.String()
}

func (i *installation) writeKey(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(i.Settings.Keys(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func pemOf(key *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// knownKey is a key that everybody has: that of Go's test server.
func knownKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	key, ok := server.TLS.Certificates[0].PrivateKey.(*rsa.PrivateKey)
	if !ok {
		t.Fatal("the test server has another kind of key")
	}
	return key
}

func shortKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// reported is an engine that is examined with this result.
func reported(report engine.Report) func(context.Context) (engine.Report, error) {
	return func(context.Context) (engine.Report, error) { return report, nil }
}

// serving answers with headers.
func serving(name, value string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(name, value) })
}

// breaches spoil a good installation, each in a way that the named check finds.
var breaches = []struct {
	check, how string
	spoil      func(t *testing.T, i *installation)
	says       string
}{
	{"database.role", "a superuser", func(_ *testing.T, i *installation) { i.AppURL = i.db.URL(pgtest.Superuser) }, "is a superuser"},
	{"database.role", "a superuser for the system", func(_ *testing.T, i *installation) { i.SystemURL = i.db.URL(pgtest.Superuser) }, "database-system-url: database role"},
	{"database.role", "the owner", func(_ *testing.T, i *installation) { i.AppURL = i.db.URL(pgtest.Owner) }, "may create roles"},
	{"database.role", "BYPASSRLS", func(t *testing.T, i *installation) { i.AppURL = i.as(t, "passing", "bypassrls") }, "bypasses row level security"},
	{"database.role", "a replica as a superuser", func(_ *testing.T, i *installation) { i.Settings.AppReplicaURL = i.db.URL(pgtest.Superuser) }, "database-replica-url"},
	{"database.role", "a role that may replicate", func(t *testing.T, i *installation) { i.AppURL = i.as(t, "replicating", "replication") }, "may replicate"},
	{"database.role", "no database", func(_ *testing.T, i *installation) { i.AppURL = "postgres://nobody:hunter2@127.0.0.1:1/nothing" }, "could not be examined"},
	{"database.role", "nonsense", func(_ *testing.T, i *installation) { i.AppURL = "postgres://x:hunter2@h:port/" }, "not a valid connection string"},
	{"database.row-security", "disabled", func(t *testing.T, i *installation) { i.run(t, "alter table findings disable row level security") }, "findings: row level security is not enabled"},
	{"database.row-security", "not forced", func(t *testing.T, i *installation) { i.run(t, "alter table scans no force row level security") }, "scans: row level security is not forced"},
	{"database.row-security", "another policy", func(t *testing.T, i *installation) {
		i.run(t, "create policy more on findings for select to palisade_app using (true)")
	}, "beside the tenant policy"},
	{"database.row-security", "a table without", func(t *testing.T, i *installation) { i.run(t, "create table lamps (id uuid primary key)") }, "lamps: row level security is not enabled"},
	{"database.row-security", "the queue's jobs", func(t *testing.T, i *installation) {
		i.run(t, "alter table river.river_job disable row level security")
	}, "river.river_job"},
	{"database.wall", "a grant", func(t *testing.T, i *installation) { i.run(t, "grant truncate on findings to palisade_app") }, "TRUNCATE"},
	{"database.wall", "a view", func(t *testing.T, i *installation) { i.run(t, "create view lamps as select * from findings") }, "lamps"},
	{"database.role-name", "swapped", func(_ *testing.T, i *installation) { i.AppURL, i.SystemURL = i.SystemURL, i.AppURL }, "connects as palisade_system, and is for palisade_app"},
	{"database.migrations", "an empty database", func(t *testing.T, i *installation) { i.OwnerURL = pgtest.NewEmpty(t).URL(pgtest.Owner) }, "pending: "},
	{"database.version", "Postgres 14", func(_ *testing.T, i *installation) {
		i.states = map[string]migrate.ServerState{i.AppURL: {Version: 140011}}
	}, "Postgres 14"},
	{"database.tls", "an unchecked server", func(_ *testing.T, i *installation) {
		i.Settings.SystemReplicaURL = "postgres://u:p@db.example.com/palisade?sslmode=require"
	}, "database-system-replica-url"},
	{"database.tls", "no TLS", func(_ *testing.T, i *installation) { i.AppURL = "postgres://u:p@db.example.com/palisade" }, "database-url"},
	{"database.connections", "many processes", func(_ *testing.T, i *installation) { i.Servers = 1000 }, "1000 processes"},
	{"database.connections", "large pools", func(_ *testing.T, i *installation) { i.Settings.MaxConns = 1000 }, "the server takes"},
	{"database.connections", "a limit of the role", func(t *testing.T, i *installation) { i.AppURL = i.as(t, "limited", "connection limit 3") }, "may have 3"},
	{"database.statement-timeout", "none", func(t *testing.T, i *installation) {
		i.run(t, "alter role palisade_app in database "+i.db.Name+" reset statement_timeout")
	}, "palisade_app"},
	{"database.embedded", "the program's own", func(_ *testing.T, i *installation) {
		i.Settings.AppURL, i.Settings.SystemURL, i.Settings.OwnerURL = "", "", ""
	}, "one server"},
	{"keys.well-known", "a test key signs", func(t *testing.T, i *installation) { i.writeKey(t, token.KeyFileName, pemOf(knownKey(t))) }, "httptest"},
	{"keys.well-known", "a test key signed before", func(t *testing.T, i *installation) {
		i.writeKey(t, "jwt_previous_1.pem", strings.ReplaceAll(pemOf(knownKey(t)), "\n", `\n`))
	}, "jwt_previous_1.pem is"},
	{"keys.well-known", "no secret at all", func(t *testing.T, i *installation) {
		i.writeKey(t, secret.FileName, "# ours\n"+base64.StdEncoding.EncodeToString(make([]byte, 32))+"\n")
	}, "line 2 is 32 zero bytes"},
	{"keys.private", "a file for all", func(t *testing.T, i *installation) {
		chmod(t, filepath.Join(i.Settings.Keys(), secret.FileName), 0o644)
	}, "mode 0644"},
	{"keys.private", "a folder for all", func(t *testing.T, i *installation) { chmod(t, i.Settings.Keys(), 0o755) }, "mode 0755"},
	{"keys.strength", "a short key", func(t *testing.T, i *installation) { i.writeKey(t, token.KeyFileName, pemOf(shortKey(t))) }, "1024 bits"},
	{"keys.strength", "a typed key", func(t *testing.T, i *installation) {
		i.writeKey(t, secret.FileName, base64.StdEncoding.EncodeToString([]byte("correct horse battery staple 123")))
	}, "not made at random"},
	{"keys.strength", "half a key", func(t *testing.T, i *installation) { i.writeKey(t, secret.FileName, "c2hvcnQ=") }, "32 bytes"},
	{"keys.strength", "no key", func(t *testing.T, i *installation) {
		i.writeKey(t, token.KeyFileName, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
	}, "no key that can be read"},
	{"keys.present", "none", func(t *testing.T, i *installation) { remove(t, filepath.Join(i.Settings.Keys(), token.KeyFileName)) }, token.KeyFileName},
	{"keys.present", "no folder", func(_ *testing.T, i *installation) { i.Settings.KeyDir = filepath.Join(i.Settings.KeyDir, "nowhere") }, secret.FileName},
	{"policy.examination", "a failed test", func(_ *testing.T, i *installation) {
		i.Policy = func(context.Context) error { return errors.New("test_lamps failed") }
	}, "test_lamps"},
	{"policy.folder", "writable", func(t *testing.T, i *installation) {
		i.Settings.PolicyDir = t.TempDir()
		chmod(t, i.Settings.PolicyDir, 0o777)
	}, "mode 0777"},
	{"policy.folder", "gone", func(_ *testing.T, i *installation) { i.Settings.PolicyDir = "/nowhere" }, "could not be examined"},
	{"access.log-in-limit", "off", func(_ *testing.T, i *installation) { i.Settings.TokenLimit = "off" }, "token-rate-limit"},
	{"access.account-limit", "off", func(_ *testing.T, i *installation) { i.Settings.AccountLimit = "off" }, "account-rate-limit"},
	{"access.request-limits", "one is off", func(_ *testing.T, i *installation) { i.Settings.KeyLimit = "off" }, "rate-limit-key"},
	{"access.sign-up", "open", func(_ *testing.T, i *installation) { i.Settings.SignUp = "open" }, "sign-up"},
	{"access.first-admin", "kept", func(_ *testing.T, i *installation) { i.Settings.FirstAdminPassword = "hunter2" }, "first-admin-password"},
	{"access.password-hash", "another one", hashed("$pbkdf2-sha256$i=600000$c2FsdA$a2V5"), "argon2id"},
	{"access.password-hash", "a cheap one", hashed("$argon2id$v=19$m=1024,t=1,p=1$c2FsdA$a2V5"), "1024 KiB"},
	{"access.token-lifetime", "a day", func(_ *testing.T, i *installation) { i.Tokens.AccessLifetime = 24 * time.Hour }, "24h"},
	{"access.token-lifetime", "a year", func(_ *testing.T, i *installation) { i.Tokens.RefreshLifetime = 8760 * time.Hour }, "8760h"},
	{"access.sign-on", "plain cookies", func(_ *testing.T, i *installation) { i.Settings.ExternalURL = "http://api.example.com" }, "external-url"},
	{"access.sign-on", "a plain page", func(_ *testing.T, i *installation) { i.Settings.SAMLCallbackURL = "http://ui.example.com/saml" }, "saml-callback-url"},
	{"access.sign-on", "plain HTTP", func(_ *testing.T, i *installation) { i.Settings.GitHubCallbackURL = "http://ui.example.com/back" }, "social-github-callback-url"},
	{"http.tls", "plain HTTP", func(_ *testing.T, i *installation) { i.Settings.TrustProxy = false }, "plain HTTP"},
	{"http.proxy", "all addresses", func(_ *testing.T, i *installation) { i.Settings.Listen = "0.0.0.0:8080" }, "0.0.0.0:8080"},
	{"http.proxy", "no address", func(_ *testing.T, i *installation) { i.Settings.Listen = ":8080" }, ":8080"},
	{"http.hosts", "none named", func(_ *testing.T, i *installation) { i.Settings.AllowedHosts = nil }, "any host"},
	{"http.hosts", "any", func(_ *testing.T, i *installation) { i.Settings.AllowedHosts = []string{"a.example", "*"} }, "any host"},
	{"http.hsts", "off", func(_ *testing.T, i *installation) { i.Settings.HSTSMaxAge = 0 }, "hsts-max-age"},
	{"http.hsts", "a day", func(_ *testing.T, i *installation) { i.Settings.HSTSMaxAge = 24 * time.Hour }, "24h"},
	{"http.headers", "none", func(_ *testing.T, i *installation) { i.Front = serving("X-Frame-Options", "SAMEORIGIN") }, "SAMEORIGIN"},
	{"http.headers", "no HSTS", func(_ *testing.T, i *installation) { i.Front = app.Front(app.Settings{TrustProxy: true}) }, "Strict-Transport-Security"},
	{"http.cookies", "for scripts", func(_ *testing.T, i *installation) { i.Front = serving("Set-Cookie", "lamp=on; Secure") }, "lamp"},
	{"http.cookies", "over http", func(_ *testing.T, i *installation) { i.Front = serving("Set-Cookie", "lamp=on; HttpOnly") }, "lamp"},
	{"http.cors", "http", func(_ *testing.T, i *installation) { i.Settings.CORSOrigins = []string{"http://ui.example.com"} }, "ui.example.com"},
	{"http.cors", "any", func(_ *testing.T, i *installation) { i.Settings.CORSOrigins = []string{"*"} }, "*"},
	{"metrics.exposure", "everywhere", func(_ *testing.T, i *installation) { i.Settings.MetricsListen = "[::]:9090" }, "[::]:9090"},
	{"metrics.exposure", "a public address", func(_ *testing.T, i *installation) { i.Settings.MetricsListen = "203.0.113.7:9090" }, "203.0.113.7"},
	{"engine.installed", "none", func(_ *testing.T, i *installation) {
		i.Engine = engine.NewSurvey(engine.Options{Python: "/nowhere/python"}).Report
	}, "pip install prowler"},
	{"engine.installed", "a part", func(_ *testing.T, i *installation) {
		i.Engine = reported(engine.Report{Installed: true, Providers: []engine.ProviderReport{{Type: "iac", Lacks: "the program trivy"}}})
	}, "iac cannot be scanned for want of the program trivy"},
	{"engine.installed", "empty", func(_ *testing.T, i *installation) { i.Engine = reported(engine.Report{Installed: true}) }, "no provider type"},
	{"log.level", "debug", func(_ *testing.T, i *installation) { i.Settings.LogLevel = "debug" }, "debug"},
}

func hashed(hash string) func(*testing.T, *installation) {
	return func(_ *testing.T, i *installation) {
		i.Hash = func(context.Context, string) (string, error) { return hash, nil }
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestAGoodInstallationPasses(t *testing.T) {
	t.Parallel()
	one := good(t, prepare(t))
	one.Policy = func(ctx context.Context) error { return authz.Check(ctx, app.PolicyFolders("", false)) }
	for _, verdict := range Examine(t.Context(), one.Deployment, Everything) {
		if verdict.Status != OK {
			t.Errorf("%s: %v", verdict.ID, verdict.Problems)
		}
	}
	if err := Refuse(t.Context(), one.Deployment); err != nil {
		t.Error(err)
	}
}

func TestEveryBreachIsFound(t *testing.T) {
	t.Parallel()
	shared := prepare(t)
	broken := make(map[string]bool)
	for _, breach := range breaches {
		broken[breach.check] = true
		t.Run(breach.check+" "+breach.how, func(t *testing.T) {
			t.Parallel()
			db := shared
			if strings.HasPrefix(breach.check, "database.") {
				db = prepare(t)
			}
			one := good(t, db)
			breach.spoil(t, one)
			verdicts := Examine(t.Context(), one.Deployment, func(c Check) bool { return c.ID == breach.check })
			if len(verdicts) != 1 {
				t.Fatalf("%d checks of that name", len(verdicts))
			}
			verdict := verdicts[0]
			said := strings.Join(verdict.Problems, "\n")
			if verdict.Status != Failed || !strings.Contains(said, breach.says) {
				t.Fatalf("%s: %q, want something about %q", verdict.Status, said, breach.says)
			}
			if strings.Contains(said, "hunter2") {
				t.Errorf("it tells a secret: %s", said)
			}
			if err := Refuse(t.Context(), one.Deployment); verdict.Severity == Fatal && (err == nil || !strings.Contains(err.Error(), breach.check)) {
				t.Errorf("a server starts all the same: %v", err)
			}
		})
	}
	for _, check := range Checks() {
		if !broken[check.ID] {
			t.Errorf("no breach shows that %s finds one", check.ID)
		}
	}
}

// TestWhatCannotBeKnownIsNoFault: the schema cannot be compared without the owner, whom a deployment need not configure.
func TestWhatCannotBeKnownIsNoFault(t *testing.T) {
	t.Parallel()
	one := good(t, prepare(t))
	one.OwnerURL = ""
	verdicts := Examine(t.Context(), one.Deployment, func(c Check) bool { return c.ID == "database.migrations" })
	if verdicts[0].Status != Unknown || verdicts[0].Bad() || !strings.Contains(verdicts[0].Problems[0], "database-owner-url") {
		t.Errorf("%+v", verdicts[0])
	}
}

func TestChecksAreWellFormed(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, check := range Checks() {
		if seen[check.ID] || check.Title == "" || check.Remedy == "" || strings.HasSuffix(check.Remedy, ".") || strings.Contains(check.Title, "|") {
			t.Errorf("%+v", check)
		}
		if check.Severity != Fatal && check.Severity != Error && check.Severity != Warning || check.Severity == Fatal && !check.Always {
			t.Errorf("%s: severity %s", check.ID, check.Severity)
		}
		seen[check.ID] = true
	}
}

// TestTheJSONForm is what scripts read.
func TestTheJSONForm(t *testing.T) {
	t.Parallel()
	verdict := Check{ID: "a.b", Title: "c", Severity: Warning, Remedy: "d", find: func(context.Context, *Deployment) ([]string, error) { return nil, nil }}.examine(t.Context(), nil)
	encoded, err := json.Marshal(verdict)
	if want := `{"id":"a.b","title":"c","severity":"warning","status":"ok","problems":[],"remedy":"d"}`; err != nil || string(encoded) != want {
		t.Errorf("%s %v", encoded, err)
	}
}

// TestRandomKeysLookRandom guards against refusing good keys.
func TestRandomKeysLookRandom(t *testing.T) {
	t.Parallel()
	raw := make([]byte, secretSize)
	for range 100_000 {
		_, _ = rand.Read(raw)
		if !looksRandom(raw) {
			t.Fatalf("%x", raw)
		}
	}
	counted := make([]byte, secretSize)
	for i := range counted {
		counted[i] = byte(200 + i)
	}
	if looksRandom(counted) || looksRandom(make([]byte, secretSize)) {
		t.Error("a counted key looks random")
	}
}
