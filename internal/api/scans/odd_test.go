package scans_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/enginetest"
)

// TestOddFindingsAreStoredOrTold: an SDK gives such ones, and no list and no count falls over them.
func TestOddFindingsAreStoredOrTold(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	provider, _ := connect(t, ada, account, enginetest.Odd)
	for round := range 2 {
		started := start(t, ada, provider, "")
		task := ended(t, ada, started.String("/data/id"))
		if task.String("/data/attributes/state") != "completed" || task.At("/data/attributes/metadata/refused/count") != 1.0 ||
			task.String("/data/attributes/metadata/refused/first/0/code") != "uid_too_long" {
			t.Fatalf("task: %s", task.Raw)
		}
		scan := started.String("/data/attributes/task_args/scan_id")
		found := ada.Get(t, "/findings?include=resources&sort=inserted_at&filter[scan]="+scan).Want(t, 200)
		if found.At("/meta/pagination/count") != 7.0 || found.Len("/data") != 7 {
			t.Fatalf("findings: %s", found.Raw)
		}
		// The two of the same uid are compared with an earlier scan, not with each other.
		for i := range 7 {
			if delta := found.At(fmt.Sprintf("/data/%d/attributes/delta", i)); (round == 0) != (delta == "new") {
				t.Errorf("round %d, finding %d: delta %v", round, i, delta)
			}
		}
		read := ada.Get(t, "/resources/latest?page[size]=50&sort=uid").Want(t, 200)
		if read.Len("/data") != 5 || read.String("/data/0/attributes/uid") != "" || read.String("/data/0/attributes/region") != "" ||
			read.String("/data/4/attributes/uid") != "wanderer" || read.String("/data/4/attributes/service") != "lambda" || read.String("/data/4/attributes/region") != "us-east-1" {
			t.Errorf("resources: %s", read.Raw)
		}
		if one := ada.Get(t, "/scans/"+scan).Want(t, 200); one.At("/data/attributes/unique_resource_count") != 5.0 {
			t.Errorf("scan: %s", one.Raw)
		}
		if overview := ada.Get(t, "/overviews/findings").Want(t, 200); overview.At("/data/attributes/total") != 7.0 {
			t.Errorf("overview: %s", overview.Raw)
		}
		for _, path := range []string{"/findings/metadata/latest", "/findings/metadata?filter[scan]=" + scan, "/resources/metadata/latest",
			"/findings/findings_services_regions?filter[scan]=" + scan, "/overviews/services", "/overviews/regions", "/findings/latest?filter[resource_uid]=wanderer"} {
			ada.Get(t, path).Want(t, 200)
		}
	}
}

func TestEnginesThatEndBadly(t *testing.T) {
	t.Parallel()
	var log journal
	server := apitest.StartWith(t, apitest.Setup{Settings: app.Settings{EnginePython: enginetest.Interpreter(t), ScanTimeout: 2 * time.Second},
		Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	server.Work(t)
	ada := server.SignUp(t, "Ada")
	i := 0
	for accessKey, kind := range map[string]string{enginetest.Killed: "EngineKilledError", enginetest.Hangs: "EngineTimeoutError", enginetest.Babbles: "EngineProtocolError"} {
		i++
		provider, _ := connect(t, ada, fmt.Sprintf("10000000000%d", i), accessKey)
		started := start(t, ada, provider, "")
		if task := ended(t, ada, started.String("/data/id")); task.String("/data/attributes/state") != "failed" || task.String("/data/attributes/result/exc_type") != kind {
			t.Errorf("%s: %s", accessKey, task.Raw)
		}
		scan := started.String("/data/attributes/task_args/scan_id")
		if found := ada.Get(t, "/findings?filter[scan]="+scan).Want(t, 200); found.Len("/data") != 0 {
			t.Errorf("%s: %s", accessKey, found.Raw)
		}
	}
	if text := log.String(); strings.Contains(text, enginetest.Token) {
		t.Error("the log shows the secret")
	}
}

func TestAnEngineThatFloodsItsErrorOutput(t *testing.T) {
	t.Parallel()
	var log journal
	server := apitest.StartWith(t, apitest.Setup{Settings: app.Settings{EnginePython: enginetest.Interpreter(t)}, Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	server.Work(t)
	ada := server.SignUp(t, "Ada")
	provider, _ := connect(t, ada, account, enginetest.Floods)
	started := start(t, ada, provider, "")
	if task := ended(t, ada, started.String("/data/id")); task.String("/data/attributes/state") != "completed" || len(task.Raw) > 8<<10 {
		t.Errorf("task: %.2000s", task.Raw)
	}
	if found := ada.Get(t, "/findings?filter[scan]="+started.String("/data/attributes/task_args/scan_id")).Want(t, 200); found.Len("/data") != 3 {
		t.Errorf("findings: %s", found.Raw)
	}
	if text := log.String(); len(text) > 1<<20 || !strings.Contains(text, "s3 says no to ***") || strings.Contains(text, enginetest.Token) {
		t.Errorf("the log has %d bytes: %.500s", len(text), text)
	}
}

// journal is a log that tests read.
type journal struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.text.String()
}
