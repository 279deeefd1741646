package ingestions_test

import (
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// A file whose task is cancelled has ended, keeps nothing, and does not keep the next one waiting.
func TestAFileWhoseTaskIsCancelled(t *testing.T) {
	t.Parallel()
	server := apitest.StartIdle(t, "")
	ada := server.SignUp(t, "Ada")
	ada.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": account}, nil).Want(t, 201)
	content := file(t, ocsftest.File{Account: account, Findings: 100})
	first, second := post(t, ada, content).Want(t, 202).String("/data/id"), post(t, ada, content).Want(t, 202).String("/data/id")
	task := ada.Get(t, "/ingestions/"+first).Want(t, 200).String("/data/relationships/task/data/id")
	ada.Delete(t, "/tasks/"+task).Want(t, 202)
	if got := ada.Get(t, "/ingestions/"+first).Want(t, 200); got.String("/data/attributes/state") != "failed" {
		t.Errorf("the cancelled file: %s", got.Raw)
	}
	if got := ada.Get(t, "/ingestions/"+first+"/errors").Want(t, 200); got.Len("/data") != 1 || got.String("/data/0/attributes/code") != "cancelled" {
		t.Errorf("its errors: %s", got.Raw)
	}
	var pieces int
	err := server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select count(*) from ingestion_chunks where ingestion_id = $1`, first).Scan(&pieces)
	if err != nil || pieces != 0 {
		t.Errorf("%d pieces of the file are kept: %v", pieces, err)
	}
	server.Work(t)
	if got := wait(t, ada, second); got.String("/data/attributes/state") != "completed" {
		t.Errorf("the next file: %s", got.Raw)
	}
}
