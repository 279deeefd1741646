package finding_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/finding"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// searches are texts to search for: words of checks, of findings, of both, of neither, stems, stop words, punctuation, quotes.
var searches = []string{
	"sample", "s3-9", "says", "say", "is as", "nothing s3-9 s3", "lamp s3-9", "!!", "it's 'quoted' \\ & | s3-9", "kms_sample_check_3", "kms-11 s3-9",
}

// narrowings are filters beside the search: such that aggregates can answer and such that they cannot.
var narrowings = []string{
	"", "filter[muted]=true&filter[status.in]=PASS,FAIL", "filter[severity.in]=high,low&filter[region]=eu-west-1&sort=check_id",
	"filter[delta]=new&filter[muted]=false&sort=-severity,status", "sort=updated_at&filter[resource_name.icontains]=1",
}

// found are the ids on the second page of what a search finds and the number of all, or on the first of a short list.
func found(t *testing.T, reader *finding.Reader, scope tenant.Scope, scans finding.Scans, raw string) []string {
	t.Helper()
	table := finding.LatestQuery
	if scans == finding.All {
		table = finding.Query
	}
	for page := 2; ; page = 1 {
		query, err := filter.Parse(filter.ReadParams(fmt.Sprintf("%s&page[size]=20&page[number]=%d", raw, page)), table)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		rows, window, err := reader.Page(t.Context(), scope, query, scans, finding.Shape{})
		if refusal, ok := jsonapi.AsErrors(err); ok && refusal.Status() == 404 && page == 2 {
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		ids := []string{fmt.Sprint(window.Count)}
		for i := range rows {
			ids = append(ids, rows[i].ID.String())
		}
		return ids
	}
}

// TestSearchesByWordsFindWhatTheTextsSay compares what searches find by the words of scans, in both ways to make a page, with
// what they find by reading every finding.
func TestSearchesByWordsFindWhatTheTextsSay(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, eve := server.SignUp(t, "Ada"), server.SignUp(t, "Eve")
	main, side := ada.Connect(t, account, "Main"), ada.Connect(t, "222222222222", "Side")
	eve.Connect(t, account, "Theirs")
	scans := []string{ada.Ingest(t, ocsftest.File{Account: account, Findings: 400}), ada.Ingest(t, ocsftest.File{Account: account, Findings: 600, Flip: 5}),
		ada.Ingest(t, ocsftest.File{Account: "222222222222", Findings: 130, Flip: 2})}
	theirs := eve.Ingest(t, ocsftest.File{Account: account, Findings: 50})
	pool := server.DB.Pool(t, pgtest.Superuser)
	if _, err := pool.Exec(t.Context(), `update findings set muted = true, muted_at = now() where uid_hash % 7 = 0`); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `insert into scan_recounts (tenant_id, provider_id, scan_id) select tenant_id, provider_id, id from scans where id = $1`, scans[2]); err != nil {
		t.Fatal(err)
	}
	visible := func(id string) tenant.Scope {
		return tenant.NewScope(uuid.MustParse(ada.Tenant), uuid.Nil, tenant.SeeWhere(filter.MustCondition("p.id", filter.Exact, uuid.MustParse(id))))
	}
	all := tenant.NewScope(uuid.MustParse(ada.Tenant), uuid.Nil, tenant.SeeAll())
	recount(t, server, all, main, scans[:2])
	read := func() map[string][]string {
		answers := map[string][]string{}
		for _, text := range searches {
			for i, narrowing := range narrowings {
				search := "filter[search]=" + url.QueryEscape(text) + "&" + narrowing
				for few, reader := range map[string]*finding.Reader{"few": finding.NewReader(server.App.Tenants), "many": finding.NewReader(server.App.Tenants).Many()} {
					answers[few+" newest "+search] = found(t, reader, all, finding.Newest, search)
					if i == 0 {
						answers[few+" one scan "+search] = found(t, reader, all, finding.All, search+"&filter[scan]="+scans[0])
						answers[few+" limited "+search] = found(t, reader, visible(side), finding.Newest, search)
					}
				}
			}
		}
		return answers
	}
	byText := read()
	for key, ids := range byText {
		if (len(ids) == 1) != (ids[0] == "0") {
			t.Fatalf("%s: %v", key, ids)
		}
	}
	for _, step := range [][]string{{scans[1]}, {scans[0], scans[2], theirs}} {
		for _, scan := range step {
			index(t, server, scan)
		}
		for key, ids := range read() {
			if !slices.Equal(ids, byText[key]) {
				t.Errorf("%s by words of %d scans: %d findings %.200v, by texts %d %.200v", key, len(step), len(ids), ids, len(byText[key]), byText[key])
			}
		}
	}
	if n := byText["few newest filter[search]=s3-9&"][0]; n != "10" {
		t.Errorf("a search for a resource finds %s findings, want five of each of two accounts", n)
	}
}

// index finds the words of a scan, twice: the second time replaces what the first stored.
func index(t *testing.T, server *apitest.Server, scan string) {
	t.Helper()
	var provider, owner uuid.UUID
	pool := server.DB.Pool(t, pgtest.Superuser)
	if err := pool.QueryRow(t.Context(), `select tenant_id, provider_id from scans where id = $1`, scan).Scan(&owner, &provider); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err := server.App.Tenants.Write(t.Context(), tenant.NewScope(owner, uuid.Nil, tenant.SeeAll()), func(ctx context.Context, tx *tenant.Tx) error {
			return ingest.IndexWords(ctx, tx, ingest.Scan{ID: uuid.MustParse(scan), ProviderID: provider})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var words int
	if err := pool.QueryRow(t.Context(), `select count(*) from scan_words where scan_id = $1 and tenant_id = $2`, scan, owner).Scan(&words); err != nil || words < 10 {
		t.Fatalf("%d words, %v", words, err)
	}
}

// recount brings the aggregates of scans up to date with what a test muted behind the program's back.
func recount(t *testing.T, server *apitest.Server, scope tenant.Scope, provider string, scans []string) {
	t.Helper()
	for _, scan := range scans {
		err := server.App.Tenants.Write(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error {
			return ingest.Recount(ctx, tx, ingest.Scan{ID: uuid.MustParse(scan), ProviderID: uuid.MustParse(provider)})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
