package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/session"
)

func TestLimitsAreRead(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{"": true, "off": true, "50/minute": true, "1 / day": true, "3/second": true, "2/hour": true,
		"0/minute": false, "-1/minute": false, "x/minute": false, "5": false, "5/": false, "5/week": false, "/minute": false, "1.5/minute": false,
		"1000001/second": false, "99999999999999999999/second": false} {
		if _, err := ParseLimit(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := ParseGuesses(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func limitOf(t *testing.T, text string) *Limit {
	t.Helper()
	limit, err := ParseLimit(text)
	if err != nil {
		t.Fatal(err)
	}
	return limit
}

func TestTheLimitSlides(t *testing.T) {
	t.Parallel()
	limit := limitOf(t, "2/minute")
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, one := range []struct {
		key   string
		after time.Duration
		want  Quota
	}{
		{"a", 0, Quota{2, 1, 30 * time.Second, 0}},
		{"a", 0, Quota{2, 0, time.Minute, 0}},
		{"a", 0, Quota{2, 0, time.Minute, 30 * time.Second}},
		{"b", 0, Quota{2, 1, 30 * time.Second, 0}},
		{"a", 29 * time.Second, Quota{2, 0, 31 * time.Second, time.Second}},
		{"a", 31 * time.Second, Quota{2, 0, 59 * time.Second, 0}},
		{"a", 31 * time.Second, Quota{2, 0, 59 * time.Second, 29 * time.Second}},
		{"a", time.Hour, Quota{2, 1, 30 * time.Second, 0}},
	} {
		if got := limit.Take(one.key, now.Add(one.after)); got != one.want {
			t.Errorf("request %d: %+v, want %+v", i, got, one.want)
		}
	}
}

func TestWhatIsGivenBackMayBeTakenAgain(t *testing.T) {
	t.Parallel()
	limit, now := limitOf(t, "2/hour"), time.Now()
	for range 5 {
		if limit.Take("a", now).Wait > 0 {
			t.Fatal("what was given back is gone")
		}
		limit.GiveBack("a")
	}
	limit.GiveBack("a")
	limit.GiveBack("nobody")
	allowed := 0
	for range 5 {
		if limit.Take("a", now).Wait == 0 {
			allowed++
		}
	}
	if allowed != 2 {
		t.Errorf("%d are let through, want 2", allowed)
	}
}

// TestTheLimitHoldsUnderConcurrency is for the race detector too.
func TestTheLimitHoldsUnderConcurrency(t *testing.T) {
	t.Parallel()
	limit, now := limitOf(t, "100/day"), time.Now()
	var group sync.WaitGroup
	var allowed atomic.Int32
	for range 8 {
		group.Go(func() {
			for range 50 {
				if limit.Take("a", now).Wait == 0 {
					allowed.Add(1)
				}
			}
		})
	}
	group.Wait()
	if allowed.Load() != 100 {
		t.Errorf("%d are let through, want 100", allowed.Load())
	}
}

func TestTheLimitIsBounded(t *testing.T) {
	t.Parallel()
	limit, now := limitOf(t, "1/day"), time.Now()
	refused := 0
	for i := range maxKeys + 1000 {
		if limit.Take(fmt.Sprint("address ", i), now).Wait > 0 {
			refused++
		}
	}
	if len(limit.full) > maxKeys+1 || refused < 990 {
		t.Errorf("%d addresses are kept, %d newcomers were refused", len(limit.full), refused)
	}
	if limit.Take("address 1", now).Wait == 0 {
		t.Error("a known address was let through again")
	}
	limit.Take("address 1", now.Add(49*time.Hour))
	if len(limit.full) > 1 {
		t.Errorf("%d addresses are kept for ever", len(limit.full))
	}
}

// fetch sends a request to a server and returns the answer.
func fetch(t *testing.T, server *Server, path string, change func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	request.RemoteAddr = "192.0.2.1:1"
	if change != nil {
		change(request)
	}
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, request)
	return recorder
}

// counted is an Observer.
type counted struct {
	mutex      sync.Mutex
	began      int
	operations map[string]int
	throttled  []string
}

func (c *counted) RequestBegan() { c.mutex.Lock(); c.began++; c.mutex.Unlock() }

func (c *counted) RequestEnded(operation string, status int, _ time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.operations == nil {
		c.operations = make(map[string]int)
	}
	c.operations[fmt.Sprint(operation, " ", status)]++
}

func (c *counted) Throttled(limit string) {
	c.mutex.Lock()
	c.throttled = append(c.throttled, limit)
	c.mutex.Unlock()
}

// keyed knows two people with tokens and one of them with an API key too; it counts how often it was asked.
type keyed struct {
	people
	asked atomic.Int32
}

var keyedIDs = map[string]uuid.UUID{"ada": uuid.New(), "bob": uuid.New(), "tenant": uuid.New(), "key": uuid.New()}

func (k *keyed) Authenticate(_ context.Context, header string) (*session.Principal, error) {
	k.asked.Add(1)
	principal := &session.Principal{Subject: authz.Subject{TenantID: keyedIDs["tenant"], UserID: keyedIDs["ada"]}}
	switch name, _, _ := strings.Cut(header, " "); name {
	case "ada":
	case "bob":
		principal.Subject.UserID = keyedIDs["bob"]
	case "key":
		principal.Key = &session.Key{ID: keyedIDs["key"], Prefix: "pk_x"}
	default:
		return nil, nil
	}
	return principal, nil
}

func TestLimitsOfRequests(t *testing.T) {
	t.Parallel()
	people, observer := &keyed{}, &counted{}
	operation := Operation{ID: "things.read", Method: "GET", Path: "/things", Anonymous: true,
		Handle: func(context.Context, *Request) (*Answer, error) { return NoContent(), nil }}
	server := NewServer(Config{Authenticator: people, Policy: noPolicy{}, Logger: slog.New(slog.DiscardHandler), Observer: observer,
		Limits: Limits{Address: limitOf(t, "9/hour"), Token: limitOf(t, "3/hour"), Key: limitOf(t, "2/hour")}}, []Operation{operation})
	get := func(peer, credential string) *httptest.ResponseRecorder {
		return fetch(t, server, BasePath+"/things", func(r *http.Request) {
			r.RemoteAddr = peer
			r.Header.Set("Authorization", credential)
		})
	}
	for i, one := range []struct {
		peer, credential        string
		status                  int
		limit, remaining, retry string
	}{
		{"192.0.2.1:1", "ada with a token", 204, "3", "2", ""},
		{"192.0.2.1:1", "ada with another", 204, "3", "1", ""},
		{"192.0.2.1:1", "bob x", 204, "3", "2", ""},
		{"192.0.2.2:1", "ada from elsewhere", 204, "3", "0", ""},
		{"192.0.2.2:1", "ada x", 429, "3", "0", "1200"},
		{"192.0.2.1:1", "key x", 204, "2", "1", ""},
		{"192.0.2.1:1", "key y", 204, "2", "0", ""},
		{"192.0.2.1:1", "key z", 429, "2", "0", "1800"},
		{"192.0.2.3:1", "nobody", 204, "9", "8", ""},
		{"[2001:db8:1:2::1]:1", "", 204, "9", "8", ""},
		{"[2001:db8:1:2:ffff::1]:1", "", 204, "9", "7", ""},
		{"[2001:db8:1:3::1]:1", "", 204, "9", "8", ""},
	} {
		got := get(one.peer, one.credential)
		header := got.Header()
		if got.Code != one.status || header.Get("RateLimit-Limit") != one.limit || header.Get("RateLimit-Remaining") != one.remaining ||
			header.Get("RateLimit-Reset") == "" || header.Get("Retry-After") != one.retry {
			t.Errorf("request %d: %d %v", i, got.Code, header)
		}
	}
	asked := people.asked.Load()
	for range 20 {
		get("192.0.2.9:1", "nobody")
	}
	if now := people.asked.Load(); now-asked != 9 {
		t.Errorf("%d of 20 credentials were looked at, want 9: the address's limit comes first", now-asked)
	}
	got := get("192.0.2.9:1", "ada x")
	if got.Code != 429 || got.Header().Get("Content-Type") != jsonapi.MediaType || !strings.Contains(got.Body.String(), `"code":"throttled"`) ||
		!strings.Contains(got.Header().Get("Access-Control-Expose-Headers"), "RateLimit-Remaining") {
		t.Errorf("%d %v %s", got.Code, got.Header(), got.Body)
	}
	// Paths and methods that no operation has are counted too, health is not.
	server.Mount("/health/live", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }))
	other := func(r *http.Request) { r.RemoteAddr = "192.0.2.9:1" }
	for path, want := range map[string]int{BasePath + "/nothing": 429, BasePath + "/": 429, "/health/live": 200} {
		if got := fetch(t, server, path, other); got.Code != want {
			t.Errorf("%s: %d, want %d", path, got.Code, want)
		}
	}
	if observer.operations["things.read 204"] != 10+9 || observer.operations["things.read 429"] != 2 || observer.operations[" 429"] != 11+1+2 ||
		observer.operations[" 200"] != 1 || len(observer.throttled) != 16 || observer.throttled[0] != "token" || observer.throttled[1] != "key" || observer.throttled[2] != "address" {
		t.Errorf("%d %v %v", observer.began, observer.operations, observer.throttled)
	}
}

func TestNoLimitLeavesNoTrace(t *testing.T) {
	t.Parallel()
	server := NewServer(Config{Authenticator: people{}, Policy: noPolicy{}, Logger: slog.New(slog.DiscardHandler)}, []Operation{{ID: "things.read", Method: "GET",
		Path: "/things", Anonymous: true, Handle: PerAddress("log-in", nil)(func(context.Context, *Request) (*Answer, error) { return NoContent(), nil })}})
	got := fetch(t, server, BasePath+"/things", nil)
	for name := range got.Header() {
		if strings.HasPrefix(name, "Ratelimit") || name == "Retry-After" {
			t.Errorf("%s: %s", name, got.Header().Get(name))
		}
	}
	if got.Code != 204 || got.Header().Get("Access-Control-Expose-Headers") != "Correlation-ID" {
		t.Errorf("%d %v", got.Code, got.Header())
	}
}

func TestGuessesAtOneAccount(t *testing.T) {
	t.Parallel()
	guesses, err := ParseGuesses("10/hour")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	try := func(address int, account string, outcome error) error {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		request.RemoteAddr = fmt.Sprintf("198.51.%d.%d:1", address/256, address%256)
		return guesses.Try(&Request{HTTP: request}, account, func() error { tried++; return outcome })
	}
	wrong := jsonapi.Invalid("Invalid credentials")
	throttled := func(err error) bool { return errors.As(err, new(Throttled)) }
	// Right ones and failures of the server do not count.
	for i := range 50 {
		if err := errors.Join(try(i, "ada", nil)); err != nil {
			t.Fatal(err)
		}
		if err := try(i, "ada", errPanicked); !errors.Is(err, errPanicked) {
			t.Fatal(err)
		}
	}
	// Many addresses: each has its few tries, and no more, once the account's ten are gone.
	tried = 0
	for address := range 100 {
		for range 50 {
			_ = try(address, "ada", wrong)
		}
	}
	if tried != 10+100*5 {
		t.Errorf("%d guesses were let through, want 510", tried)
	}
	if !throttled(try(7, "ada", nil)) {
		t.Error("an address that used up its tries may go on")
	}
	// The person comes in from an address of their own, and other accounts are as they were.
	if err := try(1000, "ada", nil); err != nil {
		t.Errorf("the account's owner is locked out: %v", err)
	}
	if err := try(7, "bob", nil); err != nil {
		t.Errorf("another account is bounded too: %v", err)
	}
	var off *Guesses
	if err := off.Try(&Request{}, "ada", func() error { return nil }); err != nil {
		t.Error(err)
	}
}

// TestGuessesAtOnceAreCounted sends wrong guesses together: they must not all pass as the last one.
func TestGuessesAtOnceAreCounted(t *testing.T) {
	t.Parallel()
	guesses, err := ParseGuesses("10/day")
	if err != nil {
		t.Fatal(err)
	}
	var tried atomic.Int32
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
			_ = guesses.Try(&Request{HTTP: request}, "ada", func() error { tried.Add(1); return jsonapi.Invalid("Invalid credentials") })
		})
	}
	group.Wait()
	if tried.Load() != 10+5 {
		t.Errorf("%d guesses were let through, want 15", tried.Load())
	}
}

func TestThrottledAnswers(t *testing.T) {
	t.Parallel()
	handler := PerAddress("log-in", limitOf(t, "1/hour"))(func(context.Context, *Request) (*Answer, error) { return NoContent(), nil })
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
