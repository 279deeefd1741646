package jobs_test

import (
	"context"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/task"
)

// Work that does not heed its limit is left behind, and its place is free.
func TestAJobThatDoesNotStopIsLeftBehind(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	defer close(never)
	registry := jobs.NewRegistry()
	jobs.Register(registry, jobs.Default, jobs.Options{Timeout: 50 * time.Millisecond, Grace: 50 * time.Millisecond},
		func(_ context.Context, _ jobs.Run, args echo) (any, error) {
			if args.Word == "deaf" {
				<-never
			}
			return nil, nil
		})
	h := newHouse(t, registry)
	scope := h.tenant(t)
	deaf := []task.Task{h.enqueue(t, scope, echo{"deaf"}), h.enqueue(t, scope, echo{"deaf"}), h.enqueue(t, scope, echo{"deaf"})}
	last := h.enqueue(t, scope, echo{"hears"})
	h.work(t)
	const want = `{"exc_type": "SoftTimeLimitExceeded", "exc_module": "palisade", "exc_message": ["The task took too long."]}`
	for _, one := range deaf {
		if got := h.ended(t, scope, one.ID); got.State != task.Failed || string(got.Result) != want {
			t.Errorf("%s %s", got.State, got.Result)
		}
	}
	h.ended(t, scope, last.ID) // how it ends depends on how busy the machine is; that it does is the point
}

// A queue of its own size works so many jobs at once and no more.
func TestAQueueOfItsOwnSize(t *testing.T) {
	t.Parallel()
	gate, at := make(chan struct{}), make(chan struct{}, 8)
	registry := jobs.NewRegistry()
	jobs.Register(registry, jobs.Scans, jobs.Options{}, func(context.Context, jobs.Run, echo) (any, error) {
		at <- struct{}{}
		<-gate
		return nil, nil
	})
	jobs.Register(registry, jobs.Default, jobs.Options{}, func(context.Context, jobs.Run, member) (any, error) { return nil, nil })
	h := newHouse(t, registry)
	h.queues = map[string]int{jobs.Scans: 3}
	scope := h.tenant(t)
	for range 4 {
		h.enqueue(t, scope, echo{})
	}
	h.work(t)
	for range 3 {
		<-at
	}
	for range 2 {
		h.ended(t, scope, h.enqueue(t, scope, member{}).ID) // the queues have been looked at since
	}
	if len(at) > 0 {
		t.Error("a fourth job of the queue runs")
	}
	close(gate)
	<-at
}
