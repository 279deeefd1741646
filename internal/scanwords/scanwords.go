// Package scanwords has the words of scans found once they are complete, so that searches need not read every finding. It is work
// of its own because it costs about as much as storing the findings did, and nobody should wait for it.
//
// What does not belong here: how words are found (internal/ingest) and how searches go by them (internal/finding).
package scanwords

import (
	"context"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Job finds the words of one completed scan.
type Job struct {
	ScanID     uuid.UUID `json:"scan_id"`
	ProviderID uuid.UUID `json:"provider_id"`
}

// Kind is the name of the job and of its task.
func (Job) Kind() string { return "scan-words" }

// Provider is the provider of the scan.
func (j Job) Provider() uuid.UUID { return j.ProviderID }

// Register makes the kind known to the job layer.
func Register(registry *jobs.Registry) {
	jobs.Register(registry, jobs.Backfill, jobs.Options{Hidden: true}, find)
}

func find(ctx context.Context, run jobs.Run, job Job) (any, error) {
	return nil, run.Write(ctx, func(ctx context.Context, tx *tenant.Tx) error {
		return ingest.IndexWords(ctx, tx, ingest.Scan{ID: job.ScanID, ProviderID: job.ProviderID})
	})
}
