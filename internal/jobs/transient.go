package jobs

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/palisade-sec/palisade/internal/task"
)

// Transient marks an error as one that may pass: the job is tried again.
func Transient(err error) error {
	if err == nil {
		return nil
	}
	return transient{err}
}

type transient struct{ error }

func (t transient) Unwrap() error { return t.error }

// Later is an error with which a job asks to be started again after a while because its turn has not come. It counts neither as a
// failure nor as an end.
func Later(wait time.Duration) error { return later(wait) }

type later time.Duration

func (l later) Error() string { return "not yet: again in " + time.Duration(l).String() }

// mayPass tells errors that may pass from those that will not. Nothing is tried again on suspicion.
func mayPass(err error) bool {
	if _, marked := errors.AsType[transient](err); marked {
		return true
	}
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch refused.Code {
		case "40001", "40P01", "55P03", "53300", "57P01", "57P02", "57P03", "25P03": // serialization, deadlock, lock, connections, shutdown, frozen too long
			return true
		}
		return strings.HasPrefix(refused.Code, "08")
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if broken, ok := errors.AsType[net.Error](err); ok && broken.Timeout() {
		return true
	}
	return connectionLost(err) || pgconn.SafeToRetry(err)
}

// connectionLost reports whether the other side, or the way there, went away in the middle. What was under way may have been done
// or not, and the next attempt finds out.
func connectionLost(err error) bool {
	for _, end := range []error{io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// reasonOf is what people may read of a failure that may pass.
func reasonOf(err error) string {
	if failure, ok := errors.AsType[*task.Failure](err); ok {
		return failure.Error()
	}
	if _, refused := errors.AsType[*pgconn.PgError](err); refused || pgconn.SafeToRetry(err) {
		return "The database was busy or restarted."
	}
	if _, broken := errors.AsType[net.Error](err); broken || connectionLost(err) {
		return "A connection was lost."
	}
	return "Something failed that may work the next time."
}

const (
	firstPause   = 2 * time.Second
	longestPause = 10 * time.Minute
)

// pause is how long to wait before the next attempt, after so many that failed: twice as long each time, half of it by chance
// so that jobs that failed together do not come back together.
func pause(failures int) time.Duration {
	whole := longestPause
	if failures < 9 {
		whole = min(firstPause<<failures, longestPause)
	}
	return whole/2 + rand.N(whole/2+1)
}
