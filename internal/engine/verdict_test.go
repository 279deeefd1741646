package engine

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
)

// A child that writes nonsense and ends by itself races with our ending it: whatever Wait makes of that, the nonsense is why.
func TestAChildThatWritesNonsenseIsBlamedForItHoweverItEnds(t *testing.T) {
	t.Parallel()
	nonsense := fmt.Errorf("%w: a line is not JSON", ErrProtocol)
	for name, waited := range map[string]error{
		"ended well": nil, "cancelled by us": context.Canceled, "gone when we ended it": fmt.Errorf("exec: canceling Cmd: %w", syscall.ESRCH),
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(nonsense)
		p := &process{output: &tail{redactor: newRedactor(nil)}}
		if err := p.verdict(ctx, nonsense, waited); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
