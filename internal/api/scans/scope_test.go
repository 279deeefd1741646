package scans_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/enginetest"
)

// know imports a small catalogue: an aws with the services s3 and iam, and nothing of any other type but alibabacloud.
func know(t *testing.T, server *apitest.Server) {
	t.Helper()
	check := func(id, service, severity string, categories ...string) map[string]any {
		return map[string]any{"CheckID": id, "ServiceName": service, "Severity": severity, "Categories": categories}
	}
	content, err := json.Marshal(map[string]any{"engine": "prowler", "version": enginetest.Version, "providers": map[string]any{
		"aws": map[string]any{"checks": map[string]any{
			"s3_lamp_is_off": check("s3_lamp_is_off", "s3", "low"), "s3_door_is_shut": check("s3_door_is_shut", "s3", "high"),
			"iam_key_is_new": check("iam_key_is_new", "iam", "critical"), "trail_nobody_knocks": check("trail_nobody_knocks", "trail", "medium", "threat-detection"),
		}, "frameworks": map[string]any{
			"house_1.0_aws": map[string]any{"framework": "House", "requirements": []any{map[string]any{"id": "1", "checks": []string{"s3_lamp_is_off"}},
				map[string]any{"id": "2", "checks": []string{}}, map[string]any{"id": "3"}}},
			"bare_aws": map[string]any{"framework": "Bare"}, "manual_aws": map[string]any{"framework": "Manual", "requirements": []any{map[string]any{"id": "1", "checks": nil}}},
		}},
		"alibabacloud": map[string]any{"checks": map[string]any{"oss_lamp_is_off": check("oss_lamp_is_off", "oss", "low")}, "frameworks": map[string]any{}},
		"github":       map[string]any{"checks": map[string]any{"repository_lamp": check("repository_lamp", "repository", "low")}, "frameworks": map[string]any{}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := catalogue.Import(t.Context(), server.App.System, strings.NewReader(string(content))); err != nil {
		t.Fatal(err)
	}
}

func scanWith(t *testing.T, person *apitest.Client, provider string, scope any) *apitest.Answer {
	t.Helper()
	return person.Post(t, "/scans", "scans", map[string]any{"scope": scope}, map[string]any{"provider": apitest.One("providers", provider)})
}

func names(texts ...any) []any { return texts }

func TestScopesThatAreRefused(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	know(t, server)
	ada := server.SignUp(t, "Ada")
	aws, _ := connect(t, ada, account, "")
	of := map[string]string{"aws": aws}
	for kind, uid := range map[string]string{"github": "acme", "image": "registry.example/app:1", "alibabacloud": "1234567890123456"} {
		of[kind] = ada.Post(t, "/providers", "providers", map[string]any{"provider": kind, "uid": uid}, nil).Want(t, 201).String("/data/id")
	}
	many := make([]any, 1001)
	for i := range many {
		many[i] = fmt.Sprintf("check_%d", i)
	}
	type refusal struct {
		kind          string
		scope         any
		code, pointer string // pointer below the attribute
	}
	cases := map[string]refusal{
		"a text":               {"aws", "s3", "invalid", ""},
		"a list":               {"aws", names("s3"), "invalid", ""},
		"a number":             {"aws", 7, "invalid", ""},
		"unknown member":       {"aws", map[string]any{"categories": names("x")}, "invalid", ""},
		"a text for a list":    {"aws", map[string]any{"services": "s3"}, "not_a_list", "/services"},
		"null for a list":      {"aws", map[string]any{"services": nil}, "not_a_list", "/services"},
		"an empty list":        {"aws", map[string]any{"checks": []any{}}, "empty", "/checks"},
		"too many":             {"aws", map[string]any{"checks": many}, "max_length", "/checks"},
		"a number in a list":   {"aws", map[string]any{"checks": names("s3_lamp_is_off", 7)}, "invalid", "/checks/1"},
		"twice":                {"aws", map[string]any{"services": names("s3", "iam", "s3")}, "invalid", "/services/2"},
		"too long":             {"aws", map[string]any{"services": names(strings.Repeat("s", 151))}, "max_length", "/services/0"},
		"empty text":           {"aws", map[string]any{"services": names("")}, "invalid_choice", "/services/0"},
		"not a name":           {"aws", map[string]any{"compliance": names("a b")}, "invalid_choice", "/compliance/0"},
		"a zero":               {"aws", map[string]any{"excluded_checks": names("a\x00b")}, "invalid_choice", "/excluded_checks/0"},
		"unknown service":      {"aws", map[string]any{"services": names("s3", "ec2")}, "invalid_choice", "/services/1"},
		"unknown check":        {"aws", map[string]any{"checks": names("oss_lamp_is_off")}, "invalid_choice", "/checks/0"},
		"unknown framework":    {"aws", map[string]any{"compliance": names("house_1.0_aws", "house_2.0_aws")}, "invalid_choice", "/compliance/1"},
		"unknown severity":     {"aws", map[string]any{"severities": names("low", "Critical")}, "invalid_choice", "/severities/1"},
		"unknown excluded":     {"aws", map[string]any{"excluded_checks": names("nothing")}, "invalid_choice", "/excluded_checks/0"},
		"unknown service left": {"aws", map[string]any{"excluded_services": names("nothing")}, "invalid_choice", "/excluded_services/0"},
		"no region":            {"aws", map[string]any{"regions": names("us-east-1", "everywhere")}, "invalid_choice", "/regions/1"},
		"regions of github":    {"github", map[string]any{"regions": names("us-east-1")}, "invalid", "/regions"},
		"an image":             {"image", map[string]any{"severities": names("low")}, "invalid", ""},
		"nothing in common":    {"aws", map[string]any{"services": names("iam"), "severities": names("low")}, "invalid", ""},
		"everything excluded":  {"aws", map[string]any{"excluded_services": names("iam", "s3")}, "invalid", ""}, // trail is never looked at unasked
		"no requirement":       {"aws", map[string]any{"compliance": names("bare_aws")}, "invalid", ""},
		"no check demanded":    {"aws", map[string]any{"compliance": names("manual_aws")}, "invalid", ""},
		"demanded elsewhere":   {"aws", map[string]any{"compliance": names("house_1.0_aws"), "services": names("iam")}, "invalid", ""},
		"check of another":     {"alibabacloud", map[string]any{"checks": names("s3_lamp_is_off")}, "invalid_choice", "/checks/0"},
	}
	expect := func(t *testing.T, answer *apitest.Answer, attribute string, want refusal) {
		t.Helper()
		answer.Want(t, 400)
		if answer.String("/errors/0/code") != want.code || answer.String("/errors/0/source/pointer") != "/data/attributes/"+attribute+want.pointer {
			t.Errorf("refused with %s", answer.Raw)
		}
	}
	t.Run("each", func(t *testing.T) {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				expect(t, scanWith(t, ada, of[c.kind], c.scope), "scope", c)
				expect(t, ada.Patch(t, "/providers/"+of[c.kind], "providers", of[c.kind], map[string]any{"scan_scope": c.scope, "alias": "Taken"}, nil), "scan_scope", c)
				if c.kind == "aws" {
					expect(t, ada.Post(t, "/providers", "providers", map[string]any{"uid": "222222222222", "scan_scope": c.scope}, nil), "scan_scope", c)
				}
			})
		}
	})
	// Nothing of it was done.
	if read := ada.Get(t, "/scans").Want(t, 200); read.Len("/data") != 0 {
		t.Errorf("scans: %s", read.Raw)
	}
	read := ada.Get(t, "/providers?page[size]=50").Want(t, 200)
	if read.Len("/data") != 4 || strings.Contains(string(read.Raw), "Taken") || strings.Contains(string(read.Raw), "scan_scope") {
		t.Errorf("providers: %s", read.Raw)
	}
}

func TestWithoutACatalogueTheFormIsJudged(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	provider, _ := connect(t, ada, account, "")
	scanWith(t, ada, provider, map[string]any{"checks": names("any_check"), "services": names("other"), "compliance": names("some_1.0_aws")}).Want(t, 202)
	scanWith(t, ada, provider, map[string]any{"checks": names("Any Check")}).Want(t, 400)
	scanWith(t, ada, provider, map[string]any{"severities": names("loud")}).Want(t, 400)
}

// scopeOf is the scope of a scan's document.
func scopeOf(t *testing.T, person *apitest.Client, started *apitest.Answer) (scope any, shown bool) {
	t.Helper()
	read := person.Get(t, "/scans/"+started.String("/data/attributes/task_args/scan_id")).Want(t, 200)
	attributes, _ := read.At("/data/attributes").(map[string]any)
	scope, shown = attributes["scope"]
	return scope, shown
}

// given is the scope that the engine was given for a scan that found something.
func given(t *testing.T, person *apitest.Client, scan string) (scope any) {
	t.Helper()
	found := person.Get(t, "/findings?filter[scan]="+scan+"&page[size]=1").Want(t, 200)
	if err := json.Unmarshal([]byte(found.String("/data/0/attributes/status_extended")), &scope); err != nil {
		t.Fatalf("%v: %s", err, found.Raw)
	}
	return scope
}

func TestAScanHasItsOwnScopeOrItsProviders(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	know(t, server)
	ada := server.SignUp(t, "Ada")
	wide := map[string]any{"regions": names("eu-west-1", "us-gov-east-1"), "services": names("s3"), "checks": names("s3_lamp_is_off", "s3_door_is_shut"),
		"severities": names("low", "high"), "compliance": names("house_1.0_aws"), "excluded_checks": names("s3_door_is_shut"), "excluded_services": names("iam")}
	made := ada.Post(t, "/providers", "providers", map[string]any{"uid": account, "scan_scope": wide}, nil).Want(t, 201)
	provider := made.String("/data/id")
	if !reflect.DeepEqual(made.At("/data/attributes/scan_scope"), any(wide)) {
		t.Errorf("created: %s", made.Raw)
	}
	ada.Post(t, "/providers/secrets", "provider-secrets", map[string]any{"secret_type": "static", "secret": enginetest.Secret(enginetest.Looks(40))},
		map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 201)
	if read := ada.Get(t, "/providers").Want(t, 200); !reflect.DeepEqual(read.At("/data/0/attributes/scan_scope"), any(wide)) {
		t.Errorf("provider: %s", read.Raw)
	}
	own := map[string]any{"services": names("iam")}
	for name, c := range map[string]struct {
		attributes map[string]any
		want       map[string]any // nil: everything
	}{
		"its provider's": {map[string]any{}, wide}, "null": {map[string]any{"scope": nil}, wide}, "its own": {map[string]any{"scope": own}, own},
		"everything": {map[string]any{"scope": map[string]any{}}, nil},
	} {
		started := ada.Post(t, "/scans", "scans", c.attributes, map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 202)
		scope, shown := scopeOf(t, ada, started)
		if task := ended(t, ada, started.String("/data/id")); task.String("/data/attributes/state") != "completed" {
			t.Fatalf("%s: %s", name, task.Raw)
		}
		engine := given(t, ada, started.String("/data/attributes/task_args/scan_id"))
		if c.want == nil && (shown || !reflect.DeepEqual(engine, any(map[string]any{}))) ||
			c.want != nil && (!reflect.DeepEqual(scope, any(c.want)) || !reflect.DeepEqual(engine, any(c.want))) {
			t.Errorf("%s: shown %v (%v), the engine got %v", name, scope, shown, engine)
		}
	}
	// A scan keeps what it was given; a change is for the next one, and an alias leaves the scope alone.
	before := start(t, ada, provider, "before")
	ada.Patch(t, "/providers/"+provider, "providers", provider, map[string]any{"alias": "Main"}, nil).Want(t, 200)
	narrowed := ada.Patch(t, "/providers/"+provider, "providers", provider, map[string]any{"scan_scope": own}, nil).Want(t, 200)
	if !reflect.DeepEqual(narrowed.At("/data/attributes/scan_scope"), any(own)) || narrowed.String("/data/attributes/alias") != "Main" {
		t.Errorf("changed: %s", narrowed.Raw)
	}
	ended(t, ada, before.String("/data/id"))
	if scope, _ := scopeOf(t, ada, before); !reflect.DeepEqual(scope, any(wide)) {
		t.Errorf("the scan before the change has scope %v", scope)
	}
	for _, none := range []any{nil, map[string]any{}} {
		ada.Patch(t, "/providers/"+provider, "providers", provider, map[string]any{"scan_scope": own}, nil).Want(t, 200)
		cleared := ada.Patch(t, "/providers/"+provider, "providers", provider, map[string]any{"scan_scope": none}, nil).Want(t, 200)
		if _, shown := cleared.At("/data/attributes").(map[string]any)["scan_scope"]; shown {
			t.Errorf("cleared by %v: %s", none, cleared.Raw)
		}
	}
	if _, shown := scopeOf(t, ada, start(t, ada, provider, "whole")); shown {
		t.Error("a scan of everything shows a scope")
	}
}

func TestScheduledScansTakeTheScopeOfTheirProvider(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	provider, _ := connect(t, ada, account, enginetest.Looks(20))
	ada.Post(t, "/schedules", "schedules", map[string]any{"scan_frequency": "DAILY", "scan_hour": 3}, map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 201)
	for _, services := range [][]any{names("s3"), names("iam")} {
		scope := map[string]any{"services": services}
		ada.Patch(t, "/providers/"+provider, "providers", provider, map[string]any{"scan_scope": scope}, nil).Want(t, 200)
		task := ada.Do(t, http.MethodPost, "/schedules/"+provider+"/run", "", nil).Want(t, 202)
		ended(t, ada, task.String("/data/id"))
		scan := ada.Get(t, "/scans?filter[state]=completed&filter[trigger]=scheduled&sort=-inserted_at&page[size]=1").Want(t, 200)
		if !reflect.DeepEqual(scan.At("/data/0/attributes/scope"), any(scope)) || !reflect.DeepEqual(given(t, ada, scan.String("/data/0/id")), any(scope)) {
			t.Errorf("scan: %s", scan.Raw)
		}
	}
	if planned := ada.Get(t, "/scans?filter[state]=scheduled").Want(t, 200); planned.Len("/data") != 1 || planned.At("/data/0/attributes/scope") != nil {
		t.Errorf("planned: %s", planned.Raw)
	}
}

func TestNobodyNarrowsScansOfWhatTheyDoNotSee(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	know(t, server)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	seen, _ := connect(t, ada, account, "")
	hidden, _ := connect(t, ada, "999999999999", "")
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "seen"}, map[string]any{"providers": apitest.Many("providers", seen)}).
		Want(t, 201).String("/data/id")
	dan := ada.Member(t, "Dan", ada.Role(t, "limited", map[string]any{"manage_scans": true}, group))
	viewer := ada.Member(t, "Viewer", ada.Role(t, "viewer", map[string]any{}, group))
	good, bad := map[string]any{"services": names("s3")}, map[string]any{"services": names("nothing")}
	for name, c := range map[string]struct {
		person             *apitest.Client
		provider           string
		scan, change, read int
	}{
		"dan, hidden": {dan, hidden, 400, 403, 404}, "bob": {bob, seen, 400, 404, 404}, "viewer": {viewer, seen, 403, 403, 200}, "dan, seen": {dan, seen, 202, 403, 200},
		"ada, hidden": {ada, hidden, 202, 200, 200},
	} {
		for _, scope := range []any{bad, good} {
			scanned, changed := scanWith(t, c.person, c.provider, scope), c.person.Patch(t, "/providers/"+c.provider, "providers", c.provider, map[string]any{"scan_scope": scope}, nil)
			if reflect.DeepEqual(scope, any(good)) {
				scanned.Want(t, c.scan)
				changed.Want(t, c.change)
			} else if scanned.Status < 400 || changed.Status < 400 || c.scan == 400 && scanned.String("/errors/0/code") != "does_not_exist" {
				t.Errorf("%s: %s %s", name, scanned.Raw, changed.Raw)
			}
		}
		c.person.Get(t, "/providers/"+c.provider).Want(t, c.read)
	}
	if read := ada.Get(t, "/providers/"+seen).Want(t, 200); strings.Contains(string(read.Raw), "scan_scope") {
		t.Errorf("changed by others: %s", read.Raw)
	}
	if read := dan.Get(t, "/providers").Want(t, 200); strings.Contains(string(read.Raw), "scan_scope") {
		t.Errorf("dan sees the hidden scope: %s", read.Raw)
	}
}

// TestNumbersOnResourcesThatAScanDidNotLookAtStay: only a scan of everything takes them back.
func TestNumbersOnResourcesThatAScanDidNotLookAtStay(t *testing.T) {
	t.Parallel()
	server := apitest.StartScanning(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	provider, secret := connect(t, ada, account, enginetest.Looks(200))
	give := func(findings int) {
		ada.Patch(t, "/providers/secrets/"+secret, "provider-secrets", secret, map[string]any{"secret": enginetest.Secret(enginetest.Looks(findings))}, nil).Want(t, 200)
	}
	scan := func(services ...any) string {
		t.Helper()
		scope := map[string]any{}
		if len(services) > 0 {
			scope["services"] = services
		}
		started := scanWith(t, ada, provider, scope).Want(t, 202)
		if task := ended(t, ada, started.String("/data/id")); task.String("/data/attributes/state") != "completed" {
			t.Fatalf("scan: %s", task.Raw)
		}
		return started.String("/data/attributes/task_args/scan_id")
	}
	failures := func() map[string]float64 {
		t.Helper()
		all := make(map[string]float64)
		read := ada.Get(t, "/resources/latest?page[size]=100&fields[resources]=uid,service,failed_findings_count").Want(t, 200)
		for i := range read.Len("/data") {
			at := fmt.Sprintf("/data/%d/attributes/", i)
			number, _ := read.At(at + "failed_findings_count").(float64)
			all[read.String(at+"service")+" "+read.String(at+"uid")] = number
		}
		return all
	}
	scan()
	before := failures()
	sum := func(all map[string]float64, service string) (total float64) {
		for name, number := range all {
			if strings.HasPrefix(name, service+" ") {
				total += number
			}
		}
		return total
	}
	if sum(before, "s3") == 0 || sum(before, "iam") == 0 {
		t.Fatalf("failures: %v", before)
	}
	// A scan of s3 finds fewer resources: those that it saw count anew, all others are as they were.
	give(10)
	part := scan("s3")
	if after := failures(); !reflect.DeepEqual(after, before) {
		t.Errorf("after a scan of s3: %v, before: %v", after, before)
	}
	if latest := ada.Get(t, "/findings/latest?page[size]=100").Want(t, 200); latest.Len("/data") != 5 || latest.String("/data/0/relationships/scan/data/id") != part {
		t.Errorf("latest: %s", latest.Raw)
	}
	// Muting is told to the numbers whichever scan they are of.
	rules := 0
	mute := func(scan, service string) {
		t.Helper()
		found := ada.Get(t, "/findings?filter[scan]="+scan+"&filter[service]="+service+"&filter[status]=FAIL&page[size]=100").Want(t, 200)
		ids := make([]any, found.Len("/data"))
		for i := range ids {
			ids[i] = found.String(fmt.Sprintf("/data/%d/id", i))
		}
		ada.Post(t, "/mute-rules", "mute-rules", map[string]any{"name": service + " is fine", "reason": "It is fine", "finding_ids": ids}, nil).Want(t, 201)
		rules++
		for ada.Get(t, "/tasks?filter[name]=reaggregate-all-finding-group-summaries&filter[state]=completed").Want(t, 200).Len("/data") < rules {
			time.Sleep(20 * time.Millisecond)
		}
	}
	whole := ada.Get(t, "/scans?sort=inserted_at&page[size]=1").Want(t, 200).String("/data/0/id")
	mute(whole, "iam")
	if after := failures(); sum(after, "iam") != 0 || sum(after, "s3") != sum(before, "s3") || sum(after, "kms") != sum(before, "kms") {
		t.Errorf("after muting iam: %v, before: %v", after, before)
	}
	mute(part, "s3")
	if after := failures(); sum(after, "s3") >= sum(before, "s3") || sum(after, "kms") != sum(before, "kms") {
		t.Errorf("after muting what the scan of s3 found: %v, before: %v", after, before)
	}
	give(40)
	scan()
	if after := failures(); sum(after, "iam") != 0 || sum(after, "kms") >= sum(before, "kms") {
		t.Errorf("after a scan of everything: %v, before: %v", after, before)
	}
}
