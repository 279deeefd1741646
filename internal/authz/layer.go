package authz

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// The packages that operators write their rules in, and the name of the rules that have an effect there.
const (
	restrictionsPackage = "data.palisade.rbac.restrictions"
	grantsPackage       = "data.palisade.rbac.grants"
	showingPackage      = "data.palisade.visibility.grants"
	hidingPackage       = "data.palisade.visibility.restrictions"
)

var entries = map[string]string{
	restrictionsPackage: "deny", grantsPackage: "allow", showingPackage: "include", hidingPackage: "exclude",
}

// reserved are the names below data that a layer may not write to, but for the packages of entries.
var reserved = map[string]bool{"palisade": true, "rbac": true, "visibility": true, "system": true}

// layerProblems is what an operator's file may not do: reach into the built-in rules, so that no file can open by accident
// or by a helper of the same name what they keep closed.
func layerProblems(name string, module *ast.Module) Problems {
	at := module.Package.Path.String()
	parts := module.Package.Path
	root := ""
	if len(parts) > 1 {
		root = strings.Trim(parts[1].Value.String(), `"`)
	}
	if entries[at] != "" || !reserved[root] || isTestFile(name) && strings.HasSuffix(at, "_test") {
		return nil
	}
	return Problems{{Kind: KindLayer, File: name, Row: module.Package.Location.Row, Message: fmt.Sprintf(
		"package %s belongs to the built-in policy: write rules in %s, tests in a package whose name ends with _test, and helpers in packages of your own",
		strings.TrimPrefix(at, "data."), strings.ReplaceAll(strings.Join(entryPackages(), ", "), "data.", ""))}}
}

func entryPackages() []string {
	var names []string
	for name := range entries {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// entryProblems looks at the packages that have an effect: each has rules of the one name that has it, none of its
// counterpart's, and what they refuse or grant carries an id and a sentence where that can be seen.
func entryProblems(modules map[string]*ast.Module) Problems {
	var problems Problems
	seen, first := map[string]bool{}, map[string]*ast.Module{}
	for name, module := range modules {
		at := module.Package.Path.String()
		entry := entries[at]
		if entry == "" || isTestFile(name) {
			continue
		}
		first[at] = module
		for _, rule := range module.Rules {
			head := headName(rule)
			report := func(format string, args ...any) {
				problems = append(problems, Problem{Kind: KindRule, File: name, Row: rule.Location.Row, Message: fmt.Sprintf(format, args...)})
			}
			switch {
			case head == entry:
				seen[at] = true
				if entry == "deny" || entry == "allow" {
					reasonProblems(rule, entry, report)
				}
			case head == "deny" || head == "allow" || head == "include" || head == "exclude":
				report("%s has no effect in package %s, where rules are called %s", head, strings.TrimPrefix(at, "data."), entry)
			}
		}
	}
	for at, module := range first {
		if !seen[at] {
			problems = append(problems, Problem{Kind: KindRule, File: module.Package.Location.File, Row: module.Package.Location.Row,
				Message: fmt.Sprintf("package %s has no rule called %s, so it has no effect", strings.TrimPrefix(at, "data."), entries[at])})
		}
	}
	return problems
}

func headName(rule *ast.Rule) string {
	name, _ := rule.Head.Ref()[0].Value.(ast.Var)
	return string(name)
}

// reasonProblems wants `deny contains {"rule": ..., "sentence": ...}`; what is computed is only known when it is decided, and
// then defaults stand in.
func reasonProblems(rule *ast.Rule, entry string, report func(string, ...any)) {
	if rule.Head.RuleKind() != ast.MultiValue || len(rule.Head.Ref()) != 1 {
		report(`write %s contains {"rule": "...", "sentence": "..."} if { ... }`, entry)
		return
	}
	reason, written := rule.Head.Key.Value.(ast.Object)
	if !written {
		if ast.IsScalar(rule.Head.Key.Value) {
			report(`%s needs an object with "rule" and "sentence", not %s`, entry, rule.Head.Key)
		}
		return
	}
	for _, member := range []string{"rule", "sentence"} {
		term := reason.Get(ast.StringTerm(member))
		switch {
		case term == nil:
			report("%s has no %s: people who are refused or let in need to be told why", entry, member)
		case ast.IsScalar(term.Value):
			if text, ok := term.Value.(ast.String); !ok || strings.TrimSpace(string(text)) == "" {
				report("the %s of %s is no text", member, entry)
			}
		}
	}
}
