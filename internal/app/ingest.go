package app

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/ingestion"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Ingested says what became of a findings file.
type Ingested struct {
	Ingestion uuid.UUID  `json:"ingestion"`
	State     string     `json:"state"` // completed or failed
	Scan      *uuid.UUID `json:"scan"`
	Findings  int64      `json:"findings"`
	Errors    int64      `json:"errors"`
}

// pollInterval is how often Ingest looks whether its file is done.
const pollInterval = 200 * time.Millisecond

// Ingest takes a findings file in for a tenant, as the program itself, and waits until it is stored. Something has to work
// jobs meanwhile: see Work.
func (a *App) Ingest(ctx context.Context, inside uuid.UUID, filename string, content io.Reader) (Ingested, error) {
	scope := tenant.NewScope(inside, uuid.Nil, tenant.SeeAll())
	id, err := a.ingestions.Receive(ctx, scope, filename, content, ingestion.EnqueueWith(a.jobs))
	if err != nil {
		return Ingested{}, fmt.Errorf("take %s in: %w", filename, err)
	}
	for {
		row, err := tenantdb.New(a.Tenants.Read(scope)).GetIngestion(ctx, id)
		if err != nil {
			return Ingested{}, fmt.Errorf("look at the ingestion: %w", err)
		}
		if row.State == ingestion.Completed || row.State == ingestion.Failed {
			return Ingested{Ingestion: id, State: row.State, Scan: row.ScanID, Findings: row.FindingsCount, Errors: row.ErrorsCount}, nil
		}
		select {
		case <-ctx.Done():
			return Ingested{}, fmt.Errorf("wait for the ingestion: %w", ctx.Err())
		case <-time.After(pollInterval):
		}
	}
}
