package policydiff_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/policydiff"
	"github.com/palisade-sec/palisade/internal/population"
	"github.com/palisade-sec/palisade/policy"
)

const twoKeys = `package palisade.rbac.restrictions

deny contains {"rule": "two-keys", "sentence": "Deleting a provider also needs manage_account."} if {
	input.operation == "providers.delete"
	not has("manage_account")
}

has(permission) if {
	some role in input.subject.roles
	role.permissions[permission] == true
}
`

const blackout = `package palisade.visibility.restrictions

# METADATA
# description: Blacked out.
exclude["blackout"] if startswith(input.providers.alias, "blackout")
`

const critical = `package palisade.visibility.grants

# METADATA
# description: Everybody signed in sees what is critical.
include["critical"] if {
	input.subject.authenticated
	input.provider_group_tags.tag == "critical"
}
`

const byAddress = `package palisade.rbac.restrictions

deny contains {"rule": "inside", "sentence": "For people of the house."} if {
	input.subject.authenticated
	input.operation == "scans.create"
	not endswith(input.subject.email, "@example.com")
}

deny contains {"rule": "keys", "sentence": "Not with a key."} if {
	input.subject.credential == "api_key"
	input.operation == "scans.update"
}
`

const closed = `package palisade.rbac.restrictions

deny contains {"rule": "closed", "sentence": "Nobody signs up here."} if input.operation == "users.create"
`

const harbour = `
tenants:
  - name: Harbour
    providers:
      - {provider: aws, uid: "1", alias: production}
      - {provider: aws, uid: "2", alias: blackout-x}
      - {provider: gcp, uid: "3"}
    groups:
      - {name: live, tags: [critical], providers: ["1", "3"]}
      - {name: dark, providers: ["2"]}
    roles:
      - {name: operators, permissions: [manage_providers, manage_scans], provider_groups: [dark]}
      - {name: accountants, permissions: [manage_account]}
      - {name: owners, permissions: [manage_providers, manage_account, manage_scans], unlimited_visibility: true}
      - {name: spare, permissions: [manage_providers]}
    people:
      - {email: a@example.com, roles: [operators]}
      - {email: b@example.com, roles: [operators]}
      - {email: c@other.example, roles: [operators]}
      - {email: d@example.com, roles: [operators, accountants]}
      - {email: e@example.com, roles: [owners]}
      - {email: f@example.com}
  - name: Quay
    roles:
      - {name: operators, permissions: [manage_scans]}
    people:
      - {email: a@example.com, roles: [operators]}
`

func load(t testing.TB, layer map[string]string) *authz.Snapshot {
	t.Helper()
	folders := authz.Folders{Base: policy.FS}
	if layer != nil {
		files := fstest.MapFS{}
		for name, content := range layer {
			files[name] = &fstest.MapFile{Data: []byte(content)}
		}
		folders.Layer = files
	}
	snapshot, err := authz.Load(t.Context(), folders)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func compare(t testing.TB, layer map[string]string, fixture string) policydiff.Report {
	t.Helper()
	tenants, err := population.Parse([]byte(fixture))
	if err != nil {
		t.Fatal(err)
	}
	report, err := policydiff.Compare(t.Context(), load(t, nil), load(t, layer), tenants)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func text(t testing.TB, report policydiff.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(out.String(), "\n")
	return rest
}

func TestWhoGainsAndLoses(t *testing.T) {
	t.Parallel()
	ids := map[string]uuid.UUID{}
	tenants, err := population.Parse([]byte(harbour))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range tenants {
		ids[one.Name] = one.ID
	}
	head := fmt.Sprintf("\nOrganisation Harbour (%s)\n", ids["Harbour"])
	for name, row := range map[string]struct {
		layer map[string]string
		want  string
	}{
		"nothing": {nil, "\nNobody gains or loses anything.\n"},
		"a restriction": {map[string]string{"x.rego": twoKeys}, head +
			"  members of role \"operators\" (3 people: a@example.com, b@example.com, c@other.example)\n" +
			"    lose providers.delete: rule two-keys: Deleting a provider also needs manage_account.\n" +
			"  members of role \"spare\" (nobody yet)\n" +
			"    lose providers.delete: rule two-keys: Deleting a provider also needs manage_account.\n"},
		"an exclusion": {map[string]string{"x.rego": blackout}, head +
			"  members of roles \"accountants\" and \"operators\" (1 person: d@example.com)\n    no longer see 1 provider (aws 2 \"blackout-x\"): rule blackout\n" +
			"  members of role \"operators\" (3 people: a@example.com, b@example.com, c@other.example)\n    no longer see 1 provider (aws 2 \"blackout-x\"): rule blackout\n" +
			"  members of role \"owners\" (1 person: e@example.com)\n    no longer see 1 provider (aws 2 \"blackout-x\"): rule blackout\n"},
		"an address and a credential": {map[string]string{"x.rego": byAddress}, head +
			"  members of roles \"accountants\" and \"operators\" (1 person: d@example.com), with an API key\n    lose scans.update: rule keys: Not with a key.\n" +
			"  members of role \"operators\" (2 people: a@example.com, b@example.com), with an API key\n    lose scans.update: rule keys: Not with a key.\n" +
			"  members of role \"operators\" (1 person: c@other.example), signed in\n    lose scans.create: rule inside: For people of the house.\n" +
			"  members of role \"operators\" (1 person: c@other.example), with an API key\n    lose scans.create: rule inside: For people of the house.\n    lose scans.update: rule keys: Not with a key.\n" +
			"  members of role \"owners\" (1 person: e@example.com), with an API key\n    lose scans.update: rule keys: Not with a key.\n" +
			fmt.Sprintf("\nOrganisation Quay (%s)\n", ids["Quay"]) +
			"  members of role \"operators\" (1 person: a@example.com), with an API key\n    lose scans.update: rule keys: Not with a key.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := compare(t, row.layer, harbour)
			got := text(t, report)
			if name == "an address and a credential" {
				_, got, _ = strings.Cut(got, "Rules also look at: credential, email.\n")
			}
			if got != row.want {
				t.Errorf("got\n%s\nwant\n%s", got, row.want)
			}
			if report.Compared != (policydiff.Extent{Tenants: 2, People: 7, RoleSets: 5, Operations: report.Compared.Operations, Providers: 3}) || report.Compared.Operations < 150 {
				t.Errorf("compared %+v", report.Compared)
			}
			if report.Empty() != (name == "nothing") {
				t.Error("empty or not")
			}
		})
	}
}

func TestGains(t *testing.T) {
	t.Parallel()
	report := compare(t, map[string]string{"x.rego": critical}, harbour)
	var who []string
	for _, group := range report.Changes {
		if len(group.Hides)+len(group.Gains)+len(group.Loses) != 0 || len(group.Sees) != 1 || len(group.Sees[0].Providers) != 2 || !slices.Equal(group.Sees[0].Rules, []string{"critical"}) {
			t.Errorf("%+v", group)
		}
		who = append(who, fmt.Sprint(len(group.Roles), group.People))
	}
	// Owners see everything already; who has no role sees it too, and so would who held a role that nobody holds.
	want := []string{"0 [f@example.com]", "1 []", "2 [d@example.com]", "1 [a@example.com b@example.com c@other.example]", "1 []"}
	if !slices.Equal(who, want) {
		t.Errorf("changes for %v, want %v", who, want)
	}
	if report.Strangers != nil {
		t.Error("who is not signed in gains something")
	}
}

func TestStrangersAndOperations(t *testing.T) {
	t.Parallel()
	report := compare(t, map[string]string{"x.rego": closed}, harbour)
	if report.Strangers == nil || len(report.Strangers.Loses) != 1 || report.Strangers.Loses[0].Rule != "closed" {
		t.Fatalf("%+v", report.Strangers)
	}
	if got := text(t, report); !strings.Contains(got, "\nWhoever is not signed in\n    lose users.create: rule closed: Nobody signs up here.\n") {
		t.Errorf("got\n%s", got)
	}
	base, err := policy.FS.ReadFile("rbac/operations.json")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"rbac/operations.json": {Data: bytes.Replace(base, []byte(`"scans.cis":`), []byte(`"scans.new":`), 1)}}
	for _, name := range []string{"rbac/rules.json", "rbac/rbac.rego", "visibility/visibility.rego"} {
		content, err := policy.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: content}
	}
	other, err := authz.Load(t.Context(), authz.Folders{Base: files})
	if err != nil {
		t.Fatal(err)
	}
	tenants, err := population.Parse([]byte(harbour))
	if err != nil {
		t.Fatal(err)
	}
	report, err = policydiff.Compare(t.Context(), load(t, nil), other, tenants)
	if err != nil || !slices.Equal(report.Added, []string{"scans.new"}) || !slices.Equal(report.Removed, []string{"scans.cis"}) || report.Empty() || len(report.Changes) != 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestOtherFormats(t *testing.T) {
	t.Parallel()
	fixture := strings.ReplaceAll(strings.ReplaceAll(harbour, "name: Harbour", `name: "Har*bour <b>|x"`), "operators", "oper_ators")
	report := compare(t, map[string]string{"x.rego": twoKeys, "y.rego": blackout}, fixture)
	var page bytes.Buffer
	if err := report.WriteMarkdown(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## Access policy: what changes\n", `### Organisation Har\*bour &lt;b>\|x (`, `**members of role "oper\_ators" (3 people`,
		"* lose `providers.delete`: rule `two-keys`: Deleting a provider also needs manage\\_account.\n", "* no longer see 1 provider (aws 2 \"blackout-x\"): rule `blackout`\n"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("%q is missing:\n%s", want, &page)
		}
	}
	var document bytes.Buffer
	if err := report.WriteJSON(&document); err != nil {
		t.Fatal(err)
	}
	var back policydiff.Report
	decoder := json.NewDecoder(&document)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&back); err != nil || len(back.Changes) != len(report.Changes) || back.Changes[1].Loses[0].Rule != "two-keys" {
		t.Errorf("%v: %+v", err, back.Changes)
	}
}

// TestThousandsOfPeople compares with what deciding for each person by themselves says.
func TestThousandsOfPeople(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	var tenants []population.Tenant
	for i := range 3 {
		one := population.Tenant{ID: uuid.New(), Name: fmt.Sprintf("Organisation %d", i)}
		group := authz.ProviderGroup{ID: uuid.New(), Name: "g", Tags: []string{"critical"}}
		for j := range 4 {
			role := authz.Role{ID: uuid.New(), Name: fmt.Sprintf("role %d", j), Permissions: authz.Permissions{ManageProviders: j%2 == 0, ManageAccount: j == 3, ManageScans: j == 1}}
			if j == 2 {
				role.ProviderGroups = []uuid.UUID{group.ID}
			}
			one.Roles = append(one.Roles, role)
		}
		alias := "blackout"
		one.Providers = []authz.Provider{{ID: uuid.New(), Type: "aws", UID: "1", Groups: []authz.ProviderGroup{group}}, {ID: uuid.New(), Type: "aws", UID: "2", Alias: &alias, Groups: []authz.ProviderGroup{group}}}
		for j := range 1500 {
			person := population.Person{ID: uuid.New(), Email: fmt.Sprintf("p%d-%d@example.com", i, j)}
			for _, role := range one.Roles {
				if random.IntN(2) == 0 {
					person.Roles = append(person.Roles, role)
				}
			}
			random.Shuffle(len(person.Roles), func(a, b int) { person.Roles[a], person.Roles[b] = person.Roles[b], person.Roles[a] })
			one.People = append(one.People, person)
		}
		tenants = append(tenants, one)
	}
	active, proposed := load(t, nil), load(t, map[string]string{"x.rego": twoKeys, "y.rego": blackout, "z.rego": critical})
	report, err := policydiff.Compare(t.Context(), active, proposed, tenants)
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]policydiff.Group{}
	for _, group := range report.Changes {
		for _, email := range group.People {
			if _, twice := told[email]; twice {
				t.Fatalf("%s is told of twice", email)
			}
			told[email] = group
		}
	}
	for _, one := range tenants {
		for _, person := range one.People {
			who := authz.Subject{TenantID: one.ID, UserID: person.ID, Email: person.Email, Credential: authz.Token, Roles: person.Roles}
			group := told[person.Email]
			before, err := active.Decide(t.Context(), who, "providers.delete")
			if err != nil {
				t.Fatal(err)
			}
			after, err := proposed.Decide(t.Context(), who, "providers.delete")
			if err != nil {
				t.Fatal(err)
			}
			if (before.Allowed && !after.Allowed) != (len(group.Loses) == 1) || len(group.Gains) != 0 {
				t.Fatalf("%s: %+v", person.Email, group)
			}
			sees, hides := 0, 0
			was, err := active.Visible(t.Context(), who)
			if err != nil {
				t.Fatal(err)
			}
			is, err := proposed.Visible(t.Context(), who)
			if err != nil {
				t.Fatal(err)
			}
			for _, provider := range one.Providers {
				if is.Shows(provider) && !was.Shows(provider) {
					sees++
				}
				if was.Shows(provider) && !is.Shows(provider) {
					hides++
				}
			}
			if sees != total(group.Sees) || hides != total(group.Hides) {
				t.Fatalf("%s: %+v", person.Email, group)
			}
		}
	}
	if report.Compared.People != 4500 || report.Compared.RoleSets != 48 || len(report.Changes) > 60 {
		t.Errorf("%+v in %d changes", report.Compared, len(report.Changes))
	}
}

func total(list []policydiff.Providers) int {
	n := 0
	for _, one := range list {
		n += len(one.Providers)
	}
	return n
}
