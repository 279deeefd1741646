package ingestion

import (
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/jobs"
)

// RegisterWith is Register with a view into what the job writes and how it ends.
func RegisterWith(registry *jobs.Registry, service *Service, write func(jobs.Run) ingest.Write, ending func(Conclude) Conclude) {
	register(registry, service, write, ending)
}
