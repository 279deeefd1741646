package overviews_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// total is the number of findings that the overview counts.
func total(t *testing.T, client *apitest.Client, query string) int {
	t.Helper()
	return number(t, client.Get(t, "/overviews/findings?"+query), "/data/attributes/total")
}

// TestTheLatestScanIsTheOneAskedForLast: of the scans that completed, the one that was asked for last counts, also when one that
// was asked for before it completed after it. Lists and overviews agree on it. Days go by completion.
func TestTheLatestScanIsTheOneAskedForLast(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	askedLast := ada.Ingest(t, ocsftest.File{Account: account, Findings: 40})
	completedLast := ada.Ingest(t, ocsftest.File{Account: account, Findings: 15})
	pool := server.DB.Pool(t, pgtest.Superuser)
	if _, err := pool.Exec(t.Context(), `update scans set inserted_at = inserted_at + interval '1 hour' where id = $1`, askedLast); err != nil {
		t.Fatal(err)
	}
	if got := total(t, ada, ""); got != 40 || listed(t, ada, "") != 40 {
		t.Errorf("the overview counts %d findings, the list %d", got, listed(t, ada, ""))
	}
	services := ada.Get(t, "/overviews/services").Want(t, 200)
	metadata := ada.Get(t, "/findings/metadata/latest").Want(t, 200)
	if services.Len("/data") != metadata.Len("/data/attributes/services") {
		t.Errorf("services %s, to choose from %s", services.Raw, metadata.Raw)
	}
	series := ada.Get(t, seriesPath+"?filter[date_from]="+time.Now().UTC().Format(time.DateOnly)).Want(t, 200)
	if got := series.String("/data/0/attributes/scan_ids/0"); got != completedLast {
		t.Errorf("today goes by %s, want %s", got, completedLast)
	}
}

// TestScansThatDidNotCompleteNeverCount: whatever rows such a scan has, no overview sees them.
func TestScansThatDidNotCompleteNeverCount(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	importFrameworks(t, server, "aws")
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	store(t, ada, "aws", account, ofAccount...)
	paths := []string{"findings", "findings_severity", "services", "regions", "providers", "attack-surfaces", "categories", "resource-groups",
		"findings_severity/timeseries?filter[date_from]=" + time.Now().UTC().Format(time.DateOnly)}
	before := map[string]string{}
	for _, path := range paths {
		before[path] = string(ada.Get(t, "/overviews/"+path).Want(t, 200).Raw)
	}
	later := store(t, ada, "aws", account, ofSubscription[0])
	pool := server.DB.Pool(t, pgtest.Superuser)
	for _, state := range []string{"executing", "failed", "cancelled", "available", "scheduled"} {
		if _, err := pool.Exec(t.Context(), `update scans set state = $2 where id = $1`, later, state); err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if got := string(ada.Get(t, "/overviews/"+path).Want(t, 200).Raw); got != before[path] {
				t.Errorf("with a scan that is %s, %s is %s and was %s", state, path, got, before[path])
			}
		}
	}
}

// TestManualFindings count in totals and changes; they are neither passed nor failed, and no severity counts them.
func TestManualFindings(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	store(t, ada, "aws", account, found{check: "a", status: "MANUAL", severity: "Critical", categories: []string{"c"}}, found{check: "b", status: "PASS"},
		found{check: "c", status: "MANUAL", muted: true})
	findings := ada.Get(t, "/overviews/findings")
	for member, want := range map[string]int{"total": 3, "pass": 1, "fail": 0, "muted": 1, "new": 2, "fail_new": 0, "pass_new": 1, "muted_new": 1} {
		if got := number(t, findings, "/data/attributes/"+member); got != want {
			t.Errorf("%s is %d, want %d", member, got, want)
		}
	}
	if got := number(t, ada.Get(t, "/overviews/findings_severity"), "/data/attributes/critical"); got != 0 {
		t.Errorf("%d critical", got)
	}
	same(t, "categories", categories(t, ada, ""), map[string]string{"c": "1 0 0 0 0 0 0 0"})
	if listed(t, ada, "filter[status]=MANUAL") != 2 {
		t.Error("the list lacks manual findings")
	}
}

// TestATenantWithoutData gets an answer from every overview, also one whose providers were never scanned.
func TestATenantWithoutData(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	bob := server.SignUp(t, "Bob")
	bob.Connect(t, account, "Theirs")
	bob.Ingest(t, ocsftest.File{Account: account, Findings: 30})
	ada := server.SignUp(t, "Ada")
	from := time.Now().UTC().Format(time.DateOnly)
	for _, when := range []string{"without providers", "without scans"} {
		if when == "without scans" {
			ada.Connect(t, account, "Mine")
		}
		for path, want := range map[string]int{"services": 0, "regions": 0, "providers": 0, "categories": 0, "resource-groups": 0, "threatscore": 0,
			"attack-surfaces": 4, "findings_severity/timeseries?filter[date_from]=" + from: 1} {
			if answer := ada.Get(t, "/overviews/"+path).Want(t, 200); answer.Len("/data") != want {
				t.Errorf("%s: %s is %s", when, path, answer.Raw)
			}
		}
		for _, path := range []string{"findings", "findings_severity"} {
			answer := ada.Get(t, "/overviews/"+path).Want(t, 200)
			attributes, _ := answer.At("/data/attributes").(map[string]any)
			for name, value := range attributes {
				if value != 0.0 {
					t.Errorf("%s: %s of %s is %v", when, name, path, value)
				}
			}
		}
	}
}

// TestALargeProviderBesideASmallOne: a provider with thousands of findings hides nothing of one with three.
func TestALargeProviderBesideASmallOne(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	large, small := ada.Connect(t, account, "Large"), ada.Connect(t, other, "Small")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 6000})
	scan := store(t, ada, "aws", other, found{check: "only_here", status: "FAIL", severity: "Informational", region: "moon"},
		found{check: "only_here", status: "PASS", region: "moon"}, found{check: "also_here", status: "PASS"})
	for query, want := range map[string]int{"": 6003, "filter[provider_id]=" + large: 6000, "filter[provider_id]=" + small: 3, "filter[region]=moon": 2} {
		if got := total(t, ada, query); got != want || listed(t, ada, query) != want {
			t.Errorf("%q: the overview counts %d, the list %d, want %d", query, got, listed(t, ada, query), want)
		}
	}
	for _, query := range []string{"filter[check_id]=only_here&filter[status]=FAIL", "filter[provider_id]=" + small + "&sort=severity", "sort=-inserted_at",
		"filter[region__icontains]=MOON&sort=severity"} {
		answer := ada.Get(t, "/findings/latest?page[size]=1&"+query).Want(t, 200)
		if got := answer.String("/data/0/relationships/scan/data/id"); got != scan {
			t.Errorf("%s: the first finding is of %s", query, got)
		}
	}
}

// TestResourcesAreCountedAsTheyAre: the number of resources is that of the rows, whatever adds or removes them.
func TestResourcesAreCountedAsTheyAre(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	provider := ada.Connect(t, account, "Main")
	azure := connect(t, ada, "azure", subscription)
	pool := server.DB.Pool(t, pgtest.Superuser)
	want := func(types int, when string) {
		t.Helper()
		answer := ada.Get(t, "/overviews/providers").Want(t, 200)
		for i := range answer.Len("/data") {
			at := fmt.Sprintf("/data/%d/", i)
			rows := number(t, ada.Get(t, "/resources/latest?page[size]=1&filter[provider_type]="+answer.String(at+"id")), "/meta/pagination/count")
			if got := number(t, answer, at+"attributes/resources/total"); got != rows {
				t.Errorf("%s: %s has %d resources, the overview %d", when, answer.String(at+"id"), rows, got)
			}
		}
		if answer.Len("/data") != types {
			t.Errorf("%s: %s", when, answer.Raw)
		}
	}
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 200})
	want(1, "after a scan")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 320})
	store(t, ada, "azure", subscription, ofSubscription...)
	want(2, "after three")
	if _, err := pool.Exec(t.Context(), `delete from resources where provider_id = $1 and name like 's3%'`, provider); err != nil {
		t.Fatal(err)
	}
	want(2, "after some went")
	ada.Delete(t, "/providers/"+azure).Want(t, 202)
	want(1, "without a provider")
}

// TestOddValuesAreNoFailures: whatever a parameter holds, the answer is a figure or a refusal.
func TestOddValuesAreNoFailures(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 10})
	values := []string{"", "x", "0", "-1", "NaN", "Infinity", "1e308", "9223372036854775808", "0001-01-01", "9999-12-31", "2024-02-30", "10000-01-01", "\x00", "\xff", ",", ",,x",
		"%", "'", "null", "{}", "[]", "true", uuid.NewString(), uuid.Nil.String(), "ａｗｓ", "AWS", "aws,aws", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999999-14:00"}
	names := []string{"provider_id", "provider_id__in", "provider_type", "provider_type.in", "provider_groups", "provider_groups__in", "region", "region__icontains",
		"inserted_at", "inserted_at__gte", "inserted_at__lte", "inserted_at__date", "status", "status__in", "category", "category__in", "resource_group",
		"resource_group__in", "date_from", "date_to", "scan_id", "compliance_id", "overall_score", "overall_score__gte", "overall_score__lte", "search", "colour"}
	today := time.Now().UTC().Format(time.DateOnly)
	for path, spelling := range map[string]string{"findings": "filter[%s]", "findings_severity": "filter[%s]", "findings_severity/timeseries": "filter[%s]",
		"attack-surfaces": "%s", "categories": "%s", "resource-groups": "filter[%s]", "threatscore": "%s"} {
		for _, name := range names {
			for _, value := range values {
				query := url.Values{fmt.Sprintf(spelling, name): {value}}
				if path == "findings_severity/timeseries" && name != "date_from" {
					query.Set("filter[date_from]", today)
				}
				if answer := ada.Get(t, "/overviews/"+path+"?"+query.Encode()); answer.Status != 200 && answer.Status != 400 {
					t.Errorf("%s?%s: %d %s", path, query.Encode(), answer.Status, answer.Raw)
				}
			}
		}
	}
	for _, value := range values {
		if answer := ada.Get(t, "/overviews/threatscore?snapshot_id="+url.QueryEscape(value)); answer.Status != 200 && answer.Status != 400 && answer.Status != 404 {
			t.Errorf("snapshot %q: %d %s", value, answer.Status, answer.Raw)
		}
	}
}
