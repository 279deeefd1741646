package complianceframeworks_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/customframework"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

const (
	account = "123456789012"
	other   = "222222222222"
)

type attributes = map[string]any

// load imports a catalogue with a framework and the checks that made findings files are about.
func load(t *testing.T, server *apitest.Server) {
	t.Helper()
	checks := attributes{}
	for _, service := range []string{"iam", "s3"} {
		for i := range 8 {
			id := fmt.Sprintf("%s_sample_check_%d", service, i)
			checks[id] = attributes{"CheckID": id}
		}
	}
	content, err := json.Marshal(attributes{"engine": "sample", "version": "0.0.1", "providers": attributes{"aws": attributes{"checks": checks,
		"frameworks": attributes{"house_1.0_aws": attributes{"framework": "House", "requirements": []attributes{{"id": "h", "checks": []string{"iam_sample_check_0"}}}},
			"yard_1.0_aws": attributes{"framework": "Yard", "requirements": []attributes{{"id": "y"}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := catalogue.Import(t.Context(), server.App.System, strings.NewReader(string(content))); err != nil {
		t.Fatal(err)
	}
}

func baseline() attributes {
	return attributes{"compliance_id": "custom_baseline", "provider": "aws", "framework": "Baseline", "name": "Our baseline", "version": "3",
		"requirements": []attributes{{"id": "1", "name": "One", "description": "About one", "checks": []string{"iam_sample_check_0"}},
			{"id": "2", "checks": []string{"s3_sample_check_3", "s3_sample_check_3"}}, {"id": "3"}}}
}

// settled waits until no task about frameworks is under way.
func settled(t *testing.T, client *apitest.Client) {
	t.Helper()
	for range 600 {
		tasks := client.Get(t, "/tasks?filter[name]=backfill-compliance-framework&page[size]=100").Want(t, 200)
		under := 0
		for i := range tasks.Len("/data") {
			switch state := tasks.String(fmt.Sprintf("/data/%d/attributes/state", i)); state {
			case "completed":
			case "failed", "cancelled":
				t.Fatalf("a task is %s: %s", state, tasks.Raw)
			default:
				under++
			}
		}
		if under == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the tasks do not end")
}

// says is what a scan says of the requirements of a framework, in the order of their ids.
func says(t *testing.T, client *apitest.Client, scan, framework string) string {
	t.Helper()
	answer := client.Get(t, "/compliance-overviews/requirements?filter[scan_id]="+scan+"&filter[compliance_id]="+framework).Want(t, 200)
	var all []string
	for i := range answer.Len("/data") {
		all = append(all, answer.String(fmt.Sprintf("/data/%d/id", i))+"="+answer.String(fmt.Sprintf("/data/%d/attributes/status", i)))
	}
	return strings.Join(all, " ")
}

// overall is what the newest scans say of all frameworks: requirements that passed, failed and are manual.
func overall(t *testing.T, client *apitest.Client) string {
	t.Helper()
	answer := client.Get(t, "/overviews/compliance-watchlist").Want(t, 200)
	var all []string
	for i := range answer.Len("/data") {
		at := func(name string) any { return answer.At(fmt.Sprintf("/data/%d/attributes/requirements_%s", i, name)) }
		all = append(all, fmt.Sprint(answer.String(fmt.Sprintf("/data/%d/id", i)), " ", at("passed"), " ", at("failed"), " ", at("manual")))
	}
	return strings.Join(all, ", ")
}

func TestAFrameworkOfOnesOwnIsHeldAgainstScans(t *testing.T) {
	t.Parallel()
	server := apitest.StartWorking(t)
	load(t, server)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	ada.Connect(t, account, "Main")
	ada.Connect(t, other, "Other")
	bob.Connect(t, account, "Bob's")
	old := ada.Ingest(t, ocsftest.File{Account: account, Findings: 40})
	newest := ada.Ingest(t, ocsftest.File{Account: account, Findings: 80})
	theirs := bob.Ingest(t, ocsftest.File{Account: account, Findings: 80})
	made := ada.Post(t, "/compliance-frameworks", "compliance-frameworks", baseline(), nil).Want(t, 201)
	id := made.String("/data/id")
	if made.String("/data/attributes/name") != "Our baseline" || made.At("/data/attributes/requirements_count") != 3.0 || made.String("/data/attributes/requirements/0/checks/0") != "iam_sample_check_0" {
		t.Errorf("made %s", made.Raw)
	}
	settled(t, ada)
	if got := says(t, ada, newest, "custom_baseline"); got != "1=FAIL 2=PASS 3=MANUAL" && got != "1=FAIL 2=FAIL 3=MANUAL" {
		t.Errorf("the newest scan says %q", got)
	}
	if got := says(t, ada, newest, "house_1.0_aws"); got != "h=FAIL" {
		t.Errorf("of the catalogue's framework it says %q", got)
	}
	if got := says(t, ada, old, "custom_baseline"); got != "" {
		t.Errorf("an earlier scan says %q", got)
	}
	if got := says(t, bob, theirs, "custom_baseline"); got != "" {
		t.Errorf("another tenant's scan says %q", got)
	}
	later := ada.Ingest(t, ocsftest.File{Account: other, Findings: 80})
	if got := says(t, ada, later, "custom_baseline"); !strings.HasPrefix(got, "1=FAIL 2=") {
		t.Errorf("a scan that completes afterwards says %q", got)
	}
	described := ada.Get(t, "/compliance-overviews/attributes?filter[compliance_id]=custom_baseline&filter[scan_id]="+newest).Want(t, 200)
	if described.String("/data/0/attributes/name") != "One" || described.Len("/data/1/attributes/attributes/check_ids") != 1 || described.String("/data/0/attributes/version") != "3" {
		t.Errorf("described as %s", described.Raw)
	}
	bob.Get(t, "/compliance-overviews/attributes?filter[compliance_id]=custom_baseline").Want(t, 404)

	// Another content: the newest scans are held against it, and the scan that is not the newest any more keeps what it said.
	before := says(t, ada, newest, "custom_baseline")
	next := ada.Ingest(t, ocsftest.File{Account: account, Findings: 80})
	changed := ada.Patch(t, "/compliance-frameworks/"+id, "compliance-frameworks", id, attributes{"version": "4",
		"requirements": []attributes{{"id": "0"}, {"id": "1", "checks": []string{"iam_sample_check_0"}}}}, nil).Want(t, 200)
	if changed.String("/data/attributes/version") != "4" || changed.String("/data/attributes/name") != "Our baseline" || changed.Len("/data/attributes/requirements") != 2 {
		t.Errorf("changed to %s", changed.Raw)
	}
	settled(t, ada)
	for _, scan := range []string{next, later} {
		if got := says(t, ada, scan, "custom_baseline"); got != "0=MANUAL 1=FAIL" {
			t.Errorf("after the change %s says %q", scan, got)
		}
	}
	if got := says(t, ada, newest, "custom_baseline"); got != before {
		t.Errorf("the earlier scan said %q and says %q", before, got)
	}
	if got := overall(t, ada); got != "custom_baseline 0 1 1, house_1.0_aws 0 1 0, yard_1.0_aws 0 0 1" {
		t.Errorf("overall %s", got)
	}

	ada.Delete(t, "/compliance-frameworks/"+id).Want(t, 204)
	for _, scan := range []string{newest, next, later} {
		if got := says(t, ada, scan, "custom_baseline"); got != "" {
			t.Errorf("after the deletion %s says %q", scan, got)
		}
	}
	if got := overall(t, ada); got != "house_1.0_aws 0 1 0, yard_1.0_aws 0 0 1" { // before the job has removed anything, or after
		t.Errorf("without it overall %s", got)
	}
	settled(t, ada)
	if got := overall(t, ada); got != "house_1.0_aws 0 1 0, yard_1.0_aws 0 0 1" {
		t.Errorf("after the job overall %s", got)
	}
	var left int
	if err := server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select count(*) from scan_compliance_sheets where 'custom_baseline' = any(compliance_ids)`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d sheets have it (%v)", left, err)
	}
	if err := server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select count(*) from scan_compliance where compliance_id = 'custom_baseline'`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d rows are left (%v)", left, err)
	}
	if got := says(t, ada, next, "house_1.0_aws"); got != "h=FAIL" {
		t.Errorf("the catalogue's framework is gone with it: %q", got)
	}
	ada.Get(t, "/compliance-frameworks/"+id).Want(t, 404)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	load(t, server)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	dan := ada.Member(t, "Dan", ada.Role(t, "reader", attributes{"manage_scans": true}))
	id := ada.Post(t, "/compliance-frameworks", "compliance-frameworks", baseline(), nil).Want(t, 201).String("/data/id")
	with := func(changes attributes) attributes {
		all := baseline()
		all["compliance_id"] = "custom_another"
		for name, value := range changes {
			all[name] = value
		}
		return all
	}
	many := func(count int) []attributes {
		list := make([]attributes, count)
		for i := range list {
			list[i] = attributes{"id": fmt.Sprint(i)}
		}
		return list
	}
	checks := make([]string, customframework.MostChecks+1)
	for i := range checks {
		checks[i] = "iam_sample_check_0"
	}
	tests := map[string]struct {
		changes       attributes
		code, pointer string
	}{
		"id taken":               {attributes{"compliance_id": "custom_baseline"}, "unique", "compliance_id"},
		"id of the catalogue":    {attributes{"compliance_id": "house_1.0_aws"}, "invalid", "compliance_id"},
		"id with a slash":        {attributes{"compliance_id": "custom_a/b"}, "invalid", "compliance_id"},
		"id too long":            {attributes{"compliance_id": "custom_" + strings.Repeat("a", 100)}, "max_length", "compliance_id"},
		"no such type":           {attributes{"provider": "cobol"}, "invalid_choice", "provider"},
		"no name":                {attributes{"name": nil}, "null", "name"},
		"blank framework":        {attributes{"framework": " "}, "blank", "framework"},
		"version is a list":      {attributes{"version": []string{"1"}}, "invalid", "version"},
		"no requirements":        {attributes{"requirements": []string{}}, "empty", "requirements"},
		"requirements a text":    {attributes{"requirements": "1"}, "not_a_list", "requirements"},
		"too many requirements":  {attributes{"requirements": many(customframework.MostRequirements + 1)}, "max_length", "requirements"},
		"requirement a text":     {attributes{"requirements": []string{"1"}}, "invalid", "requirements/0"},
		"requirement without id": {attributes{"requirements": []attributes{{"name": "x"}}}, "required", "requirements/0/id"},
		"id is a number":         {attributes{"requirements": []attributes{{"id": 1}}}, "invalid", "requirements/0/id"},
		"the same id twice":      {attributes{"requirements": []attributes{{"id": "1"}, {"id": " 1"}}}, "unique", "requirements/1/id"},
		"unknown member":         {attributes{"requirements": []attributes{{"id": "1", "weight": 3}}}, "invalid", "requirements/0"},
		"unknown check":          {attributes{"requirements": []attributes{{"id": "1", "checks": []string{"iam_sample_check_0", "moon"}}}}, "does_not_exist", "requirements/0/checks/1"},
		"check of another type":  {attributes{"provider": "azure"}, "does_not_exist", "requirements/0/checks/0"},
		"checks a text":          {attributes{"requirements": []attributes{{"id": "1", "checks": "x"}}}, "not_a_list", "requirements/0/checks"},
		"check is null":          {attributes{"requirements": []attributes{{"id": "1", "checks": []any{nil}}}}, "blank", "requirements/0/checks/0"},
		"too many checks":        {attributes{"requirements": []attributes{{"id": "1", "checks": checks}}}, "max_length", "requirements/0/checks"},
		"NUL":                    {attributes{"requirements": []attributes{{"id": "1", "description": "a\x00"}}}, "null_characters_not_allowed", "requirements/0/description"},
		"long description":       {attributes{"requirements": []attributes{{"id": "1", "description": strings.Repeat("x", 4001)}}}, "max_length", "requirements/0/description"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answer := ada.Post(t, "/compliance-frameworks", "compliance-frameworks", with(test.changes), nil).Want(t, 400)
			if answer.String("/errors/0/code") != test.code || answer.String("/errors/0/source/pointer") != "/data/attributes/"+test.pointer {
				t.Errorf("refused with %s", answer.Raw)
			}
		})
	}
	if list := ada.Get(t, "/compliance-frameworks"); list.At("/meta/pagination/count") != 1.0 {
		t.Errorf("a refused framework is there: %s", list.Raw)
	}
	ada.Patch(t, "/compliance-frameworks/"+id, "compliance-frameworks", id, attributes{"requirements": []attributes{{"id": "1", "checks": []string{"moon"}}}}, nil).Want(t, 400)
	ada.Patch(t, "/compliance-frameworks/"+id, "compliance-frameworks", id, attributes{"compliance_id": "custom_x"}, nil).Want(t, 400)
	one := "/compliance-frameworks/" + id
	bob.Get(t, one).Want(t, 404)
	bob.Patch(t, one, "compliance-frameworks", id, attributes{"name": "Bob's"}, nil).Want(t, 404)
	bob.Delete(t, one).Want(t, 404)
	if list := bob.Get(t, "/compliance-frameworks").Want(t, 200); list.Len("/data") != 0 {
		t.Errorf("bob sees %s", list.Raw)
	}
	dan.Get(t, one).Want(t, 200)
	if list := dan.Get(t, "/compliance-frameworks?filter[name.icontains]=OUR&sort=-compliance_id&filter[search]=base").Want(t, 200); list.Len("/data") != 1 || list.At("/data/0/attributes/requirements") != nil {
		t.Errorf("dan sees %s", list.Raw)
	}
	dan.Post(t, "/compliance-frameworks", "compliance-frameworks", with(nil), nil).Want(t, 403)
	dan.Patch(t, one, "compliance-frameworks", id, attributes{"name": "Dan's"}, nil).Want(t, 403)
	dan.Delete(t, one).Want(t, 403)
	for _, path := range []string{"/compliance-frameworks", one, "/compliance-watchlist"} {
		server.Anonymous().Get(t, path).Want(t, 401)
	}
}

func TestThereIsAMostOfFrameworks(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	for i := range customframework.MostFrameworks + 1 {
		want := 201
		if i == customframework.MostFrameworks {
			want = 409
		}
		ada.Post(t, "/compliance-frameworks", "compliance-frameworks", attributes{"compliance_id": fmt.Sprintf("custom_%d", i), "provider": "aws",
			"framework": "F", "name": "N", "requirements": []attributes{{"id": "1"}}}, nil).Want(t, want)
	}
}

func TestTheOverviewShowsWhatIsWatched(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	load(t, server)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	dan := ada.Member(t, "Dan", ada.Role(t, "reader", attributes{"unlimited_visibility": true}))
	ada.Connect(t, account, "Main")
	bob.Connect(t, account, "Bob's")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 20})
	bob.Ingest(t, ocsftest.File{Account: account, Findings: 20})
	shown := func(client *apitest.Client, want int) {
		t.Helper()
		if answer := client.Get(t, "/overviews/compliance-watchlist").Want(t, 200); answer.Len("/data") != want {
			t.Errorf("%s: want %d, shown %s", client.Email, want, answer.Raw)
		}
	}
	watch := func(client *apitest.Client, ids any) *apitest.Answer {
		t.Helper()
		return client.Patch(t, "/compliance-watchlist", "compliance-watchlists", ada.Tenant, attributes{"compliance_ids": ids}, nil)
	}
	shown(ada, 2)
	if answer := watch(ada, []string{"yard_1.0_aws", "yard_1.0_aws"}).Want(t, 200); answer.Len("/data/attributes/compliance_ids") != 1 {
		t.Errorf("watching %s", answer.Raw)
	}
	shown(ada, 1)
	shown(dan, 1)
	shown(bob, 2)
	if answer := dan.Get(t, "/compliance-watchlist").Want(t, 200); answer.String("/data/attributes/compliance_ids/0") != "yard_1.0_aws" || answer.String("/data/id") != ada.Tenant {
		t.Errorf("the list %s", answer.Raw)
	}
	if overviews := ada.Get(t, "/compliance-overviews?filter[provider_type]=aws").Want(t, 200); overviews.Len("/data") != 2 {
		t.Errorf("overviews are shortened: %s", overviews.Raw)
	}
	watch(dan, []string{}).Want(t, 403)
	watch(bob, []string{}).Want(t, 409)
	for _, wrong := range []any{nil, "x", []any{1}, []any{""}, []any{"moon"}, []any{"a\x00"}, make([]string, customframework.MostWatched+1)} {
		watch(ada, wrong).Want(t, 400)
	}
	shown(ada, 1)
	watch(ada, []string{}).Want(t, 200)
	shown(ada, 2)
}
