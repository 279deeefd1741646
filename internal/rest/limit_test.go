package rest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/jsonapi"
)

func TestLimitsAreRead(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{"": true, "off": true, "50/minute": true, "1 / day": true, "3/second": true, "2/hour": true,
		"0/minute": false, "-1/minute": false, "x/minute": false, "5": false, "5/": false, "5/week": false, "/minute": false, "1.5/minute": false} {
		if _, err := ParseLimit(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := ParseAddressLimit(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTheLimiterSlides(t *testing.T) {
	t.Parallel()
	limiter, err := parseLimiter("2/minute")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, one := range []struct {
		address string
		after   time.Duration
		wait    bool
	}{{"a", 0, false}, {"a", 0, false}, {"a", 0, true}, {"b", 0, false}, {"a", 29 * time.Second, true}, {"a", 31 * time.Second, false}, {"a", 31 * time.Second, true}, {"a", time.Hour, false}} {
		if wait := limiter.take(one.address, now.Add(one.after)); (wait > 0) != one.wait || wait > 30*time.Second {
			t.Errorf("request %d waits %s", i, wait)
		}
	}
}

func TestTheLimiterIsBounded(t *testing.T) {
	t.Parallel()
	limiter, err := parseLimiter("1/day")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	refused := 0
	for i := range maxBuckets + 1000 {
		if limiter.take(fmt.Sprint("address ", i), now) > 0 {
			refused++
		}
	}
	if len(limiter.buckets) > maxBuckets+1 || refused < 990 {
		t.Errorf("%d addresses are kept, %d newcomers were refused", len(limiter.buckets), refused)
	}
	if limiter.take("address 1", now) == 0 {
		t.Error("a known address was let through again")
	}
	limiter.take("address 1", now.Add(49*time.Hour))
	if len(limiter.buckets) > 1 {
		t.Errorf("%d addresses are kept for ever", len(limiter.buckets))
	}
}

func TestThrottledAnswers(t *testing.T) {
	t.Parallel()
	wrap, err := ParseLimit("1/hour")
	if err != nil {
		t.Fatal(err)
	}
	handler := wrap(func(context.Context, *Request) (*Answer, error) { return NoContent(), nil })
	server := NewServer(Config{Authenticator: people{}, Policy: noPolicy{}, Logger: slog.New(slog.DiscardHandler)}, []Operation{{ID: "tokens.create", Method: "POST", Path: "/tokens", Anonymous: true, Handle: handler}})
	post := func(peer string, forwarded ...string) *httptest.ResponseRecorder {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, BasePath+"/tokens", nil)
		request.RemoteAddr = peer
		for _, one := range forwarded {
			request.Header.Add("X-Forwarded-For", one)
		}
		recorder := httptest.NewRecorder()
		server.ServeHTTP(recorder, request)
		return recorder
	}
	if got := post("192.0.2.1:1"); got.Code != 204 {
		t.Fatal(got.Code)
	}
	got := post("192.0.2.1:2", "198.51.100.1")
	if got.Code != 429 || got.Header().Get("Retry-After") != "3600" || got.Header().Get("Content-Type") != jsonapi.MediaType ||
		got.Body.String() != `{"errors":[{"detail":"Request was throttled. Expected available in 3600 seconds.","status":"429","source":{"pointer":"/data"},"code":"throttled"}]}` {
		t.Errorf("%d %v %s", got.Code, got.Header(), got.Body)
	}
	if got := post("192.0.2.2:1"); got.Code != 204 {
		t.Error("one address uses up what another has")
	}
	server.config.TrustProxy = true
	if got := post("192.0.2.1:3", "198.51.100.1"); got.Code != 204 {
		t.Error("people behind the proxy share one limit")
	}
	if got := post("192.0.2.1:4", "203.0.113.9", "203.0.113.8, 198.51.100.1"); got.Code != 429 {
		t.Error("the client may claim another address")
	}
}

func TestClientAddresses(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		peer, forwarded string
		trust           bool
		want            string
	}{
		{"192.0.2.1:80", "", false, "192.0.2.1"},
		{"192.0.2.1:80", "198.51.100.1", false, "192.0.2.1"},
		{"192.0.2.1:80", "203.0.113.1, 198.51.100.1 ", true, "198.51.100.1"},
		{"192.0.2.1:80", "garbage", true, "192.0.2.1"},
		{"192.0.2.1:80", "", true, "192.0.2.1"},
		{"[2001:db8:1:2:3:4:5:6]:80", "", false, "2001:db8:1:2::/64"},
		{"[2001:db8:1:2:ffff::1]:81", "", false, "2001:db8:1:2::/64"},
		{"[::ffff:192.0.2.1]:80", "", false, "::ffff:192.0.2.1"},
		{"@", "", false, "@"},
	} {
		request := &http.Request{RemoteAddr: one.peer, Header: http.Header{}}
		if one.forwarded != "" {
			request.Header.Set("X-Forwarded-For", one.forwarded)
		}
		if got := clientAddress(request, one.trust); got != one.want {
			t.Errorf("%+v: %s", one, got)
		}
	}
}

// noPolicy is for operations that nobody has to be allowed.
type noPolicy struct{}

func (noPolicy) Snapshot() *authz.Snapshot { return nil }
