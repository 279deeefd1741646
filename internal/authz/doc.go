// Package authz answers, from the Rego policy, the two questions of access: may this subject do this operation,
// and which providers may this subject see?
//
// A [Snapshot] is one compiled policy; an [Engine] holds the active one and replaces it when the policy changes.
// Decisions come with the rule that made them and the roles that granted them. Visibility comes as a [Visibility],
// a condition on a provider's columns, whose zero value admits nothing. Everything in doubt (an error, an unknown
// operation, a condition that cannot be translated) denies.
//
// What does not belong here: who the caller is (authentication), the rendering of a condition as SQL, the
// HTTP answer to a refusal, and rules that look at the addressed object itself.
package authz
