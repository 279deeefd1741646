package compliance

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/compliance"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// list counts requirements. A scan that is asked for as a whole has its counts whatever else the request says; only regions and
// providers make the other parameters count.
func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	table := Query
	if whole(r.Query.Params) {
		table = wholeQuery
	}
	chosen, err := h.choose(ctx, r, table)
	if err != nil {
		return nil, err
	}
	tallies, known, err := chosen.tallies(ctx)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, refusal("scan_id", "not_found", "Scan not found")
	}
	if len(chosen.query.Sort) > 0 && chosen.query.Sort[0].Descending {
		slices.Reverse(tallies)
	}
	many := make([]jsonapi.Resource, len(tallies))
	for i := range tallies {
		tally := &tallies[i]
		many[i] = jsonapi.Resource{Type: overviewType, ID: tally.ID, Attributes: jsonapi.Attributes(overview{Framework: tally.Framework,
			Version: tally.Version, Passed: tally.Passed, Failed: tally.Failed, Manual: tally.Manual, Total: tally.Total()})}
	}
	return all(r, many), nil
}

// wholeQuery is the allow-list for a scan as a whole.
var wholeQuery = filter.MustTable(filter.Table{Fields: []filter.Field{{Name: "scan_id", Kind: filter.UUID}}, Unpaged: true, Tolerate: filter.AnyQuery})

func whole(params filter.Params) bool {
	_, scan := given(params, "scan_id")
	_, one := given(params, "region")
	_, several := given(params, "region__in")
	return scan && !one && !several
}

// metadata lists the regions that there are results for.
func (h handlers) metadata(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	chosen, err := h.choose(ctx, r, openQuery)
	if err != nil {
		return nil, err
	}
	var regions []compliance.Region
	_, counts, err := chosen.read(ctx, func(ctx context.Context, db tenant.DB, scans []uuid.UUID) (err error) {
		regions, err = compliance.Regions(ctx, db, scans, chosen.where)
		return err
	})
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, region := range regions {
		matches := func(one compliance.Result) bool { return chosen.matches(one.Framework, one.Version) }
		if counts && slices.ContainsFunc(region.Frameworks, matches) {
			names = append(names, region.Name)
		}
	}
	return r.One(jsonapi.Resource{Type: metadataType, Attributes: jsonapi.Attributes(metadata{Regions: names})}), nil
}

// requirements lists what became of each requirement of a framework. Those of ThreatScore frameworks count findings too.
func (h handlers) requirements(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	if _, err := byScan(r.Query.Params); err != nil {
		return nil, err
	}
	id, ok := given(r.Query.Params, "compliance_id")
	if !ok {
		return nil, refusal("compliance_id", "required", "This query parameter is required.")
	}
	chosen, err := h.choose(ctx, r, openQuery)
	if err != nil {
		return nil, err
	}
	var results []compliance.Result
	asked := []reading{func(ctx context.Context, db tenant.DB, scans []uuid.UUID) (err error) {
		results, err = compliance.Results(ctx, db, scans, chosen.where)
		return err
	}}
	var findings compliance.CheckFindings
	scored := strings.Contains(id, "threatscore")
	if scored {
		asked = append(asked, func(ctx context.Context, db tenant.DB, scans []uuid.UUID) (err error) {
			findings, err = compliance.CountFindings(ctx, db, scans, chosen.where)
			return err
		})
	}
	if _, counts, err := chosen.read(ctx, asked...); err != nil || !counts {
		return all(r, nil), err
	}
	var many []jsonapi.Resource
	for i := range results {
		if !chosen.matches(results[i].Framework, results[i].Version) {
			continue
		}
		templates, err := h.templates.of(&results[i], scored)
		if err != nil {
			return nil, err
		}
		many = append(many, standings(&results[i], templates, scored, findings)...)
	}
	return all(r, many), nil
}

func standings(result *compliance.Result, templates []*jsonapi.Template, scored bool, findings compliance.CheckFindings) []jsonapi.Resource {
	many := make([]jsonapi.Resource, len(result.Standings))
	for i := range result.Standings {
		status := result.Standings[i].Outcome.StrictStatus()
		if !scored {
			many[i] = templates[i].With(status)
			continue
		}
		count := findings.Of(&result.Standings[i])
		many[i] = templates[i].With(status, count.Passed, count.Total)
	}
	return many
}

// watchlist counts requirements over the newest scans of the providers asked for.
func (h handlers) watchlist(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	chosen := selection{db: db, query: r.Query, where: compliance.Where{Watched: true}}
	tallies, _, err := chosen.tallies(ctx)
	if err != nil {
		return nil, err
	}
	many := make([]jsonapi.Resource, len(tallies))
	for i := range tallies {
		tally := &tallies[i]
		many[i] = jsonapi.Resource{Type: watchlistType, ID: tally.ID, Attributes: jsonapi.Attributes(watched{ComplianceID: tally.ID,
			Passed: tally.Passed, Failed: tally.Failed, Manual: tally.Manual, Total: tally.Total()})}
	}
	return all(r, many), nil
}

// mostProviders is how many providers are compared at once: an answer has each of them for each requirement.
const mostProviders = 100

// across compares the newest scans of providers, requirement by requirement.
func (h handlers) across(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	id, ok := given(r.Query.Params, "compliance_id")
	if !ok {
		return nil, refusal("compliance_id", "required", "This query parameter is required.")
	}
	query, err := filter.Parse(r.Query.Params, acrossQuery)
	if err != nil {
		return nil, err
	}
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	newest, err := compliance.NewestScans(ctx, db, query.Part(providerFilters...), filter.Fragment{})
	if err != nil {
		return nil, err
	}
	of, scans := make(map[uuid.UUID]compliance.Newest, len(newest)), make([]uuid.UUID, len(newest))
	for i, row := range newest {
		of[row.ID], scans[i] = row, row.ID
	}
	found, ok, err := compliance.ByScan(ctx, db, scans, strings.TrimSpace(id))
	if err != nil || !ok {
		return all(r, nil), err
	}
	if len(found.ByScan) > mostProviders {
		return nil, refusal("provider_id", "too_many", fmt.Sprintf("%d providers are held against this framework. Choose at most %d of them by provider filters.",
			len(found.ByScan), mostProviders))
	}
	var many []jsonapi.Resource
	for _, standing := range found.Standings {
		status := standing.Outcome.Status()
		if wanted, given := query.Texts("status"); given && !slices.Contains(wanted, status) {
			continue
		}
		attributes := across{Framework: found.Framework, Version: found.Version, Description: standing.Description, Status: status, Providers: []ofProvider{}}
		for _, one := range found.ByScan {
			if outcome, held := one.Outcomes[standing.ID]; held {
				row := of[one.Scan]
				attributes.Providers = append(attributes.Providers, ofProvider{ID: row.ProviderID, Provider: row.Provider, UID: row.Uid, Alias: row.Alias,
					Scan: one.Scan, Status: outcome.Status()})
			}
		}
		many = append(many, jsonapi.Resource{Type: acrossType, ID: standing.ID, Attributes: jsonapi.Attributes(attributes)})
	}
	return all(r, many), nil
}

// all answers with a list that has no pages.
func all(r *rest.Request, many []jsonapi.Resource) *rest.Answer {
	return rest.OK(jsonapi.Document{Many: many, Fields: r.Query.Fields})
}
