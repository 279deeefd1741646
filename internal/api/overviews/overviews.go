// Package overviews declares the operations that answer with figures over the newest completed scan of each provider.
package overviews

import (
	"context"
	"net/http"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// openQuery is for the operations that look at nothing but sparse fields.
var openQuery = filter.MustTable(filter.Table{Unpaged: true, Tolerate: filter.AnyQuery | filter.AnyInclude})

// providerFilters are the filters that choose the providers whose scans count.
var providerFilters = []string{"provider_id", "provider_type", "provider_groups"}

type handlers struct{ tenants *tenant.Executor }

// Operations declares the operations.
func Operations(executor *tenant.Executor) []rest.Operation {
	h := handlers{tenants: executor}
	const tag = "Overviews"
	operation := func(id authz.Operation, path, summary string, query *filter.Table, kind string, attributes any, list bool, handle rest.Handler) rest.Operation {
		return rest.Operation{ID: id, Method: http.MethodGet, Path: path, Tag: tag, Summary: summary, Query: query,
			Response: rest.Schema{Type: kind, Attributes: attributes, List: list}, Handle: handle}
	}
	threatScore := operation("overviews.threatscore", "/overviews/threatscore", "Get the ThreatScore of the newest scans", ThreatScoreQuery,
		SnapshotType, snapshot{}, true, h.threatScore)
	threatScore.Response.Relationships = []string{"scan", "provider"}
	threatScore.Extra = []rest.Parameter{{Name: "snapshot_id", Description: "The snapshot of one scan, by the scan's id: the answer is that one alone."}}
	return []rest.Operation{
		operation("overviews.findings", "/overviews/findings", "Count findings", Query, "findings-overview", counters{}, false, h.findings),
		operation("overviews.findings_severity", "/overviews/findings_severity", "Count findings per severity", SeverityQuery,
			"findings-severity-overview", severities{}, false, h.severities),
		operation("overviews.services", "/overviews/services", "Count findings per service", Query, "services-overview", service{}, true, h.services),
		operation("overviews.regions", "/overviews/regions", "Count findings per region", Query, "regions-overview", region{}, true, h.regions),
		operation("overviews.findings_severity.timeseries", "/overviews/findings_severity/timeseries", "Count failed findings per severity and day",
			SeriesQuery, "findings-severity-over-time", day{}, true, h.series),
		operation("overviews.attack_surfaces", "/overviews/attack-surfaces", "Count findings per attack surface", SurfaceQuery,
			"attack-surface-overviews", surface{}, true, h.surfaces),
		operation("overviews.categories", "/overviews/categories", "Count findings per category", CategoryQuery,
			"category-overviews", category{}, true, h.categories),
		operation("overviews.resource_groups", "/overviews/resource-groups", "Count findings and resources per resource group", ResourceGroupQuery,
			"resource-group-overviews", resourceGroup{}, true, h.resourceGroups),
		threatScore,
		operation("overviews.providers", "/overviews/providers", "Count findings and resources per provider type", openQuery,
			"providers-overview", account{}, true, h.providers),
		operation("overviews.providers.count", "/overviews/providers/count", "Count providers per type", openQuery,
			"providers-count-overview", number{}, true, h.count),
	}
}

// queries runs the statements of a request whose filters choose providers, and rows of their scans' aggregates.
func (h handlers) queries(ctx context.Context, r *rest.Request) (*tenantdb.Queries, error) {
	return h.shaped(ctx, r, map[string]filter.Fragment{"providers": r.Query.Part(providerFilters...), "where": r.Query.Without(providerFilters...)})
}

// figures runs those about sums of a scan: those over all regions together, or those of the regions that the filters leave.
func (h handlers) figures(ctx context.Context, r *rest.Request, everywhere bool) (*tenantdb.Queries, error) {
	where := filter.And(filter.MustCondition("m.everywhere", filter.Exact, everywhere), r.Query.Without(providerFilters...))
	return h.shaped(ctx, r, map[string]filter.Fragment{"providers": r.Query.Part(providerFilters...), "where": where})
}

// ofProviders runs those whose filters choose providers alone.
func (h handlers) ofProviders(ctx context.Context, r *rest.Request) (*tenantdb.Queries, error) {
	return h.shaped(ctx, r, map[string]filter.Fragment{"providers": r.Query.Part(providerFilters...)})
}

func (h handlers) shaped(ctx context.Context, r *rest.Request, fragments map[string]filter.Fragment) (*tenantdb.Queries, error) {
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	return tenantdb.New(db.Shaped(fragments)), nil
}

// all answers with a list that has no pages.
func all(r *rest.Request, many []jsonapi.Resource) *rest.Answer {
	return rest.OK(jsonapi.Document{Many: many, Fields: r.Query.Fields})
}
