package ingestion_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/ingestion"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// childVariable tells the test binary to be a process that its parent will kill: "point app-url system-url [tenant]".
const childVariable = "PALISADE_TEST_INGESTION_CHILD"

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		if err := child(strings.Split(text, " ")); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// The points at which a process is killed.
const (
	uploading  = "uploading"  // some pieces of the file are stored
	begun      = "begun"      // the scan is there, no finding
	inBatch    = "batch"      // in the transaction of the second batch
	stored     = "stored"     // every finding is stored, nothing is switched
	switching  = "switching"  // in the transaction that switches, everything done but the commit
	afterwards = "afterwards" // the file has ended, and the queue may not know yet
)

// child does what the program does, and stops for good at one point.
func child(arguments []string) error {
	point, ctx := arguments[0], context.Background()
	tenants, err := tenant.Open(ctx, pipeline.Config{URL: arguments[1], MaxConns: 4})
	if err != nil {
		return err
	}
	if point == uploading {
		file := ocsftest.File{Account: account, Findings: 3000}
		reader, writer := io.Pipe()
		go func() { _ = file.Write(writer) }() // never closed: the upload stays open
		scope := tenant.NewScope(uuid.MustParse(arguments[3]), uuid.Nil, tenant.SeeAll())
		_, err := ingestion.New(tenants, nil, 0).Receive(ctx, scope, "f.json", &announcing{reader: reader, after: 2 << 20}, nil)
		return err
	}
	executor, err := system.Open(ctx, pipeline.Config{URL: arguments[2], MaxConns: 4})
	if err != nil {
		return err
	}
	return work(ctx, tenants, executor, point)
}

// announcing says when so many bytes were read.
type announcing struct {
	reader io.Reader
	after  int
}

func (a *announcing) Read(into []byte) (int, error) {
	if a.after < 0 {
		at(uploading, uploading)
	}
	read, err := a.reader.Read(into)
	a.after -= read
	return read, err
}

// at stops for good when here is the point.
func at(point, here string) {
	if here == point {
		fmt.Println("at", here)
		select {}
	}
}

// work works files as ingestion.Register has it, stopping at a point.
func work(ctx context.Context, tenants *tenant.Executor, executor *system.Executor, point string) error {
	service := ingestion.New(tenants, func(context.Context) (*catalogue.Checks, error) {
		at(point, begun)
		return nil, nil
	}, 0)
	registry := jobs.NewRegistry()
	ingestion.RegisterWith(registry, service, func(run jobs.Run) ingest.Write {
		var writes atomic.Int32
		return func(ctx context.Context, fn func(context.Context, *tenant.Tx) error) error {
			return run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
				err := fn(ctx, tx)
				if writes.Add(1) == 7 { // the start, what was left before, the history, resources and findings of two batches
					at(point, inBatch)
				}
				return err
			})
		}
	}, func(conclude ingestion.Conclude) ingestion.Conclude {
		at(point, stored)
		return func(ctx context.Context, tx *tenant.Tx) (ingestion.Result, error) {
			result, err := conclude(ctx, tx)
			at(point, switching)
			return result, err
		}
	})
	client, err := jobs.NewClient(registry)
	if err != nil {
		return err
	}
	return client.Work(ctx, jobs.WorkConfig{Tenants: tenants, System: executor, Silence: 800 * time.Millisecond, Poll: 100 * time.Millisecond})
}

// start runs a process that stops at a point. It is killed by the returned function.
func (b *bench) start(t *testing.T, point string) (reached func(), kill func()) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	command.Env = append(os.Environ(), childVariable+"="+strings.Join([]string{point, b.server.DB.URL(pgtest.App), b.server.DB.URL(pgtest.System),
		b.scope.Tenant().String()}, " "))
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	reached = func() {
		if line, err := bufio.NewReader(output).ReadString('\n'); err != nil || line != "at "+point+"\n" {
			t.Errorf("child said %q: %v", line, err)
		}
	}
	return reached, func() {
		if err := command.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = command.Wait() // it was killed
	}
}

func TestAKilledProcessLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	const count = 4500
	for _, test := range []struct {
		point   string
		damaged bool
	}{{point: begun}, {point: inBatch}, {point: stored}, {point: switching}, {point: afterwards}, {point: inBatch, damaged: true}, {point: stored, damaged: true}} {
		t.Run(fmt.Sprintf("%s/damaged=%v", test.point, test.damaged), func(t *testing.T) {
			t.Parallel()
			b := setUp(t, account)
			ada := b.server.LogIn(t, "ada@example.com", "")
			content := sample(t, ocsftest.File{Account: account, Findings: count}).Bytes()
			if test.damaged {
				content = content[:len(content)-3]
			}
			id := upload(t, ada, content)
			reached, kill := b.start(t, test.point)
			if test.point == afterwards {
				b.ended(t, id)
			} else {
				reached()
			}
			kill()
			state := ada.Get(t, "/ingestions/"+id).Want(t, 200).String("/data/attributes/state")
			if seen := findings(t, ada); test.point != afterwards && (seen != 0 || state != ingestion.Processing) {
				t.Errorf("after the kill the file is %s and %v findings are to be seen", state, seen)
			}
			b.work(t)
			b.ended(t, id)
			want, outcome := float64(count), ingestion.Completed
			if test.damaged {
				want, outcome = 0, ingestion.Failed
			}
			end := ada.Get(t, "/ingestions/"+id).Want(t, 200)
			if end.String("/data/attributes/state") != outcome || end.At("/data/attributes/findings_count") != want || findings(t, ada) != want {
				t.Errorf("after the restart %v findings are to be seen: %s", findings(t, ada), end.Raw)
			}
			if scans := ada.Get(t, "/scans").Want(t, 200); scans.Len("/data") != 1 || scans.String("/data/0/attributes/state") != outcome {
				t.Errorf("scans %s", scans.Raw)
			}
			b.wantNothingLeft(t)
			next := upload(t, ada, sample(t, ocsftest.File{Account: account, Findings: count, Flip: 9}).Bytes())
			b.ended(t, next)
			if answer := ada.Get(t, "/ingestions/"+next).Want(t, 200); answer.String("/data/attributes/state") != ingestion.Completed {
				t.Errorf("the next scan of the provider: %s", answer.Raw)
			}
			if rows := b.stored(t, uuid.MustParse(ada.Get(t, "/ingestions/"+next).String("/data/relationships/scan/data/id"))); len(rows) != count ||
				slices.ContainsFunc(rows, func(row storedFinding) bool {
					return (row.Delta != nil && *row.Delta == "new") != test.damaged
				}) {
				t.Errorf("the next scan has %d findings, or others than before", len(rows))
			}
		})
	}
}

func TestAKilledUploadIsNotThere(t *testing.T) {
	t.Parallel()
	b := setUp(t, account)
	ada := b.server.LogIn(t, "ada@example.com", "")
	reached, kill := b.start(t, uploading)
	reached()
	kill()
	if list := ada.Get(t, "/ingestions").Want(t, 200); list.Len("/data") != 0 {
		t.Errorf("half a file is to be seen: %s", list.Raw)
	}
	b.work(t)
	id := upload(t, ada, sample(t, ocsftest.File{Account: account, Findings: 100}).Bytes())
	b.ended(t, id)
	if answer := ada.Get(t, "/ingestions/"+id).Want(t, 200); answer.String("/data/attributes/state") != ingestion.Completed {
		t.Errorf("the next file of the provider: %s", answer.Raw)
	}
}

// work works jobs in this process until the test ends.
func (b *bench) work(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- work(ctx, b.server.App.Tenants, b.server.App.System, "") }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("workers: %v", err)
		}
	})
}

// ended waits until the file has ended.
func (b *bench) ended(t *testing.T, id string) {
	t.Helper()
	for range 6000 {
		row, err := b.read().GetIngestion(t.Context(), uuid.MustParse(id))
		if err != nil {
			t.Fatal(err)
		}
		if row.State == ingestion.Completed || row.State == ingestion.Failed {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the file did not end")
}

// findings is how many findings the API shows.
func findings(t *testing.T, client *apitest.Client) float64 {
	t.Helper()
	count, _ := client.Get(t, "/findings/latest").Want(t, 200).At("/meta/pagination/count").(float64)
	return count
}

// upload hands a file in over HTTP and returns the id of the ingestion.
func upload(t *testing.T, client *apitest.Client, content []byte) string {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "f.json")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(content)
	_ = form.Close()
	return client.Do(t, "POST", "/ingestions", form.FormDataContentType(), body.Bytes()).Want(t, 202).String("/data/id")
}
