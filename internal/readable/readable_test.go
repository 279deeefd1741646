package readable_test

import (
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/readable"
)

func TestTextsAreLegibleAndDiffer(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	used := make(map[rune]int)
	for range 2000 {
		text := readable.Text(14)
		if len(text) != 14 || strings.Trim(text, "23456789ABCDEFGHJKMNPQRSTVWXYZ") != "" {
			t.Fatalf("text %q", text)
		}
		if seen[text] {
			t.Fatalf("text %q came twice", text)
		}
		seen[text] = true
		for _, letter := range text {
			used[letter]++
		}
	}
	if len(used) != 30 {
		t.Errorf("only %d characters are used", len(used))
	}
	if text := readable.Text(100); len(text) != 100 {
		t.Errorf("%d characters instead of 100", len(text))
	}
}
