// Package timeline looks up what happened to a resource, in the log that the provider itself keeps. It asks live, with the stored
// credentials, through the scan engine, a few at a time.
//
// What does not belong here: the log of what policy decided (internal/audit), and anything that is stored.
package timeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/secret"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const (
	// Longest is how long one look may take, the wait for its turn included.
	Longest = time.Minute
	// longestWait is how long a request waits for its turn.
	longestWait = 10 * time.Second
	// atOnce are the engines that this process runs at once for requests, and atOnceOfTenant those of one tenant: each has
	// the weight of an interpreter.
	atOnce         = 4
	atOnceOfTenant = 2
)

var (
	// ErrNoResource is returned when the resource does not exist or is not visible in the scope.
	ErrNoResource = errors.New("no such resource")
	// ErrNoSecret is returned when its provider has no credentials.
	ErrNoSecret = errors.New("the provider has no secret")
	// ErrBusy is returned when too many look at the same time.
	ErrBusy = errors.New("too many look up events at the moment")
)

// Engine looks into the logs of providers; engine.Prowler is one.
type Engine interface {
	Events(ctx context.Context, request engine.EventsRequest) ([]engine.Event, error)
}

// Service looks up events. It is safe for use by several goroutines.
type Service struct {
	tenants *tenant.Executor
	secrets *secret.Keyring
	engine  Engine
	gate    gate
}

// New returns the service.
func New(tenants *tenant.Executor, secrets *secret.Keyring, engine Engine) *Service {
	return &Service{tenants: tenants, secrets: secrets, engine: engine,
		gate: gate{free: atOnce, each: atOnceOfTenant, busy: make(map[uuid.UUID]int), changed: make(chan struct{}), patience: longestWait}}
}

// Resource is a resource whose events can be looked up.
type Resource struct {
	Provider string // type of its provider

	tenant uuid.UUID
	row    tenantdb.GetResourceAccountRow
}

// Find returns a resource that the scope shows.
func (s *Service) Find(ctx context.Context, scope tenant.Scope, id uuid.UUID) (Resource, error) {
	row, err := tenantdb.New(s.tenants.Read(scope)).GetResourceAccount(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Resource{}, ErrNoResource
	}
	if err != nil {
		return Resource{}, fmt.Errorf("get resource: %w", err)
	}
	return Resource{Provider: row.Provider, tenant: scope.Tenant(), row: row}, nil
}

// Asked says which events are wanted.
type Asked struct {
	Days  int  // how far back
	Limit int  // most events
	Reads bool // with events that change nothing
}

// Events looks up the events of a resource, the newest first. No connection to the database is held meanwhile. Errors are those
// of this package and of internal/engine.
func (s *Service) Events(ctx context.Context, resource Resource, asked Asked) ([]engine.Event, error) {
	row := resource.row
	if row.SecretID == nil {
		return nil, ErrNoSecret
	}
	if err := s.gate.enter(ctx, resource.tenant); err != nil {
		return nil, err
	}
	defer s.gate.leave(resource.tenant)
	opened, err := s.secrets.Open(row.Secret, secret.Bind("provider_secrets", resource.tenant, *row.SecretID))
	if err != nil {
		return nil, fmt.Errorf("open the provider's secret: %w", err)
	}
	defer clear(opened)
	return s.engine.Events(ctx, engine.EventsRequest{Request: engine.Request{Provider: row.Provider, UID: row.Account, Secret: engine.Secret(opened)},
		Resource: row.Uid, Region: row.Region, Days: asked.Days, Limit: asked.Limit, Reads: asked.Reads})
}

// gate lets few in at once, and fewer of one tenant.
type gate struct {
	mutex    sync.Mutex
	free     int
	each     int
	busy     map[uuid.UUID]int
	changed  chan struct{} // closed when somebody leaves
	patience time.Duration
}

func (g *gate) enter(ctx context.Context, who uuid.UUID) error {
	patience := time.NewTimer(g.patience)
	defer patience.Stop()
	for {
		entered, changed := g.try(who)
		if entered {
			return nil
		}
		select {
		case <-changed:
		case <-patience.C:
			return ErrBusy
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// try enters when there is room; else changed says when to try again.
func (g *gate) try(who uuid.UUID) (entered bool, changed <-chan struct{}) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.free == 0 || g.busy[who] == g.each {
		return false, g.changed
	}
	g.free--
	g.busy[who]++
	return true, nil
}

func (g *gate) leave(who uuid.UUID) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.free++
	if g.busy[who]--; g.busy[who] == 0 {
		delete(g.busy, who)
	}
	close(g.changed)
	g.changed = make(chan struct{})
}
