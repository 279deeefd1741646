package filter

import (
	"regexp"
	"strings"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// Include is the set of relationship paths to put into the document, parents too: "scan", "scan.provider".
type Include map[string]bool

// include checks the include parameter against the allowed paths.
func (t *Table) include(params Params) (Include, error) {
	value, _ := params.Last("include")
	if value == "" || t.Tolerate.has(AnyInclude) {
		return nil, nil
	}
	include := Include{}
	for path := range strings.SplitSeq(value, ",") {
		path = underscore(path)
		if err := t.checkInclude(path); err != nil {
			return nil, err
		}
		for i, c := range path {
			if c == '.' {
				include[path[:i]] = true
			}
		}
		include[path] = true
	}
	return include, nil
}

// checkInclude walks down the path. The refusal names the path only where the resource reached so far has
// includes at all.
func (t *Table) checkInclude(path string) error {
	const refusal = "This endpoint does not support the include parameter"
	parent, rest := "", path
	for {
		if !t.includeParents[parent] {
			return jsonapi.ParseError(refusal)
		}
		step, deeper, more := strings.Cut(rest, ".")
		reached := step
		if parent != "" {
			reached = parent + "." + step
		}
		if !t.includes[reached] {
			return jsonapi.ParseError(refusal + " for path " + path)
		}
		if !more {
			return nil
		}
		parent, rest = reached, deeper
	}
}

var (
	wordStart = regexp.MustCompile(`([A-Z]+)([A-Z][a-z])`)
	wordInner = regexp.MustCompile(`([a-z\d])([A-Z])`)
)

// underscore accepts providerGroups and provider-groups for provider_groups.
func underscore(s string) string {
	if strings.ToLower(s) != s {
		s = wordInner.ReplaceAllString(wordStart.ReplaceAllString(s, "${1}_$2"), "${1}_$2")
		s = strings.ToLower(s)
	}
	return strings.ReplaceAll(s, "-", "_")
}
