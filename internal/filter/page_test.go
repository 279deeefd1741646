package filter

import (
	"math"
	"testing"
)

func TestPage(t *testing.T) {
	t.Parallel()
	const beyond = -1 // Resolve refuses
	tests := []struct {
		raw                          string
		count                        int64
		offset, limit, number, pages int64
	}{
		{"", 0, 0, 10, 1, 1},
		{"", 11, 0, 10, 1, 2},
		{"page[number]=2", 11, 10, 10, 2, 2},
		{"page[number]=3", 11, beyond, 0, 0, 0},
		{"page[number]=2", 10, beyond, 0, 0, 0},
		{"page[number]=last", 21, 20, 10, 3, 3},
		{"page[number]=last", 0, 0, 10, 1, 1},
		{"page[number]=", 5, 0, 10, 1, 1},
		{"page[number]=+1+&page[size]=+3", 5, 0, 3, 1, 2},
		{"page[size]=100", 500, 0, 100, 1, 5},
		{"page[size]=1000", 500, 0, 100, 1, 5},
		{"page[size]=99999999999999999999999", 500, 0, 100, 1, 5},
		{"page[size]=-99999999999999999999999", 500, 0, 10, 1, 50},
		{"page[size]=0", 50, 0, 10, 1, 5},
		{"page[size]=-5", 50, 0, 10, 1, 5},
		{"page[size]=many", 50, 0, 10, 1, 5},
		{"page[size]=", 50, 0, 10, 1, 5},
		{"page[size]=1.5", 50, 0, 10, 1, 5},
		{"page[number]=9223372036854775807", 50, beyond, 0, 0, 0},
		{"page[disable]=true", 50, 0, 10, 1, 5}, // not declared
		{"page[offset]=2&page[limit]=1&page=2", 50, 0, 10, 1, 5},
	}
	for _, test := range tests {
		q, err := Parse(ReadParams(test.raw), rolesTable)
		if err != nil {
			t.Errorf("%q: %v", test.raw, err)
			continue
		}
		w, err := q.Page.Resolve(test.count)
		if test.offset == beyond {
			wantRefusal(t, test.raw, err, "404 not_found /data: Invalid page.")
			continue
		}
		if want := (Window{Offset: test.offset, Limit: test.limit, Number: test.number, Pages: test.pages, Count: test.count}); err != nil || w != want {
			t.Errorf("%q of %d: %+v, %v; want %+v", test.raw, test.count, w, err, want)
		}
		if start, known := q.Page.Start(); known && start != w.Offset || q.Page.Limit() != w.Limit {
			t.Errorf("%q: starts at %d", test.raw, start)
		}
	}
	for _, raw := range []string{"0", "-1", "two", "1.5", "99999999999999999999", "LAST", "1_0"} {
		_, err := Parse(ReadParams("page[number]="+raw), rolesTable)
		wantRefusal(t, raw, err, "404 not_found /data: Invalid page.")
	}
}

func TestPageDisable(t *testing.T) {
	t.Parallel()
	for raw, disabled := range map[string]bool{"true": true, "TRUE&page[size]=2": true, "false": false, "1": false, "": false} {
		q, err := Parse(ReadParams("page[disable]="+raw), providersTable)
		if err != nil || q.Page.Disabled != disabled {
			t.Errorf("%q: %+v %v", raw, q.Page, err)
		}
	}
	q, err := Parse(ReadParams("page[disable]=true&page[number]=99"), providersTable)
	if err != nil {
		t.Fatal(err)
	}
	if w, err := q.Page.Resolve(7); err != nil || w != (Window{Limit: math.MaxInt32, Number: 1, Pages: 1, Count: 7}) {
		t.Errorf("%+v %v", w, err)
	}
	if start, known := q.Page.Start(); start != 0 || !known {
		t.Errorf("starts at %d, %v", start, known)
	}
}

func TestUnpaged(t *testing.T) {
	t.Parallel()
	q, err := Parse(ReadParams("filter[inserted_at]=2024-01-31&page[number]=x"), findingsMetadataTable)
	if err != nil || !q.Page.Disabled {
		t.Errorf("%+v %v", q.Page, err)
	}
}

func TestLastPageNeedsTheCount(t *testing.T) {
	t.Parallel()
	q, err := Parse(ReadParams("page[number]=last"), rolesTable)
	if err != nil {
		t.Fatal(err)
	}
	if _, known := q.Page.Start(); known {
		t.Error("the last page is known without a count")
	}
}
