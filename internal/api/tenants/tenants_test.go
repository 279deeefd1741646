package tenants_test

import (
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
)

func TestTenantsShowTheRequestersOwnOnly(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	created := ada.Post(t, "/tenants", "tenants", map[string]any{"name": "Engines"}, nil).Want(t, 201)
	list := ada.Get(t, "/tenants?sort=name").Want(t, 200)
	if list.Len("/data") != 2 || list.String("/data/0/attributes/name") != "Engines" {
		t.Fatalf("ada sees %s", list.Raw)
	}
	ada.Get(t, "/tenants/"+created.String("/data/id")).Want(t, 200)
	bob.Get(t, "/tenants/"+created.String("/data/id")).Want(t, 404)
	server.Anonymous().Get(t, "/tenants").Want(t, 401)
}

// What may be done to a tenant is decided by the roles held in it, whichever tenant the token is for.
func TestARoleElsewhereRenamesNothing(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	rename := func(by *apitest.Client, tenant string) *apitest.Answer {
		return by.Patch(t, "/tenants/"+tenant, "tenants", tenant, map[string]any{"name": "Renamed"}, nil)
	}
	token := ada.Invite(t, "bob@example.com", ada.Role(t, "plain", nil)).Want(t, 201).String("/data/attributes/token")
	bob.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": token}, nil).Want(t, 201)
	rename(bob, ada.Tenant).Want(t, 403) // all permissions at home, none here
	here := server.LogIn(t, "bob@example.com", ada.Tenant)
	rename(here, ada.Tenant).Want(t, 403)
	rename(here, bob.Tenant).Want(t, 200)
	rename(ada, bob.Tenant).Want(t, 404)
	if one := ada.Get(t, "/tenants/"+ada.Tenant).Want(t, 200); one.String("/data/attributes/name") != "ada default tenant" {
		t.Errorf("ada's tenant is %s", one.Raw)
	}
	ada.Patch(t, "/tenants/"+ada.Tenant, "tenants", ada.Tenant, map[string]any{"name": ""}, nil).Want(t, 400)
	rename(ada, ada.Tenant).Want(t, 200)
}
