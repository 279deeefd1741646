package scans_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/enginetest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// The credentials of the emulator's account: it takes any.
var emulated = map[string]any{"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"}

// realEngine starts an emulated account with a bucket and a user in it, and returns the settings of a server whose engine
// reaches it. A scan of everything would take most of an hour.
func realEngine(t *testing.T) app.Settings {
	t.Helper()
	python := enginetest.Real(t)
	url := enginetest.Emulator(t, python)
	for _, one := range []struct{ method, path, service, body string }{
		{http.MethodPut, "/palisade-bucket", "s3", ""},
		{http.MethodPost, "/", "iam", "Action=CreateUser&Version=2010-05-08&UserName=ada"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), one.method, url+one.path, strings.NewReader(one.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/"+one.service+
			"/aws4_request, SignedHeaders=host, Signature=0")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatalf("the emulator answers %s to %s", response.Status, one.service)
		}
	}
	t.Setenv("AWS_ENDPOINT_URL", url)
	return app.Settings{EnginePython: python, EnginePassEnv: []string{"AWS_ENDPOINT_URL"}, EngineServices: []string{"aws/iam", "aws/s3"}}
}

// connectReal connects an account with the emulator's credentials.
func connectReal(t *testing.T, person *apitest.Client, uid string) string {
	t.Helper()
	provider := person.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": uid}, nil).Want(t, 201).String("/data/id")
	person.Post(t, "/providers/secrets", "provider-secrets", map[string]any{"secret_type": "static", "secret": emulated},
		map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 201)
	return provider
}

func TestRealScanOfAnEmulatedAccount(t *testing.T) {
	server := apitest.StartWith(t, apitest.Setup{Settings: realEngine(t)})
	server.Work(t)
	ada := server.SignUp(t, "Ada")
	right, wrong := connectReal(t, ada, enginetest.EmulatedAccount), connectReal(t, ada, "999999999999")
	for provider, connected := range map[string]bool{right: true, wrong: false} {
		asked := ada.Do(t, http.MethodPost, "/providers/"+provider+"/connection", "application/json", []byte("{}")).Want(t, 202)
		task := ended(t, ada, asked.String("/data/id"))
		if task.String("/data/attributes/state") != "completed" || task.At("/data/attributes/result/connected") != connected ||
			(task.String("/data/attributes/result/error") == "") != connected {
			t.Errorf("check: %s", task.Raw)
		}
		if read := ada.Get(t, "/providers/"+provider).Want(t, 200); read.At("/data/attributes/connection/connected") != connected {
			t.Errorf("provider: %s", read.Raw)
		}
	}
	good, bad := start(t, ada, right, "right"), start(t, ada, wrong, "wrong")

	failed := ended(t, ada, bad.String("/data/id"))
	if failed.String("/data/attributes/state") != "failed" || failed.String("/data/attributes/result/exc_type") != "ProviderConnectionError" ||
		!strings.HasPrefix(failed.String("/data/attributes/result/exc_message/0"), "Provider aws is not connected: ") {
		t.Errorf("wrong account: %s", failed.Raw)
	}
	badScan := bad.String("/data/attributes/task_args/scan_id")
	if scan := ada.Get(t, "/scans/"+badScan).Want(t, 200); scan.String("/data/attributes/state") != "failed" {
		t.Errorf("wrong account: %s", scan.Raw)
	}
	if stored(t, server, badScan) != 0 {
		t.Error("the scan of the wrong account has findings")
	}

	if task := ended(t, ada, good.String("/data/id")); task.String("/data/attributes/state") != "completed" || task.At("/data/attributes/metadata/refused") != nil {
		t.Fatalf("scan: %s", task.Raw)
	}
	scan := good.String("/data/attributes/task_args/scan_id")
	findings := ada.Get(t, "/findings?filter[scan]="+scan+"&page[size]=1000&include=resources").Want(t, 200)
	count, _ := findings.At("/meta/pagination/count").(float64)
	if count < 10 || count != stored(t, server, scan) || findings.Len("/data") != int(count) {
		t.Fatalf("%v findings are listed, %v stored", count, stored(t, server, scan))
	}
	failures := 0.0
	for i := range findings.Len("/data") {
		at := fmt.Sprintf("/data/%d/attributes/", i)
		if findings.String(at+"status") == "FAIL" {
			failures++
		}
		if !strings.HasPrefix(findings.String(at+"check_id"), "iam_") && !strings.HasPrefix(findings.String(at+"check_id"), "s3_") ||
			findings.String(at+"check_metadata/checktitle") == "" || findings.String(at+"delta") != "new" {
			t.Errorf("finding %d: %v", i, findings.At(fmt.Sprintf("/data/%d", i)))
		}
	}
	if overview := ada.Get(t, "/overviews/findings").Want(t, 200); overview.At("/data/attributes/total") != count || overview.At("/data/attributes/fail") != failures {
		t.Errorf("%v findings, %v of them failures; overview: %s", count, failures, overview.Raw)
	}
	resources := ada.Get(t, "/resources/latest?page[size]=1000").Want(t, 200)
	names := map[string]bool{}
	for i := range resources.Len("/data") {
		names[resources.String(fmt.Sprintf("/data/%d/attributes/name", i))] = true
	}
	if !names["palisade-bucket"] || !names["ada"] {
		t.Errorf("resources: %v", names)
	}
	if read := ada.Get(t, "/scans/"+scan).Want(t, 200); read.At("/data/attributes/unique_resource_count") != float64(resources.Len("/data")) {
		t.Errorf("%d resources; scan: %s", resources.Len("/data"), read.Raw)
	}
}

// stored is how many findings of a scan are in the database, whoever may see them.
func stored(t *testing.T, server *apitest.Server, scan string) (findings float64) {
	t.Helper()
	err := server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select count(*)::float8 from findings where scan_id = $1`, scan).Scan(&findings)
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

func TestRealScanWhoseServerIsKilled(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("there is no /proc to look for processes in")
	}
	settings := realEngine(t)
	server := apitest.StartWith(t, apitest.Setup{Settings: settings})
	ada := server.SignUp(t, "Ada")
	provider := connectReal(t, ada, enginetest.EmulatedAccount)
	first, second := start(t, ada, provider, "killed"), start(t, ada, provider, "next")
	killed := first.String("/data/attributes/task_args/scan_id")

	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+strings.Join([]string{server.DB.URL(pgtest.App), server.DB.URL(pgtest.System), server.KeyDir,
		settings.EnginePython, strings.Join(settings.EnginePassEnv, ","), strings.Join(settings.EngineServices, ",")}, "\n"))
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	go logLines(t, output)
	// The engine has opened the account and looks around.
	for ada.Get(t, "/providers/"+provider).Want(t, 200).At("/data/attributes/connection/connected") != true {
		time.Sleep(20 * time.Millisecond)
	}
	engines := engineOf(t, child.Process.Pid)
	if len(engines) != 1 {
		t.Fatalf("the engine is %v", engines)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	for len(inGroup(t, engines[0])) > 0 {
		time.Sleep(20 * time.Millisecond) // the test's own limit is the only clock
	}
	if scan := ada.Get(t, "/scans/"+killed).Want(t, 200); scan.String("/data/attributes/state") != "executing" {
		t.Fatalf("after the kill: %s", scan.Raw)
	}

	server.Work(t)
	if task := ended(t, ada, first.String("/data/id")); task.String("/data/attributes/state") != "completed" {
		t.Fatalf("task: %s", task.Raw)
	}
	var findings, distinct float64
	err = server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select count(*)::float8, count(distinct uid)::float8 from findings where scan_id = $1`,
		killed).Scan(&findings, &distinct)
	if err != nil || findings == 0 || findings != distinct {
		t.Errorf("%v findings, %v distinct: %v", findings, distinct, err)
	}
	if overview := ada.Get(t, "/overviews/findings").Want(t, 200); overview.At("/data/attributes/total") != findings {
		t.Errorf("%v findings, overview: %s", findings, overview.Raw)
	}
	next := until(t, ada, "/scans/"+second.String("/data/attributes/task_args/scan_id"), "/data/attributes/state", "executing")
	if next.String("/data/attributes/started_at") < ada.Get(t, "/scans/"+killed).String("/data/attributes/completed_at") {
		t.Errorf("the next scan did not wait: %s", next.Raw)
	}
}

// engineOf are the engines that a process runs.
func engineOf(t *testing.T, parent int) []int {
	t.Helper()
	return processes(t, func(pid int, fields []string) bool {
		command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		return fields[1] == strconv.Itoa(parent) && strings.Contains(string(command), "engine.py")
	})
}

// inGroup are the processes of a process group that run.
func inGroup(t *testing.T, group int) []int {
	t.Helper()
	return processes(t, func(_ int, fields []string) bool { return fields[0] != "Z" && fields[2] == strconv.Itoa(group) })
}

// processes are those that match: by number and by what follows the name in /proc/PID/stat (state, parent, group, ...).
func processes(t *testing.T, matches func(pid int, fields []string) bool) (found []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		content, _ := os.ReadFile(path) // it may have ended
		_, rest, ok := strings.Cut(string(content), ") ")
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if fields := strings.Fields(rest); ok && err == nil && len(fields) > 2 && matches(pid, fields) {
			found = append(found, pid)
		}
	}
	return found
}
