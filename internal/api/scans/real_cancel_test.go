package scans_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/enginetest"
)

// otherAccount is a second account of the emulator.
const otherAccount = "210987654321"

// ask sends a signed form to the emulator, which looks at nothing of the signature but the key.
func ask(t *testing.T, method, url, service, key, body string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		t.Fatalf("the emulator answers %s to %s", response.Status, service)
	}
	return response
}

// connectOther connects the emulator's second account, in which there is a bucket, with the credentials of a role in it.
func connectOther(t *testing.T, person *apitest.Client, url string) string {
	t.Helper()
	var answer struct {
		Credentials struct {
			Key    string `xml:"AccessKeyId"`
			Secret string `xml:"SecretAccessKey"`
			Token  string `xml:"SessionToken"`
		} `xml:"AssumeRoleResult>Credentials"`
	}
	response := ask(t, http.MethodPost, url+"/", "sts", "AKIAIOSFODNN7EXAMPLE",
		"Action=AssumeRole&Version=2011-06-15&RoleSessionName=palisade&RoleArn=arn:aws:iam::"+otherAccount+":role/palisade")
	if err := xml.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	ask(t, http.MethodPut, url+"/other-bucket", "s3", answer.Credentials.Key, "")
	provider := person.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": otherAccount}, nil).Want(t, 201).String("/data/id")
	person.Post(t, "/providers/secrets", "provider-secrets", map[string]any{"secret_type": "static", "secret": map[string]any{
		"aws_access_key_id": answer.Credentials.Key, "aws_secret_access_key": answer.Credentials.Secret, "aws_session_token": answer.Credentials.Token}},
		map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 201)
	return provider
}

// onlyOf checks that a completed scan has findings, all of one account and not of the other.
func onlyOf(t *testing.T, server *apitest.Server, person *apitest.Client, scan, own, foreign string) {
	t.Helper()
	found := person.Get(t, "/findings?filter[scan]="+scan+"&page[size]=1000&include=resources").Want(t, 200)
	text := string(found.Raw)
	if found.Len("/data") == 0 || float64(found.Len("/data")) != stored(t, server, scan) || !strings.Contains(text, own) || strings.Contains(text, foreign) {
		t.Errorf("%d findings of scan %s, %v stored; %q in them: %v, %q: %v", found.Len("/data"), scan, stored(t, server, scan), own,
			strings.Contains(text, own), foreign, strings.Contains(text, foreign))
	}
}

// Two accounts are scanned at once by two workers; one of the scans is cancelled, the other one does not notice. What they find never
// mixes, at once or one after the other.
func TestRealScansOfTwoAccounts(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("there is no /proc to look for processes in")
	}
	settings := realEngine(t)
	settings.ScanConcurrency = 1
	server := apitest.StartWith(t, apitest.Setup{Settings: settings})
	server.Work(t)
	server.Work(t)
	ada := server.SignUp(t, "Ada")
	first, other := connectReal(t, ada, enginetest.EmulatedAccount), connectOther(t, ada, os.Getenv("AWS_ENDPOINT_URL"))
	stays := start(t, ada, first, "stays")
	staysTask, staysScan := stays.String("/data/id"), stays.String("/data/attributes/task_args/scan_id")
	until(t, ada, "/tasks/"+staysTask, "/data/attributes/state", "executing")
	var own []int
	for len(own) == 0 {
		own = engineOf(t, os.Getpid())
		time.Sleep(20 * time.Millisecond)
	}
	ends := start(t, ada, other, "ends")
	endsTask, endsScan := ends.String("/data/id"), ends.String("/data/attributes/task_args/scan_id")
	// Both are watched while they look around.
	for ada.Get(t, "/providers/"+other).Want(t, 200).At("/data/attributes/connection/connected") != true {
		time.Sleep(20 * time.Millisecond)
	}
	both := engineOf(t, os.Getpid())
	victims := slices.DeleteFunc(slices.Clone(both), func(pid int) bool { return slices.Contains(own, pid) })
	if len(victims) != 1 {
		t.Fatalf("the engines are %v, the first scan's %v", both, own)
	}
	if cancelled := ada.Delete(t, "/tasks/"+endsTask).Want(t, 202); cancelled.String("/data/attributes/state") != "cancelled" {
		t.Errorf("cancelled: %s", cancelled.Raw)
	}
	for len(inGroup(t, victims[0])) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
	again := start(t, ada, other, "again")
	leftovers(t, server, endsScan)
	if task := ended(t, ada, staysTask); task.String("/data/attributes/state") != "completed" {
		t.Fatalf("the other scan: %s", task.Raw)
	}
	if task := ended(t, ada, again.String("/data/id")); task.String("/data/attributes/state") != "completed" {
		t.Fatalf("the next scan: %s", task.Raw)
	}
	onlyOf(t, server, ada, staysScan, "palisade-bucket", "other-bucket")
	onlyOf(t, server, ada, again.String("/data/attributes/task_args/scan_id"), "other-bucket", "palisade-bucket")
	for scan, state := range map[string]string{staysScan: "completed", endsScan: "cancelled"} {
		if got := ada.Get(t, fmt.Sprintf("/scans/%s", scan)).Want(t, 200); got.String("/data/attributes/state") != state {
			t.Errorf("want %s: %s", state, got.Raw)
		}
	}
}
