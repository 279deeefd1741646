package apikey

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
)

func TestKeysAreLongRandomAndTheirOwn(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for range 1000 {
		text := generate()
		key, ok := Parse(text)
		if !ok {
			t.Fatalf("%q is no key", text)
		}
		prefix, secret, _ := strings.Cut(text, ".")
		random, err := base64.RawURLEncoding.DecodeString(secret)
		if err != nil || len(random)*8 < 256 || key.Prefix() != prefix || len(prefix) != len("pk_")+8 {
			t.Fatalf("%q: %d random bytes, prefix %q (%v)", text, len(random), key.Prefix(), err)
		}
		if seen[secret] || seen[prefix] {
			t.Fatalf("%q came twice", text)
		}
		seen[secret], seen[prefix] = true, true
	}
}

// Every other text is another key, also one whose secret decodes to the same bytes.
func TestOnlyTheVeryTextIsTheKey(t *testing.T) {
	t.Parallel()
	text := generate()
	kept := sha256.Sum256([]byte(text))
	if key, _ := Parse(text); !key.Is(kept[:]) {
		t.Fatal("the key is not its own")
	}
	if key, _ := Parse(text); key.Is(nil) || key.Is(kept[:31]) {
		t.Fatal("the key is that of no digest")
	}
	for i := range text {
		for _, letter := range "2AZaz09_-.= é" {
			changed := text[:i] + string(letter) + text[i+1:]
			if key, ok := Parse(changed); changed != text && ok && key.Is(kept[:]) {
				t.Errorf("%q is taken for %q", changed, text)
			}
		}
	}
	last := text[len(text)-1]
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	twin := letters[strings.IndexByte(letters, last)^1] // differs in a bit that base64 does not use
	alike := text[:len(text)-1] + string(twin)
	if a, b := decoded(t, text), decoded(t, alike); a != b {
		t.Fatal("the two do not decode alike: the test proves nothing")
	}
	for _, other := range []string{alike, text + "A", text + "=", text + " ", " " + text, text + "\n", strings.ToLower(text), text[:len(text)-1], "." + text,
		text + "." + text, strings.Replace(text, ".", "..", 1), strings.TrimPrefix(text, "pk_"), ""} {
		if key, ok := Parse(other); ok && key.Is(kept[:]) {
			t.Errorf("%q is taken for %q", other, text)
		}
	}
}

func decoded(t *testing.T, text string) string {
	t.Helper()
	_, secret, _ := strings.Cut(text, ".")
	bytes, err := base64.RawURLEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes)
}
