package authz

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Visibility says which providers a subject may see: none, all of the tenant's, or those that meet a condition.
// The zero value is none. Values are immutable and may be shared.
type Visibility struct {
	kind      visibilityKind
	condition Condition
}

type visibilityKind uint8

const (
	seesNone visibilityKind = iota // must stay zero: a forgotten Visibility hides everything
	seesAll
	seesSome
)

// NoProviders is the visibility that admits no provider, the zero value by name.
func NoProviders() Visibility { return Visibility{} }

// AllProviders is the visibility that admits every provider of the tenant.
func AllProviders() Visibility { return Visibility{kind: seesAll} }

// ProvidersWhere is the visibility that admits the providers that meet the condition. A condition that is nil,
// empty or not well formed is an error, and the visibility returned with it admits nothing.
func ProvidersWhere(condition Condition) (Visibility, error) {
	if condition == nil {
		return Visibility{}, errors.New("visibility: no condition")
	}
	if err := condition.check(); err != nil {
		return Visibility{}, fmt.Errorf("visibility: %w", err)
	}
	return Visibility{kind: seesSome, condition: condition}, nil
}

// IsNone reports whether no provider is visible.
func (v Visibility) IsNone() bool { return v.kind == seesNone }

// IsAll reports whether every provider of the tenant is visible.
func (v Visibility) IsAll() bool { return v.kind == seesAll }

// Condition returns the condition on a visible provider; ok is false when none or all are visible. The condition
// is shared: do not modify it.
func (v Visibility) Condition() (condition Condition, ok bool) {
	return v.condition, v.kind == seesSome
}

// OnlyHides reports whether every provider of the tenant is visible but for those that exclusions name.
func (v Visibility) OnlyHides() bool {
	_, only := v.condition.(Unless)
	return v.kind == seesSome && only
}

// String is the visibility in words. Two visibilities with the same words are the same, so it can key a cache.
func (v Visibility) String() string {
	switch v.kind {
	case seesAll:
		return "every provider of the tenant"
	case seesSome:
		return "providers where " + v.condition.String()
	default:
		return "no provider"
	}
}

// Condition is a condition on one provider: [And], [Or], [Not], [Unless] or [Compare], and nothing else.
//
// A missing alias meets no comparison, not even a negated one: as in SQL, [Not] of "unknown" is "unknown", and
// what is unknown hides.
type Condition interface {
	// String is the condition in words.
	String() string
	// check also seals the interface.
	check() error
}

// And holds when all its conditions hold. It has at least one.
type And []Condition

// Or holds when any of its conditions holds. It has at least one.
type Or []Condition

// Not holds when its condition does not.
type Not struct{ Condition Condition }

// Unless holds when the condition of an exclusion does not. Within it a missing alias meets no comparison, and meets every
// negated one: an exclusion that is written as "all but these" hides what has no alias.
type Unless struct{ Condition Condition }

// Compare holds when the field compares with the value. All values but an alias always exist.
// On the fields of a provider's groups it means "is in at least one provider group such that", each Compare for
// itself; so under [Not] it means "is in no provider group such that".
type Compare struct {
	Field  Field
	Op     Op
	Values []string // exactly one, but one or more for OpIn; canonical lower-case uuids for uuid fields
}

// Field is something of a provider that policy may look at, spelt table.column.
type Field string

// The fields of a provider.
const (
	FieldID            Field = "providers.id"       // uuid
	FieldType          Field = "providers.provider" // e.g. "aws"
	FieldUID           Field = "providers.uid"      // the account's identifier at its provider
	FieldAlias         Field = "providers.alias"    // may be missing
	FieldProviderGroup Field = "provider_group_memberships.provider_group_id"
	FieldGroupName     Field = "provider_groups.name"
	FieldGroupTag      Field = "provider_group_tags.tag"
)

// Op is a comparison. Those of text compare code points: case matters, and nothing is a wildcard.
type Op string

// The comparisons. A uuid field knows OpEqual, OpNotEqual and OpIn; the fields of groups do not know OpNotEqual.
const (
	OpEqual      Op = "eq"
	OpNotEqual   Op = "ne"
	OpIn         Op = "in"
	OpStartsWith Op = "startswith"
	OpEndsWith   Op = "endswith"
	OpContains   Op = "contains"
)

var uuidFields = map[Field]bool{FieldID: true, FieldProviderGroup: true}

// fieldOps lists the comparisons that each field knows. "Not equal" of a group is left out because "is in a group
// that is not this one" is hardly ever meant; it has to be written as a negation.
var fieldOps = map[Field][]Op{
	FieldID:            {OpEqual, OpNotEqual, OpIn},
	FieldType:          {OpEqual, OpNotEqual, OpIn, OpStartsWith, OpEndsWith, OpContains},
	FieldUID:           {OpEqual, OpNotEqual, OpIn, OpStartsWith, OpEndsWith, OpContains},
	FieldAlias:         {OpEqual, OpNotEqual, OpIn, OpStartsWith, OpEndsWith, OpContains},
	FieldProviderGroup: {OpEqual, OpIn},
	FieldGroupName:     {OpEqual, OpIn, OpStartsWith, OpEndsWith, OpContains},
	FieldGroupTag:      {OpEqual, OpIn, OpStartsWith, OpEndsWith, OpContains},
}

var fieldWords = map[Field]string{
	FieldID: "id", FieldType: "provider type", FieldUID: "uid", FieldAlias: "alias",
	FieldProviderGroup: "provider group", FieldGroupName: "name of a provider group", FieldGroupTag: "tag of a provider group",
}

var opWords = map[Op]string{
	OpEqual: "is", OpNotEqual: "is not", OpIn: "is one of", OpStartsWith: "starts with", OpEndsWith: "ends with",
	OpContains: "contains",
}

// String is the condition in words.
func (c And) String() string { return join(c, " and ") }

// String is the condition in words.
func (c Or) String() string { return join(c, " or ") }

// String is the condition in words.
func (c Not) String() string { return "not (" + c.Condition.String() + ")" }

// String is the condition in words.
func (c Unless) String() string { return "not excluded by (" + c.Condition.String() + ")" }

// String is the condition in words.
func (c Compare) String() string {
	quoted := make([]string, len(c.Values))
	for i, value := range c.Values {
		quoted[i] = strconv.Quote(value)
	}
	return fieldWords[c.Field] + " " + opWords[c.Op] + " " + strings.Join(quoted, ", ")
}

func join(conditions []Condition, word string) string {
	words := make([]string, len(conditions))
	for i, condition := range conditions {
		words[i] = "(" + condition.String() + ")"
	}
	return strings.Join(words, word)
}
