package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// command runs a command line and returns the exit status and what it printed.
func command(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	root := rootCommand()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	return status(root.ExecuteContext(t.Context())), out.String()
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args []string
		want int
	}{
		{[]string{"config", "--data-dir", "/nowhere"}, 0},
		{[]string{"--help"}, 0},
		{[]string{"--version"}, 0},
		{[]string{"policy", "check"}, 0},
		{[]string{"policy", "check", "--policy-dir", "/nowhere"}, 1},
		{[]string{"db", "url", "--data-dir", "/nowhere"}, 1},
		{[]string{"keys", "rotate", "--data-dir", "/nowhere"}, 1},
		{[]string{"keys", "prune", "--data-dir", "/nowhere"}, 1},
		{[]string{"keys", "rotate", "more"}, 2},
		{[]string{"recount", "more"}, 2},
		{[]string{"recount", "--verify", "--scan", "newest"}, 2},
		{[]string{"config", "--retention-months", "121"}, 2},
		{[]string{"serve", "--sign-up", "closed"}, 2},
		{[]string{"nonsense"}, 2},
		{[]string{"policy", "nonsense"}, 2},
		{[]string{"serve", "--nonsense"}, 2},
		{[]string{"serve", "more"}, 2},
		{[]string{"config", "--log-level", "loud"}, 2},
		{[]string{"config", "--rate-limit-token", "many"}, 2},
		{[]string{"config", "--account-rate-limit", "0/hour"}, 2},
		{[]string{"config", "--allowed-hosts", "https://a.example"}, 2},
		{[]string{"config", "--metrics-listen", "nowhere"}, 2},
		{[]string{"openapi", "--version", "2"}, 2},
		{[]string{"catalogue", "import"}, 2},
		{[]string{"serve", "--database-url", "postgres://h/d"}, 2},
		{[]string{"migrate", "up", "--database-url", "postgres://h/d", "--database-system-url", "postgres://h/d"}, 2},
	} {
		if got, out := command(t, row.args...); got != row.want {
			t.Errorf("palisade %s: status %d, want %d\n%s", strings.Join(row.args, " "), got, row.want, out)
		}
	}
}

func TestHelpShowsDefaults(t *testing.T) {
	t.Parallel()
	_, out := command(t, "serve", "--help")
	for _, want := range []string{`(default "127.0.0.1:8080")`, `(default "50/minute")`, "--no-worker", "--database-url"} {
		if !strings.Contains(out, want) {
			t.Errorf("the help does not show %s", want)
		}
	}
}

func TestConfigTellsNoSecret(t *testing.T) {
	t.Parallel()
	_, out := command(t, "config", "--database-url", "postgres://a:hunter2@h/d", "--database-system-url", "postgres://a:hunter2@h/d")
	if strings.Contains(out, "hunter2") || !strings.Contains(out, "database-url = ***") {
		t.Error(out)
	}
}

// TestOpenAPIIsFresh compares what the program prints with what is kept in gen/.
func TestOpenAPIIsFresh(t *testing.T) {
	t.Parallel()
	for version, file := range map[string]string{"3.1": "openapi.yaml", "3.0": "openapi-3.0.yaml"} {
		kept, err := os.ReadFile("../../gen/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if code, out := command(t, "openapi", "--version", version); code != 0 || out != string(kept) {
			t.Errorf("gen/%s is not what palisade openapi prints: make gen", file)
		}
	}
}

// TestPermissionsAreFresh compares the table that the program prints with the page in docs/.
func TestPermissionsAreFresh(t *testing.T) {
	t.Parallel()
	kept, err := os.ReadFile("../../docs/permissions.md")
	if err != nil {
		t.Fatal(err)
	}
	if code, out := command(t, "policy", "matrix", "--format", "markdown"); code != 0 || out != string(kept) {
		t.Error("docs/permissions.md is not what palisade policy matrix prints: make gen")
	}
}
