package jsonapi

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/uuid"
)

// TestValuesAreWrittenAsTheLibraryDoes compares the short ways of writing values with encoding/json.
func TestValuesAreWrittenAsTheLibraryDoes(t *testing.T) {
	t.Parallel()
	values := []any{int64(-9007199254740993), int64(0), "", "plain <b>&", `a "quoted\" one`, "ä€\U0001f600", "line\nand\ttab", "\x00\x1f\x7f", "\u2028\u2029",
		"broken \xff", []uuid.UUID(nil), []uuid.UUID{}, []uuid.UUID{uuid.Max, uuid.Nil}}
	for i := range 0x300 {
		values = append(values, "x"+string(rune(i))+"y")
	}
	for _, value := range values {
		var want bytes.Buffer
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(value); err != nil {
			t.Fatal(err)
		}
		w := &writer{}
		w.value(value)
		if w.err != nil || w.buffer.String() != string(bytes.TrimSuffix(want.Bytes(), []byte("\n"))) {
			t.Errorf("%#v is written as %s, not %s (%v)", value, w.buffer.String(), want.String(), w.err)
		}
	}
}

func TestATemplateIsTheObject(t *testing.T) {
	t.Parallel()
	object := func(status, count any) Resource {
		return Resource{Type: "things", ID: `a "b"`, Attributes: []Attribute{{"name", "<ä>"}, {"status", status}, {"words", json.RawMessage(`{"a": [1, 2]}`)}, {"count", count}},
			Relationships: []Relation{ToOne("one", "others", "9")}}
	}
	template, err := NewTemplate(object(Gap{}, Gap{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, fields := range []map[string][]string{nil, {"others": {}}, {"things": {"count", "name"}}, {"things": {"status"}}, {"things": {}}} {
		for _, values := range [][]any{{"PASS", 3}, {`"`, nil}} {
			direct, template := object(values[0], values[1]), template.With(values...)
			for name, make := range map[string]func(Resource) Document{
				"one":  func(r Resource) Document { return Document{One: &r, Fields: fields} },
				"many": func(r Resource) Document { return Document{Many: []Resource{r, r}, Fields: fields} },
				"included": func(r Resource) Document {
					return Document{Many: []Resource{{Type: "x", ID: "1"}}, Included: []Resource{r, r}, Fields: fields}
				},
			} {
				if got, want := encode(t, make(template)), encode(t, make(direct)); got != want {
					t.Errorf("%s with %v: %s, not %s", name, fields, got, want)
				}
			}
		}
	}
	if _, err := NewTemplate(Resource{Type: "things", Attributes: []Attribute{{"broken", make(chan int)}}}); err == nil {
		t.Error("a template of what has no JSON was made")
	}
	if template.Size() < len(template.text) {
		t.Errorf("size %d", template.Size())
	}
}
