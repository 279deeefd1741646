package findings

import (
	"context"
	"encoding/json"
	"fmt"
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

// include reads what the request wants beside the findings: one statement for each type, whatever the number of findings.
func (h handlers) include(ctx context.Context, r *rest.Request, scope tenant.Scope, rows []finding.Finding) ([]jsonapi.Resource, error) {
	var included []jsonapi.Resource
	if len(rows) == 0 {
		return nil, nil
	}
	if r.Includes(Type, "resources") {
		resources, err := h.includeResources(ctx, scope, rows)
		if err != nil {
			return nil, err
		}
		included = append(included, resources...)
	}
	if r.Includes(Type, "scan") {
		scans, err := h.includeScans(ctx, r, scope, rows)
		if err != nil {
			return nil, err
		}
		included = append(included, scans...)
	}
	return included, nil
}

func (h handlers) includeResources(ctx context.Context, scope tenant.Scope, rows []finding.Finding) ([]jsonapi.Resource, error) {
	ids := newIDs()
	for _, row := range rows {
		ids.add(row.ResourceIds...)
	}
	resources, err := tenantdb.New(h.tenants.Read(scope)).IncludeResources(ctx, ids.list)
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

// includeScans are the scans of the findings, and with include=scan.provider their providers.
func (h handlers) includeScans(ctx context.Context, r *rest.Request, scope tenant.Scope, rows []finding.Finding) ([]jsonapi.Resource, error) {
	ids := newIDs()
	for _, row := range rows {
		ids.add(row.ScanID)
	}
	included, accountIDs, err := scans.Include(ctx, h.tenants.Read(scope), ids.list)
	if err != nil || !r.Query.Include["scan.provider"] || !r.Shows("scans", "provider") {
		return included, err
	}
	of := newIDs()
	of.add(accountIDs...)
	accounts, err := providers.Include(ctx, h.tenants.Read(scope), of.list)
	return append(included, accounts...), err
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
