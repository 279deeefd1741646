package rest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Visible renders the policy's visibility to the condition on providers p that the executor resolves. What cannot be
// rendered hides everything and is an error.
func Visible(visibility authz.Visibility) (tenant.Visible, error) {
	switch {
	case visibility.IsAll():
		return tenant.SeeAll(), nil
	case visibility.IsNone():
		return tenant.SeeNone(), nil
	}
	condition, ok := visibility.Condition()
	if !ok {
		return tenant.SeeNone(), nil
	}
	fragment, err := renderCondition(condition)
	if err != nil {
		return tenant.SeeNone(), fmt.Errorf("render visibility: %w", err)
	}
	if visibility.OnlyHides() {
		return tenant.SeeAllBut(fragment), nil
	}
	return tenant.SeeWhere(fragment), nil
}

func renderCondition(condition authz.Condition) (filter.Fragment, error) {
	switch typed := condition.(type) {
	case authz.And:
		parts, err := renderAll(typed, renderCondition)
		return filter.And(parts...), err
	case authz.Or:
		parts, err := renderAll(typed, renderCondition)
		return filter.Or(parts...), err
	case authz.Not:
		return renderNot(typed)
	case authz.Unless:
		excluded, err := renderExclusion(typed.Condition)
		return filter.Not(excluded), err
	case authz.Compare:
		return renderCompare(typed)
	}
	return filter.Fragment{}, fmt.Errorf("unknown condition %T", condition)
}

func renderAll(conditions []authz.Condition, render func(authz.Condition) (filter.Fragment, error)) ([]filter.Fragment, error) {
	parts := make([]filter.Fragment, len(conditions))
	for i, condition := range conditions {
		var err error
		if parts[i], err = render(condition); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// renderNot pushes the negation down to the comparisons, where "unknown hides" can be kept: a missing alias meets neither a
// comparison nor its negation, while the other parts of the condition still count.
func renderNot(not authz.Not) (filter.Fragment, error) {
	negated := func(condition authz.Condition) (filter.Fragment, error) {
		return renderNot(authz.Not{Condition: condition})
	}
	switch inner := not.Condition.(type) {
	case authz.And:
		parts, err := renderAll(inner, negated)
		return filter.Or(parts...), err
	case authz.Or:
		parts, err := renderAll(inner, negated)
		return filter.And(parts...), err
	case authz.Not:
		return renderCondition(inner.Condition)
	}
	fragment, err := renderCondition(not.Condition)
	if err != nil {
		return filter.Fragment{}, err
	}
	if compare, ok := not.Condition.(authz.Compare); !ok || compare.Field != authz.FieldAlias {
		return filter.Not(fragment), nil
	}
	known, err := filter.Condition("p.alias", filter.IsNull, false)
	return filter.And(known, filter.Not(fragment)), err
}

// renderExclusion renders what an exclusion hides: there a missing alias meets every negated comparison, so that what is
// unknown is hidden.
func renderExclusion(condition authz.Condition) (filter.Fragment, error) {
	switch typed := condition.(type) {
	case authz.And:
		parts, err := renderAll(typed, renderExclusion)
		return filter.And(parts...), err
	case authz.Or:
		parts, err := renderAll(typed, renderExclusion)
		return filter.Or(parts...), err
	case authz.Not:
		inner, err := renderExclusion(typed.Condition)
		return filter.Not(inner), err
	}
	return renderCondition(condition)
}

var visibilityColumns = map[authz.Field]filter.Column{
	authz.FieldID: "p.id", authz.FieldType: "p.provider", authz.FieldUID: "p.uid", authz.FieldAlias: "p.alias",
	authz.FieldProviderGroup: "g.provider_group_id", authz.FieldGroupName: "pg.name", authz.FieldGroupTag: "pt.tag",
}

// The ways from a provider to what is compared of its groups.
var (
	throughGroups = []filter.Via{{Table: "provider_group_providers", Alias: "g", On: [][2]filter.Column{{"g.provider_id", "p.id"}}}}
	throughNames  = append(slices.Clone(throughGroups), filter.Via{Table: "provider_groups", Alias: "pg",
		On: [][2]filter.Column{{"pg.id", "g.provider_group_id"}}})
	throughTags = append(slices.Clone(throughGroups), filter.Via{Table: "provider_group_tags", Alias: "pt",
		On: [][2]filter.Column{{"pt.provider_group_id", "g.provider_group_id"}}})

	visibilityPaths = map[authz.Field][]filter.Via{
		authz.FieldProviderGroup: throughGroups, authz.FieldGroupName: throughNames, authz.FieldGroupTag: throughTags,
	}
)

func renderCompare(compare authz.Compare) (filter.Fragment, error) {
	column, ok := visibilityColumns[compare.Field]
	if !ok {
		return filter.Fragment{}, fmt.Errorf("unknown field %q", compare.Field)
	}
	for _, value := range compare.Values {
		if strings.ContainsRune(value, 0) {
			return filter.Fragment{}, fmt.Errorf("value of %s: a text with a null character", compare.Field)
		}
	}
	fragment, err := renderComparison(column, compare)
	path, related := visibilityPaths[compare.Field]
	if err != nil || !related {
		return fragment, err
	}
	return filter.Exists(path, fragment)
}

func renderComparison(column filter.Column, compare authz.Compare) (filter.Fragment, error) {
	if compare.Field == authz.FieldID || compare.Field == authz.FieldProviderGroup {
		ids := make([]uuid.UUID, len(compare.Values))
		for i, value := range compare.Values {
			id, err := uuid.Parse(value)
			if err != nil {
				return filter.Fragment{}, fmt.Errorf("value of %s: %w", compare.Field, err)
			}
			ids[i] = id
		}
		in, err := filter.Condition(column, filter.In, ids)
		if compare.Op == authz.OpNotEqual {
			return filter.Not(in), err
		}
		return in, err
	}
	switch compare.Op {
	case authz.OpEqual, authz.OpIn:
		return filter.Condition(column, filter.In, compare.Values)
	case authz.OpNotEqual:
		in, err := filter.Condition(column, filter.In, compare.Values)
		if err != nil {
			return filter.Fragment{}, err
		}
		known, err := filter.Condition(column, filter.IsNull, false)
		return filter.And(known, filter.Not(in)), err
	case authz.OpStartsWith:
		return filter.Condition(column, filter.StartsWith, compare.Values[0])
	case authz.OpEndsWith:
		return filter.EndingWith(column, compare.Values[0])
	case authz.OpContains:
		return filter.Containing(column, compare.Values[0])
	}
	return filter.Fragment{}, fmt.Errorf("unknown comparison %q", compare.Op)
}
