package finding

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/paging"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Reader reads findings in the scope of a request.
type Reader struct {
	executor *tenant.Executor
	limits   limits
}

// limits say up to how many findings are put in order rather than looked for along an index that is in order already.
type limits struct {
	sought int64 // findings of a search
	pairs  int64 // resources in scans
	near   int64 // findings of the checks and regions that have some of those that filters leave; more when an index leads to fewer
}

// usual are the limits of the product. Beyond them a page is full after some ten thousand findings along the index.
var usual = limits{sought: 20_000, pairs: 2_000, near: 2_000}

// NewReader returns a Reader on the executor.
func NewReader(executor *tenant.Executor) *Reader { return &Reader{executor: executor, limits: usual} }

// Finding is a finding as it is read. CheckMetadata, Categories and ResourceIds are empty unless a Shape asks for them.
type Finding = tenantdb.ListFindingsRow

// Shape says which costly parts of findings to read.
type Shape struct{ Metadata, Categories, Resources bool }

// Scope of scans whose findings are asked for.
type Scans bool

const (
	// All are the completed scans that the query's filters leave.
	All Scans = false
	// Newest is the newest completed scan of each provider.
	Newest Scans = true
)

// Page returns the page that the query asks for and where it stands. The error is a refusal for a page that does not exist.
func (r *Reader) Page(ctx context.Context, scope tenant.Scope, query filter.Query, scans Scans, shape Shape) ([]Finding, filter.Window, error) {
	chosen, err := choose(query, scans)
	if err != nil {
		return nil, filter.Window{}, err
	}
	chosen.limits = r.limits
	db := r.executor.Read(scope)
	if chosen.steady() {
		db = tenant.Steady(db)
	}
	together := tenant.Together
	if chosen.counts() {
		together = apart
	}
	rows, window, err := paging.Read(ctx, together, db, &query, func(db tenant.DB, _ filter.Fragment) (int64, error) { return chosen.count(ctx, db) },
		func(db tenant.DB, part paging.Part) ([]Finding, error) { return chosen.list(ctx, db, part, shape) })
	if err != nil {
		return nil, filter.Window{}, fmt.Errorf("list findings: %w", err)
	}
	return rows, window, nil
}

// Get returns the findings with the ids, in no particular order; ids that are no reader's are left out.
func (r *Reader) Get(ctx context.Context, scope tenant.Scope, ids []uuid.UUID, shape Shape) ([]Finding, error) {
	return Get(ctx, r.executor.Read(scope), ids, shape)
}

// Get is Reader.Get with other reads in one DB.
func Get(ctx context.Context, db tenant.DB, ids []uuid.UUID, shape Shape) ([]Finding, error) {
	rows, err := tenantdb.New(db).GetFindings(ctx, tenantdb.GetFindingsParams{Ids: ids,
		WithMetadata: shape.Metadata, WithCategories: shape.Categories, WithResources: shape.Resources})
	if err != nil {
		return nil, fmt.Errorf("get findings: %w", err)
	}
	return convert(rows, func(row tenantdb.GetFindingsRow) Finding { return Finding(row) }), nil
}

// Places returns the services and the regions of the findings that the query leaves, each sorted.
func (r *Reader) Places(ctx context.Context, scope tenant.Scope, query filter.Query) (services, regions []string, err error) {
	chosen, err := choose(query, All)
	if err != nil {
		return nil, nil, err
	}
	chosen.limits = r.limits
	rows, err := chosen.places(ctx, r.executor.Read(scope))
	if err != nil {
		return nil, nil, fmt.Errorf("list places of findings: %w", err)
	}
	for _, row := range rows {
		services, regions = append(services, row.Service), append(regions, row.Region)
	}
	return distinct(services), distinct(regions), nil
}

// selection is a query in the terms of the statements.
type selection struct {
	query       *filter.Query
	perProvider *int64          // scans of each provider; nil: all
	scans       filter.Fragment // condition on scans s
	providers   filter.Fragment // condition on providers p
	where       filter.Fragment // condition on findings f
	whole       filter.Fragment // condition on scans s: the dates leave all of its findings
	limits      limits
	few         bool  // the count has shown that there are no more
	counted     bool  // places have counted, and these are what they say:
	near        int64 // findings of the checks and regions in which there are some
	stride      int64 // findings along an index for each that is left
}

// choose sorts the conditions of a query by what they restrict.
func choose(query filter.Query, scans Scans) (*selection, error) {
	chosen := &selection{query: &query, scans: filter.And(query.Part(scanFilters...), query.AsOf), providers: query.Part(providerFilters...),
		where: query.Without(slices.Concat(scanFilters, providerFilters)...)}
	if scans == Newest {
		one := int64(1)
		chosen.perProvider = &one
	}
	if err := chosen.bound(); err != nil {
		return nil, err
	}
	chosen.hash()
	return chosen, nil
}

// bound leaves out scans of which the dates leave nothing.
func (s *selection) bound() error {
	from, to := s.query.Range("inserted_at")
	if from != nil {
		low, _ := filter.UUIDv7Bounds(*from, *from)
		last, err := filter.Condition("s.last_finding_id", filter.GTE, low)
		first, err2 := filter.Condition("s.first_finding_id", filter.GTE, low)
		if err != nil || err2 != nil {
			return fmt.Errorf("bound scans: %w", err)
		}
		s.scans, s.whole = filter.And(s.scans, last), filter.And(s.whole, first)
	}
	if to != nil {
		_, high := filter.UUIDv7Bounds(*to, *to)
		first, err := filter.Condition("s.first_finding_id", filter.LT, high)
		last, err2 := filter.Condition("s.last_finding_id", filter.LT, high)
		if err != nil || err2 != nil {
			return fmt.Errorf("bound scans: %w", err)
		}
		s.scans, s.whole = filter.And(s.scans, first), filter.And(s.whole, last)
	}
	return nil
}

// hash adds the short key to a filter by uid, because the index of histories holds that.
func (s *selection) hash() {
	uids, ok := s.query.Texts("uid")
	if !ok {
		return
	}
	hashes := make([]int64, len(uids))
	for i, uid := range uids {
		hashes[i] = ingest.UIDHash(uid)
	}
	s.where = filter.And(filter.MustCondition("f.uid_hash", filter.In, hashes), s.where)
}

// fragments are those for the markers of every statement that starts from scans, and those of the named further markers.
func (s *selection) fragments(more ...string) map[string]filter.Fragment {
	fragments := map[string]filter.Fragment{"scans": s.scans, "providers": s.providers}
	for _, name := range more {
		switch name {
		case "where":
			fragments[name] = s.where
		case "order":
			fragments[name] = s.query.Order
		case "position":
			fragments[name] = s.query.Position
		case "whole":
			fragments[name] = s.whole
		case "summary":
			fragments[name] = s.query.Part(summaryFilters...)
		case "placed":
			fragments[name] = s.query.Part(placeFilters...)
		case "resources":
			fragments[name] = s.query.At(resourceFilters...)
		}
	}
	return fragments
}

// steady reports whether one plan is right whatever the values are: an index gives the order of the newest scans' findings, and planning
// that for all months takes longer than reading a page. With any number of scans the planner has to know how many.
// A filter that an index of its own answers needs a plan of its own.
func (s *selection) steady() bool {
	others := s.query.Without(slices.Concat(scanFilters, providerFilters, rankFilters)...)
	return s.perProvider != nil && others.IsZero()
}

// counts reports whether it depends on how many findings there are how they are read.
func (s *selection) counts() bool {
	return s.query.Search != "" || s.query.Has(resourceFilters...) || s.placed()
}

// placed reports whether places tell where the findings are, and status and severity alone do not.
func (s *selection) placed() bool {
	muted, given := s.query.Bool("muted")
	return given && muted || s.query.Has(slices.DeleteFunc(slices.Clone(placeFilters), func(name string) bool { return slices.Contains(rankFilters, name) })...)
}

// count counts from the aggregates when they can answer the filters, and notes whether there are few findings.
func (s *selection) count(ctx context.Context, db tenant.DB) (int64, error) {
	switch {
	case s.query.Search != "":
		return s.countSought(ctx, db)
	case s.query.Has(resourceFilters...):
		return s.countOfResources(ctx, db)
	}
	if s.placed() && s.knownToPlaces() {
		return s.countInPlaces(ctx, db)
	}
	return s.countInAggregates(ctx, db)
}

func (s *selection) countInAggregates(ctx context.Context, db tenant.DB) (int64, error) {
	if others := s.query.Without(summed()...); others.IsZero() {
		of, narrower := s.counters(), s.query.Without(slices.Concat(scanFilters, providerFilters, []string{"inserted_at"})...)
		of.Everything = narrower.IsZero()
		return tenantdb.New(db.Shaped(s.fragments("where", "whole", "summary"))).CountFindingsInSummaries(ctx, of)
	}
	return tenantdb.New(db.Shaped(s.fragments("where"))).CountFindings(ctx, s.perProvider)
}

// summed are the filters that aggregates can answer.
func summed() []string {
	return slices.Concat(scanFilters, providerFilters, summaryFilters, summaryFlags, []string{"inserted_at"})
}

// counters say which counters of aggregates the filters leave.
func (s *selection) counters() tenantdb.CountFindingsInSummariesParams {
	statuses, given := s.query.Texts("status")
	if !given {
		statuses = Statuses
	}
	muted, given := s.query.Bool("muted")
	return tenantdb.CountFindingsInSummariesParams{
		ScansPerProvider: s.perProvider, WithFail: slices.Contains(statuses, "FAIL"), WithPass: slices.Contains(statuses, "PASS"),
		WithManual: slices.Contains(statuses, "MANUAL"), WithMuted: !given || muted, WithUnmuted: !given || !muted}
}

// list picks the statement whose order an index can give.
func (s *selection) list(ctx context.Context, db tenant.DB, part paging.Part, shape Shape) ([]Finding, error) {
	byRank := !slices.ContainsFunc(s.query.Sort, func(key filter.SortKey) bool { return key.Name == "check_id" || key.Name == "updated_at" })
	byTime := len(s.query.Sort) == 1 && s.query.Sort[0].Name == "inserted_at"
	if s.query.Page.Cursor && s.counts() { // nobody has counted
		if _, err := s.count(ctx, db); err != nil {
			return nil, err
		}
	}
	switch {
	case s.few && s.query.Search != "":
		return s.listSought(ctx, db, part, shape)
	case s.few && s.query.Has(resourceFilters...):
		return s.listOfResources(ctx, db, part, shape)
	case s.fewer(part):
		return s.listOfPlaces(ctx, db, part, shape)
	case byTime && s.perProvider == nil && !s.query.Has(append(rankFilters, scanFilters...)...):
		return s.listByTime(ctx, db, part, shape)
	case byRank:
		return s.listByRank(ctx, db, part, shape)
	}
	rows, err := tenantdb.New(db.Shaped(s.page(s.query.Behind))).ListFindingsInOrder(ctx, tenantdb.ListFindingsInOrderParams{
		WithMetadata: shape.Metadata, WithCategories: shape.Categories, WithResources: shape.Resources, ScansPerProvider: s.perProvider,
		Depth: part.Offset + part.Size, PageOffset: part.Offset, PageSize: part.Size})
	return convert(rows, func(row tenantdb.ListFindingsInOrderRow) Finding { return Finding(row) }), err
}

// page are the fragments of a list; behind is the condition of the findings behind the query's cursor.
func (s *selection) page(behind filter.Fragment) map[string]filter.Fragment {
	fragments := s.fragments("order", "position")
	where := s.where
	if s.query.Has(lookedUp...) {
		where = s.rest(lookedUp...)
	}
	fragments["where"], fragments["looked_up"] = filter.And(where, behind), s.query.Part(lookedUp...)
	return fragments
}

// rest is the condition on findings without the named filters.
func (s *selection) rest(names ...string) filter.Fragment {
	rest := *s
	rest.where = s.query.Without(slices.Concat(scanFilters, providerFilters, names)...)
	rest.hash()
	return rest.where
}

func (s *selection) listByTime(ctx context.Context, db tenant.DB, part paging.Part, shape Shape) ([]Finding, error) {
	rows, err := tenantdb.New(db.Shaped(s.page(s.query.Behind))).ListFindingsByTime(ctx, tenantdb.ListFindingsByTimeParams{
		WithMetadata: shape.Metadata, WithCategories: shape.Categories, WithResources: shape.Resources, ScansPerProvider: s.perProvider,
		PageOffset: part.Offset, PageSize: part.Size})
	return convert(rows, func(row tenantdb.ListFindingsByTimeRow) Finding { return Finding(row) }), err
}

// rangesByRank are the columns of ListFindings that hold the ranks of the range of an index that is read.
var rangesByRank = map[filter.Column]filter.Column{"f.status_rank": "t.status_rank", "f.severity_rank": "v.severity_rank"}

// listByRank asks for the ranks that the filters leave, so the filters themselves have nothing left to say.
func (s *selection) listByRank(ctx context.Context, db tenant.DB, part paging.Part, shape Shape) ([]Finding, error) {
	statuses := ranksLeft(s.query, statusRanks, "status")
	severities := ranksLeft(s.query, severityRanks, "severity", "impact")
	return tenantdb.New(db.Shaped(s.page(s.query.BehindRanges(rangesByRank)))).ListFindings(ctx, tenantdb.ListFindingsParams{
		WithMetadata: shape.Metadata, WithCategories: shape.Categories, WithResources: shape.Resources, ScansPerProvider: s.perProvider,
		StatusRanks: statuses, SeverityRanks: severities, Depth: part.Offset + part.Size, PageOffset: part.Offset, PageSize: part.Size})
}

// ranksLeft are the ranks that the named filters leave, in ascending order.
func ranksLeft(query *filter.Query, all map[string]int64, names ...string) []int16 {
	var left []int16
	for value, rank := range all {
		keep := true
		for _, name := range names {
			if values, given := query.Texts(name); given && !slices.Contains(values, value) {
				keep = false
			}
		}
		if keep {
			left = append(left, int16(rank))
		}
	}
	slices.Sort(left)
	return left
}

func convert[From, To any](rows []From, one func(From) To) []To {
	many := make([]To, len(rows))
	for i, row := range rows {
		many[i] = one(row)
	}
	return many
}

// distinct sorts texts and drops doubles and empty ones; it never returns nil.
func distinct(texts []string) []string {
	slices.Sort(texts)
	kept := make([]string, 0, len(texts))
	for _, text := range slices.Compact(texts) {
		if text != "" {
			kept = append(kept, text)
		}
	}
	return kept
}
