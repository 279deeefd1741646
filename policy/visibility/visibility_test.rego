package palisade.visibility_test

import data.palisade.visibility

red := "00000000-0000-4000-8000-00000000000a"

blue := "00000000-0000-4000-8000-00000000000b"

green := "00000000-0000-4000-8000-00000000000c"

role(unlimited, groups) := {
	"id": "00000000-0000-4000-8000-000000000001",
	"name": "a role",
	"permissions": {},
	"unlimited_visibility": unlimited,
	"provider_groups": groups,
}

provider := {
	"id": "00000000-0000-4000-8000-0000000000ff",
	"provider": "aws",
	"uid": "123456789012",
	"alias": "production",
}

included if some name, true in visibility.include

# Whether the roles show a provider that is a member of the group.
visible(roles, group) if {
	included with input as {
		"subject": {"authenticated": true, "roles": roles},
		"providers": provider,
		"provider_group_memberships": {"provider_group_id": group},
	}
}

# Whether the roles show a provider that is in no group.
visible_ungrouped(roles) if {
	included with input as {
		"subject": {"authenticated": true, "roles": roles},
		"providers": provider,
	}
}

cases := {
	"unlimited sees every group": {"roles": [role(true, [])], "sees": {red, blue, green}},
	"a group shows its providers": {"roles": [role(false, [red])], "sees": {red}},
	"groups of one role add up": {"roles": [role(false, [red, blue])], "sees": {red, blue}},
	"groups of two roles add up": {"roles": [role(false, [red]), role(false, [blue])], "sees": {red, blue}},
	"one unlimited role is enough": {"roles": [role(false, [red]), role(true, [])], "sees": {red, blue, green}},
	"unlimited and groups": {"roles": [role(true, [red])], "sees": {red, blue, green}},
	"a role without groups sees nothing": {"roles": [role(false, [])], "sees": set()},
	"no role sees nothing": {"roles": [], "sees": set()},
	"only true is unlimited": {"roles": [role("yes", [])], "sees": set()},
}

test_visible_groups[name] if {
	some name, case in cases
	seen := {group | some group in {red, blue, green}; visible(case.roles, group)}
	seen == case.sees
}

test_provider_in_no_group if {
	visible_ungrouped([role(true, [])])
	not visible_ungrouped([role(false, [red, blue])])
	not visible_ungrouped([])
}

test_missing_subject_sees_nothing if {
	not included with input as {
		"providers": provider,
		"provider_group_memberships": {"provider_group_id": red},
	}
}
