package findings_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
)

func TestHistoryOfAFinding(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, eve := server.SignUp(t, "Ada"), server.SignUp(t, "Eve")
	ada.Connect(t, account, "Main")
	hidden := ada.Connect(t, other, "Side")
	eve.Connect(t, account, "Theirs")
	var scans []string
	for _, flip := range []int{0, 2, 0} {
		scans = append(scans, ada.Ingest(t, ocsftest.File{Account: account, Findings: 10, Flip: flip}))
	}
	slices.Reverse(scans)
	ada.Ingest(t, ocsftest.File{Account: other, Findings: 10})
	newest := ada.Get(t, "/findings/latest?sort=inserted_at&page[size]=1&filter[provider_uid]="+account).Want(t, 200)
	uid, id := newest.String("/data/0/attributes/uid"), newest.String("/data/0/id")
	path := "/findings/" + url.PathEscape(uid) + "/history"
	list := ada.Get(t, path+"?include=scan").Want(t, 200)
	if count(t, list) != 3 || list.Len("/data") != 3 || list.Len("/included") != 3 || list.String("/data/0/id") != id {
		t.Fatalf("history %s", list.Raw)
	}
	for i, want := range [][3]any{{"FAIL", "changed", scans[0]}, {"PASS", "changed", scans[1]}, {"FAIL", "new", scans[2]}} {
		at := "/data/" + string(rune('0'+i))
		if got := [3]any{list.At(at + "/attributes/status"), list.At(at + "/attributes/delta"), list.At(at + "/relationships/scan/data/id")}; got != want {
			t.Errorf("sighting %d: %v, want %v", i, got, want)
		}
	}
	if byID := ada.Get(t, "/findings/"+list.String("/data/2/id")+"/history"); count(t, byID) != 3 || byID.String("/data/0/id") != id {
		t.Errorf("by an id: %s", byID.Raw)
	}
	for query, want := range map[string]int{"filter[status]=PASS": 1, "filter[scan]=" + scans[2]: 1, "filter[delta]=new": 1, "filter[muted]=true": 0,
		"filter[provider_uid]=" + other: 0, "sort=inserted_at": 3, "filter[inserted_at.gte]=2020-01-01": 3} {
		if n := count(t, ada.Get(t, path+"?"+query)); n != want {
			t.Errorf("%s: %d sightings, want %d", query, n, want)
		}
	}
	walk := ada.Get(t, path+"?page[size]=2&page[after]=").Want(t, 200)
	if walk.Len("/data") != 2 || walk.String("/data/0/id") != id {
		t.Fatalf("first page of a walk %s", walk.Raw)
	}
	rest := ada.Get(t, strings.TrimPrefix(walk.String("/links/next"), server.URL)).Want(t, 200)
	if rest.Len("/data") != 1 || rest.String("/data/0/id") != list.String("/data/2/id") || rest.At("/links/next") != nil {
		t.Errorf("second page of a walk %s", rest.Raw)
	}
	ada.Get(t, path+"?page[number]=9").Want(t, 404)
	ada.Get(t, path+"?filter[check_id]=x").Want(t, 400)
	ada.Get(t, path+"?sort=status").Want(t, 400)
	ada.Get(t, path+"?include=nothing").Want(t, 400)
	server.Anonymous().Get(t, path).Want(t, 401)

	unknown := ada.Get(t, "/findings/a%2Fuid%20that%20is%20nowhere/history").Want(t, 404)
	role := ada.Role(t, "Blind", map[string]any{"unlimited_visibility": false})
	blind := ada.Member(t, "Bea", role)
	theirs := ada.Get(t, "/findings/latest?page[size]=1&filter[provider]="+hidden).Want(t, 200)
	for name, answer := range map[string]*apitest.Answer{
		"another tenant's uid":  eve.Get(t, path),
		"another tenant's id":   eve.Get(t, "/findings/"+id+"/history"),
		"a hidden provider's":   blind.Get(t, "/findings/"+url.PathEscape(theirs.String("/data/0/attributes/uid"))+"/history"),
		"a hidden provider's 2": blind.Get(t, "/findings/"+theirs.String("/data/0/id")+"/history"),
		"with a filter":         eve.Get(t, path+"?filter[status]=PASS"),
		"in a walk":             eve.Get(t, path+"?page[after]="),
	} {
		if string(answer.Want(t, 404).Raw) != string(unknown.Raw) {
			t.Errorf("%s: %s, unknown: %s", name, answer.Raw, unknown.Raw)
		}
	}
}
