package scans_test

import (
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/enginetest"
)

// TestAScanThatFindsNothingIsTheNewestToo scans an account that has been emptied since the scan before.
func TestAScanThatFindsNothingIsTheNewestToo(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	provider, secret := connect(t, ada, account, enginetest.Finds(10))
	first := start(t, ada, provider, "").String("/data/attributes/task_args/scan_id")
	until(t, ada, "/scans/"+first, "/data/attributes/state", "completed")
	if ada.Get(t, "/findings/latest").Len("/data") != 10 || ada.Get(t, "/overviews/findings").At("/data/attributes/total") != 10.0 {
		t.Fatal("the first scan found something else")
	}
	ada.Patch(t, "/providers/secrets/"+secret, "provider-secrets", secret, map[string]any{"secret": enginetest.Secret(enginetest.Finds(0))}, nil).Want(t, 200)
	task := ended(t, ada, start(t, ada, provider, "").String("/data/id"))
	scan := task.String("/data/attributes/result/id")
	read := ada.Get(t, "/scans/"+scan).Want(t, 200)
	if task.String("/data/attributes/state") != "completed" || read.String("/data/attributes/state") != "completed" ||
		read.At("/data/attributes/unique_resource_count") != 0.0 || read.At("/data/attributes/progress") != 100.0 {
		t.Errorf("task %s\nscan %s", task.Raw, read.Raw)
	}
	if latest := ada.Get(t, "/findings/latest").Want(t, 200); latest.Len("/data") != 0 {
		t.Errorf("findings of the scan before are the newest: %s", latest.Raw)
	}
	if total := ada.Get(t, "/overviews/findings").Want(t, 200); total.At("/data/attributes/total") != 0.0 {
		t.Errorf("overview: %s", total.Raw)
	}
	if before := ada.Get(t, "/findings?filter[scan]="+first).Want(t, 200); before.Len("/data") != 10 {
		t.Errorf("findings of the scan before: %d", before.Len("/data"))
	}
}
