package memberships_test

import (
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
)

const nobody = "00000000-0000-4000-8000-000000000000"

func TestMembershipsOfATenant(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	eve := ada.Member(t, "Eve", ada.Role(t, "account", map[string]any{"manage_account": true, "manage_users": true}))
	path := "/tenants/" + ada.Tenant + "/memberships"
	if all := ada.Get(t, path+"?sort=date_joined").Want(t, 200); all.Len("/data") != 2 || all.String("/data/1/relationships/user/data/id") != eve.User {
		t.Errorf("the owner sees %s", all.Raw)
	}
	if own := eve.Get(t, path).Want(t, 200); own.Len("/data") != 1 || own.String("/data/0/relationships/user/data/id") != eve.User {
		t.Errorf("a member sees %s", own.Raw)
	}
	bob.Get(t, path).Want(t, 404)
	ada.Get(t, "/tenants/"+nobody+"/memberships").Want(t, 404)
	ada.Get(t, path+"?filter[user]="+eve.User).Want(t, 200)
	ada.Get(t, path+"?filter[user]="+bob.User).Want(t, 400)
	ada.Get(t, path+"?filter[tenant]="+bob.Tenant).Want(t, 400)
	server.Anonymous().Get(t, path).Want(t, 401)
}

func TestOnesOwnMemberships(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	ada.Post(t, "/tenants", "tenants", map[string]any{"name": "Second"}, nil).Want(t, 201)
	list := ada.Get(t, "/users/"+bob.User+"/memberships").Want(t, 200)
	if list.Len("/data") != 2 || list.String("/data/0/relationships/user/data/id") != ada.User {
		t.Errorf("ada sees %s", list.Raw)
	}
	theirs := bob.Get(t, "/users/me").Want(t, 200).String("/data/relationships/memberships/data/0/id")
	ada.Get(t, "/users/"+bob.User+"/memberships/"+theirs).Want(t, 404)
	ada.Get(t, "/users/x/memberships/"+list.String("/data/1/id")).Want(t, 200)
	ada.Member(t, "Eve", ada.Role(t, "plain", nil)).Get(t, "/users/me/memberships").Want(t, 403)
}

func TestEndingAMembership(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	role := ada.Role(t, "plain", nil)
	eve := ada.Member(t, "Eve", role)
	path := "/tenants/" + ada.Tenant + "/memberships/"
	adas := ada.Get(t, "/users/me").Want(t, 200).String("/data/relationships/memberships/data/0/id")
	eves := eve.Get(t, "/users/me").Want(t, 200).String("/data/relationships/memberships/data/0/id")
	ada.Delete(t, path+adas).Want(t, 403)
	eve.Delete(t, path+adas).Want(t, 403)
	bob.Delete(t, path+eves).Want(t, 404)
	bob.Delete(t, "/tenants/"+bob.Tenant+"/memberships/"+eves).Want(t, 404)
	ada.Delete(t, path+nobody).Want(t, 404)
	ada.Delete(t, path+eves).Want(t, 204)
	eve.Get(t, "/users/me").Want(t, 401)
	if kept := ada.Get(t, "/roles/"+role).Want(t, 200); kept.Len("/data/relationships/users/data") != 0 {
		t.Errorf("the role keeps %s", kept.Raw)
	}
}

// A member who alone manages the account cannot leave, nor be removed by the owner who does not.
func TestTheAccountKeepsAManager(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	admin := ada.Get(t, "/roles").Want(t, 200).String("/data/0/id")
	eve := ada.Member(t, "Eve", admin)
	eve.Patch(t, "/users/"+eve.User, "users", eve.User, map[string]any{"name": "Eve Admin"}, nil).Want(t, 200)
	eve.Delete(t, "/users/"+ada.User+"/relationships/roles").Want(t, 204)
	eves := eve.Get(t, "/users/me").Want(t, 200).String("/data/relationships/memberships/data/0/id")
	path := "/tenants/" + ada.Tenant + "/memberships/" + eves
	eve.Delete(t, path).Want(t, 400)
	ada.Delete(t, path).Want(t, 400)
	eve.Get(t, "/roles").Want(t, 200)
}
