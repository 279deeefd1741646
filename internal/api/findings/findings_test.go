package findings_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/ocsf"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const (
	account = "123456789012"
	other   = "222222222222"
)

func today() string { return time.Now().UTC().Format("2006-01-02") }

// query builds a path from pairs of parameter and value.
func query(path string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return path + "?" + values.Encode()
}

func count(t *testing.T, answer *apitest.Answer) int {
	t.Helper()
	n, ok := answer.Want(t, 200).At("/meta/pagination/count").(float64)
	if !ok {
		t.Fatalf("no count in %s", answer.Raw)
	}
	return int(n)
}

// collect returns the values at a pointer of all items on all pages.
func collect(t *testing.T, client *apitest.Client, path, pointer string) []string {
	t.Helper()
	var all []string
	for page := 1; ; page++ {
		answer := client.Get(t, fmt.Sprintf("%s&page[size]=100&page[number]=%d", path, page)).Want(t, 200)
		for i := range answer.Len("/data") {
			all = append(all, answer.String(fmt.Sprintf("/data/%d%s", i, pointer)))
		}
		if pages, _ := answer.At("/meta/pagination/pages").(float64); page >= int(pages) {
			return all
		}
	}
}

func TestFindingsAreReadAsTheyWereIngested(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	provider := ada.Connect(t, account, "Main")
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 40})
	list := ada.Get(t, query("/findings", "filter[scan]", scan, "include", "scan.provider,resources")).Want(t, 200)
	if list.Len("/data") != 10 || count(t, list) != 40 {
		t.Fatalf("list %s", list.Raw)
	}
	id := list.String("/data/0/id")
	for pointer, want := range map[string]any{
		"/data/0/type": "findings", "/data/0/links/self": server.URL + "/findings/" + id, "/data/0/attributes/delta": "new",
		"/data/0/relationships/scan/data/id": scan, "/data/0/attributes/muted": false, "/data/0/attributes/muted_reason": nil,
		"/data/0/relationships/resources/meta/count": 1.0,
	} {
		if got := list.At(pointer); got != want {
			t.Errorf("%s is %v, want %v", pointer, got, want)
		}
	}
	if raw, ok := list.At("/data/0/attributes/raw_result").(map[string]any); !ok || len(raw) != 0 {
		t.Errorf("raw_result is %v", list.At("/data/0/attributes/raw_result"))
	}
	check := list.String("/data/0/attributes/check_id")
	if list.String("/data/0/attributes/check_metadata/checkid") != check || list.Len("/data/0/attributes/categories") != 1 {
		t.Errorf("check metadata %v", list.At("/data/0/attributes/check_metadata"))
	}
	kinds := map[string]int{}
	for i := range list.Len("/included") {
		kinds[list.String(fmt.Sprintf("/included/%d/type", i))]++
		if self := list.At(fmt.Sprintf("/included/%d/links", i)); self != nil {
			t.Errorf("an included object has links: %v", self)
		}
	}
	if kinds["scans"] != 1 || kinds["providers"] != 1 || kinds["resources"] == 0 || list.String("/included/0/id") != provider {
		t.Errorf("included %v", kinds)
	}
	one := ada.Get(t, "/findings/"+id+"?nonsense=1&fields[findings]=uid,resources").Want(t, 200)
	if one.String("/data/attributes/uid") != list.String("/data/0/attributes/uid") || one.At("/data/attributes/status") != nil || one.At("/data/relationships/scan") != nil {
		t.Errorf("one finding %s", one.Raw)
	}
	if cache := list.Header.Get("Cache-Control"); !strings.Contains(cache, "max-age") {
		t.Errorf("the list's Cache-Control is %q", cache)
	}
}

// TestListsAgreeWithTheirCounts holds every way to count against every way to list: aggregates, one by one, each order.
func TestListsAgreeWithTheirCounts(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	first, second := ada.Connect(t, account, "Main"), ada.Connect(t, other, "Other")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 130})
	newest := ada.Ingest(t, ocsftest.File{Account: account, Findings: 170, Flip: 4})
	ada.Ingest(t, ocsftest.File{Account: other, Findings: 60})
	filters := [][]string{
		{}, {"filter[status]", "FAIL"}, {"filter[status__in]", "PASS,MANUAL"}, {"filter[severity]", "high"}, {"filter[severity.in]", "critical,low"},
		{"filter[impact]", "high"}, {"filter[service]", "s3"}, {"filter[service__icontains]", "K"}, {"filter[region__in]", "eu-west-1,us-east-1"},
		{"filter[check_id]", "s3_sample_check_1"}, {"filter[check_id__icontains]", "CHECK_2"}, {"filter[muted]", "false"}, {"filter[muted]", "true"},
		{"filter[delta]", "new"}, {"filter[delta__in]", "changed"}, {"filter[provider]", first}, {"filter[provider_id__in]", first + "," + second},
		{"filter[provider_alias__icontains]", "oth"}, {"filter[provider_type]", "azure"}, {"filter[category]", "sample-s3"},
		{"filter[resource_name__icontains]", "S3-1"}, {"filter[resource_type]", "AwsSamples3"}, {"filter[search]", "sample kms"},
		{"filter[search]", "nothing-has-this"}, {"filter[status]", "FAIL", "filter[severity]", "high", "filter[region]", "eu-west-1", "filter[muted]", "false"},
		{"filter[status]", "FAIL", "filter[status__in]", "PASS"}, {"filter[uid]", "prowler-aws-s3_sample_check_0-" + account + "-eu-west-1-s3-0-1"},
	}
	sorts := []string{"", "status", "-severity", "severity,status,-inserted_at", "check_id", "-check_id", "inserted_at", "updated_at,status"}
	paths := map[string]func(pairs ...string) string{
		"latest": func(pairs ...string) string { return query("/findings/latest", pairs...) },
		"day": func(pairs ...string) string {
			return query("/findings", append(pairs, "filter[inserted_at]", today())...)
		},
		"scan": func(pairs ...string) string { return query("/findings", append(pairs, "filter[scan]", newest)...) },
	}
	for name, path := range paths {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, pairs := range filters {
				sort := sorts[i%len(sorts)]
				want := count(t, ada.Get(t, path(append(slices.Clone(pairs), "fields[findings]", "uid")...)))
				ids := collect(t, ada, path(append(slices.Clone(pairs), "sort", sort, "fields[findings]", "status")...), "/id")
				slices.Sort(ids)
				if kept := slices.Compact(slices.Clone(ids)); len(ids) != want || len(kept) != want {
					t.Errorf("%v sort %q: count %d, listed %d, distinct %d", pairs, sort, want, len(ids), len(kept))
				}
			}
			for _, sort := range sorts {
				if ids := collect(t, ada, path("sort", sort, "fields[findings]", "status"), "/id"); len(ids) != count(t, ada.Get(t, path())) {
					t.Errorf("sort %q lists %d", sort, len(ids))
				}
			}
		})
	}
	want := map[string]int{"latest": 230, "day": 360, "scan": 170}
	for name, path := range paths {
		if got := count(t, ada.Get(t, path())); got != want[name] {
			t.Errorf("%s counts %d, want %d", name, got, want[name])
		}
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 130})
	ranks := map[string]string{"FAIL": "1", "PASS": "2", "MANUAL": "3", "critical": "1", "high": "2", "medium": "3", "low": "4", "informational": "5"}
	tests := map[string]struct {
		sort, pointer string
		descending    bool
	}{
		"status": {"status", "/attributes/status", false}, "severity, worst last": {"-severity", "/attributes/severity", true},
		"check": {"check_id", "/attributes/check_id", false}, "newest first by default": {"", "/attributes/inserted_at", true},
		"oldest first": {"inserted_at", "/attributes/inserted_at", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := collect(t, ada, query("/findings/latest", "sort", test.sort), test.pointer)
			for i, value := range values {
				if rank, ok := ranks[value]; ok {
					values[i] = rank
				}
			}
			if test.descending {
				slices.Reverse(values)
			}
			if len(values) != 130 || !slices.IsSorted(values) {
				t.Errorf("sorted as %v", values)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	tests := map[string]struct {
		path    string
		status  int
		code    string
		pointer string
	}{
		"no date":             {"/findings", 400, "required", "/data/attributes/inserted_at"},
		"range":               {"/findings?filter[inserted_at__gte]=2024-01-01", 400, "invalid", "/data/attributes/inserted_at"},
		"scan is no UUIDv7":   {"/findings?filter[scan]=00000000-0000-4000-8000-000000000000", 400, "invalid", "/data/relationships/scan"},
		"status":              {"/findings/latest?filter[status]=fail", 400, "invalid_choice", "/data/attributes/status"},
		"filter":              {"/findings/latest?filter[colour]=red", 400, "invalid", "/data"},
		"scan on latest":      {"/findings/latest?filter[scan]=x", 400, "invalid", "/data"},
		"sort":                {"/findings/latest?sort=uid", 400, "invalid", "/data"},
		"page":                {"/findings/latest?page[number]=2", 404, "not_found", "/data"},
		"include":             {"/findings/latest?include=provider", 400, "parse_error", "/data"},
		"NUL":                 {"/findings/latest?filter[search]=a%00b", 400, "null_characters_not_allowed", "/data"},
		"unknown id":          {"/findings/01900000-0000-7000-8000-000000000000", 404, "not_found", ""},
		"no id":               {"/findings/nothing", 404, "not_found", ""},
		"include of one":      {"/findings/01900000-0000-7000-8000-000000000000?include=provider", 400, "parse_error", "/data"},
		"metadata date":       {"/findings/metadata?filter[inserted_at__gte]=soon", 400, "invalid", "/data/attributes/inserted_at__gte"},
		"places without date": {"/findings/findings_services_regions", 400, "required", "/data/attributes/inserted_at"},
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
}

func TestPeopleSeeWhatPolicyShowsThem(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	ada.Connect(t, account, "Hidden")
	shown := ada.Connect(t, other, "Shown")
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "Shown"},
		map[string]any{"providers": apitest.Many("providers", shown)}).Want(t, 201).String("/data/id")
	dan := ada.Member(t, "Dan", ada.Role(t, "limited", nil, group))
	blank := ada.Member(t, "Blank", ada.Role(t, "blank", nil))
	hiddenScan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 80})
	shownScan := ada.Ingest(t, ocsftest.File{Account: other, Findings: 16})
	first := func(scan string) string {
		return ada.Get(t, query("/findings", "filter[scan]", scan)).String("/data/0/id")
	}
	hiddenFinding, shownFinding := first(hiddenScan), first(shownScan)
	seen := map[*apitest.Client]int{ada: 96, dan: 16, blank: 0, bob: 0}
	for client, want := range seen {
		for _, path := range []string{"/findings/latest", query("/findings", "filter[inserted_at]", today()), query("/findings/latest", "filter[delta]", "new"),
			query("/findings", "filter[scan__in]", hiddenScan+","+shownScan)} {
			if got := count(t, client.Get(t, path)); got != want {
				t.Errorf("%s sees %d findings at %s, want %d", client.Email, got, path, want)
			}
		}
	}
	dan.Get(t, "/findings/"+shownFinding).Want(t, 200)
	for _, client := range []*apitest.Client{dan, blank, bob} {
		client.Get(t, "/findings/"+hiddenFinding).Want(t, 404)
		if got := count(t, client.Get(t, query("/findings", "filter[scan]", hiddenScan))); got != 0 {
			t.Errorf("%s sees %d findings of the hidden scan", client.Email, got)
		}
		metadata := client.Get(t, query("/findings/metadata", "filter[scan]", hiddenScan)).Want(t, 200)
		if metadata.Len("/data/attributes/services") != 0 || metadata.Len("/data/attributes/categories") != 0 {
			t.Errorf("%s learns of the hidden scan: %s", client.Email, metadata.Raw)
		}
		places := client.Get(t, query("/findings/findings_services_regions", "filter[scan]", hiddenScan)).Want(t, 200)
		if places.Len("/data/attributes/services") != 0 {
			t.Errorf("%s learns of the hidden scan's places: %s", client.Email, places.Raw)
		}
	}
	included := dan.Get(t, query("/findings/latest", "include", "scan.provider,resources", "page[size]", "100")).Want(t, 200)
	for i := range included.Len("/included") {
		if id := included.String(fmt.Sprintf("/included/%d/id", i)); included.String(fmt.Sprintf("/included/%d/type", i)) == "providers" && id != shown {
			t.Errorf("dan is shown provider %s", id)
		}
	}
	if strings.Contains(string(included.Raw), account) {
		t.Error("dan is shown something of the hidden account")
	}
}

func TestMetadataFollowsTheScans(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 200})
	all := ada.Get(t, query("/findings/metadata", "filter[scan]", scan)).Want(t, 200)
	if all.Len("/data/attributes/services") != 8 || all.Len("/data/attributes/regions") != 4 || all.Len("/data/attributes/resource_types") != 8 ||
		all.Len("/data/attributes/categories") != 8 || all.Len("/data/attributes/groups") != 0 || all.At("/data/id") != nil {
		t.Errorf("metadata %s", all.Raw)
	}
	one := ada.Get(t, query("/findings/metadata/latest", "filter[service]", "s3", "nonsense", "1", "sort", "taste", "include", "x")).Want(t, 200)
	if one.Len("/data/attributes/services") != 1 || one.String("/data/attributes/services/0") != "s3" || one.Len("/data/attributes/categories") != 8 {
		t.Errorf("metadata of one service %s", one.Raw)
	}
	places := ada.Get(t, query("/findings/findings_services_regions", "filter[scan]", scan, "filter[service]", "kms")).Want(t, 200)
	if places.Len("/data/attributes/services") != 1 || places.Len("/data/attributes/regions") == 0 {
		t.Errorf("places %s", places.Raw)
	}
	if none := ada.Get(t, query("/findings/metadata", "filter[inserted_at]", "2024-01-31")).Want(t, 200); none.Len("/data/attributes/services") != 0 {
		t.Errorf("metadata of another day %s", none.Raw)
	}
}

// TestOnlyCompletedScansExist stores the findings of a scan without completing it.
func TestOnlyCompletedScansExist(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	provider := uuid.MustParse(ada.Connect(t, account, "Main"))
	done := ada.Ingest(t, ocsftest.File{Account: account, Findings: 10})
	scope := tenant.NewScope(uuid.MustParse(ada.Tenant), uuid.Nil, tenant.SeeAll())
	running := ingest.Scan{ID: uuid.Must(uuid.NewV7()), ProviderID: provider}
	write := func(ctx context.Context, fn func(context.Context, *tenant.Tx) error) error {
		return server.App.Tenants.Write(ctx, scope, fn)
	}
	err := write(t.Context(), func(ctx context.Context, tx *tenant.Tx) error {
		return tenantdb.New(tx).CreateScan(ctx, tenantdb.CreateScanParams{ID: running.ID, ProviderID: provider, Trigger: "manual", State: "executing"})
	})
	if err != nil {
		t.Fatal(err)
	}
	var content strings.Builder
	if err := (ocsftest.File{Account: account, Findings: 20, Flip: 2}).Write(&content); err != nil {
		t.Fatal(err)
	}
	run, err := ingest.Begin(t.Context(), server.App.Tenants, scope, running)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	reader := ocsf.NewReader(strings.NewReader(content.String()), ocsf.Limits{}, nil)
	for range 20 {
		one, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		if err := run.Add(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	if err := run.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var unfinished string
	row := server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select id from findings where scan_id = $1 limit 1`, running.ID)
	if err := row.Scan(&unfinished); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		for path, want := range map[string]int{"/findings/latest": 10, query("/findings", "filter[inserted_at]", today()): 10,
			query("/findings", "filter[scan]", running.ID.String()): 0, query("/findings", "filter[scan]", running.ID.String(), "filter[delta]", "new"): 0,
			query("/findings", "filter[scan]", done): 10} {
			if got := count(t, ada.Get(t, path)); got != want {
				t.Errorf("%s: %d findings at %s, want %d", when, got, path, want)
			}
		}
		ada.Get(t, "/findings/"+unfinished).Want(t, 404)
		resources := ada.Get(t, query("/resources", "filter[updated_at]", today(), "include", "findings", "page[size]", "100")).Want(t, 200)
		for i := range resources.Len("/data") {
			for j := range resources.Len(fmt.Sprintf("/data/%d/relationships/findings/data", i)) {
				if id := resources.String(fmt.Sprintf("/data/%d/relationships/findings/data/%d/id", i, j)); id >= unfinished {
					t.Errorf("%s: a resource has the unfinished finding %s", when, id)
				}
			}
		}
	}
	check("while it runs")
	err = write(t.Context(), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := tenantdb.New(tx).FailScan(ctx, tenantdb.FailScanParams{ID: running.ID, State: "failed"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	check("after it failed")
}

func TestADeletedProviderTakesItsFindingsAlong(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	provider := ada.Connect(t, account, "Main")
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 10})
	finding := ada.Get(t, "/findings/latest").Want(t, 200).String("/data/0/id")
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update providers set deleted_at = now() where id = $1`, provider); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/findings/latest", query("/findings", "filter[scan]", scan), "/resources/latest", query("/resources", "filter[scan]", scan)} {
		if got := count(t, ada.Get(t, path)); got != 0 {
			t.Errorf("%d left at %s", got, path)
		}
	}
	ada.Get(t, "/findings/"+finding).Want(t, 404)
	if left := ada.Get(t, "/findings/metadata/latest").Want(t, 200); left.Len("/data/attributes/services") != 0 {
		t.Errorf("metadata %s", left.Raw)
	}
	if left := ada.Get(t, "/overviews/providers").Want(t, 200); left.Len("/data") != 0 {
		t.Errorf("overview %s", left.Raw)
	}
}

// FuzzQuery sends queries of any kind to a server that has findings: whatever they say, the answer is no failure of the server.
func FuzzQuery(f *testing.F) {
	server := apitest.Start(f)
	ada := server.SignUp(f, "Ada")
	provider := ada.Connect(f, account, "Main")
	scan := ada.Ingest(f, ocsftest.File{Account: account, Findings: 30})
	paths := []string{"/findings", "/findings/latest", "/findings/metadata", "/findings/metadata/latest", "/findings/findings_services_regions",
		"/resources", "/resources/latest", "/resources/metadata", "/resources/metadata/latest", "/overviews/findings", "/overviews/findings_severity",
		"/overviews/services", "/overviews/regions", "/overviews/providers"}
	for i := range paths {
		for _, seed := range []string{"filter[inserted_at]=" + today(), "filter[scan]=" + scan + "&sort=-severity,check_id", "filter[updated_at]=" + today() + "&filter[tag]=a'b",
			"filter[search]='a\\ & b | !c <-> d:* " + strings.Repeat("x ", 50), "filter[provider__in]=" + provider + ",,&filter[status__in]=,", "page[number]=last&page[size]=-1",
			"filter[inserted_at__gte]=0001-01-01&filter[inserted_at__lte]=9999-12-31", "filter[id__in]=" + uuid.NewString(), "filter[region__icontains]=%25_%00", "include=resources,scan.provider&fields[findings]=",
			"filter[uid]=%F0%9F%98%80&filter[resources]=,", "filter[muted]=True&filter[category__in]=a,b", "filter[tag_key]=e&filter[tag_value]=s&filter[groups]=x"} {
			f.Add(uint8(i), seed)
		}
	}
	f.Fuzz(func(t *testing.T, path uint8, raw string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		target := paths[int(path)%len(paths)] + "?" + values.Encode()
		if answer := ada.Get(t, target); answer.Status >= 500 {
			t.Errorf("%s: %d %s", target, answer.Status, answer.Raw)
		}
	})
}
