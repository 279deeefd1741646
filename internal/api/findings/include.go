package findings

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/api/providers"
	"github.com/palisade-sec/palisade/internal/api/scans"
	"github.com/palisade-sec/palisade/internal/finding"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// includedResource are the attributes of a resource beside a finding.
type includedResource struct {
	InsertedAt time.Time       `json:"inserted_at"`
	UpdatedAt  time.Time       `json:"updated_at"`
	UID        string          `json:"uid"`
	Name       string          `json:"name"`
	Region     string          `json:"region"`
	Service    string          `json:"service"`
	Tags       json.RawMessage `json:"tags"`
	Metadata   *string         `json:"metadata"`
	Details    *string         `json:"details"`
	Partition  *string         `json:"partition"`
	Type       string          `json:"type"`
}

// include reads what the request wants beside the findings: one statement for each type, whatever the number of findings, and all
// of them at once.
func (h handlers) include(ctx context.Context, r *rest.Request, scope tenant.Scope, rows []finding.Finding) ([]jsonapi.Resource, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	scanIDs := newIDs()
	for _, row := range rows {
		scanIDs.add(row.ScanID)
	}
	var seen, ran, accounts []jsonapi.Resource
	var reads []func(tenant.DB) error
	if r.Includes(Type, "resources") {
		reads = append(reads, func(db tenant.DB) (err error) {
			seen, err = includeResources(ctx, db, rows)
			return err
		})
	}
	if r.Includes(Type, "scan") {
		reads = append(reads, func(db tenant.DB) (err error) {
			ran, _, err = scans.Include(ctx, db, scanIDs.list)
			return err
		})
		if r.Query.Include["scan.provider"] && r.Shows("scans", "provider") {
			reads = append(reads, func(db tenant.DB) (err error) {
				accounts, err = providers.IncludeOf(ctx, db, scanIDs.list)
				return err
			})
		}
	}
	err := tenant.Together(ctx, h.tenants.Read(scope), reads...)
	return slices.Concat(seen, ran, accounts), err
}

func includeResources(ctx context.Context, db tenant.DB, rows []finding.Finding) ([]jsonapi.Resource, error) {
	ids := newIDs()
	for _, row := range rows {
		ids.add(row.ResourceIds...)
	}
	resources, err := tenantdb.New(db).IncludeResources(ctx, ids.list)
	if err != nil {
		return nil, fmt.Errorf("include resources: %w", err)
	}
	included := make([]jsonapi.Resource, len(resources))
	for i, one := range resources {
		included[i] = jsonapi.Resource{Type: "resources", ID: one.ID.String(), Attributes: jsonapi.Attributes(includedResource{
			InsertedAt: one.InsertedAt, UpdatedAt: one.UpdatedAt, UID: one.Uid, Name: one.Name, Region: one.Region, Service: one.Service,
			Tags: orElse(one.Tags, "{}"), Metadata: one.Metadata, Details: one.Details, Partition: one.Partition, Type: one.Type})}
	}
	return included, nil
}

// ids collects ids, each once, in the order in which they come.
type ids struct {
	list []uuid.UUID
	seen map[uuid.UUID]bool
}

func newIDs() *ids { return &ids{seen: make(map[uuid.UUID]bool)} }

func (i *ids) add(more ...uuid.UUID) {
	for _, id := range more {
		if !i.seen[id] {
			i.seen[id] = true
			i.list = append(i.list, id)
		}
	}
}
