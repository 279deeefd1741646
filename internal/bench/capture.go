package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/sql/scope"
)

// statement is something that the program asks of the database.
type statement struct {
	sql  string
	args []any
}

// trip is what went to the database at once: statements that open a scope, and those that are asked in it.
type trip struct{ opening, statements []statement }

// capture is the program once more, in this process, on the database of a server: what it asks there inside tenants is seen.
// It answers one request at a time.
type capture struct {
	program *app.App
	person  *client // whose token is used
	seen    *recorder
}

// newCapture opens the program on a database, with the keys that sign the server's tokens, for somebody who is logged in.
func newCapture(ctx context.Context, settings app.Settings, person *client) (*capture, error) {
	c := &capture{person: person, seen: &recorder{}}
	settings.Tracer, settings.WithoutAudit, settings.MaxConns = c.seen, true, 8
	settings.TokenLimit = "off"
	var err error
	if c.program, err = app.Open(ctx, settings, slog.New(slog.DiscardHandler)); err != nil {
		return nil, fmt.Errorf("open the program beside the server: %w", err)
	}
	return c, nil
}

func (c *capture) close() { c.program.Close() }

// statements are what a GET of a path (below the base of the API, with its query) asks inside the tenant, in order, without
// what opens the scope.
func (c *capture) statements(ctx context.Context, path string) ([]statement, error) {
	trips, err := c.trips(ctx, path)
	var all []statement
	for _, one := range trips {
		all = append(all, one.statements...)
	}
	return all, err
}

// trips is statements, by what goes together.
func (c *capture) trips(ctx context.Context, path string) ([]trip, error) {
	defer c.seen.heard()
	for range 2 { // what is remembered from one request to the next is no part of the answer: the second time counts
		c.seen.listen()
		if answer := c.person.within(ctx, c.program, path); answer.Code >= http.StatusMultipleChoices {
			return nil, fmt.Errorf("GET %s: status %d: %.300s", path, answer.Code, answer.Body)
		}
	}
	return c.seen.heard(), nil
}

// within asks a program in this process for a path, below the base of the API and with its query.
func (c *client) within(ctx context.Context, program http.Handler, path string) *httptest.ResponseRecorder {
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, rest.BasePath+path, nil)
	request.Header.Set("Accept", jsonapi.MediaType)
	request.Header.Set("Authorization", "Bearer "+c.token)
	answer := httptest.NewRecorder()
	program.ServeHTTP(answer, request)
	return answer
}

// recorder remembers what connections send while it listens.
type recorder struct {
	mu        sync.Mutex
	listening bool
	trips     []trip
}

func (r *recorder) listen() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listening, r.trips = true, nil
}

// heard are the trips since listen; it stops listening.
func (r *recorder) heard() []trip {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listening = false
	return r.trips
}

func (r *recorder) add(one trip) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listening {
		r.trips = append(r.trips, one)
	}
}

// TraceBatchStart sees statements that go together: all reads do, behind those that open their scope.
func (r *recorder) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	var one trip
	for _, query := range data.Batch.QueuedQueries {
		said := statement{sql: query.SQL, args: query.Arguments}
		if opens(query.SQL) {
			one.opening = append(one.opening, said)
		} else {
			one.statements = append(one.statements, said)
		}
	}
	r.add(one)
	return ctx
}

// TraceBatchQuery sees an answer, which says nothing new.
func (r *recorder) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd sees the end of the answers.
func (r *recorder) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// TraceQueryStart sees a statement that goes alone, in a transaction that was opened before.
func (r *recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	r.add(trip{statements: []statement{{sql: data.SQL, args: data.Args}}})
	return ctx
}

// TraceQueryEnd sees its end.
func (r *recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

var narrowing, _, _ = strings.Cut(scope.Narrow, "/* TEMPLATE_BEGIN")

// opens tells the statements of sql/scope.
func opens(sql string) bool { return sql == scope.Open || strings.HasPrefix(sql, narrowing) }
