package jsonapi

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestFaultSaysWhatIsExpectedAndWhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                               "Expecting value: line 1 column 1 (char 0)",
		`nope`:                           "Expecting value: line 1 column 1 (char 0)",
		`{"data": `:                      "Expecting value: line 1 column 10 (char 9)",
		`{"data":}`:                      "Expecting value: line 1 column 9 (char 8)",
		`{`:                              "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
		`{]`:                             "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
		`{"a": 1,}`:                      "Expecting property name enclosed in double quotes: line 1 column 9 (char 8)",
		`{"a" 1}`:                        "Expecting ':' delimiter: line 1 column 6 (char 5)",
		`{"data": {"type": "processors"`: "Expecting ',' delimiter: line 1 column 31 (char 30)",
		`[`:                              "Expecting value: line 1 column 2 (char 1)",
		`[1 2]`:                          "Expecting ',' delimiter: line 1 column 4 (char 3)",
		"{\n \"ä\": ü}":                  "Expecting value: line 2 column 7 (char 8)",
		`{} {}`:                          "Extra data: line 1 column 4 (char 3)",
		`01`:                             "Extra data: line 1 column 2 (char 1)",
		`-`:                              "Expecting value: line 1 column 1 (char 0)",
		`["abc`:                          "Unterminated string starting at: line 1 column 2 (char 1)",
		`["abc\`:                         "Unterminated string starting at: line 1 column 2 (char 1)",
		"[\"a\nb\"]":                     "Invalid control character at: line 1 column 4 (char 3)",
		`["\x"]`:                         "Invalid \\escape: line 1 column 3 (char 2)",
		`["\u12"]`:                       "Invalid \\uXXXX escape: line 1 column 4 (char 3)",
	} {
		if got := fault([]byte(text)); got != want {
			t.Errorf("fault(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestFaultStandsDeepNesting(t *testing.T) {
	t.Parallel()
	const depth = 1 << 20
	if got := fault([]byte(strings.Repeat("[", depth))); !strings.HasPrefix(got, "Expecting value") {
		t.Fatal(got)
	}
	if got := fault([]byte(strings.Repeat("[", depth) + strings.Repeat("]", depth))); got != "" {
		t.Fatal(got)
	}
}

// FuzzFault: a text has a fault exactly when encoding/json refuses it. Control characters and half escapes inside strings are
// judged alike by both.
func FuzzFault(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-2.5e3,"x\n",true,null]}`, `{"a":}`, `[1,]`, `"\ud800"`, ` 0 `, `{"a":{}}x`, `1.`, `1e`, `.5`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if valid := json.Valid(text); valid != (fault(text) == "") {
			t.Fatalf("json.Valid(%q) = %v, fault %q", text, valid, fault(text))
		}
	})
}
