package engine

import (
	"encoding/json"
	"net/url"
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

// newRedactor takes every text of the secret, at any depth, also inside texts that are JSON themselves; each also as JSON and
// URLs write it, line by line, and of lines as in "key: value" the value.
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
	case json.Number:
		add(content.String(), found)
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
	addForms(text, found)
	if inner, ok := innerJSON(text); ok {
		collect(withoutNames(inner), found)
		return
	}
	lines := strings.Split(text, "\n")
	if len(lines) == 1 {
		return
	}
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if strings.HasSuffix(line, ":") { // the head of a section
			continue
		}
		add(line, found)
		if name, value, ok := strings.Cut(line, ": "); ok && !isName(strings.TrimLeft(name, "- ")) {
			addForms(strings.Trim(strings.TrimSpace(value), `"'`), found)
		}
	}
}

// addForms adds a text as it is, as JSON and as URLs write it.
func addForms(text string, found map[string]bool) {
	add(text, found)
	add(strings.TrimSpace(text), found)
	add(url.QueryEscape(text), found)
	add(url.PathEscape(text), found)
	if escaped, err := json.Marshal(text); err == nil {
		add(string(escaped[1:len(escaped)-1]), found)
	}
}

func add(value string, found map[string]bool) {
	if len(value) >= shortestSecret {
		found[value] = true
	}
}

// innerJSON decodes a text that is a JSON object or list.
func innerJSON(text string) (inner any, ok bool) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return nil, false
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber() // a password may be made of digits
	err := decoder.Decode(&inner)
	return inner, err == nil
}

// isName reports whether the member of a file's contents only names something; such words are needed to read an error.
func isName(member string) bool {
	switch member {
	case "apiVersion", "kind", "type", "name", "cluster", "namespace", "current-context", "region_name", "interface", "identity_api_version":
		return true
	}
	return false
}

// withoutNames leaves out the members that only name something.
func withoutNames(content any) any {
	switch content := content.(type) {
	case []any:
		for i, one := range content {
			content[i] = withoutNames(one)
		}
	case map[string]any:
		for name, one := range content {
			if _, isText := one.(string); isText && isName(name) {
				delete(content, name)
				continue
			}
			content[name] = withoutNames(one)
		}
	}
	return content
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
