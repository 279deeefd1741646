package provider

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/secret"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Rotation says what became of the stored credentials when the keys changed.
type Rotation struct {
	Tenants int64 `json:"tenants"` // that have credentials
	Secrets int64 `json:"secrets"` // credentials that were looked at
	Rotated int64 `json:"rotated"` // of those: sealed with an earlier key, now with the first
	Failed  int64 `json:"failed"`  // of those: cannot be opened with any key of the ring; left as they are
}

const (
	// rotationTenants is how many tenants are listed at a time.
	rotationTenants = 500
	// rotationBatch is how many credentials one transaction seals again, and for how many it keeps people from replacing them.
	rotationBatch = 100
)

// Rotate seals all stored credentials with the first key of the ring that an earlier one sealed, tenant by tenant, each in the
// tenant's own scope. It may be interrupted and called again at any time: what is sealed with the first key already stays as it
// is. The log names credentials that cannot be opened by their ids. Processes that have not got the first key cannot open what
// was rotated.
func Rotate(ctx context.Context, tenants *tenant.Executor, executor *system.Executor, keys *secret.Keyring, logger *slog.Logger) (Rotation, error) {
	var done Rotation
	after := uuid.Nil
	for {
		var batch []uuid.UUID
		err := executor.Write(ctx, system.Rotation, uuid.Nil, func(ctx context.Context, db system.DB) error {
			var err error
			batch, err = systemdb.New(db).ListTenantsWithSecrets(ctx, systemdb.ListTenantsWithSecretsParams{AfterID: after, Batch: rotationTenants})
			return err
		})
		if err != nil {
			return done, fmt.Errorf("list tenants with credentials: %w", err)
		}
		for _, one := range batch {
			done.Tenants++
			scope := tenant.NewScope(one, uuid.Nil, tenant.SeeAll())
			if err := rotateTenant(ctx, tenants, scope, keys, logger, &done); err != nil {
				return done, fmt.Errorf("rotate credentials of tenant %s: %w", one, err)
			}
			after = one
		}
		if len(batch) < rotationTenants {
			return done, nil
		}
	}
}

// rotateTenant adds to done what it did; a batch that did not commit is not in it.
func rotateTenant(ctx context.Context, tenants *tenant.Executor, scope tenant.Scope, keys *secret.Keyring, logger *slog.Logger, done *Rotation) error {
	for after := uuid.Nil; ; {
		var rows []tenantdb.LockSealedSecretsRow
		var rotated, failed int64
		err := tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
			queries := tenantdb.New(tx)
			var err error
			rows, err = queries.LockSealedSecrets(ctx, tenantdb.LockSealedSecretsParams{AfterID: after, Batch: rotationBatch})
			if err != nil {
				return fmt.Errorf("lock credentials: %w", err)
			}
			var again tenantdb.SealSecretsAgainParams
			again, failed = sealAgain(ctx, scope.Tenant(), rows, keys, logger)
			if len(again.Ids) == 0 {
				return nil
			}
			if rotated, err = queries.SealSecretsAgain(ctx, again); err != nil {
				return fmt.Errorf("store credentials: %w", err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		done.Secrets, done.Rotated, done.Failed = done.Secrets+int64(len(rows)), done.Rotated+rotated, done.Failed+failed
		if len(rows) < rotationBatch {
			return nil
		}
		after = rows[len(rows)-1].ID
	}
}

// sealAgain seals those of a batch that an earlier key sealed, and counts those that cannot be opened.
func sealAgain(ctx context.Context, tenantID uuid.UUID, rows []tenantdb.LockSealedSecretsRow, keys *secret.Keyring, logger *slog.Logger) (again tenantdb.SealSecretsAgainParams, failed int64) {
	for _, row := range rows {
		if !keys.NeedsRotation(row.Secret) {
			continue
		}
		sealed, err := keys.Rotate(row.Secret, secret.Bind(secretTable, tenantID, row.ID))
		if err != nil {
			failed++
			logger.ErrorContext(ctx, "credentials cannot be sealed with the new key", "tenant_id", tenantID, "secret_id", row.ID, "error", err)
			continue
		}
		again.Ids, again.Secrets = append(again.Ids, row.ID), append(again.Secrets, sealed)
	}
	return again, failed
}
