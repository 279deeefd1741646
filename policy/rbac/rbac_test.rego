package palisade.rbac_test

import data.palisade.rbac

# What every operation asks for, written down a second time: a slip in operations.json or rules.json
# must disagree with this table. The test cases carry the operation's name; an operation without one fails
# `palisade policy check`.
expected := {
	"api_keys.create": "manage_account",
	"api_keys.list": "manage_account",
	"api_keys.retrieve": "manage_account",
	"api_keys.revoke": "manage_account",
	"api_keys.update": "manage_account",
	"attack_paths_scans.list": "member",
	"attack_paths_scans.queries": "member",
	"attack_paths_scans.queries.custom": "manage_scans",
	"attack_paths_scans.queries.run": "manage_scans",
	"attack_paths_scans.retrieve": "member",
	"attack_paths_scans.schema": "member",
	"audit_events.list": "manage_account",
	"audit_events.retrieve": "manage_account",
	"auth.saml.initiate": "anonymous",
	"compliance_frameworks.create": "manage_account",
	"compliance_frameworks.delete": "manage_account",
	"compliance_frameworks.list": "member",
	"compliance_frameworks.retrieve": "member",
	"compliance_frameworks.update": "manage_account",
	"compliance_overviews.attributes": "member",
	"compliance_overviews.list": "member",
	"compliance_overviews.metadata": "member",
	"compliance_overviews.providers": "member",
	"compliance_overviews.requirements": "member",
	"compliance_watchlist.retrieve": "member",
	"compliance_watchlist.update": "manage_account",
	"engines.list": "member",
	"finding_groups.latest": "member",
	"finding_groups.latest.resources": "member",
	"finding_groups.list": "member",
	"finding_groups.resources": "member",
	"findings.findings_services_regions": "member",
	"findings.history": "member",
	"findings.latest": "member",
	"findings.list": "member",
	"findings.metadata": "member",
	"findings.metadata.latest": "member",
	"findings.retrieve": "member",
	"ingestions.create": "manage_scans",
	"ingestions.errors": "member",
	"ingestions.list": "member",
	"ingestions.retrieve": "member",
	"integrations.connection": "manage_integrations",
	"integrations.create": "manage_integrations",
	"integrations.delete": "manage_integrations",
	"integrations.jira.dispatches": "manage_integrations",
	"integrations.jira.issue_types": "manage_integrations",
	"integrations.list": "manage_integrations",
	"integrations.retrieve": "manage_integrations",
	"integrations.update": "manage_integrations",
	"invitations.accept": "authenticated",
	"lighthouse.configuration.retrieve": "manage_integrations",
	"lighthouse.configuration.update": "manage_integrations",
	"lighthouse.models.list": "manage_integrations",
	"lighthouse.models.retrieve": "manage_integrations",
	"lighthouse.providers.connection": "manage_account",
	"lighthouse.providers.create": "manage_account",
	"lighthouse.providers.delete": "manage_account",
	"lighthouse.providers.list": "manage_account",
	"lighthouse.providers.refresh_models": "manage_account",
	"lighthouse.providers.retrieve": "manage_account",
	"lighthouse.providers.update": "manage_account",
	"lighthouse_configurations.connection": "manage_account",
	"lighthouse_configurations.create": "manage_account",
	"lighthouse_configurations.delete": "manage_account",
	"lighthouse_configurations.list": "manage_account",
	"lighthouse_configurations.update": "manage_account",
	"mute_rules.create": "manage_scans",
	"mute_rules.delete": "manage_scans",
	"mute_rules.list": "manage_scans",
	"mute_rules.retrieve": "manage_scans",
	"mute_rules.update": "manage_scans",
	"overviews.attack_surfaces": "member",
	"overviews.categories": "member",
	"overviews.compliance_watchlist": "member",
	"overviews.findings": "member",
	"overviews.findings_severity": "member",
	"overviews.findings_severity.timeseries": "member",
	"overviews.providers": "member",
	"overviews.providers.count": "member",
	"overviews.regions": "member",
	"overviews.resource_groups": "member",
	"overviews.services": "member",
	"overviews.threatscore": "member",
	"processors.create": "manage_account",
	"processors.delete": "manage_account",
	"processors.list": "manage_account",
	"processors.retrieve": "manage_account",
	"processors.update": "manage_account",
	"provider_groups.create": "manage_providers",
	"provider_groups.delete": "manage_providers",
	"provider_groups.list": "member",
	"provider_groups.relationships.providers.add": "manage_providers",
	"provider_groups.relationships.providers.remove": "manage_providers",
	"provider_groups.relationships.providers.replace": "manage_providers",
	"provider_groups.retrieve": "member",
	"provider_groups.update": "manage_providers",
	"providers.connection": "manage_providers",
	"providers.create": "manage_providers",
	"providers.delete": "manage_providers",
	"providers.list": "member",
	"providers.retrieve": "member",
	"providers.secrets.create": "manage_providers",
	"providers.secrets.delete": "manage_providers",
	"providers.secrets.list": "manage_providers",
	"providers.secrets.retrieve": "manage_providers",
	"providers.secrets.update": "manage_providers",
	"providers.update": "manage_providers",
	"resources.events": "member",
	"resources.latest": "member",
	"resources.list": "member",
	"resources.metadata": "member",
	"resources.metadata.latest": "member",
	"resources.retrieve": "member",
	"roles.create": "manage_account",
	"roles.delete": "manage_account",
	"roles.list": "manage_account",
	"roles.relationships.provider_groups.add": "manage_account",
	"roles.relationships.provider_groups.remove": "manage_account",
	"roles.relationships.provider_groups.replace": "manage_account",
	"roles.retrieve": "manage_account",
	"roles.update": "manage_account",
	"saml_config.create": "manage_integrations",
	"saml_config.delete": "manage_integrations",
	"saml_config.list": "manage_integrations",
	"saml_config.retrieve": "manage_integrations",
	"saml_config.update": "manage_integrations",
	"scans.cis": "member",
	"scans.compliance": "member",
	"scans.compliance.ocsf": "member",
	"scans.create": "manage_scans",
	"scans.csa": "member",
	"scans.ens": "member",
	"scans.list": "member",
	"scans.nis2": "member",
	"scans.report": "member",
	"scans.retrieve": "member",
	"scans.threatscore": "member",
	"scans.update": "manage_scans",
	"schedules.create": "manage_scans",
	"schedules.daily": "manage_scans",
	"schedules.delete": "manage_scans",
	"schedules.list": "member",
	"schedules.retrieve": "member",
	"schedules.run": "manage_scans",
	"schedules.update": "manage_scans",
	"tasks.list": "member",
	"tasks.retrieve": "member",
	"tasks.revoke": "manage_scans",
	"tenants.create": "authenticated",
	"tenants.delete": "manage_account",
	"tenants.invitations.create": "manage_account",
	"tenants.invitations.delete": "manage_account",
	"tenants.invitations.list": "manage_account",
	"tenants.invitations.retrieve": "manage_account",
	"tenants.invitations.update": "manage_account",
	"tenants.list": "authenticated",
	"tenants.memberships.delete": "authenticated",
	"tenants.memberships.list": "authenticated",
	"tenants.retrieve": "authenticated",
	"tenants.update": "manage_account",
	"tokens.create": "anonymous",
	"tokens.github": "anonymous",
	"tokens.google": "anonymous",
	"tokens.refresh": "anonymous",
	"tokens.saml": "anonymous",
	"tokens.switch": "authenticated",
	"users.access": "manage_account",
	"users.create": "anonymous",
	"users.delete": "manage_users",
	"users.list": "manage_users",
	"users.me": "authenticated",
	"users.memberships.list": "manage_account",
	"users.memberships.retrieve": "manage_account",
	"users.relationships.roles.add": "manage_account",
	"users.relationships.roles.remove": "manage_account",
	"users.relationships.roles.replace": "manage_account",
	"users.retrieve": "manage_users",
	"users.update": "authenticated",
	"users.update_others": "manage_users",
}

permissions := {
	"manage_users",
	"manage_account",
	"manage_billing",
	"manage_providers",
	"manage_integrations",
	"manage_scans",
}

# The operations that need a permission, and those that need at least an identity.
guarded := {operation: permission | some operation, permission in expected; permission in permissions}

identified := {operation: permission | some operation, permission in expected; permission != "anonymous"}

# The three roles are told apart by their ids in granted_by.
first := "00000000-0000-4000-8000-000000000001"

second := "00000000-0000-4000-8000-000000000002"

third := "00000000-0000-4000-8000-000000000003"

role(id, granted) := {
	"id": id,
	"name": "a role",
	"permissions": object.union({name: false | some name in permissions}, {name: true | some name in granted}),
	"unlimited_visibility": false,
	"provider_groups": [],
}

# The same role with one permission, with all but one, and with all.
only := {permission: role(first, {permission}) | some permission in permissions}

all_but := {permission: role(first, permissions - {permission}) | some permission in permissions}

full := role(first, permissions)

member(roles) := {"authenticated": true, "roles": roles}

decide(subject, operation) := decision if {
	decision := rbac.decision with input as {"subject": subject, "operation": operation}
}

allowed_by(decision, roles) if {
	decision.allowed == true
	decision.reason == "allowed"
	decision.granted_by == roles
	explained(decision)
}

refused(decision, reason) if {
	decision.allowed == false
	decision.reason == reason
	decision.granted_by == []
	explained(decision)
}

explained(decision) if {
	decision.rule != ""
	decision.sentence != ""
}

test_every_operation_is_expected if {
	object.keys(expected) == object.keys(data.rbac.operations)
}

test_every_rule_is_used if {
	object.keys(data.rbac.rules) == {operation.rule | some operation in data.rbac.operations}
}

test_every_rule_has_one_known_permission if {
	known := permissions | {"anonymous", "authenticated", "member"}
	every rule in data.rbac.rules {
		rule.permission in known
		rule.sentence != ""
	}
}

# Operations that need a permission: it alone is enough, all the others together are not.
test_permission_alone_allows[operation] if {
	some operation, permission in guarded
	allowed_by(decide(member([only[permission]]), operation), [first])
}

test_all_other_permissions_are_refused[operation] if {
	some operation, permission in guarded
	refused(decide(member([all_but[permission]]), operation), "denied")
}

test_roles_add_up[operation] if {
	some operation, permission in guarded
	roles := [role(third, {permission}), all_but[permission], role(second, {permission})]
	allowed_by(decide(member(roles), operation), [second, third])
}

test_permission_needs_a_role[operation] if {
	some operation, permission in guarded
	refused(decide(member([]), operation), "denied")
}

# Operations that read the tenant's data: any role will do, none will not.
test_any_role_makes_a_member[operation] if {
	some operation, "member" in expected
	allowed_by(decide(member([role(second, set()), role(first, set())]), operation), [first, second])
}

test_no_role_is_said_so[operation] if {
	some operation, "member" in expected
	refused(decide(member([]), operation), "no_role")
}

# Operations on oneself: being somebody is enough.
test_somebody_without_role_is_allowed[operation] if {
	some operation, "authenticated" in expected
	allowed_by(decide(member([]), operation), [])
}

# Operations before anybody is known.
test_nobody_is_allowed[operation] if {
	some operation, "anonymous" in expected
	allowed_by(decide({"authenticated": false, "roles": []}, operation), [])
}

# Roles never stand in for a missing identity.
test_nobody_is_refused_elsewhere[operation] if {
	some operation, _ in identified
	refused(decide({"authenticated": false, "roles": [full]}, operation), "denied")
}

test_rule_and_sentence_are_those_of_the_data[operation] if {
	some operation, _ in expected
	decision := decide(member([full]), operation)
	decision.rule == data.rbac.operations[operation].rule
	decision.sentence == data.rbac.rules[decision.rule].sentence
}

test_unknown_operation_is_refused if {
	refused(decide(member([full]), "providers.steal"), "unknown_operation")
}

test_operation_without_a_rule_is_refused if {
	decision := decide(member([full]), "providers.list") with data.rbac.rules as {}
	refused(decision, "unknown_operation")
}

test_missing_input_is_refused if {
	decision := rbac.decision with input as {}
	refused(decision, "unknown_operation")
}

test_permission_that_is_not_true_does_not_count if {
	odd := object.union(role(first, set()), {"permissions": {"manage_scans": "false"}})
	refused(decide(member([odd]), "scans.create"), "denied")
}

test_restriction_wins_over_a_grant if {
	decision := decide(member([full]), "scans.create") with data.palisade.rbac.restrictions.deny as {
		{"rule": "second-rule", "sentence": "Not this either."},
		{"rule": "a-rule", "sentence": "Not on Sundays."},
	}
	refused(decision, "denied")
	decision.rule == "a-rule"
	decision.sentence == "Not on Sundays."
}

test_restriction_refuses_without_a_reason if {
	decision := decide(member([full]), "scans.create") with data.palisade.rbac.restrictions.deny as {{}}
	refused(decision, "denied")
}

test_no_restriction_changes_nothing if {
	decision := decide(member([full]), "scans.create") with data.palisade.rbac.restrictions.deny as set()
	allowed_by(decision, [first])
}

a_grant := {
	{"rule": "second-grant", "sentence": "For other reasons."},
	{"rule": "a-grant", "sentence": "For the night shift."},
}

test_grant_allows_what_the_rule_does_not if {
	decision := decide(member([]), "scans.create") with data.palisade.rbac.grants.allow as a_grant
	allowed_by(decision, [])
	decision.rule == "a-grant"
	decision.sentence == "For the night shift."
}

test_grant_without_a_reason if {
	decision := decide(member([]), "findings.list") with data.palisade.rbac.grants.allow as {{}}
	allowed_by(decision, [])
}

test_role_is_named_before_a_grant if {
	decision := decide(member([full]), "scans.create") with data.palisade.rbac.grants.allow as a_grant
	allowed_by(decision, [first])
	decision.rule == "scans"
}

test_restriction_wins_over_a_given_grant if {
	decision := decide(member([]), "scans.create") with data.palisade.rbac.grants.allow as a_grant
		with data.palisade.rbac.restrictions.deny as {{"rule": "no", "sentence": "Never."}}
	refused(decision, "denied")
}

test_grant_is_nothing_to_nobody if {
	decision := decide({"authenticated": false, "roles": []}, "scans.create") with data.palisade.rbac.grants.allow as a_grant
	refused(decision, "denied")
}

test_grant_opens_no_unknown_operation if {
	decision := decide(member([full]), "providers.steal") with data.palisade.rbac.grants.allow as a_grant
	refused(decision, "unknown_operation")
}
