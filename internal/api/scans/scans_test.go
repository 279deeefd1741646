package scans_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/enginetest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

func TestMain(m *testing.M) {
	enginetest.Main()
	if text := os.Getenv(childVariable); text != "" {
		work(strings.Split(text, "\n"))
	}
	os.Exit(m.Run())
}

const account = "123456789012"

// connect connects an account whose engine behaves as the access key says; an empty key leaves the secret out.
func connect(t *testing.T, person *apitest.Client, uid, accessKey string) (provider, secret string) {
	t.Helper()
	provider = person.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": uid}, nil).Want(t, 201).String("/data/id")
	if accessKey != "" {
		secret = person.Post(t, "/providers/secrets", "provider-secrets", map[string]any{"secret_type": "static", "secret": enginetest.Secret(accessKey)},
			map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 201).String("/data/id")
	}
	return provider, secret
}

func start(t *testing.T, person *apitest.Client, provider, name string) *apitest.Answer {
	t.Helper()
	attributes := map[string]any{}
	if name != "" {
		attributes["name"] = name
	}
	answer := person.Post(t, "/scans", "scans", attributes, map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 202)
	if got, want := answer.Header.Get("Content-Location"), "/api/v1/tasks/"+answer.String("/data/id"); got != want {
		t.Errorf("Content-Location %q, want %q", got, want)
	}
	return answer
}

// until asks for a path until a member of the answer has one of some values; the test's own limit is the only clock.
func until(t *testing.T, person *apitest.Client, path, pointer string, values ...string) *apitest.Answer {
	t.Helper()
	for {
		answer := person.Get(t, path).Want(t, 200)
		for _, value := range values {
			if answer.String(pointer) == value {
				return answer
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func ended(t *testing.T, person *apitest.Client, task string) *apitest.Answer {
	t.Helper()
	return until(t, person, "/tasks/"+task, "/data/attributes/state", "completed", "failed", "cancelled")
}

func waitFor(t *testing.T, path string) {
	t.Helper()
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestAScanFindsWhatThereIs(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	provider, _ := connect(t, ada, account, enginetest.Finds(10))
	started := start(t, ada, provider, "First look")
	scan := started.String("/data/attributes/task_args/scan_id")
	if started.String("/data/attributes/state") != "available" || started.String("/data/attributes/task_args/provider_id") != provider {
		t.Errorf("task: %s", started.Raw)
	}
	task := ended(t, ada, started.String("/data/id"))
	for pointer, want := range map[string]string{"/data/attributes/state": "completed", "/data/attributes/result/id": scan,
		"/data/attributes/result/name": "First look", "/data/attributes/result/state": "completed"} {
		if got := task.String(pointer); got != want {
			t.Errorf("task %s is %q, want %q", pointer, got, want)
		}
	}
	read := ada.Get(t, "/scans/"+scan+"?include=provider").Want(t, 200)
	resources := ada.Get(t, "/resources/latest").Want(t, 200).At("/meta/pagination/count")
	if read.String("/data/attributes/state") != "completed" || read.At("/data/attributes/progress") != 100.0 ||
		resources == 0.0 || read.At("/data/attributes/unique_resource_count") != resources || read.String("/data/relationships/task/data/id") != started.String("/data/id") {
		t.Errorf("scan: %s", read.Raw)
	}
	if read.At("/included/0/attributes/connection/connected") != true {
		t.Errorf("the provider is not noted as connected: %s", read.Raw)
	}
}

func TestWhatCanGoWrongWithAScanIsSaid(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	cases := []struct {
		name, accessKey string
		kind, message   string
		connected       any
	}{
		{"no secret", "", "ProviderConnectionError", "Provider aws is not connected: Provider has no secret.", false},
		{"refused", enginetest.Refused, "ProviderConnectionError", "Provider aws is not connected: AccessDenied for ***", false},
		{"another account", enginetest.Foreign, "WrongAccountError", "the engine gave findings of another account", true},
		{"dies", enginetest.Dies, "EngineProtocolError", "", true},
		{"babbles", enginetest.Babbles, "EngineProtocolError", "", true},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			provider, _ := connect(t, ada, fmt.Sprintf("10000000000%d", i), c.accessKey)
			started := start(t, ada, provider, "")
			task := ended(t, ada, started.String("/data/id"))
			message := task.String("/data/attributes/result/exc_message/0")
			if task.String("/data/attributes/state") != "failed" || task.String("/data/attributes/result/exc_type") != c.kind ||
				message == "" || c.message != "" && message != c.message {
				t.Errorf("task: %s", task.Raw)
			}
			if strings.Contains(string(task.Raw), enginetest.Token) {
				t.Errorf("the task shows the secret: %s", task.Raw)
			}
			scan := ada.Get(t, "/scans/"+started.String("/data/attributes/task_args/scan_id")+"?include=provider").Want(t, 200)
			if scan.String("/data/attributes/state") != "failed" || scan.At("/data/attributes/progress") != 0.0 ||
				scan.At("/data/attributes/started_at") == nil || scan.At("/data/attributes/completed_at") == nil ||
				scan.At("/included/0/attributes/connection/connected") != c.connected {
				t.Errorf("scan: %s", scan.Raw)
			}
		})
	}
}

func TestWithoutAnEngineATaskSaysWhatToInstall(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, "/nonexistent/python")
	ada := server.SignUp(t, "Ada")
	provider, _ := connect(t, ada, account, enginetest.Finds(1))
	for _, task := range []string{
		start(t, ada, provider, "").String("/data/id"),
		ada.Do(t, http.MethodPost, "/providers/"+provider+"/connection", "", nil).Want(t, 202).String("/data/id"),
	} {
		one := ended(t, ada, task)
		if one.String("/data/attributes/state") != "failed" || !strings.Contains(one.String("/data/attributes/result/exc_message/0"), "pip install prowler") {
			t.Errorf("task: %s", one.Raw)
		}
	}
}

func TestWhatCannotBeStoredIsCountedAndListed(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	for i, c := range []struct {
		good, bad, listed int
	}{{3, 5, 5}, {0, 150, 100}} {
		provider, _ := connect(t, ada, fmt.Sprintf("10000000000%d", i), enginetest.Spoils(c.good, c.bad))
		started := start(t, ada, provider, "")
		task := ended(t, ada, started.String("/data/id"))
		const refused = "/data/attributes/metadata/refused"
		if task.String("/data/attributes/state") != "completed" || task.At(refused+"/count") != float64(c.bad) || task.Len(refused+"/first") != c.listed {
			t.Errorf("task: %s", task.Raw)
		}
		if task.String(refused+"/first/0/code") != "malformed" || task.String(refused+"/first/0/finding_uid") != "lost-finding" ||
			task.At(refused+"/first/0/finding_index") != float64(c.good) || task.String(refused+"/first/1/code") != "missing_resource" ||
			task.String(refused+"/first/3/code") != "missing_uid" || task.At(refused+"/first/3/finding_uid") != nil || task.String(refused+"/first/3/detail") == "" {
			t.Errorf("refused: %s", task.Raw)
		}
		var counted float64
		for _, code := range []string{"malformed", "missing_resource", "missing_uid"} {
			number, _ := task.At(refused + "/by_code/" + code).(float64)
			counted += number
		}
		if counted != float64(c.bad) {
			t.Errorf("by code they are %v: %s", counted, task.Raw)
		}
		scan := started.String("/data/attributes/task_args/scan_id")
		if found := ada.Get(t, "/findings?filter[scan]="+scan).Want(t, 200); found.At("/meta/pagination/count") != float64(c.good) {
			t.Errorf("findings: %s", found.Raw)
		}
	}
	// A scan that could store everything says nothing of the kind.
	provider, _ := connect(t, ada, account, enginetest.Finds(2))
	if task := ended(t, ada, start(t, ada, provider, "").String("/data/id")); task.At("/data/attributes/metadata/refused") != nil {
		t.Errorf("task: %s", task.Raw)
	}
}

func TestScansOfAProviderTakeTurns(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	gate := filepath.Join(t.TempDir(), "gate")
	provider, secret := connect(t, ada, account, enginetest.Waits(3, gate))
	other, _ := connect(t, ada, "999999999999", enginetest.Finds(1))
	first := start(t, ada, provider, "first")
	waitFor(t, gate+".at")
	// A running scan keeps the secret that it has; the waiting ones will find none.
	ada.Delete(t, "/providers/secrets/"+secret).Want(t, 204)
	second, third := start(t, ada, provider, "second"), start(t, ada, provider, "third")
	if task := ended(t, ada, start(t, ada, other, "other").String("/data/id")); task.String("/data/attributes/state") != "completed" {
		t.Errorf("another provider's scan waited: %s", task.Raw)
	}
	running := until(t, ada, "/scans?sort=inserted_at&filter[provider]="+provider, "/data/0/attributes/state", "executing")
	if running.String("/data/1/attributes/state") != "available" || running.String("/data/2/attributes/state") != "available" {
		t.Errorf("while the first runs: %s", running.Raw)
	}
	until(t, ada, "/scans?sort=inserted_at&filter[provider]="+provider+"&filter[state]=executing&fields[scans]=name", "/data/0/attributes/name", "first")
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		answer *apitest.Answer
		state  string
	}{{first, "completed"}, {second, "failed"}, {third, "failed"}} {
		if task := ended(t, ada, one.answer.String("/data/id")); task.String("/data/attributes/state") != one.state {
			t.Errorf("want %s: %s", one.state, task.Raw)
		}
	}
	list := ada.Get(t, "/scans?sort=inserted_at&filter[provider]="+provider).Want(t, 200)
	for i := range 2 {
		end, next := list.String(fmt.Sprintf("/data/%d/attributes/completed_at", i)), list.String(fmt.Sprintf("/data/%d/attributes/started_at", i+1))
		if end == "" || next < end {
			t.Errorf("scan %d ended at %q, the next started at %q", i, end, next)
		}
	}
}

func TestARenameDuringAScanStays(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	gate := filepath.Join(t.TempDir(), "gate")
	provider, _ := connect(t, ada, account, enginetest.Waits(3, gate))
	started := start(t, ada, provider, "before")
	waitFor(t, gate+".at")
	scan := started.String("/data/attributes/task_args/scan_id")
	ada.Patch(t, "/scans/"+scan, "scans", scan, map[string]any{"name": "after"}, nil).Want(t, 200)
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if task := ended(t, ada, started.String("/data/id")); task.String("/data/attributes/result/name") != "before" {
		t.Errorf("task: %s", task.Raw)
	}
	if read := ada.Get(t, "/scans/"+scan).Want(t, 200); read.String("/data/attributes/name") != "after" {
		t.Errorf("scan: %s", read.Raw)
	}
}

func TestConnectionChecks(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	for i, c := range []struct {
		accessKey string
		connected bool
		reason    any
	}{{enginetest.Finds(1), true, nil}, {enginetest.Refused, false, "AccessDenied for ***"}, {"", false, "Provider has no secret."}} {
		provider, _ := connect(t, ada, fmt.Sprintf("10000000000%d", i), c.accessKey)
		asked := ada.Do(t, http.MethodPost, "/providers/"+provider+"/connection", "application/json", []byte("{}")).Want(t, 202)
		task := ended(t, ada, asked.String("/data/id"))
		if task.String("/data/attributes/state") != "completed" || task.At("/data/attributes/result/connected") != c.connected || task.At("/data/attributes/result/error") != c.reason {
			t.Errorf("task: %s", task.Raw)
		}
		read := ada.Get(t, "/providers/"+provider).Want(t, 200)
		if read.At("/data/attributes/connection/connected") != c.connected || read.At("/data/attributes/connection/last_checked_at") == nil {
			t.Errorf("provider: %s", read.Raw)
		}
	}
}

func TestPeopleSeeScansAndTasksOfWhatTheySee(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	seen, _ := connect(t, ada, account, "")
	hidden, _ := connect(t, ada, "999999999999", "")
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "seen"}, map[string]any{"providers": apitest.Many("providers", seen)}).
		Want(t, 201).String("/data/id")
	scanner := ada.Member(t, "Scanner", ada.Role(t, "scanner", map[string]any{"manage_scans": true}, group))
	viewer := ada.Member(t, "Viewer", ada.Role(t, "viewer", map[string]any{}, group))
	one, other := start(t, ada, seen, "seen"), start(t, ada, hidden, "hidden")
	ended(t, ada, one.String("/data/id"))
	ended(t, ada, other.String("/data/id"))
	hiddenScan, seenScan := other.String("/data/attributes/task_args/scan_id"), one.String("/data/attributes/task_args/scan_id")

	for name, person := range map[string]*apitest.Client{"scanner": scanner, "viewer": viewer} {
		if got := person.Get(t, "/scans").Want(t, 200); got.Len("/data") != 1 || got.String("/data/0/id") != seenScan {
			t.Errorf("%s sees scans %s", name, got.Raw)
		}
		if got := person.Get(t, "/tasks").Want(t, 200); got.Len("/data") != 1 || got.String("/data/0/id") != one.String("/data/id") {
			t.Errorf("%s sees tasks %s", name, got.Raw)
		}
		person.Get(t, "/scans/"+hiddenScan).Want(t, 404)
		person.Get(t, "/tasks/"+other.String("/data/id")).Want(t, 404)
		person.Get(t, "/scans?filter[provider]="+hidden).Want(t, 400)
	}
	start(t, scanner, seen, "mine")
	scanner.Post(t, "/scans", "scans", nil, map[string]any{"provider": apitest.One("providers", hidden)}).Want(t, 400)
	scanner.Post(t, "/schedules/daily", "daily-schedules", map[string]any{"provider_id": hidden}, nil).Want(t, 404)
	scanner.Patch(t, "/scans/"+hiddenScan, "scans", hiddenScan, map[string]any{"name": "Taken"}, nil).Want(t, 404)
	scanner.Delete(t, "/tasks/"+other.String("/data/id")).Want(t, 404)
	scanner.Do(t, http.MethodPost, "/providers/"+seen+"/connection", "", nil).Want(t, 403)

	viewer.Post(t, "/scans", "scans", nil, map[string]any{"provider": apitest.One("providers", seen)}).Want(t, 403)
	viewer.Post(t, "/schedules/daily", "daily-schedules", map[string]any{"provider_id": seen}, nil).Want(t, 403)
	viewer.Patch(t, "/scans/"+seenScan, "scans", seenScan, map[string]any{"name": "Taken"}, nil).Want(t, 403)
	viewer.Delete(t, "/tasks/"+one.String("/data/id")).Want(t, 403)

	if got := bob.Get(t, "/scans").Want(t, 200); got.Len("/data") != 0 {
		t.Errorf("bob sees %s", got.Raw)
	}
	bob.Get(t, "/scans/"+seenScan).Want(t, 404)
	bob.Get(t, "/tasks/"+one.String("/data/id")).Want(t, 404)
	bob.Delete(t, "/tasks/"+one.String("/data/id")).Want(t, 404)
	bob.Post(t, "/scans", "scans", nil, map[string]any{"provider": apitest.One("providers", seen)}).Want(t, 400)
	bob.Post(t, "/schedules/daily", "daily-schedules", map[string]any{"provider_id": seen}, nil).Want(t, 404)
	bob.Do(t, http.MethodPost, "/providers/"+seen+"/connection", "", nil).Want(t, 404)
	server.Anonymous().Get(t, "/scans").Want(t, 401)
	server.Anonymous().Get(t, "/tasks").Want(t, 401)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	server := apitest.StartIdle(t, "")
	ada := server.SignUp(t, "Ada")
	provider, _ := connect(t, ada, account, "")
	related := map[string]any{"provider": apitest.One("providers", provider)}
	for name, c := range map[string]struct {
		attributes, relationships map[string]any
		pointer, code             string
	}{
		"no provider":   {nil, nil, "/data/relationships/provider", "required"},
		"unknown":       {nil, map[string]any{"provider": apitest.One("providers", "00000000-0000-4000-8000-000000000000")}, "/data/relationships/provider", "does_not_exist"},
		"short name":    {map[string]any{"name": "ab"}, related, "/data/attributes/name", "min_length"},
		"nul":           {map[string]any{"name": "a\x00bc"}, related, "/data/attributes/name", "null_characters_not_allowed"},
		"scope of scan": {map[string]any{"scanner_args": map[string]any{"checks": []string{"x"}}}, related, "/data", "invalid"},
	} {
		got := ada.Post(t, "/scans", "scans", c.attributes, c.relationships).Want(t, 400)
		if got.String("/errors/0/source/pointer") != c.pointer || got.String("/errors/0/code") != c.code {
			t.Errorf("%s: %s", name, got.Raw)
		}
	}
	for _, query := range []string{"filter[state]=running", "filter[provider]=abc", "filter[nothing]=1", "sort=attempted_at", "include=task",
		"filter[provider]=00000000-0000-4000-8000-000000000000", "filter[name]=%00"} {
		ada.Get(t, "/scans?"+query).Want(t, 400)
	}
	for _, query := range []string{"filter[state]=running", "filter[id]=1", "sort=completed_at", "include=scan"} {
		ada.Get(t, "/tasks?"+query).Want(t, 400)
	}
	ada.Get(t, "/tasks?filter[state]=scheduled").Want(t, 200)
	if got := ada.Get(t, "/scans").Want(t, 200); got.Len("/data") != 0 {
		t.Errorf("a refused request left %s", got.Raw)
	}
}

func TestATaskCanBeCancelledBeforeItBegins(t *testing.T) {
	t.Parallel()
	server := apitest.StartIdle(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	provider, _ := connect(t, ada, account, enginetest.Finds(1))
	first, second := start(t, ada, provider, "first"), start(t, ada, provider, "second")
	revoked := ada.Delete(t, "/tasks/"+first.String("/data/id")).Want(t, 202)
	if revoked.String("/data/attributes/state") != "cancelled" {
		t.Errorf("revoked: %s", revoked.Raw)
	}
	again := ada.Delete(t, "/tasks/"+first.String("/data/id")).Want(t, 400)
	if again.String("/errors/detail") != "Task cannot be revoked. Status: 'cancelled'" {
		t.Errorf("again: %s", again.Raw)
	}
	server.Work(t)
	if task := ended(t, ada, second.String("/data/id")); task.String("/data/attributes/state") != "completed" {
		t.Errorf("the next scan: %s", task.Raw)
	}
	if scan := ada.Get(t, "/scans/"+first.String("/data/attributes/task_args/scan_id")).Want(t, 200); scan.String("/data/attributes/state") != "cancelled" || scan.At("/data/attributes/started_at") != nil {
		t.Errorf("the revoked scan: %s", scan.Raw)
	}
}

func TestADailySchedule(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	provider, _ := connect(t, ada, account, enginetest.Finds(2))
	first := ada.Post(t, "/schedules/daily", "daily-schedules", map[string]any{"provider_id": provider}, nil).Want(t, 202)
	if first.String("/data/attributes/state") != "available" || first.String("/data/attributes/name") != "scan-perform-scheduled" {
		t.Errorf("first run: %s", first.Raw)
	}
	refused := ada.Post(t, "/schedules/daily", "daily-schedules", map[string]any{"provider_id": provider}, nil).Want(t, 409)
	if refused.String("/errors/0/source/pointer") != "/data/attributes/provider_id" {
		t.Errorf("second schedule: %s", refused.Raw)
	}
	if task := ended(t, ada, first.String("/data/id")); task.String("/data/attributes/state") != "completed" {
		t.Errorf("first run: %s", task.Raw)
	}
	list := ada.Get(t, "/scans?sort=inserted_at").Want(t, 200)
	if list.Len("/data") != 2 || list.String("/data/0/attributes/state") != "completed" || list.String("/data/1/attributes/state") != "scheduled" ||
		list.String("/data/1/attributes/name") != "Daily scheduled scan" || list.At("/data/1/relationships/task/data") != nil {
		t.Fatalf("scans: %s", list.Raw)
	}
	if planned := list.String("/data/1/attributes/scheduled_at"); planned <= list.String("/data/0/attributes/completed_at") {
		t.Errorf("the next run is planned for %s", planned)
	}
}

// childVariable tells the test binary to be a server process without a listener that its parent will kill: connection strings,
// key folder, engine, and the engine's variables and services, one a line.
const childVariable = "PALISADE_TEST_SCANS_CHILD"

func work(arguments []string) {
	arguments = append(arguments, "", "")
	program, err := app.Open(context.Background(), app.Settings{AppURL: arguments[0], SystemURL: arguments[1], KeyDir: arguments[2],
		EnginePython: arguments[3], EnginePassEnv: list(arguments[4]), EngineServices: list(arguments[5]), TokenLimit: "off", MaxConns: 4}, slog.New(slog.NewTextHandler(os.Stdout, nil)))
	if err == nil {
		err = program.Work(context.Background())
	}
	fmt.Println("ended:", err)
	os.Exit(1)
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

func TestAKilledScanStartsAgainAndTheNextOneFollows(t *testing.T) {
	t.Parallel()
	python := enginetest.Interpreter(t)
	server := apitest.StartIdle(t, python)
	ada := server.SignUp(t, "Ada")
	gate := filepath.Join(t.TempDir(), "gate")
	// More than a batch, so that the killed attempt has stored something.
	provider, _ := connect(t, ada, account, enginetest.Waits(5003, gate))
	first := start(t, ada, provider, "killed")
	second := start(t, ada, provider, "next")

	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+strings.Join([]string{server.DB.URL(pgtest.App), server.DB.URL(pgtest.System), server.KeyDir, python}, "\n"))
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	go logLines(t, output)
	waitFor(t, gate+".at")
	// The engine has written everything; wait until what it wrote is being stored.
	until(t, ada, "/scans/"+first.String("/data/attributes/task_args/scan_id")+"?include=provider", "/data/attributes/state", "executing")
	for ada.Get(t, "/scans/"+first.String("/data/attributes/task_args/scan_id")).At("/data/attributes/progress") != 50.0 {
		time.Sleep(20 * time.Millisecond)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	if scan := ada.Get(t, "/scans/"+first.String("/data/attributes/task_args/scan_id")).Want(t, 200); scan.String("/data/attributes/state") != "executing" {
		t.Fatalf("after the kill: %s", scan.Raw)
	}

	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	server.Work(t)
	for _, task := range []string{first.String("/data/id"), second.String("/data/id")} {
		if one := ended(t, ada, task); one.String("/data/attributes/state") != "completed" {
			t.Errorf("task: %s", one.Raw)
		}
	}
	list := ada.Get(t, "/scans?sort=inserted_at").Want(t, 200)
	if list.Len("/data") != 2 || list.At("/data/0/attributes/unique_resource_count") != list.At("/data/1/attributes/unique_resource_count") {
		t.Errorf("scans: %s", list.Raw)
	}
	for _, one := range []*apitest.Answer{first, second} {
		var findings int
		err := server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select count(*) from findings where scan_id = $1`,
			one.String("/data/attributes/task_args/scan_id")).Scan(&findings)
		if err != nil || findings != 5003 {
			t.Errorf("%d findings are stored: %v", findings, err)
		}
	}
	if list.String("/data/1/attributes/started_at") < list.String("/data/0/attributes/completed_at") {
		t.Errorf("the next scan did not wait: %s", list.Raw)
	}
}

func logLines(t *testing.T, from io.Reader) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		_, _ = fmt.Fprintln(t.Output(), "child:", lines.Text())
	}
}
