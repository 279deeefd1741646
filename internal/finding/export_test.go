package finding

import (
	"slices"

	"github.com/palisade-sec/palisade/internal/filter"
)

// Fragments are those that the statements of a query get, for tests that look at plans.
func Fragments(query filter.Query, scans Scans, names ...string) (map[string]filter.Fragment, error) {
	chosen, err := choose(query, scans)
	if err != nil {
		return nil, err
	}
	fragments := chosen.fragments(names...)
	switch {
	case slices.Contains(names, "looked_up"):
		fragments["where"], fragments["looked_up"] = chosen.rest(lookedUp...), query.Part(lookedUp...)
	case slices.Contains(names, "resources"):
		fragments["where"] = chosen.rest(resourceFilters...)
	}
	return fragments, nil
}

// The filters by which findings are looked for when they are few.
var (
	PlaceFilters    = placeFilters
	ResourceFilters = resourceFilters
)

// Many is a reader that takes every query for one that leaves many findings.
func (r *Reader) Many() *Reader {
	return &Reader{executor: r.executor, limits: limits{sought: -1, pairs: -1, near: -1}}
}
