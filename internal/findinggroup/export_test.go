package findinggroup

import "github.com/palisade-sec/palisade/internal/filter"

// Statements are the statements that lists of groups and of resources run, by the names of their texts, with the fragments that a
// query gives them: for tests that look at plans.
func Statements(groups, resources *filter.Query) map[string]map[string]filter.Fragment {
	all := map[string]map[string]filter.Fragment{}
	if groups != nil {
		s := choose(*groups, All)
		all["listFindingGroups"], all["listFilteredFindingGroups"] = s.wholeChecks(part{}), s.filtered(part{})
		all["listFindingGroupsOfPlaces"] = s.ofPlaces(part{})
		all["placesKnowFindingGroups"] = s.fragments("dates", "providers", "scans", "whole")
	}
	if resources != nil {
		all["listFindingGroupResources"] = choose(*resources, All).ofResources(part{})
	}
	return all
}
