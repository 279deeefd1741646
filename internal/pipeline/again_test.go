package pipeline_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
)

// TestAgainGetsThroughADeadlock lets two transactions take two locks in opposite orders: the one that the server undoes is begun
// anew and both have their way.
func TestAgainGetsThroughADeadlock(t *testing.T) {
	t.Parallel()
	targets, err := pipeline.Open(t.Context(), pipeline.Config{URL: pgtest.New(t).URL(pgtest.App), MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(targets.Close)
	var met, group sync.WaitGroup
	met.Add(2)
	tries := make([]int, 2)
	for i, order := range [][]int{{1, 2}, {2, 1}} {
		group.Go(func() {
			err := pipeline.Again(t.Context(), func() error {
				tries[i]++
				return targets.Write(t.Context(), pipeline.Settings{}, func(ctx context.Context, tx *pipeline.Tx) error {
					if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, order[0]); err != nil {
						return err
					}
					if tries[i] == 1 {
						met.Done()
						met.Wait()
					}
					_, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, order[1])
					return err
				})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if tries[0]+tries[1] < 3 {
		t.Errorf("%v tries: there was no deadlock", tries)
	}
}

// TestAgainGivesUp on what is no collision at once, on what stays one after a few times, and when nobody waits any more.
func TestAgainGivesUp(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	collision := error(&pgconn.PgError{Code: "40001"})
	for name, one := range map[string]struct {
		ctx   context.Context
		err   error
		tries int
	}{
		"success":         {t.Context(), nil, 1},
		"another error":   {t.Context(), errors.New("broken"), 1},
		"another refusal": {t.Context(), &pgconn.PgError{Code: "23505"}, 1},
		"collisions":      {t.Context(), collision, 5},
		"nobody waits":    {ended, collision, 1},
	} {
		tries := 0
		err := pipeline.Again(one.ctx, func() error { tries++; return one.err })
		if !errors.Is(err, one.err) || tries != one.tries {
			t.Errorf("%s: %d tries, %v", name, tries, err)
		}
	}
}
