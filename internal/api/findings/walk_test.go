package findings_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
)

// TestAScanThatEndsDuringAWalk: who walks a list of what the newest scans say by cursor gets all of what they said when the walk began,
// though another scan of the account takes their place on the way; who begins anew gets the new one's.
func TestAScanThatEndsDuringAWalk(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 120})
	type walk struct {
		path, next string
		ids        []string
	}
	step := func(w *walk) bool {
		page := ada.Get(t, w.next).Want(t, 200)
		for i := range page.Len("/data") {
			w.ids = append(w.ids, page.String(fmt.Sprintf("/data/%d/id", i)))
		}
		w.next = strings.TrimPrefix(page.String("/links/next"), server.URL)
		return w.next != ""
	}
	first := func(path string) walk { return walk{path: path, next: path + "&page[after]="} }
	whole := func(path string) []string {
		w := first(path)
		for step(&w) {
		}
		return w.ids
	}
	var walks []*walk
	for _, path := range []string{
		query("/findings/latest"), query("/findings/latest", "sort", "status,severity,-inserted_at"), query("/findings/latest", "sort", "check_id"),
		query("/findings/latest", "filter[search]", "sample"), query("/findings/latest", "filter[resource_name__icontains]", "-"),
		query("/finding-groups/latest"), query("/finding-groups/latest", "filter[region]", "eu-west-1"), query("/finding-groups/latest/s3_sample_check_2/resources", "page[size]", "2"),
	} {
		w := first(path)
		walks = append(walks, &w)
	}
	want := make([][]string, len(walks))
	for i, w := range walks {
		if want[i] = whole(w.path); len(want[i]) < 3 {
			t.Fatalf("%s: only %d rows", w.path, len(want[i]))
		}
		step(w)
	}
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 10, Flip: 2})
	for i, w := range walks {
		for step(w) {
		}
		if !slices.Equal(w.ids, want[i]) {
			t.Errorf("%s: %d rows %v, want %d %v", w.path, len(w.ids), w.ids, len(want[i]), want[i])
		}
	}
	if got := whole(walks[0].path); len(got) != 10 || slices.Contains(want[0], got[0]) {
		t.Errorf("a new walk sees %v", got)
	}
}
