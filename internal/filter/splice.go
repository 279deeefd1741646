package filter

import (
	"fmt"
	"sort"
	"strings"
	"sync"
)

const (
	markerBegin = "/* TEMPLATE_BEGIN: "
	markerClose = " */"
	markerEnd   = "/* TEMPLATE_END */"
)

// template is a generated query cut at its markers: literals[0] block[0] literals[1] ... literals[len(blocks)].
type template struct {
	literals []string
	blocks   []block
}

type block struct{ name, standard string }

// templates keeps each constant's cut form. Keys are the generated constants, so it cannot grow with requests.
var templates sync.Map // string -> *template

// Splice replaces the marked blocks of a generated query,
//
//	where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
//
// with the fragments of the same names. Placeholders are numbered after the nargs arguments that the query has already,
// in order of appearance; args are the further arguments. A block that occurs twice shares its arguments. A fragment
// that says nothing leaves the text that stands between the markers.
//
// Every block needs an entry in fragments and every entry a block: a name that is missing on either side is an error,
// because a condition that silently vanishes shows rows that it should hide.
func Splice(sql string, fragments map[string]Fragment, nargs int) (text string, args []any, err error) {
	t, err := templateOf(sql)
	if err != nil {
		return "", nil, err
	}
	if err := t.covers(fragments); err != nil {
		return "", nil, err
	}
	var b strings.Builder
	b.Grow(len(sql) + 512)
	var rendered map[string]string
	for i, block := range t.blocks {
		b.WriteString(t.literals[i])
		f := fragments[block.name]
		if f.IsZero() {
			b.WriteString(block.standard)
			continue
		}
		piece, done := rendered[block.name]
		if !done {
			var more []any
			piece, more = f.Render(nargs + len(args) + 1)
			args = append(args, more...)
			if rendered == nil {
				rendered = make(map[string]string, len(fragments))
			}
			rendered[block.name] = piece
		}
		b.WriteString(piece)
	}
	b.WriteString(t.literals[len(t.blocks)])
	return b.String(), args, nil
}

// Markers returns the names of the marked blocks of a generated query, each once, sorted.
func Markers(sql string) ([]string, error) {
	t, err := templateOf(sql)
	if err != nil {
		return nil, err
	}
	var names []string
	seen := map[string]bool{}
	for _, b := range t.blocks {
		if !seen[b.name] {
			seen[b.name] = true
			names = append(names, b.name)
		}
	}
	sort.Strings(names)
	return names, nil
}

func (t *template) covers(fragments map[string]Fragment) error {
	for _, b := range t.blocks {
		if _, ok := fragments[b.name]; !ok {
			return fmt.Errorf("splice: no fragment for marker %q", b.name)
		}
	}
	for name := range fragments {
		if !t.has(name) {
			return fmt.Errorf("splice: the query has no marker %q", name)
		}
	}
	return nil
}

func (t *template) has(name string) bool {
	for _, b := range t.blocks {
		if b.name == name {
			return true
		}
	}
	return false
}

func templateOf(sql string) (*template, error) {
	if cached, ok := templates.Load(sql); ok {
		return cached.(*template), nil
	}
	t, err := cut(sql)
	if err != nil {
		return nil, fmt.Errorf("splice: %w", err)
	}
	templates.Store(sql, t)
	return t, nil
}

func cut(sql string) (*template, error) {
	t := &template{}
	rest := sql
	for {
		literal, after, found := strings.Cut(rest, markerBegin)
		if strings.Contains(literal, markerEnd) {
			return nil, fmt.Errorf("TEMPLATE_END without TEMPLATE_BEGIN")
		}
		t.literals = append(t.literals, literal)
		if !found {
			return t, nil
		}
		name, body, ok := strings.Cut(after, markerClose)
		if !ok || !isIdentifier(name) {
			return nil, fmt.Errorf("marker without a proper name")
		}
		standard, next, ok := strings.Cut(body, markerEnd)
		if !ok || strings.Contains(standard, markerBegin) {
			return nil, fmt.Errorf("marker %q is not closed before the next one", name)
		}
		t.blocks = append(t.blocks, block{name: name, standard: strings.TrimSpace(standard)})
		rest = next
	}
}
