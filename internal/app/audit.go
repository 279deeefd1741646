package app

import (
	"context"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/audit"
	"github.com/palisade-sec/palisade/internal/rest"
)

// auditLog starts the recorder of decisions; it returns nil where there is to be none.
func (a *App) auditLog(settings Settings) (rest.Auditor, error) {
	if settings.WithoutAudit {
		return nil, nil
	}
	recorder, err := audit.New(audit.Config{Tenants: a.Tenants, Logger: a.logger, ReadSample: settings.AuditReadSample, Registerer: a.Metrics.Registry})
	if err != nil {
		return nil, err
	}
	a.audit = recorder
	return recorder, nil
}

// VerifyAudit verifies the audit log of one tenant, or of all when only is uuid.Nil. noted are heads that earlier verifications
// found; found gets each result.
func (a *App) VerifyAudit(ctx context.Context, only uuid.UUID, noted map[uuid.UUID]audit.Head, found func(audit.Chain) error) error {
	if only == uuid.Nil {
		return audit.VerifyAll(ctx, a.Tenants, a.System, noted, found)
	}
	var expected *audit.Head
	if head, ok := noted[only]; ok {
		expected = &head
	}
	chain, err := audit.Verify(ctx, a.Tenants, only, expected)
	if err != nil {
		return err
	}
	return found(chain)
}
