package population_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/population"
)

const harbour = `
tenants:
  - name: Harbour
    providers:
      - {provider: aws, uid: "111111111111", alias: production}
      - {provider: gcp, uid: project-1, id: 00000000-0000-4000-8000-000000000001}
    groups:
      - {name: live, tags: [critical], providers: ["111111111111"]}
    roles:
      - {name: operators, permissions: [manage_scans, manage_providers], provider_groups: [live]}
      - {name: owners, unlimited_visibility: true}
    people:
      - {email: ana@example.com, roles: [operators, owners]}
      - {email: ben@example.com}
`

func TestFixture(t *testing.T) {
	t.Parallel()
	tenants, err := population.Parse([]byte(harbour))
	if err != nil {
		t.Fatal(err)
	}
	again, err := population.Parse([]byte(harbour))
	if err != nil || tenants[0].ID != again[0].ID || tenants[0].Roles[0].ID != again[0].Roles[0].ID {
		t.Errorf("the ids are others at the second reading: %v", err)
	}
	one := tenants[0]
	role := one.Roles[0]
	if !role.Permissions.ManageScans || !role.Permissions.ManageProviders || role.Permissions.ManageUsers || len(role.ProviderGroups) != 1 {
		t.Errorf("role %+v", role)
	}
	first := one.Providers[0]
	if len(first.Groups) != 1 || first.Groups[0].ID != role.ProviderGroups[0] || first.Groups[0].Tags[0] != "critical" || *first.Alias != "production" {
		t.Errorf("provider %+v", first)
	}
	if second := one.Providers[1]; second.ID != uuid.MustParse("00000000-0000-4000-8000-000000000001") || second.Alias != nil || second.Groups != nil {
		t.Errorf("provider %+v", second)
	}
	if len(one.People) != 2 || len(one.People[0].Roles) != 2 || len(one.People[1].Roles) != 0 || one.People[0].ID == one.People[1].ID {
		t.Errorf("people %+v", one.People)
	}
	if _, err := population.Parse([]byte(`{"tenants": [{"name": "A", "roles": [{"name": "r"}]}]}`)); err != nil {
		t.Errorf("JSON: %v", err)
	}
}

func TestFixturesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for change, says := range map[string]string{
		"tenants: []":                        "no tenants",
		"":                                   "no tenants",
		"- x":                                "cannot unmarshal",
		"tenants: [":                         "read fixture",
		"tenants: [{nam: x}]":                "nam",
		"tenants: [{name: ''}]":              "name of its own",
		"tenants: [{name: a}, {name: a}]":    "name of its own",
		"tenants: [{name: a, id: x}]":        "UUID",
		"tenants: [{name: a, roles: [{}]}]":  "a role needs a name",
		"tenants: [{name: a, groups: [{}]}]": "a group needs a name",
		"tenants: [{name: a, people: [{}]}]": "needs an email",
		"tenants: [{name: a, providers: [{uid: x}]}]":                        "needs provider and uid",
		"tenants: [{name: a, groups: [{name: g, providers: [x]}]}]":          `no provider with uid "x"`,
		"tenants: [{name: a, roles: [{name: r, permissions: [manage]}]}]":    `no permission "manage"`,
		"tenants: [{name: a, roles: [{name: r, provider_groups: [g]}]}]":     `no group "g"`,
		"tenants: [{name: a, roles: [{name: r}, {name: r}]}]":                "a role needs a name of its own",
		"tenants: [{name: a, people: [{email: a@example.com, roles: [r]}]}]": `no role "r"`,
	} {
		if _, err := population.Parse([]byte(change)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", change, err)
		}
	}
}

// TestReadFindsEverybody reads two organisations of a running server.
func TestReadFindsEverybody(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	aws := ada.Connect(t, "111111111111", "production")
	bob.Connect(t, "222222222222", "theirs")
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "live", "tags": []string{"b", "a"}},
		map[string]any{"providers": apitest.Many("providers", aws)}).Want(t, 201).String("/data/id")
	role := ada.Role(t, "readers", map[string]any{"manage_scans": true}, group)
	eve := ada.Member(t, "Eve", role)
	ada.Member(t, "Rob")
	tenants, err := population.Read(t.Context(), server.App.System, server.App.Tenants)
	if err != nil {
		t.Fatal(err)
	}
	if len(tenants) != 2 {
		t.Fatalf("%d organisations", len(tenants))
	}
	i := slices.IndexFunc(tenants, func(one population.Tenant) bool { return one.ID.String() == ada.Tenant })
	one := tenants[i]
	if len(one.People) != 3 || len(one.Roles) != 2 || len(one.Providers) != 1 || len(tenants[1-i].People) != 1 || len(tenants[1-i].Providers) != 1 {
		t.Fatalf("%+v", tenants)
	}
	provider := one.Providers[0]
	if provider.ID.String() != aws || *provider.Alias != "production" || provider.Groups[0].Name != "live" || !slices.Equal(provider.Groups[0].Tags, []string{"a", "b"}) {
		t.Errorf("provider %+v", provider)
	}
	person := one.People[slices.IndexFunc(one.People, func(person population.Person) bool { return person.Email == eve.Email })]
	want := authz.Permissions{ManageScans: true}
	if person.ID.String() != eve.User || len(person.Roles) != 1 || person.Roles[0].Permissions != want || person.Roles[0].ProviderGroups[0].String() != group {
		t.Errorf("person %+v", person)
	}
	rob := one.People[slices.IndexFunc(one.People, func(person population.Person) bool { return person.Email == "rob@example.com" })]
	if len(rob.Roles) != 0 {
		t.Errorf("rob %+v", rob)
	}
}
