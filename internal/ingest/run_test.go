package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/ocsf"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

var errDisk = errors.New("the disk is full")

// begin creates an executing scan and begins to store it, with before called ahead of each transaction.
func (o *observatory) begin(t *testing.T, before func(number int) error) (*ingest.Run, ingest.Scan) {
	t.Helper()
	scan := ingest.Scan{ID: uuid.Must(uuid.NewV7()), ProviderID: o.provider}
	err := o.write(t.Context(), func(ctx context.Context, tx *tenant.Tx) error {
		return tenantdb.New(tx).CreateIngestionScan(ctx, tenantdb.CreateIngestionScanParams{TenantID: o.scope.Tenant(), ID: scan.ID, ProviderID: o.provider})
	})
	if err != nil {
		t.Fatal(err)
	}
	numbers := make(chan int, 1)
	numbers <- 0
	run, err := ingest.BeginIn(t.Context(), func(ctx context.Context, fn func(context.Context, *tenant.Tx) error) error {
		number := <-numbers + 1
		numbers <- number
		if err := before(number); err != nil {
			return err
		}
		return o.write(ctx, fn)
	}, o.scope, scan)
	if err != nil {
		t.Fatal(err)
	}
	return run, scan
}

// add adds findings until the run refuses one.
func add(t *testing.T, run *ingest.Run, findings int) error {
	t.Helper()
	var file bytes.Buffer
	if err := (ocsftest.File{Account: clockAccount, Findings: findings}).Write(&file); err != nil {
		t.Fatal(err)
	}
	reader := ocsf.NewReader(&file, ocsf.Limits{}, nil)
	for range findings {
		one, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		if err := run.Add(t.Context(), one); err != nil {
			return err
		}
	}
	return nil
}

// The transactions of a run: what is left is looked for, and the history, then two for each batch.
const (
	resourcesOfFirst = 3
	findingsOfFirst  = 4
)

// TestABatchThatCannotBeStored ends the run, whether it is its resources or its findings, and nothing of it is counted as stored.
func TestABatchThatCannotBeStored(t *testing.T) {
	t.Parallel()
	for name, failing := range map[string]int{"resources": resourcesOfFirst, "findings": findingsOfFirst} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newObservatory(t)
			run, scan := o.begin(t, func(number int) error {
				if number == failing {
					return errDisk
				}
				return nil
			})
			defer run.Close()
			err := add(t, run, 2*ingest.BatchSize)
			if err == nil {
				err = run.Flush(t.Context())
			}
			if !errors.Is(err, errDisk) {
				t.Errorf("%v, want %v", err, errDisk)
			}
			if stored := o.count(t, `select count(*) from findings where scan_id = $1`, scan.ID); stored > 0 || run.Stored() > 0 {
				t.Errorf("%d findings are stored, %d are said to be", stored, run.Stored())
			}
		})
	}
}

// TestNothingIsStoredOnceARunIsClosed: what removes the findings of a scan that failed comes after the last of them.
func TestNothingIsStoredOnceARunIsClosed(t *testing.T) {
	t.Parallel()
	o := newObservatory(t)
	reached, leave := make(chan struct{}), make(chan struct{})
	run, scan := o.begin(t, func(number int) error {
		if number == findingsOfFirst {
			close(reached)
			<-leave
		}
		return nil
	})
	if err := add(t, run, ingest.BatchSize); err != nil {
		t.Fatal(err)
	}
	<-reached
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		run.Close()
	}()
	select {
	case <-closed:
		t.Error("closed while a batch was being stored")
	case <-time.After(50 * time.Millisecond):
	}
	close(leave)
	<-closed
	if stored := o.count(t, `select count(*) from findings where scan_id = $1`, scan.ID); stored != ingest.BatchSize {
		t.Errorf("%d findings are stored when the run is closed, want the batch", stored)
	}
}
