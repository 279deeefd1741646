package authz

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Explanation is a decision with everything that a person needs to follow it.
type Explanation struct {
	Operation  Operation
	Decision   Decision
	Known      bool          // the policy has an entry for the operation
	Info       OperationInfo // that entry
	Granting   []Role        // the subject's roles that granted the operation
	Others     []Role        // the subject's other roles
	Visibility Visibility    // independent of the operation
}

// Explain decides and says why: the rule, the roles that granted the operation, and the providers that the
// subject sees.
func (s *Snapshot) Explain(ctx context.Context, subject Subject, operation Operation) (Explanation, error) {
	decision, err := s.Decide(ctx, subject, operation)
	if err != nil {
		return Explanation{}, fmt.Errorf("explain: %w", err)
	}
	visibility, err := s.Visible(ctx, subject)
	if err != nil {
		return Explanation{}, fmt.Errorf("explain: %w", err)
	}
	explanation := Explanation{Operation: operation, Decision: decision, Visibility: visibility}
	explanation.Info, explanation.Known = s.operations[operation]
	for _, role := range subject.canonical().Roles {
		if slices.Contains(decision.GrantedBy, role.ID) {
			explanation.Granting = append(explanation.Granting, role)
		} else {
			explanation.Others = append(explanation.Others, role)
		}
	}
	return explanation, nil
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
	fmt.Fprintf(&text, "  sees:      %s\n", e.Visibility)
	fmt.Fprintf(&text, "  policy:    %s\n", e.Decision.Revision)
	return text.String()
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
