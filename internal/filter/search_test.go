package filter

import (
	"reflect"
	"testing"
)

func TestSplitTerms(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"":                     nil,
		"aws":                  {"aws"},
		" aws \t prod\u00a0x ": {"aws", "prod", "x"},
		"a,b,,c":               {"a", "b", "c"},
		`"default tenant"`:     {"default tenant"},
		`'a b' c`:              {"a b", "c"},
		`"a b",`:               {"a b"},
		`"a \"b\" c"`:          {`a "b" c`},
		`"a,b"`:                {"a,b"},
		`"open`:                {`"open`},
		`"`:                    nil,
		`""`:                   nil,
		`it's`:                 {"it's"},
		`x="a b"`:              {`x="a b"`},
		"100%":                 {"100%"},
		",":                    nil,
	}
	for text, want := range tests {
		got := splitTerms(text)
		if len(got) == 0 && len(want) == 0 {
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
