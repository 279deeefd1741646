// Package scanscope reads and judges what scans are asked to look at: the attribute scope of a scan, and scan_scope of a provider.
//
// What does not belong here: which scan has which scope (internal/scan), and narrowing itself (internal/engine).
package scanscope

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/jsonapi"
)

const (
	longestList = 1000
	longestName = 150
)

// list is one member of a scope.
type list struct {
	name string
	form *regexp.Regexp
	in   func(*engine.Scope) *[]string
}

var (
	name      = regexp.MustCompile(`^[a-z0-9_]+$`)
	framework = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
	region    = regexp.MustCompile(`^[a-z]{2,}(-[a-z0-9]+)+$`)
	severity  = regexp.MustCompile(`^(critical|high|medium|low|informational)$`)
)

// lists are the members, in the order in which what is wrong with them is told.
var lists = []list{
	{"regions", region, func(s *engine.Scope) *[]string { return &s.Regions }},
	{"services", name, func(s *engine.Scope) *[]string { return &s.Services }},
	{"checks", name, func(s *engine.Scope) *[]string { return &s.Checks }},
	{"severities", severity, func(s *engine.Scope) *[]string { return &s.Severities }},
	{"compliance", framework, func(s *engine.Scope) *[]string { return &s.Compliance }},
	{"excluded_checks", name, func(s *engine.Scope) *[]string { return &s.ExcludedChecks }},
	{"excluded_services", name, func(s *engine.Scope) *[]string { return &s.ExcludedServices }},
}

// Given is a scope of a request: whether it was sent, whether as null, and its value, whose zero is everything.
type Given = jsonapi.Given[engine.Scope]

// Read reads an attribute that holds a scope, as far as it can be judged without a look at the provider: see Check.
func Read(body *jsonapi.Binder, attribute string) Given {
	sent := body.JSON(attribute, jsonapi.Rules{Nullable: true})
	given := Given{Set: sent.Set, Null: sent.Null}
	if !sent.Set || sent.Null {
		return given
	}
	members, isObject := sent.Value.(map[string]any)
	if !isObject {
		body.Fail(jsonapi.Field(attribute, "invalid", "A scope must be an object of lists."))
		return given
	}
	known := 0
	for _, one := range lists {
		if value, ok := members[one.name]; ok {
			known++
			*one.in(&given.Value) = one.read(body, attribute+"/"+one.name, value)
		}
	}
	if known < len(members) {
		body.Fail(strangers(attribute, members)...)
	}
	return given
}

// strangers are the refusals of members that a scope does not have.
func strangers(attribute string, members map[string]any) []jsonapi.Error {
	var refused []jsonapi.Error
	for member := range members {
		if !slices.ContainsFunc(lists, func(one list) bool { return one.name == member }) {
			refused = append(refused, jsonapi.Field(attribute, "invalid", fmt.Sprintf("A scope has no member %q.", shortened(member))))
		}
	}
	slices.SortFunc(refused, func(a, b jsonapi.Error) int { return strings.Compare(a.Detail, b.Detail) })
	return refused[:min(len(refused), 10)]
}

// read takes the texts of a list; an empty list would be everything or nothing, depending on who reads it.
func (l list) read(body *jsonapi.Binder, path string, value any) []string {
	items, isList := value.([]any)
	switch {
	case !isList:
		body.Fail(jsonapi.NotAList(path, value))
		return nil
	case len(items) == 0:
		body.Fail(jsonapi.Field(path, "empty", "This list may not be empty."))
		return nil
	case len(items) > longestList:
		body.Fail(jsonapi.Field(path, "max_length", fmt.Sprintf("Ensure this field has no more than %d elements.", longestList)))
		return nil
	}
	seen := make(map[string]bool, len(items))
	texts := make([]string, 0, len(items))
	for i, item := range items {
		text, isText := item.(string)
		at := fmt.Sprintf("%s/%d", path, i)
		switch {
		case !isText:
			body.Fail(jsonapi.Field(at, "invalid", "Not a valid string."))
		case utf8.RuneCountInString(text) > longestName:
			body.Fail(jsonapi.Field(at, "max_length", fmt.Sprintf("Ensure this field has no more than %d characters.", longestName)))
		case !l.form.MatchString(text):
			body.Fail(notAChoice(at, text))
		case seen[text]:
			body.Fail(jsonapi.Field(at, "invalid", fmt.Sprintf("%q is in the list already.", text)))
		}
		seen[text] = true
		texts = append(texts, text)
	}
	return texts
}

func notAChoice(path, text string) jsonapi.Error {
	return jsonapi.Field(path, "invalid_choice", fmt.Sprintf("\"%s\" is not a valid choice.", text))
}

func shortened(text string) string {
	if runes := []rune(text); len(runes) > longestName {
		return string(runes[:longestName])
	}
	return text
}

// Encode is the form in which a scope is stored: null for everything.
func Encode(scope engine.Scope) (json.RawMessage, error) {
	if scope.Whole() {
		return nil, nil
	}
	encoded, err := json.Marshal(scope)
	if err != nil {
		return nil, fmt.Errorf("encode scope: %w", err)
	}
	return encoded, nil
}

// Decode reads what Encode wrote; nil is everything.
func Decode(stored json.RawMessage) (*engine.Scope, error) {
	if stored == nil {
		return nil, nil
	}
	var scope engine.Scope
	if err := json.Unmarshal(stored, &scope); err != nil {
		return nil, fmt.Errorf("decode scope: %w", err)
	}
	return &scope, nil
}
