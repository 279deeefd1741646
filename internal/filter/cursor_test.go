package filter

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

var (
	eventsTable = MustTable(Table{Sorts: []Sort{{Name: "sequence", Column: "e.seq"}}, DefaultSort: []string{"-sequence"}, Tiebreak: "e.seq",
		Cursor: &Cursor{Kind: Integer, MaxSize: 1000}})
	datedTable = MustTable(Table{Sorts: []Sort{{Name: "inserted_at", Column: "x.id"}}, DefaultSort: []string{"inserted_at"}, Tiebreak: "x.id",
		Cursor: &Cursor{Kind: UUID, Size: 25, MaxSize: 50}})
	// walkedTable has keys of every kind.
	walkedTable = MustTable(Table{Fields: []Field{{Name: "on", Kind: Bool, Column: "w.on"}, {Name: "at", Kind: Moment, Column: "w.at"}, {Name: "owner", Kind: UUID, Column: "w.owner"}},
		Sorts: []Sort{{Name: "name", Column: "w.name", Text: true}, {Name: "alias", Column: "w.alias", Nullable: true}, {Name: "on", Column: "w.on"}, {Name: "at", Column: "w.at"},
			{Name: "owner", Column: "w.owner"}, {Name: "count", Column: "w.count", Kind: Integer}, {Name: "share", Column: "w.share", Kind: Decimal},
			{Name: "state", Column: "w.state", Ranked: []string{"a", "b"}}, {Name: "seen_at", Column: "w.seen"}},
		DefaultSort: []string{"-at"}, Tiebreak: "w.id", PageDisable: true})
)

const walkedID = "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"

// cursor is the one behind a position in the list that the parameters ask for.
func cursor(t testing.TB, table *Table, raw, position string) string {
	t.Helper()
	first, err := Parse(ReadParams(raw+"&page[after]="), table)
	if err != nil {
		t.Fatal(raw, err)
	}
	return first.After(position)
}

func TestCursorLeadsOn(t *testing.T) {
	t.Parallel()
	id := `"` + walkedID + `"`
	for _, row := range []struct {
		table              *Table
		sort, at           string
		position, want     string
		size, asked, given int64
	}{
		{eventsTable, "", `[7]`, "json_build_array(e.seq)::text", "e.seq < $1::bigint", 10, 0, 1},
		{eventsTable, "-sequence", `[-9223372036854775808]`, "json_build_array(e.seq)::text", "e.seq < $1::bigint", 1000, 5000, 1},
		{eventsTable, "sequence", `[9223372036854775807]`, "json_build_array(e.seq)::text", "e.seq > $1::bigint", 1, 1, 1},
		{datedTable, "", `[` + id + `]`, "json_build_array(x.id)::text", "x.id > $1::uuid", 25, 0, 1},
		{datedTable, "-inserted_at", `[` + id + `]`, "json_build_array(x.id)::text", "x.id < $1::uuid", 50, 51, 1},
		{walkedTable, "", `["2026-01-02T03:04:05.000006+00:00",` + id + `]`, "json_build_array(w.at, w.id)::text",
			"(w.at, w.id) < ($1::timestamptz, $2::uuid)", 10, 0, 2},
		{walkedTable, "owner,count", `[` + id + `,3,` + id + `]`, "json_build_array(w.owner, w.count, w.id)::text",
			"(w.owner, w.count, w.id) > ($1::uuid, $2::bigint, $3::uuid)", 100, 101, 3},
		{walkedTable, "name,-share", `["x",1.50,` + id + `]`, `json_build_array(w.name collate "C", w.share, w.id)::text`,
			`(w.name collate "C" >= $1::text and (w.name collate "C" > $2::text or (w.share, w.id) < ($3::numeric, $4::uuid)))`, 10, 0, 4},
		{walkedTable, "on", `[true,` + id + `]`, "json_build_array(w.on, w.id)::text", "(w.on, w.id) > ($1::boolean, $2::uuid)", 10, 0, 2},
		{walkedTable, "seen_at", `["2026-01-02T03:04:05+00:00",` + id + `]`, "json_build_array(w.seen, w.id)::text",
			"(w.seen, w.id) > ($1::timestamptz, $2::uuid)", 10, 0, 2},
		{walkedTable, "alias", `["x",` + id + `]`, "json_build_array(w.alias, w.id)::text",
			"((w.alias >= $1::text or w.alias is null) and ((w.alias > $2::text or w.alias is null) or w.id > $3::uuid))", 10, 0, 3},
		{walkedTable, "alias", `[null,` + id + `]`, "json_build_array(w.alias, w.id)::text", "(w.alias is null and (false or w.id > $1::uuid))", 10, 0, 1},
		{walkedTable, "-alias", `["x",` + id + `]`, "json_build_array(w.alias, w.id)::text",
			"(w.alias <= $1::text and (w.alias < $2::text or w.id < $3::uuid))", 10, 0, 3},
		{walkedTable, "-alias", `[null,` + id + `]`, "json_build_array(w.alias, w.id)::text", "(w.alias is not null or w.id < $1::uuid)", 10, 0, 1},
		{walkedTable, "state", `[2,` + id + `]`, "json_build_array(array_position($1::text[], w.state), w.id)::text",
			"((array_position($1::text[], w.state) >= $2::bigint or array_position($3::text[], w.state) is null) and " +
				"((array_position($4::text[], w.state) > $5::bigint or array_position($6::text[], w.state) is null) or w.id > $7::uuid))", 10, 0, 7},
	} {
		raw := "sort=" + row.sort
		if row.asked > 0 {
			raw += "&page[size]=" + strconv.FormatInt(row.asked, 10)
		}
		first, err := Parse(ReadParams(raw+"&page[after]="), row.table)
		if err != nil || !first.Behind.IsZero() || !first.Page.Cursor {
			t.Fatal(raw, err)
		}
		if text, _ := first.Position.Render(1); text != row.position {
			t.Errorf("%s: position %s, want %s", raw, text, row.position)
		}
		next, err := Parse(ReadParams(raw+"&page[after]="+first.After(row.at)), row.table)
		if err != nil {
			t.Fatal(raw, err)
		}
		if text, args := next.Behind.Render(1); text != row.want || int64(len(args)) != row.given {
			t.Errorf("%s: %s %v, want %s", raw, text, args, row.want)
		}
		if !next.Where.IsZero() || next.Page.Limit() != row.size {
			t.Errorf("%s: filters %v, %d rows", raw, next.Where, next.Page.Limit())
		}
	}
}

// TestCursorByRanges: whole ranges before the cursor are left out, its own begins behind it.
func TestCursorByRanges(t *testing.T) {
	t.Parallel()
	table := MustTable(Table{Sorts: []Sort{{Name: "status", Column: "f.s", Kind: Integer}, {Name: "severity", Column: "f.v", Kind: Integer}, {Name: "inserted_at", Column: "f.id"}},
		DefaultSort: []string{"-inserted_at"}, Tiebreak: "f.id"})
	ranges := map[Column]Column{"f.s": "r.s", "f.v": "r.v"}
	id := `"` + walkedID + `"`
	for _, row := range []struct{ sort, at, want string }{
		{"", `[` + id + `]`, "f.id < $1::uuid"},
		{"inserted_at,status", `[` + id + `,1]`, "(f.id, f.s) > ($1::uuid, $2::bigint)"},
		{"status", `[1,` + id + `]`, "(r.s >= $1::bigint and f.id > case when r.s = $2::bigint then $3::uuid else '00000000-0000-0000-0000-000000000000'::uuid end)"},
		{"-status,severity,-inserted_at", `[2,3,` + id + `]`, "((r.s <= $1::bigint and (r.s < $2::bigint or r.v >= $3::bigint)) and " +
			"f.id < case when (r.s = $4::bigint and r.v = $5::bigint) then $6::uuid else 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid end)"},
	} {
		raw := "sort=" + row.sort
		q, err := Parse(ReadParams(raw+"&page[after]="+cursor(t, table, raw, row.at)), table)
		if err != nil {
			t.Fatal(raw, err)
		}
		if text, _ := q.BehindRanges(ranges).Render(1); text != row.want {
			t.Errorf("%s: %s, want %s", raw, text, row.want)
		}
	}
	first, err := Parse(ReadParams("page[after]="), table)
	if err != nil || !first.BehindRanges(ranges).IsZero() {
		t.Error("the first page begins behind something:", err)
	}
}

func TestBadCursors(t *testing.T) {
	t.Parallel()
	id := `"` + walkedID + `"`
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	good := cursor(t, eventsTable, "", `[7]`)
	refused := func(table *Table, raw, parameter string) {
		t.Helper()
		_, err := Parse(ReadParams(raw), table)
		refusal, ok := jsonapi.AsErrors(err)
		if !ok || refusal.Status() != 400 || refusal[0].Parameter != parameter {
			t.Errorf("%q: %v", raw, err)
		}
	}
	for _, bad := range []string{"!", "x", encode("2"), encode("2d7"), encode("1d7"), encode("212345678"), good + "=", good + "%00", good + "%0A", good[1:], good[:len(good)-1],
		strings.ToUpper(good), "A" + good, strings.Repeat("A", 5000)} {
		refused(eventsTable, "page[after]="+bad, "page[after]")
	}
	for _, position := range []string{``, `[`, `[]`, `[7,7]`, `[7]]`, `[7] 7`, `[7.5]`, `[7e3]`, `["7"]`, `[null]`, `[true]`, `[{}]`, `[[7]]`, `7`, `null`, `[9223372036854775808]`} {
		refused(eventsTable, "page[after]="+cursor(t, eventsTable, "", position), "page[after]")
	}
	for sort, value := range map[string][]string{"name": {`1`, `null`, `"\u0000"`, `["x"]`}, "alias": {`1`, `{}`}, "on": {`1`, `"true"`, `null`}, "at": {`1`, `"soon"`, `"infinity"`, `null`},
		"owner": {`"x"`, `1`}, "count": {`"1"`, `1.5`}, "share": {`"1"`, `1e999`, `true`}, "state": {`"a"`, `true`}} {
		for _, one := range value {
			raw := "sort=" + sort
			refused(walkedTable, raw+"&page[after]="+cursor(t, walkedTable, raw, `[`+one+`,`+id+`]`), "page[after]")
		}
	}
	// A cursor is one of its order and its filters.
	for _, other := range []string{"sort=sequence", "filter[search]=x"} {
		refused(eventsTable, other+"&page[after]="+good, "page[after]")
	}
	one := cursor(t, walkedTable, "filter[on]=true&filter[owner]="+walkedID, `["2026-01-02T03:04:05+00:00",`+id+`]`)
	if _, err := Parse(ReadParams("filter[owner]="+walkedID+"&filter[on]=true&include=&page[size]=7&fields[x]=y&page[after]="+one), walkedTable); err != nil {
		t.Error("the order of the filters counts, or the rest of the request:", err)
	}
	refused(walkedTable, "filter[on]=true&page[after]="+one, "page[after]")
	refused(walkedTable, "filter[on]=false&filter[owner]="+walkedID+"&page[after]="+one, "page[after]")
	for _, table := range []*Table{eventsTable, walkedTable} {
		refused(table, "page[after]=&page[number]=2", "page[number]")
	}
	refused(walkedTable, "page[after]=&page[disable]=true", "page[disable]")
	refused(eventsTable, "page[number]=2", "page[number]")
	// Lists without an order and without pages have no cursors, and operations on one object have no page.
	for _, table := range []*Table{MustTable(Table{}), MustTable(Table{Unpaged: true})} {
		if q, err := Parse(ReadParams("page[after]=x"), table); err != nil || q.Page.Cursor {
			t.Error(err)
		}
	}
	if _, err := ParseOne(ReadParams("page[after]=x"), eventsTable); err != nil {
		t.Error(err)
	}
}

func TestCursorDeclarations(t *testing.T) {
	t.Parallel()
	sorts, order := []Sort{{Name: "a", Column: "x.a"}}, []string{"a"}
	for name, bad := range map[string]Table{
		"kind":       {Sorts: sorts, DefaultSort: order, Tiebreak: "x.a", Cursor: &Cursor{}},
		"sizes":      {Sorts: sorts, DefaultSort: order, Tiebreak: "x.a", Cursor: &Cursor{Kind: Integer, Size: 200}},
		"no order":   {Tiebreak: "x.a", Cursor: &Cursor{Kind: Integer}},
		"no default": {Sorts: sorts, Tiebreak: "x.a", Cursor: &Cursor{Kind: Integer}},
		"unpaged":    {Sorts: sorts, DefaultSort: order, Tiebreak: "x.a", Unpaged: true, Cursor: &Cursor{Kind: Integer}},
	} {
		if _, err := NewTable(bad); err == nil {
			t.Errorf("%s: the declaration is taken", name)
		}
	}
}

// FuzzCursor: whatever a cursor holds is refused, or makes a condition with one value for each placeholder.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{"", "[7]", `["x","` + walkedID + `"]`, `[null,"` + walkedID + `"]`, "!!", "[9223372036854775808]", "[7]\n"} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, position string, whole bool) {
		for _, raw := range []string{"", "sort=name,-alias", "sort=-state,on,count"} {
			for _, table := range []*Table{eventsTable, datedTable, walkedTable} {
				if table != walkedTable && raw != "" {
					continue
				}
				token := position
				if !whole {
					token = cursor(t, table, raw, position)
				}
				q, err := Parse(ReadParams(raw+"&page[after]="+url.QueryEscape(token)), table)
				if err != nil {
					if refusal, ok := jsonapi.AsErrors(err); !ok || refusal.Status() != 400 {
						t.Fatalf("%q: %v", position, err)
					}
					continue
				}
				text, args := q.Behind.Render(1)
				if strings.Count(text, "$") != len(args) || strings.Contains(text, fmt.Sprint("$", len(args)+1)) {
					t.Fatalf("%q: %s with %d values", position, text, len(args))
				}
			}
		}
	})
}
