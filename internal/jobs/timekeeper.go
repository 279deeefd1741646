package jobs

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// timekeeper tells how attempts at jobs ended, and after how long.
type timekeeper struct {
	river.MiddlewareDefaults

	ended func(kind, outcome string, took time.Duration)
}

// Work runs the attempt and tells what became of it.
func (t *timekeeper) Work(ctx context.Context, job *rivertype.JobRow, attempt func(context.Context) error) error {
	began := time.Now()
	err := attempt(ctx)
	if t.ended != nil {
		t.ended(job.Kind, outcomeOf(err), time.Since(began))
	}
	return err
}

// outcomeOf names what the queue was told of an attempt.
func outcomeOf(verdict error) string {
	var cancelled *rivertype.JobCancelError
	var snoozed *rivertype.JobSnoozeError
	switch {
	case verdict == nil:
		return "completed"
	case errors.As(verdict, &cancelled):
		return "failed"
	case errors.As(verdict, &snoozed):
		return "again"
	}
	return "broken"
}
