package jsonapi

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func encode(t *testing.T, document Document) string {
	t.Helper()
	encoded, err := document.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(encoded) {
		t.Fatalf("no JSON: %s", encoded)
	}
	return string(encoded)
}

func TestADocumentsOrder(t *testing.T) {
	t.Parallel()
	base, err := url.Parse("https://x.example/api/v1/things?sort=-b&page%5Bnumber%5D=2&filter%5Ba%5D=%C3%A4+%26&filter%5Ba%5D=2&empty=")
	if err != nil {
		t.Fatal(err)
	}
	got := encode(t, Document{
		Many: []Resource{{Type: "things", ID: "1", Self: "https://x.example/1?a=1&b=<2>", Attributes: []Attribute{{"z", 1}, {"a", "<ä&>"}},
			Relationships: []Relation{ToOne("one", "others", "9"), ToOne("none", "others", ""), ToMany("many", "others", []string{"8", "7"}),
				{Name: "linked", One: &Identifier{Type: "others", ID: "9", Meta: map[string]any{"active": true}}, Related: "https://x.example/9"}}}},
		Included:   []Resource{{Type: "others", ID: "9"}},
		Pagination: &Pagination{Page: 2, Pages: 3, Count: 21}, PageURL: base,
	})
	link := func(page string) string {
		return `"https://x.example/api/v1/things?empty=&filter%5Ba%5D=%C3%A4+%26&filter%5Ba%5D=2&page%5Bnumber%5D=` + page + `&sort=-b"`
	}
	want := `{"links":{"first":` + link("1") + `,"last":` + link("3") + `,"next":` + link("3") + `,"prev":` + link("1") + `},` +
		`"data":[{"type":"things","id":"1","attributes":{"z":1,"a":"<ä&>"},"relationships":{"one":{"data":{"type":"others","id":"9"}},` +
		`"none":{"data":null},"many":{"meta":{"count":2},"data":[{"type":"others","id":"8"},{"type":"others","id":"7"}]},` +
		`"linked":{"data":{"type":"others","id":"9","meta":{"active":true}},"links":{"related":"https://x.example/9"}}},` +
		`"links":{"self":"https://x.example/1?a=1&b=<2>"}}],"included":[{"type":"others","id":"9"}],` +
		`"meta":{"pagination":{"page":2,"pages":3,"count":21},"version":"v1"}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDocumentsOfEveryKind(t *testing.T) {
	t.Parallel()
	base := &url.URL{Scheme: "http", Host: "x", Path: "/things"}
	for name, one := range map[string]struct {
		document Document
		want     string
	}{
		"nothing":        {Document{}, `{"data":[],"meta":{"version":"v1"}}`},
		"bare":           {Document{One: &Resource{Type: "t", ID: "1"}, Bare: true}, `{"data":{"type":"t","id":"1"}}`},
		"no id":          {Document{One: &Resource{Type: "t", NoID: true}, Bare: true}, `{"data":{"type":"t"}}`},
		"null id":        {Document{One: &Resource{Type: "t"}}, `{"data":{"type":"t","id":null},"meta":{"version":"v1"}}`},
		"bare list":      {Document{Many: []Resource{}, Bare: true}, `{"data":[]}`},
		"empty includes": {Document{Included: []Resource{}}, `{"data":[],"meta":{"version":"v1"}}`},
		"empty page": {Document{Pagination: &Pagination{Page: 1, Pages: 1}, PageURL: base},
			`{"links":{"first":"http://x/things?page%5Bnumber%5D=1","last":"http://x/things?page%5Bnumber%5D=1","next":null,"prev":null},"data":[],"meta":{"pagination":{"page":1,"pages":1,"count":0},"version":"v1"}}`},
		"page of a bare list": {Document{Pagination: &Pagination{Page: 1, Pages: 1}, PageURL: base, Bare: true},
			`{"links":{"first":"http://x/things?page%5Bnumber%5D=1","last":"http://x/things?page%5Bnumber%5D=1","next":null,"prev":null},"data":[],"meta":{"pagination":{"page":1,"pages":1,"count":0}}}`},
		"one field": {Document{One: &Resource{Type: "t", ID: "1", Self: "s", Attributes: []Attribute{{"a", 1}, {"b", 2}}, Relationships: []Relation{ToOne("c", "u", "2")}},
			Fields: map[string][]string{"t": {"b", "nonsense"}}, Bare: true}, `{"data":{"type":"t","id":"1","attributes":{"b":2},"links":{"self":"s"}}}`},
		"one relationship": {Document{One: &Resource{Type: "t", ID: "1", Attributes: []Attribute{{"a", 1}}, Relationships: []Relation{ToOne("c", "u", "2")}},
			Fields: map[string][]string{"t": {"c"}}, Bare: true}, `{"data":{"type":"t","id":"1","relationships":{"c":{"data":{"type":"u","id":"2"}}}}}`},
		"no field": {Document{One: &Resource{Type: "t", ID: "1", Attributes: []Attribute{{"a", 1}}}, Fields: map[string][]string{"t": {""}}, Bare: true}, `{"data":{"type":"t","id":"1"}}`},
		"fields of another type": {Document{One: &Resource{Type: "t", ID: "1", Attributes: []Attribute{{"a", 1}}}, Fields: map[string][]string{"u": {"b"}}, Bare: true},
			`{"data":{"type":"t","id":"1","attributes":{"a":1}}}`},
		"includes sorted, once, without the primary": {Document{Bare: true, Many: []Resource{{Type: "t", ID: "2"}},
			Included: []Resource{{Type: "u", ID: "2"}, {Type: "u", ID: "10"}, {Type: "t", ID: "3"}, {Type: "t", ID: "2"}, {Type: "u", ID: "2"}}},
			`{"data":[{"type":"t","id":"2"}],"included":[{"type":"t","id":"3"},{"type":"u","id":"10"},{"type":"u","id":"2"}]}`},
		"fields of what is included": {Document{Bare: true, One: &Resource{Type: "t", ID: "2"}, Included: []Resource{{Type: "u", ID: "2", Attributes: []Attribute{{"a", 1}, {"b", 2}}}},
			Fields: map[string][]string{"u": {"a"}}}, `{"data":{"type":"t","id":"2"},"included":[{"type":"u","id":"2","attributes":{"a":1}}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := encode(t, one.document); got != one.want {
				t.Errorf("got  %s\nwant %s", got, one.want)
			}
		})
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	moment := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	text := "text"
	var noTime *time.Time
	var noText *string
	for name, one := range map[string]struct {
		value any
		want  string
	}{
		"whole second":       {moment, `"2026-01-02T02:04:05Z"`},
		"microseconds":       {moment.Add(1500 * time.Nanosecond), `"2026-01-02T02:04:05.000001Z"`},
		"less than those":    {moment.Add(999 * time.Nanosecond), `"2026-01-02T02:04:05Z"`},
		"a pointer":          {&moment, `"2026-01-02T02:04:05Z"`},
		"no time":            {noTime, `null`},
		"no text":            {noText, `null`},
		"text behind":        {&text, `"text"`},
		"nothing":            {nil, `null`},
		"raw":                {json.RawMessage(" {\"a\": [1, \"b c\"]} "), `{"a":[1,"b c"]}`},
		"no raw":             {json.RawMessage(nil), `null`},
		"HTML":               {"<a href='x'>&</a>", `"<a href='x'>&</a>"`},
		"broken UTF-8":       {"\xff", `"\ufffd"`},
		"control characters": {"\x00\n", `"\u0000\n"`},
		"a map":              {map[string]any{"b": 1, "a": "<"}, `{"a":"<","b":1}`},
		"a uuid":             {uuid.Nil, `"00000000-0000-0000-0000-000000000000"`},
		"a flag":             {true, `true`},
	} {
		if got := encode(t, Document{Bare: true, One: &Resource{Type: "t", NoID: true, Attributes: []Attribute{{"v", one.value}}}}); got != `{"data":{"type":"t","attributes":{"v":`+one.want+`}}}` {
			t.Errorf("%s: %s, want %s", name, got, one.want)
		}
	}
	if got, err := (Document{One: &Resource{Type: "t", Attributes: []Attribute{{"v", make(chan int)}}}}).Encode(); err == nil {
		t.Errorf("a channel was written: %s", got)
	}
}

func TestAttributesOfAStruct(t *testing.T) {
	t.Parallel()
	type shape struct {
		Zed    string `json:"zed"`
		Alpha  *int   `json:"alpha"`
		Hidden string `json:"-"`
		Maybe  string `json:"maybe,omitempty"`
		Plain  bool
		inside int
	}
	one := Document{Bare: true, One: &Resource{Type: "t", NoID: true, Attributes: Attributes(&shape{Zed: "z", Hidden: "h", inside: 1})}}
	if got, want := encode(t, one), `{"data":{"type":"t","attributes":{"zed":"z","alpha":null,"Plain":false}}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestErrorDocuments(t *testing.T) {
	t.Parallel()
	got := string(EncodeErrors(Errors{Field("name", "required", "This field is required."), Invalid("Second <&>."), Field("alias", "max_length", "Long."),
		NotFound("Provider"), Invalid("First."), {Status: 400, Code: "required", Detail: "Both.", Pointer: "/data", Parameter: "filter[x]"}}))
	want := `{"errors":[{"detail":"No Provider matches the given query.","status":"404","code":"not_found"},` +
		`{"detail":"Second <&>.","status":"400","source":{"pointer":"/data"},"code":"invalid"},` +
		`{"detail":"First.","status":"400","source":{"pointer":"/data"},"code":"invalid"},` +
		`{"detail":"Both.","status":"400","source":{"parameter":"filter[x]","pointer":"/data"},"code":"required"},` +
		`{"detail":"Long.","status":"400","source":{"pointer":"/data/attributes/alias"},"code":"max_length"},` +
		`{"detail":"This field is required.","status":"400","source":{"pointer":"/data/attributes/name"},"code":"required"}]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(EncodeDetail(AlreadyLinked("Twice."))); got != `{"errors":{"detail":"Twice."}}` {
		t.Error(got)
	}
	if status := (Errors{}).Status(); status != 500 {
		t.Errorf("no error has status %d", status)
	}
	if !strings.Contains((Errors{Invalid("a"), Invalid("b")}).Error(), "a; b") {
		t.Error("details are lost")
	}
}
