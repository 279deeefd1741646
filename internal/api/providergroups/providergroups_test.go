package providergroups_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/jsonapi"
)

const nobody = "00000000-0000-4000-8000-000000000000"

func provider(t *testing.T, client *apitest.Client, uid string) string {
	t.Helper()
	return client.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": uid}, nil).Want(t, 201).String("/data/id")
}

func group(t *testing.T, client *apitest.Client, name string, providers ...string) string {
	t.Helper()
	return client.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": name},
		map[string]any{"providers": apitest.Many("providers", providers...)}).Want(t, 201).String("/data/id")
}

func TestProviderGroupLifecycle(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	aws := provider(t, ada, "123456789012")
	id := group(t, ada, "production", aws)
	one := ada.Get(t, "/provider-groups/"+id).Want(t, 200)
	if one.String("/data/relationships/providers/data/0/id") != aws || one.String("/data/links/self") != server.URL+"/provider-groups/"+id {
		t.Errorf("created %s", one.Raw)
	}
	role := ada.Role(t, "reader", nil)
	changed := ada.Patch(t, "/provider-groups/"+id, "provider-groups", id, map[string]any{"name": "staging"},
		map[string]any{"providers": apitest.Many("providers"), "roles": apitest.Many("roles", role)}).Want(t, 200)
	if changed.String("/data/attributes/name") != "staging" || changed.Len("/data/relationships/providers/data") != 0 ||
		changed.String("/data/relationships/roles/data/0/id") != role {
		t.Errorf("changed %s", changed.Raw)
	}
	if list := ada.Get(t, "/provider-groups?filter[name.in]=staging,other").Want(t, 200); list.Len("/data") != 1 {
		t.Errorf("list %s", list.Raw)
	}
	ada.Delete(t, "/provider-groups/"+id).Want(t, 204)
	ada.Get(t, "/provider-groups/"+id).Want(t, 404)
	if left := ada.Get(t, "/roles/"+role).Want(t, 200); left.Len("/data/relationships/provider_groups/data") != 0 {
		t.Errorf("role keeps %s", left.Raw)
	}
}

func TestProviderGroupRefusalsChangeNothing(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	aws, theirs := provider(t, ada, "123456789012"), provider(t, bob, "123456789012")
	theirRole := bob.Role(t, "reader", nil)
	id := group(t, ada, "production", aws)
	group(t, ada, "other")
	for name, one := range map[string]struct {
		attributes, relationships map[string]any
		pointer                   string
	}{
		"taken name":        {map[string]any{"name": "other"}, nil, "/data/attributes/name"},
		"foreign provider":  {map[string]any{"name": "x"}, map[string]any{"providers": apitest.Many("providers", theirs)}, "/data/relationships/providers"},
		"unknown provider":  {map[string]any{"name": "x"}, map[string]any{"providers": apitest.Many("providers", nobody)}, "/data/relationships/providers"},
		"foreign role":      {map[string]any{"name": "x"}, map[string]any{"roles": apitest.Many("roles", theirRole)}, "/data/relationships/roles"},
		"unknown attribute": {map[string]any{"name": "x", "colour": "red"}, nil, "/data"},
		"blank name":        {map[string]any{"name": ""}, map[string]any{"providers": apitest.Many("providers")}, "/data/attributes/name"},
	} {
		answer := ada.Patch(t, "/provider-groups/"+id, "provider-groups", id, one.attributes, one.relationships)
		if answer.Status != 400 || answer.String("/errors/0/source/pointer") != one.pointer {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
	}
	linkage := "/provider-groups/" + id + "/relationships/providers"
	for _, ids := range [][]string{{theirs}, {nobody}, {aws, theirs}} {
		ada.Do(t, http.MethodPost, linkage, jsonapi.MediaType, apitest.Linkage("providers", ids...)).Want(t, 400)
		ada.Do(t, http.MethodPatch, linkage, jsonapi.MediaType, apitest.Linkage("providers", ids...)).Want(t, 400)
	}
	after := ada.Get(t, "/provider-groups/"+id).Want(t, 200)
	if after.String("/data/attributes/name") != "production" || after.Len("/data/relationships/providers/data") != 1 {
		t.Errorf("a refused change left %s", after.Raw)
	}
	bob.Get(t, "/provider-groups/"+id).Want(t, 404)
	bob.Patch(t, "/provider-groups/"+id, "provider-groups", id, map[string]any{"name": "x"}, nil).Want(t, 404)
	bob.Delete(t, "/provider-groups/"+id).Want(t, 404)
	bob.Do(t, http.MethodDelete, linkage, "", nil).Want(t, 404)
}

func TestLimitedPeopleSeeTheGroupsOfTheirRolesAlone(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	seen, hidden := provider(t, ada, "111111111111"), provider(t, ada, "222222222222")
	mixed, secret := group(t, ada, "mixed", seen, hidden), group(t, ada, "secret", hidden)
	small := group(t, ada, "small", seen)
	eve := ada.Member(t, "Eve", ada.Role(t, "limited", nil, small), ada.Role(t, "more", map[string]any{"manage_scans": true}))
	list := eve.Get(t, "/provider-groups").Want(t, 200)
	if list.Len("/data") != 1 || list.String("/data/0/id") != small {
		t.Errorf("eve sees %s", list.Raw)
	}
	eve.Get(t, "/provider-groups/"+secret).Want(t, 404)
	eve.Get(t, "/provider-groups/"+mixed).Want(t, 404)
	eve.Patch(t, "/provider-groups/"+small, "provider-groups", small, map[string]any{"name": "x"}, nil).Want(t, 403)
	blind := ada.Member(t, "Blind", ada.Role(t, "blind", nil))
	if none := blind.Get(t, "/provider-groups").Want(t, 200); none.Len("/data") != 0 {
		t.Errorf("who has no group sees %s", none.Raw)
	}
	ada.Member(t, "Roleless").Get(t, "/provider-groups").Want(t, 403)
}

// A manager with limited visibility reaches no provider that they do not see.
func TestHiddenProvidersDoNotExistForALimitedManager(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	seen, hidden := provider(t, ada, "111111111111"), provider(t, ada, "222222222222")
	small, secret := group(t, ada, "small", seen), group(t, ada, "secret", hidden)
	role := ada.Role(t, "manager", map[string]any{"manage_providers": true}, small)
	ada.Patch(t, "/roles/"+role, "roles", role, map[string]any{"unlimited_visibility": false}, nil).Want(t, 200)
	eve := ada.Member(t, "Eve", role)
	linkage := "/relationships/providers"
	eve.Do(t, http.MethodDelete, "/provider-groups/"+secret+linkage, "", nil).Want(t, 404)
	eve.Delete(t, "/provider-groups/"+secret).Want(t, 404)
	eve.Do(t, http.MethodPost, "/provider-groups/"+small+linkage, jsonapi.MediaType, apitest.Linkage("providers", hidden)).Want(t, 400)
	eve.Do(t, http.MethodPatch, "/provider-groups/"+small+linkage, jsonapi.MediaType, apitest.Linkage("providers", seen, hidden)).Want(t, 400)
	refused := eve.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "mine"}, map[string]any{"providers": apitest.Many("providers", hidden)}).Want(t, 400)
	if refused.String("/errors/0/code") != "does_not_exist" {
		t.Errorf("refused with %s", refused.Raw)
	}
	if left := ada.Get(t, "/provider-groups/"+secret).Want(t, 200); left.Len("/data/relationships/providers/data") != 1 {
		t.Errorf("left %s", left.Raw)
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	aws := provider(t, ada, "123456789012")
	plain := group(t, ada, "plain", aws)
	tags := func(answer *apitest.Answer) []any {
		t.Helper()
		list, _ := answer.At("/data/attributes/tags").([]any)
		return list
	}
	if one := ada.Get(t, "/provider-groups/"+plain).Want(t, 200); one.At("/data/attributes/tags") != nil {
		t.Errorf("a group without tags shows them: %s", one.Raw)
	}
	if one := ada.Get(t, "/provider-groups/"+plain+"?fields[provider-groups]=name,tags").Want(t, 200); one.Len("/data/attributes/tags") != 0 {
		t.Errorf("tags were asked for: %s", one.Raw)
	}
	made := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "live", "tags": []any{" team:red ", "critical", "critical", 7, "ünï"}}, nil).Want(t, 201)
	id := made.String("/data/id")
	want := []any{"7", "critical", "team:red", "ünï"}
	if got := tags(made); !slices.Equal(got, want) {
		t.Errorf("made with %v", got)
	}
	if got := tags(ada.Get(t, "/provider-groups/"+id).Want(t, 200)); !slices.Equal(got, want) {
		t.Errorf("kept %v", got)
	}
	for query, count := range map[string]int{"filter[tags]=critical": 1, "filter[tags.in]=team:red,critical": 1, "filter[tags]=crit": 0, "filter[name]=plain": 1} {
		if list := ada.Get(t, "/provider-groups?"+query).Want(t, 200); list.Len("/data") != count {
			t.Errorf("%s: %s", query, list.Raw)
		}
	}
	// A change of something else leaves the tags; an empty list takes them away.
	before := ada.Patch(t, "/provider-groups/"+id, "provider-groups", id, map[string]any{"name": "alive"}, nil).Want(t, 200)
	if got := tags(before); !slices.Equal(got, want) {
		t.Errorf("renamed: %v", got)
	}
	after := ada.Patch(t, "/provider-groups/"+id, "provider-groups", id, map[string]any{"tags": []any{"other"}}, nil).Want(t, 200)
	if got := tags(after); !slices.Equal(got, []any{"other"}) || after.String("/data/attributes/updated_at") == before.String("/data/attributes/updated_at") {
		t.Errorf("changed: %s", after.Raw)
	}
	for name, one := range map[string]struct {
		tags    any
		pointer string
	}{
		"a text":       {"critical", "/data/attributes/tags"},
		"an object":    {map[string]any{"a": "b"}, "/data/attributes/tags"},
		"null":         {nil, "/data/attributes/tags"},
		"an empty one": {[]any{"a", ""}, "/data/attributes/tags/1"},
		"white space":  {[]any{" "}, "/data/attributes/tags/0"},
		"too long":     {[]any{strings.Repeat("ä", 101)}, "/data/attributes/tags/0"},
		"a null in it": {[]any{nil}, "/data/attributes/tags/0"},
		"nested":       {[]any{[]any{"a"}}, "/data/attributes/tags/0"},
		"a NUL":        {[]any{"a\x00b"}, "/data/attributes/tags/0"},
		"too many":     {slices.Repeat([]any{"a"}, 51), "/data/attributes/tags"},
	} {
		answer := ada.Patch(t, "/provider-groups/"+id, "provider-groups", id, map[string]any{"name": "changed", "tags": one.tags}, nil)
		if answer.Status != 400 || answer.String("/errors/0/source/pointer") != one.pointer {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
		ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "not made", "tags": one.tags}, nil).Want(t, 400)
	}
	if kept := ada.Get(t, "/provider-groups/"+id).Want(t, 200); !slices.Equal(tags(kept), []any{"other"}) || kept.String("/data/attributes/name") != "alive" {
		t.Errorf("a refused change left %s", kept.Raw)
	}
	many := make([]any, 50)
	for i := range many {
		many[i] = strings.Repeat("x", 99) + string(rune('A'+i))
	}
	if full := ada.Patch(t, "/provider-groups/"+id, "provider-groups", id, map[string]any{"tags": many}, nil).Want(t, 200); len(tags(full)) != 50 {
		t.Errorf("full: %s", full.Raw)
	}
	if none := ada.Patch(t, "/provider-groups/"+id, "provider-groups", id, map[string]any{"tags": []any{}}, nil).Want(t, 200); none.At("/data/attributes/tags") != nil {
		t.Errorf("emptied: %s", none.Raw)
	}
	// Another tenant neither sees nor changes them, and a role without manage_providers only sees.
	ada.Patch(t, "/provider-groups/"+id, "provider-groups", id, map[string]any{"tags": []any{"mine"}}, nil).Want(t, 200)
	bob.Patch(t, "/provider-groups/"+id, "provider-groups", id, map[string]any{"tags": []any{"theirs"}}, nil).Want(t, 404)
	if list := bob.Get(t, "/provider-groups?filter[tags]=mine").Want(t, 200); list.Len("/data") != 0 {
		t.Errorf("bob finds %s", list.Raw)
	}
	eve := ada.Member(t, "Eve", ada.Role(t, "limited", nil, id))
	if got := tags(eve.Get(t, "/provider-groups/"+id).Want(t, 200)); !slices.Equal(got, []any{"mine"}) {
		t.Errorf("eve sees %v", got)
	}
	eve.Patch(t, "/provider-groups/"+id, "provider-groups", id, map[string]any{"tags": []any{}}, nil).Want(t, 403)
	ada.Delete(t, "/provider-groups/"+id).Want(t, 204)
}

// TestPolicyBySightOfGroups runs rules of an operator over real groups: what is tagged is shown, what is excluded is hidden from
// everybody, and whoever else is unlimited stays so in what is about no provider.
func TestPolicyBySightOfGroups(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"show.rego": "package palisade.visibility.grants\n\n# METADATA\n# description: What is public.\n" +
			"include[\"public\"] if {\n\tinput.subject.authenticated\n\tinput.provider_group_tags.tag == \"public\"\n}\n",
		"hide.rego": "package palisade.visibility.restrictions\n\n# METADATA\n# description: Nobody sees the vault.\n" +
			"exclude[\"vault\"] if startswith(input.provider_groups.name, \"vault\")\n",
		"sight_test.rego": "package sight_test\n\nimport data.palisade.visibility.grants\nimport data.palisade.visibility.restrictions\n\n" +
			"test_public if {\n\tgrants.include.public with input as {\"subject\": {\"authenticated\": true}, \"provider_group_tags\": {\"tag\": \"public\"}}\n}\n\n" +
			"test_vault if {\n\trestrictions.exclude.vault with input as {\"provider_groups\": {\"name\": \"vault 7\"}}\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := apitest.StartWith(t, apitest.Setup{Settings: app.Settings{PolicyDir: dir}})
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	open, hidden, other := provider(t, ada, "111111111111"), provider(t, ada, "222222222222"), provider(t, ada, "333333333333")
	theirs := provider(t, bob, "444444444444")
	public := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "public", "tags": []string{"public"}},
		map[string]any{"providers": apitest.Many("providers", open, hidden)}).Want(t, 201).String("/data/id")
	eve := ada.Member(t, "Eve", ada.Role(t, "nothing", nil))
	seen := func(client *apitest.Client) []string {
		t.Helper()
		list := client.Get(t, "/providers?sort=uid").Want(t, 200)
		ids := []string{}
		for i := range list.Len("/data") {
			ids = append(ids, list.String("/data/"+strconv.Itoa(i)+"/id"))
		}
		return ids
	}
	if got := seen(eve); !slices.Equal(got, []string{open, hidden}) {
		t.Errorf("eve sees %v", got)
	}
	vault := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "vault 7"},
		map[string]any{"providers": apitest.Many("providers", hidden)}).Want(t, 201).String("/data/id")
	if got := seen(eve); !slices.Equal(got, []string{open}) {
		t.Errorf("eve sees %v", got)
	}
	if got := seen(ada); !slices.Equal(got, []string{open, other}) {
		t.Errorf("ada sees %v", got)
	}
	if got := seen(bob); !slices.Equal(got, []string{theirs}) {
		t.Errorf("bob sees %v", got)
	}
	eve.Get(t, "/providers/"+hidden).Want(t, 404)
	ada.Get(t, "/providers/"+hidden).Want(t, 404)
	// The groups are all there for who is unlimited, but not what is hidden in them.
	if list := ada.Get(t, "/provider-groups?sort=name").Want(t, 200); list.Len("/data") != 2 || list.Len("/data/0/relationships/providers/data") != 1 ||
		list.Len("/data/1/relationships/providers/data") != 0 {
		t.Errorf("ada sees %s", list.Raw)
	}
	if list := eve.Get(t, "/provider-groups").Want(t, 200); list.Len("/data") != 0 {
		t.Errorf("eve sees %s", list.Raw)
	}
	ada.Patch(t, "/provider-groups/"+vault, "provider-groups", vault, map[string]any{"name": "cellar"}, nil).Want(t, 200)
	if got := seen(ada); !slices.Equal(got, []string{open, hidden, other}) {
		t.Errorf("ada sees %v", got)
	}
	ada.Patch(t, "/provider-groups/"+public, "provider-groups", public, map[string]any{"tags": []string{"private"}}, nil).Want(t, 200)
	if got := seen(eve); len(got) != 0 {
		t.Errorf("eve sees %v", got)
	}
}
