package compliance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/compliance"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const (
	account = "123456789012"
	other   = "222222222222"
)

// requirement and framework are what a test's catalogue says.
type requirement struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Attributes  []map[string]any `json:"attributes"`
	Checks      []string         `json:"checks"`
}

type framework struct {
	Framework    string        `json:"framework"`
	Name         string        `json:"name"`
	Version      string        `json:"version"`
	Description  string        `json:"description"`
	Requirements []requirement `json:"requirements"`
}

func demand(id string, checks ...string) requirement {
	return requirement{ID: id, Name: "Name of " + id, Description: "About " + id, Checks: checks, Attributes: []map[string]any{{"Section": "S"}}}
}

// house is a catalogue about the checks of made findings files.
func house() map[string]map[string]framework {
	sampled := framework{Framework: "House", Name: "Rules of the house", Version: "1.0", Requirements: []requirement{
		demand("1", "iam_sample_check_0", "iam_sample_check_1", "iam_sample_check_0"), demand("2", "s3_sample_check_3"), demand("3"), demand("4", "nobody_has_it"),
		demand("5", "kms_sample_check_2", "ec2_sample_check_5"), demand("twice"), demand("6", "sqs_sample_check_7"), demand("twice", "rds_sample_check_1")}}
	shared := framework{Framework: "Shared", Name: "For all", Version: "2", Requirements: []requirement{demand("a", "lambda_sample_check_1"), demand("b"), demand("c", "nobody_has_it")}}
	elsewhere := shared
	elsewhere.Requirements = []requirement{demand("b", "azure_check"), demand("d"), demand("a")}
	return map[string]map[string]framework{
		"aws": {"house_1.0_aws": sampled, "shared_2": shared, "sample_threatscore_aws": {Framework: "Scored", Name: "Scored", Version: "1.0",
			Requirements: []requirement{demand("s1", "iam_sample_check_0", "s3_sample_check_3"), demand("s2")}}},
		"azure": {"shared_2": elsewhere, "only_azure": elsewhere},
	}
}

func load(t testing.TB, server *apitest.Server, frameworks map[string]map[string]framework) {
	t.Helper()
	providers := map[string]any{}
	for provider, some := range frameworks {
		providers[provider] = map[string]any{"checks": map[string]any{}, "frameworks": some}
	}
	content, err := json.Marshal(map[string]any{"engine": "sample", "version": "0.0.1", "providers": providers})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := catalogue.Import(context.WithoutCancel(t.Context()), server.App.System, strings.NewReader(string(content))); err != nil {
		t.Fatal(err)
	}
}

func path(operation string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return "/compliance-overviews" + operation + "?" + values.Encode()
}

// statuses are the statuses that an answer gives requirements.
func statuses(t *testing.T, answer *apitest.Answer) map[string]string {
	t.Helper()
	found := map[string]string{}
	for i := range answer.Want(t, 200).Len("/data") {
		found[answer.String(fmt.Sprintf("/data/%d/id", i))] = answer.String(fmt.Sprintf("/data/%d/attributes/status", i))
	}
	return found
}

// expected judges a framework by the findings themselves: those of a scan, in one region or ("") everywhere.
func expected(t *testing.T, server *apitest.Server, of framework, region string, scans ...string) map[string]string {
	t.Helper()
	want := map[string]string{}
	for _, one := range of.Requirements {
		if len(one.Checks) == 0 {
			want[one.ID] = "MANUAL"
			continue
		}
		var failed bool
		err := server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select exists (select from findings where scan_id = any($1::uuid[])
			and check_id = any($2) and status = 'FAIL' and not muted and ($3 = '' or region = $3))`, scans, one.Checks, region).Scan(&failed)
		if err != nil {
			t.Fatal(err)
		}
		want[one.ID] = map[bool]string{true: "FAIL", false: "PASS"}[failed]
	}
	return want
}

func tally(want map[string]string) [4]int {
	var counts [4]int
	for _, status := range want {
		counts[map[string]int{"PASS": 0, "FAIL": 1, "MANUAL": 2}[status]]++
	}
	counts[3] = len(want)
	return counts
}

func counted(t *testing.T, answer *apitest.Answer, id string) (counts [4]int) {
	t.Helper()
	for i := range answer.Want(t, 200).Len("/data") {
		if answer.String(fmt.Sprintf("/data/%d/id", i)) != id {
			continue
		}
		for j, name := range []string{"requirements_passed", "requirements_failed", "requirements_manual", "total_requirements"} {
			number, _ := answer.At(fmt.Sprintf("/data/%d/attributes/%s", i, name)).(float64)
			counts[j] = int(number)
		}
		return counts
	}
	t.Fatalf("no %s in %s", id, answer.Raw)
	return counts
}

func regionsOf(t *testing.T, answer *apitest.Answer) (regions []string) {
	t.Helper()
	for i := range answer.Want(t, 200).Len("/data/attributes/regions") {
		regions = append(regions, answer.String(fmt.Sprintf("/data/attributes/regions/%d", i)))
	}
	return regions
}

// recount counts a completed scan again, as muting and the upkeep of scans of earlier versions do.
func recount(t *testing.T, server *apitest.Server, of *apitest.Client, scan string) {
	t.Helper()
	scope := tenant.NewScope(uuid.MustParse(of.Tenant), uuid.Nil, tenant.SeeAll())
	provider := of.Get(t, "/scans/"+scan).Want(t, 200).String("/data/relationships/provider/data/id")
	err := server.App.Tenants.Write(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error {
		return ingest.RecountCompleted(ctx, tx, ingest.Scan{ID: uuid.MustParse(scan), ProviderID: uuid.MustParse(provider)})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestResultsAreThoseOfTheFindings(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	load(t, server, house())
	ada := server.SignUp(t, "Ada")
	provider := ada.Connect(t, account, "Main")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 60})
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 310, Flip: 5})
	regions := regionsOf(t, ada.Get(t, path("/metadata", "filter[scan_id]", scan)))
	if !slices.Equal(regions, []string{"eu-central-1", "eu-west-1", "us-east-1", "us-west-2"}) {
		t.Errorf("regions %v", regions)
	}
	check := func(when string) {
		t.Helper()
		for id, one := range house()["aws"] {
			want := expected(t, server, one, "", scan)
			if got := statuses(t, ada.Get(t, path("/requirements", "filter[scan_id]", scan, "filter[compliance_id]", id))); !maps.Equal(got, want) {
				t.Errorf("%s: %s is %v, the findings say %v", when, id, got, want)
			}
			for by, answer := range map[string]*apitest.Answer{"scan": ada.Get(t, path("", "filter[scan_id]", scan)), "provider": ada.Get(t, path("", "filter[provider_id]", provider)),
				"watchlist": ada.Get(t, "/overviews/compliance-watchlist")} {
				if got := counted(t, answer, id); got != tally(want) {
					t.Errorf("%s: by %s %s counts %v, want %v", when, by, id, got, tally(want))
				}
			}
			for _, region := range regions {
				want := expected(t, server, one, region, scan)
				if got := statuses(t, ada.Get(t, path("/requirements", "filter[scan_id]", scan, "filter[compliance_id]", id, "filter[region]", region))); !maps.Equal(got, want) {
					t.Errorf("%s: %s in %s is %v, the findings say %v", when, id, region, got, want)
				}
				if got := counted(t, ada.Get(t, path("", "filter[scan_id]", scan, "filter[region]", region)), id); got != tally(want) {
					t.Errorf("%s: %s in %s counts %v, want %v", when, id, region, got, tally(want))
				}
			}
		}
	}
	check("counted")
	muted, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update findings set muted = true where scan_id = $1 and status = 'FAIL' and service in ('iam', 's3')`, scan)
	if err != nil || muted.RowsAffected() == 0 {
		t.Fatalf("muted %d (%v)", muted.RowsAffected(), err)
	}
	recount(t, server, ada, scan)
	check("after muting")
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update findings set muted = true where scan_id = $1`, scan); err != nil {
		t.Fatal(err)
	}
	recount(t, server, ada, scan)
	if left := ada.Get(t, path("", "filter[scan_id]", scan)).Want(t, 200); left.Len("/data") != 0 {
		t.Errorf("a scan of which all is muted says %s", left.Raw)
	}
}

// TestFindingsWithoutARegionCount: what is about a whole account or cluster fails its requirement, though in no region.
func TestFindingsWithoutARegionCount(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	load(t, server, house())
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	one := ocsftest.File{Account: account}.Finding(0)
	for _, resource := range one["resources"].([]any) {
		resource.(map[string]any)["region"] = ""
	}
	one["cloud"].(map[string]any)["region"] = ""
	content, err := json.Marshal([]any{one})
	if err != nil {
		t.Fatal(err)
	}
	scan := ada.IngestContent(t, strings.NewReader(string(content)))
	got := statuses(t, ada.Get(t, path("/requirements", "filter[scan_id]", scan, "filter[compliance_id]", "house_1.0_aws")))
	if got["1"] != "FAIL" || got["2"] != "PASS" {
		t.Errorf("statuses %v", got)
	}
	if regions := regionsOf(t, ada.Get(t, path("/metadata", "filter[scan_id]", scan))); len(regions) != 0 {
		t.Errorf("regions %v", regions)
	}
	if answer := ada.Get(t, path("", "filter[scan_id]", scan, "filter[region__in]", ",")); answer.Want(t, 200).Len("/data") != 0 {
		t.Errorf("in no region: %s", answer.Raw)
	}
}

// TestALaterCatalogueChangesNoResult imports a framework whose requirements moved, between scans of two providers.
func TestALaterCatalogueChangesNoResult(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	frameworks := house()
	load(t, server, frameworks)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	ada.Connect(t, other, "Other")
	before := ada.Ingest(t, ocsftest.File{Account: account, Findings: 200})
	asked := path("/requirements", "filter[scan_id]", before, "filter[compliance_id]", "house_1.0_aws")
	first := ada.Get(t, asked).Want(t, 200)
	later := frameworks["aws"]["house_1.0_aws"]
	later.Version = "1.1"
	later.Requirements = append([]requirement{demand("0", "nobody_has_it"), demand("2")}, later.Requirements[4], demand("1", "vpc_sample_check_4"), demand("7", "s3_sample_check_3"))
	load(t, server, map[string]map[string]framework{"aws": {"house_1.0_aws": later}})
	if again := ada.Get(t, asked).Want(t, 200); string(again.Raw) != string(first.Raw) {
		t.Errorf("the scan said\n%s\nand says\n%s", first.Raw, again.Raw)
	}
	recount(t, server, ada, before)
	if again := ada.Get(t, asked).Want(t, 200); string(again.Raw) != string(first.Raw) {
		t.Errorf("counted again the scan says %s", again.Raw)
	}
	if gone := ada.Get(t, path("/requirements", "filter[scan_id]", before, "filter[compliance_id]", "shared_2")).Want(t, 200); gone.Len("/data") != 3 {
		t.Errorf("a framework that is gone from the catalogue has lost its results: %s", gone.Raw)
	}
	after := ada.Ingest(t, ocsftest.File{Account: other, Findings: 200, Flip: 3})
	want := expected(t, server, later, "", after)
	if got := statuses(t, ada.Get(t, path("/requirements", "filter[scan_id]", after, "filter[compliance_id]", "house_1.0_aws"))); !maps.Equal(got, want) {
		t.Errorf("the new scan says %v, want %v", got, want)
	}
	// Together they are put together by the ids of requirements: what passed here and is manual there counts as failed.
	for id, status := range expected(t, server, house()["aws"]["house_1.0_aws"], "", before) {
		if there, both := want[id]; !both {
			want[id] = status
		} else if there != status {
			want[id] = "FAIL"
		}
	}
	together := ada.Get(t, path("/requirements", "filter[provider_type]", "aws", "filter[compliance_id]", "house_1.0_aws"))
	if got := statuses(t, together); !maps.Equal(got, want) {
		t.Errorf("together %v, want %v", got, want)
	}
	if together.String("/data/0/attributes/version") != "1.1" {
		t.Errorf("the texts are not those of the newest: %s", together.Raw)
	}
	agree(t, ada, 3)
	recount(t, server, ada, before)
	agree(t, ada, 3)
	load(t, server, house())
	if again := ada.Get(t, asked).Want(t, 200); string(again.Raw) != string(first.Raw) {
		t.Errorf("after the old catalogue came back the scan says\n%s", again.Raw)
	}
}

// agree holds the counts of all frameworks, which are read from one row a scan, against those of each alone, which have rows of their own.
func agree(t *testing.T, client *apitest.Client, frameworks int) {
	t.Helper()
	whole := client.Get(t, path("", "filter[provider_type__in]", "aws,azure")).Want(t, 200)
	if whole.Len("/data") != frameworks {
		t.Errorf("%d frameworks in %s", whole.Len("/data"), whole.Raw)
	}
	for i := range whole.Len("/data") {
		id := whole.String(fmt.Sprintf("/data/%d/id", i))
		alone := client.Get(t, path("", "filter[provider_type__in]", "aws,azure", "filter[compliance_id]", id)).Want(t, 200)
		if got, want := fmt.Sprint(whole.At(fmt.Sprintf("/data/%d", i))), fmt.Sprint(alone.At("/data/0")); got != want {
			t.Errorf("of %s all together say %s, alone it is %s", id, got, want)
		}
	}
}

// TestScansFromBeforeTheCatalogueAreCountedLater: what completed when there was nothing to hold it against waits for an import.
func TestScansFromBeforeTheCatalogueAreCountedLater(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	early := ada.Ingest(t, ocsftest.File{Account: account, Findings: 50})
	ask := path("", "filter[scan_id]", early)
	if none := ada.Get(t, ask).Want(t, 200); none.Len("/data") != 0 {
		t.Fatalf("without a catalogue: %s", none.Raw)
	}
	again := func(want int64) {
		t.Helper()
		if marked, err := compliance.CountAgain(t.Context(), server.App.Tenants, server.App.System); err != nil || marked != want {
			t.Errorf("%d scans are to be counted again, want %d (%v)", marked, want, err)
		}
	}
	again(0)
	load(t, server, map[string]map[string]framework{"azure": house()["azure"]})
	again(0)
	load(t, server, house())
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 50})
	again(1)
	again(0)
	var version int
	if err := server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select aggregates_version from scans where id = $1`, early).Scan(&version); err != nil || version != 0 {
		t.Errorf("version %d (%v)", version, err)
	}
	recount(t, server, ada, early)
	if got, want := counted(t, ada.Get(t, ask), "house_1.0_aws"), tally(expected(t, server, house()["aws"]["house_1.0_aws"], "", early)); got != want {
		t.Errorf("counted later: %v, want %v", got, want)
	}
	again(0)
}

func TestScoredRequirementsCountFindings(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	load(t, server, house())
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 310})
	for _, region := range []string{"", "eu-west-1"} {
		pairs := []string{"filter[scan_id]", scan, "filter[compliance_id]", "sample_threatscore_aws"}
		if region != "" {
			pairs = append(pairs, "filter[region]", region)
		}
		answer := ada.Get(t, path("/requirements", pairs...)).Want(t, 200)
		var passed, total float64
		err := server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select count(*) filter (where status = 'PASS'), count(*) from findings
			where scan_id = $1 and check_id in ('iam_sample_check_0', 's3_sample_check_3') and ($2 = '' or region = $2)`, scan, region).Scan(&passed, &total)
		if err != nil || total == 0 {
			t.Fatalf("%v findings (%v)", total, err)
		}
		if answer.At("/data/0/attributes/passed_findings") != passed || answer.At("/data/0/attributes/total_findings") != total ||
			answer.At("/data/1/attributes/total_findings") != 0.0 {
			t.Errorf("%q: %s, want %v of %v", region, answer.Raw, passed, total)
		}
	}
	if plain := ada.Get(t, path("/requirements", "filter[scan_id]", scan, "filter[compliance_id]", "shared_2")); plain.At("/data/0/attributes/total_findings") != nil {
		t.Errorf("a framework without scores counts findings: %s", plain.Raw)
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	load(t, server, house())
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 10})
	answer := ada.Get(t, path("/attributes", "filter[compliance_id]", "house_1.0_aws")).Want(t, 200)
	if answer.Len("/data") != 7 || answer.String("/data/0/attributes/name") != "Name of 1" || answer.Len("/data/0/attributes/attributes/check_ids") != 2 ||
		answer.String("/data/0/attributes/attributes/metadata/0/Section") != "S" || answer.String("/data/5/id") != "twice" ||
		answer.Len("/data/5/attributes/attributes/check_ids") != 1 || answer.At("/data/0/attributes/attributes/technique_details") != nil {
		t.Errorf("attributes %s", answer.Raw)
	}
	if first := ada.Get(t, path("/attributes", "filter[compliance_id]", "shared_2")).Want(t, 200); first.String("/data/0/id") != "a" {
		t.Errorf("without a scan the first type that has it: %s", first.Raw)
	}
	if ofScan := ada.Get(t, path("/attributes", "filter[compliance_id]", "shared_2", "filter[scan_id]", scan)).Want(t, 200); ofScan.String("/data/0/id") != "a" {
		t.Errorf("of a scan: %s", ofScan.Raw)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	load(t, server, house())
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	ada.Connect(t, account, "Main")
	bob.Connect(t, other, "Bob's")
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 10})
	theirs := bob.Ingest(t, ocsftest.File{Account: other, Findings: 10})
	const nobody = "00000000-0000-4000-8000-000000000000"
	tests := map[string]struct {
		path          string
		status        int
		code, pointer string
	}{
		"neither":                {path(""), 400, "required", "filter[scan_id]"},
		"empty":                  {path("", "filter[scan_id]", ""), 400, "required", "filter[scan_id]"},
		"both":                   {path("", "filter[scan_id]", scan, "filter[provider_type]", "aws"), 400, "invalid", "filter[scan_id]"},
		"both, dotted":           {path("/metadata", "filter[scan_id]", scan, "filter[provider_id.in]", nobody), 400, "invalid", "filter[scan_id]"},
		"scan is no id":          {path("", "filter[scan_id]", "x"), 400, "invalid", "/data/attributes/scan_id"},
		"no such scan":           {path("", "filter[scan_id]", nobody), 400, "not_found", "filter[scan_id]"},
		"their scan":             {path("", "filter[scan_id]", theirs), 400, "not_found", "filter[scan_id]"},
		"provider is no id":      {path("", "filter[provider_id__in]", scan+",x"), 400, "invalid", "/data/attributes/provider_id__in"},
		"no such type":           {path("", "filter[provider_type]", "cobol"), 400, "invalid", "/data"},
		"filter, with a region":  {path("", "filter[scan_id]", scan, "filter[region]", "x", "filter[colour]", "red"), 400, "invalid", "/data"},
		"sort, with a region":    {path("", "filter[scan_id]", scan, "filter[region]", "x", "sort", "taste"), 400, "invalid", "/data"},
		"include":                {path("", "filter[scan_id]", scan, "include", "scan"), 400, "parse_error", "/data"},
		"date":                   {path("/metadata", "filter[scan_id]", scan, "filter[inserted_at]", "soon"), 400, "invalid", "/data/attributes/inserted_at"},
		"NUL":                    {path("/requirements", "filter[scan_id]", scan, "filter[compliance_id]", "a\x00"), 400, "null_characters_not_allowed", "/data/attributes/compliance_id"},
		"no framework":           {path("/requirements", "filter[scan_id]", scan), 400, "required", "filter[compliance_id]"},
		"attributes of nothing":  {path("/attributes"), 400, "required", "filter[compliance_id]"},
		"attributes, unknown":    {path("/attributes", "filter[compliance_id]", "moon"), 404, "not_found", "/data"},
		"attributes, NUL":        {path("/attributes", "filter[compliance_id]", "moon\x00"), 404, "not_found", "/data"},
		"attributes, their scan": {path("/attributes", "filter[compliance_id]", "shared_2", "filter[scan_id]", theirs), 404, "not_found", "/data"},
		"attributes, empty scan": {path("/attributes", "filter[compliance_id]", "shared_2", "filter[scan_id]", ""), 404, "not_found", "/data"},
		"attributes, other type": {path("/attributes", "filter[compliance_id]", "only_azure", "filter[scan_id]", scan), 404, "not_found", "/data"},
		"one":                    {"/compliance-overviews/house_1.0_aws", 405, "method_not_allowed", "/data"},
		"watchlist":              {"/overviews/compliance-watchlist?filter[provider_type]=cobol", 400, "invalid", "/data/attributes/provider_type"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := ada.Get(t, test.path).Want(t, test.status)
			if answer.String("/errors/0/code") != test.code || answer.String("/errors/0/source/pointer") != test.pointer {
				t.Errorf("refused with %s", answer.Raw)
			}
			server.Anonymous().Get(t, test.path).Want(t, 401)
		})
	}
	carol := server.SignUp(t, "Carol")
	for _, statement := range []string{`insert into memberships (tenant_id, id, user_id) values ($1, gen_random_uuid(), $2)`} {
		if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), statement, ada.Tenant, carol.User); err != nil {
			t.Fatal(err)
		}
	}
	carol = server.LogIn(t, carol.Email, ada.Tenant)
	for _, operation := range []string{"", "/metadata", "/requirements", "/attributes"} {
		carol.Get(t, path(operation, "filter[scan_id]", scan, "filter[compliance_id]", "shared_2")).Want(t, 403)
	}
	carol.Get(t, "/overviews/compliance-watchlist").Want(t, 403)
}

func TestPeopleSeeResultsOfWhatPolicyShowsThem(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	load(t, server, house())
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	hidden, shown := ada.Connect(t, account, "Hidden"), ada.Connect(t, other, "Shown")
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "Shown"},
		map[string]any{"providers": apitest.Many("providers", shown)}).Want(t, 201).String("/data/id")
	dan := ada.Member(t, "Dan", ada.Role(t, "limited", nil, group))
	unseen := ada.Ingest(t, ocsftest.File{Account: account, Findings: 300})
	seen := ada.Ingest(t, ocsftest.File{Account: other, Findings: 4})
	of := house()["aws"]["house_1.0_aws"]
	all, some := tally(expected(t, server, of, "", unseen, seen)), tally(expected(t, server, of, "", seen))
	if all == some {
		t.Fatal("the hidden provider makes no difference: nothing is proven")
	}
	for _, ask := range []string{"/overviews/compliance-watchlist", path("", "filter[provider_type__in]", "aws,azure")} {
		if got := counted(t, ada.Get(t, ask), "house_1.0_aws"); got != all {
			t.Errorf("ada: %s counts %v, want %v", ask, got, all)
		}
		if got := counted(t, dan.Get(t, ask), "house_1.0_aws"); got != some {
			t.Errorf("dan: %s counts %v, want %v", ask, got, some)
		}
		if answer := bob.Get(t, ask).Want(t, 200); answer.Len("/data") != 0 {
			t.Errorf("bob: %s", answer.Raw)
		}
	}
	agree(t, ada, 3)
	agree(t, dan, 3)
	agree(t, bob, 0)
	for name, client := range map[string]*apitest.Client{"dan": dan, "bob": bob} {
		client.Get(t, path("", "filter[scan_id]", unseen)).Want(t, 400)
		client.Get(t, path("/attributes", "filter[scan_id]", unseen, "filter[compliance_id]", "shared_2")).Want(t, 404)
		for _, ask := range []string{path("/requirements", "filter[scan_id]", unseen, "filter[compliance_id]", "house_1.0_aws"),
			path("/requirements", "filter[provider_id]", hidden, "filter[compliance_id]", "house_1.0_aws"), path("", "filter[provider_id]", hidden)} {
			if answer := client.Get(t, ask).Want(t, 200); answer.Len("/data") != 0 {
				t.Errorf("%s: %s answers %s", name, ask, answer.Raw)
			}
		}
		if regions := regionsOf(t, client.Get(t, path("/metadata", "filter[scan_id]", unseen))); len(regions) != 0 {
			t.Errorf("%s sees regions %v", name, regions)
		}
	}
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update providers set deleted_at = now() where id = $1`, hidden); err != nil {
		t.Fatal(err)
	}
	if got := counted(t, ada.Get(t, "/overviews/compliance-watchlist"), "house_1.0_aws"); got != some {
		t.Errorf("with a provider deleted: %v, want %v", got, some)
	}
	ada.Get(t, path("", "filter[scan_id]", unseen)).Want(t, 400)
}

func TestFilters(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	load(t, server, house())
	ada := server.SignUp(t, "Ada")
	provider := ada.Connect(t, account, "Main")
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 100})
	today := time.Now().UTC().Format("2006-01-02")
	tests := map[string]struct {
		pairs []string
		want  []string
	}{
		"the scan, whatever else":     {[]string{"filter[scan_id]", scan, "filter[compliance_id]", "shared_2", "nonsense", "1", "sort", "x"}, []string{"house_1.0_aws", "sample_threatscore_aws", "shared_2"}},
		"a provider":                  {[]string{"filter[provider_id]", provider}, []string{"house_1.0_aws", "sample_threatscore_aws", "shared_2"}},
		"the other way round":         {[]string{"filter[provider_id]", provider, "sort", "-compliance_id"}, []string{"shared_2", "sample_threatscore_aws", "house_1.0_aws"}},
		"a framework's id":            {[]string{"filter[provider_id.in]", provider, "filter[compliance_id]", "shared_2"}, []string{"shared_2"}},
		"a part of the id":            {[]string{"filter[provider_id]", provider, "filter[compliance_id__icontains]", "_AWS"}, []string{"house_1.0_aws", "sample_threatscore_aws"}},
		"a framework":                 {[]string{"filter[provider_id]", provider, "filter[framework]", "House"}, []string{"house_1.0_aws"}},
		"a framework, other case":     {[]string{"filter[provider_id]", provider, "filter[framework]", "house"}, nil},
		"a framework, case ignored":   {[]string{"filter[provider_id]", provider, "filter[framework__iexact]", "hOUSE"}, []string{"house_1.0_aws"}},
		"a part of a framework":       {[]string{"filter[provider_id]", provider, "filter[framework.icontains]", "HA"}, []string{"shared_2"}},
		"a version":                   {[]string{"filter[provider_id]", provider, "filter[version]", "2"}, []string{"shared_2"}},
		"search":                      {[]string{"filter[provider_id]", provider, "filter[search]", "aws house"}, []string{"house_1.0_aws"}},
		"today":                       {[]string{"filter[provider_id]", provider, "filter[inserted_at]", today, "filter[framework]", "House"}, []string{"house_1.0_aws"}},
		"another day":                 {[]string{"filter[provider_id]", provider, "filter[inserted_at]", "2024-01-31"}, nil},
		"regions":                     {[]string{"filter[scan_id]", scan, "filter[region__in]", "eu-west-1,mars", "filter[framework]", "House"}, []string{"house_1.0_aws"}},
		"part of regions, of a scan":  {[]string{"filter[scan_id]", scan, "filter[region__icontains]", "mars"}, []string{"house_1.0_aws", "sample_threatscore_aws", "shared_2"}},
		"part of regions, of another": {[]string{"filter[provider_id]", provider, "filter[region__icontains]", "mars"}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := ada.Get(t, path("", test.pairs...)).Want(t, 200)
			var got []string
			for i := range answer.Len("/data") {
				got = append(got, answer.String(fmt.Sprintf("/data/%d/id", i)))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("listed %v, want %v", got, test.want)
			}
		})
	}
	if regions := regionsOf(t, ada.Get(t, path("/metadata", "filter[scan_id]", scan, "filter[region__icontains]", "EU", "filter[framework]", "House"))); !slices.Equal(regions, []string{"eu-central-1", "eu-west-1"}) {
		t.Errorf("regions %v", regions)
	}
	if regions := regionsOf(t, ada.Get(t, path("/metadata", "filter[scan_id]", scan, "filter[version]", "9"))); len(regions) != 0 {
		t.Errorf("regions of another version %v", regions)
	}
}

// TestOnlyCompletedScansCount asks for scans in every other state.
func TestOnlyCompletedScansCount(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	load(t, server, house())
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 100})
	for _, state := range []string{"executing", "failed", "cancelled"} {
		if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update scans set state = $2 where id = $1`, scan, state); err != nil {
			t.Fatal(err)
		}
		for _, ask := range []string{path("", "filter[scan_id]", scan), path("", "filter[provider_type]", "aws"), "/overviews/compliance-watchlist"} {
			if answer := ada.Get(t, ask).Want(t, 200); answer.Len("/data") != 0 {
				t.Errorf("%s: %s answers %s", state, ask, answer.Raw)
			}
		}
	}
}

// FuzzQuery sends queries of any kind: whatever they say, the answer is no failure of the server.
func FuzzQuery(f *testing.F) {
	server := apitest.Start(f)
	load(f, server, house())
	ada := server.SignUp(f, "Ada")
	provider := ada.Connect(f, account, "Main")
	scan := ada.Ingest(f, ocsftest.File{Account: account, Findings: 30})
	paths := []string{"/compliance-overviews", "/compliance-overviews/metadata", "/compliance-overviews/requirements", "/compliance-overviews/attributes",
		"/overviews/compliance-watchlist", "/compliance-overviews/providers"}
	for i := range paths {
		for _, seed := range []string{"filter[scan_id]=" + scan + "&filter[compliance_id]=shared_2", "filter[provider_id]=" + provider + "&filter[region__in]=,&filter[compliance_id]=%00",
			"filter[scan_id]=,&filter[scan_id.in]=x", "filter[provider_type__in]=aws,,&filter[inserted_at__gte]=0001-01-01&filter[inserted_at__lte]=9999-12-31&filter[compliance_id]=x",
			"filter[scan_id]=" + scan + "&filter[framework__iexact]= &filter[version]=%F0%9F%98%80&filter[search]=\"a b\" c&filter[compliance_id__icontains]=%25_",
			"filter[provider_groups]=" + uuid.NewString() + "&sort=-compliance_id,compliance_id&fields[compliance-overviews]=&filter[compliance_id]=threatscore"} {
			f.Add(uint8(i), seed)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, raw string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		target := paths[int(which)%len(paths)] + "?" + values.Encode()
		if answer := ada.Get(t, target); answer.Status >= 500 {
			t.Errorf("%s: %d %s", target, answer.Status, answer.Raw)
		}
	})
}

// TestProvidersAreComparedByAFramework compares what single scans say with what they say together.
func TestProvidersAreComparedByAFramework(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	load(t, server, house())
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	hidden, shown := ada.Connect(t, account, "Hidden"), ada.Connect(t, other, "Shown")
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "Shown"},
		map[string]any{"providers": apitest.Many("providers", shown)}).Want(t, 201).String("/data/id")
	dan := ada.Member(t, "Dan", ada.Role(t, "limited", nil, group))
	scans := map[string]string{hidden: ada.Ingest(t, ocsftest.File{Account: account, Findings: 300}), shown: ada.Ingest(t, ocsftest.File{Account: other, Findings: 4})}
	of := house()["aws"]["house_1.0_aws"]
	check := func(client *apitest.Client, more string, providers ...string) {
		t.Helper()
		answer := client.Get(t, path("/providers", "filter[compliance_id]", "house_1.0_aws")+more).Want(t, 200)
		var chosen []string
		for _, provider := range providers {
			chosen = append(chosen, scans[provider])
		}
		if got, want := statuses(t, answer), expected(t, server, of, "", chosen...); !maps.Equal(got, want) {
			t.Errorf("%s: together %v, want %v", client.Email, got, want)
		}
		for i := range answer.Len("/data") {
			if answer.Len(fmt.Sprintf("/data/%d/attributes/providers", i)) != len(providers) {
				t.Fatalf("%s: %s", client.Email, answer.Raw)
			}
			for j := range providers {
				one := func(name string) string {
					return answer.String(fmt.Sprintf("/data/%d/attributes/providers/%d/%s", i, j, name))
				}
				want := expected(t, server, of, "", scans[one("id")])[answer.String(fmt.Sprintf("/data/%d/id", i))]
				if one("status") != want || one("scan") != scans[one("id")] || one("provider") != "aws" {
					t.Errorf("%s: provider %s is %s, want %s", client.Email, one("id"), one("status"), want)
				}
			}
		}
	}
	check(ada, "", hidden, shown)
	check(ada, "&filter[provider_id]="+hidden, hidden)
	check(dan, "", shown)
	failed := ada.Get(t, path("/providers", "filter[compliance_id]", "house_1.0_aws", "filter[status]", "FAIL"))
	for id, status := range statuses(t, failed) {
		if status != "FAIL" {
			t.Errorf("%s is %s", id, status)
		}
	}
	for client, ask := range map[*apitest.Client]string{bob: path("/providers", "filter[compliance_id]", "house_1.0_aws"), ada: path("/providers", "filter[compliance_id]", "moon"),
		dan: path("/providers", "filter[compliance_id]", "house_1.0_aws", "filter[provider_id]", hidden)} {
		if answer := client.Get(t, ask).Want(t, 200); answer.Len("/data") != 0 {
			t.Errorf("%s: %s", client.Email, answer.Raw)
		}
	}
	for name, ask := range map[string]string{"no framework": path("/providers"), "NUL": path("/providers", "filter[compliance_id]", "\x00"), "status": path("/providers", "filter[compliance_id]", "x", "filter[status]", "GOOD"),
		"filter": path("/providers", "filter[compliance_id]", "x", "filter[colour]", "red"), "include": path("/providers", "filter[compliance_id]", "x", "include", "scan")} {
		if answer := ada.Get(t, ask); answer.Status != 400 {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
		server.Anonymous().Get(t, ask).Want(t, 401)
	}
}
