package pipeline_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
)

// series reads the numbers up to n, one statement for each of times.
func series(ctx context.Context, r *pipeline.Reader, n, times int) (got []int, err error) {
	for range times {
		rows, err := r.Query(ctx, `select n from generate_series(1, $1::integer) n`, n)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var one int
			if err := rows.Scan(&one); err != nil {
				rows.Close()
				return nil, err
			}
			got = append(got, one)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return got, nil
}

// Reads that run together share round trips, and each sees its own rows under the settings of all.
func TestGatheredReadsShareRoundTrips(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	between := pgtest.NewProxy(t, db.URL(pgtest.App))
	targets := open(t, pipeline.Config{URL: between.URL, MaxConns: 1})
	tenant := uuid.NewString()
	reader := targets.Read(pipeline.Settings{TenantID: tenant, Visible: "{}"})
	var short, long, repeated []int
	var seen string
	gather := func() error {
		return reader.Gather(t.Context(), func(r *pipeline.Reader) (err error) {
			short, err = series(t.Context(), r, 2, 1)
			return err
		}, func(r *pipeline.Reader) (err error) {
			long, err = series(t.Context(), r, 5000, 1)
			return err
		}, func(r *pipeline.Reader) (err error) {
			repeated, err = series(t.Context(), r, 1, 3)
			return err
		}, func(*pipeline.Reader) error {
			return nil
		}, func(r *pipeline.Reader) error {
			return r.QueryRow(t.Context(), `select current_setting('app.tenant_id')`).Scan(&seen)
		}, func(r *pipeline.Reader) error { // stops in the middle
			rows, err := r.Query(t.Context(), `select n from generate_series(1, 100) n`)
			if err == nil {
				rows.Next()
				rows.Close()
			}
			return err
		})
	}
	for range 3 { // statements are described once a connection
		between.Reset()
		if err := gather(); err != nil {
			t.Fatal(err)
		}
	}
	if trips := between.Count('S') + between.Count('Q'); trips != 3 {
		t.Errorf("%d round trips for a read of three statements and others beside it", trips)
	}
	if !slices.Equal(short, []int{1, 2}) || len(long) != 5000 || long[4999] != 5000 || !slices.Equal(repeated, []int{1, 1, 1}) || seen != tenant {
		t.Error(short, len(long), repeated, seen)
	}
	if between.Connections() != 1 {
		t.Error("a connection was lost")
	}
	idle(t, targets)
}

// What fails in one read fails them all, is told as it was, and costs no connection.
func TestGatheredReadsFailTogether(t *testing.T) {
	t.Parallel()
	targets := open(t, pipeline.Config{URL: pgtest.New(t).URL(pgtest.App), MaxConns: 1})
	reader := targets.Read(pipeline.Settings{Visible: "{}"})
	good := func(r *pipeline.Reader) error {
		_, err := series(t.Context(), r, 2, 2)
		return err
	}
	own := errors.New("its own")
	for name, one := range map[string]struct {
		bad   func(*pipeline.Reader) error
		wants func(error) bool
	}{
		"statement": {func(r *pipeline.Reader) error {
			_, err := r.Query(t.Context(), `select 1 / $1::integer`, 0)
			if err != nil {
				return err
			}
			return r.QueryRow(t.Context(), `select 1 / $1::integer`, 0).Scan(new(int))
		}, func(err error) bool { return sqlState(err) == "22012" }},
		"text":       {func(r *pipeline.Reader) error { _, err := r.Query(t.Context(), `select from nowhere`); return err }, func(err error) bool { return sqlState(err) == "42P01" }},
		"change":     {func(r *pipeline.Reader) error { _, err := r.Exec(t.Context(), `select 1`); return err }, func(err error) bool { return err != nil }},
		"of its own": {func(*pipeline.Reader) error { return own }, func(err error) bool { return errors.Is(err, own) }},
	} {
		if err := reader.Gather(t.Context(), good, one.bad); !one.wants(err) {
			t.Errorf("%s: %v", name, err)
		}
		idle(t, targets)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := reader.Gather(ended, good, good); !errors.Is(err, context.Canceled) {
		t.Error("nobody waits:", err)
	}
	func() {
		defer func() {
			if recover() != "oops" {
				t.Error("a panic is lost")
			}
		}()
		_ = reader.Gather(t.Context(), good, func(*pipeline.Reader) error { panic("oops") })
	}()
	idle(t, targets)
	// Within a gathered read there is nothing more to gather.
	err := reader.Gather(t.Context(), good, func(r *pipeline.Reader) error { return r.Gather(t.Context(), good, good) })
	if err != nil {
		t.Error(err)
	}
}
