package resources_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/enginetest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
)

func TestMain(m *testing.M) {
	enginetest.Main()
	os.Exit(m.Run())
}

// held is an aws account with resources and, unless the access key is empty, a secret; it returns the id of one resource.
func held(t *testing.T, person *apitest.Client, uid, accessKey string) (resource, secret string) {
	t.Helper()
	provider := person.Connect(t, uid, "")
	if accessKey != "" {
		secret = person.Post(t, "/providers/secrets", "provider-secrets", map[string]any{"secret_type": "static", "secret": enginetest.Secret(accessKey)},
			map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 201).String("/data/id")
	}
	person.Ingest(t, ocsftest.File{Account: uid, Findings: 5})
	return person.Get(t, query("/resources/latest", "filter[provider]", provider)).Want(t, 200).String("/data/0/id"), secret
}

func TestEventsOfAResource(t *testing.T) {
	t.Parallel()
	server := apitest.StartIdle(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	bucket, _ := held(t, ada, account, enginetest.Happens(2))
	quiet, _ := held(t, ada, other, enginetest.Happens(0))
	for asked, want := range map[string][3]any{
		"":                                  {90.0, 50.0, false},
		"?lookback_days=7&page%5Bsize%5D=3": {7.0, 3.0, false},
		"?lookback_days=x&include_read_events=TRUE&lookback_days=%201": {1.0, 50.0, true},
		"?include_read_events=1": {90.0, 50.0, false},
	} {
		found := ada.Get(t, "/resources/"+bucket+"/events"+asked).Want(t, 200)
		if found.Len("/data") != 2 || found.At("/links") != nil || found.At("/meta/pagination") != nil {
			t.Errorf("%s: %s", asked, found.Raw)
		}
		for pointer, value := range map[string]any{
			"type": "resource-events", "id": "event-0", "attributes/event_time": "2026-01-02T03:04:05.500000Z", "attributes/event_name": "PutBucketPolicy",
			"attributes/event_source": "s3.amazonaws.com", "attributes/actor": "user/ada", "attributes/actor_uid": "arn:aws:iam::" + account + ":user/ada",
			"attributes/actor_type": "IAMUser", "attributes/source_ip_address": "192.0.2.1", "attributes/user_agent": nil, "attributes/response_data": nil,
			"attributes/error_code": "AccessDenied", "attributes/error_message": nil, "attributes/request_data/days": want[0],
			"attributes/request_data/limit": want[1], "attributes/request_data/reads": want[2], "attributes/request_data/region": "eu-west-1",
			"attributes/request_data/resource": "arn:aws:iam:eu-west-1:" + account + ":iam-0",
		} {
			if got := found.At("/data/0/" + pointer); got != value {
				t.Errorf("%s: %s is %v, want %v", asked, pointer, got, value)
			}
		}
		if _, isObject := found.At("/data/0/attributes").(map[string]any)["user_agent"]; !isObject {
			t.Errorf("what is not known is not there: %s", found.Raw)
		}
	}
	if none := ada.Get(t, "/resources/"+quiet+"/events").Want(t, 200); none.Len("/data") != 0 {
		t.Errorf("nothing happened: %s", none.Raw)
	}
}

func TestEventsThatAreRefused(t *testing.T) {
	t.Parallel()
	server := apitest.StartIdle(t, enginetest.Interpreter(t))
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	bucket, _ := held(t, ada, account, enginetest.Happens(1))
	shown, _ := held(t, ada, other, enginetest.Happens(1))
	provider := ada.Get(t, "/resources/"+shown).Want(t, 200).String("/data/relationships/provider/data/id")
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "Shown"},
		map[string]any{"providers": apitest.Many("providers", provider)}).Want(t, 201).String("/data/id")
	dan, eve := ada.Member(t, "Dan", ada.Role(t, "limited", nil, group)), ada.Member(t, "Eve")
	for name, c := range map[string]struct {
		person *apitest.Client
		path   string
		status int
		code   string
	}{
		"unknown parameter":     {ada, bucket + "/events?nonsense=1&lookback_days=x", 400, "invalid"},
		"fields":                {ada, bucket + "/events?fields[resource-events]=actor", 400, "invalid"},
		"half an escape":        {ada, bucket + "/events?%zz%ff=1", 400, "invalid"},
		"days":                  {ada, bucket + "/events?lookback_days=1.5&page[size]=0", 400, "invalid"},
		"more days than a word": {ada, bucket + "/events?lookback_days=99999999999999999999", 400, "out_of_range"},
		"negative":              {ada, bucket + "/events?page[size]=-1", 400, "out_of_range"},
		"another tenant":        {bob, bucket + "/events?nonsense=1", 404, "not_found"},
		"hidden":                {dan, bucket + "/events", 404, "not_found"},
		"no role":               {eve, bucket + "/events", 403, "permission_denied"},
		"nobody":                {server.Anonymous(), bucket + "/events", 401, "not_authenticated"},
		"no id":                 {ada, "x/events", 404, "not_found"},
	} {
		if answer := c.person.Get(t, "/resources/"+c.path).Want(t, c.status); answer.String("/errors/0/code") != c.code {
			t.Errorf("%s: %s", name, answer.Raw)
		}
	}
	if found := dan.Get(t, "/resources/"+shown+"/events").Want(t, 200); found.Len("/data") != 1 {
		t.Errorf("dan: %s", found.Raw)
	}
	ada.Delete(t, "/providers/"+provider).Want(t, 202)
	ada.Get(t, "/resources/"+shown+"/events").Want(t, 404)
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

func TestWhatKeepsEventsBackIsSaid(t *testing.T) {
	t.Parallel()
	var log journal
	server := apitest.StartWith(t, apitest.Setup{Settings: app.Settings{EnginePython: enginetest.Interpreter(t)}, Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	ada := server.SignUp(t, "Ada")
	number := 0
	for accessKey, want := range map[string]struct {
		status int
		code   string
	}{
		enginetest.Denied: {502, "upstream_access_denied"}, enginetest.Expired: {502, "upstream_auth_failed"}, enginetest.Away: {503, "service_unavailable"},
		enginetest.Dies: {500, "internal_error"}, enginetest.Babbles: {500, "internal_error"}, "": {500, "internal_error"}, enginetest.Happens(51): {500, "internal_error"},
	} {
		number++
		bucket, _ := held(t, ada, "10000000000"+string(rune('0'+number)), accessKey)
		answer := ada.Get(t, "/resources/"+bucket+"/events").Want(t, want.status)
		if answer.String("/errors/0/code") != want.code || answer.String("/errors/0/source/pointer") != "/data" || answer.String("/errors/0/detail") == "" {
			t.Errorf("%q: %s", accessKey, answer.Raw)
		}
		if strings.Contains(string(answer.Raw), enginetest.Token) {
			t.Errorf("the answer shows the secret: %s", answer.Raw)
		}
	}
	if text := log.String(); !strings.Contains(text, "could not be looked up") || strings.Contains(text, enginetest.Token) {
		t.Errorf("log: %s", text)
	}
}

func TestEventsWithoutAnEngine(t *testing.T) {
	t.Parallel()
	server := apitest.StartIdle(t, "/nonexistent/python")
	ada := server.SignUp(t, "Ada")
	bucket, secret := held(t, ada, account, enginetest.Happens(1))
	if answer := ada.Get(t, "/resources/"+bucket+"/events").Want(t, 503); answer.String("/errors/0/code") != "service_unavailable" {
		t.Errorf("answer: %s", answer.Raw)
	}
	ada.Delete(t, "/providers/secrets/"+secret).Want(t, 204)
	ada.Get(t, "/resources/"+bucket+"/events").Want(t, 500)
}

// TestWhoWaitsForEventsKeepsNobodyElse has more look at once than there are connections to the database and places for engines.
func TestWhoWaitsForEventsKeepsNobodyElse(t *testing.T) {
	t.Parallel()
	server := apitest.StartIdle(t, enginetest.Interpreter(t))
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	gate := filepath.Join(t.TempDir(), "gate")
	slow, _ := held(t, ada, account, enginetest.Waits(0, gate))
	quick, _ := held(t, bob, account, enginetest.Happens(1))
	answers := make(chan int)
	for range 6 {
		go func() { answers <- ada.Get(t, "/resources/"+slow+"/events").Status }()
	}
	for !exists(gate + ".at") {
		time.Sleep(10 * time.Millisecond)
	}
	if found := bob.Get(t, "/resources/"+quick+"/events").Want(t, 200); found.Len("/data") != 1 {
		t.Errorf("bob: %s", found.Raw)
	}
	ada.Get(t, "/resources/"+slow).Want(t, 200)
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		if status := <-answers; status != 200 {
			t.Errorf("status %d", status)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
