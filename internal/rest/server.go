package rest

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/palisade-sec/palisade/internal/audit"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/session"
)

// Authenticator turns an Authorization header into a principal. A header that names no credential yields (nil, nil);
// a bad credential yields a refusal.
type Authenticator interface {
	Authenticate(ctx context.Context, header string) (*session.Principal, error)
	// Enter is the same person in another tenant, with the roles held there; nil when they are no member of it.
	Enter(ctx context.Context, principal *session.Principal, tenant uuid.UUID) (*session.Principal, error)
}

// Policy gives the active policy; authz.Engine is one. A request takes it once, so that its decision and its visibility
// come from the same revision.
type Policy interface{ Snapshot() *authz.Snapshot }

// Config is what a Server is made of.
type Config struct {
	Authenticator Authenticator
	Policy        Policy
	Logger        *slog.Logger
	TrustProxy    bool          // believe X-Forwarded-Proto and X-Forwarded-Host
	Timeout       time.Duration // longest a request may take, or a portion of a stream; 0: DefaultTimeout
	Version       string        // of the program, for the OpenAPI document
	CORSOrigins   []string      // origins that browsers may call from
	Hosts         []string      // hosts that the server answers for, see CheckHosts; none: any
	HSTS          time.Duration // how long browsers are to insist on https, told over https; 0: not told
	Limits        Limits        // how often clients may ask
	Observer      Observer      // nil: nobody counts
	Audit         Auditor       // nil: decisions are only logged
}

// DefaultTimeout is how long a request may take.
const DefaultTimeout = 30 * time.Second

// Observer counts requests.
type Observer interface {
	RequestBegan()
	// RequestEnded gets the operation's id, empty for a path that no operation has.
	RequestEnded(operation string, status int, took time.Duration)
	// Throttled gets the name of the limit that refused the request.
	Throttled(limit string)
}

// Server routes requests to operations and keeps the OpenAPI document that describes them.
type Server struct {
	config     Config
	router     *chi.Mux
	api        huma.API
	operations []*Operation
}

// NewServer builds the handler of the API from all operations. Two operations with the same method and path, or without a
// handler, are a programming error and panic.
func NewServer(config Config, operations []Operation) *Server {
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	server := &Server{config: config, router: chi.NewMux()}
	server.mountRoot()
	server.router.MethodNotAllowed(server.refuseMethod)
	server.router.NotFound(func(w http.ResponseWriter, _ *http.Request) { notFoundPage(w) })
	document := huma.DefaultConfig("Palisade", config.Version)
	document.OpenAPIPath, document.DocsPath, document.SchemasPath = "", "", ""
	document.CreateHooks = nil
	document.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	server.api = humachi.New(server.router, document)
	server.describe()
	allowed := make(map[string][]string)
	for i := range operations {
		allowed[operations[i].Path] = append(allowed[operations[i].Path], operations[i].Method)
		if bare := operations[i].Bare; bare != "" && allowed[bare] == nil {
			allowed[bare] = []string{}
		}
	}
	for i := range operations {
		server.register(&operations[i], strings.Join(allowed[operations[i].Path], ", "))
	}
	for path, answered := range allowed {
		server.refuseOtherMethods(path, answered)
	}
	return server
}

// Mount adds a handler outside the API, e.g. health.
func (s *Server) Mount(pattern string, handler http.Handler) { s.router.Handle(pattern, handler) }

// Operations are all operations, in the order of declaration.
func (s *Server) Operations() []*Operation { return s.operations }

// OpenAPI is the document that describes the API (OpenAPI 3.1).
func (s *Server) OpenAPI() *huma.OpenAPI { return s.api.OpenAPI() }

// ServeHTTP answers one request: headers that every answer has, correlation, panics, the log line.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	correlation := correlationID(r)
	ctx := r.Context()
	entry := &logEntry{request: correlation, client: clientAddress(r, s.config.TrustProxy), connection: http.NewResponseController(w)}
	ctx = context.WithValue(ctx, entryKey{}, entry)
	recorder := &recorder{ResponseWriter: w, status: http.StatusOK, entry: entry}
	header := recorder.Header()
	header.Set("Correlation-ID", correlation)
	header.Set("Access-Control-Expose-Headers", "Correlation-ID")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Vary", "origin")
	if s.config.HSTS > 0 && s.isSecure(r) {
		header.Set("Strict-Transport-Security", "max-age="+strconv.Itoa(int(s.config.HSTS.Seconds())))
	}
	s.observeBegin()
	cutOff := false
	defer func() {
		if failure := recover(); failure != nil {
			if failure != http.ErrAbortHandler {
				s.config.Logger.ErrorContext(ctx, "request panicked", "correlation_id", correlation, "panic", fmt.Sprint(failure), "stack", string(debug.Stack()))
			}
			if recorder.wrote {
				cutOff = true
			} else {
				recorder.status = http.StatusInternalServerError
				s.fail(recorder, nil, errPanicked)
			}
		}
		s.config.Logger.InfoContext(ctx, "request", "correlation_id", correlation, "method", r.Method, "path", r.URL.Path,
			"status", recorder.status, "duration", time.Since(start).Seconds(), "user_id", entry.user, "tenant_id", entry.tenant,
			"api_key_prefix", entry.key)
		s.observeEnd(entry, recorder.status, time.Since(start))
		s.answered(entry, recorder.status)
		if cutOff {
			panic(http.ErrAbortHandler) // an answer that ends in the middle must not look whole
		}
	}()
	r = r.WithContext(ctx)
	if r.ContentLength != 0 {
		entry.awaitBody(s.config.Timeout)
	}
	if err := s.checkHost(r); err != nil {
		s.fail(recorder, r, err)
		return
	}
	if s.cors(recorder, r) {
		return
	}
	if !isHealth(r) { // health has limits of its own
		if err := spend(ctx, "address", s.config.Limits.Address, entry.client); err != nil {
			s.fail(recorder, r, err)
			return
		}
	}
	s.router.ServeHTTP(recorder, r)
}

// awaitBody bounds how long a client may take to send a request's body. A server that has no deadlines, as in tests, goes
// without.
func (e *logEntry) awaitBody(limit time.Duration) {
	_ = e.connection.SetReadDeadline(time.Now().Add(limit))
}

// bodyArrived ends that time: from here on a read that times out would pass for a client that is gone.
func (e *logEntry) bodyArrived() { _ = e.connection.SetReadDeadline(time.Time{}) }

// answerLimit is how long a client may take to read an answer, which is all there when it begins.
const answerLimit = time.Minute

func (s *Server) observeBegin() {
	if s.config.Observer != nil {
		s.config.Observer.RequestBegan()
	}
}

func (s *Server) observeEnd(entry *logEntry, status int, took time.Duration) {
	if s.config.Observer == nil {
		return
	}
	if entry.throttled != "" {
		s.config.Observer.Throttled(entry.throttled)
	}
	s.config.Observer.RequestEnded(entry.operation, status, took)
}

var errPanicked = errors.New("panic")

type entryKey struct{}

// logEntry is what the log line, the headers and the metrics learn on the way.
type logEntry struct {
	request, client, user, tenant, key string

	connection *http.ResponseController
	operation  string
	quota      *Quota       // of the limit that is nearest; nil: none applies
	throttled  string       // the limit that refused the request
	decided    *audit.Event // the decision, when it is in the audit log
}

// requestID is the correlation id of the request that the context belongs to.
func requestID(ctx context.Context) string {
	if entry, ok := ctx.Value(entryKey{}).(*logEntry); ok {
		return entry.request
	}
	return ""
}

// register routes an operation and describes it; allow is what its path answers, for the Allow header.
func (s *Server) register(operation *Operation, allow string) {
	if operation.Handle == nil || operation.ID == "" {
		panic(fmt.Sprintf("operation %s %s has no handler or no id", operation.Method, operation.Path))
	}
	s.operations = append(s.operations, operation)
	described := s.describeOperation(operation)
	s.api.OpenAPI().AddOperation(described)
	s.api.Adapter().Handle(described, func(ctx huma.Context) {
		r, w := humachi.Unwrap(ctx)
		w.Header().Set("Allow", allow)
		s.serve(w, r, operation)
	})
}

// methods are those of HTTP, in the order of an Allow header.
var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"}

// refuseOtherMethods answers 405 on a path for the methods that no operation has; 401 wins over it.
func (s *Server) refuseOtherMethods(path string, allowed []string) {
	slices.SortFunc(allowed, func(a, b string) int { return slices.Index(methods, a) - slices.Index(methods, b) })
	allow := strings.Join(allowed, ", ")
	anonymous := len(allowed) > 0
	for _, operation := range s.operations {
		if operation.Path == path && !operation.Anonymous {
			anonymous = false
		}
	}
	for _, method := range methods {
		if slices.Contains(allowed, method) {
			continue
		}
		s.router.MethodFunc(method, BasePath+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allow)
			principal, err := s.authenticate(r)
			if err != nil {
				err = invalidToken(err, false)
			} else if principal == nil && !anonymous {
				err = notAuthenticated()
			}
			if err == nil {
				err = jsonapi.Error{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Pointer: "/data",
					Detail: fmt.Sprintf("Method %q not allowed.", r.Method)}
			}
			s.fail(w, r, err)
		})
	}
}

// refuseMethod answers 405 for methods that are not known at all.
func (s *Server) refuseMethod(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, jsonapi.Error{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Pointer: "/data",
		Detail: fmt.Sprintf("Method %q not allowed.", r.Method)})
}

// serve takes one request through all steps.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, operation *Operation) {
	entry, known := r.Context().Value(entryKey{}).(*logEntry)
	if known {
		entry.operation = string(operation.ID)
	}
	unlimited := r
	if operation.Slow {
		if known {
			entry.bodyArrived() // its body may take as long as it takes
		}
	} else {
		ctx, cancel := context.WithTimeout(r.Context(), s.config.Timeout)
		defer cancel()
		r = r.WithContext(ctx)
	}
	if operation.Streams() {
		w.Header().Add("Vary", "Accept")
	}
	request, err := s.admit(r, operation)
	switch {
	case err != nil:
	case request.media != jsonapi.MediaType:
		request.HTTP, r = unlimited, unlimited
		err = s.stream(w, request)
	default:
		var answer *Answer
		if answer, err = operation.Handle(r.Context(), request); err != nil {
			break
		}
		if answer.Rest != nil {
			s.sendPortions(w, unlimited, answer)
			return
		}
		err = s.answer(w, operation, answer)
	}
	if err != nil {
		s.fail(w, r, err)
	}
}

// admit does everything before the handler, in the order of the wire: negotiation and credentials, the policy's decision,
// ids, query parameters.
func (s *Server) admit(r *http.Request, operation *Operation) (*Request, error) {
	ctx := r.Context()
	media := ""
	if operation.Negotiate {
		var err error
		if media, err = negotiate(r, operation); err != nil {
			return nil, err
		}
	}
	principal, err := s.authenticate(r)
	if err != nil {
		return nil, invalidToken(err, operation.Negotiate)
	}
	if principal == nil && !operation.Anonymous {
		return nil, notAuthenticated()
	}
	if !operation.Negotiate {
		if media, err = negotiate(r, operation); err != nil {
			return nil, err
		}
	}
	request := &Request{Principal: principal, HTTP: r, operation: operation, media: media, server: s, policy: s.config.Policy.Snapshot()}
	if !operation.Anonymous {
		logSubject(ctx, principal)
		if err := s.enter(ctx, request); err != nil {
			return nil, err
		}
		if err := s.decide(ctx, request); err != nil {
			return nil, err
		}
	}
	if err := request.readPath(); err != nil {
		return nil, err
	}
	if operation.Query != nil {
		if request.Query, err = operation.Mode.parse(filter.ReadParams(r.URL.RawQuery), operation.Query); err != nil {
			return nil, err
		}
	}
	return request, nil
}

// authenticate finds out who asks, and counts it.
func (s *Server) authenticate(r *http.Request) (*session.Principal, error) {
	principal, err := s.config.Authenticator.Authenticate(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		return nil, err
	}
	return principal, s.spendAs(r.Context(), principal)
}

// logSubject tells the log line who asks; of an API key it shows what is not secret.
func logSubject(ctx context.Context, principal *session.Principal) {
	entry, ok := ctx.Value(entryKey{}).(*logEntry)
	if !ok {
		return
	}
	entry.user, entry.tenant = principal.Subject.UserID.String(), principal.Subject.TenantID.String()
	if principal.Key != nil {
		entry.key = principal.Key.Prefix
	}
}

// enter turns the principal into the one of the tenant that the path names, where the operation asks for that. Whoever is no
// member of it stays who they are; for them the handler finds no such tenant.
func (s *Server) enter(ctx context.Context, request *Request) error {
	if request.operation.TenantID == "" {
		return nil
	}
	id, err := jsonapi.ParseUUID(chi.URLParamFromCtx(ctx, request.operation.TenantID))
	if err != nil || id == request.Tenant() {
		return nil // readPath refuses what is no UUID
	}
	there, err := s.config.Authenticator.Enter(ctx, request.Principal, id)
	if err == nil && there != nil {
		request.Principal = there
	}
	return err
}

func (s *Server) decide(ctx context.Context, request *Request) error {
	decision, err := request.policy.Decide(ctx, request.Principal.Subject, request.operation.ID)
	if err != nil {
		return fmt.Errorf("decide %s: %w", request.operation.ID, err)
	}
	if request.operation.Personal && request.Confined() {
		decision = confine(decision)
	}
	request.Decision = decision
	var refusal error
	switch {
	case decision.Allowed:
	case decision.Reason == authz.ReasonNoRole:
		refusal = jsonapi.NoRole()
	default:
		refusal = jsonapi.Forbidden()
	}
	if err := s.record(ctx, request, refusal); err != nil {
		return err
	}
	return refusal
}

// confine is the decision on what a person may do and a confined credential may not: it is made for one tenant, and what goes
// beyond it, or lasts longer, is for the person alone.
func confine(decision authz.Decision) authz.Decision {
	decision.Allowed, decision.Reason, decision.GrantedBy = false, authz.ReasonDenied, nil
	decision.Rule, decision.Sentence = "credential-stays-in-its-tenant",
		"An API key, or a sign-on through a tenant's identity provider, acts in that tenant only."
	return decision
}

// readPath reads the path parameters; all of them are UUIDs unless the operation says otherwise.
func (r *Request) readPath() error {
	parameters := chi.RouteContext(r.HTTP.Context()).URLParams
	r.ids, r.params = make(map[string]uuid.UUID), make(map[string]string)
	for i, name := range parameters.Keys {
		value, err := parameters.Values[i], error(nil)
		if r.HTTP.URL.RawPath != "" { // the router took the path as it was sent; otherwise it is unescaped already
			value, err = url.PathUnescape(value)
		}
		if err != nil || !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			return jsonapi.NoSuchPath() // nothing is called that, and the database would refuse it
		}
		r.params[name] = value
		if r.operation.isText(name) {
			if r.operation.HTMLIDs && strings.Contains(value, ".") || value == "" && slices.Contains(r.operation.Texts, name) {
				return errHTMLNotFound
			}
			continue
		}
		id, err := jsonapi.ParseUUID(value)
		if err != nil || strings.ContainsAny(value, "{}:") {
			if r.operation.HTMLIDs {
				return errHTMLNotFound
			}
			return jsonapi.NoSuchPath()
		}
		r.ids[name] = id
	}
	return nil
}

var errHTMLNotFound = errors.New("no such page")

func (s *Server) answer(w http.ResponseWriter, operation *Operation, answer *Answer) error {
	body := answer.Body
	if answer.Document != nil {
		var err error
		if body, err = answer.Document.Encode(); err != nil {
			return err
		}
		w.Header().Set("Content-Type", jsonapi.MediaType)
	}
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	if operation.Cached && answer.Status < 300 {
		w.Header().Set("Cache-Control", "max-age=3600, stale-while-revalidate=60")
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(body) // the client is gone when this fails
	return nil
}

// fail maps an error to the wire, the one place where that happens.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, errHTMLNotFound) {
		notFoundPage(w)
		return
	}
	var throttled Throttled
	if errors.As(err, &throttled) {
		w.Header().Set("Retry-After", throttled.RetryAfter)
	}
	w.Header().Set("Content-Type", jsonapi.MediaType)
	var detail jsonapi.Detail
	if errors.As(err, &detail) {
		w.WriteHeader(detail.Status)
		_, _ = w.Write(jsonapi.EncodeDetail(detail))
		return
	}
	refusal, ok := jsonapi.AsErrors(err)
	if !ok {
		refusal = s.unexpected(w, r, err)
	}
	if r == nil || r.Method != http.MethodHead {
		body := jsonapi.EncodeErrors(refusal)
		w.WriteHeader(refusal.Status())
		_, _ = w.Write(body)
		return
	}
	w.WriteHeader(refusal.Status())
}

// retryAfter is the Retry-After, in seconds, of a request that took too long.
const retryAfter = "10"

// unexpected turns a failure into an answer that says nothing of the inside, and logs it.
func (s *Server) unexpected(w http.ResponseWriter, r *http.Request, err error) jsonapi.Errors {
	path, correlation := "", ""
	ctx := context.Background()
	if r != nil {
		ctx, path, correlation = r.Context(), r.URL.Path, requestID(r.Context())
	}
	switch gone := errors.Is(ctx.Err(), context.Canceled); { // the client does not wait for an answer
	case tookTooLong(err):
		if !gone {
			s.config.Logger.WarnContext(ctx, "request took too long", "correlation_id", correlation, "path", path, "limit", s.config.Timeout.Seconds(), "error", err)
		}
		w.Header().Set("Retry-After", retryAfter)
		return jsonapi.Errors{{Status: http.StatusServiceUnavailable, Code: "timeout", Pointer: "/data",
			Detail: "The request took too long. Narrow it with filters or try again later."}}
	case !gone && !errors.Is(err, errPanicked):
		s.config.Logger.ErrorContext(ctx, "request failed", "correlation_id", correlation, "path", path, "error", err)
	}
	return jsonapi.Errors{{Status: http.StatusInternalServerError, Code: "error", Pointer: "/data", Detail: "A server error occurred."}}
}

// tookTooLong reports whether a request failed because its time was over: the program's own, or the database's for a statement.
func tookTooLong(err error) bool {
	var refused *pgconn.PgError
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &refused) && refused.Code == "57014"
}

// invalidToken is the 401 of a bad token: three objects on the wire, the last of which points at the message where the
// operation reads documents of its own.
func invalidToken(err error, plainView bool) error {
	var invalid *session.InvalidToken
	if !errors.As(err, &invalid) {
		return err
	}
	one := jsonapi.Error{Status: http.StatusUnauthorized, Code: "token_not_valid", Pointer: "/data", Detail: "Given token not valid for any token type"}
	two, three := one, one
	two.Detail, three.Detail, three.Pointer = "token_not_valid", invalid.Message, ""
	if plainView {
		three.Pointer = "/data/attributes/messages"
	}
	return jsonapi.Errors{one, two, three}
}

func notAuthenticated() jsonapi.Error {
	return jsonapi.Error{Status: http.StatusUnauthorized, Code: "not_authenticated", Pointer: "/data",
		Detail: "Authentication credentials were not provided."}
}

// cors answers preflight requests and marks answers to allowed origins; true means the request is answered.
func (s *Server) cors(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || !slices.Contains(s.config.CORSOrigins, origin) {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	w.Header().Set("Access-Control-Allow-Methods", "DELETE, GET, OPTIONS, PATCH, POST, PUT")
	w.Header().Set("Access-Control-Allow-Headers", "accept, authorization, content-type, user-agent, x-csrftoken, x-requested-with")
	w.Header().Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusOK)
	return true
}

func notFoundPage(w http.ResponseWriter) {
	w.Header().Del("Allow")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte("<!doctype html>\n<html lang=\"en\">\n<head><title>Not Found</title></head>\n<body><h1>Not Found</h1><p>The requested resource was not found on this server.</p></body>\n</html>\n"))
}

// correlationID honours the client's id when it is a UUID.
func correlationID(r *http.Request) string {
	if given := r.Header.Get("Correlation-ID"); uuid.Validate(given) == nil {
		return given
	}
	id := uuid.New()
	return hex.EncodeToString(id[:])
}

type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
	entry  *logEntry
}

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.begin(status)
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(content []byte) (int, error) {
	if !r.wrote {
		r.begin(r.status)
	}
	return r.ResponseWriter.Write(content)
}

// begin is the last moment for headers.
func (r *recorder) begin(status int) {
	r.status, r.wrote = status, true
	_ = r.entry.connection.SetWriteDeadline(time.Now().Add(answerLimit))
	if r.entry.quota != nil {
		r.entry.quota.describe(r.Header())
	}
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
