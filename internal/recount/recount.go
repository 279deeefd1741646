package recount

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// scanLimit bounds how long one scan may take, however large it is.
const scanLimit = time.Hour

// Selection says which scans are meant; a zero id is any.
type Selection struct {
	Tenant, Provider, Scan uuid.UUID
}

// Outcome is what became of one scan.
type Outcome struct {
	Tenant      uuid.UUID           `json:"tenant"`
	Scan        uuid.UUID           `json:"scan"`
	Awaits      bool                `json:"awaits_recount,omitempty"`
	Differences []ingest.Difference `json:"differences,omitempty"`
}

// Summary is what became of all of them.
type Summary struct {
	Scans    int64 `json:"scans"`          // that were counted, or compared
	Awaiting int64 `json:"awaits_recount"` // of those: could not be compared, because a job is about to count them
	Differ   int64 `json:"differ"`         // of those: differ from a recount
}

// ErrNone is returned when no completed scan is meant.
var ErrNone = errors.New("there is no such completed scan")

// All counts the selected completed scans again, each in a transaction of its own; it may be interrupted and run again.
func (s *Service) All(ctx context.Context, selected Selection) (Summary, error) {
	return s.each(ctx, selected, func(ctx context.Context, write ingest.Write, _ uuid.UUID, scan ingest.Scan) (Outcome, error) {
		return Outcome{}, write(ctx, func(ctx context.Context, tx *tenant.Tx) error { return ingest.RecountCompleted(ctx, tx, scan) })
	}, func(Outcome) error { return nil })
}

// Verify compares what is stored of the selected completed scans with a recount and changes nothing. It reports those that differ
// or could not be compared.
func (s *Service) Verify(ctx context.Context, selected Selection, report func(Outcome) error) (Summary, error) {
	return s.each(ctx, selected, func(ctx context.Context, write ingest.Write, inside uuid.UUID, scan ingest.Scan) (Outcome, error) {
		found, err := ingest.Verify(ctx, write, scan)
		return Outcome{Tenant: inside, Scan: scan.ID, Awaits: found.Awaits, Differences: found.Differences}, err
	}, report)
}

type treatment func(ctx context.Context, write ingest.Write, inside uuid.UUID, scan ingest.Scan) (Outcome, error)

// each treats the selected scans one after the other. One that is gone meanwhile is none.
func (s *Service) each(ctx context.Context, selected Selection, treat treatment, report func(Outcome) error) (Summary, error) {
	var sum Summary
	inside := func(one uuid.UUID) error {
		if err := s.eachScan(ctx, one, selected, func(scan ingest.Scan) error {
			limited, cancel := context.WithTimeout(ctx, scanLimit)
			defer cancel()
			outcome, err := treat(limited, s.writeIn(one), one, scan)
			if errors.Is(err, ingest.ErrNotCompleted) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("scan %s: %w", scan.ID, err)
			}
			return sum.add(outcome, report)
		}); err != nil {
			return fmt.Errorf("tenant %s: %w", one, err)
		}
		return nil
	}
	var err error
	if selected.Tenant != uuid.Nil {
		err = inside(selected.Tenant)
	} else {
		err = s.eachTenant(ctx, math.MaxInt16, inside)
	}
	if err == nil && sum.Scans == 0 && selected != (Selection{}) {
		err = ErrNone
	}
	return sum, err
}

func (s *Summary) add(outcome Outcome, report func(Outcome) error) error {
	s.Scans++
	switch {
	case outcome.Awaits:
		s.Awaiting++
	case len(outcome.Differences) > 0:
		s.Differ++
	default:
		return nil
	}
	return report(outcome)
}

func (s *Service) writeIn(inside uuid.UUID) ingest.Write {
	scope := tenant.NewScope(inside, uuid.Nil, tenant.SeeAll())
	return func(ctx context.Context, fn func(ctx context.Context, tx *tenant.Tx) error) error {
		return s.tenants.Write(ctx, scope, fn)
	}
}

func (s *Service) eachScan(ctx context.Context, inside uuid.UUID, selected Selection, fn func(ingest.Scan) error) error {
	read := tenantdb.New(s.tenants.Read(tenant.NewScope(inside, uuid.Nil, tenant.SeeAll())))
	wanted := tenantdb.ListCompletedScansParams{Batch: scansAtOnce, ProviderID: given(selected.Provider), ScanID: given(selected.Scan)}
	for {
		list, err := read.ListCompletedScans(ctx, wanted)
		if err != nil {
			return fmt.Errorf("list scans: %w", err)
		}
		for _, one := range list {
			if err := fn(ingest.Scan{ID: one.ID, ProviderID: one.ProviderID}); err != nil {
				return err
			}
			wanted.AfterID = one.ID
		}
		if len(list) < scansAtOnce {
			return nil
		}
	}
}

func given(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
