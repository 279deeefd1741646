package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/flow"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// The queues.
const (
	Default      = "default"
	Scans        = "scans"
	Overview     = "overview"
	Compliance   = "compliance"
	Integrations = "integrations"
	Deletion     = "deletion"
	Backfill     = "backfill"
	Reports      = "scan-reports"
	AttackPaths  = "attack-paths-scans"
)

// Queues lists all queues.
func Queues() []string {
	return []string{Default, Scans, Overview, Compliance, Integrations, Deletion, Backfill, Reports, AttackPaths}
}

// Job is the arguments of one kind of job: a struct of ids, which becomes JSON.
type Job interface {
	// Kind names the kind; it is the name of the job's task too, e.g. "scan-perform".
	Kind() string
	// Provider is the provider that the job is about, uuid.Nil for none: who does not see it does not see the task, and when
	// it is deleted the job ends quietly.
	Provider() uuid.UUID
}

// Options are how jobs of a kind are run. A zero field means its default.
type Options struct {
	Timeout time.Duration // longest one attempt may take before its context ends; default 5 h 50 min
	Grace   time.Duration // how long it may take from then to stop before it is left behind, ended and out of the way; default 30 s
	Retries int           // attempts after one that failed for a reason that may pass (Transient); default 3, -1 for none
	Crashes int           // times that the process may die under the job before it is given up; default 3
	Hidden  bool          // people do not see the tasks

	// Outlives says that the jobs go on though their provider is deleted, because that is what they do. They cannot be cancelled.
	Outlives bool

	// Ended runs in the transaction in which the task ends, however it ends. It may run more than once for a task, of which
	// one transaction commits.
	Ended func(ctx context.Context, tx *tenant.Tx, end End) error
}

// End is how a task ended.
type End struct {
	Run   Run
	Args  Job
	State task.State // Completed, Failed or Cancelled
	Err   error      // why it failed; nil otherwise
}

const (
	defaultTimeout = 6*time.Hour - 10*time.Minute
	defaultRetries = 3
	defaultCrashes = 3
)

// Registry knows every kind of job.
type Registry struct {
	kinds    map[string]*kind
	system   map[string]*systemKind
	periodic []periodic
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry {
	return &Registry{kinds: make(map[string]*kind), system: make(map[string]*systemKind)}
}

// Register adds a kind: T's zero value names it. work does it; what it returns is the task's result, as JSON. Registering a kind
// twice, or for an unknown queue, is a programming error and panics.
func Register[T Job](r *Registry, queue string, options Options, work func(ctx context.Context, run Run, args T) (any, error)) {
	var zero T
	r.add(&kind{name: zero.Kind(), queue: queue, options: options.withDefaults(),
		decode: func(raw json.RawMessage) (Job, error) {
			var args T
			err := json.Unmarshal(raw, &args)
			return args, err
		},
		work: func(ctx context.Context, run Run, args Job) (any, error) { return work(ctx, run, args.(T)) },
	})
}

// Every adds work of no tenant that one worker process does at an interval, and once when workers start.
func (r *Registry) Every(name string, interval time.Duration, work func(context.Context) error) {
	r.periodic = append(r.periodic, periodic{name: name, interval: interval, work: work})
}

// Step is a job as a step of a flow.
func Step(job Job) flow.Step {
	args, err := json.Marshal(job)
	if err != nil {
		panic(fmt.Sprintf("jobs: arguments of %s: %v", job.Kind(), err)) // a struct of ids always encodes
	}
	return flow.One(flow.Job{Kind: job.Kind(), Provider: job.Provider(), Args: args})
}

// kind is one kind of job.
type kind struct {
	name    string
	queue   string
	options Options
	decode  func(json.RawMessage) (Job, error)
	work    func(context.Context, Run, Job) (any, error)
}

type periodic struct {
	name     string
	interval time.Duration
	work     func(context.Context) error
}

func (r *Registry) add(one *kind) {
	if _, twice := r.kinds[one.name]; twice || one.name == "" || !slices.Contains(Queues(), one.queue) {
		panic(fmt.Sprintf("jobs: kind %q is registered twice, has no name, or no queue (%q)", one.name, one.queue))
	}
	r.kinds[one.name] = one
}

func (r *Registry) addSystem(one *systemKind) {
	if r.kinds[one.name] != nil || r.system[one.name] != nil || one.name == "" || !slices.Contains(Queues(), one.queue) {
		panic(fmt.Sprintf("jobs: kind %q is registered twice, has no name, or no queue (%q)", one.name, one.queue))
	}
	r.system[one.name] = one
}

func (r *Registry) kind(name string) (*kind, error) {
	one, ok := r.kinds[name]
	if !ok {
		return nil, fmt.Errorf("%w: %q", errNotRegistered, name)
	}
	return one, nil
}

func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Grace == 0 {
		o.Grace = grace
	}
	switch {
	case o.Retries == 0:
		o.Retries = defaultRetries
	case o.Retries < 0:
		o.Retries = 0
	}
	if o.Crashes == 0 {
		o.Crashes = defaultCrashes
	}
	return o
}
