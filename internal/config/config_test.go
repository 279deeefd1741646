package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/palisade-sec/palisade/internal/config"
)

func load(t *testing.T, args ...string) (config.Settings, error) {
	t.Helper()
	flags := pflag.NewFlagSet("palisade", pflag.ContinueOnError)
	config.AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return config.Load(flags)
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/somewhere")
	settings, err := load(t)
	if err != nil {
		t.Fatal(err)
	}
	if settings.Listen != "127.0.0.1:8080" || settings.TokenLimit != "50/minute" || !settings.Worker || settings.StopAfter != 30*time.Second ||
		settings.MaxConns != 20 || settings.DataDir != "/somewhere/palisade" || settings.Keys() != "/somewhere/palisade/keys" || !settings.Embedded() {
		t.Errorf("%+v", settings)
	}
}

// TestLayers sets one thing in every layer and looks which wins.
func TestLayers(t *testing.T) {
	path := file(t, "palisade.yaml", "listen: file:1\ntoken-rate-limit: 7/hour\nlog-level: warn\ncors-origins: [https://a.example, https://b.example]\nmigrate: true\n")
	t.Setenv("PALISADE_CONFIG", path)
	t.Setenv("PALISADE_TOKEN_RATE_LIMIT", "off")
	t.Setenv("PALISADE_LISTEN", "env:1")
	t.Setenv("PALISADE_ENGINE_PASS_ENV", "HTTPS_PROXY, AWS_ENDPOINT_URL")
	t.Setenv("PALISADE_WORKER", "no")
	settings, err := load(t, "--listen", "flag:1")
	if err != nil {
		t.Fatal(err)
	}
	if settings.Listen != "flag:1" || settings.TokenLimit != "off" || settings.LogLevel != "warn" || settings.Worker || !settings.Migrate {
		t.Errorf("%+v", settings)
	}
	if !slices.Equal(settings.CORSOrigins, []string{"https://a.example", "https://b.example"}) || !slices.Equal(settings.EnginePassEnv, []string{"HTTPS_PROXY", "AWS_ENDPOINT_URL"}) {
		t.Errorf("%v %v", settings.CORSOrigins, settings.EnginePassEnv)
	}
}

func TestRefusals(t *testing.T) {
	for name, row := range map[string]struct {
		env  map[string]string
		args []string
		want string
	}{
		"level":              {args: []string{"--log-level", "loud"}, want: "log-level"},
		"format":             {args: []string{"--log-format", "xml"}, want: "log-format"},
		"one database":       {args: []string{"--database-url", "postgres://x:hunter2@h/d"}, want: "database-system-url"},
		"connections":        {env: map[string]string{"PALISADE_DATABASE_MAX_CONNS": "many"}, want: "database-max-conns"},
		"none":               {args: []string{"--database-max-conns", "0"}, want: "database-max-conns"},
		"two numbers":        {env: map[string]string{"PALISADE_DATABASE_MAX_CONNS": "3 4"}, want: "number"},
		"bool":               {env: map[string]string{"PALISADE_WORKER": "maybe"}, want: "PALISADE_WORKER"},
		"duration":           {env: map[string]string{"PALISADE_STOP_AFTER": "soon"}, want: "stop-after"},
		"sign-up closed how": {args: []string{"--sign-up", "closed"}, want: "sign-up"},
		"admin alone":        {args: []string{"--first-admin-email", "a@example.com"}, want: "first-admin-password"},
		"password alone":     {env: map[string]string{"PALISADE_FIRST_ADMIN_PASSWORD": "hunter2"}, want: "first-admin-email"},
		"two passwords":      {env: map[string]string{"PALISADE_FIRST_ADMIN_PASSWORD": "hunter2"}, args: []string{"--first-admin-password-file", "/x"}, want: "one of them"},
		"no password file":   {args: []string{"--first-admin-email", "a@example.com", "--first-admin-password-file", "/nowhere/password"}, want: "/nowhere/password"},
		"missing file":       {args: []string{"--config", "/nowhere/palisade.yaml"}, want: "/nowhere/palisade.yaml"},
		"unknown key":        {args: []string{"--config", file(t, "a.yaml", "lisen: x\n")}, want: "lisen"},
		"damaged file":       {args: []string{"--config", file(t, "b.yaml", "database-url: 'postgres://x:hunter2@h\n\t:")}, want: "b.yaml"},
		"no port":            {args: []string{"--listen", "localhost"}, want: "listen"},
		"metrics":            {args: []string{"--metrics-listen", "9090"}, want: "metrics-listen"},
		"list for text":      {args: []string{"--config", file(t, "c.yaml", "database-url: [hunter2]\n")}, want: "database-url"},
	} {
		t.Run(name, func(t *testing.T) {
			for key, value := range row.env {
				t.Setenv(key, value)
			}
			_, err := load(t, row.args...)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("got %v, want something about %s", err, row.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the message tells a secret: %v", err)
			}
		})
	}
}

// TestHostsOfThisMachine: without a list, a server that only this machine reaches answers for this machine's names alone.
func TestHostsOfThisMachine(t *testing.T) {
	for _, row := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"localhost", ".localhost", "127.0.0.1", "::1", "127.0.0.1"}},
		{[]string{"--listen", "127.0.0.2:80"}, []string{"localhost", ".localhost", "127.0.0.1", "::1", "127.0.0.2"}},
		{[]string{"--listen", "0.0.0.0:80"}, nil},
		{[]string{"--listen", ":80"}, nil},
		{[]string{"--trust-proxy"}, nil},
		{[]string{"--allowed-hosts", "a.example,.b.example"}, []string{"a.example", ".b.example"}},
		{[]string{"--allowed-hosts", "*"}, []string{"*"}},
	} {
		settings, err := load(t, row.args...)
		if err != nil {
			t.Fatal(err)
		}
		if got := settings.Hosts(); !slices.Equal(got, row.want) {
			t.Errorf("%v: %v, want %v", row.args, got, row.want)
		}
	}
}

func TestThePasswordOfAFile(t *testing.T) {
	settings, err := load(t, "--data-dir", "/d", "--first-admin-email", "a@example.com", "--first-admin-password-file", file(t, "password", "hunter2\n"))
	if err != nil || settings.FirstAdminPassword != "hunter2" {
		t.Fatalf("%q, %v", settings.FirstAdminPassword, err)
	}
	t.Setenv("PALISADE_SOCIAL_GITHUB_CLIENT_SECRET", "hunter2")
	if settings.GitHubClientSecret != "" {
		t.Error("settings change after they were read")
	}
	if settings, err = load(t, "--data-dir", "/d"); err != nil || settings.GitHubClientSecret != "hunter2" {
		t.Fatalf("%q, %v", settings.GitHubClientSecret, err)
	}
	var out strings.Builder
	if err := settings.Print(&out); err != nil || strings.Contains(out.String(), "hunter2") {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestPrintMasksSecrets(t *testing.T) {
	settings, err := load(t, "--database-url", "postgres://a:hunter2@h/d", "--database-system-url", "postgres://b:hunter2@h/d", "--data-dir", "/d")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := settings.Print(&out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if strings.Contains(text, "hunter2") || !strings.Contains(text, "database-url = ****") || !strings.Contains(text, "data-dir = /d\n") ||
		!strings.Contains(text, "database-owner-url = \n") {
		t.Error(text)
	}
}
