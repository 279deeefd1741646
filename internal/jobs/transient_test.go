package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestMayPass(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want bool
	}{
		{errors.New("wrong"), false},
		{fmt.Errorf("wrapped: %w", Transient(errors.New("busy"))), true},
		{fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: "40001"}), true},
		{&pgconn.PgError{Code: "40P01"}, true},
		{&pgconn.PgError{Code: "08006"}, true},
		{&pgconn.PgError{Code: "57P01"}, true},
		{&pgconn.PgError{Code: "23505"}, false},
		{&pgconn.PgError{Code: "57014"}, false},
		{context.Canceled, false},
		{fmt.Errorf("wrapped: %w", io.ErrUnexpectedEOF), true},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true},
		{&net.OpError{Op: "write", Err: syscall.EPIPE}, true},
		{io.EOF, false}, // the end of what was read, and no accident
	} {
		if got := mayPass(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
	if Transient(nil) != nil {
		t.Error("no error became one")
	}
}

func TestPausesGrowToABoundAndDiffer(t *testing.T) {
	t.Parallel()
	for failures := range 100 {
		whole := longestPause
		if failures < 9 {
			whole = min(firstPause<<failures, longestPause)
		}
		seen := make(map[time.Duration]bool)
		for range 50 {
			got := pause(failures)
			if got < whole/2 || got > whole {
				t.Fatalf("after %d failures: %v, want %v to %v", failures, got, whole/2, whole)
			}
			seen[got] = true
		}
		if len(seen) < 2 {
			t.Errorf("after %d failures every pause is the same", failures)
		}
	}
}

func TestAnEnvelopeKeepsItsMembersApart(t *testing.T) {
	t.Parallel()
	if _, err := (envelope{kind: "x", args: []byte(`[]`)}).MarshalJSON(); err == nil {
		t.Error("arguments that are no object were taken")
	}
	clash := envelope{kind: "x", args: []byte(`{"tenant_id":"other"}`)}
	clash.tenant[0] = 1
	if _, err := clash.MarshalJSON(); err == nil {
		t.Error("arguments that name a tenant were taken")
	}
}
