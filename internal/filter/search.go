package filter

import (
	"regexp"
	"strings"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// searchKey is the parameter that is no filter of a field.
const searchKey = "filter[search]"

// search reads filter[search]. The text is checked even where nothing is searched.
func (t *Table) search(params Params) (text string, f Fragment, err error) {
	raw, _ := params.Last(searchKey)
	if t.Search == nil && t.Tolerate.has(AnyFilter) {
		return "", Fragment{}, nil
	}
	if strings.Contains(raw, "\x00") {
		e := jsonapi.Invalid("Null characters are not allowed.")
		e.Code = "null_characters_not_allowed"
		return "", Fragment{}, e
	}
	text = strings.TrimSpace(raw)
	if text == "" || t.Search == nil {
		return text, Fragment{}, nil
	}
	if len(t.Search.Any) > 0 {
		return text, t.Search.words(text), nil
	}
	return text, t.Search.terms(splitTerms(text)), nil
}

func (s *Search) words(text string) Fragment {
	var alternatives []Fragment
	for i := range s.Any {
		v := value{fieldKey: fieldKey{field: &s.Any[i], lookup: Exact}, texts: []string{text}}
		alternatives = append(alternatives, v.fragment())
	}
	return Or(alternatives...)
}

// terms asks for every term in any of the columns. The text is the same for any number of terms, so a long search
// makes neither a long statement nor a new one for the server to plan.
func (s *Search) terms(terms []string) Fragment {
	if len(terms) == 0 {
		return Fragment{}
	}
	found := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		found[i] = containsText(string(c), "sought.term")
	}
	return Fragment{
		text: "not exists (select from unnest(" + placeholder + "::text[]) as sought(term) where (" +
			strings.Join(found, " or ") + ") is not true)",
		args: []any{terms},
	}
}

// termPattern cuts at white space outside of quotes; a quoted part may hold escaped quotes.
var termPattern = regexp.MustCompile(
	`(?:[^\s\pZ'"]*(?:(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')[^\s\pZ'"]*)+)|[^\s\pZ]+`)

// splitTerms cuts a search into its terms: at white space and commas, quotes keep a phrase together.
func splitTerms(text string) []string {
	var terms []string
	for _, term := range termPattern.FindAllString(text, -1) {
		term = strings.Trim(term, ",")
		if phrase, ok := quoted(term); ok {
			terms = append(terms, phrase)
			continue
		}
		for part := range strings.SplitSeq(term, ",") {
			terms = append(terms, part)
		}
	}
	kept := terms[:0]
	for _, term := range terms {
		if term != "" {
			kept = append(kept, term)
		}
	}
	return kept
}

func quoted(term string) (phrase string, ok bool) {
	if term == "" || term[0] != '"' && term[0] != '\'' || term[len(term)-1] != term[0] {
		return "", false
	}
	if len(term) == 1 {
		return "", true
	}
	quote := term[:1]
	phrase = strings.ReplaceAll(term[1:len(term)-1], `\`+quote, quote)
	return strings.ReplaceAll(phrase, `\\`, `\`), true
}
