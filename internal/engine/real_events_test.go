package engine

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/enginetest"
)

// trail stands before the AWS emulator, which has no look-up of events, and answers that itself.
type trail struct {
	mutex   sync.Mutex
	failure string              // error code of every look-up
	events  map[string][]string // names of events by the name of the resource, the newest first
	asked   []string            // region and name of the resource of each look-up
}

func (s *trail) lookUp(w http.ResponseWriter, r *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var query struct {
		LookupAttributes []struct{ AttributeKey, AttributeValue string }
		MaxResults       int
		NextToken        *int `json:",string"`
		StartTime        float64
	}
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err := json.Unmarshal(body, &query); err != nil || len(query.LookupAttributes) != 1 || query.LookupAttributes[0].AttributeKey != "ResourceName" ||
		query.StartTime > float64(time.Now().AddDate(0, 0, -6).Unix()) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type": "InvalidLookupAttributesException", "message": "as the test says"}`)
		return
	}
	if s.failure != "" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type": "`+s.failure+`", "message": "as the test wants it"}`)
		return
	}
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	name := query.LookupAttributes[0].AttributeValue
	s.asked = append(s.asked, strings.Split(scope, "/")[2]+" "+name)
	page, next := s.events[name], ""
	if query.NextToken != nil {
		page = page[*query.NextToken:]
	}
	if len(page) > 2 { // pages of two, whatever is asked for
		page, next = page[:2], string(rune('0'+len(s.events[name])-len(page)+2))
	}
	answer := map[string]any{"Events": []any{}}
	if next != "" {
		answer["NextToken"] = next
	}
	for _, event := range page {
		details, _ := json.Marshal(map[string]any{"userIdentity": map[string]any{"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/ada"},
			"sourceIPAddress": "192.0.2.1", "requestParameters": map[string]any{"bucketName": name}, "responseElements": nil, "userAgent": 7})
		answer["Events"] = append(answer["Events"].([]any), map[string]any{"EventId": "id of " + event, "EventName": event, "EventTime": 1767322245.5,
			"EventSource": "s3.amazonaws.com", "CloudTrailEvent": string(details)})
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// start returns the address of the emulator with the trail.
func (s *trail) start(t *testing.T, emulator string) string {
	t.Helper()
	target, err := url.Parse(emulator)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".LookupEvents") {
			s.lookUp(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestRealEngineLooksUpEvents(t *testing.T) {
	interpreter := enginetest.Real(t)
	log := &trail{events: map[string][]string{
		"bucket": {"PutBucketPolicy", "GetObject", "ListObjects", "DeleteBucketPolicy", "CreateBucket"}, "arn:aws:kms:us-east-1:123456789012:key/k": {"DisableKey"},
	}}
	t.Setenv("AWS_ENDPOINT_URL", log.start(t, enginetest.Emulator(t, interpreter)))
	engine := NewProwler(Options{Python: interpreter, TempDir: t.TempDir(), PassEnv: []string{"AWS_ENDPOINT_URL"}})
	asked := EventsRequest{Request: Request{Provider: "aws", UID: enginetest.EmulatedAccount, Secret: Secret(
		`{"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"}`)},
		Resource: "arn:aws:s3:::bucket", Region: "eu-west-1", Days: 7, Limit: 50}
	names := func(events []Event) string {
		var all []string
		for _, event := range events {
			all = append(all, event.Name)
		}
		return strings.Join(all, " ")
	}
	few, reads, key, quiet := asked, asked, asked, asked
	few.Limit, few.Region = 2, "mars-north-1"
	reads.Reads = true
	key.Resource, key.Region = "arn:aws:kms:us-east-1:123456789012:key/k", ""
	quiet.Resource = "i-0"
	for _, c := range []struct {
		name         string
		asked        EventsRequest
		want, places string
	}{
		{"changes", asked, "PutBucketPolicy DeleteBucketPolicy CreateBucket",
			"eu-west-1 arn:aws:s3:::bucket,eu-west-1 bucket,eu-west-1 bucket,eu-west-1 bucket"},
		{"few, of a region that is none", few, "PutBucketPolicy DeleteBucketPolicy", "us-east-1 arn:aws:s3:::bucket,us-east-1 bucket,us-east-1 bucket"},
		{"reads", reads, "PutBucketPolicy GetObject ListObjects DeleteBucketPolicy CreateBucket",
			"eu-west-1 arn:aws:s3:::bucket,eu-west-1 bucket,eu-west-1 bucket,eu-west-1 bucket"},
		{"by its whole name, without a region", key, "DisableKey", "us-east-1 " + key.Resource},
		{"nothing", quiet, "", "eu-west-1 i-0"},
	} {
		log.asked = nil
		found, err := engine.Events(t.Context(), c.asked)
		if err != nil {
			t.Fatalf("%s: %v\n%s", c.name, err, outputOf(err))
		}
		if names(found) != c.want || strings.Join(log.asked, ",") != c.places {
			t.Errorf("%s: %q by asking for %q", c.name, names(found), log.asked)
		}
		if c.name == "changes" {
			one := found[0]
			if one.ID != "id of PutBucketPolicy" || !one.Time.Equal(time.UnixMilli(1767322245500)) || one.Source != "s3.amazonaws.com" || one.Actor != "user/ada" ||
				*one.ActorUID != "arn:aws:iam::123456789012:user/ada" || *one.ActorType != "IAMUser" || *one.Address != "192.0.2.1" || one.Agent != nil ||
				string(one.Request) != `{"bucketName":"bucket"}` || string(one.Response) != "null" || one.ErrorCode != nil {
				t.Errorf("event %+v", one)
			}
		}
	}
	foreign := asked
	foreign.UID = "999999999999"
	if _, err := engine.Events(t.Context(), foreign); !errors.Is(err, ErrCredentials) {
		t.Errorf("another account: %v", err)
	}
	other := asked
	other.Provider = "gcp"
	if _, err := engine.Events(t.Context(), other); !errors.Is(err, ErrRefused) {
		t.Errorf("another type: %v", err)
	}
	for failure, want := range map[string]error{"AccessDeniedException": ErrDenied, "ExpiredTokenException": ErrCredentials, "ThrottlingException": ErrUnavailable,
		"SomethingNew": ErrUnavailable} {
		log.failure = failure
		if _, err := engine.Events(t.Context(), asked); !errors.Is(err, want) || strings.Contains(err.Error()+outputOf(err), "wJalr") {
			t.Errorf("%s: %v", failure, err)
		}
	}
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	if _, err := engine.Events(t.Context(), asked); !errors.Is(err, ErrUnavailable) {
		t.Errorf("nobody there: %v\n%s", err, outputOf(err))
	}
}
