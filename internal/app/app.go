// Package app builds the program from its settings: executors, keys, policy, domains, the API. cmd/palisade, the tests and
// internal/bench start from here; nothing else imports it.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/internal/api"
	"github.com/palisade-sec/palisade/internal/api/signon"
	"github.com/palisade-sec/palisade/internal/audit"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/deletion"
	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/identity"
	"github.com/palisade-sec/palisade/internal/ingestion"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/metrics"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/secret"
	"github.com/palisade-sec/palisade/internal/session"
	"github.com/palisade-sec/palisade/internal/social"
	"github.com/palisade-sec/palisade/internal/sso"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
	"github.com/palisade-sec/palisade/internal/timeline"
	"github.com/palisade-sec/palisade/internal/token"
)

// Settings are what the program needs to know.
type Settings struct {
	AppURL           string // palisade_app
	AppReplicaURL    string
	SystemURL        string // palisade_system
	SystemReplicaURL string
	MaxConns         int32
	KeyDir           string // folder of the token keys and the secret keys
	TokenLimit       string // e.g. "50/minute", "off"
	AccountLimit     string // wrong passwords of one account, in the same form
	AddressLimit     string // requests of one client address, in the same form
	AccessTokenLimit string // requests of one person in one tenant, in the same form
	KeyLimit         string // requests of one API key, in the same form
	TrustProxy       bool
	AllowedHosts     []string      // see rest.CheckHosts; none: any
	HSTS             time.Duration // 0: not told
	CORSOrigins      []string
	MaxIngestion     int64         // bytes of a findings file as sent; 0: the default
	EnginePython     string        // interpreter that has the scan engine; empty: see engine.FindInterpreter
	EnginePassEnv    []string      // environment variables that the engine gets beside the minimum
	EngineServices   []string      // services that scans look at, see engine.ParseServices; none: all
	EngineMemory     int64         // bytes that a process of the engine may have; 0: the engine's default, -1: no limit
	RequestTimeout   time.Duration // how long a request may take; 0: the default
	ScanTimeout      time.Duration // how long a scan may take; 0: the default
	RetentionMonths  int           // months after which scans go, of tenants that have not set any; 0: kept
	ScanConcurrency  int           // scans that this process runs at the same time; 0: the default
	WorkerSilence    time.Duration // jobs.WorkConfig's Silence, and Stop: for tests, which cannot wait; 0: the defaults
	WorkerStop       time.Duration
	AuditReadSample  float64         // share of allowed reads in the audit log
	WithoutAudit     bool            // for measuring what the audit log costs, and for nothing else: no setting of the program sets it
	Tracer           pgx.QueryTracer // sees what runs in tenants, for measuring and for nothing else: no setting of the program sets it
	SystemTracer     pgx.QueryTracer // the same for what crosses tenants
	PolicyDir        string          // folder of rules beside the built-in access policy; empty: none
	PolicyReplace    bool            // the folder takes the built-in policy's place
	Social           social.Settings
	InvitationOnly   bool // nobody signs up without an invitation
	SignOn           signon.Settings
}

// App is the program, ready to serve.
type App struct {
	Tenants   *tenant.Executor
	System    *system.Executor
	Identity  *identity.Service
	Policy    *authz.Engine
	Server    *rest.Server
	Catalogue *catalogue.Store
	Metrics   *metrics.Set // whoever counts something registers it here

	ingestions *ingestion.Service
	audit      *audit.Recorder
	jobs       *jobs.Client
	work       jobs.WorkConfig
	secrets    *secret.Keyring
	tokens     *token.Issuer
	signOn     *sso.Service
	logger     *slog.Logger

	watchesPolicy bool
}

// Open connects and puts everything together. Close the App when done.
func Open(ctx context.Context, settings Settings, logger *slog.Logger) (_ *App, err error) {
	app := &App{logger: logger, Metrics: metrics.New(Release), watchesPolicy: settings.PolicyDir != ""}
	defer func() {
		if err != nil {
			app.Close()
		}
	}()
	if app.Tenants, err = tenant.Open(ctx, pipeline.Config{URL: settings.AppURL, ReplicaURL: settings.AppReplicaURL, MaxConns: settings.MaxConns, ApplicationName: "palisade:app",
		Tracer: settings.Tracer}); err != nil {
		return nil, err
	}
	if app.System, err = system.Open(ctx, pipeline.Config{URL: settings.SystemURL, ReplicaURL: settings.SystemReplicaURL, MaxConns: settings.MaxConns, ApplicationName: "palisade:system",
		Tracer: settings.SystemTracer}); err != nil {
		return nil, err
	}
	issuer, err := token.Open(settings.KeyDir, token.Config{})
	if err != nil {
		return nil, fmt.Errorf("token keys: %w", err)
	}
	app.tokens = issuer
	if app.secrets, err = secret.LoadOrCreate(settings.KeyDir); err != nil {
		return nil, fmt.Errorf("secret keys: %w", err)
	}
	if app.Policy, err = policyEngine(ctx, settings, logger); err != nil {
		return nil, err
	}
	if err := app.Policy.Register(app.Metrics); err != nil {
		return nil, fmt.Errorf("metrics of the policy: %w", err)
	}
	app.Catalogue = catalogue.NewStore(app.Tenants)
	bounds, err := parseBounds(settings)
	if err != nil {
		return nil, err
	}
	providers, err := social.New(settings.Social, logger)
	if err != nil {
		return nil, err
	}
	app.ingestions = ingestion.New(app.Tenants, app.Catalogue.Checks, settings.MaxIngestion)
	registry := jobs.NewRegistry()
	ingestion.Register(registry, app.ingestions)
	if app.jobs, err = jobs.NewClient(registry); err != nil {
		return nil, fmt.Errorf("job client: %w", err)
	}
	eraser := deletion.New(app.System, app.jobs, logger)
	deletion.Register(registry, eraser)
	deletion.RegisterProviders(registry, deletion.NewProviders(app.jobs))
	app.Identity = identity.New(app.System, issuer, eraser, identity.Rules{InvitationOnly: settings.InvitationOnly})
	scans, err := app.registerScans(registry, settings)
	if err != nil {
		return nil, err
	}
	if err := settings.SignOn.Check(); err != nil {
		return nil, err
	}
	app.signOn = sso.New(app.Tenants, app.System, app.Identity)
	operations, err := api.Operations(api.Parts{Tenants: app.Tenants, System: app.System, Identity: app.Identity, Social: providers, Secrets: app.secrets,
		TokenLimit: rest.PerAddress("log-in", bounds.logIn), Guesses: bounds.guesses,
		Ingestions: app.ingestions, Jobs: app.jobs, Scans: scans, SignOn: app.signOn, Catalogue: app.Catalogue.Checks, Logger: logger,
		Timeline: timeline.New(app.Tenants, app.secrets, engine.NewProwler(engine.Options{Python: settings.EnginePython, PassEnv: settings.EnginePassEnv,
			Memory: settings.EngineMemory})), ExternalURL: settings.SignOn.ExternalURL,
		Engines: engine.NewSurvey(engine.Options{Python: settings.EnginePython, PassEnv: settings.EnginePassEnv})},
		app.Policy.Snapshot().Operations())
	if err != nil {
		return nil, err
	}
	auditor, err := app.auditLog(settings)
	if err != nil {
		return nil, err
	}
	app.Server = rest.NewServer(rest.Config{Version: Release, Authenticator: session.New(app.System, issuer, logger), Policy: app.Policy, Logger: logger,
		TrustProxy: settings.TrustProxy, CORSOrigins: settings.CORSOrigins, Hosts: settings.AllowedHosts, HSTS: settings.HSTS,
		Timeout: settings.RequestTimeout, Limits: bounds.requests, Observer: app.Metrics, Audit: auditor}, operations)
	app.watch()
	if err := app.mountOutside(); err != nil {
		return nil, err
	}
	signon.Mount(app.Server, app.signOn, settings.SignOn, bounds.logIn, logger)
	app.work = jobs.WorkConfig{Tenants: app.Tenants, System: app.System, Logger: logger, Ended: app.Metrics.JobEnded,
		Queues: map[string]int{jobs.Scans: settings.ScanConcurrency}, Silence: settings.WorkerSilence, Stop: settings.WorkerStop}
	return app, nil
}

// ServeHTTP answers one request.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.Server.ServeHTTP(w, r) }

// Work works jobs until ctx ends. The error says why it could not start or had to stop.
func (a *App) Work(ctx context.Context) error {
	// Before the first job: findings without a place in this month would fail it. Most of the time there is nothing to do.
	if err := a.ensurePartitions(ctx); err != nil {
		a.logger.ErrorContext(ctx, "partitions not made", "error", err)
	}
	return a.jobs.Work(ctx, a.work)
}

// JobKinds are the kinds of background work there are, by name.
func (a *App) JobKinds() []string { return a.jobs.Kinds() }

// Close writes what waits for the audit log and gives all connections back.
func (a *App) Close() {
	if a.audit != nil {
		a.audit.Close()
	}
	if a.Tenants != nil {
		a.Tenants.Close()
	}
	if a.System != nil {
		a.System.Close()
	}
}

// Check refuses to run as roles that could bypass the wall.
func (a *App) Check(ctx context.Context) error {
	return errors.Join(a.Tenants.CheckRole(ctx), a.System.CheckRole(ctx))
}
