package jsonapi

import (
	"bytes"
	"encoding/json"
	"testing"
)

func FuzzCompact(f *testing.F) {
	for _, seed := range []string{`{}`, ` [ 1 , "a b" ] `, `{"a": "\"", "b\\": "\\\\", "c" : ["\\\"", " "]}`, `"`, `"\`, `" \" `, `nul l`, `{"é": "\u00e9 \n"}`, "\t\"\\\\\"\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got, want bytes.Buffer
		compact(&got, text) // must end and not panic, whatever it is given
		if err := json.Compact(&want, text); err == nil && !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Fatalf("%q became %q instead of %q", text, got.Bytes(), want.Bytes())
		}
	})
}
