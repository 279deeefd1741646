package finding

import (
	"context"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/paging"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// apart runs reads one after the other: how few findings are read depends on how many they are.
func apart(_ context.Context, db tenant.DB, reads ...func(tenant.DB) error) error {
	for _, read := range reads {
		if err := read(db); err != nil {
			return err
		}
	}
	return nil
}

// countInPlaces counts what filters leave that places can answer, and notes what it takes to read them without an order, and along one.
func (s *selection) countInPlaces(ctx context.Context, db tenant.DB) (int64, error) {
	counted, err := tenantdb.New(db.Shaped(s.fragments("where", "whole", "placed"))).CountFindingsInPlaces(ctx, s.placeCounters())
	s.counted, s.near, s.stride = err == nil, counted.Near, counted.Total/max(counted.Count, 1)
	return counted.Count, err
}

// places are the services and regions of what the filters leave, from the resources or the places of checks when those can answer.
func (s *selection) places(ctx context.Context, db tenant.DB) ([]tenantdb.ListFindingPlacesRow, error) {
	switch {
	case s.query.Has(resourceFilters...):
		fragments := s.fragments("resources")
		fragments["where"] = s.rest(resourceFilters...)
		rows, err := tenantdb.New(db.Shaped(fragments)).ListPlacesOfResources(ctx,
			tenantdb.ListPlacesOfResourcesParams{ScansPerProvider: s.perProvider, Few: s.limits.pairs})
		return convert(rows, func(row tenantdb.ListPlacesOfResourcesRow) tenantdb.ListFindingPlacesRow {
			return tenantdb.ListFindingPlacesRow(row)
		}), err
	case s.knownToPlaces() && s.limits.near >= 0:
		rows, err := tenantdb.New(db.Shaped(s.fragments("where", "whole", "placed"))).ListPlacesOfFindings(ctx,
			tenantdb.ListPlacesOfFindingsParams(s.placeCounters()))
		return convert(rows, func(row tenantdb.ListPlacesOfFindingsRow) tenantdb.ListFindingPlacesRow {
			return tenantdb.ListFindingPlacesRow(row)
		}), err
	}
	return tenantdb.New(db.Shaped(s.fragments("where"))).ListFindingPlaces(ctx, s.perProvider)
}

// knownToPlaces reports whether the places of checks can answer all filters.
func (s *selection) knownToPlaces() bool {
	others := s.query.Without(append(summed(), placeFilters...)...)
	return others.IsZero()
}

// placeCounters are counters for statements about places.
func (s *selection) placeCounters() tenantdb.CountFindingsInPlacesParams {
	of := s.counters()
	return tenantdb.CountFindingsInPlacesParams{ScansPerProvider: of.ScansPerProvider, WithUnmuted: of.WithUnmuted, WithMuted: of.WithMuted,
		WithFail: of.WithFail, WithPass: of.WithPass, WithManual: of.WithManual}
}

// fewer reports whether reading all findings of the checks and regions that have some is less than filling the part along an index.
func (s *selection) fewer(part paging.Part) bool {
	return s.limits.near >= 0 && s.placed() && s.counted && s.near <= max(s.limits.near, (part.Offset+part.Size)*s.stride)
}

// countOfResources counts what filters leave of which some are about resources, and notes whether those are few.
func (s *selection) countOfResources(ctx context.Context, db tenant.DB) (int64, error) {
	fragments := s.fragments("resources")
	fragments["where"] = s.rest(resourceFilters...)
	counted, err := tenantdb.New(db.Shaped(fragments)).CountFindingsOfResources(ctx,
		tenantdb.CountFindingsOfResourcesParams{ScansPerProvider: s.perProvider, Few: s.limits.pairs})
	s.few = err == nil && counted.Few
	return counted.Count, err
}

// listOfResources reads all findings about the resources and gives the part that is asked for.
func (s *selection) listOfResources(ctx context.Context, db tenant.DB, part paging.Part, shape Shape) ([]Finding, error) {
	fragments := s.fragments("resources", "order", "position")
	fragments["where"] = filter.And(s.rest(resourceFilters...), s.query.Behind)
	rows, err := tenantdb.New(db.Shaped(fragments)).ListFindingsOfResources(ctx, tenantdb.ListFindingsOfResourcesParams{
		WithMetadata: shape.Metadata, WithCategories: shape.Categories, WithResources: shape.Resources, ScansPerProvider: s.perProvider,
		Few: s.limits.pairs, PageOffset: part.Offset, PageSize: part.Size})
	return convert(rows, func(row tenantdb.ListFindingsOfResourcesRow) Finding { return Finding(row) }), err
}

// listOfPlaces reads all findings of the checks and regions in which there are some that the filters leave.
func (s *selection) listOfPlaces(ctx context.Context, db tenant.DB, part paging.Part, shape Shape) ([]Finding, error) {
	fragments := s.fragments("placed", "order", "position")
	fragments["where"] = filter.And(s.where, s.query.Behind)
	muted, _ := s.query.Bool("muted")
	rows, err := tenantdb.New(db.Shaped(fragments)).ListFindingsOfPlaces(ctx, tenantdb.ListFindingsOfPlacesParams{
		WithMetadata: shape.Metadata, WithCategories: shape.Categories, WithResources: shape.Resources, ScansPerProvider: s.perProvider,
		Muted: muted, PageOffset: part.Offset, PageSize: part.Size})
	return convert(rows, func(row tenantdb.ListFindingsOfPlacesRow) Finding { return Finding(row) }), err
}
