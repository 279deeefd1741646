package authz

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/policy"
)

func asProblemsOf(err error, problems *Problems) bool {
	return errors.As(err, problems) && len(*problems) > 0
}

// stricter is the shipped policy with scans moved to those who manage the account, tests included.
func stricter(t testing.TB) fstest.MapFS {
	t.Helper()
	files := replaced(t, shipped(t), "rbac/operations.json",
		`{"rule": "scans", "method": "POST", "path": "/scans"}`, `{"rule": "roles", "method": "POST", "path": "/scans"}`)
	files = replaced(t, files, "rbac/rbac_test.rego", `"scans.create": "manage_scans"`, `"scans.create": "manage_account"`)
	return replaced(t, files, "rbac/rbac_test.rego", `"scans.create") with data`, `"scans.update") with data`)
}

func TestReloadSwapsThePolicy(t *testing.T) {
	t.Parallel()
	var log record
	engine, err := New(t.Context(), whole(policy.FS), log.logger())
	if err != nil {
		t.Fatal(err)
	}
	before := engine.Snapshot()
	who := subject(Role{ID: id(1), Permissions: Permissions{ManageScans: true}})
	allowed := func() bool {
		decision, err := engine.Decide(t.Context(), who, "scans.create")
		if err != nil {
			t.Fatal(err)
		}
		return decision.Allowed
	}
	if !allowed() {
		t.Fatal("the shipped policy refuses scans to those who manage them")
	}
	if err := engine.Reload(t.Context(), whole(stricter(t))); err != nil {
		t.Fatal(err)
	}
	if allowed() {
		t.Error("the old policy still answers")
	}
	if engine.Snapshot().Revision() == before.Revision() || !strings.Contains(log.String(), "policy reloaded") {
		t.Errorf("log: %s", &log)
	}
	if decision, err := before.Decide(t.Context(), who, "scans.create"); err != nil || !decision.Allowed {
		t.Error("a request under way lost its snapshot")
	}
}

func TestBrokenPolicyKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	files := shipped(t)
	const main, table = "rbac/rbac.rego", "rbac/operations.json"
	for name, test := range map[string]struct {
		broken fs.FS
		kind   ProblemKind
	}{
		"syntax":       {with(files, "rbac/new.rego", "package palisade.rbac\n\nx if {\n"), KindSyntax},
		"strict mode":  {with(files, "rbac/new.rego", "package palisade.rbac\n\nx if {\n\ty := 1\n}\n"), KindCompile},
		"old language": {with(files, "rbac/new.rego", "package palisade.rbac\n\nx {\n\ttrue\n}\n"), KindSyntax},
		"format":       {with(files, "rbac/new.rego", "package palisade.rbac\n\nx :=   1\n"), KindFormat},
		"misspelt input": {
			replaced(t, files, main, "input.subject.roles", "input.subject.rolls"), KindCompile,
		},
		"network":         {with(files, "rbac/new.rego", "package palisade.rbac\n\nx := http.send({\"url\": \"http://127.0.0.1\", \"method\": \"get\"})\n"), KindCompile},
		"a failing test":  {replaced(t, files, main, `rule.permission == "authenticated"`, `rule.permission == "member"`), KindTest},
		"a test to do":    {replaced(t, files, "rbac/rbac_test.rego", "test_every_rule_is_used", "todo_test_every_rule_is_used"), KindTest},
		"no tests":        {without(files, "rbac/rbac_test.rego", "visibility/visibility_test.rego"), KindTest},
		"untested":        {without(files, "rbac/rbac_test.rego"), KindUntested},
		"no decision":     {with(files, main, "package palisade.rbac\n"), KindCompile},
		"no visibility":   {without(files, "visibility/visibility.rego", "visibility/visibility_test.rego"), KindCompile},
		"visibility":      {showing(t, `lower(input.providers.uid) == "x"`), KindVisibility},
		"no operations":   {without(files, table), KindData},
		"JSON":            {with(files, table, "{"), KindData},
		"twice":           {replaced(t, files, table, `"operations": {`, `"operations": {"users.me": {"rule": "scans", "method": "GET", "path": "/"},`), KindData},
		"unknown rule":    {replaced(t, files, table, `"rule": "scans"`, `"rule": "scan"`), KindData},
		"unknown member":  {replaced(t, files, table, `"method": "GET"`, `"methods": "GET"`), KindData},
		"no permission":   {replaced(t, files, "rbac/rules.json", `"manage_scans"`, `"manage_scan"`), KindData},
		"an empty folder": {fstest.MapFS{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log record
			before := load(t, policy.FS)
			engine := Start(before, log.logger())
			err := engine.Reload(t.Context(), whole(test.broken))
			if err == nil {
				t.Fatal("accepted")
			}
			var problems Problems
			if asProblemsOf(err, &problems) != (test.kind != "") || !hasKind(problems, test.kind) {
				t.Errorf("want a problem of kind %q:\n%v", test.kind, err)
			}
			if engine.Snapshot() != before {
				t.Error("the active policy changed")
			}
			if !strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("not logged as an error: %s", &log)
			}
		})
	}
}

func TestBrokenPolicyIsNoStart(t *testing.T) {
	t.Parallel()
	broken := replaced(t, shipped(t), "rbac/rbac.rego", `rule.permission == "authenticated"`, `rule.permission == "member"`)
	if engine, err := New(t.Context(), whole(broken), slog.New(slog.DiscardHandler)); err == nil || engine != nil {
		t.Errorf("got %v, %v", engine, err)
	}
}

func hasKind(problems Problems, kind ProblemKind) bool {
	for _, problem := range problems {
		if problem.Kind == kind {
			return true
		}
	}
	return kind == ""
}

func without(files fstest.MapFS, names ...string) fstest.MapFS {
	rest := fstest.MapFS{}
	for name, file := range files {
		rest[name] = file
	}
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}

// Requests go on during reloads: each answer is whole, of the one policy or the other.
func TestDecideDuringReload(t *testing.T) {
	t.Parallel()
	var log record
	engine := Start(load(t, policy.FS), log.logger())
	changed := stricter(t)
	shippedRevision := engine.Snapshot().Revision()
	who := subject(Role{ID: id(1), Permissions: Permissions{ManageScans: true}, ProviderGroups: []uuid.UUID{id(2)}})
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				decision, err := engine.Decide(t.Context(), who, "scans.create")
				if err != nil || decision.Allowed != (decision.Revision == shippedRevision) {
					t.Errorf("%+v, %v", decision, err)
					return
				}
				if visibility, err := engine.Visible(t.Context(), who); err != nil || visibility.IsNone() {
					t.Errorf("%v, %v", visibility, err)
					return
				}
			}
		})
	}
	for i := range 4 {
		files := fs.FS(policy.FS)
		if i%2 == 0 {
			files = changed
		}
		if err := engine.Reload(t.Context(), whole(files)); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}

func TestWatchTakesWhatStaysTheSame(t *testing.T) {
	t.Parallel()
	var log record
	engine := Start(load(t, policy.FS), log.logger())
	first := engine.Snapshot().Revision()
	watched := watch{engine: engine, tried: first}
	poll := func(files fs.FS) string {
		watched.poll(t.Context(), whole(files))
		return engine.Snapshot().Revision()
	}
	changed := stricter(t)
	broken := with(shipped(t), "rbac/new.rego", "package")
	poll(policy.FS)
	if poll(changed) != first {
		t.Error("a change was taken at first sight")
	}
	if poll(without(changed, "rbac/rules.json")) != first || poll(changed) != first {
		t.Error("a change was taken that had not stayed the same")
	}
	second := poll(changed)
	if second == first {
		t.Error("a change that stayed was not taken")
	}
	for range 4 {
		if poll(broken) != second {
			t.Error("a broken policy was taken")
		}
	}
	for range 3 {
		if poll(fstest.MapFS{}) != second {
			t.Error("an empty folder was taken")
		}
	}
	if logged := strings.Count(log.String(), "level=ERROR"); logged != 2 {
		t.Errorf("%d errors logged, want one for each broken content:\n%s", logged, &log)
	}
	poll(policy.FS)
	if poll(policy.FS) != first {
		t.Error("the repaired policy was not taken")
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	engine := Start(load(t, policy.FS), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := engine.Watch(ctx, whole(os.DirFS(t.TempDir())), time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Kubernetes mounts a ConfigMap as links to a folder whose name begins with two dots.
func TestPolicyFolderBehindLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, file := range shipped(t) {
		at := filepath.Join(dir, "..2026", name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{"rbac", "visibility"} {
		if err := os.Symlink(filepath.Join("..2026", folder), filepath.Join(dir, folder)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := load(t, os.DirFS(dir)).Revision(), load(t, policy.FS).Revision(); got != want {
		t.Errorf("revision %s, want %s", got, want)
	}
}

func TestRevisionIsOfNamesAndContents(t *testing.T) {
	t.Parallel()
	files := shipped(t)
	revisions := map[string]string{}
	for name, files := range map[string]fs.FS{
		"shipped":      files,
		"a test more":  with(files, "rbac/more_test.rego", "package palisade.rbac_test\n"),
		"another name": with(without(files, "visibility/visibility.rego"), "visibility/v.rego", string(files["visibility/visibility.rego"].Data)),
		"a comment":    replaced(t, files, "rbac/rbac.rego", "# Any role makes a member.", "# Any role will do."),
	} {
		revision := load(t, files).Revision()
		if other, ok := revisions[revision]; ok {
			t.Errorf("%s and %s have the same revision", name, other)
		}
		revisions[revision] = name
	}
	if again := load(t, with(files, "POLICY.md", "text")).Revision(); revisions[again] != "shipped" {
		t.Error("a file that is not policy changes the revision")
	}
}

func TestReportNamesWhatFailed(t *testing.T) {
	t.Parallel()
	files := replaced(t, shipped(t), "rbac/operations.json", `{"rule": "task-revocation"`, `{"rule": "roles"`)
	report, err := Test(t.Context(), whole(files), false)
	if err != nil {
		t.Fatal(err)
	}
	if report.Passed() || report.Covered() {
		t.Error("the report says that all is well")
	}
	text := report.problems().asError().Error()
	if !strings.Contains(text, "test_permission_alone_allows failed for tasks.revoke") ||
		!strings.Contains(text, "rbac/rbac_test.rego:") {
		t.Errorf("got %s", text)
	}
	uncovered, err := Test(t.Context(), whole(with(shipped(t), "rbac/more.rego", "package palisade.rbac\n\nmore if {\n\tinput.operation == \"more\"\n}\n")), true)
	if err != nil {
		t.Fatal(err)
	}
	if uncovered.Covered() || uncovered.Files[0].File != "rbac/more.rego" || len(uncovered.Files[0].Uncovered) == 0 {
		t.Errorf("got %+v", uncovered.Files)
	}
}

func TestDecisionLog(t *testing.T) {
	t.Parallel()
	who := subject(Role{ID: id(1), Name: "secret plans"})
	for name, test := range map[string]struct {
		made  Decision
		level string
	}{
		"a read":           {Decision{Allowed: true, Reason: ReasonAllowed, Rule: "tenant-data"}, ""},
		"a write":          {Decision{Allowed: true, Reason: ReasonAllowed, Rule: "scans", Write: true, GrantedBy: []uuid.UUID{id(1)}, Revision: "r1"}, "INFO"},
		"a refused read":   {Decision{Reason: ReasonNoRole, Rule: "tenant-data", Revision: "r1"}, "WARN"},
		"a refused write":  {Decision{Reason: ReasonDenied, Rule: "scans", Write: true, Revision: "r1"}, "WARN"},
		"an empty refusal": {Decision{}, "WARN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log record
			logger := slog.New(slog.NewJSONHandler(&log, nil))
			LogDecision(t.Context(), logger, "req-1", who, "scans.create", test.made)
			if test.level == "" {
				if log.String() != "" {
					t.Errorf("logged %s", &log)
				}
				return
			}
			var line map[string]any
			if err := json.Unmarshal([]byte(log.String()), &line); err != nil {
				t.Fatal(err)
			}
			for key, want := range map[string]any{
				"level": test.level, "allowed": test.made.Allowed, "operation": "scans.create",
				"reason": string(test.made.Reason), "rule": test.made.Rule, "policy_revision": test.made.Revision,
				"request_id": "req-1", "tenant_id": id(200).String(), "user_id": id(201).String(),
			} {
				if line[key] != want {
					t.Errorf("%s is %v, want %v", key, line[key], want)
				}
			}
			if strings.Contains(log.String(), who.Roles[0].Name) {
				t.Error("the log names a role")
			}
		})
	}
}

// The examples of POLICY.md are used as they stand there: together they are a policy folder.
func TestExamplesOfTheGuide(t *testing.T) {
	t.Parallel()
	folders := over(guide(t))
	if err := Check(t.Context(), folders); err != nil {
		t.Fatal(err)
	}
	report, err := Test(t.Context(), folders, true)
	if err != nil || !report.Passed() || !report.Covered() {
		t.Fatalf("passed %t, covered %t: %v", report.Passed(), report.Covered(), err)
	}
	// Each rule can be taken away only with its tests: they are about something.
	for _, name := range []string{"two_keys.rego", "api_keys.rego", "auditors.rego", "auditors_visibility.rego", "blackout.rego"} {
		if err := Check(t.Context(), over(without(guide(t), name))); err == nil {
			t.Errorf("without %s the tests pass all the same", name)
		}
	}
	snapshot := loadFolders(t, folders)
	providers := Role{ID: id(1), Permissions: Permissions{ManageProviders: true}, UnlimitedVisibility: true}
	auditor := Subject{TenantID: id(200), UserID: id(201), Email: "eve@audit.example.com", Credential: Token}
	key := subject(providers)
	key.Credential = APIKey
	for _, row := range []struct {
		who       Subject
		operation Operation
		rule      string
		allowed   bool
		sees      string
	}{
		{subject(providers), "providers.delete", "two-keys", false, `not excluded by (alias starts with "blackout-")`},
		{subject(providers), "providers.create", "provider-changes", true, `not excluded by (alias starts with "blackout-")`},
		{key, "providers.create", "keys-read", false, `not excluded by (alias starts with "blackout-")`},
		{auditor, "findings.list", "auditors-read", true, `(tag of a provider group is "audited") and (not excluded by (alias starts with "blackout-"))`},
		{auditor, "findings.latest", "auditors-read", true, `(tag of a provider group is "audited") and (not excluded by (alias starts with "blackout-"))`},
		{auditor, "scans.create", "scans", false, `(tag of a provider group is "audited") and (not excluded by (alias starts with "blackout-"))`},
		{subject(), "findings.list", "tenant-data", false, "no provider"},
		{subject(Role{ID: id(1), Permissions: everything, UnlimitedVisibility: true}), "providers.delete", "provider-changes", true, "every provider of the tenant"},
	} {
		explanation, err := snapshot.Explain(t.Context(), row.who, row.operation)
		if err != nil {
			t.Fatal(err)
		}
		sees := strings.TrimPrefix(explanation.Visibility.String(), "providers where ")
		if explanation.Decision.Rule != row.rule || explanation.Decision.Allowed != row.allowed || sees != row.sees {
			t.Errorf("%s: got\n%s", row.operation, explanation)
		}
	}
}

// guide are the files that POLICY.md shows, by the names that it gives them.
func guide(t testing.TB) fstest.MapFS {
	t.Helper()
	text, err := os.ReadFile("../../policy/POLICY.md")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	parts := strings.Split(string(text), "```rego\n")
	for i, part := range parts[1:] {
		names := fileName.FindAllString(parts[i], -1)
		content, _, _ := strings.Cut(part, "```")
		files[strings.Trim(names[len(names)-1], "`")] = &fstest.MapFile{Data: []byte(content)}
	}
	if len(files) != len(parts)-1 || len(files) != 9 {
		t.Fatalf("%d files of %d examples, want 9", len(files), len(parts)-1)
	}
	return files
}

var fileName = regexp.MustCompile("`[a-z_]+\\.rego`")
