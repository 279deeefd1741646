package authz

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// ProblemKind says what part of the examination found a problem.
type ProblemKind string

// The kinds of problems.
const (
	KindSyntax     ProblemKind = "syntax"     // is not Rego
	KindCompile    ProblemKind = "compile"    // strict mode, types, or a built-in that policies may not use
	KindFormat     ProblemKind = "format"     // is not laid out as the formatter would
	KindData       ProblemKind = "data"       // a JSON file is wrong
	KindVisibility ProblemKind = "visibility" // the visibility rules do not translate to a condition
	KindTest       ProblemKind = "test"       // a test failed
	KindUntested   ProblemKind = "untested"   // an operation without a test case
	KindCoverage   ProblemKind = "coverage"   // the tests do not reach a rule
	KindLayer      ProblemKind = "layer"      // a file of a policy folder touches the built-in policy
	KindRule       ProblemKind = "rule"       // a rule without id or sentence, or one that has no effect
)

// Problem is one thing that is wrong with a policy.
type Problem struct {
	Kind    ProblemKind
	File    string // path in the policy folder; empty when it is not about one file
	Row     int    // from 1; 0 when it is not about one row
	Message string
}

// String is the problem as "file:row: kind: message".
func (p Problem) String() string {
	switch {
	case p.File == "":
		return fmt.Sprintf("%s: %s", p.Kind, p.Message)
	case p.Row == 0:
		return fmt.Sprintf("%s: %s: %s", p.File, p.Kind, p.Message)
	default:
		return fmt.Sprintf("%s:%d: %s: %s", p.File, p.Row, p.Kind, p.Message)
	}
}

// Problems is everything that is wrong with a policy, as an error. errors.As finds it in what Load, Check and
// Reload return.
type Problems []Problem

// Error has one problem a line, ordered by file and row.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p.sorted() {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

func (p Problems) sorted() Problems {
	sorted := slices.Clone(p)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		if byFile := strings.Compare(a.File, b.File); byFile != 0 {
			return byFile
		}
		if a.Row != b.Row {
			return a.Row - b.Row
		}
		return strings.Compare(a.Message, b.Message)
	})
	return sorted
}

// asError avoids a non-nil error without problems.
func (p Problems) asError() error {
	if len(p) == 0 {
		return nil
	}
	return p.sorted()
}

// asProblems splits an error of the Rego parser or compiler.
func asProblems(kind ProblemKind, file string, err error) Problems {
	var already Problems
	if errors.As(err, &already) {
		return already
	}
	var list ast.Errors
	var single *ast.Error
	if !errors.As(err, &list) && errors.As(err, &single) {
		list = ast.Errors{single}
	}
	var problems Problems
	for _, one := range list {
		problem := Problem{Kind: kind, File: file, Message: fmt.Sprintf("%s: %s", one.Code, one.Message)}
		if one.Location != nil {
			problem.Row = one.Location.Row
			if one.Location.File != "" {
				problem.File = one.Location.File
			}
		}
		problems = append(problems, problem)
	}
	if len(problems) == 0 {
		problems = Problems{{Kind: kind, File: file, Message: err.Error()}}
	}
	return problems
}
