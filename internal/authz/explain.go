package authz

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Explanation is a decision with everything that a person needs to follow it.
type Explanation struct {
	Operation  Operation
	Subject    Subject
	Decision   Decision
	Known      bool          // the policy has an entry for the operation
	Info       OperationInfo // that entry
	Granting   []Role        // the subject's roles that granted the operation
	Others     []Role        // the subject's other roles
	Looks      []string      // what of the subject, beside its roles, rules of this policy look at
	Visibility Visibility    // independent of the operation
	Effects    []RuleEffect  // what each visibility rule does for the subject
	Providers  []Sight       // set by Examine
}

// Sight is one provider and why it is seen or not.
type Sight struct {
	Provider Provider
	Visible  bool
	Shown    []string // ids of the rules that include it
	Hidden   []string // ids of the rules that exclude it
}

// Explain decides and says why: the rule, the roles that granted the operation, and the providers that the
// subject sees, rule by rule.
func (s *Snapshot) Explain(ctx context.Context, subject Subject, operation Operation) (Explanation, error) {
	decision, err := s.Decide(ctx, subject, operation)
	if err != nil {
		return Explanation{}, fmt.Errorf("explain: %w", err)
	}
	visibility, err := s.Visible(ctx, subject)
	if err != nil {
		return Explanation{}, fmt.Errorf("explain: %w", err)
	}
	subject = subject.canonical()
	effects, err := s.effects(ctx, subject)
	if err != nil {
		return Explanation{}, fmt.Errorf("explain: %w", err)
	}
	explanation := Explanation{Operation: operation, Subject: subject, Decision: decision, Looks: s.seen.names(),
		Visibility: visibility, Effects: effects}
	explanation.Info, explanation.Known = s.operations[operation]
	for _, role := range subject.Roles {
		if slices.Contains(decision.GrantedBy, role.ID) {
			explanation.Granting = append(explanation.Granting, role)
		} else {
			explanation.Others = append(explanation.Others, role)
		}
	}
	return explanation, nil
}

// Examine adds which of the tenant's providers are visible, and by which rules.
func (e *Explanation) Examine(providers []Provider) {
	e.Providers = sightsOf(e.Visibility, e.Effects, providers)
}

// Sights says of each provider whether the subject sees it, and by which rules.
func (s *Snapshot) Sights(ctx context.Context, subject Subject, providers []Provider) ([]Sight, error) {
	visibility, err := s.Visible(ctx, subject)
	if err != nil {
		return nil, err
	}
	effects, err := s.effects(ctx, subject.canonical())
	if err != nil {
		return nil, err
	}
	return sightsOf(visibility, effects, providers), nil
}

func sightsOf(visibility Visibility, effects []RuleEffect, providers []Provider) []Sight {
	sights := make([]Sight, len(providers))
	for i, provider := range providers {
		sight := Sight{Provider: provider, Visible: visibility.Shows(provider), Shown: []string{}, Hidden: []string{}}
		for _, effect := range effects {
			switch {
			case effect.Excludes && effect.Providers.hides(provider):
				sight.Hidden = append(sight.Hidden, effect.ID)
			case !effect.Excludes && effect.Providers.Shows(provider):
				sight.Shown = append(sight.Shown, effect.ID)
			}
		}
		sights[i] = sight
	}
	return sights
}

// hides is Shows in an exclusion.
func (v Visibility) hides(provider Provider) bool {
	return v.kind == seesAll || v.kind == seesSome && provider.meets(v.condition, false, true)
}

// String is the explanation as a few lines of text.
func (e Explanation) String() string {
	var text strings.Builder
	verdict := "refused"
	if e.Decision.Allowed {
		verdict = "allowed"
	}
	fmt.Fprintf(&text, "%s is %s (%s)\n", e.Operation, verdict, e.Decision.Reason)
	if e.Known {
		fmt.Fprintf(&text, "  request:   %s /api/v1%s\n", e.Info.Method, e.Info.Path)
	}
	fmt.Fprintf(&text, "  rule:      %s: %s\n", e.Decision.Rule, e.Decision.Sentence)
	if e.Known {
		fmt.Fprintf(&text, "  needs:     %s\n", needs(e.Info.Permission))
	}
	if len(e.Granting) > 0 {
		fmt.Fprintf(&text, "  given by:  %s\n", names(e.Granting))
	}
	if len(e.Others) > 0 {
		fmt.Fprintf(&text, "  not by:    %s\n", names(e.Others))
	}
	if len(e.Granting)+len(e.Others) == 0 {
		text.WriteString("  roles:     none in this tenant\n")
	}
	for _, one := range e.Subject.seen(allAttributes()) {
		if one.value != "" {
			note := ""
			if slices.Contains(e.Looks, one.name) {
				note = " (rules of this policy look at it)"
			}
			fmt.Fprintf(&text, "  %-10s %s%s\n", one.name+":", one.value, note)
		}
	}
	fmt.Fprintf(&text, "  sees:      %s\n", e.Visibility)
	for _, effect := range e.Effects {
		if effect.Providers.IsNone() {
			continue
		}
		does := "shown by"
		if effect.Excludes {
			does = "hidden by"
		}
		fmt.Fprintf(&text, "    %s %s: %s (%s)\n", does, effect.ID, effect.Providers, effect.Sentence)
	}
	e.sights(&text)
	fmt.Fprintf(&text, "  policy:    %s\n", e.Decision.Revision)
	return text.String()
}

// listed is how many providers of a kind are written out; the rest is a number.
const listed = 50

func (e Explanation) sights(text *strings.Builder) {
	if e.Providers == nil {
		return
	}
	var visible, excluded []Sight
	for _, sight := range e.Providers {
		switch {
		case sight.Visible:
			visible = append(visible, sight)
		case len(sight.Hidden) > 0:
			excluded = append(excluded, sight)
		}
	}
	fmt.Fprintf(text, "  providers: %d of %d\n", len(visible), len(e.Providers))
	for _, part := range []struct {
		sights []Sight
		does   string
	}{{visible, "shown by"}, {excluded, "hidden by"}} {
		for i, sight := range part.sights {
			if i == listed {
				fmt.Fprintf(text, "    and %d more\n", len(part.sights)-listed)
				break
			}
			by := sight.Shown
			if !sight.Visible {
				by = sight.Hidden
			}
			fmt.Fprintf(text, "    %s, %s %s\n", sight.Provider, part.does, strings.Join(by, ", "))
		}
	}
}

// String names the provider to a person.
func (p Provider) String() string {
	alias := ""
	if p.Alias != nil {
		alias = fmt.Sprintf(" %q", *p.Alias)
	}
	return fmt.Sprintf("%s %s%s (%s)", p.Type, p.UID, alias, p.ID)
}

func needs(permission string) string {
	switch permission {
	case "anonymous":
		return "nothing"
	case "authenticated":
		return "to be signed in"
	case "member":
		return "any role in the tenant"
	default:
		return "a role with " + permission
	}
}

func names(roles []Role) string {
	list := make([]string, len(roles))
	for i, role := range roles {
		list[i] = fmt.Sprintf("%q (%s)", role.Name, role.ID)
	}
	return strings.Join(list, ", ")
}

// RoleJSON is a role in an explanation's document.
type RoleJSON struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
}

// RuleJSON is what a visibility rule does, in an explanation's document.
type RuleJSON struct {
	Rule      string `json:"rule"`
	Sentence  string `json:"sentence"`
	Effect    string `json:"effect"` // "include" or "exclude"
	Providers string `json:"providers"`
}

// SightJSON is a provider in an explanation's document.
type SightJSON struct {
	ID      uuid.UUID `json:"id"`
	Type    string    `json:"provider"`
	UID     string    `json:"uid"`
	Alias   *string   `json:"alias"`
	Visible bool      `json:"visible"`
	Shown   []string  `json:"included_by"`
	Hidden  []string  `json:"excluded_by"`
}

// ExplanationJSON is an explanation as a document for programs.
type ExplanationJSON struct {
	Operation  Operation         `json:"operation"`
	Known      bool              `json:"known"`
	Allowed    bool              `json:"allowed"`
	Reason     Reason            `json:"reason"`
	Rule       string            `json:"rule"`
	Sentence   string            `json:"sentence"`
	Permission string            `json:"permission,omitempty"`
	Granting   []RoleJSON        `json:"granted_by"`
	Others     []RoleJSON        `json:"other_roles"`
	Attributes map[string]string `json:"attributes"`
	Looks      []string          `json:"attributes_in_rules"`
	Visibility string            `json:"visibility"`
	Rules      []RuleJSON        `json:"visibility_rules"`
	Providers  []SightJSON       `json:"providers,omitempty"`
	Revision   string            `json:"policy_revision"`
}

// JSON is the explanation as a document for programs.
func (e Explanation) JSON() ExplanationJSON {
	document := ExplanationJSON{
		Operation: e.Operation, Known: e.Known, Allowed: e.Decision.Allowed, Reason: e.Decision.Reason,
		Rule: e.Decision.Rule, Sentence: e.Decision.Sentence, Permission: e.Info.Permission,
		Granting: rolesJSON(e.Granting), Others: rolesJSON(e.Others),
		Attributes: map[string]string{}, Looks: append([]string{}, e.Looks...),
		Visibility: e.Visibility.String(), Rules: []RuleJSON{}, Revision: e.Decision.Revision,
	}
	for _, one := range e.Subject.seen(allAttributes()) {
		if one.value != "" {
			document.Attributes[one.name] = one.value
		}
	}
	for _, effect := range e.Effects {
		kind := "include"
		if effect.Excludes {
			kind = "exclude"
		}
		document.Rules = append(document.Rules, RuleJSON{Rule: effect.ID, Sentence: effect.Sentence, Effect: kind, Providers: effect.Providers.String()})
	}
	for _, sight := range e.Providers {
		document.Providers = append(document.Providers, SightJSON{ID: sight.Provider.ID, Type: sight.Provider.Type, UID: sight.Provider.UID,
			Alias: sight.Provider.Alias, Visible: sight.Visible, Shown: sight.Shown, Hidden: sight.Hidden})
	}
	return document
}

func rolesJSON(roles []Role) []RoleJSON {
	list := make([]RoleJSON, len(roles))
	for i, role := range roles {
		list[i] = RoleJSON{role.ID, role.Name}
	}
	return list
}
