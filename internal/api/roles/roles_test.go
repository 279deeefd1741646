package roles_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/jsonapi"
)

const nobody = "00000000-0000-4000-8000-000000000000"

func TestRoleLifecycle(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	created := ada.Post(t, "/roles", "roles", map[string]any{"name": "auditor", "manage_providers": true},
		map[string]any{"users": apitest.Many("users", ada.User)}).Want(t, 201)
	id := created.String("/data/id")
	if created.Header.Get("Location") != server.URL+"/roles/"+id || created.At("/data/attributes/unlimited_visibility") != true ||
		created.String("/data/attributes/permission_state") != "limited" || created.String("/data/relationships/users/data/0/id") != ada.User {
		t.Fatalf("created %s", created.Raw)
	}
	if list := ada.Get(t, "/roles?sort=-inserted_at").Want(t, 200); list.Len("/data") != 2 || list.String("/data/0/id") != id {
		t.Errorf("list %s", list.Raw)
	}
	if filtered := ada.Get(t, "/roles?filter[permission_state]=unlimited").Want(t, 200); filtered.Len("/data") != 1 || filtered.String("/data/0/attributes/name") != "admin" {
		t.Errorf("unlimited roles %s", filtered.Raw)
	}
	changed := ada.Patch(t, "/roles/"+id, "roles", id, map[string]any{"name": "reader", "unlimited_visibility": false}, nil).Want(t, 200)
	if changed.String("/data/attributes/name") != "reader" || changed.At("/data/attributes/unlimited_visibility") != false {
		t.Errorf("changed %s", changed.Raw)
	}
	ada.Delete(t, "/roles/"+id).Want(t, 204)
	ada.Get(t, "/roles/"+id).Want(t, 404)
}

func TestRoleRefusalsChangeNothing(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	role := ada.Role(t, "auditor", nil)
	foreign := bob.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "theirs"}, nil).Want(t, 201).String("/data/id")
	cases := []struct {
		name          string
		attributes    map[string]any
		relationships map[string]any
		status        int
		code, pointer string
	}{
		{"person of another tenant", nil, map[string]any{"users": apitest.Many("users", bob.User)}, 400, "does_not_exist", "/data/relationships/users"},
		{"unknown person", nil, map[string]any{"users": apitest.Many("users", nobody)}, 400, "does_not_exist", "/data/relationships/users"},
		{"group of another tenant", nil, map[string]any{"provider_groups": apitest.Many("provider-groups", foreign)}, 400, "does_not_exist", "/data/relationships/provider_groups"},
		{"wrong relation type", nil, map[string]any{"users": apitest.Many("people", ada.User)}, 409, "error", "/data"},
		{"taken name", map[string]any{"name": "admin"}, nil, 400, "invalid", "/data/attributes/name"},
		{"its own name", map[string]any{"name": "auditor"}, nil, 400, "invalid", "/data/attributes/name"},
		{"long name", map[string]any{"name": string(make([]byte, 300))}, nil, 400, "max_length", "/data/attributes/name"},
		{"null character", map[string]any{"name": "a\x00b"}, nil, 400, "null_characters_not_allowed", "/data/attributes/name"},
		{"no boolean", map[string]any{"manage_scans": "perhaps"}, nil, 400, "invalid", "/data/attributes/manage_scans"},
		{"billing", map[string]any{"manage_billing": true}, nil, 400, "invalid", "/data"},
	}
	for _, one := range cases {
		attributes := map[string]any{"manage_users": true}
		for key, value := range one.attributes {
			attributes[key] = value
		}
		answer := ada.Patch(t, "/roles/"+role, "roles", role, attributes, one.relationships)
		if answer.Status != one.status || answer.String("/errors/0/code") != one.code || answer.String("/errors/0/source/pointer") != one.pointer {
			t.Errorf("%s: %d %s", one.name, answer.Status, answer.Raw)
		}
	}
	after := ada.Get(t, "/roles/"+role).Want(t, 200)
	if after.At("/data/attributes/manage_users") != false || after.Len("/data/relationships/users/data") != 0 {
		t.Errorf("a refused change left %s", after.Raw)
	}
}

func TestRolesOfAnotherTenantDoNotExist(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	role := ada.Role(t, "auditor", nil)
	bob.Get(t, "/roles/"+role).Want(t, 404)
	bob.Patch(t, "/roles/"+role, "roles", role, map[string]any{"name": "x"}, nil).Want(t, 404)
	bob.Delete(t, "/roles/"+role).Want(t, 404)
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete} {
		bob.Do(t, method, "/roles/"+role+"/relationships/provider_groups", jsonapi.MediaType, apitest.Linkage("provider-groups")).Want(t, 404)
	}
	if list := bob.Get(t, "/roles").Want(t, 200); list.Len("/data") != 1 {
		t.Errorf("bob sees %s", list.Raw)
	}
	bob.Invite(t, "x@example.com", role).Want(t, 400)
}

func TestRolesNeedManageAccount(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	role := ada.Role(t, "everything else", map[string]any{"manage_users": true, "manage_providers": true, "manage_integrations": true, "manage_scans": true})
	eve := ada.Member(t, "Eve", role)
	eve.Get(t, "/roles").Want(t, 403)
	eve.Get(t, "/roles/"+role).Want(t, 403)
	eve.Post(t, "/roles", "roles", map[string]any{"name": "mine", "manage_account": true}, nil).Want(t, 403)
	eve.Patch(t, "/roles/"+role, "roles", role, map[string]any{"manage_account": true}, nil).Want(t, 403)
	eve.Delete(t, "/roles/"+role).Want(t, 403)
	eve.Do(t, http.MethodPost, "/users/"+eve.User+"/relationships/roles", jsonapi.MediaType, apitest.Linkage("roles", role)).Want(t, 403)
	server.Anonymous().Get(t, "/roles").Want(t, 401)
}

func TestOneKeepsOnesOwnManagementOfTheAccount(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	keeper := ada.Role(t, "keeper", map[string]any{"manage_account": true})
	eve := ada.Member(t, "Eve", keeper)
	dropped := eve.Patch(t, "/roles/"+keeper, "roles", keeper, map[string]any{"manage_account": false, "manage_scans": true}, nil).Want(t, 200)
	if dropped.At("/data/attributes/manage_account") != true || dropped.At("/data/attributes/manage_scans") != true {
		t.Errorf("own role became %s", dropped.Raw)
	}
	eve.Patch(t, "/roles/"+keeper, "roles", keeper, nil, map[string]any{"users": apitest.Many("users", ada.User)}).Want(t, 400)
	eve.Delete(t, "/users/"+eve.User+"/relationships/roles").Want(t, 400)
	admin := ada.Get(t, "/roles?filter[name]=admin").Want(t, 200).String("/data/0/id")
	eve.Patch(t, "/roles/"+admin, "roles", admin, map[string]any{"manage_account": false}, nil).Want(t, 400)
	eve.Delete(t, "/roles/"+admin).Want(t, 400)
	ada.Do(t, http.MethodPatch, "/users/"+ada.User+"/relationships/roles", jsonapi.MediaType, apitest.Linkage("roles", keeper)).Want(t, 204)
	last := ada.Delete(t, "/roles/"+keeper).Want(t, 400)
	if last.String("/errors/detail") != "Cannot delete the only role with MANAGE_ACCOUNT in the tenant." {
		t.Errorf("refused with %s", last.Raw)
	}
}

// Two administrators who demote each other at the same moment must not both succeed.
func TestNobodyLocksTheTenantOutAtTheSameTime(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	plain := ada.Role(t, "plain", nil)
	admin := ada.Get(t, "/roles?filter[name]=admin").Want(t, 200).String("/data/0/id")
	eve := ada.Member(t, "Eve", admin)
	for range 5 {
		statuses := make([]int, 2)
		var group sync.WaitGroup
		demote := func(i int, by, whom *apitest.Client) {
			group.Go(func() {
				statuses[i] = by.Do(t, http.MethodPatch, "/users/"+whom.User+"/relationships/roles", jsonapi.MediaType, apitest.Linkage("roles", plain)).Status
			})
		}
		demote(0, ada, eve)
		demote(1, eve, ada)
		group.Wait()
		var keeper, demoted *apitest.Client
		switch {
		case statuses[0] == 204 && (statuses[1] == 400 || statuses[1] == 403):
			keeper, demoted = ada, eve
		case statuses[1] == 204 && (statuses[0] == 400 || statuses[0] == 403):
			keeper, demoted = eve, ada
		default:
			t.Fatalf("statuses %v", statuses)
		}
		keeper.Do(t, http.MethodPatch, "/users/"+demoted.User+"/relationships/roles", jsonapi.MediaType, apitest.Linkage("roles", admin)).Want(t, 204)
	}
}

func TestProviderGroupsOfARole(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	role := ada.Role(t, "auditor", nil)
	path := "/roles/" + role + "/relationships/provider_groups"
	group := func(name string) string {
		return ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": name}, nil).Want(t, 201).String("/data/id")
	}
	one, two := group("one"), group("two")
	send := func(method string, body []byte) *apitest.Answer {
		return ada.Do(t, method, path, jsonapi.MediaType, body)
	}
	send(http.MethodPost, apitest.Linkage("provider-groups", one, nobody)).Want(t, 204)
	again := send(http.MethodPost, apitest.Linkage("provider-groups", one, two)).Want(t, 400)
	if again.String("/errors/detail") == "" {
		t.Errorf("refused with %s", again.Raw)
	}
	for name, body := range map[string]string{
		"null": `{"data":null}`, "texts": `{"data":["` + two + `"]}`, "object": `{"data":{"type":"provider-groups","id":"` + two + `"}}`,
		"no id": `{"data":[{"type":"provider-groups","id":"` + two + `"},{"type":"provider-groups"}]}`, "no UUID": `{"data":[{"type":"provider-groups","id":"12"}]}`,
		"no data": `{}`, "no JSON": `{"data":[`,
	} {
		if answer := send(http.MethodPatch, []byte(body)); answer.Status != 400 {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
	}
	linked := ada.Get(t, "/roles/"+role).Want(t, 200)
	if linked.Len("/data/relationships/provider_groups/data") != 1 || linked.String("/data/relationships/provider_groups/data/0/id") != one {
		t.Errorf("a refused document changed the groups: %s", linked.Raw)
	}
	send(http.MethodPatch, apitest.Linkage("provider-groups", two)).Want(t, 204)
	send(http.MethodDelete, nil).Want(t, 204)
	if cleared := ada.Get(t, "/roles/"+role).Want(t, 200); cleared.Len("/data/relationships/provider_groups/data") != 0 {
		t.Errorf("left %s", cleared.Raw)
	}
}
