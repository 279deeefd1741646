package ingestion_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/ingestion"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const account = "123456789012"

// bench is a server with a person and an account whose files can be handed in.
type bench struct {
	server   *apitest.Server
	service  *ingestion.Service
	scope    tenant.Scope
	provider string
}

func setUp(t testing.TB, uid string) *bench {
	t.Helper()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	provider := ada.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": uid}, nil).Want(t, 201).String("/data/id")
	return &bench{server: server, provider: provider, scope: tenant.NewScope(uuid.MustParse(ada.Tenant), uuid.Nil, tenant.SeeAll()),
		service: ingestion.New(server.App.Tenants, func(context.Context) (*catalogue.Checks, error) { return nil, nil }, 0)}
}

func (b *bench) receive(t testing.TB, content io.Reader) (uuid.UUID, error) {
	t.Helper()
	return b.service.Receive(t.Context(), b.scope, "file.json", content, func(context.Context, *tenant.Tx, uuid.UUID, uuid.UUID) (uuid.UUID, error) {
		return uuid.New(), nil
	})
}

func (b *bench) ingest(t testing.TB, content io.Reader) ingestion.Result {
	t.Helper()
	id, err := b.receive(t, content)
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	result, err := b.process(t, id)
	if err != nil {
		t.Fatalf("process: %v", err)
	}
	return result
}

// write opens a transaction in the tenant.
func (b *bench) write(ctx context.Context, fn func(ctx context.Context, tx *tenant.Tx) error) error {
	return b.server.App.Tenants.Write(ctx, b.scope, fn)
}

// process does what the job does.
func (b *bench) process(t testing.TB, id uuid.UUID) (result ingestion.Result, err error) {
	conclude, err := b.service.Process(t.Context(), b.scope, id, b.write)
	if err != nil || conclude == nil {
		return result, err
	}
	err = b.server.App.Tenants.Write(t.Context(), b.scope, func(ctx context.Context, tx *tenant.Tx) error {
		result, err = conclude(ctx, tx)
		return err
	})
	return result, err
}

func sample(t testing.TB, file ocsftest.File) *bytes.Buffer {
	t.Helper()
	var content bytes.Buffer
	if err := file.Write(&content); err != nil {
		t.Fatal(err)
	}
	return &content
}

func TestAFileBecomesACompletedScan(t *testing.T) {
	t.Parallel()
	b := setUp(t, account)
	result := b.ingest(t, sample(t, ocsftest.File{Account: account, Findings: 4500}))
	if result.State != ingestion.Completed || result.Findings != 4500 || result.Errors != 0 {
		t.Fatalf("result %+v", result)
	}
	second := b.ingest(t, sample(t, ocsftest.File{Account: account, Findings: 4500, Flip: 9}))
	if second.State != ingestion.Completed || second.Findings != 4500 {
		t.Fatalf("second result %+v", second)
	}
}

func TestAFileThatIsNoneIsRefusedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setUp(t, account)
	for name, content := range map[string]string{"empty": "", "not JSON": "hello", "no findings": "[]", "no object": "[1,2]"} {
		_, err := b.receive(t, bytes.NewReader([]byte(content)))
		if refusal, ok := jsonapi.AsErrors(err); !ok || refusal.Status() != 400 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.receive(t, sample(t, ocsftest.File{Account: "999999999999", Findings: 3})); err == nil {
		t.Error("a file about an unknown account was taken")
	}
	rows, err := tenantdb.New(b.server.App.Tenants.Read(b.scope).Shaped(nil)).GetIngestionChunk(t.Context(), tenantdb.GetIngestionChunkParams{})
	if err == nil {
		t.Errorf("a piece was left behind: %d bytes", len(rows))
	}
}

func TestADamagedFileStoresNothing(t *testing.T) {
	t.Parallel()
	b := setUp(t, account)
	whole := sample(t, ocsftest.File{Account: account, Findings: 3000}).Bytes()
	for name, content := range map[string][]byte{
		"cut off":    whole[:len(whole)*2/3],
		"two arrays": append(append([]byte(nil), whole...), whole...),
	} {
		result := b.ingest(t, bytes.NewReader(content))
		if result.State != ingestion.Failed || result.Findings != 0 || result.Errors == 0 {
			t.Errorf("%s: %+v", name, result)
		}
	}
}

func BenchmarkIngest(b *testing.B) {
	path := os.Getenv("PALISADE_BENCH_FILE")
	for b.Loop() {
		b.StopTimer()
		fixture := setUp(b, account)
		var content io.Reader = sample(b, ocsftest.File{Account: account, Findings: 50_000, Padding: 1500})
		if path != "" {
			file, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = file.Close() }()
			content = file
		}
		b.StartTimer()
		start := time.Now()
		id, err := fixture.receive(b, content)
		if err != nil {
			b.Fatal(err)
		}
		received := time.Since(start)
		result, err := fixture.process(b, id)
		if err != nil || result.State != ingestion.Completed {
			b.Fatal(errors.Join(err, errors.New(result.State)))
		}
		b.ReportMetric(float64(result.Findings)/time.Since(start).Seconds(), "findings/s")
		b.ReportMetric(received.Seconds(), "receive-s")
	}
}
