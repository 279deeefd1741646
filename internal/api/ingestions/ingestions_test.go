package ingestions_test

import (
	"bytes"
	"mime/multipart"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
)

const account = "123456789012"

func form(t *testing.T, field string, content []byte) (contentType string, body []byte) {
	t.Helper()
	var buffer bytes.Buffer
	writer := multipart.NewWriter(&buffer)
	part, err := writer.CreateFormFile(field, "output.ocsf.json")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(content)
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return writer.FormDataContentType(), buffer.Bytes()
}

func file(t *testing.T, sample ocsftest.File) []byte {
	t.Helper()
	var content bytes.Buffer
	if err := sample.Write(&content); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

func post(t *testing.T, client *apitest.Client, content []byte) *apitest.Answer {
	t.Helper()
	contentType, body := form(t, "file", content)
	return client.Do(t, "POST", "/ingestions", contentType, body)
}

// wait returns the ingestion once it has ended.
func wait(t *testing.T, client *apitest.Client, id string) *apitest.Answer {
	t.Helper()
	for range 600 {
		answer := client.Get(t, "/ingestions/"+id).Want(t, 200)
		if state := answer.String("/data/attributes/state"); state == "completed" || state == "failed" {
			return answer
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the ingestion did not end")
	return nil
}

func TestAFileHandedInBecomesAScan(t *testing.T) {
	t.Parallel()
	server := apitest.StartWorking(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	ada.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": account}, nil).Want(t, 201)
	content := file(t, ocsftest.File{Account: account, Findings: 100})
	post(t, server.Anonymous(), content).Want(t, 401)
	if refused := post(t, bob, content).Want(t, 400); refused.String("/errors/0/code") != "unknown_provider" {
		t.Fatalf("bob: %s", refused.Raw)
	}
	accepted := post(t, ada, content).Want(t, 202)
	id := accepted.String("/data/id")
	if got := accepted.Header.Get("Content-Location"); got != "/api/v1/ingestions/"+id {
		t.Errorf("Content-Location %q", got)
	}
	done := wait(t, ada, id)
	if done.String("/data/attributes/state") != "completed" || done.At("/data/attributes/findings_count") != 100.0 || done.String("/data/relationships/scan/data/id") == "" {
		t.Fatalf("ended as %s", done.Raw)
	}
	bob.Get(t, "/ingestions/"+id).Want(t, 404)
	bob.Get(t, "/ingestions/"+id+"/errors").Want(t, 404)
	if list := bob.Get(t, "/ingestions").Want(t, 200); list.Len("/data") != 0 {
		t.Errorf("bob sees %s", list.Raw)
	}
	if list := ada.Get(t, "/ingestions?filter[status]=completed").Want(t, 200); list.Len("/data") != 1 {
		t.Errorf("ada sees %s", list.Raw)
	}
}

func TestWhatCannotBeStoredIsCountedAndListed(t *testing.T) {
	t.Parallel()
	server := apitest.StartWorking(t)
	ada := server.SignUp(t, "Ada")
	ada.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": account}, nil).Want(t, 201)
	good := bytes.TrimSuffix(file(t, ocsftest.File{Account: account, Findings: 10}), []byte("]\n"))
	foreign := bytes.TrimPrefix(file(t, ocsftest.File{Account: "999999999999", Findings: 1}), []byte("["))
	content := append(append(append([]byte(nil), good...), []byte(",\n{\"nothing\":1},\n")...), foreign...)
	done := wait(t, ada, post(t, ada, content).Want(t, 202).String("/data/id"))
	if done.At("/data/attributes/findings_count") != 10.0 || done.At("/data/attributes/errors_count") != 2.0 {
		t.Fatalf("ended as %s", done.Raw)
	}
	errors := ada.Get(t, "/ingestions/"+done.String("/data/id")+"/errors").Want(t, 200)
	if errors.Len("/data") != 2 || errors.String("/data/1/attributes/code") != "foreign_account" {
		t.Fatalf("errors %s", errors.Raw)
	}
}

func TestBadFormsAreRefused(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	contentType, body := form(t, "other", []byte("[]"))
	ada.Do(t, "POST", "/ingestions", contentType, body).Want(t, 400)
	ada.Do(t, "POST", "/ingestions", "application/json", []byte("[]")).Want(t, 415)
	ada.Do(t, "POST", "/ingestions", "multipart/form-data", []byte("[]")).Want(t, 400)
	ada.Do(t, "POST", "/ingestions", contentType, []byte("garbage")).Want(t, 400)
	post(t, ada, []byte("not JSON")).Want(t, 400)
	post(t, ada, nil).Want(t, 400)
}
