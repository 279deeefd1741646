package engine

import (
	"encoding/json"
	"sort"
	"strings"
	"sync"
)

// shortestSecret is the length below which a value is not hidden: it would hide ordinary words.
const shortestSecret = 4

// redactor hides the values of a secret in texts.
type redactor struct {
	replacer *strings.Replacer
	longest  int // bytes of the longest value
}

// newRedactor takes every text of the secret, at any depth, also as JSON writes it and line by line.
func newRedactor(secret []byte) *redactor {
	var content any
	_ = json.Unmarshal(secret, &content) // what is no JSON is refused elsewhere; nothing of it is readable here
	found := map[string]bool{}
	collect(content, found)
	values := make([]string, 0, len(found))
	for value := range found {
		values = append(values, value)
	}
	// At one position the replacer prefers the value that comes first.
	sort.Slice(values, func(i, j int) bool { return len(values[i]) > len(values[j]) })
	r := &redactor{}
	pairs := make([]string, 0, 2*len(values))
	for _, value := range values {
		pairs = append(pairs, value, hidden)
		r.longest = max(r.longest, len(value))
	}
	r.replacer = strings.NewReplacer(pairs...)
	return r
}

func collect(content any, found map[string]bool) {
	switch content := content.(type) {
	case string:
		collectText(content, found)
	case []any:
		for _, one := range content {
			collect(one, found)
		}
	case map[string]any:
		for _, one := range content {
			collect(one, found)
		}
	}
}

func collectText(text string, found map[string]bool) {
	add := func(value string) {
		if len(value) >= shortestSecret {
			found[value] = true
		}
	}
	add(text)
	add(strings.TrimSpace(text))
	if escaped, err := json.Marshal(text); err == nil {
		add(string(escaped[1 : len(escaped)-1]))
	}
	lines := strings.Split(text, "\n")
	for _, line := range lines[:len(lines):len(lines)] {
		if len(lines) > 1 {
			add(strings.TrimSpace(line))
		}
	}
}

// clean returns the text without the secret's values.
func (r *redactor) clean(text string) string { return r.replacer.Replace(text) }

// keptOutput is how much of the child's standard error is kept, in bytes.
const keptOutput = 16 << 10

// tail keeps the end of what is written to it. It is safe for use by several goroutines.
type tail struct {
	mutex    sync.Mutex
	redactor *redactor
	kept     []byte
	cut      bool // something was dropped before kept
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	room := keptOutput + t.redactor.longest
	t.kept = append(t.kept, p[max(0, len(p)-room):]...)
	if len(p) > room {
		t.cut = true
	}
	if over := len(t.kept) - room; over > 0 {
		t.kept = t.kept[:copy(t.kept, t.kept[over:])]
		t.cut = true
	}
	return len(p), nil
}

// String returns the end of the output without secrets. Where the beginning was dropped, as much more is left out
// as a secret can be long: half a secret is not recognised.
func (t *tail) String() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	text := t.redactor.clean(string(t.kept))
	if t.cut {
		text = "..." + text[min(len(text), max(t.redactor.longest-1, 0)):]
	}
	return strings.ToValidUTF8(text, "?")
}
