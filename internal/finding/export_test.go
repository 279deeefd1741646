package finding

import "github.com/palisade-sec/palisade/internal/filter"

// Fragments are those that the statements of a query get, for tests that look at plans.
func Fragments(query filter.Query, scans Scans, names ...string) (map[string]filter.Fragment, error) {
	chosen, err := choose(query, scans)
	if err != nil {
		return nil, err
	}
	return chosen.fragments(names...), nil
}

// Many is a reader that takes every search for one that finds many.
func (r *Reader) Many() *Reader { return &Reader{executor: r.executor, few: -1} }
