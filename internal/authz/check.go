package authz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
)

// Report is the outcome of a policy's tests.
type Report struct {
	Revision string
	Tests    []TestResult   // ordered by package and name; those of a layer last
	Files    []FileCoverage // of the rule files, not the tests; empty unless coverage was asked for
	Untested []Operation    // operations that no test case is named for, ascending

	bare bool // there is a layer and it has no tests
}

// TestResult is the outcome of one test rule.
type TestResult struct {
	Package string // e.g. "data.palisade.rbac_test"
	Name    string
	File    string
	Row     int
	Passed  bool
	Own     bool         // of the operator's layer
	Skipped bool         // its name begins with todo_
	Error   string       // why it could not be evaluated, else empty
	Cases   []CaseResult // of a table-driven test, ordered by name
}

// CaseResult is the outcome of one case of a table-driven test.
type CaseResult struct {
	Name   string
	Passed bool
}

// FileCoverage says how much of a rule file the tests reached.
type FileCoverage struct {
	File      string
	Percent   float64
	Uncovered []int // rows, ascending
}

// Bare reports whether there is a layer and it has no tests.
func (r Report) Bare() bool { return r.bare }

// Passed reports whether there are tests, of a layer as well, all ran and all passed.
func (r Report) Passed() bool {
	return len(r.Tests) > 0 && !r.bare && !slices.ContainsFunc(r.Tests, func(t TestResult) bool { return !t.Passed })
}

// Covered reports whether coverage was measured and is complete.
func (r Report) Covered() bool {
	return len(r.Files) > 0 && !slices.ContainsFunc(r.Files, func(f FileCoverage) bool { return f.Percent < 100 })
}

// problems lists what keeps the policy from being used.
func (r Report) problems() Problems {
	var problems Problems
	if len(r.Tests) == 0 {
		problems = append(problems, Problem{Kind: KindTest, Message: "the policy has no tests"})
	}
	for _, test := range r.Tests {
		if test.Passed {
			continue
		}
		message := test.Package + "." + test.Name + " failed"
		if test.Skipped {
			message = test.Package + "." + test.Name + " is marked as to do"
		}
		if test.Error != "" {
			message += ": " + test.Error
		}
		var failed []string
		for _, one := range test.Cases {
			if !one.Passed {
				failed = append(failed, one.Name)
			}
		}
		if len(failed) > 0 {
			message += " for " + strings.Join(failed, ", ")
		}
		problems = append(problems, Problem{Kind: KindTest, File: test.File, Row: test.Row, Message: message})
	}
	for _, operation := range r.Untested {
		problems = append(problems, Problem{
			Kind: KindUntested, Message: "no test case of package palisade.rbac_test is named " + string(operation),
		})
	}
	return problems
}

// uncovered lists the lines of rules that no test reaches.
func (r Report) uncovered() Problems {
	var problems Problems
	for _, file := range r.Files {
		if file.Percent < 100 {
			row := 0
			if len(file.Uncovered) > 0 {
				row = file.Uncovered[0]
			}
			problems = append(problems, Problem{Kind: KindCoverage, File: file.File, Row: row,
				Message: fmt.Sprintf("no test reaches the lines %v", file.Uncovered)})
		}
	}
	return problems
}

// Check examines everything that a policy has to meet before it is used: format, strict mode, types, data,
// visibility rules that translate, tests that pass, and a test case for every operation. The tests of the base run
// against the base alone, for which they are written; those of a layer against the whole, and they have to reach
// every line of its rules. It returns [Problems], all that it can find, or an error of reading.
func Check(ctx context.Context, folders Folders) error {
	src, err := readSource(folders)
	if err != nil {
		return err
	}
	_, err = examine(ctx, src)
	return err
}

// examine is Check, with the snapshot that passed it.
func examine(ctx context.Context, src *source) (*Snapshot, error) {
	problems := formatProblems(src)
	snapshot, err := loadSource(ctx, src)
	if err != nil {
		return nil, addProblems(problems, err)
	}
	report, err := runTests(ctx, src.base(), false)
	if err != nil {
		return nil, addProblems(problems, err)
	}
	if src.own != nil {
		layer, err := runTests(ctx, src, true)
		if err != nil {
			return nil, addProblems(problems, err)
		}
		problems = append(problems, layer.problems()...)
		problems = append(problems, layer.uncovered()...)
	}
	if err := append(problems, report.problems()...).asError(); err != nil {
		return nil, err
	}
	return snapshot, nil
}

// addProblems adds the problems in err; an error that is none is returned as it is.
func addProblems(problems Problems, err error) error {
	var more Problems
	if !errors.As(err, &more) {
		return err
	}
	return append(problems, more...).asError()
}

func formatProblems(src *source) Problems {
	var problems Problems
	for _, name := range src.names {
		if path.Ext(name) != ".rego" {
			continue
		}
		options := parserOptions()
		formatted, err := format.SourceWithOpts(name, src.files[name],
			format.Opts{RegoVersion: ast.RegoV1, ParserOptions: &options})
		if err != nil {
			continue // a syntax error, which parsing reports
		}
		if !bytes.Equal(formatted, src.files[name]) {
			problems = append(problems, Problem{
				Kind: KindFormat, File: name, Row: firstDifference(formatted, src.files[name]),
				Message: "is not formatted; `opa fmt -w` does it",
			})
		}
	}
	return problems
}

func firstDifference(a, b []byte) (row int) {
	left, right := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(left), len(right)) {
		if !bytes.Equal(left[i], right[i]) {
			return i + 1
		}
	}
	return min(len(left), len(right))
}

// Test runs the policy's tests (the test_ rules of its *_test.rego files), with coverage of the rule files when
// asked for. A failing test is no error: it stands in the report.
func Test(ctx context.Context, folders Folders, coverage bool) (Report, error) {
	src, err := readSource(folders)
	if err != nil {
		return Report{}, err
	}
	report, err := runTests(ctx, src.base(), coverage)
	if err != nil || src.own == nil {
		return report, err
	}
	layer, err := runTests(ctx, src, coverage)
	report.Revision, report.bare = layer.Revision, len(layer.Tests) == 0
	report.Tests, report.Files = append(report.Tests, layer.Tests...), append(report.Files, layer.Files...)
	return report, err
}

// testTimeout only has to end a test that would run for ever.
const testTimeout = 10 * time.Minute

// runTests runs the tests of a policy without a layer, or those of the layer.
func runTests(ctx context.Context, src *source, coverage bool) (Report, error) {
	picked := everyFile
	if src.own != nil {
		picked = src.ownTest
	}
	modules, err := src.modules(picked)
	if err != nil {
		return Report{}, fmt.Errorf("parse policy: %w", err)
	}
	data, err := src.data()
	if err != nil {
		return Report{}, fmt.Errorf("read policy data: %w", err)
	}
	operations, err := src.operations()
	if err != nil {
		return Report{}, fmt.Errorf("read operations: %w", err)
	}
	compiler, err := newCompiler(data)
	if err != nil {
		return Report{}, err
	}
	store := inmem.NewFromObject(data)
	runner := tester.NewRunner().
		SetCompiler(compiler).
		SetStore(store).
		SetModules(modules).
		CapturePrintOutput(false).
		RaiseBuiltinErrors(true).
		SetTimeout(testTimeout)
	tracer := cover.New()
	if coverage {
		runner.SetCoverageQueryTracer(tracer).SetCoverageRuns(nil)
	}
	txn, err := store.NewTransaction(ctx, storage.TransactionParams{})
	if err != nil {
		return Report{}, fmt.Errorf("run policy tests: %w", err)
	}
	defer store.Abort(ctx, txn)
	results, err := runner.RunTests(ctx, txn)
	if err != nil {
		return Report{}, fmt.Errorf("compile policy tests: %w", asProblems(KindCompile, "", err))
	}
	report := Report{Revision: src.revision()}
	for result := range results {
		test := testResult(result)
		test.Own = src.own[test.File]
		report.Tests = append(report.Tests, test)
	}
	if err := ctx.Err(); err != nil {
		return Report{}, fmt.Errorf("run policy tests: %w", err)
	}
	slices.SortFunc(report.Tests, func(a, b TestResult) int {
		return strings.Compare(a.Package+"."+a.Name, b.Package+"."+b.Name)
	})
	if src.own == nil {
		report.Untested = untested(operations, report.Tests)
	}
	if coverage {
		report.Files = fileCoverage(tracer.Report(modules))
		report.Files = slices.DeleteFunc(report.Files, func(file FileCoverage) bool { return src.own != nil && !src.own[file.File] })
	}
	return report, nil
}

func testResult(result *tester.Result) TestResult {
	test := TestResult{
		Package: result.Package, Name: result.Name, Passed: result.Pass(), Skipped: result.Skip,
	}
	if result.Location != nil {
		test.File, test.Row = result.Location.File, result.Location.Row
	}
	if result.Error != nil {
		test.Error = result.Error.Error()
	}
	for _, name := range slices.Sorted(maps.Keys(result.SubResults)) {
		test.Cases = append(test.Cases, CaseResult{Name: name, Passed: !result.SubResults[name].Fail})
	}
	return test
}

// untested lists the operations that no case of an operation test is named for.
func untested(operations map[Operation]OperationInfo, tests []TestResult) []Operation {
	tested := map[Operation]bool{}
	for _, test := range tests {
		if test.Package != "data.palisade.rbac_test" {
			continue
		}
		for _, one := range test.Cases {
			tested[Operation(one.Name)] = true
		}
	}
	var missing []Operation
	for _, operation := range slices.Sorted(maps.Keys(operations)) {
		if !tested[operation] {
			missing = append(missing, operation)
		}
	}
	return missing
}

func fileCoverage(report cover.Report) []FileCoverage {
	var files []FileCoverage
	for _, name := range slices.Sorted(maps.Keys(report.Files)) {
		if isTestFile(name) {
			continue
		}
		file := FileCoverage{File: name, Percent: report.Files[name].Coverage}
		for _, missed := range report.Files[name].NotCovered {
			for row := missed.Start.Row; row <= missed.End.Row; row++ {
				file.Uncovered = append(file.Uncovered, row)
			}
		}
		slices.Sort(file.Uncovered)
		file.Uncovered = slices.Compact(file.Uncovered)
		files = append(files, file)
	}
	return files
}
