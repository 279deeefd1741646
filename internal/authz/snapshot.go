package authz

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/rego/compile"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// Snapshot is one policy, compiled and prepared. It is immutable and safe for concurrent use.
type Snapshot struct {
	revision   string
	operations map[Operation]OperationInfo

	decision rego.PreparedEvalQuery
	filter   *compile.Prepared
	partial  rego.PreparedPartialQuery
	unknowns []*ast.Term

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
	decisionQuery   = "data.palisade.rbac.decision"
	visibilityQuery = "data.palisade.visibility.include"
)

// Load reads the policy from fsys (the folders rbac and visibility, see POLICY.md), compiles it in strict mode and
// prepares its queries. It does not run the policy's tests; [Check] does. An error holds [Problems] when the
// policy, not the reading, is at fault.
func Load(ctx context.Context, fsys fs.FS) (*Snapshot, error) {
	src, err := readSource(fsys)
	if err != nil {
		return nil, err
	}
	return loadSource(ctx, src)
}

func loadSource(ctx context.Context, src *source) (*Snapshot, error) {
	modules, err := src.modules(false)
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
	compiler, err := newCompiler(data)
	if err != nil {
		return nil, err
	}
	if compiler.Compile(modules); compiler.Failed() {
		return nil, fmt.Errorf("compile policy: %w", asProblems(KindCompile, "", compiler.Errors))
	}
	for _, query := range []string{decisionQuery, visibilityQuery} {
		if len(compiler.GetRulesExact(ast.MustParseRef(query))) == 0 {
			return nil, fmt.Errorf("compile policy: %w",
				Problems{{Kind: KindCompile, Message: "there is no rule " + query}})
		}
	}
	snapshot := &Snapshot{
		revision:     src.revision(),
		operations:   operations,
		decisions:    newCache[decisionKey, Decision](decisionCacheSize),
		visibilities: newCache[subjectKey, Visibility](visibilityCacheSize),
	}
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
	with := func(query string) []func(*rego.Rego) { return append(slices.Clone(options), rego.Query(query)) }
	// Whole tables rather than columns: of a table whose columns alone are unknown, an iteration over it would be
	// taken for one over nothing, and its negation for true.
	s.unknowns = []*ast.Term{
		ast.MustParseTerm("input.providers"), ast.MustParseTerm("input.provider_group_memberships"),
	}
	var err error
	if s.decision, err = rego.New(with(decisionQuery)...).PrepareForEval(ctx); err != nil {
		return fmt.Errorf("prepare decisions: %w", err)
	}
	if s.partial, err = rego.New(with(visibilityQuery)...).PrepareForPartial(ctx); err != nil {
		return fmt.Errorf("prepare visibility: %w", err)
	}
	s.filter, err = compile.New(
		compile.Target(filterTarget, filterDialect),
		compile.ParsedQuery(ast.MustParseBody(visibilityQuery)),
		compile.ParsedUnknowns(s.unknowns...),
		compile.Rego(options...),
	).Prepare(ctx)
	if err != nil {
		return fmt.Errorf("prepare visibility filter: %w", err)
	}
	return nil
}

// The dialect with "not", text comparisons and lists. What it has beyond our conditions, translate refuses.
const filterTarget, filterDialect = "ucast", "all"

// Revision identifies the policy's content: the same files give the same revision.
func (s *Snapshot) Revision() string { return s.revision }

// Operations returns what the policy's data says about every operation. The map is the caller's own.
func (s *Snapshot) Operations() map[Operation]OperationInfo { return maps.Clone(s.operations) }

// Decide says whether the subject may do the operation. The decision that comes with an error denies.
func (s *Snapshot) Decide(ctx context.Context, subject Subject, operation Operation) (Decision, error) {
	subject = subject.canonical()
	key := decisionKey{subject.key(), operation}
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
	results, err := s.decision.Eval(ctx, rego.EvalParsedInput(subject.input(operation)))
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
	_, known := s.operations[operation]
	if err := made.check(subject, known); err != nil {
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
	key := subject.key()
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

func (s *Snapshot) evaluateVisibility(ctx context.Context, subject Subject) (visibility Visibility, err error) {
	// The partial evaluator's translation panics on some expressions that it cannot translate.
	defer func() {
		if cause := recover(); cause != nil {
			visibility, err = Visibility{}, fmt.Errorf("translate visibility: %v", cause)
		}
	}()
	input := rego.EvalParsedInput(subject.input(""))
	unconditional, err := s.examineVisibility(ctx, input)
	if err != nil {
		return Visibility{}, err
	}
	filters, err := s.filter.Compile(ctx, input)
	if err != nil {
		return Visibility{}, fmt.Errorf("partial evaluation: %w", err)
	}
	// No query at all means "no provider", an empty one "every provider".
	query := filters.For(filterTarget, filterDialect).Query
	if query == nil {
		return NoProviders(), nil
	}
	document, ok := query.(map[string]any)
	if !ok {
		return Visibility{}, fmt.Errorf("translate visibility: unexpected %T", query)
	}
	if len(document) != 0 {
		return translate(document)
	}
	// The translation also says "empty" when it gives up on an expression; then it must not be believed.
	if !unconditional {
		return Visibility{}, errors.New("translate visibility: a rule is not a condition on a provider's columns")
	}
	return AllProviders(), nil
}

// examineVisibility looks at the partial evaluation before its translation: unconditional is true when the rules
// admit every provider whatever its columns are.
func (s *Snapshot) examineVisibility(ctx context.Context, input rego.EvalOption) (unconditional bool, err error) {
	result, err := s.partial.Partial(ctx, input,
		rego.EvalParsedUnknowns(s.unknowns),
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

// probe evaluates the visibility for typical subjects, so that a rule that cannot be translated is found when the
// policy is loaded and not by the first person that it concerns.
func (s *Snapshot) probe(ctx context.Context) error {
	id := uuid.MustParse("00000000-0000-4000-8000-000000000001")
	for _, roles := range [][]Role{
		nil,
		{{ID: id}},
		{{ID: id, UnlimitedVisibility: true}},
		{{ID: id, ProviderGroups: []uuid.UUID{id}}},
		{{ID: id, UnlimitedVisibility: true, ProviderGroups: []uuid.UUID{id}}},
		{{ID: id, Permissions: Permissions{true, true, true, true, true, true}}},
	} {
		if _, err := s.evaluateVisibility(ctx, Subject{UserID: id, Roles: roles}.canonical()); err != nil {
			return Problems{{Kind: KindVisibility, Message: err.Error()}}
		}
	}
	return nil
}
