package authz

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// translate turns a UCAST document, the partial evaluator's way to write a condition down, into a Visibility.
// It is strict: an operator, field, value or member that it does not know is an error, and the visibility
// returned with an error admits nothing.
func translate(document map[string]any) (Visibility, error) {
	condition, err := translateNode(document, 0)
	if err != nil {
		return Visibility{}, fmt.Errorf("translate visibility: %w", err)
	}
	if fixed, ok := condition.(constant); ok {
		if fixed {
			return AllProviders(), nil
		}
		return NoProviders(), nil
	}
	return ProvidersWhere(condition)
}

// maxDepth bounds the nesting of a condition; what people write stays far below.
const maxDepth = 64

func translateNode(node map[string]any, depth int) (Condition, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	for member := range node {
		if !slices.Contains([]string{"type", "operator", "field", "value"}, member) {
			return nil, fmt.Errorf("unknown member %q", member)
		}
	}
	operator, ok := node["operator"].(string)
	if !ok {
		return nil, errors.New("no operator")
	}
	switch node["type"] {
	case "compound":
		if _, present := node["field"]; present {
			return nil, fmt.Errorf("%q does not take a field", operator)
		}
		return translateCompound(operator, node["value"], depth)
	case "field":
		field, ok := node["field"].(string)
		if !ok {
			return nil, fmt.Errorf("%q without a field", operator)
		}
		return translateField(Field(field), Op(operator), node["value"])
	default:
		return nil, fmt.Errorf("unknown type %v", node["type"])
	}
}

func translateCompound(operator string, value any, depth int) (Condition, error) {
	nodes, ok := value.([]any)
	if !ok || len(nodes) == 0 {
		return nil, fmt.Errorf("%q without conditions", operator)
	}
	conditions := make([]Condition, len(nodes))
	for i, one := range nodes {
		node, ok := one.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%q of something that is no condition", operator)
		}
		condition, err := translateNode(node, depth+1)
		if err != nil {
			return nil, err
		}
		conditions[i] = condition
	}
	switch {
	case operator == "and":
		return simplified(conditions, true, func(rest []Condition) Condition { return And(rest) }), nil
	case operator == "or":
		return simplified(conditions, false, func(rest []Condition) Condition { return Or(rest) }), nil
	case operator == "not" && len(conditions) == 1:
		if fixed, ok := conditions[0].(constant); ok {
			return !fixed, nil
		}
		return Not{conditions[0]}, nil
	default:
		return nil, fmt.Errorf("unknown compound %q of %d conditions", operator, len(conditions))
	}
}

// simplified drops the constants from a conjunction (neutral is true) or disjunction (neutral is false).
func simplified(conditions []Condition, neutral constant, compound func([]Condition) Condition) Condition {
	var rest []Condition
	for _, condition := range conditions {
		switch condition {
		case neutral:
		case !neutral:
			return !neutral
		default:
			rest = append(rest, condition)
		}
	}
	switch len(rest) {
	case 0:
		return neutral
	case 1:
		return rest[0]
	default:
		return compound(rest)
	}
}

func translateField(field Field, op Op, value any) (Condition, error) {
	compare := Compare{Field: field, Op: op}
	switch value := value.(type) {
	case string:
		if op == OpIn {
			return nil, fmt.Errorf("%s: %q needs a list", field, op)
		}
		compare.Values = []string{value}
	case []any:
		if op != OpIn {
			return nil, fmt.Errorf("%s: %q does not take a list", field, op)
		}
		if len(value) == 0 {
			if _, known := fieldOps[field]; !known {
				return nil, fmt.Errorf("unknown field %q", field)
			}
			return constant(false), nil
		}
		for _, one := range value {
			text, ok := one.(string)
			if !ok {
				return nil, fmt.Errorf("%s: %q of something that is no text", field, op)
			}
			compare.Values = append(compare.Values, text)
		}
	default:
		return nil, fmt.Errorf("%s: %q with something that is no text", field, op)
	}
	// Policy may write a uuid in capitals; the database and the words of the condition know one form.
	if uuidFields[field] {
		for i, text := range compare.Values {
			id, err := uuid.Parse(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %q is no uuid", field, text)
			}
			compare.Values[i] = id.String()
		}
	}
	if err := compare.check(); err != nil {
		return nil, err
	}
	return compare, nil
}

// constant is a condition that is already decided. It exists only during translation: ProvidersWhere refuses it.
type constant bool

func (c constant) String() string { return fmt.Sprint(bool(c)) }

func (c constant) check() error { return errors.New("a constant is no condition") }

func (c And) check() error { return checkAll("and", c) }

func (c Or) check() error { return checkAll("or", c) }

func checkAll(name string, conditions []Condition) error {
	// An empty "and" would hold for every provider.
	if len(conditions) == 0 {
		return fmt.Errorf("%q without conditions", name)
	}
	for _, condition := range conditions {
		if condition == nil {
			return fmt.Errorf("%q of nothing", name)
		}
		if err := condition.check(); err != nil {
			return err
		}
	}
	return nil
}

func (c Not) check() error {
	if c.Condition == nil {
		return errors.New("\"not\" of nothing")
	}
	return c.Condition.check()
}

func (c Unless) check() error {
	if c.Condition == nil {
		return errors.New("\"unless\" of nothing")
	}
	return c.Condition.check()
}

func (c Compare) check() error {
	ops, known := fieldOps[c.Field]
	if !known {
		return fmt.Errorf("unknown field %q", c.Field)
	}
	if !slices.Contains(ops, c.Op) {
		return fmt.Errorf("%s does not know %q", c.Field, c.Op)
	}
	if len(c.Values) == 0 || (c.Op != OpIn && len(c.Values) != 1) {
		return fmt.Errorf("%s: %q with %d values", c.Field, c.Op, len(c.Values))
	}
	for _, value := range c.Values {
		if uuidFields[c.Field] {
			if id, err := uuid.Parse(value); err != nil || id.String() != value {
				return fmt.Errorf("%s: %q is no canonical uuid", c.Field, value)
			}
		}
	}
	return nil
}
