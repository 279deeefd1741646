package authz

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// Snapshot is one policy, compiled and prepared. It is immutable and safe for concurrent use.
type Snapshot struct {
	revision   string
	operations map[Operation]OperationInfo

	seen attributes // what of a subject, beside its roles, the rules look at

	decision rego.PreparedEvalQuery
	includes *columns
	excludes *columns // nil: nothing is ever excluded
	rules    []namedRule

	decisions    *cache[decisionKey, Decision]
	visibilities *cache[subjectKey, Visibility]
}

type decisionKey struct {
	subject   subjectKey
	operation Operation
}

// Entries of the caches. A decision takes a few hundred bytes, a visibility some tens for each provider group.
const (
	decisionCacheSize   = 1 << 15
	visibilityCacheSize = 1 << 12
)

const (
	decisionQuery = "data.palisade.rbac.decision"
	includeQuery  = "data." + gatheredPackage + ".include"
	excludeQuery  = "data." + gatheredPackage + ".exclude"
)

// Load reads the policy (the folders rbac and visibility and what lies over them, see POLICY.md), compiles it in strict
// mode and prepares its queries. It does not run the policy's tests; [Check] does. An error holds [Problems] when the
// policy, not the reading, is at fault.
func Load(ctx context.Context, folders Folders) (*Snapshot, error) {
	src, err := readSource(folders)
	if err != nil {
		return nil, err
	}
	return loadSource(ctx, src)
}

func loadSource(ctx context.Context, src *source) (*Snapshot, error) {
	modules, err := src.modules(isRule)
	if err != nil {
		return nil, fmt.Errorf("parse policy: %w", err)
	}
	data, err := src.data()
	if err != nil {
		return nil, fmt.Errorf("read policy data: %w", err)
	}
	operations, err := src.operations()
	if err != nil {
		return nil, fmt.Errorf("read operations: %w", err)
	}
	snapshot := &Snapshot{
		revision:     src.revision(),
		operations:   operations,
		decisions:    newCache[decisionKey, Decision](decisionCacheSize),
		visibilities: newCache[subjectKey, Visibility](visibilityCacheSize),
	}
	problems := entryProblems(modules)
	if snapshot.rules, err = src.visibilityRules(modules); err != nil {
		return nil, addProblems(problems, err)
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("read policy: %w", problems.asError())
	}
	if modules["gathered"], err = gathered(snapshot.rules); err != nil {
		return nil, err
	}
	compiler, err := newCompiler(data)
	if err != nil {
		return nil, err
	}
	if compiler.Compile(modules); compiler.Failed() {
		return nil, fmt.Errorf("compile policy: %w", asProblems(KindCompile, "", compiler.Errors))
	}
	if len(compiler.GetRulesExact(ast.MustParseRef(decisionQuery))) == 0 {
		return nil, fmt.Errorf("compile policy: %w", Problems{{Kind: KindCompile, Message: "there is no rule " + decisionQuery}})
	}
	snapshot.seen = attributesOf(compiler.Modules)
	if err := snapshot.prepare(ctx, compiler, data); err != nil {
		return nil, err
	}
	if err := snapshot.probe(ctx); err != nil {
		return nil, err
	}
	return snapshot, nil
}

func (s *Snapshot) prepare(ctx context.Context, compiler *ast.Compiler, data map[string]any) error {
	options := []func(*rego.Rego){
		rego.Compiler(compiler),
		rego.Store(inmem.NewFromObject(data)),
		// A built-in that fails must not look like a condition that does not hold.
		rego.StrictBuiltinErrors(true),
	}
	var err error
	if s.decision, err = rego.New(append(slices.Clone(options), rego.Query(decisionQuery))...).PrepareForEval(ctx); err != nil {
		return fmt.Errorf("prepare decisions: %w", err)
	}
	if s.includes, err = prepareColumns(ctx, options, includeQuery); err != nil {
		return err
	}
	if slices.ContainsFunc(s.rules, func(rule namedRule) bool { return rule.Excludes }) {
		if s.excludes, err = prepareColumns(ctx, options, excludeQuery); err != nil {
			return err
		}
	}
	for i, rule := range s.rules {
		if s.rules[i].alone, err = prepareColumns(ctx, options, rule.ref.String()); err != nil {
			return err
		}
	}
	return nil
}

// Revision identifies the policy's content: the same files give the same revision.
func (s *Snapshot) Revision() string { return s.revision }

// LooksAt returns what of a subject, beside its roles, the rules look at: "credential", "email", "tenant_id".
func (s *Snapshot) LooksAt() []string { return s.seen.names() }

// Operations returns what the policy's data says about every operation. The map is the caller's own.
func (s *Snapshot) Operations() map[Operation]OperationInfo { return maps.Clone(s.operations) }

// Decide says whether the subject may do the operation. The decision that comes with an error denies.
func (s *Snapshot) Decide(ctx context.Context, subject Subject, operation Operation) (Decision, error) {
	subject = subject.canonical()
	key := decisionKey{subject.key(s.seen), operation}
	if decision, ok := s.decisions.get(key); ok {
		decision.GrantedBy = slices.Clone(decision.GrantedBy)
		return decision, nil
	}
	decision, err := s.evaluate(ctx, subject, operation)
	if err != nil {
		return s.denial(operation), fmt.Errorf("decide %s: %w", operation, err)
	}
	s.decisions.put(key, decision)
	decision.GrantedBy = slices.Clone(decision.GrantedBy)
	return decision, nil
}

// denial is what a decision that could not be made amounts to.
func (s *Snapshot) denial(operation Operation) Decision {
	return Decision{
		Reason: ReasonDenied, Rule: "no-decision", Sentence: "The policy came to no decision, so it is refused.",
		Write: s.isWrite(operation), Revision: s.revision,
	}
}

// isWrite takes an operation that the policy does not know for a write, so that it is logged.
func (s *Snapshot) isWrite(operation Operation) bool {
	info, known := s.operations[operation]
	return !known || info.Write()
}

func (s *Snapshot) evaluate(ctx context.Context, subject Subject, operation Operation) (Decision, error) {
	results, err := s.decision.Eval(ctx, rego.EvalParsedInput(subject.input(operation, s.seen)))
	if err != nil {
		return Decision{}, fmt.Errorf("evaluate: %w", err)
	}
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return Decision{}, errors.New("evaluate: the policy has no decision")
	}
	document, err := json.Marshal(results[0].Expressions[0].Value)
	if err != nil {
		return Decision{}, fmt.Errorf("read decision: %w", err)
	}
	var made answer
	if err := decodeStrictly(document, &made); err != nil {
		return Decision{}, fmt.Errorf("read decision: %w", err)
	}
	info, known := s.operations[operation]
	if err := made.check(subject, info, known); err != nil {
		return Decision{}, fmt.Errorf("read decision: %w", err)
	}
	return Decision{
		Allowed: made.Allowed, Reason: made.Reason, Rule: made.Rule, Sentence: made.Sentence,
		GrantedBy: made.GrantedBy, Write: s.isWrite(operation), Revision: s.revision,
	}, nil
}

// Visible says which providers of the tenant the subject may see. The visibility that comes with an error admits
// nothing.
func (s *Snapshot) Visible(ctx context.Context, subject Subject) (Visibility, error) {
	subject = subject.canonical()
	key := subject.key(s.seen)
	if visibility, ok := s.visibilities.get(key); ok {
		return visibility, nil
	}
	visibility, err := s.evaluateVisibility(ctx, subject)
	if err != nil {
		return Visibility{}, fmt.Errorf("decide visibility: %w", err)
	}
	s.visibilities.put(key, visibility)
	return visibility, nil
}

func (s *Snapshot) evaluateVisibility(ctx context.Context, subject Subject) (Visibility, error) {
	input := subject.input("", s.seen)
	shown, err := s.includes.evaluate(ctx, input)
	if err != nil || s.excludes == nil || shown.IsNone() {
		return shown, err
	}
	hidden, err := s.excludes.evaluate(ctx, input)
	if err != nil {
		return Visibility{}, err
	}
	return except(shown, hidden), nil
}

// except is what is shown and not hidden.
func except(shown, hidden Visibility) Visibility {
	switch {
	case hidden.IsNone():
		return shown
	case hidden.IsAll(), shown.IsNone():
		return NoProviders()
	case shown.IsAll():
		return Visibility{kind: seesSome, condition: Unless{hidden.condition}}
	}
	return Visibility{kind: seesSome, condition: And{shown.condition, Unless{hidden.condition}}}
}

// RuleEffect is what one visibility rule does for one subject.
type RuleEffect struct {
	VisibilityRule
	Providers Visibility // those that the rule includes or excludes
}

// effects evaluates each visibility rule by itself, for people who ask why.
func (s *Snapshot) effects(ctx context.Context, subject Subject) ([]RuleEffect, error) {
	effects := make([]RuleEffect, 0, len(s.rules))
	for _, rule := range s.rules {
		providers, err := rule.alone.evaluate(ctx, subject.input("", s.seen))
		if err != nil {
			return nil, fmt.Errorf("visibility rule %s: %w", rule.ID, err)
		}
		effects = append(effects, RuleEffect{rule.VisibilityRule, providers})
	}
	return effects, nil
}

// probe evaluates the visibility for typical subjects, rule by rule, so that a rule that cannot be translated is found when
// the policy is loaded and not by the first person that it concerns.
func (s *Snapshot) probe(ctx context.Context) error {
	id := uuid.MustParse("00000000-0000-4000-8000-000000000001")
	var problems Problems
	for _, rule := range s.rules {
		for _, roles := range [][]Role{
			nil,
			{{ID: id}},
			{{ID: id, UnlimitedVisibility: true}},
			{{ID: id, ProviderGroups: []uuid.UUID{id}}},
			{{ID: id, UnlimitedVisibility: true, ProviderGroups: []uuid.UUID{id}}},
			{{ID: id, Permissions: Permissions{true, true, true, true, true, true}}},
		} {
			subject := Subject{TenantID: id, UserID: id, Email: "somebody@example.com", Credential: Token, Roles: roles}
			if _, err := rule.alone.evaluate(ctx, subject.canonical().input("", s.seen)); err != nil {
				problems = append(problems, Problem{Kind: KindVisibility, Message: fmt.Sprintf("%s: %v", rule.ref, err)})
				break
			}
		}
	}
	return problems.asError()
}
