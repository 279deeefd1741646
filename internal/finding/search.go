package finding

import (
	"context"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/paging"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// countSought counts what a search and the filters leave, and notes whether the search finds few findings.
func (s *selection) countSought(ctx context.Context, db tenant.DB) (int64, error) {
	fragments := s.fragments("whole", "summary")
	fragments["where"] = s.rest("search")
	others := s.query.Without(append(summed(), "search")...)
	counters := s.counters()
	counted, err := tenantdb.New(db.Shaped(fragments)).CountSoughtFindings(ctx, tenantdb.CountSoughtFindingsParams{
		Sought: s.query.Search, ScansPerProvider: s.perProvider, Answered: others.IsZero(), WithFail: counters.WithFail,
		WithPass: counters.WithPass, WithManual: counters.WithManual, WithMuted: counters.WithMuted, WithUnmuted: counters.WithUnmuted})
	s.few = err == nil && counted.Largest <= s.limits.sought
	return counted.Count, err
}

// listSought reads all that a search finds and gives the part that is asked for.
func (s *selection) listSought(ctx context.Context, db tenant.DB, part paging.Part, shape Shape) ([]Finding, error) {
	fragments := s.fragments("order", "position")
	fragments["where"] = filter.And(s.rest("search"), s.query.Behind)
	rows, err := tenantdb.New(db.Shaped(fragments)).ListSoughtFindings(ctx, tenantdb.ListSoughtFindingsParams{
		Sought: s.query.Search, WithMetadata: shape.Metadata, WithCategories: shape.Categories, WithResources: shape.Resources,
		ScansPerProvider: s.perProvider, PageOffset: part.Offset, PageSize: part.Size})
	return convert(rows, func(row tenantdb.ListSoughtFindingsRow) Finding { return Finding(row) }), err
}
