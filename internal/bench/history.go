package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/ingestion"
	"github.com/palisade-sec/palisade/internal/tenant"
	sql "github.com/palisade-sec/palisade/sql/bench"
)

// tolerated is how much more a list may cost behind older scans before it is named.
const tolerated = 1.5

// history compares the lists of a newest scan behind older ones with those of the same scan alone, on two servers that are there
// at the same time, one figure after the other.
func history(ctx context.Context, options Options, out io.Writer) (err error) {
	alone, behind := options, options
	alone.Older, alone.DataDir = 0, ""
	var servers []*bench
	defer func() {
		for _, one := range servers {
			err = errors.Join(err, one.close())
		}
	}()
	for _, one := range []Options{alone, behind} {
		b, err := open(ctx, one, out)
		if err != nil {
			return err
		}
		servers = append(servers, b)
		if err := b.fill(ctx); err != nil {
			return err
		}
	}
	return compare(ctx, servers[0], servers[1])
}

// compare prints what a list costs behind older scans as a multiple of what it costs alone.
func compare(ctx context.Context, alone, behind *bench) error {
	first, err := alone.ready(ctx)
	if err != nil {
		return err
	}
	second, err := behind.ready(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(behind.out, "\nWhat lists of a newest scan of %d findings cost behind %d older scans, beside the same scan alone. \"more\": so many times as much.\n"+
		"Lists with a * are about all scans: their answers are longer the more there are.\n", second.findings, second.scans-1)
	lines := begin(behind.out, wide, "alone: p50", "behind", "more", "8 clients: p50", "behind", "more")
	beside := requests(second)
	var costly []string
	var failed []error
	for i, one := range requests(first) {
		line, paths := []any{one.name}, []string{one.path, beside[i].path}
		if one.all {
			line[0] = one.name + " *"
		}
		worst := 0.0
		for _, clients := range concurrency {
			if err := errors.Join(alone.client.renew(ctx), behind.client.renew(ctx)); err != nil {
				return err
			}
			seen, err := measure(ctx, clients, behind.options.Reading, alone.client.get(paths[0]), behind.client.get(paths[1]))
			if err != nil && ctx.Err() == nil { // the others are worth knowing all the same
				failed = append(failed, fmt.Errorf("%s: %w", one.name, err))
				line = append(line, "-", "-", "fails")
				continue
			}
			if err != nil {
				return err
			}
			more := seen[1].p50.Seconds() / seen[0].p50.Seconds()
			worst = max(worst, more)
			line = append(line, milliseconds(seen[0].p50), milliseconds(seen[1].p50), times(more))
		}
		lines.line(line...)
		if worst > tolerated && !one.all {
			costly = append(costly, one.name)
		}
	}
	for _, name := range costly {
		_, _ = fmt.Fprintf(behind.out, "More than %.1f times as much: %s\n", tolerated, name)
	}
	return errors.Join(failed...)
}

// pour makes older scans: some through ingestion as it is, in this process (files, batches, aggregates and words, but no tasks and no
// jobs), the others as copies of what those left.
func (b *bench) pour(ctx context.Context) error {
	if b.options.Older == 0 {
		return nil
	}
	tenantID, err := uuid.Parse(b.tenant)
	if err != nil {
		return err
	}
	program, scope := b.beside.program, tenant.NewScope(tenantID, uuid.Nil, tenant.SeeAll())
	service := ingestion.New(program.Tenants, program.Catalogue.Checks, 0)
	write := func(ctx context.Context, fn func(context.Context, *tenant.Tx) error) error {
		return program.Tenants.Write(ctx, scope, fn)
	}
	scan := ingest.Scan{}
	noTask := func(_ context.Context, _ *tenant.Tx, _, provider uuid.UUID) (uuid.UUID, error) {
		scan.ProviderID = provider
		return uuid.New(), nil
	}
	began := time.Now()
	for i := range min(b.options.Older, templates) {
		file := madeFile(b.options.OlderFindings)
		file.Flip = 2 + i%5
		var content bytes.Buffer
		if err := file.Write(&content); err != nil {
			return err
		}
		id, err := service.Receive(ctx, scope, "older.json", &content, noTask)
		if err != nil {
			return fmt.Errorf("take an older scan in: %w", err)
		}
		conclude, err := service.Process(ctx, scope, id, write)
		if err != nil {
			return fmt.Errorf("store an older scan: %w", err)
		}
		err = write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
			result, err := conclude(ctx, tx)
			if err != nil {
				return err
			}
			scan.ID = result.ScanID
			return ingest.IndexWords(ctx, tx, scan)
		})
		if err != nil {
			return fmt.Errorf("complete an older scan: %w", err)
		}
	}
	if err := b.copies(ctx, b.options.Older-templates); err != nil {
		return fmt.Errorf("copy older scans: %w", err)
	}
	_, _ = fmt.Fprintf(b.out, "%d older scans of %d findings made in %s: %d ingested, the others copies of their rows, a minute apart\n",
		b.options.Older, b.options.OlderFindings, seconds(time.Since(began)), min(b.options.Older, templates))
	return nil
}

// templates is how many older scans are ingested, one after the other; the others are their copies.
const templates = 100

// copies puts copies of the scans that are there behind them.
func (b *bench) copies(ctx context.Context, number int) error {
	if number <= 0 {
		return nil
	}
	conn, err := pgx.Connect(ctx, b.server.superURL)
	if err != nil {
		return errors.New("connect: the database does not answer")
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, sql.Read("copies"), strconv.Itoa(number)); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql.Read("copy_scans"))
	return err
}
