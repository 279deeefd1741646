package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Options say what is measured.
type Options struct {
	Program  string        // path of the palisade binary
	DataDir  string        // folder that keeps the server's data and may have it already; empty: one that goes with the run
	File     string        // findings file of one aws account; empty: a made one
	Account  string        // the account that File is about
	Findings int           // findings of the made file
	Scans    int           // how often the file is ingested, one scan after the other
	Reading  time.Duration // how long each way of reading is measured; 0: reads are left out

	Sizes []int // measure ingestion alone, of made files of these sizes, each on a server of its own

	Lists         bool // measure the lists that people ask for through HTTP, and nothing else but one ingestion
	Older         int  // scans that lie behind the one whose lists are measured
	OlderFindings int  // findings of each of them

	History bool // compare the lists behind Older scans with the same lists without them
}

// madeAccount is the account of the made file.
const madeAccount = "123456789012"

// madeFile is a findings file with texts as long as those of real checks: a finding of a real file has 4.9 kB.
func madeFile(findings int) ocsftest.File {
	return ocsftest.File{Account: madeAccount, Findings: findings, Padding: 3500}
}

// Run measures on servers of its own, with databases of their own that are removed afterwards, and prints figures as it goes.
func Run(ctx context.Context, options Options, out io.Writer) (err error) {
	switch {
	case len(options.Sizes) > 0:
		return ingestions(ctx, options, out)
	case options.History:
		return history(ctx, options, out)
	}
	b, err := open(ctx, options, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if options.Lists {
		if err := b.fill(ctx); err != nil {
			return err
		}
		return b.lists(ctx)
	}
	if err := b.ingestion(ctx, beginIngestion(out)); err != nil {
		return err
	}
	if options.Reading > 0 {
		return b.reading(ctx)
	}
	return nil
}

// bench is a server that is measured.
type bench struct {
	options Options
	server  *process
	client  *client
	beside  *capture // the program once more, in this process
	tenant  string
	out     io.Writer
	folder  string // that goes with the run
}

// open starts a server, and brings in a person with an organisation and an account, and a catalogue. It has to be closed.
func open(ctx context.Context, options Options, out io.Writer) (_ *bench, err error) {
	b := &bench{options: options, out: out}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.folder, err = os.MkdirTemp("", "palisade-bench-"); err != nil {
		return nil, err
	}
	if options.DataDir == "" {
		options.DataDir = filepath.Join(b.folder, "data")
	}
	if b.server, err = startProcess(ctx, options.Program, options.DataDir); err != nil {
		return nil, err
	}
	b.client = newClient("http://" + b.server.address + "/api/v1")
	account := options.Account
	if account == "" {
		account = madeAccount
	}
	if b.tenant, err = b.client.enter(ctx, account); err != nil {
		return nil, err
	}
	if b.beside, err = newCapture(ctx, b.server.settings(), b.client); err != nil {
		return nil, err
	}
	return b, importCatalogue(ctx, b.beside.program.System)
}

// close stops the server and removes what goes with the run.
func (b *bench) close() (err error) {
	if b.beside != nil {
		b.beside.close()
	}
	if b.server != nil {
		err = b.server.stop()
	}
	return errors.Join(err, os.RemoveAll(b.folder))
}

// fill ingests older scans and the newest, unless the newest scan that is there is as large already.
func (b *bench) fill(ctx context.Context) error {
	conn, err := bare(ctx, b.server.appURL, b.tenant, "auto")
	if err != nil {
		return err
	}
	about, err := b.about(ctx, conn)
	if err = errors.Join(ignore(err, errNothing), conn.Close(ctx)); err != nil {
		return err
	}
	if about.findings == b.options.Findings {
		return nil
	}
	if b.options.History {
		err = b.pour(ctx)
	} else {
		err = b.older(ctx)
	}
	if err != nil {
		return err
	}
	return b.ingestMade(ctx, madeFile(b.options.Findings))
}

func ignore(err, unless error) error {
	if errors.Is(err, unless) {
		return nil
	}
	return err
}

// ingestMade hands in a made file while it is made.
func (b *bench) ingestMade(ctx context.Context, file ocsftest.File) error {
	content, writer := io.Pipe()
	go func() { _ = writer.CloseWithError(file.Write(writer)) }()
	_, err := b.client.ingest(ctx, content)
	return errors.Join(err, content.Close())
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
	lines := begin(b.out, "read       ", "clients", "bare SQL/s", "executor/s", "of bare", "HTTP/s", "of bare")
	for _, one := range []struct {
		name                 string
		bare, executor, http way
	}{{"one finding", r.pointBare, r.pointExecutor, r.pointHTTP},
		{fmt.Sprintf("page of %d", pageSize), r.pageBare, r.pageExecutor, r.pageHTTP}} {
		for _, clients := range concurrency {
			seen, err := measure(ctx, clients, b.options.Reading, one.bare, one.executor, one.http)
			if err != nil {
				return fmt.Errorf("%s, %d clients: %w", one.name, clients, err)
			}
			bare, executor, http := seen[0].rate, seen[1].rate, seen[2].rate
			lines.line(one.name, clients, perSecond(bare), perSecond(executor), percent(executor/bare), perSecond(http), percent(http/bare))
		}
	}
	return nil
}
