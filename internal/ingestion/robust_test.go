package ingestion_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/ingestion"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// made is a findings file of made findings, each changed by hand.
func made(t testing.TB, count int, change func(i int, finding map[string]any)) *bytes.Buffer {
	t.Helper()
	var content bytes.Buffer
	for i := range count {
		finding := ocsftest.File{Account: account}.Finding(i)
		if change != nil {
			change(i, finding)
		}
		encoded, err := json.Marshal(finding)
		if err != nil {
			t.Fatal(err)
		}
		content.WriteString(map[bool]string{true: "[", false: ",\n"}[i == 0])
		content.Write(encoded)
	}
	content.WriteString("]")
	return &content
}

func resourceOf(finding map[string]any) map[string]any {
	return finding["resources"].([]any)[0].(map[string]any)
}

// read gives queries that read in the tenant.
func (b *bench) read() *tenantdb.Queries { return tenantdb.New(b.server.App.Tenants.Read(b.scope)) }

// storedFinding is a finding as it is stored, with its resource.
type storedFinding struct {
	ID, ResourceID                                                uuid.UUID
	Uid, Status, Region, Service, ResourceRegion, ResourceService string
	Delta, MutedReason                                            *string
	Muted                                                         bool
	InsertedAt, FirstSeenAt                                       time.Time
	FailedFindingsCount                                           int32
}

// stored are the findings of a scan in the order in which they were stored.
func (b *bench) stored(t testing.TB, scan uuid.UUID) []storedFinding {
	t.Helper()
	rows, err := b.server.DB.Pool(t, pgtest.Superuser).Query(t.Context(), `
		select f.id, r.id as resource_id, f.uid, f.status, f.region, f.service, r.region as resource_region, r.service as resource_service,
			f.delta, f.muted_reason, f.muted, f.inserted_at, f.first_seen_at, r.failed_findings_count
		from findings f join resources r on r.id = f.resource_id
		where f.scan_id = $1 order by f.id`, scan)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[storedFinding])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// wantNothingLeft fails when findings of a scan that did not complete are there.
func (b *bench) wantNothingLeft(t testing.TB) {
	t.Helper()
	history, err := b.read().GetFindingHistory(t.Context(), uuid.MustParse(b.provider))
	if err != nil {
		t.Fatal(err)
	}
	if len(history.Unfinished) > 0 {
		t.Errorf("findings of scans that did not complete: %v", history.Unfinished)
	}
}

// codes are the codes of what could not be stored of a file.
func (b *bench) codes(t testing.TB, id uuid.UUID) []string {
	t.Helper()
	rows, err := tenantdb.New(b.server.App.Tenants.Read(b.scope).Shaped(map[string]filter.Fragment{"where": {}, "position": {}})).ListIngestionErrors(t.Context(), tenantdb.ListIngestionErrorsParams{IngestionID: id, PageSize: 100})
	if err != nil {
		t.Fatal(err)
	}
	codes := make([]string, len(rows))
	for i, row := range rows {
		codes[i] = row.Code
	}
	return codes
}

func TestBadFindingsAreListedAndTheRestIsStored(t *testing.T) {
	t.Parallel()
	b := setUp(t, account)
	content := made(t, 12, func(i int, finding map[string]any) {
		switch i {
		case 1:
			finding["resources"] = []any{}
		case 2:
			delete(finding, "resources")
		case 3:
			finding["status_detail"] = strings.Repeat("x", 100<<10)
		case 4:
			finding["status_detail"] = "a\x00b"
		case 5:
			resourceOf(finding)["uid"] = "a\x00b"
		case 6:
			finding["cloud"].(map[string]any)["account"].(map[string]any)["uid"] = "999999999999"
			finding["unmapped"].(map[string]any)["provider_uid"] = "999999999999"
		case 7:
			finding["finding_info"].(map[string]any)["uid"] = strings.Repeat("u", 400)
		case 8:
			finding["severity"] = "Fatal"
		case 9:
			resourceOf(finding)["data"] = "deep"
		case 10:
			finding["status_detail"] = strings.Repeat("y", 2<<20)
		}
	})
	deep := strings.Replace(content.String(), `"deep"`, strings.Repeat(`{"a":`, 20_000)+"1"+strings.Repeat("}", 20_000), 1)
	id, err := b.receive(t, strings.NewReader(deep))
	if err != nil {
		t.Fatal(err)
	}
	result, err := b.process(t, id)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"missing_resource", "missing_resource", "status_text_too_long", "nul_byte", "nul_byte", "foreign_account", "uid_too_long",
		"invalid_severity", "malformed", "too_large"}
	if result.State != ingestion.Completed || result.Findings != 2 || result.Errors != int64(len(want)) {
		t.Errorf("result %+v", result)
	}
	if got := b.codes(t, id); !slices.Equal(got, want) {
		t.Errorf("codes %v\nwant  %v", got, want)
	}
	b.wantNothingLeft(t)
}

func TestDamagedFilesEndWithTheReason(t *testing.T) {
	t.Parallel()
	b := setUp(t, account)
	whole := sample(t, ocsftest.File{Account: account, Findings: 2500}).Bytes()
	packed := zipped(t, bytes.NewReader(whole))
	for _, test := range []struct {
		name    string
		content []byte
		code    string
	}{
		{"cut off", whole[:len(whole)-100], "cut_off"},
		{"two runs in one file", append(slices.Clone(whole), whole...), "appended_run"},
		{"something behind it", append(slices.Clone(whole), "xyz"...), "trailing_data"},
		{"cut off behind gzip", packed[:len(packed)/2], "cut_off"},
		{"damaged behind gzip", damaged(packed), "damaged_gzip"},
		{"nested without end", append(bytes.TrimSuffix(slices.Clone(whole), []byte("]\n")), `,{"resources":`+strings.Repeat("[", 3<<20)...), "cut_off"},
	} {
		id, err := b.receive(t, bytes.NewReader(test.content))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		result, err := b.process(t, id)
		if err != nil || result.State != ingestion.Failed || result.Findings != 0 {
			t.Errorf("%s: %+v, %v", test.name, result, err)
		}
		if codes := b.codes(t, id); len(codes) == 0 || codes[len(codes)-1] != test.code {
			t.Errorf("%s: codes %v, want %s", test.name, codes, test.code)
		}
		if left := b.stored(t, result.ScanID); len(left) > 0 {
			t.Errorf("%s: %d findings stayed", test.name, len(left))
		}
	}
	b.wantNothingLeft(t)
	if result := b.ingest(t, bytes.NewReader(whole)); result.State != ingestion.Completed {
		t.Errorf("the next file of the provider: %+v", result)
	}
}

// damaged is the content with its last bytes, the checksum of gzip, changed.
func damaged(content []byte) []byte {
	content = slices.Clone(content)
	content[len(content)-6] ^= 0xff
	return content
}

func zipped(t testing.TB, content io.Reader) []byte {
	t.Helper()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	if _, err := io.Copy(writer, content); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func TestAGzipBombEndsWithoutBeingHeld(t *testing.T) {
	t.Parallel()
	b := setUp(t, account)
	// 64 MB of one string behind a finding, 64 KB on the wire: more than any finding may have.
	one := bytes.TrimSuffix(sample(t, ocsftest.File{Account: account, Findings: 1}).Bytes(), []byte("]\n"))
	bomb := zipped(t, io.MultiReader(bytes.NewReader(one), strings.NewReader(`,{"message":"`), io.LimitReader(repeat('x'), 64<<20), strings.NewReader(`"}]`)))
	id, err := b.receive(t, bytes.NewReader(bomb))
	if err != nil {
		t.Fatal(err)
	}
	result, err := b.process(t, id)
	if err != nil || result.State != ingestion.Completed || result.Findings != 1 || !slices.Equal(b.codes(t, id), []string{"too_large"}) {
		t.Errorf("%+v, %v, %v", result, err, b.codes(t, id))
	}
	// White space alone says nothing of an account: refused at once.
	if _, err := b.receive(t, bytes.NewReader(zipped(t, io.LimitReader(repeat(' '), 64<<20)))); err == nil {
		t.Error("a file of white space was taken")
	}
}

type repeat byte

func (r repeat) Read(into []byte) (int, error) {
	for i := range into {
		into[i] = byte(r)
	}
	return len(into), nil
}

func TestAnUploadThatBreaksOffLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setUp(t, account)
	content := sample(t, ocsftest.File{Account: account, Findings: 3000})
	_, err := b.receive(t, io.MultiReader(io.LimitReader(content, 2<<20), broken{}))
	if refusal, ok := jsonapi.AsErrors(err); !ok || refusal.Status() != 400 {
		t.Errorf("broken off: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err = b.service.Receive(ctx, b.scope, "f.json", io.MultiReader(bytes.NewReader(make([]byte, 2<<20)), canceller{cancel}), nil)
	if err == nil {
		t.Error("an upload whose client went was taken")
	}
	small := ingestion.New(b.server.App.Tenants, nil, 1<<20)
	_, err = small.Receive(t.Context(), b.scope, "f.json", bytes.NewReader(make([]byte, 2<<20)), nil)
	if refusal, ok := jsonapi.AsErrors(err); !ok || refusal.Status() != 413 {
		t.Errorf("too large: %v", err)
	}
	var uploads int
	err = b.server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select count(*) from ingestions where state = 'uploading'`).Scan(&uploads)
	if err != nil || uploads != 0 {
		t.Errorf("%d uploads stayed, %v", uploads, err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

type canceller struct{ cancel context.CancelFunc }

func (c canceller) Read(into []byte) (int, error) {
	c.cancel()
	return len(into), nil
}

func TestFilesOfOneProviderWaitForEachOther(t *testing.T) {
	t.Parallel()
	b := setUp(t, account)
	var ids [3]uuid.UUID
	for i := range ids {
		var err error
		if ids[i], err = b.receive(t, sample(t, ocsftest.File{Account: account, Findings: 100})); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.process(t, ids[1]); !errors.Is(err, ingestion.ErrBusy) {
		t.Fatalf("the second file came before the first: %v", err)
	}
	conclude, err := b.service.Process(t.Context(), b.scope, ids[0], b.write)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids[1:] {
		if _, err := b.process(t, id); !errors.Is(err, ingestion.ErrBusy) {
			t.Fatalf("a file came while another was stored: %v", err)
		}
	}
	err = b.write(t.Context(), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := conclude(ctx, tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.process(t, ids[2]); !errors.Is(err, ingestion.ErrBusy) {
		t.Fatalf("the third file came before the second: %v", err)
	}
	for _, id := range ids[1:] {
		if result, err := b.process(t, id); err != nil || result.State != ingestion.Completed {
			t.Fatalf("after its turn had come: %+v, %v", result, err)
		}
	}
	if conclude, err := b.service.Process(t.Context(), b.scope, ids[0], b.write); conclude != nil || err != nil {
		t.Errorf("a file that has ended was processed again: %v", err)
	}
}

func TestDeltaAndFirstSeenOverThreeScans(t *testing.T) {
	t.Parallel()
	b := setUp(t, account)
	// Finding 0 stays, 1 turns, 2 is away in the second scan, 3 appears in the third, 4 is twice in the file.
	scan := func(pick []int, turned bool) []storedFinding {
		var number int
		result := b.ingest(t, made(t, len(pick), func(_ int, finding map[string]any) {
			which := pick[number]
			number++
			finding["finding_info"].(map[string]any)["uid"] = fmt.Sprintf("finding-%d", which)
			finding["status_code"] = "FAIL"
			if which == 1 && turned {
				finding["status_code"] = "PASS"
			}
		}))
		if result.State != ingestion.Completed {
			t.Fatalf("scan: %+v", result)
		}
		return b.stored(t, result.ScanID)
	}
	first := scan([]int{0, 1, 2, 4, 4}, false)
	// A scan that is not completed is no sighting.
	whole := made(t, 3000, nil).Bytes()
	if result := b.ingest(t, bytes.NewReader(whole[:len(whole)-3])); result.State != ingestion.Failed {
		t.Fatalf("cut off: %+v", result)
	}
	second := scan([]int{0, 1, 4}, true)
	third := scan([]int{0, 1, 2, 3, 4}, true)
	deltas := func(rows []storedFinding) (all string) {
		for _, row := range rows {
			delta := "-"
			if row.Delta != nil {
				delta = *row.Delta
			}
			all += row.Uid + "=" + delta + " "
		}
		return all
	}
	for _, test := range []struct{ got, want string }{
		{deltas(first), "finding-0=new finding-1=new finding-2=new finding-4=new finding-4=new "},
		{deltas(second), "finding-0=- finding-1=changed finding-4=- "},
		{deltas(third), "finding-0=- finding-1=- finding-2=- finding-3=new finding-4=- "},
	} {
		if test.got != test.want {
			t.Errorf("got  %s\nwant %s", test.got, test.want)
		}
	}
	for i, row := range third {
		seen := row.InsertedAt
		if row.Uid != "finding-3" {
			seen = first[slices.IndexFunc(first, func(f storedFinding) bool { return f.Uid == row.Uid })].InsertedAt
		}
		if row.Uid != "finding-4" && !row.FirstSeenAt.Equal(seen) || row.Uid == "finding-4" && row.FirstSeenAt.After(first[4].InsertedAt) {
			t.Errorf("%d: %s was first seen %s, want %s", i, row.Uid, row.FirstSeenAt, seen)
		}
	}
}

func TestResourcesFollowTheirFindings(t *testing.T) {
	t.Parallel()
	b := setUp(t, account)
	scan := func(region, service string) storedFinding {
		result := b.ingest(t, made(t, 2, func(i int, finding map[string]any) {
			resource := resourceOf(finding)
			resource["uid"], resource["region"], resource["group"] = "the-one", region, map[string]any{"name": service}
			finding["status_code"] = "FAIL"
		}))
		rows := b.stored(t, result.ScanID)
		if len(rows) != 2 || rows[0].ResourceID != rows[1].ResourceID {
			t.Fatalf("%d findings of one resource", len(rows))
		}
		return rows[0]
	}
	before := scan("eu-west-1", "s3")
	after := scan("eu-west-2", "kms")
	if before.ResourceID != after.ResourceID || after.ResourceRegion != "eu-west-2" || after.ResourceService != "kms" || after.FailedFindingsCount != 2 {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	if before.Region != "eu-west-1" || after.Region != "eu-west-2" {
		t.Errorf("findings keep what they saw: %s, %s", before.Region, after.Region)
	}
	result := b.ingest(t, made(t, 2, func(i int, finding map[string]any) { resourceOf(finding)["uid"] = "" }))
	if result.State != ingestion.Completed || result.Findings != 2 {
		t.Errorf("without a uid of the resource: %+v", result)
	}
}

func TestAProviderDeletedMeanwhileEndsTheFile(t *testing.T) {
	t.Parallel()
	b := setUp(t, account)
	id, err := b.receive(t, sample(t, ocsftest.File{Account: account, Findings: 10}))
	if err != nil {
		t.Fatal(err)
	}
	err = b.write(t.Context(), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := tenantdb.New(tx).CondemnProvider(ctx, uuid.MustParse(b.provider))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if conclude, err := b.service.Process(t.Context(), b.scope, id, b.write); conclude != nil || err != nil {
		t.Errorf("processed for a deleted provider: %v", err)
	}
	if _, err := b.receive(t, sample(t, ocsftest.File{Account: account, Findings: 10})); err == nil {
		t.Error("a file for a deleted provider was taken")
	}
}

func TestAggregatesEqualARecountAndTheFile(t *testing.T) {
	t.Parallel()
	b := setUp(t, account)
	for round, flip := range []int{0, 4, 7} {
		want := make(map[string]int)
		content := made(t, 2500, func(i int, finding map[string]any) {
			if flip > 0 && i%flip == 0 {
				finding["status_code"] = "MANUAL"
			}
			if i%11 == 0 {
				finding["status_id"] = 3
			}
			key := fmt.Sprintf("%s %s %s", finding["metadata"].(map[string]any)["event_code"], strings.ToLower(finding["severity"].(string)), resourceOf(finding)["region"])
			want[key+" total"]++
			if i%11 == 0 {
				want[key+" muted"]++
			} else if status := finding["status_code"].(string); status != "MANUAL" {
				want[key+" "+strings.ToLower(status)]++
			}
		})
		result := b.ingest(t, content)
		scan := ingest.Scan{ID: result.ScanID, ProviderID: uuid.MustParse(b.provider)}
		if got := b.counted(t, scan.ID); !maps.Equal(got, want) {
			t.Errorf("scan %d: the aggregates are not what the file says:\n%v\nwant\n%v", round, got, want)
		}
		if found, err := ingest.Verify(t.Context(), b.write, scan); err != nil || len(found.Differences) > 0 {
			t.Errorf("scan %d: a recount differs: %+v, %v", round, found, err)
		}
		b.wantFailuresCounted(t, scan.ID)
	}
}

// wantFailuresCounted compares failed_findings_count of the scan's resources with its findings.
func (b *bench) wantFailuresCounted(t testing.TB, scan uuid.UUID) {
	t.Helper()
	failures, stored := make(map[uuid.UUID]int32), make(map[uuid.UUID]int32)
	for _, row := range b.stored(t, scan) {
		stored[row.ResourceID] = row.FailedFindingsCount
		failures[row.ResourceID] += map[bool]int32{true: 1}[row.Status == "FAIL" && !row.Muted]
		if row.Muted != (row.MutedReason != nil) {
			t.Errorf("%s is muted %v for %v", row.Uid, row.Muted, row.MutedReason)
		}
	}
	if !maps.Equal(stored, failures) {
		t.Errorf("failures of resources are %v, want %v", stored, failures)
	}
}

// counted adds the aggregates by check up as the file was.
func (b *bench) counted(t testing.TB, scan uuid.UUID) map[string]int {
	t.Helper()
	rows, err := b.server.DB.Pool(t, pgtest.Superuser).Query(t.Context(), `select check_id || ' ' || severity || ' ' || region, pass, fail, muted, total
		from scan_summaries where scan_id = $1`, scan)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int)
	var key string
	var pass, fail, muted, total int
	if _, err := pgx.ForEachRow(rows, []any{&key, &pass, &fail, &muted, &total}, func() error {
		for name, count := range map[string]int{"pass": pass, "fail": fail, "muted": muted, "total": total} {
			if count > 0 {
				got[key+" "+name] += count
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return got
}
