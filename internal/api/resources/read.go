package resources

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/api/findings"
	"github.com/palisade-sec/palisade/internal/api/providers"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/finding"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/paging"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	return h.page(ctx, r, false)
}

func (h handlers) latest(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	return h.page(ctx, r, true)
}

// page answers with a page of resources; scanned: of providers that have a completed scan.
func (h handlers) page(ctx context.Context, r *rest.Request, scanned bool) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.checkReferences(ctx, r, scope); err != nil {
		return nil, err
	}
	db := h.tenants.Read(scope)
	rows, window, err := paging.Read(ctx, tenant.Together, db, &r.Query, func(db tenant.DB, _ filter.Fragment) (int64, error) {
		return count(ctx, db, &r.Query, scanned)
	}, func(db tenant.DB, part paging.Part) ([]tenantdb.ListResourcesRow, error) {
		markers := part.Markers()
		markers["providers"] = r.Query.Part(providerFilters...)
		return tenantdb.New(db.Shaped(markers)).ListResources(ctx, tenantdb.ListResourcesParams{Few: few, Scanned: scanned,
			WithFindings: r.Shows(Type, "findings"), PageOffset: part.Offset, PageSize: part.Size})
	})
	if err != nil {
		return nil, fmt.Errorf("list resources: %w", err)
	}
	included, err := h.include(ctx, r, scope, rows)
	if err != nil {
		return nil, err
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = resource(r, row)
	}
	return r.List(many, included, window), nil
}

// few is up to how many resources of the accounts that are left are read and sorted rather than looked for along an index.
const few = 5_000

// providerFilters are the filters by what resources belong to.
var providerFilters = append(finding.ProviderFilters(), "provider")

// count counts what the query leaves, from the numbers of providers when they can tell.
func count(ctx context.Context, db tenant.DB, query *filter.Query, scanned bool) (int64, error) {
	markers := map[string]filter.Fragment{"providers": query.Part(providerFilters...)}
	if others := query.Without(providerFilters...); others.IsZero() {
		return tenantdb.New(db.Shaped(markers)).CountResourcesOfProviders(ctx, scanned)
	}
	markers["where"] = query.Where
	return tenantdb.New(db.Shaped(markers)).CountResources(ctx, tenantdb.CountResourcesParams{Few: few, Scanned: scanned})
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	row, err := tenantdb.New(h.tenants.Read(scope)).GetResource(ctx, tenantdb.GetResourceParams{ID: r.ID("id"), WithFindings: r.Shows(Type, "findings")})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, jsonapi.NotFound("Resource")
	}
	if err != nil {
		return nil, fmt.Errorf("get resource: %w", err)
	}
	one := tenantdb.ListResourcesRow(row)
	included, err := h.include(ctx, r, scope, []tenantdb.ListResourcesRow{one})
	if err != nil {
		return nil, err
	}
	return r.One(resource(r, one), included...), nil
}

// include reads what the request wants beside the resources: one statement for each type, all of them at once.
func (h handlers) include(ctx context.Context, r *rest.Request, scope tenant.Scope, rows []tenantdb.ListResourcesRow) ([]jsonapi.Resource, error) {
	var accountIDs, findingIDs []uuid.UUID
	for _, row := range rows {
		accountIDs, findingIDs = append(accountIDs, row.ProviderID), append(findingIDs, row.FindingIds...)
	}
	var accounts, found []jsonapi.Resource
	var reads []func(tenant.DB) error
	if r.Includes(Type, "provider") && len(accountIDs) > 0 {
		reads = append(reads, func(db tenant.DB) (err error) {
			accounts, err = providers.Include(ctx, db, unique(accountIDs))
			return err
		})
	}
	if r.Includes(Type, "findings") && len(findingIDs) > 0 {
		reads = append(reads, func(db tenant.DB) error {
			many, err := finding.Get(ctx, db, unique(findingIDs), finding.Shape{Metadata: r.Shows("findings", "check_metadata")})
			for _, one := range many {
				found = append(found, findings.Included(one))
			}
			return err
		})
	}
	err := tenant.Together(ctx, h.tenants.Read(scope), reads...)
	return slices.Concat(accounts, found), err
}

// checkReferences refuses filters by providers that the subject does not see: whether they exist is not for the subject to know.
func (h handlers) checkReferences(ctx context.Context, r *rest.Request, scope tenant.Scope) error {
	for _, reference := range r.Query.References {
		ids := unique(reference.IDs)
		known, err := tenantdb.New(h.tenants.Read(scope)).KnownProviders(ctx, ids)
		if err != nil {
			return fmt.Errorf("check referenced providers: %w", err)
		}
		if len(known) < len(ids) {
			return reference.Refusal
		}
	}
	return nil
}

func (h handlers) metadata(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.checkReferences(ctx, r, scope); err != nil {
		return nil, err
	}
	where, err := scansOf(&r.Query)
	if err != nil {
		return nil, err
	}
	return h.choices(ctx, r, finding.ScansQuery{Scans: finding.All, Where: where, TypeField: "type"})
}

func (h handlers) latestMetadata(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	return h.choices(ctx, r, finding.ScansQuery{Scans: finding.Newest, TypeField: "type"})
}

// scansOf is the condition on scans s that the filters by scan and by inserted_at make.
func scansOf(query *filter.Query) (filter.Fragment, error) {
	var where filter.Fragment
	if ids, given := query.IDs("scan"); given {
		if ids == nil {
			ids = []uuid.UUID{}
		}
		those, err := filter.Condition("s.id", filter.In, ids)
		if err != nil {
			return where, fmt.Errorf("filter scans: %w", err)
		}
		where = filter.And(where, those)
	}
	from, to := query.Range("inserted_at")
	if from != nil {
		since, err := filter.Condition("s.inserted_at", filter.GTE, *from)
		if err != nil {
			return where, fmt.Errorf("filter scans: %w", err)
		}
		where = filter.And(where, since)
	}
	if to != nil {
		until, err := filter.Condition("s.inserted_at", filter.LT, *to)
		if err != nil {
			return where, fmt.Errorf("filter scans: %w", err)
		}
		where = filter.And(where, until)
	}
	return where, nil
}

// choices answers with what the chosen scans saw, and all groups that checks put resources in.
func (h handlers) choices(ctx context.Context, r *rest.Request, scans finding.ScansQuery) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	const kind = "resources-metadata"
	found, err := h.reader.Choices(ctx, scope, &r.Query, scans, finding.Wanted{})
	if err != nil {
		return nil, err
	}
	groups := []string{}
	if r.Shows(kind, "groups") {
		if groups, err = tenantdb.New(h.tenants.Read(scope)).ListResourceGroups(ctx); err != nil {
			return nil, fmt.Errorf("list groups of resources: %w", err)
		}
	}
	return r.One(jsonapi.Resource{Type: kind, Attributes: jsonapi.Attributes(choices{Services: found.Services, Regions: found.Regions,
		Types: found.Types, Groups: groups})}), nil
}
