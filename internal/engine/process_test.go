package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/ocsf"
)

const (
	testUID    = "111122223333"
	testSecret = `{"aws_access_key_id": "AKIAHOUSEHOUSE", "aws_secret_access_key": "hush-hush-hush", "nested": {"key": "-----BEGIN KEY-----\nline one\nline two\n-----END KEY-----\n"}}`
)

// python finds an interpreter with the standard library alone, past any shim that picks versions.
func python(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Skip("there is no python3 to play the engine")
	}
	return strings.TrimSpace(string(out))
}

// prelude is what every fake engine begins with.
const prelude = `
import json, os, sys, time
request = json.load(sys.stdin)
def say(**line):
    print(json.dumps(line), flush=True)
def finding(number, account="111122223333", provider="aws"):
    return {"severity": "Low", "status_code": "PASS", "status_detail": "fine", "metadata": {"event_code": "lamp_is_off"},
            "finding_info": {"uid": "prowler-%s-lamp-%d" % (provider, number)}, "resources": [{"uid": "r", "labels": ["a:b"]}],
            "unmapped": {"provider": provider, "provider_uid": account}}
`

// fake returns an engine that runs this script in place of ours.
func fake(t *testing.T, script string, options Options) *Prowler {
	t.Helper()
	options.Python, options.TempDir = python(t), t.TempDir()
	engine := NewProwler(options)
	engine.script = []byte(prelude + script)
	return engine
}

func testRequest() Request {
	return Request{Provider: "aws", UID: testUID, Secret: Secret(testSecret)}
}

// notes is a sink that remembers.
type notes struct {
	events  []string
	last    ocsf.Finding
	failure error
}

func (n *notes) Connected() error { n.events = append(n.events, "connected"); return nil }
func (n *notes) Progress(percent float64) error {
	n.events = append(n.events, fmt.Sprint(percent))
	return nil
}
func (n *notes) Finding(f ocsf.Finding) error {
	n.events, n.last = append(n.events, f.UID), f
	return n.failure
}
func (n *notes) Refused(e *ocsf.ItemError) error {
	n.events = append(n.events, fmt.Sprintf("%d:%s", e.Index, e.Code))
	return nil
}

func TestScanHandsOnWhatTheEngineGives(t *testing.T) {
	t.Parallel()
	engine := fake(t, `
say(type="connection", connected=True, error=None)
say(type="finding", tags={"aws:one:two:three": "four", "b": "c"}, ocsf=finding(1))
say(type="progress", value=50)
say(type="progress", value=20)
say(type="finding", ocsf={"finding_info": {"uid": "bad"}})
say(type="finding", tags={}, ocsf=dict(finding(2), message="x" * 5000000))
say(type="finding", ocsf=finding(3))
say(type="lost", uid="gone")
say(type="progress", value=100)
sys.stderr.write("a warning with hush-hush-hush in it")
say(type="done")
`, Options{})
	var got notes
	result, err := engine.Scan(t.Context(), testRequest(), &got)
	if err != nil {
		t.Fatal(err)
	}
	want := "[connected prowler-aws-lamp-1 50 1:missing_check 2:too_large prowler-aws-lamp-3 4:malformed 100]"
	if fmt.Sprint(got.events) != want {
		t.Errorf("got  %v\nwant %s", got.events, want)
	}
	if result.Findings != 2 || result.Refused != 3 || result.Output != "a warning with *** in it" {
		t.Errorf("result %+v", result)
	}
	if fmt.Sprint(got.last.Resource.Tags) != "[{a b}]" {
		t.Errorf("tags without the engine's own: %v", got.last.Resource.Tags)
	}
}

func TestScanKeepsColonsInTagKeys(t *testing.T) {
	t.Parallel()
	engine := fake(t, `
say(type="connection", connected=True)
say(type="finding", tags={"z:y:x": "4", "b": "c\u0000"}, ocsf=finding(1))
say(type="done")
`, Options{})
	var got notes
	if _, err := engine.Scan(t.Context(), testRequest(), &got); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got.last.Resource.Tags) != "[{b c} {z:y:x 4}]" {
		t.Errorf("tags %v", got.last.Resource.Tags)
	}
}

func TestScanFailures(t *testing.T) {
	t.Parallel()
	const connected = "say(type='connection', connected=True)\n"
	for _, test := range []struct {
		name, script string
		want         error
		detail       string
	}{
		{"garbage", connected + "print('hello', flush=True); time.sleep(60)", ErrProtocol, "not JSON"},
		{"half a line", connected + "sys.stdout.write('{\"type\":'); sys.stdout.flush()", ErrProtocol, "too early"},
		{"another type of line", connected + "say(type='other')", ErrProtocol, "other"},
		{"finding before the connection", "say(type='finding', ocsf=finding(1))", ErrProtocol, "finding"},
		{"nothing", "", ErrProtocol, "too early (exit 0)"},
		{"done at once", "say(type='done')", ErrProtocol, "without a connection"},
		{"exit 3", connected + "sys.exit(3)", ErrProtocol, "exit 3"},
		{"killed", connected + "os.kill(os.getpid(), 9)", ErrKilled, "memory"},
		{"exit 137", connected + "os._exit(137)", ErrKilled, "memory"},
		{"traceback", "raise ValueError('hush-hush-hush')", ErrProtocol, "exit 1"},
		{"hangs", connected + "time.sleep(600)", ErrTimeout, ""},
		{"closes its output and hangs", "os.close(1); os.close(2); time.sleep(600)", ErrTimeout, ""},
		{"wrong account", connected + "say(type='finding', ocsf=finding(1, account='999999999999')); time.sleep(600)", ErrWrongAccount, ""},
		{"other provider type", connected + "say(type='finding', ocsf=finding(1, provider='gcp'))", ErrWrongAccount, ""},
		{"not installed", "say(type='error', code='not_installed', detail='No module named prowler')", ErrNotInstalled, "pip install prowler"},
		{"refused", "say(type='error', code='refused', detail='not hush-hush-hush')", ErrRefused, "not ***"},
		{"failed", connected + "say(type='error', code='failed', detail='line one')", ErrFailed, "***"},
		{"too little memory", "x = bytearray(1 << 30); say(type='done')", ErrProtocol, "exit 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			options := Options{Memory: 512 << 20, ScanTimeout: 30 * time.Second}
			if test.want == ErrTimeout {
				options.ScanTimeout = 2 * time.Second
			}
			engine := fake(t, test.script, options)
			_, err := engine.Scan(t.Context(), testRequest(), &notes{})
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.detail) {
				t.Errorf("got %v, want %v with %q", err, test.want, test.detail)
			}
			if failure, ok := errors.AsType[*ProcessError](err); ok && strings.Contains(failure.Output+err.Error(), "hush") {
				t.Errorf("the secret shows: %+v", failure)
			}
			if left, _ := os.ReadDir(engine.options.TempDir); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestScanThatIsNotConnected(t *testing.T) {
	t.Parallel()
	engine := fake(t, `say(type="connection", connected=False, error="key AKIAHOUSEHOUSE is of another account"); time.sleep(60)`, Options{})
	_, err := engine.Scan(t.Context(), testRequest(), &notes{})
	failure, ok := errors.AsType[*NotConnectedError](err)
	if !ok || failure.Error() != "Provider aws is not connected: key *** is of another account" {
		t.Errorf("got %v", err)
	}
}

func TestScanStopsAtItsSink(t *testing.T) {
	t.Parallel()
	engine := fake(t, "say(type='connection', connected=True)\nfor i in range(100000): say(type='finding', ocsf=finding(i))", Options{})
	full := errors.New("full")
	if _, err := engine.Scan(t.Context(), testRequest(), &notes{failure: full}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

func TestConnect(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script string
		want   ConnectResult
	}{
		"connected": {"say(type='connection', connected=True, error=None); say(type='done')", ConnectResult{Connected: true}},
		"refused":   {"say(type='connection', connected=False, error='bad hush-hush-hush'); say(type='done')", ConnectResult{Error: "bad ***"}},
		"no reason": {"say(type='connection', connected=False, error=None); say(type='done')", ConnectResult{Error: "The provider gave no reason."}},
		"lingers":   {"say(type='connection', connected=True); say(type='done'); time.sleep(600)", ConnectResult{Connected: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := fake(t, test.script, Options{}).Connect(t.Context(), testRequest())
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	t.Run("gives nothing", func(t *testing.T) {
		t.Parallel()
		if _, err := fake(t, "say(type='done')", Options{}).Connect(t.Context(), testRequest()); !errors.Is(err, ErrProtocol) {
			t.Errorf("got %v", err)
		}
	})
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	engine := fake(t, `
assert request == {"operation": "describe", "providers": ["aws"]}, request
say(type="header", engine="prowler", version="1.2.3")
say(type="check", provider="aws", id="lamp_is_off", check={"Provider": "aws", "CheckID": "lamp_is_off", "Remediation": {"Code": {"CLI": "off"}}, "Extra": 1})
say(type="framework", provider="aws", id="house_1.0_aws", framework={"framework": "House", "requirements": [{"id": "1", "attributes": [{"a": 1}], "checks": ["lamp_is_off"]}]})
say(type="done")
`, Options{})
	var checks []catalogue.Check
	var frameworks []catalogue.Framework
	header, err := engine.Describe(t.Context(), func(c catalogue.Check) error { checks = append(checks, c); return nil },
		func(f catalogue.Framework) error { frameworks = append(frameworks, f); return nil }, "aws")
	if err != nil {
		t.Fatal(err)
	}
	if header.Version != "1.2.3" || len(checks) != 1 || checks[0].Remediation.Code.CLI != "off" || len(frameworks) != 1 || frameworks[0].ID != "house_1.0_aws" {
		t.Errorf("%+v %+v %+v", header, checks, frameworks)
	}
}

func TestTheErrorOutputIsBounded(t *testing.T) {
	t.Parallel()
	engine := fake(t, `
for i in range(200000): sys.stderr.write("hush-hush-hush%d " % i)
sys.stderr.write("the end")
sys.stderr.flush()
say(type="error", code="failed", detail="no")
`, Options{})
	_, err := engine.Scan(t.Context(), testRequest(), &notes{})
	failure, ok := errors.AsType[*ProcessError](err)
	if !ok || !errors.Is(err, ErrFailed) {
		t.Fatalf("got %v", err)
	}
	if len(failure.Output) > keptOutput+100 || !strings.HasSuffix(failure.Output, "the end") || strings.Contains(failure.Output, "hush") {
		t.Errorf("%d bytes: %.80q", len(failure.Output), failure.Output)
	}
}

func TestNoSecretInArgumentsEnvironmentOrFiles(t *testing.T) {
	t.Setenv("PALISADE_TEST_PASSED", "passed")
	t.Setenv("PALISADE_TEST_KEPT", "kept")
	engine := fake(t, `
say(type="connection", connected=True)
def text(path):
    with open(path, "rb") as file: return file.read().decode().replace("\0", "\n")
say(type="finding", ocsf=dict(finding(1), status_detail=json.dumps({
    "cmdline": text("/proc/self/cmdline"), "environ": text("/proc/self/environ"), "got": request["secret"]["aws_secret_access_key"] == "hush-hush-hush",
    "files": {name: text(name) for name in os.listdir(".")}, "cwd": os.getcwd(), "group": os.getpgid(0) == os.getpid(),
})))
say(type="done")
`, Options{PassEnv: []string{"PALISADE_TEST_PASSED", "PALISADE_TEST_ABSENT"}})
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("there is no /proc to look into")
	}
	// The script holds the secret's value to compare with: only the copy in the folder may.
	engine.script = []byte(strings.ReplaceAll(string(engine.script), `== "hush-hush-hush"`, `== "hush-" + "hush-" + "hush"`))
	var got notes
	if _, err := engine.Scan(t.Context(), testRequest(), &got); err != nil {
		t.Fatal(err)
	}
	seen := got.last.StatusDetail
	for _, value := range []string{"hush-hush-hush", "AKIAHOUSEHOUSE", "line one", "PALISADE_TEST_KEPT", "PALISADE_TEST_ABSENT"} {
		if strings.Contains(seen, value) {
			t.Errorf("%s shows in %s", value, seen)
		}
	}
	for _, value := range []string{`"got": true`, `"group": true`, "PALISADE_TEST_PASSED=passed", `HOME=` + engine.options.TempDir} {
		if !strings.Contains(seen, value) {
			t.Errorf("%s is missing in %s", value, seen)
		}
	}
}

func TestCancelEndsTheWholeGroup(t *testing.T) {
	t.Parallel()
	engine := fake(t, `
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
say(type="connection", connected=True)
say(type="finding", ocsf=dict(finding(1), status_detail=str(child.pid)))
time.sleep(600)
`, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got notes
	_, err := engine.Scan(ctx, testRequest(), &cancelling{&got, cancel})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	gone(t, got.last.StatusDetail)
}

func TestNothingIsLeftRunningAfterAGoodEnd(t *testing.T) {
	t.Parallel()
	engine := fake(t, `
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
say(type="connection", connected=True)
say(type="finding", ocsf=dict(finding(1), status_detail=str(child.pid)))
say(type="done")
`, Options{})
	var got notes
	if _, err := engine.Scan(t.Context(), testRequest(), &got); err != nil {
		t.Fatal(err)
	}
	gone(t, got.last.StatusDetail)
}

// cancelling cancels at the first finding.
type cancelling struct {
	*notes
	cancel func()
}

func (c *cancelling) Finding(f ocsf.Finding) error {
	defer c.cancel()
	return c.notes.Finding(f)
}

// gone waits until no process with that number runs; a zombie counts as gone.
func gone(t *testing.T, number string) {
	t.Helper()
	pid, err := strconv.Atoi(number)
	if err != nil {
		t.Fatalf("no process number: %q", number)
	}
	for range 1000 {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if syscall.Kill(pid, 0) != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d still runs", pid)
}

func TestWithoutAnInterpreter(t *testing.T) {
	t.Parallel()
	engine := NewProwler(Options{Python: filepath.Join(t.TempDir(), "python")})
	if _, err := engine.Connect(t.Context(), testRequest()); !errors.Is(err, ErrNotInstalled) || !strings.Contains(err.Error(), "pip install prowler") {
		t.Errorf("got %v", err)
	}
}

func TestAnInterpreterWithoutTheEngine(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if out, err := exec.Command(python(t), "-m", "venv", "--without-pip", folder).CombinedOutput(); err != nil {
		t.Skipf("no virtual environment without the engine can be made: %s", out)
	}
	engine := NewProwler(Options{Python: filepath.Join(folder, "bin", "python")})
	if _, err := engine.Connect(t.Context(), testRequest()); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("got %v", err)
	}
}

func TestInterpreterOfACommand(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	interpreter := filepath.Join(folder, "python3")
	if err := os.WriteFile(interpreter, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ content, want string }{
		"plain":      {"#!" + interpreter + "\nimport prowler\n", interpreter},
		"options":    {"#! " + interpreter + " -s\n", interpreter},
		"long path":  {"#!/bin/sh\n'''exec' " + interpreter + " \"$0\" \"$@\"\n' '''\n", interpreter},
		"quoted":     {"#!/bin/sh\n'''exec' \"" + interpreter + "\" \"$0\" \"$@\"\n' '''\n", interpreter},
		"shell":      {"#!/bin/sh\nexec python3 -m prowler\n", ""},
		"binary":     {"\x7fELF", ""},
		"empty":      {"", ""},
		"bare":       {"#!", ""},
		"other":      {"#!/usr/bin/perl\n", ""},
		"not there":  {"#!" + folder + "/none/python3\n", ""},
		"env, other": {"#!/usr/bin/env perl\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := filepath.Join(folder, strings.ReplaceAll(name, " ", "-"))
			if err := os.WriteFile(command, []byte(test.content), 0o700); err != nil {
				t.Fatal(err)
			}
			if got := interpreterOf(command); got != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	request := testRequest()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if text := fmt.Sprintf(verb, request); strings.Contains(text, "hush") || !strings.Contains(text, hidden) {
			t.Errorf("%s gives %s", verb, text)
		}
	}
}

func TestRedactorHidesEveryForm(t *testing.T) {
	t.Parallel()
	redactor := newRedactor([]byte(testSecret))
	for _, text := range []string{`a\nline one\nb`, "line two", "hush-hush-hush", "xAKIAHOUSEHOUSEx", `-----BEGIN KEY-----\nline one\nline two\n-----END KEY-----\n`} {
		got := redactor.clean(text)
		if !strings.Contains(got, hidden) || strings.Contains(got, "line o") || strings.Contains(got, "hush") || strings.Contains(got, "KEY") {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got := newRedactor([]byte(`{"a": "abc", "b": ["", 7, null]}`)).clean("abc 7"); got != "abc 7" {
		t.Errorf("short values were hidden: %q", got)
	}
	if got := newRedactor(nil).clean("abc"); got != "abc" {
		t.Errorf("without a secret: %q", got)
	}
}

func TestScansLookAtTheServicesThatAreSet(t *testing.T) {
	t.Parallel()
	services, err := ParseServices([]string{"aws/s3", "gcp/iam", "aws/iam"})
	if err != nil {
		t.Fatal(err)
	}
	asked := testRequest()
	asked.Scope = Scope{Services: []string{"ec2", "iam"}, Checks: []string{"iam_lamp_is_off"}}
	outside := testRequest()
	outside.Scope.Services = []string{"ec2"}
	if _, err := fake(t, "", Options{Services: services}).Scan(t.Context(), outside, &notes{}); !errors.Is(err, ErrRefused) {
		t.Errorf("services that the installation does not look at: %v", err)
	}
	other := testRequest()
	other.Provider = "azure"
	for name, test := range map[string]struct {
		request Request
		want    string
	}{"set": {testRequest(), `["s3", "iam"]`}, "asked for": {asked, `["iam"]`}, "another type": {other, "null"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine := fake(t, `
say(type="connection", connected=True)
say(type="finding", ocsf=dict(finding(1, provider=request["provider"]), status_detail=json.dumps(request["scope"].get("services"))))
say(type="done")
`, Options{Services: services})
			var got notes
			if _, err := engine.Scan(t.Context(), test.request, &got); err != nil || got.last.StatusDetail != test.want {
				t.Errorf("scanned %s, %v", got.last.StatusDetail, err)
			}
		})
	}
}

func TestServicesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{"s3", "aws/", "/s3", "aws/s3/x", "aws/S 3", "aws,s3"} {
		if got, err := ParseServices([]string{"aws/iam", entry}); err == nil {
			t.Errorf("%q gives %v", entry, got)
		}
	}
}
