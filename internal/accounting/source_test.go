package accounting

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/system"
)

var (
	queryName   = regexp.MustCompile(`(?m)^-- name: (\w+) :\w+$`)
	purposeLine = regexp.MustCompile(`(?m)^-- Purpose: \S`)
	indexLines  = regexp.MustCompile(`(?m)^-- Index: (.*(?:\n-- .*)*)`)
	identifier  = regexp.MustCompile(`[a-z][a-z0-9]*(_[a-z0-9]+)+`)
)

// TestEveryQueryStatesPurposeAndIndex: an auditor reads for each query what it is for and what it costs; every index that is
// named is there.
func TestEveryQueryStatesPurposeAndIndex(t *testing.T) {
	t.Parallel()
	relations := relationNames(t, pgtest.New(t))
	count := 0
	for file, source := range sqlFiles(t, "tenant", "system", "scope") {
		for name, text := range split(source) {
			count++
			if !purposeLine.MatchString(text) {
				t.Errorf("%s: %s states no purpose", file, name)
			}
			found := indexLines.FindStringSubmatch(text)
			if found == nil {
				t.Errorf("%s: %s names no index (-- Index: none is an answer)", file, name)
				continue
			}
			// A word with an underscore is a name; whole items are names too.
			names := identifier.FindAllString(found[1], -1)
			first, _, _ := strings.Cut(found[1], ";")
			for _, item := range strings.Split(strings.TrimSuffix(strings.TrimSpace(first), "."), ",") {
				if item = strings.TrimSpace(item); !strings.Contains(item, " ") && item != "none" {
					names = append(names, item)
				}
			}
			for _, one := range names {
				if !slices.Contains(relations, one) {
					t.Errorf("%s: %s names %q, which is no index, table or column", file, name, one)
				}
			}
		}
	}
	if count < 150 {
		t.Errorf("only %d queries found", count)
	}
}

// TestSystemQueriesStateTheirReason: a file of system queries is named after its scope and says why that crosses tenants.
func TestSystemQueriesStateTheirReason(t *testing.T) {
	t.Parallel()
	head := regexp.MustCompile(`^-- Scope (\w+)\. Reason: \S.{20}`)
	known := scopes()
	for file, source := range sqlFiles(t, "system") {
		name := strings.TrimSuffix(filepath.Base(file), ".sql")
		found := head.FindStringSubmatch(source)
		if found == nil || found[1] != name {
			t.Errorf("%s does not begin with its scope and reason", file)
		}
		if !slices.Contains(known, system.Scope(name)) {
			t.Errorf("%s is named after no scope", file)
		}
	}
	for _, scope := range known {
		if _, err := os.Stat(filepath.Join("..", "..", "sql", "system", string(scope)+".sql")); err != nil {
			t.Errorf("scope %s has no file of queries", scope)
		}
	}
}

// sqlFiles are the contents of the SQL files of some folders, by path.
func sqlFiles(t *testing.T, folders ...string) map[string]string {
	t.Helper()
	sources := make(map[string]string)
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join("..", "..", "sql", folder, "*.sql"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in sql/%s: %v", folder, err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sources[file] = string(source)
		}
	}
	return sources
}

// split cuts a file into its named queries; a file without names is one query.
func split(source string) map[string]string {
	starts := queryName.FindAllStringSubmatchIndex(source, -1)
	if len(starts) == 0 {
		return map[string]string{"the statement": source}
	}
	queries := make(map[string]string)
	for i, start := range starts {
		end := len(source)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		queries[source[start[2]:start[3]]] = source[start[0]:end]
	}
	return queries
}

func relationNames(t *testing.T, db *pgtest.DB) []string {
	t.Helper()
	rows, err := db.Pool(t, pgtest.Superuser).Query(t.Context(), `
		select relname::text from pg_class where relnamespace in ('public'::regnamespace, 'river'::regnamespace)
		union select attname::text from pg_attribute a join pg_class c on c.oid = attrelid where relnamespace = 'public'::regnamespace and attnum > 0`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}
