package findinggroup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/finding"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/paging"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Scans says whose findings are asked for: all completed scans that the query leaves, or the newest of each provider, which is
// the one that ended last.
type Scans bool

// The values of Scans.
const (
	All    Scans = false
	Newest Scans = true
)

// Group is what scans found with one check.
type Group struct{ tenantdb.ListFindingGroupsRow }

// Status is FAIL, PASS or MANUAL.
func (g Group) Status() string { return valueOf(finding.Statuses, g.StatusWeight) }

// Severity is that of the severest finding.
func (g Group) Severity() string { return valueOf(finding.Severities, g.SeverityWeight) }

// Page returns the page of groups that the query asks for and where it stands. The error is a refusal for a page that does not
// exist.
func Page(ctx context.Context, db tenant.DB, query filter.Query, scans Scans) ([]Group, filter.Window, error) {
	chosen := choose(query, scans)
	rows, window, err := page(&query, func(part part) ([]tenantdb.ListFindingGroupsRow, error) { return chosen.list(ctx, db, part) },
		func(row tenantdb.ListFindingGroupsRow) int64 { return row.Groups })
	if err != nil {
		return nil, window, fmt.Errorf("list finding groups: %w", err)
	}
	groups := make([]Group, len(rows))
	for i, row := range rows {
		groups[i] = Group{row}
	}
	return groups, window, nil
}

// part says which rows of a list to read: those of a page, or so many behind the query's cursor.
type part struct {
	number, size int64 // page, from 1; 0 is the last one
	position     filter.Fragment
}

// page reads a page with one statement, whose rows say how many there are in all.
func page[Row any](query *filter.Query, read func(part) ([]Row, error), count func(Row) int64) ([]Row, filter.Window, error) {
	if query.Page.Cursor {
		return paging.Walk(query, func(p paging.Part) ([]Row, error) { return read(part{number: 1, size: p.Size, position: p.Position}) })
	}
	rows, err := read(part{number: query.Page.Number, size: query.Page.Limit()})
	if err != nil {
		return nil, filter.Window{}, err
	}
	all := int64(0) // also when the page lies beyond the last one: it does not exist either way
	if len(rows) > 0 {
		all = count(rows[0])
	}
	window, err := query.Page.Resolve(all)
	return rows, window, err
}

// Resource is a resource that the findings of one check are about.
type Resource struct {
	tenantdb.ListFindingGroupResourcesRow
}

// Status is FAIL, PASS or MANUAL: the worst of the findings, muted or not.
func (r Resource) Status() string { return valueOf(finding.Statuses, r.StatusWeight) }

// Severity is that of the severest finding.
func (r Resource) Severity() string { return valueOf(finding.Severities, r.SeverityWeight) }

// Delta is new, changed or nil, of the findings that are not muted.
func (r Resource) Delta() *string {
	if delta := valueOf(deltas, r.DeltaWeight); delta != "" {
		return &delta
	}
	return nil
}

// ErrNoGroup is returned for a check with which no visible scan has found anything.
var ErrNoGroup = errors.New("no such finding group")

// Resources returns the page that the query asks for of the resources of a group and where it stands. The error is ErrNoGroup,
// or a refusal for a page that does not exist.
func Resources(ctx context.Context, db tenant.DB, checkID string, query filter.Query, scans Scans) ([]Resource, filter.Window, error) {
	chosen, none := choose(query, scans), false
	rows, window, err := page(&query, func(part part) (rows []tenantdb.ListFindingGroupResourcesRow, err error) {
		rows, err = chosen.resources(ctx, db, checkID, part)
		none = err == nil && len(rows) == 0
		return rows, err
	}, func(row tenantdb.ListFindingGroupResourcesRow) int64 { return row.Resources })
	if none {
		exists, err := tenantdb.New(db).FindingGroupExists(ctx, checkID)
		if err != nil {
			return nil, window, fmt.Errorf("look for a finding group: %w", err)
		}
		if !exists {
			return nil, window, ErrNoGroup
		}
	}
	if err != nil {
		return nil, window, fmt.Errorf("list resources of a finding group: %w", err)
	}
	resources := make([]Resource, len(rows))
	for i, row := range rows {
		resources[i] = Resource{row}
	}
	return resources, window, nil
}

// selection is a query in the terms of the statements.
type selection struct {
	query       *filter.Query
	perProvider *int64          // scans of each provider; nil: all
	ended       filter.Fragment // condition on scans s: the days on which they ended
	dates       filter.Fragment // condition on scans s: the dates leave findings of it
	whole       filter.Fragment // condition on scans s: the dates leave all of its findings
	where       filter.Fragment // condition on findings f
	computed    filter.Fragment // condition on groups g
}

// choose sorts the conditions of a query by what they restrict.
func choose(query filter.Query, scans Scans) *selection {
	chosen := &selection{query: &query, computed: query.Part(computedFilters...),
		where: query.Without(slices.Concat(providerFilters, scanFilters, computedFilters, soughtFilters)...)}
	if scans == Newest {
		one := int64(1)
		chosen.perProvider = &one
	}
	chosen.bound()
	chosen.ended, chosen.dates = filter.And(chosen.ended, query.AsOf), filter.And(chosen.dates, query.AsOf)
	chosen.hide()
	chosen.hash()
	return chosen
}

// slack is how far the clocks of machines may be apart: ids of findings hold the time of one, the end of a scan that of another.
const slack = 24 * time.Hour

// bound says what the dates leave of scans.
func (s *selection) bound() {
	from, to := s.query.Range("inserted_at")
	if from != nil {
		low, _ := filter.UUIDv7Bounds(*from, *from)
		s.ended = filter.MustCondition(ended, filter.GTE, *from)
		s.dates = filter.And(filter.MustCondition(ended, filter.GTE, from.Add(-slack)),
			filter.MustCondition("s.last_finding_id", filter.GTE, low))
		s.whole = filter.MustCondition("s.first_finding_id", filter.GTE, low)
	}
	if to != nil {
		_, high := filter.UUIDv7Bounds(*to, *to)
		s.ended = filter.And(s.ended, filter.MustCondition(ended, filter.LT, *to))
		s.dates = filter.And(s.dates, filter.MustCondition("s.first_finding_id", filter.LT, high))
		s.whole = filter.And(s.whole, filter.MustCondition("s.last_finding_id", filter.LT, high))
	}
}

// hide leaves out groups of which everything is muted, when the query says so or asks for a status or severity and says nothing
// about muted ones.
func (s *selection) hide() {
	include, said := s.query.Bool("include_muted")
	hidden := said && !include
	if _, muted := s.query.Bool("muted"); !said && !muted {
		hidden = s.query.Has("status", "severity")
	}
	if !hidden {
		return
	}
	s.computed = filter.And(s.computed, filter.MustCondition("g.muted", filter.Exact, false))
}

// hash adds the short key to a filter by the uid of findings, because the index of histories holds that.
func (s *selection) hash() {
	uids, given := s.query.Texts("uid")
	if !given {
		return
	}
	hashes := make([]int64, len(uids))
	for i, uid := range uids {
		hashes[i] = ingest.UIDHash(uid)
	}
	s.where = filter.And(filter.MustCondition("f.uid_hash", filter.In, hashes), s.where)
}

// live reports whether findings are to be counted rather than whole checks.
func (s *selection) live() bool { return s.query.Has(liveFilters...) }

// byPlaces reports whether places can answer: they know what the filters ask for, and they are as the findings are.
func (s *selection) byPlaces(ctx context.Context, db tenant.DB) (bool, error) {
	known := slices.Concat(placeFilters, providerFilters, scanFilters, computedFilters, dateFilters)
	if others := s.query.Without(known...); !others.IsZero() {
		return false, nil
	}
	return tenantdb.New(db.Shaped(s.fragments("dates", "providers", "scans", "whole"))).PlacesKnowFindingGroups(ctx, s.perProvider)
}

// fragments are those for the named markers.
func (s *selection) fragments(names ...string) map[string]filter.Fragment {
	fragments := make(map[string]filter.Fragment, len(names))
	for _, name := range names {
		switch name {
		case "dates":
			fragments[name] = s.dates
		case "whole":
			fragments[name] = s.whole
		case "providers":
			fragments[name] = s.query.Part(providerFilters...)
		case "scans":
			fragments[name] = s.query.Part(scanFilters...)
		case "computed":
			fragments[name] = s.computed
		}
	}
	return fragments
}

// paged are the same, and those for the markers of every page.
func (s *selection) paged(part part, names ...string) map[string]filter.Fragment {
	fragments := s.fragments(names...)
	fragments["order"], fragments["behind"], fragments["position"] = s.query.Order, s.query.Behind, part.position
	return fragments
}

// list picks the statement that answers the query.
func (s *selection) list(ctx context.Context, db tenant.DB, part part) ([]tenantdb.ListFindingGroupsRow, error) {
	if !s.live() {
		return tenantdb.New(db.Shaped(s.wholeChecks(part))).ListFindingGroups(ctx,
			tenantdb.ListFindingGroupsParams{PageNumber: part.number, PageSize: part.size})
	}
	byPlaces, err := s.byPlaces(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("ask what places know: %w", err)
	}
	if byPlaces {
		rows, err := tenantdb.New(db.Shaped(s.ofPlaces(part))).ListFindingGroupsOfPlaces(ctx, tenantdb.ListFindingGroupsOfPlacesParams{
			ScansPerProvider: s.perProvider, PageNumber: part.number, PageSize: part.size})
		return convert(rows, func(row tenantdb.ListFindingGroupsOfPlacesRow) tenantdb.ListFindingGroupsRow {
			return tenantdb.ListFindingGroupsRow(row)
		}), err
	}
	rows, err := tenantdb.New(db.Shaped(s.filtered(part))).ListFilteredFindingGroups(ctx, tenantdb.ListFilteredFindingGroupsParams{
		ScansPerProvider: s.perProvider, ByResources: s.query.Has(soughtFilters...), PageNumber: part.number, PageSize: part.size})
	return convert(rows, func(row tenantdb.ListFilteredFindingGroupsRow) tenantdb.ListFindingGroupsRow {
		return tenantdb.ListFindingGroupsRow(row)
	}), err
}

func convert[From, To any](rows []From, one func(From) To) []To {
	many := make([]To, len(rows))
	for i, row := range rows {
		many[i] = one(row)
	}
	return many
}

func (s *selection) wholeChecks(part part) map[string]filter.Fragment {
	fragments := s.paged(part, "providers", "computed")
	fragments["scans"], fragments["where"] = s.ended, s.query.Part(checkFilters...)
	return fragments
}

func (s *selection) ofPlaces(part part) map[string]filter.Fragment {
	fragments := s.paged(part, "dates", "providers", "scans", "computed")
	fragments["where"] = s.query.Part(placeFilters...)
	return fragments
}

func (s *selection) filtered(part part) map[string]filter.Fragment {
	fragments := s.paged(part, "dates", "providers", "scans", "computed")
	fragments["where"], fragments["resources"] = s.where, s.query.Part(soughtFilters...)
	return fragments
}

func (s *selection) resources(ctx context.Context, db tenant.DB, checkID string, part part) ([]tenantdb.ListFindingGroupResourcesRow, error) {
	return tenantdb.New(db.Shaped(s.ofResources(part))).ListFindingGroupResources(ctx, tenantdb.ListFindingGroupResourcesParams{
		ScansPerProvider: s.perProvider, CheckID: checkID, ByResources: s.looksAtResources(), PageNumber: part.number, PageSize: part.size})
}

// looksAtResources reports whether filters or the order of a group's resources are about what the resources are.
func (s *selection) looksAtResources() bool {
	return s.query.Has(resourceFilters...) ||
		slices.ContainsFunc(s.query.Sort, func(key filter.SortKey) bool { return strings.HasPrefix(key.Name, "resource.") })
}

func (s *selection) ofResources(part part) map[string]filter.Fragment {
	fragments := s.paged(part, "dates", "providers", "scans")
	fragments["where"] = s.query.Without(slices.Concat(providerFilters, scanFilters, resourceFilters)...)
	fragments["resources"] = s.query.Part(resourceFilters...)
	return fragments
}
