package scans_test

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/enginetest"
)

// gone waits until nobody is left of the process group whose leader wrote its number into a file.
func gone(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	group, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for len(inGroup(t, group)) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
}

// leftovers waits until no findings of a scan are stored.
func leftovers(t *testing.T, server *apitest.Server, scan string) {
	t.Helper()
	for stored(t, server, scan) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
}

func TestARunningScanIsCancelled(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	gate := filepath.Join(t.TempDir(), "gate")
	provider, secret := connect(t, ada, account, enginetest.Waits(5000, gate))
	first, second := start(t, ada, provider, "first"), start(t, ada, provider, "second")
	task, scan := first.String("/data/id"), first.String("/data/attributes/task_args/scan_id")
	waitFor(t, gate+".at")
	if got := ada.Get(t, "/tasks?filter[state]=executing").Want(t, 200); got.Len("/data") != 1 || got.String("/data/0/id") != task {
		t.Errorf("executing: %s", got.Raw)
	}
	if got := ada.Get(t, "/tasks?filter[state]=available").Want(t, 200); got.Len("/data") != 1 || got.String("/data/0/id") != second.String("/data/id") {
		t.Errorf("available: %s", got.Raw)
	}
	for stored(t, server, scan) == 0 {
		time.Sleep(20 * time.Millisecond)
	}
	// The waiting scan will find other credentials.
	ada.Patch(t, "/providers/secrets/"+secret, "provider-secrets", secret, map[string]any{"secret": enginetest.Secret(enginetest.Finds(2))}, nil).Want(t, 200)
	cancelled := ada.Delete(t, "/tasks/"+task).Want(t, 202)
	if cancelled.String("/data/attributes/state") != "cancelled" || cancelled.String("/data/attributes/name") != "scan-perform" {
		t.Errorf("cancelled: %s", cancelled.Raw)
	}
	if again := ada.Delete(t, "/tasks/"+task).Want(t, 400); again.String("/errors/detail") != "Task cannot be revoked. Status: 'cancelled'" {
		t.Errorf("again: %s", again.Raw)
	}
	gone(t, gate+".at")
	if next := ended(t, ada, second.String("/data/id")); next.String("/data/attributes/state") != "completed" {
		t.Errorf("the next scan: %s", next.Raw)
	}
	leftovers(t, server, scan)
	shown := ada.Get(t, "/scans/"+scan).Want(t, 200)
	if shown.String("/data/attributes/state") != "cancelled" || shown.At("/data/attributes/started_at") == nil || shown.At("/data/attributes/completed_at") == nil {
		t.Errorf("the cancelled scan: %s", shown.Raw)
	}
	if got := ada.Get(t, "/findings/latest").Want(t, 200); got.Len("/data") != 2 {
		t.Errorf("findings: %s", got.Raw)
	}
	if got := ada.Get(t, "/tasks?filter[state]=cancelled").Want(t, 200); got.Len("/data") != 1 || got.String("/data/0/id") != task {
		t.Errorf("cancelled tasks: %s", got.Raw)
	}
	still := ada.Get(t, "/tasks/"+task).Want(t, 200) // the worker has nothing to say about it
	if still.String("/data/attributes/state") != "cancelled" || still.At("/data/attributes/result/exc_type") != nil {
		t.Errorf("in the end: %s", still.Raw)
	}
}

func TestAScanThatWaitsForItsTurnIsCancelled(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	gate := filepath.Join(t.TempDir(), "gate")
	provider, _ := connect(t, ada, account, enginetest.Waits(1, gate))
	first, second, third := start(t, ada, provider, "first"), start(t, ada, provider, "second"), start(t, ada, provider, "third")
	waitFor(t, gate+".at")
	if got := ada.Delete(t, "/tasks/"+second.String("/data/id")).Want(t, 202); got.String("/data/attributes/state") != "cancelled" {
		t.Errorf("cancelled: %s", got.Raw)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for one, state := range map[*apitest.Answer]string{first: "completed", second: "cancelled", third: "completed"} {
		if got := ended(t, ada, one.String("/data/id")); got.String("/data/attributes/state") != state {
			t.Errorf("want %s: %s", state, got.Raw)
		}
		if got := ada.Get(t, "/scans/"+one.String("/data/attributes/task_args/scan_id")).Want(t, 200); got.String("/data/attributes/state") != state {
			t.Errorf("want %s: %s", state, got.Raw)
		}
	}
}

// A cancel that meets the end of the scan has one outcome, and all that is said about the scan agrees with it.
func TestCancellingAScanThatIsEnding(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	provider, _ := connect(t, ada, account, enginetest.Finds(40))
	for range 8 {
		one := start(t, ada, provider, "")
		id, scan := one.String("/data/id"), one.String("/data/attributes/task_args/scan_id")
		until(t, ada, "/tasks/"+id, "/data/attributes/state", "executing", "completed")
		var answers [2]*apitest.Answer
		var both sync.WaitGroup
		for i := range answers {
			both.Go(func() { answers[i] = ada.Delete(t, "/tasks/"+id) })
		}
		both.Wait()
		state, accepted := ended(t, ada, id).String("/data/attributes/state"), 0
		for _, answer := range answers {
			switch {
			case answer.Status == 202:
				accepted++
			case answer.Status != 400 || answer.String("/errors/detail") != "Task cannot be revoked. Status: '"+state+"'":
				t.Errorf("of a task that is %s: %d %s", state, answer.Status, answer.Raw)
			}
		}
		if (state == "cancelled") != (accepted == 1) || accepted > 1 {
			t.Errorf("%d accepted, the task is %s", accepted, state)
		}
		if got := ada.Get(t, "/scans/"+scan).Want(t, 200); got.String("/data/attributes/state") != state {
			t.Errorf("the task is %s, the scan %s", state, got.Raw)
		}
		if state == "cancelled" {
			leftovers(t, server, scan)
		}
	}
	if last := ended(t, ada, start(t, ada, provider, "last").String("/data/id")); last.String("/data/attributes/state") != "completed" {
		t.Errorf("the last: %s", last.Raw)
	}
}

func TestTheFirstRunOfAScheduleIsCancelled(t *testing.T) {
	t.Parallel()
	server := apitest.StartIdle(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	provider, _ := connect(t, ada, account, enginetest.Finds(1))
	first := ada.Post(t, "/schedules/daily", "daily-schedules", map[string]any{"provider_id": provider}, nil).Want(t, 202)
	cancelled := ada.Delete(t, "/tasks/"+first.String("/data/id")).Want(t, 202)
	if cancelled.String("/data/attributes/state") != "cancelled" || cancelled.String("/data/attributes/name") != "scan-perform-scheduled" ||
		cancelled.String("/data/attributes/task_args/provider_id") != provider {
		t.Errorf("cancelled: %s", cancelled.Raw)
	}
	list := ada.Get(t, "/scans?sort=inserted_at").Want(t, 200)
	if list.Len("/data") != 2 || list.String("/data/0/attributes/state") != "cancelled" || list.String("/data/1/attributes/state") != "scheduled" {
		t.Errorf("scans: %s", list.Raw)
	}
	ada.Post(t, "/schedules/daily", "daily-schedules", map[string]any{"provider_id": provider}, nil).Want(t, 409)
}

func TestWhoMayCancelWhat(t *testing.T) {
	t.Parallel()
	server := apitest.StartIdle(t, enginetest.Interpreter(t))
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	gate := filepath.Join(t.TempDir(), "gate")
	seen, _ := connect(t, ada, account, enginetest.Waits(1, gate))
	hidden, _ := connect(t, ada, "999999999999", enginetest.Finds(1))
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "seen"}, map[string]any{"providers": apitest.Many("providers", seen)}).
		Want(t, 201).String("/data/id")
	scanner := ada.Member(t, "Scanner", ada.Role(t, "scanner", map[string]any{"manage_scans": true}, group))
	viewer := ada.Member(t, "Viewer", ada.Role(t, "viewer", map[string]any{}, group))
	mine, next, theirs := start(t, ada, seen, "mine"), start(t, ada, seen, "next"), start(t, ada, hidden, "theirs")
	server.Work(t)
	waitFor(t, gate+".at")
	task := mine.String("/data/id")
	viewer.Delete(t, "/tasks/"+task).Want(t, 403)
	bob.Delete(t, "/tasks/"+task).Want(t, 404)
	server.Anonymous().Delete(t, "/tasks/"+task).Want(t, 401)
	scanner.Delete(t, "/tasks/"+theirs.String("/data/id")).Want(t, 404)
	ada.Delete(t, "/tasks/not-an-id").Want(t, 404)
	// Who sees but a part of the tenant cancels there, and what follows is done all the same.
	scanner.Delete(t, "/tasks/"+task).Want(t, 202)
	gone(t, gate+".at")
	until(t, ada, "/tasks/"+next.String("/data/id"), "/data/attributes/state", "executing")
	scanner.Delete(t, "/tasks/"+next.String("/data/id")).Want(t, 202)
	leftovers(t, server, mine.String("/data/attributes/task_args/scan_id"))
	if got := ended(t, ada, theirs.String("/data/id")); got.String("/data/attributes/state") != "completed" {
		t.Errorf("another provider's: %s", got.Raw)
	}
}

func TestADeletionIsNotCancelled(t *testing.T) {
	t.Parallel()
	server := apitest.StartIdle(t, "")
	ada := server.SignUp(t, "Ada")
	provider, _ := connect(t, ada, account, "")
	task := ada.Delete(t, "/providers/"+provider).Want(t, 202).String("/data/id")
	refused := ada.Delete(t, "/tasks/"+task).Want(t, 400)
	if refused.String("/errors/detail") != "Task cannot be revoked. A deletion is done to its end." {
		t.Errorf("refused: %s", refused.Raw)
	}
	server.Work(t)
	if got := ended(t, ada, task); got.String("/data/attributes/state") != "completed" {
		t.Errorf("the deletion: %s", got.Raw)
	}
}

// An engine that somebody kills, or that ran out of memory, fails its scan, which leaves nothing behind.
func TestAScanWhoseEngineIsKilled(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	gate := filepath.Join(t.TempDir(), "gate")
	provider, secret := connect(t, ada, account, enginetest.Waits(5000, gate))
	first, second := start(t, ada, provider, "first"), start(t, ada, provider, "second")
	scan := first.String("/data/attributes/task_args/scan_id")
	waitFor(t, gate+".at")
	for stored(t, server, scan) == 0 {
		time.Sleep(20 * time.Millisecond)
	}
	ada.Patch(t, "/providers/secrets/"+secret, "provider-secrets", secret, map[string]any{"secret": enginetest.Secret(enginetest.Finds(2))}, nil).Want(t, 200)
	text, err := os.ReadFile(gate + ".at")
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	engine, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Kill(); err != nil {
		t.Fatal(err)
	}
	if task := ended(t, ada, first.String("/data/id")); task.String("/data/attributes/state") != "failed" ||
		task.String("/data/attributes/result/exc_type") != "EngineKilledError" {
		t.Errorf("task: %s", task.Raw)
	}
	if task := ended(t, ada, second.String("/data/id")); task.String("/data/attributes/state") != "completed" {
		t.Errorf("the next scan: %s", task.Raw)
	}
	leftovers(t, server, scan)
}
