# METADATA
# title: Operations
# description: |
#   Answers one question: may this subject do this operation?
#   operations.json says which rule an operation falls under, rules.json says what that rule asks for and why.
#   A restriction (package palisade.rbac.restrictions, see POLICY.md) refuses what the rule would grant, a grant
#   (package palisade.rbac.grants) gives somebody who is signed in what it would not.
#   Whatever is not granted here is refused.
package palisade.rbac

# The first branch that holds decides, from top to bottom. A restriction refuses even when it forgets to say why.
decision := {
	"allowed": false,
	"reason": "denied",
	"rule": object.get(refusal, "rule", "restriction"),
	"sentence": object.get(refusal, "sentence", "A restriction refuses it."),
	"granted_by": [],
} if {
	refusal := min(data.palisade.rbac.restrictions.deny)
} else := {
	"allowed": true,
	"reason": "allowed",
	"rule": operation.rule,
	"sentence": rule.sentence,
	"granted_by": sort(granting_roles),
} if {
	granted
} else := {
	"allowed": true,
	"reason": "allowed",
	"rule": object.get(given, "rule", "grant"),
	"sentence": object.get(given, "sentence", "A grant allows it."),
	"granted_by": [],
} if {
	rule
	input.subject.authenticated
	given := min(data.palisade.rbac.grants.allow)
} else := {
	"allowed": false,
	"reason": "no_role",
	"rule": operation.rule,
	"sentence": rule.sentence,
	"granted_by": [],
} if {
	input.subject.authenticated
	rule.permission == "member"
} else := {
	"allowed": false,
	"reason": "denied",
	"rule": operation.rule,
	"sentence": rule.sentence,
	"granted_by": [],
} if {
	rule
} else := {
	"allowed": false,
	"reason": "unknown_operation",
	"rule": "default-deny",
	"sentence": "No rule covers this operation, so it is refused.",
	"granted_by": [],
}

operation := data.rbac.operations[input.operation]

rule := data.rbac.rules[operation.rule]

granted if rule.permission == "anonymous"

granted if {
	input.subject.authenticated
	rule.permission == "authenticated"
}

# Permissions are the union over the subject's roles: one granting role is enough.
granted if {
	input.subject.authenticated
	count(granting_roles) > 0
}

# Any role makes a member.
granting_roles contains role.id if {
	rule.permission == "member"
	some role in input.subject.roles
}

# A role grants the permissions that it carries.
granting_roles contains role.id if {
	some role in input.subject.roles
	role.permissions[rule.permission] == true
}
