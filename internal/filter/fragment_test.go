package filter

import (
	"reflect"
	"testing"
)

func TestFragmentRender(t *testing.T) {
	t.Parallel()
	a, b := MustCondition("f.status", Exact, "FAIL"), MustCondition("f.muted", Exact, true)
	tests := []struct {
		name     string
		fragment Fragment
		first    int
		text     string
		args     []any
	}{
		{"nothing", Fragment{}, 1, "", nil},
		{"one", a, 1, "f.status = $1", []any{"FAIL"}},
		{"numbering goes on", a, 11, "f.status = $11", []any{"FAIL"}},
		{"and", And(a, b), 3, "(f.status = $3 and f.muted = $4)", []any{"FAIL", true}},
		{"and leaves nothing out but silence", And(Fragment{}, a, Fragment{}), 1, "f.status = $1", []any{"FAIL"}},
		{"and of nothing restricts nothing", And(), 1, "", nil},
		{"or", Or(a, b), 1, "(f.status = $1 or f.muted = $2)", []any{"FAIL", true}},
		{"or without alternatives shows nothing", Or(Fragment{}), 1, "false", nil},
		{"or forgets silent alternatives", Or(Fragment{}, b), 1, "f.muted = $1", []any{true}},
		{"not covers null", Not(a), 1, "((f.status = $1) is not true)", []any{"FAIL"}},
		{"not of nothing shows nothing", Not(Fragment{}), 1, "false", nil},
		{"nesting keeps its meaning", And(b, Or(a, False())), 1, "(f.muted = $1 and (f.status = $2 or false))", []any{true, "FAIL"}},
		{"constants", And(True(), False()), 1, "(true and false)", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text, args := test.fragment.Render(test.first)
			if text != test.text || !reflect.DeepEqual(args, test.args) {
				t.Errorf("got %q %v, want %q %v", text, args, test.text, test.args)
			}
		})
	}
}

func TestSplice(t *testing.T) {
	t.Parallel()
	const query = "select id from findings f where tenant_id = $1 and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */" +
		" order by /* TEMPLATE_BEGIN: order */ id /* TEMPLATE_END */ limit $2"
	where := Or(MustCondition("f.status", Exact, "FAIL"), MustCondition("f.muted", Exact, true))
	order := Fragment{text: "f.id desc"}

	text, args, err := Splice(query, map[string]Fragment{"where": where, "order": order}, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := "select id from findings f where tenant_id = $1 and (f.status = $3 or f.muted = $4) order by f.id desc limit $2"
	if text != want || !reflect.DeepEqual(args, []any{"FAIL", true}) {
		t.Errorf("got %q %v\nwant %q", text, args, want)
	}

	text, args, err = Splice(query, map[string]Fragment{"where": {}, "order": {}}, 2)
	if err != nil || len(args) != 0 || text != "select id from findings f where tenant_id = $1 and true order by id limit $2" {
		t.Errorf("silent fragments: %q %v %v", text, args, err)
	}

	const twice = "select /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */, /* TEMPLATE_BEGIN: more */ 1 /* TEMPLATE_END */," +
		" /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */"
	text, args, err = Splice(twice, map[string]Fragment{"where": where, "more": MustCondition("a", Exact, int64(7))}, 0)
	if err != nil || text != "select (f.status = $1 or f.muted = $2), a = $3, (f.status = $1 or f.muted = $2)" || len(args) != 3 {
		t.Errorf("repeated marker: %q %v %v", text, args, err)
	}
	if names, err := Markers(twice); err != nil || !reflect.DeepEqual(names, []string{"more", "where"}) {
		t.Errorf("markers: %v %v", names, err)
	}
}

func TestSpliceRefuses(t *testing.T) {
	t.Parallel()
	const query = "where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */"
	tests := []struct {
		name      string
		sql       string
		fragments map[string]Fragment
	}{
		{"a marker without fragment", query, nil},
		{"a fragment without marker", query, map[string]Fragment{"where": True(), "order": True()}},
		{"a query without markers", "select 1", map[string]Fragment{"where": True()}},
		{"an open marker", "where /* TEMPLATE_BEGIN: where */ true", map[string]Fragment{"where": True()}},
		{"an end alone", "where true /* TEMPLATE_END */", nil},
		{"nested markers", "/* TEMPLATE_BEGIN: a */ /* TEMPLATE_BEGIN: b */ x /* TEMPLATE_END */ /* TEMPLATE_END */",
			map[string]Fragment{"a": True(), "b": True()}},
		{"a marker without name", "/* TEMPLATE_BEGIN:  */ true /* TEMPLATE_END */", map[string]Fragment{"": True()}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if text, _, err := Splice(test.sql, test.fragments, 0); err == nil {
				t.Errorf("accepted: %q", text)
			}
		})
	}
}

func BenchmarkSplice(b *testing.B) {
	const query = "select id from findings f where tenant_id = $1 and /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */" +
		" order by /* TEMPLATE_BEGIN: order */ id /* TEMPLATE_END */ limit $2"
	fragments := map[string]Fragment{"where": MustCondition("f.status", Exact, "FAIL"), "order": {text: "f.id"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Splice(query, fragments, 2); err != nil {
			b.Fatal(err)
		}
	}
}
