package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	sql "github.com/palisade-sec/palisade/sql/bench"
)

// ingestions measures files of several sizes, each on a server of its own, in one table.
func ingestions(ctx context.Context, options Options, out io.Writer) error {
	lines := beginIngestion(out)
	for _, size := range options.Sizes {
		one := options
		one.Findings = size
		if err := ingestionOf(ctx, one, lines); err != nil {
			return fmt.Errorf("%d findings: %w", size, err)
		}
	}
	return nil
}

func ingestionOf(ctx context.Context, options Options, lines *ingestionTable) (err error) {
	b, err := open(ctx, options, lines.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	return b.ingestion(ctx, lines)
}

// ingestionTable has a line for each scan. Its shares are of the first line that measured a scan as old: figures that do not
// depend on the size are flat.
type ingestionTable struct {
	table
	first map[bool]ingestedLine // by whether there were earlier scans
}

type ingestedLine struct{ rate, peak float64 }

func beginIngestion(out io.Writer) *ingestionTable {
	_, _ = fmt.Fprint(out, "\nIngestion: sent through HTTP, waited for a worker, stored in batches and counted, ended (until the file says so); findings/s\n"+
		"and bytes a finding of all of it. Raw: the same rows inserted by one connection, findings alone. Words: the job after it\n"+
		"that searches wait for. A second scan compares each finding with its history.\n")
	return &ingestionTable{first: map[bool]ingestedLine{}, table: begin(out, "findings", "scan", "sent", "waited", "stored", "ended", "in all", "words",
		"findings/s", "of first", "raw/s", "of raw", "stored/s", "of raw", "peak memory", "of first", "bytes a finding", "w/o resources")}
}

// ingestion ingests the file again and again.
func (b *bench) ingestion(ctx context.Context, lines *ingestionTable) error {
	if b.options.File == "" {
		b.options.File = filepath.Join(b.folder, "findings.json")
		if err := makeFile(b.options.File, b.options.Findings); err != nil {
			return err
		}
	}
	before, err := b.sizes(ctx)
	if err != nil {
		return err
	}
	for scan := range b.options.Scans {
		result, err := b.ingestFile(ctx)
		if err != nil {
			return fmt.Errorf("ingest: %w", err)
		}
		ended := time.Now()
		if _, err := b.settle(ctx); err != nil {
			return err
		}
		words := time.Since(ended)
		after, err := b.sizes(ctx)
		if err != nil {
			return err
		}
		raw, err := rawInsert(ctx, b.server.appURL, b.tenant)
		if err != nil {
			return fmt.Errorf("raw insert: %w", err)
		}
		now := ingestedLine{rate: result.rate(result.overall), peak: float64(b.server.peak())}
		first, known := lines.first[scan > 0]
		if !known {
			first, lines.first[scan > 0] = now, now
		}
		// Later scans fill the room that the raw insert of the one before left.
		whole, alone := any("-"), any("-")
		if scan == 0 {
			whole, alone = after.since(before, result.findings), (after.findings-before.findings)/max(result.findings, 1)
		}
		lines.line(result.findings, scan+1, seconds(result.sent), seconds(result.waited), seconds(result.stored), seconds(result.ended),
			seconds(result.overall), seconds(words), perSecond(now.rate), percent(now.rate/first.rate), perSecond(raw), percent(now.rate/raw),
			perSecond(result.rate(result.stored)), percent(result.rate(result.stored)/raw), megabytes(int64(now.peak)), percent(now.peak/first.peak), whole, alone)
		if result.errors > 0 {
			_, _ = fmt.Fprintf(lines.out, "%d findings of the file could not be stored\n", result.errors)
		}
	}
	return nil
}

func (b *bench) ingestFile(ctx context.Context) (ingested, error) {
	file, err := os.Open(b.options.File)
	if err != nil {
		return ingested{}, err
	}
	defer func() { _ = file.Close() }()
	return b.client.ingest(ctx, bufio.NewReaderSize(file, 1<<20))
}

func makeFile(path string, findings int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(madeFile(findings).Write(file), file.Close())
}

// sizes are bytes on disk.
type sizes struct{ findings, resources, rest int64 }

// since is what a finding costs in bytes, everything that ingestion keeps included.
func (s sizes) since(before sizes, findings int64) int64 {
	return (s.findings - before.findings + s.resources - before.resources + s.rest - before.rest) / max(findings, 1)
}

func (b *bench) sizes(ctx context.Context) (s sizes, err error) {
	conn, err := bare(ctx, b.server.appURL, b.tenant, "auto")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	return s, conn.QueryRow(ctx, sql.Read("sizes")).Scan(&s.findings, &s.resources, &s.rest)
}
