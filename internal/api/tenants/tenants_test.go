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
