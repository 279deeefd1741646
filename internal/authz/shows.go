package authz

import (
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Provider is a provider as far as visibility rules look at it.
type Provider struct {
	ID     uuid.UUID
	Type   string // e.g. "aws"
	UID    string // the account's identifier at its provider
	Alias  *string
	Groups []ProviderGroup // that it is in
}

// ProviderGroup is a provider group as far as visibility rules look at it.
type ProviderGroup struct {
	ID   uuid.UUID
	Name string
	Tags []string
}

// Shows reports whether a provider is visible, for explaining and comparing policies; requests leave that to the database.
func (v Visibility) Shows(provider Provider) bool {
	return v.kind == seesAll || v.kind == seesSome && provider.meets(v.condition, false, false)
}

// meets evaluates a condition as the database does: negations go down to the comparisons, which a missing alias does not
// meet either way, except in an exclusion, where it meets the negated ones.
func (p Provider) meets(condition Condition, negated, exclusion bool) bool {
	met := func(one Condition) bool { return p.meets(one, negated, exclusion) }
	unmet := func(one Condition) bool { return !met(one) }
	switch condition := condition.(type) {
	case And:
		if negated {
			return slices.ContainsFunc(condition, met)
		}
		return !slices.ContainsFunc(condition, unmet)
	case Or:
		if negated {
			return !slices.ContainsFunc(condition, unmet)
		}
		return slices.ContainsFunc(condition, met)
	case Not:
		return p.meets(condition.Condition, !negated, exclusion)
	case Unless:
		return p.meets(condition.Condition, false, true) == negated
	case Compare:
		if condition.Field == FieldAlias && p.Alias == nil {
			return negated && exclusion
		}
		return slices.ContainsFunc(p.values(condition.Field), condition.holds) != negated
	}
	return false
}

func (p Provider) values(field Field) []string {
	switch field {
	case FieldID:
		return []string{p.ID.String()}
	case FieldType:
		return []string{p.Type}
	case FieldUID:
		return []string{p.UID}
	case FieldAlias:
		return []string{*p.Alias}
	}
	var values []string
	for _, group := range p.Groups {
		switch field {
		case FieldProviderGroup:
			values = append(values, group.ID.String())
		case FieldGroupName:
			values = append(values, group.Name)
		case FieldGroupTag:
			values = append(values, group.Tags...)
		}
	}
	return values
}

func (c Compare) holds(value string) bool {
	switch c.Op {
	case OpEqual, OpIn:
		return slices.Contains(c.Values, value)
	case OpNotEqual:
		return value != c.Values[0]
	case OpStartsWith:
		return strings.HasPrefix(value, c.Values[0])
	case OpEndsWith:
		return strings.HasSuffix(value, c.Values[0])
	case OpContains:
		return strings.Contains(value, c.Values[0])
	}
	return false
}
