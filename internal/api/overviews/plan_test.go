package overviews_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

var (
	marker    = regexp.MustCompile(`/\* TEMPLATE_BEGIN: (\w+) \*/ .*? /\* TEMPLATE_END \*/`)
	parameter = regexp.MustCompile(`@(\w+)`)
	accounts  = regexp.MustCompile(`Seq Scan on (providers|resource_counts)`)
)

// filtered are the conditions that the filters of overviews make, by marker: none, the regions together, one region.
var filtered = []map[string]string{
	{"providers": "true", "where": "true"},
	{"providers": "p.provider = any(array['aws'])", "where": "m.everywhere"},
	{"providers": "p.id = any(array(select id from providers))", "where": "not m.everywhere and m.region = 'eu-west-1'"},
}

// TestEveryOverviewUsesAnIndex explains the statements of overviews as the role that runs them. Sequential scans are made unattractive:
// one that remains has no index to use. Organisations' providers are read as a whole, one look into an index or not.
func TestEveryOverviewUsesAnIndex(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 60})
	connection, err := server.DB.Pool(t, pgtest.App).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Release()
	for _, statement := range []string{"begin", "set local enable_seqscan = off", "set local plan_cache_mode = force_generic_plan",
		"select set_config('app.tenant_id', '" + ada.Tenant + "', true), set_config('app.visible_providers', '*', true)"} {
		if _, err := connection.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	explained := 0
	for _, file := range []string{"overview", "threatscore"} {
		content, err := os.ReadFile("../../../sql/tenant/" + file + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, query := range strings.Split(string(content), "-- name: ")[1:] {
			name, text, _ := strings.Cut(query, " ")
			if !strings.HasPrefix(name, "Overview") && name != "ListThreatScores" && name != "GetThreatScore" {
				continue
			}
			for _, conditions := range filtered {
				if file == "threatscore" || !strings.Contains(text, "scan_figures") && !strings.Contains(text, "scan_services") {
					conditions = map[string]string{"providers": conditions["providers"], "where": "true"}
				}
				_, body, _ := strings.Cut(text, "\n")
				body = marker.ReplaceAllStringFunc(body, func(one string) string { return conditions[marker.FindStringSubmatch(one)[1]] })
				body = parameter.ReplaceAllStringFunc(body, func(one string) string {
					return map[string]string{"@since": "now()", "@until": "now()", "@scan_id": "gen_random_uuid()"}[one]
				})
				rows, err := connection.Query(t.Context(), "explain "+body)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				for rows.Next() {
					var line string
					if err := rows.Scan(&line); err != nil {
						t.Fatal(err)
					}
					if strings.Contains(line, "Seq Scan") && !accounts.MatchString(line) {
						t.Errorf("%s with %v: %s", name, conditions, line)
					}
				}
				if err := rows.Err(); err != nil {
					t.Fatalf("%s with %v: %v", name, conditions, err)
				}
				explained++
			}
		}
	}
	if explained < 30 {
		t.Errorf("%d statements were explained", explained)
	}
}
