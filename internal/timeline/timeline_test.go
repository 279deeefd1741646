package timeline

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestTheGateKeepsRoomForOthers(t *testing.T) {
	t.Parallel()
	g := &gate{free: 3, each: 2, busy: make(map[uuid.UUID]int), changed: make(chan struct{})}
	ada, bob := uuid.New(), uuid.New()
	for _, who := range []uuid.UUID{ada, ada, bob} {
		if err := g.enter(t.Context(), who); err != nil {
			t.Fatal(err)
		}
	}
	g.leave(bob)
	if err := g.enter(t.Context(), ada); !errors.Is(err, ErrBusy) {
		t.Errorf("a third of one tenant: %v", err)
	}
	for i, want := range []bool{true, false} { // the last place, and one that is not there
		if entered, _ := g.try(bob); entered != want {
			t.Errorf("bob's try %d: %v", i, entered)
		}
	}
	g.patience = time.Hour
	waiting := make(chan error)
	go func() { waiting <- g.enter(context.WithoutCancel(t.Context()), ada) }()
	g.leave(ada)
	if err := <-waiting; err != nil {
		t.Errorf("who waited: %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.enter(cancelled, ada); !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up: %v", err)
	}
	for _, who := range []uuid.UUID{ada, ada, bob} {
		g.leave(who)
	}
	if g.free != 3 || len(g.busy) != 0 {
		t.Errorf("in the end %d are free, %v busy", g.free, g.busy)
	}
}
