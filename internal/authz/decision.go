package authz

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/uuid"
)

// Reason says in one word why a decision is what it is.
type Reason string

// The reasons of a decision.
const (
	ReasonAllowed          Reason = "allowed"
	ReasonDenied           Reason = "denied"            // a permission or an identity is missing, or a restriction refuses
	ReasonNoRole           Reason = "no_role"           // the operation needs any role and the subject has none
	ReasonUnknownOperation Reason = "unknown_operation" // the policy has no entry for the operation
)

// Decision is the answer to "may this subject do this operation?". The zero value denies.
type Decision struct {
	Allowed   bool
	Reason    Reason
	Rule      string      // id of the rule that decided
	Sentence  string      // why the rule is there, for a person
	GrantedBy []uuid.UUID // the roles that granted it, ascending; empty when it needs no role, or is denied
	Write     bool        // the operation can change something: its HTTP method is not GET
	Revision  string      // of the policy that decided
}

// OperationInfo is what the policy's data says about one operation.
type OperationInfo struct {
	Permission string // "anonymous", "authenticated", "member" (any role) or a manage permission
	Rule       string // id of the rule in rules.json
	Sentence   string // why the rule is there, for a person
	Method     string // HTTP method
	Path       string // path below /api/v1, e.g. "/providers/{id}"
}

// Write reports whether the operation can change something.
func (i OperationInfo) Write() bool { return i.Method != http.MethodGet }

// answer is the decision as the policy spells it.
type answer struct {
	Allowed   bool        `json:"allowed"`
	Reason    Reason      `json:"reason"`
	Rule      string      `json:"rule"`
	Sentence  string      `json:"sentence"`
	GrantedBy []uuid.UUID `json:"granted_by"`
}

// check refuses an answer that contradicts itself or the subject: policy is edited by people, and a decision
// that makes no sense must not let anybody in.
func (a answer) check(subject Subject, info OperationInfo, known bool) error {
	if a.Rule == "" || a.Sentence == "" {
		return errors.New("the decision names no rule or no sentence")
	}
	if a.Allowed && !known {
		return errors.New("an operation without an entry in operations.json was allowed")
	}
	if a.Allowed && !subject.authenticated() && info.Permission != "anonymous" {
		return errors.New("somebody who is not signed in was allowed an operation that is not anonymous")
	}
	if a.Allowed != (a.Reason == ReasonAllowed) {
		return fmt.Errorf("allowed is %t but the reason is %q", a.Allowed, a.Reason)
	}
	switch a.Reason {
	case ReasonAllowed, ReasonDenied, ReasonNoRole, ReasonUnknownOperation:
	default:
		return fmt.Errorf("unknown reason %q", a.Reason)
	}
	for _, id := range a.GrantedBy {
		if !slices.ContainsFunc(subject.Roles, func(role Role) bool { return role.ID == id }) {
			return fmt.Errorf("role %s is said to grant but is none of the subject's", id)
		}
	}
	return nil
}
