package pipeline

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Gather runs reads at the same time, each with a Reader of its own under the same settings, and sends their statements together:
// when every read that has not ended waits for an answer, all of the statements go in one transaction and one round trip. Each read
// is written as if it were alone. The error is the first one that occurs.
//
// A read must have closed the rows of a statement when it asks for the next one, as generated queries do.
func (r *Reader) Gather(ctx context.Context, reads ...func(*Reader) error) error {
	if len(reads) == 1 || r.gathered != nil {
		for _, read := range reads {
			if err := read(r); err != nil {
				return err
			}
		}
		return nil
	}
	g := &gathering{ended: make(chan outcome), asked: make(chan *ask), running: len(reads)}
	shared := &Reader{targets: r.targets, settings: r.settings, fragments: r.fragments, gathered: g}
	for _, read := range reads {
		go func() {
			var end outcome
			defer func() {
				end.panicked = recover()
				g.ended <- end
			}()
			end.err = read(shared)
		}()
	}
	for g.running > 0 || len(g.waiting) > 0 {
		if g.running > 0 {
			g.hear()
			continue
		}
		g.answer(ctx, r)
	}
	if g.panicked != nil {
		panic(g.panicked) // in the goroutine of the caller, who may know what to do about it
	}
	return g.err
}

// gathering is what the goroutine that called Gather knows of its reads. The others speak to it through the channels alone.
type gathering struct {
	ended    chan outcome
	asked    chan *ask
	running  int // reads that neither wait nor have ended
	waiting  []*ask
	err      error
	panicked any
}

type outcome struct {
	err      error
	panicked any
}

// ask is a statement that a read waits for.
type ask struct {
	sql    string
	args   []any
	answer chan answer
}

type answer struct {
	rows pgx.Rows
	err  error
}

// query waits for the rows of a statement that is sent with those of the other reads.
func (g *gathering) query(sql string, args []any) (pgx.Rows, error) {
	one := &ask{sql: sql, args: args, answer: make(chan answer)}
	g.asked <- one
	got := <-one.answer
	return got.rows, got.err
}

// hear waits for a read to ask or to end.
func (g *gathering) hear() {
	select {
	case one := <-g.asked:
		g.waiting = append(g.waiting, one)
	case end := <-g.ended:
		if g.err == nil {
			g.err = end.err
		}
		if g.panicked == nil {
			g.panicked = end.panicked
		}
	}
	g.running--
}

// answer sends what the reads wait for and gives each its rows, one after the other, because they come in that order.
func (g *gathering) answer(ctx context.Context, r *Reader) {
	asks := g.waiting
	g.waiting = nil
	conn, results, err := r.begin(ctx, asks)
	if err == nil {
		defer conn.Release()
		defer func() { _ = results.Close() }() // the reads have seen the errors
	}
	for _, one := range asks {
		g.running++
		if err != nil {
			one.answer <- answer{err: err}
			g.hear()
			continue
		}
		rows, err := results.Query()
		if err != nil {
			one.answer <- answer{err: err}
			g.hear()
			continue
		}
		one.answer <- answer{rows: &lent{rows}}
		g.hear() // it has read its rows now
		rows.Close()
	}
}

// begin sends statements behind those that open the scope. A replica that cannot be reached is left for the primary.
func (r *Reader) begin(ctx context.Context, asks []*ask) (*pgxpool.Conn, pgx.BatchResults, error) {
	conn, results, err := r.beginOn(ctx, r.targets.replica, asks)
	if err != nil && r.targets.replica != r.targets.primary && ctx.Err() == nil && isUnreachable(err) {
		return r.beginOn(ctx, r.targets.primary, asks)
	}
	return conn, results, err
}

func (r *Reader) beginOn(ctx context.Context, pool *pgxpool.Pool, asks []*ask) (*pgxpool.Conn, pgx.BatchResults, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("acquire connection: %w", err)
	}
	batch := &pgx.Batch{}
	opening, err := r.targets.queueScope(ctx, batch, r.settings, "on")
	if err != nil {
		conn.Release()
		return nil, nil, err
	}
	for _, one := range asks {
		batch.Queue(one.sql, one.args...)
	}
	results := conn.SendBatch(ctx, batch)
	for range opening {
		if _, err := results.Exec(); err != nil {
			_ = results.Close()
			conn.Release()
			return nil, nil, fmt.Errorf("open read scope: %w", err)
		}
	}
	return conn, results, nil
}

// lent are rows of a connection that is not the read's own.
type lent struct{ pgx.Rows }

// Conn hides the connection: whoever reads rows gets no way round the scope.
func (*lent) Conn() *pgx.Conn { return nil }
