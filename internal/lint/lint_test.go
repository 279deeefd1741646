package lint_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"
	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/packages"

	"github.com/palisade-sec/palisade/internal/lint"
)

// TestPlantedViolations runs the rules on packages that break them, and on packages that may do what others may not.
func TestPlantedViolations(t *testing.T) {
	t.Parallel()
	const here = lint.Module
	analysistest.Run(t, analysistest.TestData(), lint.SQL, here+"internal/planted/texts", here+"internal/filter/inner", here+"gen/tenantdb")
	analysistest.Run(t, analysistest.TestData(), lint.Pool, here+"internal/planted/pools", here+"internal/pipeline", here+"internal/jobs")
	analysistest.Run(t, analysistest.TestData(), lint.Inward, here+"internal/planted/outward", here+"internal/app")
}

// TestTheRepositoryKeepsTheRules runs the rules on the whole module.
func TestTheRepositoryKeepsTheRules(t *testing.T) {
	t.Parallel()
	loaded, err := packages.Load(&packages.Config{Mode: packages.LoadSyntax | packages.NeedModule, Context: t.Context()}, lint.Module+"...")
	if err != nil {
		t.Fatal(err)
	}
	graph, err := checker.Analyze(lint.Analyzers(), loaded, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(graph.Roots) < 100 {
		t.Errorf("only %d analyses were made", len(graph.Roots))
	}
	for _, action := range graph.Roots {
		if action.Err != nil {
			t.Errorf("%s: %v", action.Package.PkgPath, action.Err)
		}
		for _, found := range action.Diagnostics {
			t.Errorf("%s: %s", action.Package.Fset.Position(found.Pos), found.Message)
		}
	}
}
