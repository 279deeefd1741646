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
	"unicode/utf8"

	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/tenant"
	sql "github.com/palisade-sec/palisade/sql/bench"
)

// Options say what is measured.
type Options struct {
	Program  string        // path of the palisade binary
	File     string        // findings file of one aws account; empty: a made one
	Account  string        // the account that File is about
	Findings int           // findings of the made file
	Scans    int           // how often the file is ingested, one scan after the other
	Reading  time.Duration // how long each way of reading is measured; 0: reads are left out

	Lists         bool // measure the lists that people ask for through HTTP, and nothing else but one ingestion
	Older         int  // scans that lie behind the one whose lists are measured
	OlderFindings int  // findings of each of them
}

// madeAccount is the account of the made file.
const madeAccount = "123456789012"

// Run measures on a server of its own, with a database of its own that is removed afterwards, and prints figures as it goes.
func Run(ctx context.Context, options Options, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "palisade-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if options.File == "" {
		options.File, options.Account = filepath.Join(dir, "findings.json"), madeAccount
		if err := makeFile(options.File, options.Findings); err != nil {
			return err
		}
	}
	server, err := startProcess(ctx, options.Program, filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	b := &bench{options: options, server: server, client: newClient("http://" + server.address + "/api/v1"), out: out}
	if b.tenant, err = b.client.person(ctx, options.Account); err != nil {
		return err
	}
	if options.Lists {
		if err := b.older(ctx); err != nil {
			return err
		}
		b.options.Scans = 1
	}
	if err := b.ingestion(ctx); err != nil {
		return err
	}
	if options.Lists {
		if err := b.settle(ctx); err != nil {
			return err
		}
		return b.lists(ctx)
	}
	if options.Reading > 0 {
		return b.reading(ctx)
	}
	return nil
}

// ingestMade hands in a made file while it is made.
func (b *bench) ingestMade(ctx context.Context, file ocsftest.File) error {
	content, writer := io.Pipe()
	go func() { _ = writer.CloseWithError(file.Write(writer)) }()
	_, err := b.client.ingest(ctx, content)
	return errors.Join(err, content.Close())
}

func makeFile(path string, findings int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	// Texts as long as those of real checks: a finding of a real file has 4.9 kB.
	return errors.Join(ocsftest.File{Account: madeAccount, Findings: findings, Padding: 3500}.Write(file), file.Close())
}

// bench is one run.
type bench struct {
	options Options
	server  *process
	client  *client
	tenant  string
	// someFinding is the id of a finding of the newest scan.
	someFinding string
	out         io.Writer
	widths      []int // of the columns of the table that is being printed
}

// head begins a table.
func (b *bench) head(columns ...any) {
	b.widths = nil
	for _, column := range columns {
		b.widths = append(b.widths, max(utf8.RuneCountInString(fmt.Sprint(column)), 8))
	}
	_, _ = fmt.Fprintln(b.out)
	b.line(columns...)
}

// line prints a line of it. Lines appear as they are measured.
func (b *bench) line(columns ...any) {
	for i, column := range columns {
		_, _ = fmt.Fprintf(b.out, "%*v  ", b.widths[i], column)
	}
	_, _ = fmt.Fprintln(b.out)
}

// ingestion ingests the file again and again; every scan but the first compares each finding with its history.
func (b *bench) ingestion(ctx context.Context) error {
	idle := b.server.resident()
	before, err := b.sizes(ctx)
	if err != nil {
		return err
	}
	b.head("scan", "findings", "errors", "upload", "scan", "overall", "findings/s overall", "findings/s scan", "raw insert/s", "share", "peak memory", "bytes a finding", "without resources")
	for scan := range b.options.Scans {
		file, err := os.Open(b.options.File)
		if err != nil {
			return err
		}
		result, err := b.client.ingest(ctx, bufio.NewReaderSize(file, 1<<20))
		_ = file.Close()
		if err != nil {
			return fmt.Errorf("ingest: %w", err)
		}
		after, err := b.sizes(ctx)
		if err != nil {
			return err
		}
		raw, err := rawInsert(ctx, b.server.appURL, b.tenant)
		if err != nil {
			return fmt.Errorf("raw insert: %w", err)
		}
		rate := result.rate(result.scan)
		// Later scans fill the room that the raw insert of the one before left.
		whole, alone := any("-"), any("-")
		if scan == 0 {
			whole, alone = after.since(before, result.findings), (after.findings-before.findings)/max(result.findings, 1)
		}
		b.line(scan+1, result.findings, result.errors, seconds(result.upload), seconds(result.scan), seconds(result.overall),
			perSecond(result.rate(result.overall)), perSecond(rate), perSecond(raw), percent(rate/raw), megabytes(b.server.peak()),
			whole, alone)
	}
	_, _ = fmt.Fprintf(b.out, "memory of the server before: %s\n", megabytes(idle))
	return nil
}

// sizes are bytes on disk.
type sizes struct{ findings, resources, rest int64 }

// since is what a finding costs in bytes, everything that ingestion keeps included.
func (s sizes) since(before sizes, findings int64) int64 {
	return (s.findings - before.findings + s.resources - before.resources + s.rest - before.rest) / max(findings, 1)
}

func (b *bench) sizes(ctx context.Context) (s sizes, err error) {
	conn, err := bare(ctx, b.server.appURL, b.tenant)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	return s, conn.QueryRow(ctx, sql.Read("sizes")).Scan(&s.findings, &s.resources, &s.rest)
}

// reading compares the ways to read.
func (b *bench) reading(ctx context.Context) error {
	tenants, err := tenant.Open(ctx, pipeline.Config{URL: b.server.appURL, MaxConns: 8})
	if err != nil {
		return err
	}
	defer tenants.Close()
	r, err := newReads(ctx, b.client, b.server.appURL, b.tenant, tenants)
	if err != nil {
		return err
	}
	b.head("read       ", "clients", "bare SQL/s", "executor/s", "of bare", "HTTP/s", "of bare")
	for _, one := range []struct {
		name                 string
		bare, executor, http way
	}{{"one finding", r.pointBare, r.pointExecutor, r.pointHTTP}, {fmt.Sprintf("page of %d", pageSize), r.pageBare, nil, r.pageHTTP}} {
		for _, clients := range []int{1, 8} {
			rates := make([]float64, 3)
			for i, way := range []way{one.bare, one.executor, one.http} {
				if way == nil {
					continue
				}
				if rates[i], err = measure(ctx, way, clients, b.options.Reading); err != nil {
					return fmt.Errorf("%s, %d clients: %w", one.name, clients, err)
				}
			}
			executor, share := perSecond(rates[1]), percent(rates[1]/rates[0])
			if one.executor == nil {
				executor, share = "-", "-"
			}
			b.line(one.name, clients, perSecond(rates[0]), executor, share, perSecond(rates[2]), percent(rates[2]/rates[0]))
		}
	}
	return nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
func perSecond(rate float64) string  { return fmt.Sprintf("%.0f", rate) }
func percent(share float64) string   { return fmt.Sprintf("%.0f %%", share*100) }
func megabytes(bytes int64) string   { return fmt.Sprintf("%.0f MB", float64(bytes)/1e6) }
