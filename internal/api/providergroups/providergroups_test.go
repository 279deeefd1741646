package providergroups_test

import (
	"net/http"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
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
