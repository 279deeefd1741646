package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const (
	maxBatch   = 500                  // events of one statement
	maxWaiting = 10_000               // events that nobody waits for, in all queues
	maxWriters = 4                    // transactions at a time: most of the pool is for requests
	linger     = 5 * time.Millisecond // how long events that nobody waits for wait for company
	patience   = 10 * time.Second     // longest that one transaction may take, and Close
	quiet      = 10 * time.Second     // between two log lines about events that were lost
)

// ErrClosed refuses events after Close.
var ErrClosed = errors.New("the audit log is closed")

// Config is what a Recorder is made of.
type Config struct {
	Tenants    *tenant.Executor
	Logger     *slog.Logger
	ReadSample float64               // share of allowed reads that are recorded, 0 to 1
	Registerer prometheus.Registerer // where the counters go; nil: nowhere
}

// Recorder writes events. What arrives while a transaction of the tenant is under way waits for it and goes into the next one
// together, so that the cost of a commit is shared by as many requests as there are, and a lone request waits for nobody.
type Recorder struct {
	config  Config
	counted counters
	slots   chan struct{}
	running sync.WaitGroup
	closing chan struct{}   // closed by Close
	ctx     context.Context // of all transactions; ends when Close loses patience
	cancel  context.CancelFunc

	mutex   sync.Mutex
	queues  map[uuid.UUID]*queue // by tenant; one that is here has a goroutine that writes it
	waiting int                  // entries that nobody waits for
	closed  bool
	lost    int // since the last log line
	told    time.Time
}

// queue holds what is to be written of one tenant.
type queue struct {
	entries []entry
	urgent  chan struct{} // holds something when somebody began to wait
}

// entry is an event in a queue.
type entry struct {
	event Event
	ctx   context.Context // of the request that waits
	done  chan<- error    // nil: nobody waits
}

// New makes a Recorder. Close it to write what is queued.
func New(config Config) (*Recorder, error) {
	counted, err := register(config.Registerer)
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Recorder{config: config, counted: counted, slots: make(chan struct{}, maxWriters), queues: make(map[uuid.UUID]*queue), closing: make(chan struct{}),
		ctx: ctx, cancel: cancel}, nil
}

// Decided records a decision. For a denial and for a write it returns when the event is committed, or the error for which it
// is not: then the request must be refused. A read that was allowed is recorded when the sample takes it, later.
func (r *Recorder) Decided(ctx context.Context, event Event) error {
	if event.Allowed && !event.Write {
		if r.config.ReadSample > 0 && rand.Float64() < r.config.ReadSample {
			r.later(event)
		}
		return nil
	}
	done := make(chan error, 1)
	if err := r.enqueue(entry{event: event, ctx: ctx, done: done}); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Answered records how the request of a write that was allowed was answered. Nobody waits for that: the decision is in the log
// already, and one without an outcome may or may not have been carried out.
func (r *Recorder) Answered(decision Event, status int) {
	if decision.Allowed && decision.Write {
		r.later(decision.outcome(status))
	}
}

func (r *Recorder) later(event Event) {
	if err := r.enqueue(entry{event: event}); err != nil {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		r.lose(1)
	}
}

var errFull = errors.New("too many events wait")

func (r *Recorder) enqueue(one entry) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.closed {
		return ErrClosed
	}
	if one.done == nil {
		if r.waiting >= maxWaiting {
			return errFull
		}
		r.waiting++
	}
	of, writing := r.queues[one.event.TenantID]
	if !writing {
		of = &queue{urgent: make(chan struct{}, 1)}
		r.queues[one.event.TenantID] = of
		r.running.Add(1)
		go r.write(one.event.TenantID, of)
	}
	of.entries = append(of.entries, one)
	if one.done != nil {
		select {
		case of.urgent <- struct{}{}:
		default:
		}
	}
	return nil
}

// gather lets events come together while nobody waits for one.
func (r *Recorder) gather(from *queue) {
	timer := time.NewTimer(linger)
	defer timer.Stop()
	select {
	case <-from.urgent:
	case <-r.closing:
	case <-timer.C:
	}
}

// write empties the queue of a tenant, batch by batch, and ends.
func (r *Recorder) write(tenantID uuid.UUID, from *queue) {
	defer r.running.Done()
	for {
		r.gather(from)
		r.slots <- struct{}{}
		batch := r.take(tenantID, from)
		if batch == nil {
			<-r.slots
			return
		}
		err := r.store(tenantID, batch)
		<-r.slots
		if err != nil {
			r.fail(tenantID, batch, err)
		}
		for _, one := range batch {
			if one.done != nil {
				one.done <- err // has room for the one answer
			}
		}
	}
}

// take is the next batch, without the events of requests that have ended: those were refused. It is nil when the queue is
// empty, which is then gone.
func (r *Recorder) take(tenantID uuid.UUID, from *queue) []entry {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	var batch []entry
	for len(from.entries) > 0 && len(batch) < maxBatch {
		one := from.entries[0]
		from.entries[0], from.entries = entry{}, from.entries[1:]
		switch {
		case one.done == nil:
			r.waiting--
		case one.ctx.Err() != nil:
			continue
		}
		batch = append(batch, one)
	}
	if batch == nil {
		delete(r.queues, tenantID)
	}
	return batch
}

// store commits a batch.
func (r *Recorder) store(tenantID uuid.UUID, batch []entry) error {
	events := make([]Event, len(batch))
	for i, one := range batch {
		events[i] = one.event
	}
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	db := r.config.Tenants.Once(tenant.NewScope(tenantID, uuid.Nil, tenant.SeeNone()))
	if err := tenantdb.New(db).AppendAuditEvents(ctx, parameters(tenantID, events)); err != nil {
		return fmt.Errorf("write audit events: %w", err)
	}
	r.counted.stored(events)
	return nil
}

// fail notes that a batch is not in the log.
func (r *Recorder) fail(tenantID uuid.UUID, batch []entry, err error) {
	unwatched := 0
	for _, one := range batch {
		if one.done == nil {
			unwatched++
		}
	}
	r.counted.failures.Inc()
	r.config.Logger.Error("audit events could not be written", "tenant_id", tenantID, "events", len(batch), "error", err)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.lose(unwatched)
}

// lose counts events that are not in the log though nobody was refused for it. It expects the mutex.
func (r *Recorder) lose(count int) {
	r.counted.lost.Add(float64(count))
	if r.lost += count; r.lost > 0 && time.Since(r.told) > quiet {
		r.tell()
	}
}

func (r *Recorder) tell() {
	r.config.Logger.Warn("audit events of sampled reads or of outcomes were lost", "events", r.lost)
	r.lost, r.told = 0, time.Now()
}

// Close takes no more events, writes those that are queued and returns when no goroutine is left.
func (r *Recorder) Close() {
	r.mutex.Lock()
	if !r.closed {
		r.closed = true
		close(r.closing)
	}
	r.mutex.Unlock()
	impatient := time.AfterFunc(patience, r.cancel)
	r.running.Wait()
	impatient.Stop()
	r.cancel()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.lost > 0 {
		r.tell()
	}
}
