package overviews_test

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const (
	scorePath    = "/overviews/threatscore"
	subscription = "00000000-1111-4222-8333-444444444444"
)

// lamps are findings about lamps and doors: passes and failures of each.
func lamps(lit, dark, shut, open int) []found {
	var many []found
	add := func(check, status string, times int) {
		for range times {
			many = append(many, found{check: check, status: status})
		}
	}
	add("lamp_is_off", "PASS", dark)
	add("lamp_is_off", "FAIL", lit)
	add("door_is_shut", "PASS", shut)
	add("door_is_shut", "FAIL", open)
	return many
}

// scores compares members of the attributes of the snapshot at a pointer.
func scores(t *testing.T, answer *apitest.Answer, pointer string, want map[string]any) {
	t.Helper()
	answer.Want(t, 200)
	for name, value := range want {
		if got := answer.At(pointer + "/attributes/" + name); got != value {
			t.Errorf("%s is %v, want %v: %s", name, got, value, answer.Raw)
		}
	}
}

// TestThreatScoreOfAScan holds a snapshot against figures worked out by hand.
func TestThreatScoreOfAScan(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	importFrameworks(t, server, "aws")
	ada := server.SignUp(t, "Ada")
	provider := ada.Connect(t, account, "Main")
	if answer := ada.Get(t, scorePath).Want(t, 200); answer.Len("/data") != 0 {
		t.Errorf("a tenant without scans has %s", answer.Raw)
	}
	// 100 * 3*100*2.25 / (4*100*2.25 + 6*10*1.5); muted and manual findings do not count.
	scan := store(t, ada, "aws", account, append(lamps(1, 3, 0, 6), found{check: "lamp_is_off", status: "FAIL", muted: true},
		found{check: "window_is_shut", status: "MANUAL"}, found{check: "elsewhere", status: "FAIL"})...)
	answer := ada.Get(t, scorePath+"?include=scan,provider")
	scores(t, answer, "/data/0", map[string]any{"overall_score": "68.18", "score_delta": nil, "compliance_id": "prowler_threatscore_aws",
		"section_scores/1. Light": 75.0, "section_scores/2. Doors": 0.0, "total_requirements": 3.0, "passed_requirements": 0.0, "failed_requirements": 2.0,
		"manual_requirements": 1.0, "total_findings": 10.0, "passed_findings": 3.0, "failed_findings": 7.0,
		"critical_requirements/0/requirement_id": "1.1", "critical_requirements/0/description": "About lamps", "critical_requirements/0/risk_level": 5.0,
		"critical_requirements/0/weight": 100.0, "critical_requirements/0/passed_findings": 3.0, "critical_requirements/0/total_findings": 4.0})
	if answer.Len("/data/0/attributes/critical_requirements") != 1 || answer.String("/data/0/relationships/scan/data/id") != scan ||
		answer.String("/data/0/relationships/provider/data/id") != provider || answer.String("/data/0/type") != "threatscore-snapshots" {
		t.Errorf("snapshot %s", answer.Raw)
	}
	if answer.Len("/included") != 2 || answer.String("/included/0/id") != provider || answer.String("/included/1/id") != scan ||
		answer.At("/included/1/relationships/provider/data/id") != provider {
		t.Errorf("included %s", answer.Raw)
	}
	first := answer.String("/data/0/id")
	store(t, ada, "aws", account, lamps(1, 1, 1, 1)...)
	answer = ada.Get(t, scorePath)
	scores(t, answer, "/data/0", map[string]any{"overall_score": "50.00", "score_delta": "-18.18"})
	if answer.String("/data/0/id") == first {
		t.Error("the second scan has the first one's snapshot")
	}
	one := ada.Get(t, scorePath+"?snapshot_id="+first+"&include=provider&fields[threatscore-snapshots]=overall_score,provider")
	scores(t, one, "/data", map[string]any{"overall_score": "68.18"})
	if one.String("/data/id") != first || one.Len("/included") != 1 || one.At("/data/relationships/scan") != nil {
		t.Errorf("one snapshot %s", one.Raw)
	}
}

// TestThreatScoreFollowsMuting: muting makes the snapshot anew under the same id, also an older one, and the changes with it.
func TestThreatScoreFollowsMuting(t *testing.T) {
	t.Parallel()
	server := apitest.StartWorking(t)
	importFrameworks(t, server, "aws")
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	store(t, ada, "aws", account, lamps(1, 1, 0, 0)...)
	before := ada.Get(t, scorePath).Want(t, 200).String("/data/0/id")
	store(t, ada, "aws", account, lamps(1, 1, 0, 0)...)
	newest := ada.Get(t, scorePath)
	scores(t, newest, "/data/0", map[string]any{"overall_score": "50.00", "score_delta": "0.00"})
	failed := ada.Get(t, "/findings/latest?filter[status]=FAIL").Want(t, 200).String("/data/0/id")
	ada.Post(t, "/mute-rules", "mute-rules", map[string]any{"name": "Lamp", "reason": "It is a night light", "finding_ids": []string{failed}}, nil).Want(t, 201)
	var after *apitest.Answer
	for range 200 {
		after = ada.Get(t, scorePath+"?snapshot_id="+before).Want(t, 200)
		if after.String("/data/attributes/overall_score") == "100.00" && ada.Get(t, scorePath).String("/data/0/attributes/overall_score") == "100.00" {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	scores(t, after, "/data", map[string]any{"overall_score": "100.00", "total_findings": 1.0})
	again := ada.Get(t, scorePath)
	scores(t, again, "/data/0", map[string]any{"overall_score": "100.00", "score_delta": "0.00"})
	if again.String("/data/0/id") != newest.String("/data/0/id") || again.String("/data/0/attributes/inserted_at") != newest.String("/data/0/attributes/inserted_at") {
		t.Errorf("the snapshot was %s and is %s", newest.Raw, again.Raw)
	}
}

// TestALaterCatalogueChangesNoThreatScore: a scan that is counted again is scored by what it was scored by, a new scan by what there is.
func TestALaterCatalogueChangesNoThreatScore(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	importFrameworks(t, server, "aws")
	ada := server.SignUp(t, "Ada")
	provider := ada.Connect(t, account, "Main")
	scan := store(t, ada, "aws", account, lamps(1, 3, 0, 6)...)
	one := scorePath + "?snapshot_id=" + scan
	recount := func() {
		t.Helper()
		err := server.App.Tenants.Write(t.Context(), tenant.NewScope(uuid.MustParse(ada.Tenant), uuid.Nil, tenant.SeeAll()), func(ctx context.Context, tx *tenant.Tx) error {
			return ingest.RecountCompleted(ctx, tx, ingest.Scan{ID: uuid.MustParse(scan), ProviderID: uuid.MustParse(provider)})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	before := ada.Get(t, one)
	scores(t, before, "/data", map[string]any{"overall_score": "68.18"})
	lighter := strings.ReplaceAll(lightFramework, `"Weight":100`, `"Weight":1`)
	importCatalogue(t, server, map[string]any{"aws": map[string]any{"checks": map[string]any{}, "frameworks": map[string]any{"prowler_threatscore_aws": json.RawMessage(lighter)}}})
	for range 2 {
		recount()
		if after := ada.Get(t, one).Want(t, 200); string(after.Raw) != string(before.Raw) {
			t.Errorf("the scan said %s and says %s", before.Raw, after.Raw)
		}
	}
	importCatalogue(t, server, map[string]any{"aws": map[string]any{"checks": map[string]any{}, "frameworks": map[string]any{}}})
	recount()
	if after := ada.Get(t, one).Want(t, 200); string(after.Raw) != string(before.Raw) {
		t.Errorf("without the framework the scan said %s and says %s", before.Raw, after.Raw)
	}
	importCatalogue(t, server, map[string]any{"aws": map[string]any{"checks": map[string]any{}, "frameworks": map[string]any{"prowler_threatscore_aws": json.RawMessage(lighter)}}})
	scan = store(t, ada, "aws", account, lamps(1, 3, 0, 6)...)
	scores(t, ada.Get(t, scorePath), "/data/0", map[string]any{"overall_score": "6.82"}) // 100 * 3*1*2.25 / (4*1*2.25 + 6*10*1.5)
	// A scan of an earlier version of the program does not say what it was scored by: from its next count on it does.
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update threatscore_snapshots set revision_id = null`); err != nil {
		t.Fatal(err)
	}
	recount()
	importFrameworks(t, server, "aws")
	recount()
	scores(t, ada.Get(t, scorePath), "/data/0", map[string]any{"overall_score": "6.82"})
}

// TestThreatScoreOfSeveralProviders: one item stands for all, weighted by findings; filters choose among them.
func TestThreatScoreOfSeveralProviders(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	importFrameworks(t, server, "aws", "azure", "github")
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	shown, hidden := connect(t, ada, "azure", subscription), ada.Connect(t, account, "Hidden")
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "Shown"},
		map[string]any{"providers": apitest.Many("providers", shown)}).Want(t, 201).String("/data/id")
	dan := ada.Member(t, "Dan", ada.Role(t, "limited", nil, group))
	connect(t, ada, "github", "octo")
	connect(t, ada, "gcp", "project-one")
	store(t, ada, "github", "octo", lamps(1, 0, 0, 0)...)     // of a type that has no score
	store(t, ada, "gcp", "project-one", lamps(1, 0, 0, 0)...) // without a framework in the catalogue
	store(t, ada, "aws", account, lamps(3, 1, 0, 0)...)
	theirs := store(t, ada, "azure", subscription, lamps(0, 2, 0, 4)...)

	// aws has 25 % of 4, azure 100 * 2*225 / (2*225 + 4*15) = 88.24 % of 6: (100 + 529.44) / 10 = 62.944
	all := ada.Get(t, scorePath+"?include=provider")
	scores(t, all, "/data/0", map[string]any{"overall_score": "62.94", "score_delta": nil, "compliance_id": "prowler_threatscore_overview",
		"section_scores/1. Light": "70.00", "section_scores/2. Doors": "40.00", "total_findings": 10.0, "total_requirements": 6.0})
	if all.Len("/data") != 1 || all.String("/data/0/id") != "n/a" || all.At("/data/0/relationships/scan/data") != nil || all.Len("/included") > 0 {
		t.Errorf("together %s", all.Raw)
	}
	for query, want := range map[string]string{
		"filter[provider_type]=aws": "25.00", "filter[provider_type__in]=azure,gcp": "88.24", "filter[provider_id]=" + shown: "88.24",
		"provider_id=" + shown: "88.24", "provider_id=" + hidden + "&include=provider": "25.00", "filter[provider_id__in]=" + hidden: "25.00",
		"filter[provider_groups]=" + group: "88.24", "filter[scan_id]=" + theirs: "88.24", "filter[scan]=" + theirs: "88.24",
		"filter[compliance_id]=prowler_threatscore_aws": "25.00", "filter[overall_score__gte]=50": "88.24", "filter[overall_score__lte]=25.00": "25.00",
		"filter[overall_score]=88.24": "88.24", "filter[provider_type.in]=aws": "62.94", "filter[colour]=red&nonsense=1&sort=x": "62.94",
		"filter[provider_id]=&snapshot_id=": "62.94",
	} {
		scores(t, ada.Get(t, scorePath+"?"+query), "/data/0", map[string]any{"overall_score": want})
	}
	tomorrow := time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	for _, query := range []string{"filter[inserted_at__gte]=" + tomorrow, "filter[overall_score__gte]=99", "filter[provider_id]=" + uuid.NewString(),
		"filter[compliance_id]=none", "filter[scan_id]=" + uuid.NewString(), "filter[provider_type]=github", "filter[provider_type]=gcp"} {
		if answer := ada.Get(t, scorePath+"?"+query).Want(t, 200); answer.Len("/data") != 0 {
			t.Errorf("%s: %s", query, answer.Raw)
		}
	}

	scores(t, dan.Get(t, scorePath), "/data/0", map[string]any{"overall_score": "88.24"})
	if answer := dan.Get(t, scorePath+"?provider_id="+hidden).Want(t, 200); answer.Len("/data") != 0 {
		t.Errorf("dan sees %s", answer.Raw)
	}
	unseen := ada.Get(t, scorePath+"?filter[provider_type]=aws").String("/data/0/id")
	dan.Get(t, scorePath+"?snapshot_id="+unseen).Want(t, 404)
	bob.Get(t, scorePath+"?snapshot_id="+unseen).Want(t, 404)
	if answer := bob.Get(t, scorePath).Want(t, 200); answer.Len("/data") != 0 {
		t.Errorf("bob sees %s", answer.Raw)
	}
	ada.Delete(t, "/providers/"+hidden).Want(t, 202)
	scores(t, ada.Get(t, scorePath), "/data/0", map[string]any{"overall_score": "88.24"})
	ada.Get(t, scorePath+"?snapshot_id="+unseen).Want(t, 404)
}

func TestThreatScoreRefusals(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	for query, want := range map[string]string{
		"snapshot_id=x":                     "/data invalid “x” is not a valid UUID.",
		"snapshot_id=%00":                   "/data invalid “\x00” is not a valid UUID.",
		"filter[overall_score__gte]=x":      "/data/attributes/overall_score__gte invalid Enter a number.",
		"filter[overall_score]=NaN":         "/data/attributes/overall_score invalid Enter a number.",
		"filter[overall_score__lte]=1e9999": "/data/attributes/overall_score__lte invalid Enter a number.",
		"filter[provider_id]=x":             "/data/attributes/provider_id invalid Enter a valid UUID.",
		"provider_id=x":                     "/data/attributes/provider_id invalid Enter a valid UUID.",
		"filter[provider_type__in]=aws,x":   "/data/attributes/provider_type__in invalid Select a valid choice. x is not one of the available choices.",
		"filter[scan_id]=x":                 "/data/attributes/scan_id invalid Enter a valid UUID.",
		"filter[inserted_at]=soon":          "/data/attributes/inserted_at invalid Enter a valid date.",
		"filter[compliance_id]=%00":         "/data/attributes/compliance_id null_characters_not_allowed Null characters are not allowed.",
		"include=findings":                  "/data parse_error This endpoint does not support the include parameter for path findings",
	} {
		answer := ada.Get(t, scorePath+"?"+query).Want(t, 400)
		if got := answer.String("/errors/0/source/pointer") + " " + answer.String("/errors/0/code") + " " + answer.String("/errors/0/detail"); got != want {
			t.Errorf("%s: %s", query, got)
		}
	}
	missing := ada.Get(t, scorePath+"?snapshot_id="+uuid.NewString()).Want(t, 404)
	if missing.String("/errors/0/detail") != "ThreatScore snapshot not found" || missing.String("/errors/0/source/pointer") != "/data" {
		t.Errorf("missing %s", missing.Raw)
	}
	huge := strings.Repeat("9", 30)
	for _, query := range []string{"filter[inserted_at]=0001-01-01", "filter[inserted_at__gte]=9999-12-31", "filter[inserted_at__lte]=9999-12-31T23:59:59.999999-14:00",
		"filter[inserted_at__gte]=0001-01-01T00:00:00%2B14:00", "filter[overall_score__gte]=" + huge, "filter[overall_score__gte]=-" + huge + "." + huge} {
		ada.Get(t, scorePath+"?"+query).Want(t, 200)
	}
	server.Anonymous().Get(t, scorePath).Want(t, 401)
}

// TestThreatScoreOfWhatTheFrameworkDoesNotAskFor: a scan that found nothing at all has no score, one whose findings are about
// nothing that the framework asks for has a full one.
func TestThreatScoreOfWhatTheFrameworkDoesNotAskFor(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	importFrameworks(t, server, "aws")
	ada := server.SignUp(t, "Ada")
	provider := uuid.MustParse(ada.Connect(t, account, "Main"))
	empty := ingest.Scan{ID: uuid.Must(uuid.NewV7()), ProviderID: provider}
	pool := server.DB.Pool(t, pgtest.Superuser)
	if _, err := pool.Exec(t.Context(), `insert into scans (tenant_id, id, provider_id, trigger, state, completed_at) values ($1, $2, $3, 'manual', 'completed', now())`,
		ada.Tenant, empty.ID, provider); err != nil {
		t.Fatal(err)
	}
	scope := tenant.NewScope(uuid.MustParse(ada.Tenant), uuid.Nil, tenant.SeeAll())
	err := server.App.Tenants.Write(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error { return ingest.Recount(ctx, tx, empty) })
	if err != nil {
		t.Fatal(err)
	}
	if answer := ada.Get(t, scorePath).Want(t, 200); answer.Len("/data") != 0 {
		t.Errorf("a scan that found nothing has %s", answer.Raw)
	}
	store(t, ada, "aws", account, found{check: "elsewhere", status: "FAIL"})
	scores(t, ada.Get(t, scorePath), "/data/0", map[string]any{"overall_score": "100.00", "total_findings": 0.0, "passed_requirements": 2.0, "manual_requirements": 1.0})
}

// TestThreatScoreAndClocks: the newest snapshot is the one with the latest moment, also when a clock was ahead as it was made.
func TestThreatScoreAndClocks(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	importFrameworks(t, server, "aws")
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	scan := store(t, ada, "aws", account, lamps(0, 1, 0, 0)...)
	pool := server.DB.Pool(t, pgtest.Superuser)
	if _, err := pool.Exec(t.Context(), `update threatscore_snapshots set inserted_at = inserted_at + interval '1 year' where scan_id = $1`, scan); err != nil {
		t.Fatal(err)
	}
	store(t, ada, "aws", account, lamps(1, 0, 0, 0)...)
	scores(t, ada.Get(t, scorePath), "/data/0", map[string]any{"overall_score": "100.00", "score_delta": "100.00"})
	until := url.QueryEscape(time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly))
	scores(t, ada.Get(t, scorePath+"?filter[inserted_at__lte]="+until), "/data/0", map[string]any{"overall_score": "0.00", "score_delta": nil})
}
