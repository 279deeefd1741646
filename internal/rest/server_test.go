package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/session"
	"github.com/palisade-sec/palisade/policy"
)

// people are who the tests' Authorization headers name.
type people map[string]*session.Principal

func (p people) Authenticate(_ context.Context, header string) (*session.Principal, error) {
	switch header {
	case "":
		return nil, nil
	case "Bearer broken":
		return nil, &session.InvalidToken{Message: "Token is invalid"}
	case "Bearer gone":
		return nil, jsonapi.Errors{{Status: 401, Code: "authentication_failed", Pointer: "/data", Detail: "User not found"}}
	case "Bearer trouble":
		return nil, errors.New("load session: the database is down at 10.0.0.7")
	}
	return p[strings.TrimPrefix(header, "Bearer ")], nil
}

func (people) Enter(_ context.Context, principal *session.Principal, tenant uuid.UUID) (*session.Principal, error) {
	if tenant == uuid.Nil {
		return nil, nil
	}
	there := *principal
	there.Subject.TenantID = tenant
	there.Subject.Roles = nil
	return &there, nil
}

var snapshot = sync.OnceValues(func() (*authz.Snapshot, error) {
	return authz.Load(context.Background(), authz.Folders{Base: policy.FS})
})

// log collects what a server logs.
type log struct {
	mutex sync.Mutex
	bytes.Buffer
}

func (l *log) Write(text []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.Buffer.Write(text)
}

func (l *log) text() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.String()
}

const secretWords = "hunter2"

// start runs a server with an operation for each way a handler can end.
func start(t *testing.T, change func(*Config)) (address string, lines *log) {
	t.Helper()
	active, err := snapshot()
	if err != nil {
		t.Fatal(err)
	}
	subject := func(roles ...authz.Role) *session.Principal {
		return &session.Principal{Subject: authz.Subject{TenantID: uuid.New(), UserID: uuid.New(), Roles: roles}}
	}
	everything := authz.Permissions{ManageUsers: true, ManageAccount: true, ManageBilling: true, ManageProviders: true, ManageIntegrations: true, ManageScans: true}
	lines = &log{}
	config := Config{Policy: authz.Start(active, slog.New(slog.DiscardHandler)), Logger: slog.New(slog.NewJSONHandler(lines, nil)), Authenticator: people{
		"admin":  subject(authz.Role{ID: uuid.New(), Name: "admin", UnlimitedVisibility: true, Permissions: everything}),
		"viewer": subject(authz.Role{ID: uuid.New(), Name: "viewer"}),
		"nobody": subject(),
	}}
	if change != nil {
		change(&config)
	}
	answer := func(_ context.Context, r *Request) (*Answer, error) {
		return OK(jsonapi.Document{One: &jsonapi.Resource{Type: "things", ID: r.Tenant().String(), Self: r.URL("/x")}}), nil
	}
	read := func(_ context.Context, r *Request) (*Answer, error) {
		body, err := r.Bind("things", "")
		if err != nil {
			return nil, err
		}
		body.Text("name", jsonapi.Rules{Required: true})
		return NoContent(), body.Done()
	}
	fails := func(err error) Handler {
		return func(context.Context, *Request) (*Answer, error) { return nil, err }
	}
	table := filter.MustTable(filter.Table{Fields: []filter.Field{{Name: "name", Column: "t.name"}},
		Sorts: []filter.Sort{{Name: "name", Column: "t.name"}}, DefaultSort: []string{"name"}, Tiebreak: "t.id"})
	operations := []Operation{
		{ID: "providers.list", Method: "GET", Path: "/things", Query: table, Cached: true, Handle: answer},
		{ID: "roles.create", Method: "POST", Path: "/things", MaxBody: 200, Handle: read},
		{ID: "providers.retrieve", Method: "GET", Path: "/things/{id}", Query: table, Mode: One, Handle: answer},
		{ID: "tenants.invitations.retrieve", Method: "GET", Path: "/pages/{id}", HTMLIDs: true, Handle: answer},
		{ID: "tenants.update", Method: "PATCH", Path: "/tenants/{id}", TenantID: "id", Handle: answer},
		{ID: "users.create", Method: "POST", Path: "/open", Anonymous: true, Negotiate: true, Handle: read},
		{ID: "users.list", Method: "GET", Path: "/named/{name}", TextIDs: true, Handle: answer},
		{ID: "findings.list", Method: "GET", Path: "/fails", Handle: fails(fmt.Errorf("read things: %w", errors.New("relation things, password "+secretWords)))},
		{ID: "findings.latest", Method: "GET", Path: "/refuses", Handle: fails(fmt.Errorf("create: %w", jsonapi.Field("name", "unique", "Taken.")))},
		{ID: "findings.metadata", Method: "GET", Path: "/details", Handle: fails(jsonapi.AlreadyLinked("Twice."))},
		{ID: "findings.metadata.latest", Method: "GET", Path: "/cancelled", Handle: fails(&pgconn.PgError{Code: "57014", Message: "canceling statement " + secretWords})},
		{ID: "findings.retrieve", Method: "GET", Path: "/late", Handle: func(ctx context.Context, _ *Request) (*Answer, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("query: %w", ctx.Err())
		}},
		{ID: "scans.list", Method: "GET", Path: "/slow", Slow: true, Handle: func(ctx context.Context, r *Request) (*Answer, error) {
			if _, bounded := ctx.Deadline(); bounded {
				return nil, errors.New("a deadline")
			}
			return answer(ctx, r)
		}},
		{ID: "scans.retrieve", Method: "GET", Path: "/panics", Handle: func(context.Context, *Request) (*Answer, error) { panic("out of order") }},
		{ID: "scans.compliance", Method: "GET", Path: "/portions/{id}/{name}", Texts: []string{"name"}, Handle: inPortions},
		{ID: "tasks.list", Method: "GET", Path: "/forgets", Handle: func(context.Context, *Request) (*Answer, error) { return nil, nil }},
		{ID: "tasks.retrieve", Method: "GET", Path: "/unwritable", Handle: func(context.Context, *Request) (*Answer, error) {
			return OK(jsonapi.Document{One: &jsonapi.Resource{Type: "t", Attributes: []jsonapi.Attribute{{Name: "c", Value: make(chan int)}}}}), nil
		}},
	}
	server := NewServer(config, operations)
	server.Mount("/half", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half of it"))
		w.(interface{ Unwrap() http.ResponseWriter }).Unwrap().(http.Flusher).Flush()
		panic("in the middle")
	}))
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	return listener.URL, lines
}

type reply struct {
	status int
	header http.Header
	body   string
}

// code is the code of the first error.
func (r reply) code() string {
	var document struct {
		Errors []struct{ Code, Status string }
	}
	if json.Unmarshal([]byte(r.body), &document) != nil || len(document.Errors) == 0 {
		return ""
	}
	return document.Errors[0].Code
}

func ask(t *testing.T, method, address, body string, header ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if strings.EqualFold(header[i], "Host") {
			request.Host = header[i+1]
		}
		request.Header.Add(header[i], header[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(content)}
}

func TestTheOrderOfRefusals(t *testing.T) {
	t.Parallel()
	address, _ := start(t, nil)
	const good = `{"data":{"type":"things","attributes":{"name":"x"}}}`
	id := uuid.NewString()
	for name, one := range map[string]struct {
		method, path, as, body string
		header                 []string
		status                 int
		code                   string
	}{
		"nobody asks":                          {"GET", "/things", "", "", nil, 401, "not_authenticated"},
		"a broken token":                       {"GET", "/things", "broken", "", nil, 401, "token_not_valid"},
		"a gone person":                        {"GET", "/things", "gone", "", nil, 401, "authentication_failed"},
		"credentials before negotiation":       {"GET", "/things", "", "", []string{"Accept", "text/html"}, 401, "not_authenticated"},
		"negotiation first on plain views":     {"POST", "/open", "broken", good, []string{"Accept", "text/html"}, 406, "not_acceptable"},
		"bad credentials on an open operation": {"POST", "/open", "broken", good, nil, 401, "token_not_valid"},
		"open":                                 {"POST", "/open", "", good, nil, 204, ""},
		"negotiation before permission":        {"POST", "/things", "viewer", good, []string{"Accept", "text/html"}, 406, "not_acceptable"},
		"any":                                  {"GET", "/things", "admin", "", []string{"Accept", "text/html, */*;q=0.1"}, 200, ""},
		"any application":                      {"GET", "/things", "admin", "", []string{"Accept", "application/*"}, 200, ""},
		"plain JSON":                           {"GET", "/things", "admin", "", []string{"Accept", "application/json"}, 200, ""},
		"unknown format":                       {"GET", "/things?format=csv", "admin", "", nil, 404, "not_found"},
		"permission before the body's type":    {"POST", "/things", "viewer", "x", []string{"Content-Type", "text/plain"}, 403, "permission_denied"},
		"no role":                              {"GET", "/things", "nobody", "", nil, 403, "permission_denied"},
		"permission before the id":             {"PATCH", "/tenants/12", "viewer", "", nil, 403, "permission_denied"},
		"the body's type":                      {"POST", "/things", "admin", "x", []string{"Content-Type", "text/plain"}, 415, "unsupported_media_type"},
		"no type, no body":                     {"POST", "/things", "admin", "", []string{"Content-Type", "text/plain"}, 400, "required"},
		"size before type":                     {"POST", "/things", "admin", strings.Repeat("x", 201), []string{"Content-Type", "text/plain"}, 413, "request_too_large"},
		"no JSON":                              {"POST", "/things", "admin", "x", nil, 400, "parse_error"},
		"other type":                           {"POST", "/things", "admin", `{"data":{"type":"x"}}`, nil, 409, "error"},
		"good":                                 {"POST", "/things", "admin", good, nil, 204, ""},
		"id no uuid":                           {"GET", "/things/12", "admin", "", nil, 404, "not_found"},
		"id in braces":                         {"GET", "/things/%7B" + id + "%7D", "admin", "", nil, 404, "not_found"},
		"id in junk":                           {"GET", "/things/x" + id + "x", "admin", "", nil, 404, "not_found"},
		"id before parameters":                 {"GET", "/things/12?x=1", "admin", "", nil, 404, "not_found"},
		"unknown parameter":                    {"GET", "/things?x=1", "admin", "", nil, 400, "invalid"},
		"unknown parameter of one":             {"GET", "/things/" + id + "?x=1", "admin", "", nil, 400, "invalid"},
		"NUL in a name":                        {"GET", "/named/a%00b", "admin", "", nil, 404, "not_found"},
		"no text in a name":                    {"GET", "/named/%ff", "admin", "", nil, 404, "not_found"},
		"a name with a slash":                  {"GET", "/named/a%2Fb", "admin", "", nil, 200, ""},
		"another method, nobody":               {"PUT", "/things", "", "", nil, 401, "not_authenticated"},
		"another method, open path":            {"GET", "/open", "", "", nil, 405, "method_not_allowed"},
		"another method":                       {"PUT", "/things", "admin", "", nil, 405, "method_not_allowed"},
		"another method without permission":    {"DELETE", "/things", "nobody", "", nil, 405, "method_not_allowed"},
		"OPTIONS":                              {"OPTIONS", "/things", "admin", "", nil, 405, "method_not_allowed"},
		"TRACE":                                {"TRACE", "/things", "admin", "", nil, 405, "method_not_allowed"},
		"a method that is none":                {"FROBNICATE", "/things", "admin", "", nil, 405, "method_not_allowed"},
		"a path that is none":                  {"GET", "/nothing", "", "", nil, 404, ""},
		"a slash at the end":                   {"GET", "/things/", "admin", "", nil, 404, ""},
		"a failing authenticator":              {"GET", "/things", "trouble", "", nil, 500, "error"},
		"a tenant where no role is held":       {"PATCH", "/tenants/" + id, "admin", "", nil, 403, "permission_denied"},
		"a tenant that is not the person's":    {"PATCH", "/tenants/" + uuid.Nil.String(), "admin", "", nil, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := one.header
			if one.as != "" {
				header = append(header, "Authorization", "Bearer "+one.as)
			}
			if one.body != "" && !strings.Contains(strings.Join(header, " "), "Content-Type") {
				header = append(header, "Content-Type", jsonapi.MediaType)
			}
			got := ask(t, one.method, address+BasePath+one.path, one.body, header...)
			if got.status != one.status || got.code() != one.code {
				t.Fatalf("%d %s, want %d %s", got.status, got.body, one.status, one.code)
			}
			if got.status >= 400 && one.code != "" && got.header.Get("Content-Type") != jsonapi.MediaType {
				t.Errorf("refused as %s", got.header.Get("Content-Type"))
			}
			if got.status == 401 && got.header.Get("WWW-Authenticate") != "" {
				t.Error("a 401 with WWW-Authenticate")
			}
			if strings.Contains(got.body, "10.0.0.7") {
				t.Error("the answer tells of the inside")
			}
		})
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	address, _ := start(t, nil)
	for _, path := range []string{"/things", "/things/12", "/nothing", "/fails", "/panics", "/open"} {
		got := ask(t, "GET", address+BasePath+path, "", "Authorization", "Bearer admin")
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "strict-origin-when-cross-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Access-Control-Expose-Headers": "Correlation-ID", "Vary": "origin"} {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, got.header.Get(name))
			}
		}
		if len(got.header.Get("Correlation-ID")) != 32 {
			t.Errorf("%s: correlation id %q", path, got.header.Get("Correlation-ID"))
		}
	}
	given := uuid.NewString()
	for sent, honoured := range map[string]bool{given: true, strings.ToUpper(given): true, strings.ReplaceAll(given, "-", ""): true, "x" + given + "y": false, "12": false, "<script>": false} {
		got := ask(t, "GET", address+BasePath+"/things", "", "Correlation-ID", sent).header.Get("Correlation-ID")
		if (got == sent) != honoured || got == "" {
			t.Errorf("correlation id %q became %q", sent, got)
		}
	}
	if got := ask(t, "GET", address+BasePath+"/things", "", "Authorization", "Bearer admin").header; got.Get("Allow") != "GET, POST" ||
		got.Get("Cache-Control") != "max-age=3600, stale-while-revalidate=60" || got.Get("Content-Type") != jsonapi.MediaType {
		t.Errorf("a list has %v", got)
	}
	if got := ask(t, "GET", address+BasePath+"/things?x=1", "", "Authorization", "Bearer admin").header.Get("Cache-Control"); got != "" {
		t.Errorf("a refusal may be kept: %q", got)
	}
	head := ask(t, "HEAD", address+BasePath+"/things", "", "Authorization", "Bearer admin")
	if head.status != 405 || head.body != "" || head.header.Get("Allow") != "GET, POST" {
		t.Errorf("HEAD: %+v", head)
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	address, _ := start(t, func(c *Config) { c.CORSOrigins = []string{"https://ui.example"} })
	preflight := func(origin string) reply {
		return ask(t, "OPTIONS", address+BasePath+"/things", "", "Origin", origin, "Access-Control-Request-Method", "POST")
	}
	if got := preflight("https://ui.example"); got.status != 200 || got.header.Get("Access-Control-Allow-Origin") != "https://ui.example" ||
		!strings.Contains(got.header.Get("Access-Control-Allow-Methods"), "PATCH") || !strings.Contains(got.header.Get("Access-Control-Allow-Headers"), "authorization") {
		t.Errorf("preflight: %+v", got)
	}
	for _, origin := range []string{"https://evil.example", "https://ui.example.evil.example", "null", "https://UI.example", "http://ui.example"} {
		if got := preflight(origin); got.status == 200 || got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("preflight from %s: %+v", origin, got)
		}
	}
	if got := ask(t, "GET", address+BasePath+"/things", "", "Origin", "https://ui.example"); got.status != 401 || got.header.Get("Access-Control-Allow-Origin") != "https://ui.example" {
		t.Errorf("a refusal has to reach the page: %+v", got)
	}
	if got := ask(t, "OPTIONS", address+BasePath+"/things", "", "Origin", "https://ui.example"); got.status != 401 {
		t.Errorf("OPTIONS that is no preflight: %d", got.status)
	}
}

func TestForwardedAddressesNeedTrust(t *testing.T) {
	t.Parallel()
	for trust, want := range map[bool]string{false: "http://api.example/api/v1/x", true: "https://outside.example/api/v1/x"} {
		address, _ := start(t, func(c *Config) { c.TrustProxy = trust })
		got := ask(t, "GET", address+BasePath+"/things", "", "Authorization", "Bearer admin", "Host", "api.example",
			"X-Forwarded-Proto", "https", "X-Forwarded-Host", "outside.example")
		if !strings.Contains(got.body, `"`+want+`"`) {
			t.Errorf("trust %v: %s", trust, got.body)
		}
	}
}

func TestFailuresTellNothing(t *testing.T) {
	t.Parallel()
	address, lines := start(t, func(c *Config) { c.Timeout = 20 * time.Millisecond })
	for path, want := range map[string]int{"/fails": 500, "/refuses": 400, "/details": 400, "/cancelled": 503, "/late": 503, "/slow": 200, "/panics": 500,
		"/forgets": 500, "/unwritable": 500} {
		got := ask(t, "GET", address+BasePath+path, "", "Authorization", "Bearer admin")
		if got.status != want || got.header.Get("Content-Type") != jsonapi.MediaType || !json.Valid([]byte(got.body)) {
			t.Errorf("%s: %+v", path, got)
		}
		for _, inside := range []string{secretWords, "relation", "out of order", "goroutine", "canceling", "json:"} {
			if strings.Contains(got.body, inside) {
				t.Errorf("%s tells %q: %s", path, inside, got.body)
			}
		}
		if want >= 500 && got.header.Get("Cache-Control") != "" {
			t.Errorf("%s may be kept", path)
		}
	}
	if text := lines.text(); !strings.Contains(text, "out of order") || !strings.Contains(text, "read things") || strings.Contains(text, "Bearer admin") {
		t.Errorf("the log says %s", text)
	}
	if got := ask(t, "GET", address+BasePath+"/details", "", "Authorization", "Bearer admin").body; got != `{"errors":{"detail":"Twice."}}` {
		t.Error(got)
	}
}

// An answer that breaks off must not look whole.
func TestAPanicInTheMiddleCutsTheAnswerOff(t *testing.T) {
	t.Parallel()
	address, lines := start(t, nil)
	response, err := http.Get(address + "/half")
	if err == nil {
		_, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
	}
	if err == nil {
		t.Error("half an answer looked whole")
	}
	if !strings.Contains(lines.text(), "in the middle") {
		t.Error("nothing was logged")
	}
}

func TestTheLogKnowsWhoAndNotWhat(t *testing.T) {
	t.Parallel()
	address, lines := start(t, nil)
	id := uuid.NewString()
	ask(t, "POST", address+BasePath+"/things?token="+secretWords, `{"data":{"type":"things","attributes":{"name":"`+secretWords+`"}}}`,
		"Authorization", "Bearer admin", "Content-Type", jsonapi.MediaType, "Correlation-ID", id, "Cookie", secretWords)
	text := lines.text()
	if strings.Contains(text, secretWords) || strings.Contains(text, "Bearer") {
		t.Errorf("the log holds a secret: %s", text)
	}
	var line map[string]any
	for _, one := range strings.Split(strings.TrimSpace(text), "\n") {
		if strings.Contains(one, `"msg":"request"`) {
			if err := json.Unmarshal([]byte(one), &line); err != nil {
				t.Fatal(err)
			}
		}
	}
	if line["correlation_id"] != id || line["status"] != 204.0 || line["method"] != "POST" || line["path"] != BasePath+"/things" || line["user_id"] == "" || line["tenant_id"] == "" {
		t.Errorf("the line is %v", line)
	}
}

func TestOperationsThatAreNoneDoNotStart(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("an operation without a handler was taken")
		}
	}()
	NewServer(Config{}, []Operation{{ID: "x", Method: "GET", Path: "/x"}})
}
