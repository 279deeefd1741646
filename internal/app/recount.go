package app

import (
	"context"

	"github.com/palisade-sec/palisade/internal/recount"
)

// Recount counts completed scans again or, with verify, compares what is stored of them with a recount and reports those that
// differ or could not be compared.
func (a *App) Recount(ctx context.Context, selected recount.Selection, verify bool, report func(recount.Outcome) error) (recount.Summary, error) {
	service := recount.New(a.Tenants, a.System, a.jobs, a.logger)
	if verify {
		return service.Verify(ctx, selected, report)
	}
	return service.All(ctx, selected)
}
