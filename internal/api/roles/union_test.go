package roles_test

import (
	"net/http"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// Permissions and providers are those of all roles together, in whatever order the roles were made and given.
func TestRolesAddUpInEveryOrder(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	group := func(name, uid string) string {
		provider := ada.Connect(t, uid, name)
		return ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": name},
			map[string]any{"providers": apitest.Many("providers", provider)}).Want(t, 201).String("/data/id")
	}
	one, two := group("one", "111111111111"), group("two", "222222222222")
	ada.Connect(t, "333333333333", "three")
	people := ada.Role(t, "people", map[string]any{"manage_users": true}, one)
	plain := ada.Role(t, "plain", nil)
	account := ada.Role(t, "account", map[string]any{"manage_account": true}, two, one)
	for i, order := range [][]string{{people, plain, account}, {account, people, plain}, {plain, account, people}} {
		eve := ada.Member(t, []string{"Eve", "Fay", "Gil"}[i])
		for _, role := range order {
			ada.Do(t, http.MethodPost, "/users/"+eve.User+"/relationships/roles", jsonapi.MediaType, apitest.Linkage("roles", role)).Want(t, 204)
		}
		eve.Get(t, "/users").Want(t, 200)
		eve.Get(t, "/roles").Want(t, 200)
		eve.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": "444444444444"}, nil).Want(t, 403)
		seen := eve.Get(t, "/providers?sort=alias").Want(t, 200)
		if seen.Len("/data") != 2 || seen.String("/data/0/attributes/alias") != "one" || seen.String("/data/1/attributes/alias") != "two" {
			t.Errorf("order %d: sees %s", i, seen.Raw)
		}
		ada.Do(t, http.MethodPatch, "/users/"+eve.User+"/relationships/roles", jsonapi.MediaType, apitest.Linkage("roles", people, plain)).Want(t, 204)
		eve.Get(t, "/roles").Want(t, 403)
		if less := eve.Get(t, "/providers").Want(t, 200); less.Len("/data") != 1 {
			t.Errorf("order %d: still sees %s", i, less.Raw)
		}
	}
}

// The only one who manages the account cannot give up the role, though another role could manage it: nobody holds that one.
func TestARoleThatNobodyHoldsManagesNothing(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	keeper := ada.Role(t, "keeper", map[string]any{"manage_account": true})
	spare := ada.Role(t, "spare", map[string]any{"manage_account": true})
	ada.Do(t, http.MethodPatch, "/users/"+ada.User+"/relationships/roles", jsonapi.MediaType, apitest.Linkage("roles", keeper)).Want(t, 204)
	ada.Delete(t, "/roles/"+keeper).Want(t, 400)
	ada.Do(t, http.MethodPatch, "/users/"+ada.User+"/relationships/roles", jsonapi.MediaType, apitest.Linkage("roles", ada.Role(t, "plain", nil))).Want(t, 400)
	ada.Patch(t, "/roles/"+keeper, "roles", keeper, nil, map[string]any{"users": apitest.Many("users")}).Want(t, 400)
	ada.Get(t, "/roles/"+keeper).Want(t, 200)
	ada.Delete(t, "/roles/"+spare).Want(t, 204)
}

// Neither a new role nor a changed one takes people of other organisations in.
func TestARoleTakesMembersAlone(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	role := ada.Role(t, "reader", nil)
	for _, people := range [][]string{{bob.User}, {ada.User, bob.User}, {nobody}} {
		users := map[string]any{"users": apitest.Many("users", people...)}
		refused := ada.Post(t, "/roles", "roles", map[string]any{"name": "new", "manage_account": true}, users).Want(t, 400)
		if refused.String("/errors/0/code") != "does_not_exist" {
			t.Errorf("%v: %s", people, refused.Raw)
		}
		ada.Patch(t, "/roles/"+role, "roles", role, nil, users).Want(t, 400)
	}
	if list := ada.Get(t, "/roles").Want(t, 200); list.Len("/data") != 2 {
		t.Errorf("a refusal left %s", list.Raw)
	}
	if me := bob.Get(t, "/users/me").Want(t, 200); me.Len("/data/relationships/roles/data") != 1 {
		t.Errorf("bob holds %s", me.Raw)
	}
}
