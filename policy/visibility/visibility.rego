# METADATA
# title: Providers
# description: |
#   Answers one question: which providers may this subject see?
#   It is evaluated with the provider's columns unknown, so include must stay a plain condition on them (see
#   POLICY.md). Every include adds providers, those of package palisade.visibility.grants as well; what an exclude of
#   package palisade.visibility.restrictions names is hidden all the same, and what no include admits stays hidden.
package palisade.visibility

# METADATA
# description: A role with unlimited visibility sees the whole tenant.
include["unlimited-role"] if {
	some role in input.subject.roles
	role.unlimited_visibility == true
}

# METADATA
# description: Other roles see the providers of their provider groups; the groups of all roles add up.
include["role-groups"] if {
	count(groups) > 0
	input.provider_group_memberships.provider_group_id in groups
}

groups contains group if {
	some role in input.subject.roles
	some group in role.provider_groups
}
