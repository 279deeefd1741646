// Package apitest starts the whole API on a database of its own and speaks to it as clients do. Tests only.
package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// Password is good for every person made here.
const Password = "Correct-Horse-9x!"

// Server is a running API with a database of its own.
type Server struct {
	App    *app.App
	DB     *pgtest.DB
	URL    string // of the API's base, without a trailing slash
	KeyDir string // folder of the token keys and the secret keys
}

// Start runs the API until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	return start(t, "")
}

// StartWorking is Start with workers, for operations whose work is done in the background.
func StartWorking(t testing.TB) *Server {
	t.Helper()
	return StartScanning(t, "")
}

// StartScanning is StartWorking with a scan engine; see internal/enginetest.
func StartScanning(t testing.TB, python string) *Server {
	t.Helper()
	server := start(t, python)
	server.Work(t)
	return server
}

// StartIdle is StartScanning without workers; see Work.
func StartIdle(t testing.TB, python string) *Server {
	t.Helper()
	return start(t, python)
}

// Work works the server's jobs until the test ends or stop is called, which returns when the workers have.
func (s *Server) Work(t testing.TB) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.App.Work(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("workers: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func start(t testing.TB, python string) *Server {
	t.Helper()
	return StartWith(t, Setup{Settings: app.Settings{EnginePython: python}})
}

// Setup is what a server is started with. What is not set is as in Start.
type Setup struct {
	DB       *pgtest.DB   // another server's database
	Settings app.Settings // KeyDir: another server's keys
	// AppURL and SystemURL lead to the database another way, as through a pgtest.Proxy.
	AppURL, SystemURL string
	Logger            *slog.Logger
}

// StartWith is StartIdle with more to choose.
func StartWith(t testing.TB, setup Setup) *Server {
	t.Helper()
	db, settings, logger := setup.DB, setup.Settings, setup.Logger
	if db == nil {
		db = pgtest.New(t)
	}
	if settings.KeyDir == "" {
		settings.KeyDir = t.TempDir()
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	settings.AppURL, settings.SystemURL, settings.MaxConns = db.URL(pgtest.App), db.URL(pgtest.System), 4
	if setup.AppURL != "" {
		settings.AppURL, settings.SystemURL = setup.AppURL, setup.SystemURL
	}
	program, err := app.Open(t.Context(), settings, logger)
	if err != nil {
		t.Fatalf("open app: %v", err)
	}
	t.Cleanup(program.Close)
	listener := httptest.NewServer(program)
	t.Cleanup(listener.Close)
	return &Server{App: program, DB: db, URL: listener.URL + "/api/v1", KeyDir: settings.KeyDir}
}

// Client speaks as one person; the zero token is anonymous.
type Client struct {
	server *Server
	token  string
	key    string // API key that is presented instead of a token
	Tenant string // the person's tenant
	User   string
	Email  string
}

// Anonymous speaks without credentials.
func (s *Server) Anonymous() *Client { return &Client{server: s} }

// WithToken is the client with another access token.
func (c *Client) WithToken(access string) *Client {
	same := *c
	same.token = access
	return &same
}

// As speaks as a person of another server with the same database and keys.
func (s *Server) As(person *Client) *Client {
	same := *person
	same.server = s
	return &same
}

// SignUp makes a person with a tenant of their own, in which they may do everything, and logs them in.
func (s *Server) SignUp(t testing.TB, name string) *Client {
	t.Helper()
	email := strings.ToLower(name) + "@example.com"
	user := s.Anonymous().Post(t, "/users", "users", map[string]any{"name": name + " Person", "email": email, "password": Password}, nil).Want(t, 201)
	client := s.LogIn(t, email, "")
	client.User = user.String("/data/id")
	client.Tenant = client.Get(t, "/tenants").Want(t, 200).String("/data/0/id")
	return client
}

// LogIn gets a token for a person; tenant may be empty.
func (s *Server) LogIn(t testing.TB, email, tenant string) *Client {
	t.Helper()
	attributes := map[string]any{"email": email, "password": Password}
	if tenant != "" {
		attributes["tenant_id"] = tenant
	}
	answer := s.Anonymous().Post(t, "/tokens", "tokens", attributes, nil).Want(t, 200)
	return &Client{server: s, token: answer.String("/data/attributes/access"), Tenant: tenant, Email: email}
}

// Answer is what the server said.
type Answer struct {
	Status int
	Header http.Header
	Raw    []byte
	Body   any
}

// Get asks for a path below the API's base, with its query.
func (c *Client) Get(t testing.TB, path string) *Answer {
	t.Helper()
	return c.Do(t, http.MethodGet, path, "", nil)
}

// Delete sends a DELETE.
func (c *Client) Delete(t testing.TB, path string) *Answer {
	t.Helper()
	return c.Do(t, http.MethodDelete, path, "", nil)
}

// Post sends a resource object; relationships map names to identifiers (One, Many).
func (c *Client) Post(t testing.TB, path, kind string, attributes, relationships map[string]any) *Answer {
	t.Helper()
	return c.Do(t, http.MethodPost, path, jsonapi.MediaType, Resource(kind, "", attributes, relationships))
}

// Patch sends a change of a resource object.
func (c *Client) Patch(t testing.TB, path, kind, id string, attributes, relationships map[string]any) *Answer {
	t.Helper()
	return c.Do(t, http.MethodPatch, path, jsonapi.MediaType, Resource(kind, id, attributes, relationships))
}

// Resource is a document with one resource object.
func Resource(kind, id string, attributes, relationships map[string]any) []byte {
	data := map[string]any{"type": kind}
	if id != "" {
		data["id"] = id
	}
	if attributes != nil {
		data["attributes"] = attributes
	}
	if relationships != nil {
		data["relationships"] = relationships
	}
	encoded, err := json.Marshal(map[string]any{"data": data})
	if err != nil {
		panic(err)
	}
	return encoded
}

// One is the linkage of a to-one relationship.
func One(kind, id string) map[string]any {
	return map[string]any{"data": map[string]any{"type": kind, "id": id}}
}

// Many is the linkage of a to-many relationship.
func Many(kind string, ids ...string) map[string]any {
	list := make([]any, len(ids))
	for i, id := range ids {
		list[i] = map[string]any{"type": kind, "id": id}
	}
	return map[string]any{"data": list}
}

// Request is a request as the client sends it, for tests that read the answer themselves.
func (c *Client) Request(ctx context.Context, t testing.TB, method, path, accept string, body []byte) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, c.server.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	request.Header.Set("Accept", accept)
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.key != "" {
		request.Header.Set("Authorization", "Api-Key "+c.key)
	}
	return request
}

// GetAs is Get for an answer of another media type.
func (c *Client) GetAs(t testing.TB, path, accept string) *Answer {
	t.Helper()
	return send(t, c.Request(t.Context(), t, http.MethodGet, path, accept, nil))
}

// Do sends a request with a body as it is.
func (c *Client) Do(t testing.TB, method, path, contentType string, body []byte) *Answer {
	t.Helper()
	request := c.Request(t.Context(), t, method, path, jsonapi.MediaType, body)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return send(t, request)
}

func send(t testing.TB, request *http.Request) *Answer {
	t.Helper()
	method, path := request.Method, request.URL.Path
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s %s: read answer: %v", method, path, err)
	}
	answer := &Answer{Status: response.StatusCode, Header: response.Header, Raw: raw}
	_ = json.Unmarshal(raw, &answer.Body) // pages that are no JSON leave Body nil
	return answer
}

// Want fails the test unless the status is the expected one.
func (a *Answer) Want(t testing.TB, status int) *Answer {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d, want %d: %s", a.Status, status, a.Raw)
	}
	return a
}

// At is the value at a JSON pointer, nil when there is none.
func (a *Answer) At(pointer string) any {
	value := a.Body
	for _, part := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		switch typed := value.(type) {
		case map[string]any:
			value = typed[part]
		case []any:
			var index int
			if err := json.Unmarshal([]byte(part), &index); err != nil || index < 0 || index >= len(typed) {
				return nil
			}
			value = typed[index]
		default:
			return nil
		}
	}
	return value
}

// String is the text at a JSON pointer, empty when there is none.
func (a *Answer) String(pointer string) string {
	text, _ := a.At(pointer).(string)
	return text
}

// Len is the length of the list at a JSON pointer; -1 when there is none.
func (a *Answer) Len(pointer string) int {
	list, ok := a.At(pointer).([]any)
	if !ok {
		return -1
	}
	return len(list)
}
