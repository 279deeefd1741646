package compliance

import (
	"context"
	"fmt"
	"math"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// tenantsAtOnce is how many tenants are listed together.
const tenantsAtOnce = 500

// CountAgain marks the completed scans of all tenants that completed when the catalogue had no framework for them, now that it has
// some: the job that counts scans of earlier versions (internal/recount) takes them up. It returns how many there are, and may run
// at any time, any number of times.
func CountAgain(ctx context.Context, tenants *tenant.Executor, executor *system.Executor) (scans int64, err error) {
	for after := uuid.Nil; ; {
		list, err := systemdb.New(executor.Read(system.Backfill, uuid.Nil)).ListTenantsToCount(ctx,
			systemdb.ListTenantsToCountParams{AfterID: after, Version: math.MaxInt16, Batch: tenantsAtOnce})
		if err != nil {
			return scans, fmt.Errorf("list tenants: %w", err)
		}
		for _, one := range list {
			err := tenants.Write(ctx, tenant.NewScope(one, uuid.Nil, tenant.SeeAll()), func(ctx context.Context, tx *tenant.Tx) error {
				marked, err := tenantdb.New(tx).ForgetVersionOfUnheldScans(ctx)
				scans += marked
				return err
			})
			if err != nil {
				return scans, fmt.Errorf("mark scans of tenant %s: %w", one, err)
			}
			after = one
		}
		if len(list) < tenantsAtOnce {
			return scans, nil
		}
	}
}
