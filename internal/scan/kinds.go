package scan

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/flow"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/ocsf"
	"github.com/palisade-sec/palisade/internal/secret"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Perform is a scan that somebody asked for.
type Perform struct {
	ScanID     uuid.UUID `json:"scan_id"`
	ProviderID uuid.UUID `json:"provider_id"`
}

// Kind is the name of the job and of its task.
func (Perform) Kind() string { return "scan-perform" }

// Provider is the provider to scan.
func (p Perform) Provider() uuid.UUID { return p.ProviderID }

// PerformScheduled is a scan that a schedule started; the scan is the one that has the job's task.
type PerformScheduled struct {
	ProviderID uuid.UUID `json:"provider_id"`
}

// Kind is the name of the job and of its task.
func (PerformScheduled) Kind() string { return "scan-perform-scheduled" }

// Provider is the provider to scan.
func (p PerformScheduled) Provider() uuid.UUID { return p.ProviderID }

// CheckConnection is a check whether a provider can be reached.
type CheckConnection struct {
	ProviderID uuid.UUID `json:"provider_id"`
}

// Kind is the name of the job and of its task.
func (CheckConnection) Kind() string { return "provider-connection-check" }

// Provider is the provider to check.
func (c CheckConnection) Provider() uuid.UUID { return c.ProviderID }

// Target is a scan and its provider.
type Target struct {
	ScanID     uuid.UUID
	ProviderID uuid.UUID
}

// Engine looks at accounts; engine.Prowler is one.
type Engine interface {
	Connect(ctx context.Context, request engine.Request) (engine.ConnectResult, error)
	Scan(ctx context.Context, request engine.Request, sink engine.Sink) (engine.ScanResult, error)
}

// Store keeps what scans find.
type Store interface {
	// Begin starts to store the findings of an executing scan; what an earlier attempt left is removed.
	Begin(ctx context.Context, run jobs.Run, target Target) (Writer, error)
	// Complete makes the aggregates and switches the scan to completed, in the transaction in which its task ends.
	Complete(ctx context.Context, tx *tenant.Tx, target Target) error
	// Discard sees that the findings of a scan that failed are removed, after the transaction.
	Discard(ctx context.Context, tx *tenant.Tx, client *jobs.Client, target Target) error
}

// Writer stores the findings of one scan.
type Writer interface {
	Add(ctx context.Context, finding ocsf.Finding) error
	// Flush stores what was added and is not stored yet.
	Flush(ctx context.Context) error
	// Close waits until nothing is being stored any more. It is called however the scan ends.
	Close()
}

// Parts are what the jobs of this package work with.
type Parts struct {
	Engine  Engine
	Store   Store
	Secrets *secret.Keyring
	Logger  *slog.Logger
	// Mutelist is the tenant's mute list in the engine's form; nil for none, and so may be the function.
	Mutelist func(ctx context.Context, db tenant.DB) (json.RawMessage, error)
	// Timeout is how long the engine may take for a scan; 0 is the default.
	Timeout time.Duration
	// After is what follows on a completed scan; false is nothing. The function may be nil.
	After func(target Target) (flow.Step, bool)
}

const (
	scanTimeout = 48*time.Hour - 10*time.Minute
	// around is how long the rest of a scan's job may take: what the engine wrote last is stored when its time is over.
	around       = 10 * time.Minute
	checkTimeout = 2 * time.Minute
)

// Register makes the kinds of this package known to the job layer.
func Register(registry *jobs.Registry, parts Parts) {
	p := &performer{Parts: parts}
	if p.Logger == nil {
		p.Logger = slog.New(slog.DiscardHandler)
	}
	options := jobs.Options{Timeout: cmp.Or(p.Timeout, scanTimeout) + around, Retries: 2, Ended: p.ended}
	jobs.Register(registry, jobs.Scans, options, func(ctx context.Context, run jobs.Run, args Perform) (any, error) {
		return p.perform(ctx, run, Target(args))
	})
	jobs.Register(registry, jobs.Scans, options, p.performScheduled)
	jobs.Register(registry, jobs.Default, jobs.Options{Timeout: checkTimeout, Retries: 1}, p.check)
}
