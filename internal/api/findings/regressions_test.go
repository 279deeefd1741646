package findings_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// TestSparseFieldsWithIncludes: what the sparse fields of findings leave out is not included either; those of an included type
// leave findings whole.
func TestSparseFieldsWithIncludes(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 10})
	types := func(answer *apitest.Answer) []string {
		included, _ := answer.Want(t, 200).At("/included").([]any)
		var kinds []string
		for _, one := range included {
			kind, _ := one.(map[string]any)["type"].(string)
			kinds = append(kinds, kind)
		}
		slices.Sort(kinds)
		return slices.Compact(kinds)
	}
	const include = "resources,scan.provider"
	id := ada.Get(t, "/findings/latest").Want(t, 200).String("/data/0/id")
	for _, path := range []string{"/findings/latest", "/findings/" + id} {
		at := "/data/0"
		if path != "/findings/latest" {
			at = "/data"
		}
		for _, test := range []struct {
			pairs []string
			want  []string
		}{
			{nil, []string{"providers", "resources", "scans"}},
			{[]string{"fields[findings]", "uid"}, nil},
			{[]string{"fields[findings]", "uid,resources"}, []string{"resources"}},
			{[]string{"fields[findings]", "uid,scan"}, []string{"providers", "scans"}},
			{[]string{"fields[findings]", ""}, nil},
			{[]string{"fields[findings]", "nonsense"}, nil},
			{[]string{"fields[resources]", "uid"}, []string{"providers", "resources", "scans"}},
			{[]string{"fields[resources]", ""}, []string{"providers", "resources", "scans"}},
			{[]string{"fields[providers]", "nonsense"}, []string{"providers", "resources", "scans"}},
			{[]string{"fields[scans]", "provider"}, []string{"providers", "resources", "scans"}},
			// Without the relationship nothing would lead from a scan to its provider.
			{[]string{"fields[scans]", "name"}, []string{"resources", "scans"}},
			{[]string{"fields[scan-summaries]", "name"}, []string{"providers", "resources", "scans"}},
		} {
			answer := ada.Get(t, query(path, append([]string{"include", include}, test.pairs...)...))
			if got := types(answer); !slices.Equal(got, test.want) {
				t.Errorf("%s %v includes %v, want %v", path, test.pairs, got, test.want)
			}
			whole := len(test.pairs) == 0 || test.pairs[0] != "fields[findings]"
			if whole != (answer.At(at+"/attributes/status") != nil) || whole != (answer.At(at+"/attributes/check_metadata") != nil) {
				t.Errorf("%s %v: finding %s", path, test.pairs, answer.Raw)
			}
		}
	}
}

// TestAFilterThatMatchesNothing is answered with an empty page, not with a refusal.
func TestAFilterThatMatchesNothing(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	ada.Connect(t, account, "Main")
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 10})
	theirs := bob.Connect(t, account, "Theirs")
	for _, pairs := range [][2]string{{"provider_id", uuid.NewString()}, {"provider", theirs}, {"provider_uid", "0"}, {"provider_alias__icontains", "%"},
		{"provider_type", "okta"}, {"provider_type__in", "gcp,azure"}, {"provider_groups", uuid.NewString()}, {"check_id", "none"}, {"check_id__icontains", "zzz"},
		{"uid", "none"}, {"region", "moon"}, {"service__in", "a,b"}, {"resource_type", "None"}, {"resource_uid", "none"}, {"resource_name__icontains", "%"},
		{"resources", uuid.NewString()}, {"resource_groups", "none"}, {"category", "none"}, {"delta", "changed"}, {"status", "MANUAL"}, {"muted", "true"}, {"search", "zzz"},
		{"updated_at", "2001-01-01"}} {
		for _, path := range []string{"/findings/latest", "/findings"} {
			query := query(path, "filter["+pairs[0]+"]", pairs[1], "include", "resources,scan.provider")
			if path == "/findings" {
				query += "&filter[scan]=" + scan
			}
			answer := ada.Get(t, query)
			if count(t, answer) != 0 || answer.Len("/data") != 0 || answer.At("/included") != nil && answer.Len("/included") != 0 {
				t.Errorf("%s: %s", query, answer.Raw)
			}
		}
	}
}

// TestFindingsWithTheSameUID: two findings of a scan with one uid are two findings, each with its own id and resource, and both
// compare with what was there before.
func TestFindingsWithTheSameUID(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	file := ocsftest.File{Account: account}
	store := func(statuses ...string) {
		many := []map[string]any{}
		for i, status := range statuses {
			one := file.Finding(i * 5)
			one["finding_info"].(map[string]any)["uid"] = "the same"
			one["status_code"] = status
			many = append(many, one)
		}
		content, err := json.Marshal(many)
		if err != nil {
			t.Fatal(err)
		}
		ada.IngestContent(t, bytes.NewReader(content))
	}
	deltas := func() []string {
		var all []string
		list := ada.Get(t, query("/findings/latest", "filter[uid]", "the same", "sort", "inserted_at")).Want(t, 200)
		for i := range list.Len("/data") {
			one, _ := list.At("/data").([]any)[i].(map[string]any)
			attributes, _ := one["attributes"].(map[string]any)
			delta, _ := attributes["delta"].(string)
			status, _ := attributes["status"].(string)
			all = append(all, status+" "+delta)
		}
		return all
	}
	store("FAIL", "PASS")
	if got := deltas(); !slices.Equal(got, []string{"FAIL new", "PASS new"}) {
		t.Errorf("first %v", got)
	}
	store("PASS", "PASS", "FAIL")
	if got := deltas(); !slices.Equal(got, []string{"PASS ", "PASS ", "FAIL changed"}) {
		t.Errorf("then %v", got)
	}
	if ids := collect(t, ada, "/findings/latest?include=resources", "/relationships/resources/data/0/id"); len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 3 {
		t.Errorf("resources %v", ids)
	}
}

// TestATenantWithoutFindings: every operation on findings answers, with and without providers, also next to a tenant that has some.
func TestATenantWithoutFindings(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	bob, ada := server.SignUp(t, "Bob"), server.SignUp(t, "Ada")
	bob.Connect(t, account, "Theirs")
	theirs := bob.Ingest(t, ocsftest.File{Account: account, Findings: 10})
	for range 2 {
		for _, path := range []string{"/findings/latest", "/findings?filter[inserted_at]=" + today(), "/findings?filter[scan]=" + theirs,
			"/findings/latest?include=resources,scan.provider&sort=severity,-inserted_at"} {
			if answer := ada.Get(t, path); count(t, answer) != 0 || answer.Len("/data") != 0 {
				t.Errorf("%s: %s", path, answer.Raw)
			}
		}
		for _, path := range []string{"/findings/metadata/latest", "/findings/metadata?filter[inserted_at]=" + today(), "/findings/metadata?filter[scan]=" + theirs,
			"/findings/findings_services_regions?filter[inserted_at]=" + today()} {
			if answer := ada.Get(t, path).Want(t, 200); answer.Len("/data/attributes/services") != 0 || answer.Len("/data/attributes/regions") != 0 {
				t.Errorf("%s: %s", path, answer.Raw)
			}
		}
		if len(ada.Get(t, "/providers").Want(t, 200).At("/data").([]any)) == 0 {
			ada.Connect(t, account, "Mine")
		}
	}
}

// TestTheLatestScanOfAListIsTheOneAskedForLast: the newest completed scan is the one that was asked for last, whichever completed last.
func TestTheLatestScanOfAListIsTheOneAskedForLast(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	askedLast := ada.Ingest(t, ocsftest.File{Account: account, Findings: 12})
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 7})
	pool := server.DB.Pool(t, pgtest.Superuser)
	for _, step := range []struct {
		shift string
		want  int
	}{{"1 hour", 12}, {"-2 hours", 7}} {
		if _, err := pool.Exec(t.Context(), `update scans set inserted_at = inserted_at + $2::interval where id = $1`, askedLast, step.shift); err != nil {
			t.Fatal(err)
		}
		if got := count(t, ada.Get(t, "/findings/latest")); got != step.want {
			t.Errorf("asked for %s: %d findings, want %d", step.shift, got, step.want)
		}
	}
}
