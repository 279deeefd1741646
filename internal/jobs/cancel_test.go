package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

func (h *house) cancel(t *testing.T, scope tenant.Scope, one task.Task) (ok bool) {
	t.Helper()
	h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) (err error) {
		_, ok, err = h.client.Cancel(ctx, tx, one.ID)
		return err
	})
	return ok
}

func TestARunningJobIsCancelled(t *testing.T) {
	t.Parallel()
	registry := jobs.NewRegistry()
	at, stopped, wrote := make(chan struct{}), make(chan error, 1), make(chan error, 1)
	ends := make(chan task.State, 8)
	ended := func(_ context.Context, _ *tenant.Tx, end jobs.End) error {
		ends <- end.State
		return nil
	}
	jobs.Register(registry, jobs.Default, jobs.Options{Ended: ended}, func(ctx context.Context, run jobs.Run, args echo) (any, error) {
		close(at)
		<-ctx.Done()
		stopped <- context.Cause(ctx)
		wrote <- run.Write(context.WithoutCancel(ctx), func(context.Context, *tenant.Tx) error { return nil })
		return "done all the same", nil
	})
	h := newHouse(t, registry)
	scope := h.tenant(t)
	h.work(t)
	one := h.enqueue(t, scope, echo{})
	<-at
	if !h.cancel(t, scope, one) {
		t.Fatal("not cancelled")
	}
	if cause := <-stopped; !errors.Is(cause, jobs.ErrLost) {
		t.Errorf("stopped because: %v", cause)
	}
	if err := <-wrote; !errors.Is(err, jobs.ErrLost) {
		t.Errorf("a cancelled job writes: %v", err)
	}
	if h.cancel(t, scope, one) {
		t.Error("cancelled twice")
	}
	h.stop()
	if got := h.get(t, scope, one.ID); got.State != task.Cancelled || got.Result != nil {
		t.Errorf("in the end: %s %s", got.State, got.Result)
	}
	if len(ends) != 1 || <-ends != task.Cancelled {
		t.Error("it did not end once, as cancelled")
	}
}

func TestTheReasonsOfAttemptsAreKept(t *testing.T) {
	t.Parallel()
	registry := jobs.NewRegistry()
	jobs.Register(registry, jobs.Default, jobs.Options{Retries: 2}, func(_ context.Context, run jobs.Run, args echo) (any, error) {
		switch run.Attempt {
		case 1:
			return nil, jobs.Transient(task.Fail("Busy", "The other side is busy.", errors.New("secret inside")))
		case 2:
			return nil, jobs.Transient(errors.New("secret inside"))
		}
		return nil, nil
	})
	h := newHouse(t, registry)
	scope := h.tenant(t)
	h.work(t)
	one := h.ended(t, scope, h.enqueue(t, scope, echo{}).ID)
	var metadata struct {
		Attempts []struct {
			Attempt int    `json:"attempt"`
			EndedAt string `json:"ended_at"`
			Reason  string `json:"reason"`
		} `json:"attempts"`
	}
	if err := json.Unmarshal(one.Metadata, &metadata); err != nil {
		t.Fatal(err)
	}
	got := metadata.Attempts
	if one.State != task.Completed || len(got) != 2 || got[0].Attempt != 1 || got[0].Reason != "The other side is busy." || got[0].EndedAt == "" ||
		got[1].Attempt != 2 || got[1].Reason != "Something failed that may work the next time." {
		t.Errorf("%s after %s", one.State, one.Metadata)
	}
}
