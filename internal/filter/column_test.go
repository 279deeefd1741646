package filter

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestColumnCheck(t *testing.T) {
	t.Parallel()
	for _, good := range []Column{"id", "f.severity", "f.severity_rank", "_a", "a1.b2"} {
		if err := good.check(); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []Column{
		"", ".", "f.", ".a", "a.b.c", "A", "f.Severity", "1a", "f.1", "a b", "a;b", "a--", "a'", `a"b`, "a(b)", "a\x00b", "é", "a.b\n", "a::text",
	} {
		if bad.check() == nil {
			t.Errorf("%q is taken for a column", bad)
		}
	}
}

func TestCondition(t *testing.T) {
	t.Parallel()
	tests := []struct {
		lookup Lookup
		value  any
		text   string // empty: refused
	}{
		{Exact, "x", "p.uid = $1"},
		{Exact, int64(1), "p.uid = $1"},
		{Exact, uuid.Nil, "p.uid = $1"},
		{Exact, false, "p.uid = $1"},
		{In, []string{"a"}, "p.uid = any($1)"},
		{In, []uuid.UUID{}, "p.uid = any($1)"},
		{IContains, "x", "strpos(upper(p.uid), upper($1::text)) > 0"},
		{StartsWith, "x", "starts_with(p.uid, $1)"},
		{GT, time.Now(), "p.uid > $1"},
		{GTE, int64(2), "p.uid >= $1"},
		{LT, "x", "p.uid < $1"},
		{LTE, uuid.Nil, "p.uid <= $1"},
		{IsNull, true, "p.uid is null"},
		{IsNull, false, "p.uid is not null"},
		{Exact, 1, ""},
		{Exact, nil, ""},
		{Exact, []string{"a"}, ""},
		{Exact, "a\x00", ""},
		{In, "a", ""},
		{IsNull, "true", ""},
		{GT, true, ""},
		{Exact | In, "a", ""},
		{OnDate, time.Now(), ""},
		{0, "a", ""},
	}
	for _, test := range tests {
		f, err := Condition("p.uid", test.lookup, test.value)
		if text, _ := f.Render(1); text != test.text || (err == nil) != (test.text != "") {
			t.Errorf("lookup %d of %v: %q, %v; want %q", test.lookup, test.value, text, err, test.text)
		}
	}
	if _, err := Condition("uid; drop table users", Exact, "x"); err == nil {
		t.Error("free text passes as a column")
	}
}

func TestFurtherConditions(t *testing.T) {
	t.Parallel()
	via := []Via{{Table: "provider_group_providers", Alias: "g", On: [][2]Column{{"g.provider_id", "p.id"}}}}
	show := func(f Fragment, err error) string {
		if err != nil {
			return "refused"
		}
		text, args := f.Render(1)
		return fmt.Sprint(text, args)
	}
	for got, want := range map[string]string{
		show(Containing("p.uid", "a%")):                              "strpos(p.uid, $1::text) > 0[a%]",
		show(Containing("p uid", "a")):                               "refused",
		show(EndingWith("p.uid", "z")):                               "right(p.uid, char_length($1::text)) = $2[z z]",
		show(EndingWith("", "z")):                                    "refused",
		show(Exists(via, MustCondition("g.id", Exact, int64(1)))):    "exists (select from provider_group_providers g where g.tenant_id = p.tenant_id and g.provider_id = p.id and g.id = $1)[1]",
		show(Exists(via, Fragment{})):                                "false[]",
		show(Exists(nil, True())) + " without steps":                 "false[] without steps",
		show(Exists([]Via{{Table: "x"}}, True())) + " without joins": "refused without joins",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
