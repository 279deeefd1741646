package main

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// folder writes files into a folder of their own.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const noScans = `package palisade.rbac.restrictions

deny contains {"rule": "no-scans", "sentence": "Scans are run by the night shift."} if input.operation == "scans.create"
`

const noScansTest = `package no_scans_test

import data.palisade.rbac.restrictions

test_no_scans if {
	count(restrictions.deny) == 1 with input as {"operation": "scans.create"}
}
`

const noAWS = `package palisade.visibility.restrictions

# METADATA
# description: Not these.
exclude["no-aws"] if input.providers.provider == "aws"
`

const people = `
tenants:
  - name: Harbour
    roles: [{name: operators, permissions: [manage_scans]}]
    people: [{email: ana@example.com, roles: [operators]}]
`

func TestPolicyTestWritesAReport(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"no_scans.rego": noScans, "no_scans_test.rego": noScansTest})
	report := filepath.Join(t.TempDir(), "junit.xml")
	code, out := command(t, "policy", "test", "--policy-dir", dir, "--junit", report)
	if code != 0 || !strings.Contains(out, "no_scans_test.rego:5 test_no_scans passed") || !strings.Contains(out, "no_scans.rego: 100.0 % covered") {
		t.Errorf("%d %s", code, out)
	}
	content, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var suites struct {
		Suites []struct {
			Name string `xml:"name,attr"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(content, &suites); err != nil || len(suites.Suites) != 4 || suites.Suites[2].Name != "no_scans_test" {
		t.Errorf("%v: %+v", err, suites)
	}
	if code, _ := command(t, "policy", "test", "--policy-dir", dir, "--junit", filepath.Join(dir, "nowhere", "x.xml")); code != 1 {
		t.Errorf("a report that cannot be written: %d", code)
	}
	bare := folder(t, map[string]string{"no_scans.rego": noScans})
	if code, out := command(t, "policy", "test", "--policy-dir", bare); code != 1 || !strings.Contains(out, "the policy folder has no tests") || !strings.Contains(out, "not reached: [3]") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := command(t, "policy", "check", "--policy-dir", "../../policy"); code != 1 || !strings.Contains(out, "set policy-replace") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := command(t, "policy", "check", "--policy-dir", "../../policy", "--policy-replace"); code != 0 {
		t.Errorf("%d %s", code, out)
	}
	if code, out := command(t, "policy", "check", "--policy-replace"); code != 2 {
		t.Errorf("%d %s", code, out)
	}
}

func TestPolicyDiffOfAFile(t *testing.T) {
	t.Parallel()
	proposed := folder(t, map[string]string{"no_scans.rego": noScans})
	fixture := filepath.Join(folder(t, map[string]string{"people.yaml": people}), "people.yaml")
	for _, row := range []struct {
		args []string
		want int
		says string
	}{
		{[]string{proposed, "--fixture", fixture}, 0, `members of role "operators" (1 person: ana@example.com)`},
		{[]string{proposed, "--fixture", fixture, "--exit-code"}, 3, "lose scans.create: rule no-scans: Scans are run by the night shift."},
		{[]string{proposed, "--fixture", fixture, "--exit-code", "--policy-dir", proposed}, 0, "Nobody gains or loses anything."},
		{[]string{"../../policy", "--replace", "--fixture", fixture, "--exit-code"}, 0, "Nobody gains or loses anything."},
		{[]string{proposed, "--fixture", fixture, "--format", "json"}, 0, `"rule": "no-scans"`},
		{[]string{proposed, "--fixture", fixture, "--format", "markdown"}, 0, "* lose `scans.create`"},
		{[]string{proposed, "--fixture", fixture, "--format", "xml"}, 2, ""},
		{[]string{proposed, "--fixture", "/nowhere"}, 1, ""},
		{[]string{"/nowhere", "--fixture", fixture}, 1, ""},
		{[]string{"../../policy", "--fixture", fixture}, 1, ""},
		{[]string{"--fixture", fixture}, 2, ""},
	} {
		if code, out := command(t, append([]string{"policy", "diff"}, row.args...)...); code != row.want || !strings.Contains(out, row.says) {
			t.Errorf("%v: status %d, want %d\n%s", row.args, code, row.want, out)
		}
	}
}

// TestPolicyBesideADatabase compares and explains for the people of a database.
func TestPolicyBesideADatabase(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, "111111111111", "production")
	eve := ada.Member(t, "Eve", ada.Role(t, "scanners", map[string]any{"manage_scans": true}))
	dir := folder(t, map[string]string{"no_scans.rego": noScans, "no_scans_test.rego": noScansTest, "no_aws.rego": noAWS,
		"no_aws_test.rego": "package no_aws_test\n\nimport data.palisade.visibility.restrictions\n\ntest_no_aws if {\n\trestrictions.exclude[\"no-aws\"] with input as {\"providers\": {\"provider\": \"aws\"}}\n}\n"})
	reach := []string{"--database-url", server.DB.URL(pgtest.App), "--database-system-url", server.DB.URL(pgtest.System), "--key-dir", server.KeyDir}
	code, out := command(t, append([]string{"policy", "diff", dir, "--exit-code"}, reach...)...)
	if code != 3 || !strings.Contains(out, `members of role "admin" (1 person: ada@example.com)`) || !strings.Contains(out, `no longer see 1 provider (aws 111111111111 "production"): rule no-aws`) ||
		!strings.Contains(out, "members of role \"scanners\" (1 person: eve@example.com)\n    lose scans.create: rule no-scans") {
		t.Errorf("%d %s", code, out)
	}
	explain := append([]string{"policy", "explain", "--operation", "scans.create", "--policy-dir", dir}, reach...)
	code, out = command(t, append(explain, "--user", ada.Email)...)
	if code != 0 || !strings.Contains(out, "scans.create is refused (denied)") || !strings.Contains(out, "rule:      no-scans") ||
		!strings.Contains(out, "providers: 0 of 1\n    aws 111111111111 \"production\" (") || !strings.Contains(out, "hidden by no-aws") {
		t.Errorf("%d %s", code, out)
	}
	code, out = command(t, append(explain, "--role", "scanners", "--tenant", ada.Tenant, "--email", "x@example.com", "--credential", "api_key", "--format", "json")...)
	var document struct {
		Allowed    bool
		Attributes map[string]string
		Others     []struct{ Name string } `json:"other_roles"`
		Providers  []struct {
			Visible bool
			Hidden  []string `json:"excluded_by"`
		}
	}
	if err := json.Unmarshal([]byte(out), &document); code != 0 || err != nil || document.Allowed || document.Attributes["credential"] != "api_key" ||
		document.Attributes["email"] != "x@example.com" || document.Others[0].Name != "scanners" || document.Providers[0].Hidden[0] != "no-aws" {
		t.Errorf("%d %v %s", code, err, out)
	}
	for _, wrong := range [][]string{{"--user", eve.Email, "--format", "xml"}, {"--user", eve.Email, "--credential", "cookie"}, {"--user", eve.Email, "--email", "x"}, {}} {
		if code, out := command(t, append(explain, wrong...)...); code != 2 {
			t.Errorf("%v: %d %s", wrong, code, out)
		}
	}
}

func TestPolicyMatrix(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"no_scans.rego": noScans})
	for format, says := range map[string]string{"text": "refused with all permissions (rule no-scans)", "csv": "scans.create,POST,/api/v1/scans,no,", "markdown": "| notes |", "json": `"operation": "scans.create"`} {
		if code, out := command(t, "policy", "matrix", "--policy-dir", dir, "--format", format); code != 0 || !strings.Contains(out, says) {
			t.Errorf("%s: %d %s", format, code, out)
		}
	}
	if code, _ := command(t, "policy", "matrix", "--format", "xml"); code != 2 {
		t.Error("an unknown format is taken")
	}
}
