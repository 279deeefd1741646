package scans_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

const (
	second       = "222222222222"
	subscription = "00000000-1111-4222-8333-444444444444"
	noReports    = "The scan has no reports, or the report generation task has not started yet."
)

type object = map[string]any

func demand(id string, attributes []object, checks ...string) object {
	return object{"id": id, "description": "About " + id, "attributes": attributes, "checks": checks}
}

// benchmark is a framework of the CIS kind: its id says which.
func benchmark(checks ...string) object {
	return object{"framework": "CIS", "name": "CIS Sample", "version": "1.0", "description": "A benchmark", "requirements": []object{
		demand("1.1", []object{{"Section": "1", "SubSection": "1.1", "Profile": "Level 1", "AssessmentStatus": "Automated", "Description": "D", "RationaleStatement": "R",
			"ImpactStatement": "I", "RemediationProcedure": "P", "AuditProcedure": "=cmd|' /C calc'!A0", "AdditionalInformation": "", "DefaultValue": nil, "References": "two\nlines"}}, checks...)}}
}

// frameworks is a catalogue about the checks of made findings files.
func frameworks() object {
	return object{
		"aws": object{
			"house_1.0_aws": object{"framework": "House", "name": "Rules; of the house", "version": "1.0", "description": "A \"house\"", "requirements": []object{
				demand("1", []object{{"Section": "S", "SubSection": "=SUM(1)", "SubGroup": nil, "Service": "iam", "Type": 7, "Comment": "-c"}},
					"iam_sample_check_0", "iam_sample_check_1", "iam_sample_check_0"),
				demand("2", nil, "s3_sample_check_0", "iam_sample_check_0"),
				demand("3", []object{{"Section": "first"}, {"Section": "second"}}),
				demand("4", nil, "nobody_has_it")}},
			"cis_1.0_aws": benchmark("iam_sample_check_0"),
			"prowler_threatscore_aws": object{"framework": "ProwlerThreatScore", "name": "Score", "version": "1.0", "requirements": []object{demand("1.1.1",
				[]object{{"Title": "T", "Section": "1. IAM", "SubSection": "1.1", "AttributeDescription": "D", "AdditionalInformation": "A", "LevelOfRisk": 5, "Weight": 1000}}, "iam_sample_check_0")}},
			"cis_controls_8.1": object{"framework": "CIS-Controls", "name": "Controls", "version": "8.1", "requirements": []object{demand("1", []object{{"Section": "C"}})}},
		},
		"azure": object{"cis_1.0_azure": benchmark("iam_sample_check_0"), "plain_azure": object{"framework": "Plain", "name": "Plain", "requirements": []object{demand("1", nil)}}},
	}
}

func loadFrameworks(t *testing.T, server *apitest.Server, all object) {
	t.Helper()
	providers := object{}
	for provider, some := range all {
		checks := object{}
		for _, check := range ocsftest.Checks() {
			checks[check] = object{"CheckID": check}
		}
		providers[provider] = object{"checks": checks, "frameworks": some}
	}
	content, err := json.Marshal(object{"engine": "sample", "version": "0.0.1", "providers": providers})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := catalogue.Import(context.WithoutCancel(t.Context()), server.App.System, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
}

// records are the lines of a table, the header first.
func records(t *testing.T, answer *apitest.Answer) [][]string {
	t.Helper()
	reader := csv.NewReader(bytes.NewReader(answer.Want(t, 200).Raw))
	reader.Comma = ';'
	lines, err := reader.ReadAll()
	if err != nil {
		t.Fatalf("%v in %s", err, answer.Raw)
	}
	return lines
}

func table(scan, framework string) string {
	return "/scans/" + scan + "/compliance/" + url.PathEscape(framework)
}

func wantLines(t *testing.T, got [][]string, want ...[]string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("line %d is missing: %q", i, want[i])
		case i >= len(want):
			t.Errorf("line %d is too many: %q", i, got[i])
		case !slices.Equal(got[i], want[i]):
			t.Errorf("line %d is\n%q, want\n%q", i, got[i], want[i])
		}
	}
}

// began is when a scan began, as files and their names have it.
func began(t *testing.T, person *apitest.Client, scan string) (assessed, named string) {
	t.Helper()
	moment, err := time.Parse(time.RFC3339Nano, person.Get(t, "/scans/"+scan).Want(t, 200).String("/data/attributes/started_at"))
	if err != nil {
		t.Fatal(err)
	}
	return moment.UTC().Format("2006-01-02 15:04:05.000000"), moment.UTC().Format("20060102150405")
}

func TestTheTableOfAFramework(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	loadFrameworks(t, server, frameworks())
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 6})
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update findings set muted = true, status_extended = '+1; "quoted"' where check_id = 'iam_sample_check_1'`); err != nil {
		t.Fatal(err)
	}
	date, named := began(t, ada, scan)
	answer := ada.Get(t, table(scan, "house_1.0_aws")).Want(t, 200)
	if kind, file := answer.Header.Get("Content-Type"), answer.Header.Get("Content-Disposition"); kind != "text/csv" ||
		file != `attachment; filename="prowler-output-`+account+`-`+named+`_house_1.0_aws.csv"` {
		t.Errorf("%s, %s", kind, file)
	}
	const iam, s3 = "arn:aws:iam:eu-west-1:123456789012:iam-0", "arn:aws:s3:eu-west-1:123456789012:s3-1"
	begin := func(region, requirement string) []string {
		account := account
		if region == "" {
			account = ""
		}
		return []string{"aws", `A "house"`, account, region, date, requirement, "About " + requirement}
	}
	end := func(comment string) []string { return []string{"House", "Rules; of the house", comment} }
	one, none := []string{"S", "'=SUM(1)", "", "iam", "7"}, []string{"", "", "", "", ""}
	wantLines(t, records(t, answer),
		[]string{"PROVIDER", "DESCRIPTION", "ACCOUNTID", "REGION", "ASSESSMENTDATE", "REQUIREMENTS_ID", "REQUIREMENTS_DESCRIPTION",
			"REQUIREMENTS_ATTRIBUTES_SECTION", "REQUIREMENTS_ATTRIBUTES_SUBSECTION", "REQUIREMENTS_ATTRIBUTES_SUBGROUP", "REQUIREMENTS_ATTRIBUTES_SERVICE",
			"REQUIREMENTS_ATTRIBUTES_TYPE", "STATUS", "STATUSEXTENDED", "RESOURCEID", "CHECKID", "MUTED", "RESOURCENAME", "FRAMEWORK", "NAME", "REQUIREMENTS_ATTRIBUTES_COMMENT"},
		slices.Concat(begin("eu-west-1", "1"), one, []string{"FAIL", "iam iam-0 is as the sample of check iam_sample_check_0 says it is.", iam, "iam_sample_check_0", "False", "iam-0"}, end("'-c")),
		slices.Concat(begin("eu-west-1", "2"), none, []string{"FAIL", "iam iam-0 is as the sample of check iam_sample_check_0 says it is.", iam, "iam_sample_check_0", "False", "iam-0"}, end("")),
		slices.Concat(begin("eu-west-1", "1"), one, []string{"PASS", `'+1; "quoted"`, iam, "iam_sample_check_1", "True", "iam-0"}, end("'-c")),
		slices.Concat(begin("eu-west-1", "2"), none, []string{"PASS", "s3 s3-1 is as the sample of check s3_sample_check_0 says it is.", s3, "s3_sample_check_0", "False", "s3-1"}, end("")),
		slices.Concat(begin("", "3"), []string{"first", "", "", "", ""}, []string{"MANUAL", "Manual check", "manual_check", "manual", "False", "Manual check"}, end("")),
		slices.Concat(begin("", "3"), []string{"second", "", "", "", ""}, []string{"MANUAL", "Manual check", "manual_check", "manual", "False", "Manual check"}, end("")))
	if answer.Raw[0] != 'P' || !bytes.Contains(answer.Raw, []byte(`;"Rules; of the house";`)) {
		t.Errorf("written as %s", answer.Raw)
	}

	head := []string{"PROVIDER", "DESCRIPTION", "ACCOUNTID", "REGION", "ASSESSMENTDATE", "REQUIREMENTS_ID", "REQUIREMENTS_DESCRIPTION"}
	tail := []string{"STATUS", "STATUSEXTENDED", "RESOURCEID", "RESOURCENAME", "CHECKID", "MUTED", "FRAMEWORK", "NAME"}
	found := []string{"FAIL", "iam iam-0 is as the sample of check iam_sample_check_0 says it is.", iam, "iam-0", "iam_sample_check_0", "False"}
	wantLines(t, records(t, ada.Get(t, table(scan, "cis_1.0_aws"))), slices.Concat(head, prefixed("SECTION", "SUBSECTION", "PROFILE", "ASSESSMENTSTATUS", "DESCRIPTION",
		"RATIONALESTATEMENT", "IMPACTSTATEMENT", "REMEDIATIONPROCEDURE", "AUDITPROCEDURE", "ADDITIONALINFORMATION", "DEFAULTVALUE", "REFERENCES"), tail),
		slices.Concat([]string{"aws", "A benchmark", account, "eu-west-1", date, "1.1", "About 1.1", "1", "1.1", "Level 1", "Automated", "D", "R", "I", "P", "'=cmd|' /C calc'!A0", "", "", "two\nlines"},
			found, []string{"CIS", "CIS Sample"}))
	wantLines(t, records(t, ada.Get(t, table(scan, "prowler_threatscore_aws"))), slices.Concat(head, prefixed("TITLE", "SECTION", "SUBSECTION", "ATTRIBUTEDESCRIPTION", "ADDITIONALINFORMATION",
		"LEVELOFRISK", "WEIGHT"), tail),
		slices.Concat([]string{"aws", "", account, "eu-west-1", date, "1.1.1", "About 1.1.1", "T", "1. IAM", "1.1", "D", "A", "5", "1000"}, found, []string{"ProwlerThreatScore", "Score"}))
	if controls := records(t, ada.Get(t, table(scan, "cis_controls_8.1"))); len(controls) != 2 || controls[0][17] != "RESOURCENAME" || controls[1][7] != "C" {
		t.Errorf("CIS Controls are written as %q", controls)
	}
}

func prefixed(names ...string) []string {
	for i := range names {
		names[i] = "REQUIREMENTS_ATTRIBUTES_" + names[i]
	}
	return names
}

// ofAzure is a finding of an azure subscription.
func ofAzure(t *testing.T) *strings.Reader {
	t.Helper()
	one := ocsftest.File{Account: subscription}.Finding(0)
	one["unmapped"].(object)["provider"] = "azure"
	one["cloud"].(object)["provider"] = "azure"
	content, err := json.Marshal([]any{one})
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReader(string(content))
}

func TestTablesNameAccountsAsTheirProvidersDo(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	loadFrameworks(t, server, frameworks())
	ada := server.SignUp(t, "Ada")
	ada.Post(t, "/providers", "providers", object{"provider": "azure", "uid": subscription}, nil).Want(t, 201)
	scan := ada.IngestContent(t, ofAzure(t))
	lines := records(t, ada.Get(t, table(scan, "cis_1.0_azure")))
	if len(lines) != 2 || !slices.Equal(lines[0][:4], []string{"PROVIDER", "DESCRIPTION", "SUBSCRIPTIONID", "LOCATION"}) ||
		!slices.Equal(lines[1][:4], []string{"azure", "A benchmark", subscription, "eu-west-1"}) {
		t.Errorf("the table of a subscription is %q", lines)
	}
	if lines := records(t, ada.Get(t, table(scan, "plain_azure"))); len(lines) != 2 || lines[0][2] != "ACCOUNTID" || lines[1][0] != "azure" || lines[1][12] != "MANUAL" {
		t.Errorf("a generic table is %q", lines)
	}
	if refused := ada.Get(t, table(scan, "cis_1.0_aws")).Want(t, 404); refused.String("/errors/detail") != "Compliance 'cis_1.0_aws' not found." {
		t.Errorf("refused with %s", refused.Raw)
	}
}

// TestATableOfManyFindings has more of one check than a page holds, in several regions, and others before and behind it.
func TestATableOfManyFindings(t *testing.T) {
	t.Parallel()
	const many, others = 2300, 300
	server := apitest.Start(t)
	all := frameworks()
	all["aws"].(object)["house_1.0_aws"].(object)["requirements"] = []object{demand("all", nil, ocsftest.Checks()...), demand("one", nil, "kms_sample_check_2"), demand("none", nil)}
	loadFrameworks(t, server, all)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	file := ocsftest.File{Account: account}
	var findings []any
	for i := range many + others {
		one := file.Finding(i)
		if i < many {
			one["metadata"].(object)["event_code"] = "kms_sample_check_2"
		}
		one["status_detail"] = fmt.Sprintf("finding %d", i)
		findings = append(findings, one)
	}
	content, err := json.Marshal(findings)
	if err != nil {
		t.Fatal(err)
	}
	scan := ada.IngestContent(t, bytes.NewReader(content))
	lines := records(t, ada.Get(t, table(scan, "house_1.0_aws")))
	seen, ofOne := map[string]int{}, 0
	for _, line := range lines[1:] {
		if line[5] == "one" {
			ofOne++
		}
		seen[line[5]+" "+line[13]]++
		if line[13] == "finding 77" && (line[3] != "eu-central-1" || line[15] != "kms_sample_check_2") {
			t.Errorf("line %q", line)
		}
	}
	for i := range many + others {
		if seen[fmt.Sprintf("all finding %d", i)] != 1 {
			t.Fatalf("finding %d is there %d times", i, seen[fmt.Sprintf("all finding %d", i)])
		}
	}
	if last := lines[len(lines)-1]; ofOne < many || len(lines) != 1+many+others+ofOne+1 || last[5] != "none" || last[12] != "MANUAL" {
		t.Errorf("%d lines, %d of one check, the last %q", len(lines), ofOne, last)
	}
	again := ada.Get(t, table(scan, "house_1.0_aws"))
	if !slices.EqualFunc(lines, records(t, again), slices.Equal) {
		t.Error("the second table has another order")
	}
}

// TestTablesAreJudgedAsOverviewsAre: by the framework as it was when the scan completed; frameworks of the organisation's own too.
func TestTablesAreJudgedAsOverviewsAre(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	loadFrameworks(t, server, frameworks())
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	ada.Connect(t, account, "Main")
	bob.Connect(t, second, "Bob's")
	before := ada.Ingest(t, ocsftest.File{Account: account, Findings: 6})
	later := frameworks()
	delete(later["aws"].(object), "cis_1.0_aws")
	later["aws"].(object)["young_aws"] = object{"framework": "Young", "requirements": []object{demand("y", nil, "iam_sample_check_0")}}
	later["aws"].(object)["house_1.0_aws"].(object)["requirements"] = []object{demand("2", []object{{"Section": "new"}}, "iam_sample_check_3")}
	loadFrameworks(t, server, later)
	after := ada.Ingest(t, ocsftest.File{Account: account, Findings: 6})
	requirements := func(scan, framework string) string {
		var told []string
		for _, line := range records(t, ada.Get(t, table(scan, framework)))[1:] {
			told = append(told, line[5]+" "+line[7]+" "+line[15])
		}
		return strings.Join(told, ", ")
	}
	for _, test := range []struct{ scan, framework, want string }{
		{before, "house_1.0_aws", "1  iam_sample_check_0, 2 new iam_sample_check_0, 1  iam_sample_check_1, 2 new s3_sample_check_0, 3  manual"},
		{after, "house_1.0_aws", "2 new iam_sample_check_3"},
		{before, "young_aws", "y  iam_sample_check_0"},
	} {
		if got := requirements(test.scan, test.framework); got != test.want {
			t.Errorf("%s says %s, want %s", test.framework, got, test.want)
		}
	}
	// One that is gone from the catalogue is known to the scans that were held against it.
	ada.Get(t, table(after, "cis_1.0_aws")).Want(t, 404)
	if lines := records(t, ada.Get(t, table(before, "cis_1.0_aws"))); len(lines) != 2 || lines[1][5] != "1.1" || lines[1][7] != "" {
		t.Errorf("a framework that is gone says %q", lines)
	}

	own := object{"compliance_id": "custom_own", "provider": "aws", "framework": "Own", "name": "Our own", "description": "Ours",
		"requirements": []object{{"id": "o1", "name": "One", "description": "About one", "checks": []string{"iam_sample_check_0"}}, {"id": "o2"}}}
	id := ada.Post(t, "/compliance-frameworks", "compliance-frameworks", own, nil).Want(t, 201).String("/data/id")
	third := ada.Ingest(t, ocsftest.File{Account: account, Findings: 6})
	for _, scan := range []string{before, third} {
		if got := requirements(scan, "custom_own"); got != "o1  iam_sample_check_0, o2  manual" {
			t.Errorf("the organisation's own says %s", got)
		}
	}
	theirs := bob.Ingest(t, ocsftest.File{Account: second, Findings: 6})
	if refused := bob.Get(t, table(theirs, "custom_own")).Want(t, 404); refused.String("/errors/detail") != "Compliance 'custom_own' not found." {
		t.Errorf("another organisation's: %s", refused.Raw)
	}
	if refused := ada.Get(t, table(third, "custom_own")+"/ocsf").Want(t, 404); refused.String("/errors/detail") != "Compliance 'custom_own' does not provide an OCSF export." {
		t.Errorf("its export: %s", refused.Raw)
	}
	ada.Delete(t, "/compliance-frameworks/"+id).Want(t, 204)
	for _, scan := range []string{before, third} {
		ada.Get(t, table(scan, "custom_own")).Want(t, 404)
	}
}

// downloads are the last parts of the paths of all downloads.
var downloads = []string{"report", "compliance/house_1.0_aws", "compliance/house_1.0_aws/ocsf", "threatscore", "ens", "nis2", "csa", "cis"}

func TestDownloadsAreRefused(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	loadFrameworks(t, server, frameworks())
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	hidden, shown := ada.Connect(t, account, "Hidden"), ada.Connect(t, second, "Shown")
	group := ada.Post(t, "/provider-groups", "provider-groups", object{"name": "Shown"}, object{"providers": apitest.Many("providers", shown)}).Want(t, 201).String("/data/id")
	dan, blank := ada.Member(t, "Dan", ada.Role(t, "limited", nil, group)), ada.Member(t, "Blank", ada.Role(t, "blank", nil))
	unseen, seen := ada.Ingest(t, ocsftest.File{Account: account, Findings: 6}), ada.Ingest(t, ocsftest.File{Account: second, Findings: 6})
	const noScan, nobody = "No Scan matches the given query.", "00000000-0000-4000-8000-000000000000"
	for _, download := range downloads {
		below := func(scan string) string { return "/scans/" + scan + "/" + download }
		own := map[string]int{"compliance/house_1.0_aws": 200, "compliance/house_1.0_aws/ocsf": 404}[download]
		if own == 0 {
			own = 501
		}
		for _, test := range []struct {
			name   string
			client *apitest.Client
			path   string
			status int
			detail string // of a list of errors; empty: not compared
		}{
			{"one's own", ada, below(unseen), own, ""},
			{"what policy shows", dan, below(seen), own, ""},
			{"a hidden provider's", dan, below(unseen), 404, noScan},
			{"nothing is shown", blank, below(seen), 404, noScan},
			{"another organisation's", bob, below(seen), 404, noScan},
			{"nobody's", ada, below(nobody), 404, noScan},
			{"no id", ada, below("12"), 404, "Not found."},
			{"anonymous", server.Anonymous(), below(seen), 401, "Authentication credentials were not provided."},
			{"parameter", ada, below(seen) + "?type=zip", 400, "invalid query parameter: type"},
			{"parameter, no scan", ada, below(nobody) + "?type=zip", 400, "invalid query parameter: type"},
			{"filter", ada, below(seen) + "?filter[colour]=red", 400, "invalid filter[colour]"},
			{"filter that leaves nothing", ada, below(seen) + "?filter[name]=other", 404, noScan},
			{"filter that leaves it", ada, below(seen) + "?filter[state]=completed", own, ""},
			{"filter by a hidden provider", dan, below(seen) + "?filter[provider]=" + hidden, 400, ""},
			{"sort", ada, below(seen) + "?sort=colour", 400, "invalid sort parameter: colour"},
			{"format", ada, below(seen) + "?format=csv", 404, "Not found."},
			{"the format that there is", ada, below(seen) + "?format=vnd.api%2Bjson", 400, "invalid query parameter: format"},
		} {
			answer := test.client.Get(t, test.path)
			if answer.Status != test.status || test.detail != "" && answer.String("/errors/0/detail") != test.detail {
				t.Errorf("%s, %s: %d %s", download, test.name, answer.Status, answer.Raw)
			}
		}
		for _, accept := range []string{"text/csv", "application/zip", "application/pdf"} {
			if answer := ada.GetAs(t, below(seen), accept); answer.Status != 406 || answer.String("/errors/0/code") != "not_acceptable" {
				t.Errorf("%s as %s: %d %s", download, accept, answer.Status, answer.Raw)
			}
		}
		for _, method := range []string{"POST", "PATCH", "PUT", "DELETE"} {
			ada.Do(t, method, below(seen), "", nil).Want(t, 405)
			server.Anonymous().Do(t, method, below(seen), "", nil).Want(t, 401)
		}
		if page := ada.Get(t, below(seen)+"/more"); page.Status != 404 || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
			t.Errorf("below %s: %d %s", download, page.Status, page.Raw)
		}
	}
	for _, word := range []string{"compliance", "compliance/", "compliance//ocsf", "compliance/house_1.0_aws/json", "soc2"} {
		if page := ada.Get(t, "/scans/"+seen+"/"+word); page.Status != 404 || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %s", word, page.Status, page.Raw)
		}
	}
}

func TestFrameworksThatThereAreNot(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	loadFrameworks(t, server, frameworks())
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	provider := ada.Connect(t, account, "Main")
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 6})
	waiting := ada.Post(t, "/scans", "scans", nil, object{"provider": apitest.One("providers", provider)}).Want(t, 202).String("/data/attributes/task_args/scan_id")
	details := func(answer *apitest.Answer) string {
		t.Helper()
		if cached := answer.Want(t, 404).Header.Get("Cache-Control"); cached != "" {
			t.Errorf("a refusal is kept: %s", cached)
		}
		return answer.String("/errors/detail")
	}
	for _, name := range []string{"moon_1.0", "HOUSE_1.0_AWS", "house_1.0_aws.csv", "cis_1.0_azure", "custom_x", "%", "%41", "a/b", "a'b", "ä", "=1", strings.Repeat("x", 3000)} {
		for _, one := range []string{scan, waiting} {
			for _, export := range []string{"", "/ocsf"} {
				if got, want := details(ada.Get(t, table(one, name)+export)), "Compliance '"+name+"' not found."; got != want {
					t.Errorf("%q%s: %s", name, export, got)
				}
			}
		}
		// Where there is no scan, nothing is said of frameworks.
		if answer := bob.Get(t, table(scan, name)).Want(t, 404); answer.String("/errors/0/detail") != "No Scan matches the given query." {
			t.Errorf("%q of another organisation's scan: %s", name, answer.Raw)
		}
	}
	ada.Get(t, "/scans/"+scan+"/compliance/a%00b").Want(t, 404)
	ada.Get(t, "/scans/"+scan+"/compliance/%FF").Want(t, 404)
	if got := details(ada.Get(t, table(waiting, "house_1.0_aws"))); got != noReports {
		t.Errorf("a scan that has not run: %s", got)
	}
	if got := details(ada.Get(t, table(waiting, "cis_1.0_aws")+"/ocsf")); got != "Compliance 'cis_1.0_aws' does not provide an OCSF export." {
		t.Errorf("an export of a scan that has not run: %s", got)
	}
	ada.Get(t, table(scan, "cis_controls_8.1")+"/ocsf").Want(t, 501)
}
