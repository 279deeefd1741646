package authz

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/policy"
)

var everything = Permissions{true, true, true, true, true, true}

func TestShippedPolicyIsSound(t *testing.T) {
	t.Parallel()
	if err := Check(t.Context(), whole(policy.FS)); err != nil {
		t.Fatalf("check:\n%v", err)
	}
	report, err := Test(t.Context(), whole(policy.FS), true)
	if err != nil {
		t.Fatal(err)
	}
	if !report.Passed() || !report.Covered() || len(report.Untested) != 0 {
		t.Errorf("passed %t, covered %t (%v), without a test: %v",
			report.Passed(), report.Covered(), report.Files, report.Untested)
	}
	var files []string
	for _, file := range report.Files {
		files = append(files, file.File)
	}
	if want := []string{"rbac/rbac.rego", "visibility/visibility.rego"}; !slices.Equal(files, want) {
		t.Errorf("coverage of %v, want %v", files, want)
	}
}

// The wire contract has 152 operations, each a method on a path; ours alone come on top.
func TestOperationsCoverTheWire(t *testing.T) {
	t.Parallel()
	ours := []Operation{
		"ingestions.create", "ingestions.list", "ingestions.retrieve", "ingestions.errors",
		"users.access", "users.update_others",
		"audit_events.list", "audit_events.retrieve", "engines.list", "auth.saml.initiate", "tokens.github", "tokens.google", "tokens.saml",
		"schedules.create", "schedules.delete", "schedules.list", "schedules.retrieve", "schedules.run", "schedules.update",
		"compliance_frameworks.create", "compliance_frameworks.delete", "compliance_frameworks.list", "compliance_frameworks.retrieve",
		"compliance_frameworks.update", "compliance_overviews.providers", "compliance_watchlist.retrieve", "compliance_watchlist.update",
		"findings.history",
	}
	operations := load(t, policy.FS).Operations()
	for _, name := range ours {
		if _, ok := operations[name]; !ok {
			t.Errorf("%s is missing", name)
		}
		delete(operations, name)
	}
	if len(operations) != 152 {
		t.Errorf("%d operations of the wire, want 152", len(operations))
	}
	routes := map[string]Operation{}
	for name, info := range operations {
		route := info.Method + " " + info.Path
		if other, ok := routes[route]; ok {
			t.Errorf("%s is both %s and %s", route, name, other)
		}
		routes[route] = name
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	snapshot := load(t, policy.FS)
	providers := Role{ID: id(1), Permissions: Permissions{ManageProviders: true}}
	scans := Role{ID: id(2), Permissions: Permissions{ManageScans: true}}
	bare := Role{ID: id(3)}
	admin := Role{ID: id(4), Permissions: everything, UnlimitedVisibility: true}
	tests := []struct {
		name      string
		subject   Subject
		operation Operation
		reason    Reason
		rule      string
		grantedBy []uuid.UUID
		write     bool
	}{
		{"the permission", subject(providers), "providers.create", ReasonAllowed, "provider-changes", []uuid.UUID{id(1)}, true},
		{"another permission", subject(scans), "providers.create", ReasonDenied, "provider-changes", nil, true},
		{"one of two roles", subject(scans, providers, bare), "providers.create", ReasonAllowed, "provider-changes", []uuid.UUID{id(1)}, true},
		{"both roles", subject(admin, providers), "providers.delete", ReasonAllowed, "provider-changes", []uuid.UUID{id(1), id(4)}, true},
		{"a read with any role", subject(bare), "findings.list", ReasonAllowed, "tenant-data", []uuid.UUID{id(3)}, false},
		{"a read without a role", subject(), "findings.list", ReasonNoRole, "tenant-data", nil, false},
		{"tasks without a role", subject(), "tasks.list", ReasonNoRole, "tenant-data", nil, false},
		{"a permission without a role", subject(), "api_keys.list", ReasonDenied, "api-keys", nil, false},
		{"revoking without permission", subject(bare), "tasks.revoke", ReasonDenied, "task-revocation", nil, true},
		{"revoking", subject(scans), "tasks.revoke", ReasonAllowed, "task-revocation", []uuid.UUID{id(2)}, true},
		{"lighthouse keys", subject(bare), "lighthouse.providers.list", ReasonDenied, "lighthouse-secrets", nil, false},
		{"oneself without a role", subject(), "users.me", ReasonAllowed, "self-service", nil, false},
		{"nobody asks for a token", Subject{}, "tokens.create", ReasonAllowed, "anonymous-entry", nil, true},
		{"nobody asks for oneself", Subject{}, "users.me", ReasonDenied, "self-service", nil, false},
		{"roles without a user", Subject{Roles: []Role{admin}}, "findings.list", ReasonDenied, "tenant-data", nil, false},
		{"unknown", subject(admin), "providers.steal", ReasonUnknownOperation, "default-deny", nil, true},
		{"no operation", subject(admin), "", ReasonUnknownOperation, "default-deny", nil, true},
		{"a rule's name is no operation", subject(admin), "provider-changes", ReasonUnknownOperation, "default-deny", nil, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // evaluated, then from the cache
				got, err := snapshot.Decide(t.Context(), test.subject, test.operation)
				if err != nil {
					t.Fatal(err)
				}
				if got.Allowed != (test.reason == ReasonAllowed) || got.Reason != test.reason ||
					got.Rule != test.rule || got.Write != test.write || got.Sentence == "" ||
					got.Revision != snapshot.Revision() || !slices.Equal(got.GrantedBy, test.grantedBy) {
					t.Errorf("got %+v", got)
				}
			}
		})
	}
}

// Whatever the cache holds, an answer is the one that a fresh evaluation gives, and both are the union that the
// operation's permission asks for.
func TestCachedDecisionsAreTheEvaluatedOnes(t *testing.T) {
	t.Parallel()
	snapshot := load(t, policy.FS)
	snapshot.decisions = newCache[decisionKey, Decision](64) // small, so that entries are dropped all the time
	operations := snapshot.Operations()
	names := slices.Sorted(maps.Keys(operations))
	random := rand.New(rand.NewPCG(1, 2))
	chance := func() bool { return random.IntN(4) == 0 }
	for range 3000 {
		var roles []Role
		for range random.IntN(4) {
			roles = append(roles, Role{
				ID:                  id(byte(random.IntN(3))),
				Permissions:         Permissions{chance(), chance(), chance(), chance(), chance(), chance()},
				UnlimitedVisibility: chance(),
			})
		}
		who := subject(roles...)
		operation := names[random.IntN(len(names))]
		got, err := snapshot.Decide(t.Context(), who, operation)
		if err != nil {
			t.Fatal(err)
		}
		evaluated, err := snapshot.evaluate(t.Context(), who.canonical(), operation)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.GrantedBy, evaluated.GrantedBy) || got.Allowed != evaluated.Allowed || got.Reason != evaluated.Reason {
			t.Fatalf("%s for %+v: cached %+v, evaluated %+v", operation, roles, got, evaluated)
		}
		if want := granted(operations[operation].Permission, roles); got.Allowed != want {
			t.Fatalf("%s for %+v: allowed %t, want %t", operation, roles, got.Allowed, want)
		}
	}
}

// granted is the model: the union of permissions over the roles of somebody who is signed in.
func granted(permission string, roles []Role) bool {
	switch permission {
	case "anonymous", "authenticated":
		return true
	case "member":
		return len(roles) > 0
	}
	return slices.ContainsFunc(roles, func(role Role) bool {
		return role.Permissions.flags()[slices.Index(permissionNames[:], permission)]
	})
}

func TestPermissionNamesFollowTheFields(t *testing.T) {
	t.Parallel()
	for i, name := range permissionNames {
		var permissions Permissions
		field := reflect.ValueOf(&permissions).Elem().FieldByNameFunc(func(candidate string) bool {
			return strings.EqualFold(candidate, strings.ReplaceAll(name, "_", ""))
		})
		field.SetBool(true)
		for j, flag := range permissions.flags() {
			if flag != (i == j) {
				t.Errorf("%s sets flag %d to %t", name, j, flag)
			}
		}
	}
}

func TestDecisionsDoNotShareTheCachesMemory(t *testing.T) {
	t.Parallel()
	snapshot := load(t, policy.FS)
	who := subject(Role{ID: id(1), Permissions: everything})
	for range 3 {
		decision, err := snapshot.Decide(t.Context(), who, "scans.create")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(decision.GrantedBy, []uuid.UUID{id(1)}) {
			t.Fatalf("granted by %v", decision.GrantedBy)
		}
		decision.GrantedBy[0] = id(9)
	}
}

// A policy that looks at the order of roles must not make the answer depend on who asked first, nor may asking
// reorder the caller's own roles.
func TestOrderOfRolesHasNoMeaning(t *testing.T) {
	t.Parallel()
	a := Role{ID: id(1), ProviderGroups: []uuid.UUID{id(5), id(4)}}
	b := Role{ID: id(2), Permissions: everything}
	one, other := subject(a, b), subject(b, Role{ID: id(1), ProviderGroups: []uuid.UUID{id(4), id(5)}})
	if one.canonical().key(attributes{}) != other.canonical().key(attributes{}) {
		t.Error("the same content has two keys")
	}
	if one.canonical().input("x", attributes{}).Compare(other.canonical().input("x", attributes{})) != 0 {
		t.Error("the same content has two inputs")
	}
	if one.Roles[0].ProviderGroups[0] != id(5) || other.Roles[0].ID != id(2) {
		t.Error("the caller's subject was changed")
	}
}

func TestEverythingThatPolicySeesIsInTheKey(t *testing.T) {
	t.Parallel()
	base := Role{ID: id(1), Name: "a", ProviderGroups: []uuid.UUID{id(7)}}
	subjects := []Subject{{}, {Roles: []Role{base}}, subject(), subject(base), subject(base, base)}
	for _, change := range []func(*Role){
		func(r *Role) { r.ID = id(2) },
		func(r *Role) { r.Name = "b" },
		func(r *Role) { r.Name = "a\x01" + string(r.ProviderGroups[0][:]); r.ProviderGroups = nil },
		func(r *Role) { r.UnlimitedVisibility = true },
		func(r *Role) { r.ProviderGroups = nil },
		func(r *Role) { r.ProviderGroups = []uuid.UUID{id(8)} },
		func(r *Role) { r.ProviderGroups = []uuid.UUID{id(7), id(8)} },
		func(r *Role) { r.Permissions.ManageUsers = true },
		func(r *Role) { r.Permissions.ManageAccount = true },
		func(r *Role) { r.Permissions.ManageBilling = true },
		func(r *Role) { r.Permissions.ManageProviders = true },
		func(r *Role) { r.Permissions.ManageIntegrations = true },
		func(r *Role) { r.Permissions.ManageScans = true },
	} {
		role := base
		change(&role)
		subjects = append(subjects, subject(role))
	}
	seen := map[subjectKey]int{}
	for i, one := range subjects {
		key := one.canonical().key(attributes{})
		if j, ok := seen[key]; ok {
			t.Errorf("subjects %d and %d have the same key", i, j)
		}
		seen[key] = i
	}
}

// The answers that a policy editor can get wrong must not let anybody in.
func TestNonsenseDecisionsDeny(t *testing.T) {
	t.Parallel()
	const sound = `"allowed": true, "reason": "allowed", "rule": "r", "sentence": "s"`
	tests := map[string]string{
		"allowed without an entry":  `decision := {` + sound + `, "granted_by": []}`,
		"reason contradicts":        `decision := {"allowed": true, "reason": "denied", "rule": "r", "sentence": "s", "granted_by": []}`,
		"no rule":                   `decision := {"allowed": true, "reason": "allowed", "rule": "", "sentence": "s", "granted_by": []}`,
		"member missing":            `decision := {"allowed": true}`,
		"member too many":           `decision := {` + sound + `, "granted_by": [], "extra": 1}`,
		"granted by somebody else":  `decision := {` + sound + `, "granted_by": ["00000000-0000-0000-0000-0000000000aa"]}`,
		"not an object":             `decision := true`,
		"undefined":                 `decision := {"allowed": true} if input.operation == "else"`,
		"two values":                "decision := {\"a\": 1} if input.operation\n\ndecision := {\"a\": 2} if input.subject",
		"a built-in that fails":     `decision := {"allowed": to_number(input.operation) == 1}`,
		"unknown reason of refusal": `decision := {"allowed": false, "reason": "why not", "rule": "r", "sentence": "s", "granted_by": []}`,
	}
	for name, rules := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			snapshot := load(t, with(shipped(t), "rbac/rbac.rego", "package palisade.rbac\n\n"+rules+"\n"))
			operation := Operation("providers.create")
			if name == "allowed without an entry" {
				operation = "providers.steal"
			}
			decision, err := snapshot.Decide(t.Context(), subject(Role{ID: id(1), Permissions: everything}), operation)
			if err == nil || decision.Allowed || decision.Reason != ReasonDenied {
				t.Errorf("got %+v, error %v", decision, err)
			}
		})
	}
}

func TestRestriction(t *testing.T) {
	t.Parallel()
	snapshot := load(t, with(shipped(t), "rbac/restrictions.rego", `package palisade.rbac.restrictions

deny contains {"rule": "two-keys", "sentence": "Deleting a provider takes two permissions."} if {
	input.operation == "providers.delete"
	not has("manage_account")
}

has(permission) if {
	some role in input.subject.roles
	role.permissions[permission]
}
`))
	providers := Role{ID: id(1), Permissions: Permissions{ManageProviders: true}}
	account := Role{ID: id(2), Permissions: Permissions{ManageAccount: true}}
	for _, test := range []struct {
		who       Subject
		operation Operation
		rule      string
		allowed   bool
	}{
		{subject(providers), "providers.delete", "two-keys", false},
		{subject(account), "providers.delete", "provider-changes", false},
		{subject(providers, account), "providers.delete", "provider-changes", true},
		{subject(providers), "providers.update", "provider-changes", true},
	} {
		decision, err := snapshot.Decide(t.Context(), test.who, test.operation)
		if err != nil || decision.Allowed != test.allowed || decision.Rule != test.rule {
			t.Errorf("%s: %+v, %v", test.operation, decision, err)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	snapshot := load(t, policy.FS)
	who := subject(
		Role{ID: id(1), Name: "operators", Permissions: Permissions{ManageScans: true}},
		Role{ID: id(2), Name: "readers", ProviderGroups: []uuid.UUID{id(7)}},
	)
	explanation, err := snapshot.Explain(t.Context(), who, "scans.create")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`scans.create is allowed (allowed)
  request:   POST /api/v1/scans
  rule:      scans: Running, scheduling and renaming scans belongs to those who manage scans.
  needs:     a role with manage_scans
  given by:  "operators" (%s)
  not by:    "readers" (%s)
  tenant_id: %s
  sees:      providers where provider group is one of "%s"
    shown by role-groups: providers where provider group is one of "%s" (Other roles see the providers of their provider groups; the groups of all roles add up.)
  policy:    %s
`, id(1), id(2), id(200), id(7), id(7), snapshot.Revision())
	if got := explanation.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	unknown, err := snapshot.Explain(t.Context(), subject(), "scans.steal")
	if err != nil {
		t.Fatal(err)
	}
	if unknown.Known || unknown.Decision.Allowed || !strings.Contains(unknown.String(), "none in this tenant") {
		t.Errorf("got\n%s", unknown)
	}
}

func TestCacheKeepsWhatWasUsedLast(t *testing.T) {
	t.Parallel()
	entries := newCache[int, string](2)
	entries.put(1, "one")
	entries.put(2, "two")
	entries.get(1)
	entries.put(3, "three")
	if _, ok := entries.get(2); ok {
		t.Error("2 was used the longest time ago and is still there")
	}
	for key, want := range map[int]string{1: "one", 3: "three"} {
		if got, ok := entries.get(key); !ok || got != want {
			t.Errorf("%d: %q, %t", key, got, ok)
		}
	}
	entries.put(3, "drei")
	if got, _ := entries.get(3); got != "drei" || len(entries.entries) != 2 || entries.order.Len() != 2 {
		t.Errorf("%q, %d entries", got, len(entries.entries))
	}
}

func BenchmarkDecide(b *testing.B) {
	snapshot := load(b, policy.FS)
	who := subject(
		Role{ID: id(1), Name: "operators", Permissions: Permissions{ManageScans: true}},
		Role{ID: id(2), Name: "readers", ProviderGroups: []uuid.UUID{id(7), id(8), id(9)}},
	)
	b.Run("cached", func(b *testing.B) {
		for b.Loop() {
			if _, err := snapshot.Decide(b.Context(), who, "scans.create"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("uncached", func(b *testing.B) {
		for b.Loop() {
			if _, err := snapshot.evaluate(b.Context(), who.canonical(), "scans.create"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVisible(b *testing.B) {
	snapshot := load(b, policy.FS)
	who := subject(Role{ID: id(2), ProviderGroups: []uuid.UUID{id(7), id(8), id(9)}})
	b.Run("cached", func(b *testing.B) {
		for b.Loop() {
			if _, err := snapshot.Visible(b.Context(), who); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("uncached", func(b *testing.B) {
		for b.Loop() {
			if _, err := snapshot.evaluateVisibility(b.Context(), who.canonical()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
