package scans

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// beside are the attributes of a scan beside another resource.
type beside struct {
	Name                *string    `json:"name"`
	Trigger             string     `json:"trigger"`
	State               string     `json:"state"`
	UniqueResourceCount int32      `json:"unique_resource_count"`
	Progress            int16      `json:"progress"`
	Duration            *int32     `json:"duration"`
	InsertedAt          time.Time  `json:"inserted_at"`
	StartedAt           *time.Time `json:"started_at"`
	CompletedAt         *time.Time `json:"completed_at"`
	ScheduledAt         *time.Time `json:"scheduled_at"`
}

// Include are the reduced resource objects of scans that stand beside another resource, and the ids of their providers.
func Include(ctx context.Context, db tenant.DB, ids []uuid.UUID) (many []jsonapi.Resource, providerIDs []uuid.UUID, err error) {
	rows, err := tenantdb.New(db).IncludeScans(ctx, ids)
	if err != nil {
		return nil, nil, fmt.Errorf("include scans: %w", err)
	}
	for _, row := range rows {
		providerIDs = append(providerIDs, row.ProviderID)
		many = append(many, jsonapi.Resource{Type: Type, ID: row.ID.String(), Attributes: jsonapi.Attributes(beside{Name: row.Name,
			Trigger: row.Trigger, State: row.State, UniqueResourceCount: row.UniqueResourceCount, Progress: row.Progress, Duration: row.Duration,
			InsertedAt: row.InsertedAt, StartedAt: row.StartedAt, CompletedAt: row.CompletedAt, ScheduledAt: row.ScheduledAt}),
			Relationships: []jsonapi.Relation{jsonapi.ToOne("provider", "providers", row.ProviderID.String())}})
	}
	return many, providerIDs, nil
}
