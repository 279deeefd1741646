package jsonapi

import (
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	t.Parallel()
	type nested struct {
		A int `json:"a"`
	}
	text := "-2"
	var none *string
	table := NewTable([]string{"a", "b", "c", "d", "e", "f", "g", "h", "one", "many", "missing"})
	if got := string(table.Header()); got != "id,a,b,c,d,e,f,g,h,one,many,missing\r\n" {
		t.Errorf("header %q", got)
	}
	line, err := table.Line(Resource{Type: "things", ID: "7", Attributes: []Attribute{
		{"a", `a "quoted", text` + "\nof two lines"}, {"b", -2}, {"c", &text}, {"d", none}, {"e", time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)},
		{"f", nested{1}}, {"g", json.RawMessage(`[1, "=x"]`)}, {"h", true}, {"hidden", "no column"}},
		Relationships: []Relation{ToOne("one", "others", "8"), ToMany("many", "others", []string{"9", "10"}), ToOne("hidden", "others", "11")}})
	if err != nil {
		t.Fatal(err)
	}
	want := "7,\"a \"\"quoted\"\", text\nof two lines\",-2,'-2,,2026-01-02T03:04:05.000006Z,\"{\"\"a\"\":1}\",\"[1,\"\"=x\"\"]\",true,8,9 10,\r\n"
	if string(line) != want {
		t.Errorf("got  %q\nwant %q", line, want)
	}
	records, err := csv.NewReader(strings.NewReader(string(table.Header()) + string(line))).ReadAll()
	if err != nil || len(records) != 2 || records[1][1] != "a \"quoted\", text\nof two lines" {
		t.Errorf("%q, %v", records, err)
	}
	if _, err := table.Line(Resource{Attributes: []Attribute{{"a", func() {}}}}); err == nil {
		t.Error("a value that has no JSON is written")
	}
}

// TestNoCellIsAFormula writes what spreadsheets calculate, at every place where others can put text.
func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	for _, formula := range []string{"=1+1", "+1", "-1", "@sum(a1)", "\t=1", "\r=1", `=cmd|' /C calc'!A0`} {
		line, err := NewTable([]string{"a", "b", "r"}).Line(Resource{ID: formula, Attributes: []Attribute{{"a", formula}, {"b", &formula}},
			Relationships: []Relation{ToOne("r", "others", formula)}})
		if err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(strings.NewReader(strings.ReplaceAll(string(line), "\r=", "~="))).ReadAll() // the reader drops a CR
		if err != nil || len(records) != 1 {
			t.Fatal(records, err)
		}
		for _, cell := range records[0] {
			if !strings.HasPrefix(cell, "'") {
				t.Errorf("%q is written as %q", formula, cell)
			}
		}
	}
	for _, plain := range []string{"", "a=b", "'", "1-2", "x@example.com"} {
		line, err := NewTable([]string{"a"}).Line(Resource{ID: "7", Attributes: []Attribute{{"a", plain}}})
		if err != nil || string(line) != "7,"+plain+"\r\n" {
			t.Errorf("%q is written as %q, %v", plain, line, err)
		}
	}
}

func TestAttributeNames(t *testing.T) {
	t.Parallel()
	type attributes struct {
		B string `json:"b"`
		A string `json:"a,omitempty"`
		C string `json:"-"`
	}
	for _, one := range []any{attributes{}, &attributes{}} {
		if got := AttributeNames(one); !slices.Equal(got, []string{"b", "a"}) {
			t.Errorf("%T: %v", one, got)
		}
	}
	if AttributeNames(nil) != nil {
		t.Error("nothing has attributes")
	}
}

func TestEncodeResource(t *testing.T) {
	t.Parallel()
	one := Resource{Type: "things", ID: "7", Attributes: []Attribute{{"a", "x\ny"}, {"b", 1}}}
	if got, err := EncodeResource(one, map[string][]string{"things": {"a"}}); err != nil || string(got) != `{"type":"things","id":"7","attributes":{"a":"x\ny"}}` {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := EncodeResource(Resource{Attributes: []Attribute{{"a", func() {}}}}, nil); err == nil {
		t.Error("a value that has no JSON is written")
	}
}
