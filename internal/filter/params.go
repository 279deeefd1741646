package filter

import (
	"net/url"
	"slices"
	"sort"
	"strings"
	"unicode"
)

// Params are the query parameters of a request in the order in which they were sent.
type Params struct {
	entries []entry
	index   map[string]int
}

type entry struct {
	key    string
	values []string
}

// ReadParams reads the query part of a URL, without its question mark. It refuses nothing: a broken percent sequence is
// taken literally and bytes that are no UTF-8 become U+FFFD.
func ReadParams(rawQuery string) Params {
	p := Params{index: map[string]int{}}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		p.add(unescape(key), unescape(value))
	}
	return p
}

// ParamsOf makes Params of decoded values; keys are taken in sorted order.
func ParamsOf(values url.Values) Params {
	p := Params{index: map[string]int{}}
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		for _, value := range values[key] {
			p.add(key, value)
		}
	}
	return p
}

func (p *Params) add(key, value string) {
	if i, known := p.index[key]; known {
		p.entries[i].values = append(p.entries[i].values, value)
		return
	}
	p.index[key] = len(p.entries)
	p.entries = append(p.entries, entry{key: key, values: []string{value}})
}

// Last returns the last value of a parameter; ok is false when it is absent.
func (p Params) Last(key string) (value string, ok bool) {
	i, ok := p.index[key]
	if !ok {
		return "", false
	}
	values := p.entries[i].values
	return values[len(values)-1], true
}

// EncodeWith returns the query string that pagination links carry: every parameter as sent, sorted by name, with key
// set to value instead of what it was.
func (p Params) EncodeWith(key, value string) string {
	entries := make([]entry, 0, len(p.entries)+1)
	for _, e := range p.entries {
		if e.key != key {
			entries = append(entries, e)
		}
	}
	return encode(append(entries, entry{key: key, values: []string{value}}))
}

// With returns the parameters with one more value of one of them.
func (p Params) With(key, value string) Params {
	more := p.Without()
	more.add(key, value)
	return more
}

// Without returns the parameters but for those of some names.
func (p Params) Without(keys ...string) Params {
	left := Params{index: map[string]int{}}
	for _, e := range p.entries {
		for _, value := range e.values {
			if !slices.Contains(keys, e.key) {
				left.add(e.key, value)
			}
		}
	}
	return left
}

// Encode returns all parameters sorted by name; repeated ones keep their order.
func (p Params) Encode() string { return encode(append([]entry(nil), p.entries...)) }

func encode(entries []entry) string {
	sort.Slice(entries, func(i, j int) bool { return entries[i].key < entries[j].key })
	var b strings.Builder
	for _, e := range entries {
		for _, value := range e.values {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(url.QueryEscape(e.key))
			b.WriteByte('=')
			b.WriteString(url.QueryEscape(value))
		}
	}
	return b.String()
}

// legal tells whether JSON:API and the wire contract know a parameter of that name: sort, include, fields[...],
// page[...], filter[...], also without brackets.
func legal(key string) bool {
	if key == "sort" || key == "include" {
		return true
	}
	family, member, bracketed := strings.Cut(key, "[")
	if family != "filter" && family != "fields" && family != "page" {
		return false
	}
	if !bracketed {
		return true
	}
	member, closed := strings.CutSuffix(member, "]")
	return closed && isMember(member)
}

func isMember(s string) bool {
	for _, r := range s {
		if r != '_' && r != '.' && r != '-' && !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			return false
		}
	}
	return s != ""
}

// member returns what stands between the brackets of family[...].
func member(key, family string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(key, family+"[")
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(rest, "]")
	return name, ok && isMember(name)
}

func unescape(s string) string {
	if strings.ContainsAny(s, "%+") {
		var b strings.Builder
		b.Grow(len(s))
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] == '+':
				b.WriteByte(' ')
			case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
				b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
				i += 2
			default:
				b.WriteByte(s[i])
			}
		}
		s = b.String()
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
