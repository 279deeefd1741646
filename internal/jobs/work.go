package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// WorkConfig is how a process works jobs. A zero field means its default.
type WorkConfig struct {
	Tenants *tenant.Executor
	System  *system.Executor
	Logger  *slog.Logger
	// Ended learns of every attempt at a job that ended, and how: completed, failed, again (it is tried again or waits), or
	// broken (the database could not be told). Nil: nobody counts.
	Ended func(kind, outcome string, took time.Duration)

	Workers int            // jobs of one queue at the same time; default 2
	Queues  map[string]int // the same for one queue by its name, where it is not 0
	Silence time.Duration  // a process that did not renew its lease for so long is dead; default 15 s. It is renewed four times as often
	Stop    time.Duration  // how long running jobs may go on when the process stops; default 20 s
	Poll    time.Duration  // how often queues are looked at beside being notified; default 1 s
}

const (
	defaultWorkers = 2
	defaultSilence = 15 * time.Second
	defaultStop    = 20 * time.Second
	defaultPoll    = time.Second
	renewals       = 4 // in the time of silence
	// abandoned is the queue's own rescue, for jobs that the leases miss.
	abandoned = 72 * time.Hour
)

// Work works jobs until ctx ends, then lets running ones end within Stop and gives back those that do not. An error means
// that it could not start or stop. When the lease cannot be renewed, running jobs are stopped, because others take them over,
// and work goes on when the database can be reached again.
func (c *Client) Work(ctx context.Context, config WorkConfig) error {
	config = config.withDefaults()
	err := c.workOnce(ctx, config)
	for errors.Is(err, errLease) && ctx.Err() == nil {
		config.Logger.ErrorContext(ctx, "workers stopped and start again", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(config.Silence / renewals):
		}
		if again := c.workOnce(ctx, config); again != nil && !errors.Is(again, errLease) {
			err = fmt.Errorf("%w: %w", errLease, again)
		} else {
			err = again
		}
	}
	return err
}

// errLease says that work was interrupted because the lease could not be kept.
var errLease = errors.New("lease lost")

func (c *Client) workOnce(ctx context.Context, config WorkConfig) error {
	p, err := c.newProcess(config)
	if err != nil {
		return err
	}
	if err := p.renew(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop before there was anything to stop
		}
		return fmt.Errorf("start workers: %w", err)
	}
	if err := p.river.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start workers: %w", err)
	}
	err = p.keepAlive(ctx)
	p.stopping.Store(true)
	return errors.Join(err, p.stop(context.WithoutCancel(ctx), err != nil))
}

// process is this process as a worker.
type process struct {
	config   WorkConfig
	id       string
	river    *river.Client[pgx.Tx]
	stopping atomic.Bool
}

func (c *Client) newProcess(config WorkConfig) (*process, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	p := &process{config: config, id: fmt.Sprintf("%.60s/%s", host, uuid.New())}
	workers := river.NewWorkers()
	for _, kind := range c.registry.kinds {
		river.AddWorkerArgs(workers, envelope{kind: kind.name}, &worker{client: c, kind: kind, executor: config.Tenants,
			logger: config.Logger, stopping: &p.stopping})
	}
	for _, kind := range c.registry.system {
		river.AddWorkerArgs(workers, envelope{kind: kind.name}, &systemWorker{kind: kind, logger: config.Logger, stopping: &p.stopping})
	}
	var periodicJobs []*river.PeriodicJob
	for _, one := range c.registry.periodic {
		river.AddWorkerArgs(workers, envelope{kind: one.name}, &periodicWorker{work: one.work, name: one.name, every: one.interval, logger: config.Logger})
		periodicJobs = append(periodicJobs, one.job())
	}
	queues := make(map[string]river.QueueConfig)
	for _, name := range Queues() {
		queues[name] = river.QueueConfig{MaxWorkers: cmp.Or(config.Queues[name], config.Workers)}
	}
	p.river, err = river.NewClient(riverpgxv5.New(config.System.QueuePool()), &river.Config{
		ID: p.id, Schema: migrate.RiverSchema, Queues: queues, Workers: workers, PeriodicJobs: periodicJobs,
		Logger: slog.New(quiet{config.Logger.Handler()}), FetchPollInterval: config.Poll, FetchCooldown: min(config.Poll, river.FetchCooldownDefault),
		SoftStopTimeout: config.Stop, RescueStuckJobsAfter: abandoned, JobTimeout: -1,
		Middleware:        []rivertype.Middleware{&timekeeper{ended: config.Ended}},
		ReindexerSchedule: river.NeverSchedule(), // rebuilding an index is the owner's
	})
	if err != nil {
		return nil, fmt.Errorf("open workers: %w", err)
	}
	return p, nil
}

func (o periodic) job() *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(o.interval), func() (river.JobArgs, *river.InsertOpts) {
		// One at a time: a run that is still waiting or working stands for the next one too.
		return envelope{kind: o.name}, &river.InsertOpts{Queue: Default, MaxAttempts: queueAttempts, UniqueOpts: river.UniqueOpts{
			ByArgs: true, ByState: []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
				rivertype.JobStateRetryable, rivertype.JobStateScheduled}}}
	}, &river.PeriodicJobOpts{ID: o.name, RunOnStart: true})
}

// renew says that this process is alive, and takes over what dead ones left.
func (p *process) renew(ctx context.Context) error {
	var rescued int32
	err := p.config.System.Write(ctx, system.Queue, uuid.Nil, func(ctx context.Context, db system.DB) error {
		return systemdb.New(db).RenewLease(ctx, p.id)
	})
	if err != nil {
		return fmt.Errorf("renew lease: %w", err)
	}
	err = p.config.System.Write(ctx, system.Queue, uuid.Nil, func(ctx context.Context, db system.DB) error {
		var err error
		rescued, err = systemdb.New(db).RescueOrphans(ctx, p.config.Silence.Seconds())
		return err
	})
	if err != nil {
		return fmt.Errorf("rescue jobs: %w", err)
	}
	if rescued > 0 {
		p.config.Logger.WarnContext(ctx, "jobs of dead workers are available again", "jobs", rescued)
	}
	return nil
}

// keepAlive renews the lease until ctx ends. It returns an error when it could not for so long that others may believe this
// process dead: its jobs must stop before theirs begin.
func (p *process) keepAlive(ctx context.Context) error {
	interval := p.config.Silence / renewals
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		limited, cancel := context.WithTimeout(ctx, interval)
		began := time.Now()
		err := p.renew(limited)
		cancel()
		switch {
		case err == nil:
			renewed = began
		case ctx.Err() != nil:
			return nil
		default:
			p.config.Logger.WarnContext(ctx, "lease not renewed", "error", err)
			if time.Since(renewed) > p.config.Silence-interval {
				return fmt.Errorf("%w: %w", errLease, err)
			}
		}
	}
}

// stop ends the running jobs: at once when the lease is lost, else after they had their time. The lease stays until they have.
func (p *process) stop(ctx context.Context, lost bool) error {
	ctx, cancel := context.WithTimeout(ctx, p.config.Stop+grace+grace)
	defer cancel()
	done := make(chan struct{})
	defer close(done)
	if !lost {
		go p.renewUntil(ctx, done)
	}
	halt := p.river.Stop
	if lost {
		halt = p.river.StopAndCancel
	}
	if err := halt(ctx); err != nil {
		return fmt.Errorf("stop workers: %w", err)
	}
	err := p.config.System.Write(ctx, system.Queue, uuid.Nil, func(ctx context.Context, db system.DB) error {
		return systemdb.New(db).DropLease(ctx, p.id)
	})
	if err != nil {
		return fmt.Errorf("drop lease: %w", err)
	}
	return nil
}

func (p *process) renewUntil(ctx context.Context, done <-chan struct{}) {
	ticker := time.NewTicker(p.config.Silence / renewals)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			if err := p.renew(ctx); err != nil {
				p.config.Logger.WarnContext(ctx, "lease not renewed", "error", err)
			}
		}
	}
}

func (w WorkConfig) withDefaults() WorkConfig {
	if w.Logger == nil {
		w.Logger = slog.New(slog.DiscardHandler)
	}
	if w.Workers == 0 {
		w.Workers = defaultWorkers
	}
	for limit, value := range map[*time.Duration]time.Duration{&w.Silence: defaultSilence, &w.Stop: defaultStop, &w.Poll: defaultPoll} {
		if *limit == 0 {
			*limit = value
		}
	}
	return w
}

// quiet lets through what the queue warns of; what it does from moment to moment is no news.
type quiet struct{ slog.Handler }

// Enabled keeps everything below a warning out.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the handler quiet.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup keeps the handler quiet.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
