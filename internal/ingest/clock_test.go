package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/ocsf"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const clockAccount = "111111111111"

// observatory is a server with one provider, whose scans are stored by machines with clocks of their own.
type observatory struct {
	server   *apitest.Server
	pool     *pgxpool.Pool // superuser: arranges and inspects
	ada      *apitest.Client
	scope    tenant.Scope
	provider uuid.UUID
}

func newObservatory(t *testing.T) *observatory {
	t.Helper()
	server := apitest.Start(t)
	o := &observatory{server: server, pool: server.DB.Pool(t, pgtest.Superuser), ada: server.SignUp(t, "Ada")}
	o.scope = tenant.NewScope(uuid.MustParse(o.ada.Tenant), uuid.Nil, tenant.SeeAll())
	o.provider = uuid.MustParse(o.ada.Connect(t, clockAccount, "Hers"))
	return o
}

func (o *observatory) write(ctx context.Context, fn func(ctx context.Context, tx *tenant.Tx) error) error {
	return o.server.App.Tenants.Write(ctx, o.scope, fn)
}

// store stores a scan on a machine with that clock. The scan was asked for on this one, now.
func (o *observatory) store(t *testing.T, findings int, clock func() time.Time) (uuid.UUID, error) {
	t.Helper()
	scan := ingest.Scan{ID: uuid.Must(uuid.NewV7()), ProviderID: o.provider}
	err := o.write(t.Context(), func(ctx context.Context, tx *tenant.Tx) error {
		name := "By another clock"
		return tenantdb.New(tx).CreateIngestionScan(ctx, tenantdb.CreateIngestionScanParams{TenantID: o.scope.Tenant(), ID: scan.ID, ProviderID: o.provider, Name: &name})
	})
	if err != nil {
		t.Fatal(err)
	}
	run, err := ingest.BeginAt(t.Context(), o.write, o.scope, scan, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	var file bytes.Buffer
	if err := (ocsftest.File{Account: clockAccount, Findings: findings}).Write(&file); err != nil {
		t.Fatal(err)
	}
	reader := ocsf.NewReader(&file, ocsf.Limits{}, nil)
	for {
		finding, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := run.Add(t.Context(), finding); err != nil {
			return scan.ID, err
		}
	}
	if err := run.Flush(t.Context()); err != nil {
		return scan.ID, err
	}
	return scan.ID, o.write(t.Context(), func(ctx context.Context, tx *tenant.Tx) error { return ingest.Complete(ctx, tx, scan) })
}

func (o *observatory) count(t *testing.T, sql string, args ...any) (count int) {
	t.Helper()
	if err := o.pool.QueryRow(t.Context(), sql, args...).Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

// shows fails the test unless lists show so many findings of a scan, and what is summed up in it is right.
func (o *observatory) shows(t *testing.T, scan uuid.UUID, findings int) {
	t.Helper()
	for _, path := range []string{"/findings?filter[scan]=%s&page[size]=500", "/findings?filter[scan]=%s&page[size]=500&sort=severity,status"} {
		if list := o.ada.Get(t, fmt.Sprintf(path, scan)).Want(t, 200); list.Len("/data") != findings {
			t.Errorf("%d findings are listed, want %d", list.Len("/data"), findings)
		}
	}
	found, err := ingest.Verify(t.Context(), o.write, ingest.Scan{ID: scan, ProviderID: o.provider})
	if err != nil || len(found.Differences) > 0 {
		t.Errorf("%+v, %v", found, err)
	}
}

// delta counts the findings of a scan that are new.
func (o *observatory) delta(t *testing.T, scan uuid.UUID) int {
	t.Helper()
	return o.count(t, `select count(*) from findings where scan_id = $1 and delta is not null`, scan)
}

func fixed(moment time.Time) func() time.Time { return func() time.Time { return moment } }

// TestAScanThatCrossesTheEndOfAMonth has its findings in two partitions, and lists show all of them.
func TestAScanThatCrossesTheEndOfAMonth(t *testing.T) {
	t.Parallel()
	o := newObservatory(t)
	now := time.Now().UTC()
	end := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	// The clock stands still; the moments of findings are a microsecond apart.
	scan, err := o.store(t, 60, fixed(end.Add(-25*time.Microsecond)))
	if err != nil {
		t.Fatal(err)
	}
	for _, month := range []time.Time{end.AddDate(0, -1, 0), end} {
		if n := o.count(t, `select count(*) from findings_`+month.Format("2006_01")+` where scan_id = $1`, scan); n < 20 || n > 40 {
			t.Errorf("%d of 60 findings are in %s", n, month.Format("2006-01"))
		}
	}
	o.shows(t, scan, 60)
	next, err := o.store(t, 60, fixed(end.Add(time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	if n := o.delta(t, next); n != 0 {
		t.Errorf("%d findings of the next scan are new or changed", n)
	}
	o.shows(t, next, 60)
	o.shows(t, scan, 60)
}

// TestClocksThatAreWrong: whichever machine stores a scan, its findings are younger than the scan and than those of the scan before.
// So what was found last is compared with, and rules mute what comes after them.
func TestClocksThatAreWrong(t *testing.T) {
	t.Parallel()
	o := newObservatory(t)
	before := uuid.Nil
	for round, skew := range []time.Duration{0, 20 * time.Minute, 0, -20 * time.Minute, 3 * time.Hour, -3 * time.Hour, -40 * 24 * time.Hour, 0} {
		scan, err := o.store(t, 40, func() time.Time { return time.Now().Add(skew) })
		if err != nil {
			t.Fatalf("round %d, %s: %v", round, skew, err)
		}
		o.shows(t, scan, 40)
		if n := o.count(t, `select count(*) from findings where scan_id = $1 and id < $1`, scan); n > 0 {
			t.Errorf("round %d, %s: %d findings are older than their scan", round, skew, n)
		}
		if before != uuid.Nil {
			if n := o.delta(t, scan); n != 0 {
				t.Errorf("round %d, %s: %d findings are new or changed", round, skew, n)
			}
			if n := o.count(t, `select count(*) from findings f, scans s where f.scan_id = $1 and s.id = $2 and f.id <= s.last_finding_id`, scan, before); n > 0 {
				t.Errorf("round %d, %s: %d findings are older than those of the scan before", round, skew, n)
			}
		}
		before = scan
	}
	id := o.ada.Get(t, "/findings/latest?page[size]=1").Want(t, 200).String("/data/0/id")
	o.ada.Post(t, "/mute-rules", "mute-rules", map[string]any{"name": "Known", "reason": "Because", "finding_ids": []string{id}}, nil).Want(t, 201)
	scan, err := o.store(t, 40, func() time.Time { return time.Now().Add(-time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	if n := o.count(t, `select count(*) from findings where scan_id = $1 and muted`, scan); n != 1 {
		t.Errorf("%d findings are muted on a machine whose clock is behind", n)
	}
	o.shows(t, scan, 40)
}

// TestAClockFarAheadSpoilsNothing: a machine that is days ahead is not followed by the others.
func TestAClockFarAheadSpoilsNothing(t *testing.T) {
	t.Parallel()
	o := newObservatory(t)
	if _, err := o.store(t, 20, fixed(time.Now().AddDate(0, 0, 20))); err != nil {
		t.Fatal(err)
	}
	scan, err := o.store(t, 20, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if n := o.count(t, `select count(*) from findings where scan_id = $1 and inserted_at > now() + interval '1 minute'`, scan); n > 0 {
		t.Errorf("%d findings follow a clock that is wrong by weeks", n)
	}
	o.shows(t, scan, 20)
}

// TestAMonthWithoutPartition: findings of it are refused with the reason and not lost silently; the workers make the partition when they start.
func TestAMonthWithoutPartition(t *testing.T) {
	t.Parallel()
	o := newObservatory(t)
	if _, err := o.store(t, 5, fixed(time.Now().AddDate(2, 0, 0))); !errors.Is(err, ingest.ErrNoPartition) {
		t.Errorf("two years ahead: %v", err)
	}
	month := time.Now().UTC().Format("2006_01")
	if _, err := o.pool.Exec(t.Context(), `drop table findings_`+month); err != nil {
		t.Fatal(err)
	}
	if _, err := o.store(t, 5, time.Now); !errors.Is(err, ingest.ErrNoPartition) {
		t.Errorf("without a partition: %v", err)
	}
	if n := o.count(t, `select count(*) from findings`); n != 0 {
		t.Errorf("%d findings", n)
	}
	o.server.Work(t)
	for o.count(t, `select count(*) from pg_class where relname = $1`, "findings_"+month) == 0 {
		time.Sleep(20 * time.Millisecond)
	}
	scan, err := o.store(t, 5, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	o.shows(t, scan, 5)
}
