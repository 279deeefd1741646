package password

import (
	"strings"
	"unicode"
)

// maxSimilarity is the share of common characters from which on a password resembles a text.
const maxSimilarity = 0.7

// similarToAny reports whether password resembles one of texts, or a word in one of them.
func similarToAny(password string, texts []string) bool {
	lowered := []rune(strings.ToLower(password))
	counts := count(lowered)
	for _, text := range texts {
		text = strings.ToLower(text)
		for _, part := range append(strings.FieldsFunc(text, isSeparator), text) {
			if resembles(lowered, counts, []rune(part)) {
				return true
			}
		}
	}
	return false
}

// resembles compares the multisets of characters: twice their common size over the sum of both, which is the upper
// bound of the longest-matching-blocks ratio. A part far shorter than the password cannot reach the limit by itself.
func resembles(password []rune, counts map[rune]int, part []rune) bool {
	if len(part) == 0 {
		return false
	}
	if len(password) >= 10*len(part) && float64(len(part)) < maxSimilarity/2*float64(len(password)) {
		return false
	}
	shared := 0
	for r, n := range count(part) {
		shared += min(n, counts[r])
	}
	return 2*float64(shared)/float64(len(password)+len(part)) >= maxSimilarity
}

func count(text []rune) map[rune]int {
	counts := make(map[rune]int, len(text))
	for _, r := range text {
		counts[r]++
	}
	return counts
}

// isSeparator reports whether r ends a word: neither letter, number nor underscore.
func isSeparator(r rune) bool {
	return r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r)
}
