package password

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go/data"
)

// commonWords is the list of frequent passwords of zxcvbn, lower case; it is unpacked when first needed.
var commonWords = sync.OnceValue(func() map[string]struct{} {
	list, err := readCommonWords()
	if err != nil {
		// The list is compiled in: this can only fail for every process of this build, and the tests read it.
		panic(err)
	}
	words := make(map[string]struct{}, len(list))
	for _, word := range list {
		words[strings.ToLower(word)] = struct{}{}
	}
	return words
})

// maxWords is how many frequent passwords in a row still make a frequent password ("password" + "1234").
const maxWords = 3

// common reports whether password is one that guessers try first: in the list, a few of the list in a row, or one
// character repeated. The list has few entries as long as MinLength, hence the rows.
func common(password string) bool {
	lowered := strings.ToLower(password)
	first, _ := utf8.DecodeRuneInString(lowered)
	if all(lowered, func(r rune) bool { return r == first }) {
		return true
	}
	return utf8.RuneCountInString(lowered) <= MaxLength && rowOfCommon(lowered, maxWords)
}

// rowOfCommon reports whether text is made of 1 to words entries of the list.
func rowOfCommon(text string, words int) bool {
	if _, found := commonWords()[text]; found {
		return true
	}
	if words == 1 {
		return false
	}
	for end := 1; end < len(text); end++ {
		if _, found := commonWords()[text[:end]]; found && rowOfCommon(text[end:], words-1) {
			return true
		}
	}
	return false
}

func readCommonWords() ([]string, error) {
	packed, err := data.Asset("data/Passwords.json")
	if err != nil {
		return nil, fmt.Errorf("unpack common passwords: %w", err)
	}
	var document struct {
		List []string `json:"list"`
	}
	if err := json.Unmarshal(packed, &document); err != nil {
		return nil, fmt.Errorf("read common passwords: %w", err)
	}
	if len(document.List) == 0 {
		return nil, fmt.Errorf("read common passwords: the list is empty")
	}
	return document.List, nil
}
