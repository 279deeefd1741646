package finding

import (
	"context"
	"slices"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/paging"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// fewSought is how many findings a search may find for all of them to be read and put in order. Of more than that, a page is soon
// full in the order of an index.
const fewSought = 20_000

// apart runs reads one after the other: how the findings of a search are read depends on how many they are.
func apart(_ context.Context, db tenant.DB, reads ...func(tenant.DB) error) error {
	for _, read := range reads {
		if err := read(db); err != nil {
			return err
		}
	}
	return nil
}

// countSought counts what a search and the filters leave, and notes whether the search finds few findings.
func (s *selection) countSought(ctx context.Context, db tenant.DB) (int64, error) {
	where, err := s.unsought()
	if err != nil {
		return 0, err
	}
	fragments := s.fragments("whole", "summary")
	fragments["where"] = where
	others := s.query.Without(append(summed(), "search")...)
	counters := s.counters()
	counted, err := tenantdb.New(db.Shaped(fragments)).CountSoughtFindings(ctx, tenantdb.CountSoughtFindingsParams{
		Sought: s.query.Search, ScansPerProvider: s.perProvider, Answered: others.IsZero(), WithFail: counters.WithFail,
		WithPass: counters.WithPass, WithManual: counters.WithManual, WithMuted: counters.WithMuted, WithUnmuted: counters.WithUnmuted})
	s.few = err == nil && counted.Largest <= s.limit
	return counted.Count, err
}

// listSought reads all that a search finds and gives the part that is asked for.
func (s *selection) listSought(ctx context.Context, db tenant.DB, part paging.Part, shape Shape) ([]Finding, error) {
	where, err := s.unsought()
	if err != nil {
		return nil, err
	}
	fragments := s.fragments("order", "position")
	fragments["where"] = filter.And(where, s.query.Behind)
	rows, err := tenantdb.New(db.Shaped(fragments)).ListSoughtFindings(ctx, tenantdb.ListSoughtFindingsParams{
		Sought: s.query.Search, WithMetadata: shape.Metadata, WithCategories: shape.Categories, WithResources: shape.Resources,
		ScansPerProvider: s.perProvider, PageOffset: part.Offset, PageSize: part.Size})
	return convert(rows, func(row tenantdb.ListSoughtFindingsRow) Finding { return Finding(row) }), err
}

// unsought is the condition on findings without the search.
func (s *selection) unsought() (filter.Fragment, error) {
	rest := *s
	rest.where = s.query.Without(slices.Concat(scanFilters, providerFilters, []string{"search"})...)
	err := rest.hash()
	return rest.where, err
}
