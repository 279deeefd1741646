// Package lint holds the repository's own rules as static analysis: SQL text stands in SQL files and in generated code
// only, the database is reached through the executors only, and dependencies point inward.
//
// What does not belong here: rules that a general tool checks already.
package lint

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Module is the path that the rules' package names are relative to.
const Module = "github.com/palisade-sec/palisade/"

// Analyzers are all rules.
func Analyzers() []*analysis.Analyzer { return []*analysis.Analyzer{SQL, Pool, Inward} }

// SQL forbids SQL text in Go. Generated code is made from SQL files; internal/filter is the compiler of conditions.
var SQL = &analysis.Analyzer{
	Name: "sqltext",
	Doc:  "SQL text belongs in sql/ and migrations/, not in Go",
	Run:  func(pass *analysis.Pass) (any, error) { return nil, checkSQL(pass) },
}

// Pool forbids connections and pools outside the packages that are made for them.
var Pool = &analysis.Analyzer{
	Name: "pool",
	Doc:  "the database is reached through the executors: no connection and no pool elsewhere",
	Run:  func(pass *analysis.Pass) (any, error) { return nil, checkPool(pass) },
}

// Inward forbids imports that point outward: nothing but the program's assembly imports the API.
var Inward = &analysis.Analyzer{
	Name: "inward",
	Doc:  "dependencies point inward: internal/api is imported by internal/app, and internal/app by commands alone",
	Run:  func(pass *analysis.Pass) (any, error) { return nil, checkInward(pass) },
}

// The packages in which a rule does not hold, relative to Module, with everything below them.
var (
	mayHoldSQL  = []string{"gen", "internal/filter", "internal/lint"}
	mayConnect  = []string{"internal/pipeline", "internal/migrate", "internal/postgres", "internal/pgtest", "internal/bench"}
	mayHavePool = append([]string{"internal/tenant", "internal/system", "internal/jobs"}, mayConnect...)
	mayOpen     = []string{"internal/tenant", "internal/system"}
	maySeal     = []string{"internal/tenant", "internal/system", "gen"}
	mayQueue    = []string{"internal/jobs", "internal/system"}
	outermost   = []string{"cmd", "tools", "internal/app", "internal/apitest", "internal/demo", "internal/bench"}
)

// statement matches what begins like an SQL statement. It errs on the side of silence for English: a word alone is none.
var statement = regexp.MustCompile(`(?is)^\s*(--[^\n]*\n\s*)*(` +
	`select\b.*\bfrom\s+[a-z_."]+|select\s+(set_config|pg_|current_setting|count|now|nextval)\w*\s*\(|` +
	`insert\s+into\s+[a-z_."]+\s*(\(|select|values|default)|update\s+[a-z_."]+\s+(as\s+\w+\s+|[a-z]\s+)?set\s+[a-z_"]+\s*=|` +
	`delete\s+from\s+[a-z_."]+(\s+(where|using)\b|\s*;?\s*$)|with\s+(recursive\s+)?\w+\s+as\s+(materialized\s+)?\(|` +
	`(create|alter|drop)\s+(or\s+replace\s+)?(unique\s+)?(temporary\s+|temp\s+)?(table|index|role|policy|schema|function|procedure|view|extension|database)\s+(if\s+(not\s+)?exists\s+)?[a-z_."%]+|` +
	`truncate\s+(table\s+)?[a-z_."]+\s*;?$|grant\s+\w+.*\s+on\s+.*\s+to\s+|revoke\s+\w+.*\s+on\s+.*\s+from\s+|set\s+(local|session)\s+\w+|(un)?listen\s+[a-z_"]+;|copy\s+[a-z_."]+.*\s+(from|to)\s+std)`)

func checkSQL(pass *analysis.Pass) error {
	if isIn(pass, mayHoldSQL) {
		return nil
	}
	for _, file := range sources(pass) {
		ast.Inspect(file, func(node ast.Node) bool {
			expression, ok := node.(ast.Expr)
			if !ok {
				return true
			}
			// The value of a whole constant expression, so that text split with + is seen as one.
			value := pass.TypesInfo.Types[expression].Value
			if value == nil || value.Kind() != constant.String {
				return true
			}
			text := constant.StringVal(value)
			if statement.MatchString(text) && !strings.HasSuffix(text, ": %w") && !strings.HasSuffix(text, ": %v") { // an error's context
				pass.Reportf(expression.Pos(), "SQL text in Go: put it into a file below sql/")
			}
			return false
		})
	}
	return nil
}

// connecting are the functions that make a connection or a pool.
var connecting = map[string][]string{
	"github.com/jackc/pgx/v5":         {"Connect", "ConnectConfig", "ConnectWithOptions"},
	"github.com/jackc/pgx/v5/pgconn":  {"Connect", "ConnectConfig", "ConnectWithOptions"},
	"github.com/jackc/pgx/v5/pgxpool": {"New", "NewWithConfig"},
	"github.com/jackc/pgx/v5/stdlib":  {"OpenDB", "OpenDBFromPool", "RegisterConnConfig"},
	"database/sql":                    {"Open", "OpenDB"},
}

func checkPool(pass *analysis.Pass) error {
	for _, file := range sources(pass) {
		ast.Inspect(file, func(node ast.Node) bool {
			name, ok := node.(*ast.Ident)
			if !ok {
				return true
			}
			used := pass.TypesInfo.Uses[name]
			if used == nil || used.Pkg() == nil {
				return true
			}
			if why := forbidden(pass, used); why != "" {
				pass.Reportf(name.Pos(), "%s", why)
			}
			return true
		})
	}
	return nil
}

// forbidden says why a package may not use an object, or nothing.
func forbidden(pass *analysis.Pass, used types.Object) string {
	path, name := used.Pkg().Path(), used.Name()
	switch {
	case slices.Contains(connecting[path], name) && !isIn(pass, mayConnect):
		return name + " of " + path + " opens a way to the database beside the executors"
	case path == "github.com/jackc/pgx/v5/pgxpool" && name == "Pool" && !isIn(pass, mayHavePool):
		return "a pool reaches the database beside the executors"
	case path == Module+"internal/pipeline" && name == "Open" && !isIn(pass, mayOpen):
		return "only the executors open pipelines"
	case path == Module+"internal/system" && name == "QueuePool" && !isIn(pass, mayQueue):
		return "the queue's pool is for internal/jobs alone"
	case (path == Module+"internal/tenant" || path == Module+"internal/system") && name == "Sealed" && !isIn(pass, maySeal):
		return "whoever embeds Sealed could pass a pool off as an executor"
	case path == Module+"internal/pipeline" && name == "Unwrap" && !isIn(pass, mayOpen):
		return "the bare transaction is for the executors alone"
	case path == Module+"internal/pgtest" && !isIn(pass, append([]string{"internal/apitest"}, mayConnect...)):
		return "internal/pgtest is for tests alone"
	}
	return ""
}

func checkInward(pass *analysis.Pass) error {
	if strings.HasSuffix(pass.Pkg.Path(), ".test") {
		return nil // the main package that the go command makes of a package's tests
	}
	for _, file := range sources(pass) {
		for _, spec := range file.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			switch {
			case below(path, "internal/api") && !isIn(pass, append([]string{"internal/api"}, outermost...)):
				pass.Reportf(spec.Pos(), "dependencies point inward: only internal/app imports %s", path)
			case below(path, "internal/app") && !isIn(pass, outermost):
				pass.Reportf(spec.Pos(), "dependencies point inward: only commands import %s", path)
			}
		}
	}
	return nil
}

// sources are the files that the rules hold in: all but tests, which arrange and inspect as they like.
func sources(pass *analysis.Pass) []*ast.File {
	return slices.DeleteFunc(slices.Clone(pass.Files), func(file *ast.File) bool {
		return strings.HasSuffix(filepath.Base(position(pass, file).Filename), "_test.go")
	})
}

func position(pass *analysis.Pass, file *ast.File) token.Position {
	return pass.Fset.PositionFor(file.Package, false)
}

func isIn(pass *analysis.Pass, packages []string) bool {
	return slices.ContainsFunc(packages, func(name string) bool { return below(pass.Pkg.Path(), name) })
}

// below reports whether a package is the named one of the module or one below it.
func below(path, name string) bool {
	rest, ok := strings.CutPrefix(path, Module)
	return ok && (rest == name || strings.HasPrefix(rest, name+"/"))
}
