package filter

import (
	"encoding/base64"
	"math"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

var (
	eventsTable = MustTable(Table{Sorts: []Sort{{Name: "sequence", Column: "e.seq"}}, DefaultSort: []string{"-sequence"}, Tiebreak: "e.seq",
		Cursor: &Cursor{Kind: Integer, MaxSize: 1000}})
	datedTable = MustTable(Table{Sorts: []Sort{{Name: "inserted_at", Column: "x.id"}}, DefaultSort: []string{"inserted_at"}, Tiebreak: "x.id",
		Cursor: &Cursor{Kind: UUID, Size: 25, MaxSize: 50}})
)

func TestCursorLeadsOn(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	for _, row := range []struct {
		table       *Table
		sort        string
		value       any
		want        string
		size, asked int64
	}{
		{eventsTable, "", int64(7), "e.seq < $1", 10, 0},
		{eventsTable, "-sequence", int64(math.MinInt64), "e.seq < $1", 1000, 5000},
		{eventsTable, "sequence", int64(math.MaxInt64), "e.seq > $1", 1, 1},
		{datedTable, "", id, "x.id > $1", 25, 0},
		{datedTable, "-inserted_at", id, "x.id < $1", 50, 51},
	} {
		raw := "sort=" + row.sort
		if row.asked > 0 {
			raw += "&page[size]=" + strconv.FormatInt(row.asked, 10)
		}
		first, err := Parse(ReadParams(raw), row.table)
		if err != nil || !first.Behind.IsZero() {
			t.Fatal(raw, err)
		}
		next, err := Parse(ReadParams(raw+"&page[after]="+first.After(row.value)), row.table)
		if err != nil {
			t.Fatal(raw, err)
		}
		if text, args := next.Behind.Render(1); text != row.want || len(args) != 1 || args[0] != row.value {
			t.Errorf("%s: %s %v", raw, text, args)
		}
		if !next.Where.IsZero() || next.Page.Limit() != row.size {
			t.Errorf("%s: filters %v, %d rows", raw, next.Where, next.Page.Limit())
		}
	}
}

func TestBadCursors(t *testing.T) {
	t.Parallel()
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for _, bad := range []string{"", "!", "a", encode(""), encode("1"), encode("1d"), encode("1a7"), encode("2d7"), encode("1d+7"), encode("1d 7"), encode("1d07"),
		encode("1d7.0"), encode("1d9223372036854775808"), encode("1dx"), encode("1d" + uuid.NewString()), encode("1d7") + "=", encode("1d7") + "%00"} {
		_, err := Parse(ReadParams("page[after]="+bad), eventsTable)
		refusal, ok := jsonapi.AsErrors(err)
		if !ok || refusal.Status() != 400 || refusal[0].Parameter != "page[after]" {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{encode("1a7"), encode("1aurn:uuid:" + uuid.NewString()), encode("1a{" + uuid.NewString() + "}"), encode("1a" + strings.ToUpper("0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"))} {
		if _, err := Parse(ReadParams("page[after]="+bad), datedTable); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, err := Parse(ReadParams("page[number]=2"), eventsTable); err == nil {
		t.Error("a page number is taken")
	}
	// Tables with numbered pages do not know cursors, and operations on one object have no page.
	if q, err := Parse(ReadParams("page[after]=x"), rolesTable); err != nil || !q.Behind.IsZero() {
		t.Error(err)
	}
	if _, err := ParseOne(ReadParams("page[after]=x"), eventsTable); err != nil {
		t.Error(err)
	}
}

func TestCursorDeclarations(t *testing.T) {
	t.Parallel()
	sorts, order := []Sort{{Name: "a", Column: "x.a"}}, []string{"a"}
	for name, bad := range map[string]Table{
		"kind":        {Sorts: sorts, DefaultSort: order, Tiebreak: "x.a", Cursor: &Cursor{}},
		"sizes":       {Sorts: sorts, DefaultSort: order, Tiebreak: "x.a", Cursor: &Cursor{Kind: Integer, Size: 200}},
		"no order":    {Tiebreak: "x.a", Cursor: &Cursor{Kind: Integer}},
		"no default":  {Sorts: sorts, Tiebreak: "x.a", Cursor: &Cursor{Kind: Integer}},
		"other order": {Sorts: sorts, DefaultSort: order, Tiebreak: "x.b", Cursor: &Cursor{Kind: Integer}},
		"unpaged":     {Sorts: sorts, DefaultSort: order, Tiebreak: "x.a", Unpaged: true, Cursor: &Cursor{Kind: Integer}},
	} {
		if _, err := NewTable(bad); err == nil {
			t.Errorf("%s: the declaration is taken", name)
		}
	}
}

// FuzzCursor: whatever is sent as a cursor is refused, or is one that After makes.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{"", "MWQ3", "MWE3", "MWQtMQ", "!!", "MWQ5MjIzMzcyMDM2ODU0Nzc1ODA4", "MW\nQ0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		for _, table := range []*Table{eventsTable, datedTable} {
			q, err := Parse(ReadParams("page[after]="+url.QueryEscape(cursor)), table)
			if err != nil {
				if refusal, ok := jsonapi.AsErrors(err); !ok || refusal.Status() != 400 {
					t.Fatalf("%q: %v", cursor, err)
				}
				continue
			}
			if _, args := q.Behind.Render(1); q.After(args[0]) != strings.ToValidUTF8(cursor, "\uFFFD") {
				t.Fatalf("%q is another name of %q", cursor, q.After(args[0]))
			}
		}
	})
}
