package finding_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/finding"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// filtered are queries by what places and resources tell, alone and with others.
var filtered = []string{
	"filter[region]=eu-west-1", "filter[region.in]=eu-west-1,us-east-1&filter[status]=FAIL&sort=severity", "filter[service]=s3&filter[muted]=true",
	"filter[muted]=true", "filter[muted]=true&filter[status]=PASS&sort=-updated_at", "filter[delta]=new&filter[severity]=high", "filter[delta]=changed",
	"filter[category]=sample-kms&sort=check_id", "filter[category.in]=sample-kms,sample-s3&filter[muted]=false",
	"filter[resource_type]=AwsSamples3&sort=-status,severity", "filter[resource_type.icontains]=SAMPLEk", "filter[check_id.icontains]=check_3&filter[delta]=new",
	"filter[check_id]=s3_sample_check_3&filter[resource_name]=s3-9", "filter[resource_name]=s3-9&sort=-severity", "filter[resource_name.icontains]=-1",
	"filter[resource_uid.icontains]=kms&filter[status]=FAIL&filter[category]=sample-kms", "filter[resource_name.in]=kms-11,s3-9&filter[muted]=true",
	"filter[delta]=new&filter[resource_name.icontains]=s3", nothing[0], nothing[1], nothing[2],
}

// nothing are those that leave nothing.
var nothing = []string{"filter[region]=nowhere", "filter[resource_name]=nothing", "filter[resource_groups]=iam"}

// TestFewAndManyAreReadAlike compares the ways to read what filters leave: along an index that is in order, and, when they leave
// few, from the places and the resources that tell where those are. One scan waits for its recount, one has no places.
func TestFewAndManyAreReadAlike(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, eve := server.SignUp(t, "Ada"), server.SignUp(t, "Eve")
	main, side := ada.Connect(t, account, "Main"), ada.Connect(t, "222222222222", "Side")
	old := ada.Connect(t, "333333333333", "Old")
	eve.Connect(t, account, "Theirs")
	first := ada.Ingest(t, ocsftest.File{Account: account, Findings: 300})
	newest := ada.Ingest(t, ocsftest.File{Account: account, Findings: 400, Flip: 5})
	waits := ada.Ingest(t, ocsftest.File{Account: "222222222222", Findings: 130, Flip: 2})
	bare := ada.Ingest(t, ocsftest.File{Account: "333333333333", Findings: 90, Flip: 3})
	eve.Ingest(t, ocsftest.File{Account: account, Findings: 50})
	pool := server.DB.Pool(t, pgtest.Superuser)
	change := func(statement, scan string) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), statement, scan); err != nil {
			t.Fatal(err)
		}
	}
	for _, scan := range []string{first, newest, waits, bare} {
		change(`update findings set muted = true, muted_at = now() where scan_id = $1 and uid_hash % 7 = 0`, scan)
	}
	change(`insert into scan_recounts (tenant_id, provider_id, scan_id) select tenant_id, provider_id, id from scans where id = $1`, waits)
	all := tenant.NewScope(uuid.MustParse(ada.Tenant), uuid.Nil, tenant.SeeAll())
	limited := tenant.NewScope(uuid.MustParse(ada.Tenant), uuid.Nil, tenant.SeeWhere(filter.MustCondition("p.id", filter.Exact, uuid.MustParse(side))))
	recount(t, server, all, main, []string{first, newest})
	recount(t, server, all, old, []string{bare})
	change(`delete from scan_check_places where scan_id = $1`, bare)
	few := finding.NewReader(server.App.Tenants)
	many := few.Many()
	for _, raw := range filtered {
		for name, of := range map[string]struct {
			scope tenant.Scope
			scans finding.Scans
			more  string
		}{
			"newest": {all, finding.Newest, ""}, "limited": {limited, finding.Newest, ""}, "one scan": {all, finding.All, "&filter[scan]=" + first},
			"days": {all, finding.All, "&filter[inserted_at]=" + time.Now().UTC().Format(time.DateOnly)},
		} {
			got, want := whole(t, few, of.scope, of.scans, raw+of.more), whole(t, many, of.scope, of.scans, raw+of.more)
			if !slices.Equal(got, want) {
				t.Errorf("%s, %s: %d when few, %d when many", raw, name, len(got), len(want))
			}
			if name == "newest" && (len(got) == 0) != slices.Contains(nothing, raw) {
				t.Errorf("%s leaves %d", raw, len(got))
			}
			if of.scans == finding.All {
				got, want := places(t, few, of.scope, raw+of.more), places(t, many, of.scope, raw+of.more)
				if !slices.Equal(got, want) {
					t.Errorf("%s, %s: places %v, found one by one %v", raw, name, got, want)
				}
			}
		}
	}
}

var sorted = regexp.MustCompile(`&sort=[^&]*`)

// places are the services and regions of what a query leaves.
func places(t *testing.T, reader *finding.Reader, scope tenant.Scope, raw string) []string {
	t.Helper()
	query, err := filter.Parse(filter.ReadParams(sorted.ReplaceAllString(raw, "")), finding.PlacesQuery)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	services, regions, err := reader.Places(t.Context(), scope, query)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return slices.Concat(services, regions)
}

// whole are the ids of all findings that a query leaves, in its order, read in two ways: as a page, whose count must agree, and by cursor.
func whole(t *testing.T, reader *finding.Reader, scope tenant.Scope, scans finding.Scans, raw string) []string {
	t.Helper()
	table := finding.LatestQuery
	if scans == finding.All {
		table = finding.Query
	}
	var pages [][]string
	for _, paging := range []string{"&page[size]=100&page[number]=", "&page[size]=70&page[after]="} {
		var ids []string
		count := int64(0)
		for next, more := "", true; more; {
			if count > 0 {
				next = strconv.Itoa(len(ids)/100 + 1)
			}
			query, err := filter.Parse(filter.ReadParams(raw+strings.TrimSuffix(paging+next, "&page[number]=")), table)
			if err != nil {
				t.Fatalf("%s: %v", raw, err)
			}
			rows, window, err := reader.Page(t.Context(), scope, query, scans, finding.Shape{})
			if err != nil {
				t.Fatalf("%s: %v", raw, err)
			}
			for i := range rows {
				ids = append(ids, rows[i].ID.String())
			}
			count, next, more = window.Count, window.After, window.After != ""
			if !query.Page.Cursor {
				more = len(rows) == 100 && int64(len(ids)) < count
			}
		}
		if count > 0 && count != int64(len(ids)) {
			t.Errorf("%s: %d rows, a count of %d", raw, len(ids), count)
		}
		pages = append(pages, ids)
	}
	if !slices.Equal(pages[0], pages[1]) {
		t.Errorf("%s: %d rows on a page, %d by cursor", raw, len(pages[0]), len(pages[1]))
	}
	return pages[0]
}
