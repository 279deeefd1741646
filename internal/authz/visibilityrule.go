package authz

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/rego/compile"
)

// VisibilityRule is one named rule of the visibility policy.
type VisibilityRule struct {
	ID       string
	Sentence string // why the rule is there, for a person
	Excludes bool   // hides what it admits, whatever else shows it
}

// namedRule is a visibility rule with the document that it defines.
type namedRule struct {
	VisibilityRule
	ref   ast.Ref
	alone *columns // evaluates this rule and no other
}

const visibilityPackage = "data.palisade.visibility"

// visibilityEntries are the packages of visibility rules, and what their rules are called.
var visibilityEntries = map[string]string{
	visibilityPackage: "include", showingPackage: entries[showingPackage], hidingPackage: entries[hidingPackage],
}

// visibilityRules finds the rules include["..."] and exclude["..."], ordered by their ids, excludes last.
func (s *source) visibilityRules(modules map[string]*ast.Module) ([]namedRule, error) {
	found := map[string]namedRule{}
	var problems Problems
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		module := modules[name]
		at := module.Package.Path.String()
		for _, rule := range module.Rules {
			if headName(rule) != visibilityEntries[at] {
				continue
			}
			one, err := visibilityRule(module, rule, s.own[name])
			if err != nil {
				problems = append(problems, Problem{Kind: KindRule, File: name, Row: rule.Location.Row, Message: err.Error()})
				continue
			}
			key := fmt.Sprint(one.Excludes, one.ID)
			before, known := found[key]
			if known && !before.ref.Equal(one.ref) {
				problems = append(problems, Problem{Kind: KindRule, File: name, Row: rule.Location.Row,
					Message: fmt.Sprintf("there is another rule called %q, in package %s", one.ID, before.ref[:len(before.ref)-2])})
			}
			if !known || before.Sentence == "" {
				found[key] = one
			}
		}
	}
	for _, one := range found {
		if one.Sentence == "" {
			problems = append(problems, Problem{Kind: KindRule, Message: fmt.Sprintf(
				"visibility rule %s has no sentence: write what it is for above it, as \"# METADATA\" and \"# description: ...\"", one.ref)})
		}
	}
	if len(found) == 0 && len(problems) == 0 {
		problems = Problems{{Kind: KindCompile, Message: "there is no rule " + visibilityPackage + ".include"}}
	}
	rules := slices.SortedFunc(maps.Values(found), func(a, b namedRule) int {
		if a.Excludes != b.Excludes {
			if b.Excludes {
				return -1
			}
			return 1
		}
		return strings.Compare(a.ID, b.ID)
	})
	return rules, problems.asError()
}

// visibilityRule reads the name and the sentence of a rule.
func visibilityRule(module *ast.Module, rule *ast.Rule, own bool) (namedRule, error) {
	ref, kind := rule.Head.Ref(), headName(rule)
	one := namedRule{ref: slices.Concat(module.Package.Path, ast.Ref{ast.StringTerm(kind)})}
	one.ID, one.Excludes = kind, kind == "exclude"
	wanted := fmt.Errorf(`write %s["a name of its own"] if { ... }, without default and else`, kind)
	plain := rule.Head.RuleKind() == ast.SingleValue && len(rule.Head.Args) == 0 && !rule.Default && rule.Else == nil
	if !plain || !rule.Head.Value.Equal(ast.BooleanTerm(true)) {
		return one, wanted
	}
	if len(ref) == 1 && !own {
		// A policy that takes the built-in one's place may leave names out.
		one.Sentence = "A rule of the policy without a name."
		return one, nil
	}
	if len(ref) != 2 {
		return one, wanted
	}
	id, fixed := ref[1].Value.(ast.String)
	if !fixed || strings.TrimSpace(string(id)) == "" {
		return one, wanted
	}
	one.ID, one.ref = string(id), append(one.ref, ref[1])
	for _, annotations := range rule.Annotations {
		if text := strings.TrimSpace(annotations.Description); text != "" {
			one.Sentence = strings.Join(strings.Fields(text), " ")
		}
	}
	return one, nil
}

// gatheredPackage is where gathered puts the rules together; no file may use it.
const gatheredPackage = "palisade.gathered"

// gathered is a module that makes one rule of all includes, and one of all excludes, so that each is one evaluation.
func gathered(rules []namedRule) (*ast.Module, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "package %s\n", gatheredPackage)
	for _, rule := range rules {
		kind := "include"
		if rule.Excludes {
			kind = "exclude"
		}
		fmt.Fprintf(&text, "\n%s if %s\n", kind, rule.ref)
	}
	module, err := ast.ParseModuleWithOpts("gathered", text.String(), parserOptions())
	if err != nil {
		return nil, fmt.Errorf("gather visibility rules: %w", err)
	}
	return module, nil
}

// columns turns visibility rules into conditions on a provider: their evaluation with the provider unknown.
type columns struct {
	filter   *compile.Prepared
	partial  rego.PreparedPartialQuery
	unknowns []*ast.Term
}

// unknown are the tables that a provider's rows are in. Whole tables rather than columns: of a table whose columns alone are
// unknown, an iteration over it would be taken for one over nothing, and its negation for true.
func unknown() []*ast.Term {
	return []*ast.Term{
		ast.MustParseTerm("input.providers"), ast.MustParseTerm("input.provider_group_memberships"),
		ast.MustParseTerm("input.provider_groups"), ast.MustParseTerm("input.provider_group_tags"),
	}
}

// The dialect with "not", text comparisons and lists. What it has beyond our conditions, translate refuses.
const filterTarget, filterDialect = "ucast", "all"

func prepareColumns(ctx context.Context, options []func(*rego.Rego), query string) (*columns, error) {
	prepared := &columns{unknowns: unknown()}
	var err error
	if prepared.partial, err = rego.New(append(slices.Clone(options), rego.Query(query))...).PrepareForPartial(ctx); err != nil {
		return nil, fmt.Errorf("prepare visibility: %w", err)
	}
	prepared.filter, err = compile.New(
		compile.Target(filterTarget, filterDialect),
		compile.ParsedQuery(ast.MustParseBody(query)),
		compile.ParsedUnknowns(prepared.unknowns...),
		compile.Rego(options...),
	).Prepare(ctx)
	if err != nil {
		return nil, fmt.Errorf("prepare visibility filter: %w", err)
	}
	return prepared, nil
}

func (c *columns) evaluate(ctx context.Context, document ast.Value) (visibility Visibility, err error) {
	// The partial evaluator's translation panics on some expressions that it cannot translate.
	defer func() {
		if cause := recover(); cause != nil {
			visibility, err = Visibility{}, fmt.Errorf("translate visibility: %v", cause)
		}
	}()
	input := rego.EvalParsedInput(document)
	unconditional, err := c.examine(ctx, input)
	if err != nil {
		return Visibility{}, err
	}
	filters, err := c.filter.Compile(ctx, input)
	if err != nil {
		return Visibility{}, fmt.Errorf("partial evaluation: %w", err)
	}
	// No query at all means "no provider", an empty one "every provider".
	query := filters.For(filterTarget, filterDialect).Query
	if query == nil {
		return NoProviders(), nil
	}
	node, ok := query.(map[string]any)
	if !ok {
		return Visibility{}, fmt.Errorf("translate visibility: unexpected %T", query)
	}
	if len(node) != 0 {
		return translate(node)
	}
	// The translation also says "empty" when it gives up on an expression; then it must not be believed.
	if !unconditional {
		return Visibility{}, errors.New("translate visibility: a rule is not a condition on a provider's columns")
	}
	return AllProviders(), nil
}

// examine looks at the partial evaluation before its translation: unconditional is true when the rules admit every provider
// whatever its columns are.
func (c *columns) examine(ctx context.Context, input rego.EvalOption) (unconditional bool, err error) {
	result, err := c.partial.Partial(ctx, input,
		rego.EvalParsedUnknowns(c.unknowns),
		rego.EvalRuleIndexing(false),
	)
	if err != nil {
		return false, fmt.Errorf("partial evaluation: %w", err)
	}
	for _, body := range result.Queries {
		unconditional = unconditional || len(body) == 0
		for _, expression := range body {
			// The translation would drop the "with" and keep the rest.
			if len(expression.With) > 0 {
				return false, errors.New("partial evaluation: \"with\" has no place in a visibility rule")
			}
		}
	}
	return unconditional, nil
}
