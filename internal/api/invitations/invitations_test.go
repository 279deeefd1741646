package invitations_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const nobody = "00000000-0000-4000-8000-000000000000"

func TestInvitationLifecycle(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	role := ada.Role(t, "reader", nil)
	created := ada.Invite(t, " Eve@Example.com", role).Want(t, 201)
	id := created.String("/data/id")
	if created.String("/data/attributes/email") != "eve@example.com" || len(created.String("/data/attributes/token")) != 14 ||
		created.String("/data/relationships/inviter/data/id") != ada.User {
		t.Fatalf("created %s", created.Raw)
	}
	ada.Invite(t, "EVE@example.com").Want(t, 400)
	ada.Invite(t, "ADA@example.com").Want(t, 400)
	later := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)
	changed := ada.Patch(t, "/tenants/invitations/"+id, "invitations", id, map[string]any{"expires_at": later}, map[string]any{"roles": apitest.Many("roles")}).Want(t, 200)
	if changed.String("/data/attributes/expires_at") != later || changed.Len("/data/relationships/roles/data") != 0 {
		t.Errorf("changed %s", changed.Raw)
	}
	if list := ada.Get(t, "/tenants/invitations?filter[search]=EVE&filter[state]=pending").Want(t, 200); list.Len("/data") != 1 {
		t.Errorf("list %s", list.Raw)
	}
	ada.Delete(t, "/tenants/invitations/"+id).Want(t, 204)
	ada.Delete(t, "/tenants/invitations/"+id).Want(t, 400)
	ada.Patch(t, "/tenants/invitations/"+id, "invitations", id, nil, nil).Want(t, 400)
	if one := ada.Get(t, "/tenants/invitations/"+id).Want(t, 200); one.String("/data/attributes/state") != "revoked" {
		t.Errorf("state %s", one.Raw)
	}
}

func TestInvitationRefusals(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	role, theirs := ada.Role(t, "reader", nil), bob.Role(t, "reader", nil)
	for name, one := range map[string]struct {
		attributes, relationships map[string]any
		code                      string
	}{
		"no roles":        {map[string]any{"email": "x@example.com"}, nil, "required"},
		"foreign role":    {map[string]any{"email": "x@example.com"}, map[string]any{"roles": apitest.Many("roles", theirs)}, "does_not_exist"},
		"unknown role":    {map[string]any{"email": "x@example.com"}, map[string]any{"roles": apitest.Many("roles", nobody)}, "does_not_exist"},
		"no address":      {map[string]any{"email": "x"}, map[string]any{"roles": apitest.Many("roles", role)}, "invalid"},
		"soon":            {map[string]any{"email": "x@example.com", "expires_at": time.Now().Add(time.Hour).Format(time.RFC3339)}, map[string]any{"roles": apitest.Many("roles")}, "invalid"},
		"the year 1":      {map[string]any{"email": "x@example.com", "expires_at": "0001-01-01"}, map[string]any{"roles": apitest.Many("roles")}, "invalid"},
		"no year at all":  {map[string]any{"email": "x@example.com", "expires_at": "9999-12-31T23:59:59-05:00"}, map[string]any{"roles": apitest.Many("roles")}, "overflow"},
		"a single object": {map[string]any{"email": "x@example.com"}, map[string]any{"roles": apitest.One("roles", role)}, "incorrect_type"},
	} {
		answer := ada.Post(t, "/tenants/invitations", "invitations", one.attributes, one.relationships)
		if answer.Status != 400 || answer.String("/errors/0/code") != one.code || answer.Len("/errors") != 1 {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
	}
	if list := ada.Get(t, "/tenants/invitations").Want(t, 200); list.Len("/data") != 0 {
		t.Errorf("a refusal left %s", list.Raw)
	}
	id := ada.Invite(t, "x@example.com", role).Want(t, 201).String("/data/id")
	bob.Get(t, "/tenants/invitations/"+id).Want(t, 404)
	bob.Patch(t, "/tenants/invitations/"+id, "invitations", id, nil, nil).Want(t, 404)
	bob.Delete(t, "/tenants/invitations/"+id).Want(t, 404)
	if list := bob.Get(t, "/tenants/invitations").Want(t, 200); list.Len("/data") != 0 {
		t.Errorf("bob sees %s", list.Raw)
	}
	eve := ada.Member(t, "Eve", role)
	eve.Get(t, "/tenants/invitations").Want(t, 403)
	eve.Invite(t, "y@example.com").Want(t, 403)
}

func TestAcceptingAnInvitation(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	token := ada.Invite(t, "bob@example.com", ada.Role(t, "reader", nil)).Want(t, 201).String("/data/attributes/token")
	accept := func(by *apitest.Client, token string) *apitest.Answer {
		return by.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": token}, nil)
	}
	accept(server.Anonymous(), token).Want(t, 401)
	accept(server.SignUp(t, "Mallory"), token).Want(t, 404)
	joined := accept(bob, token).Want(t, 201)
	if joined.String("/data/relationships/tenant/data/id") != ada.Tenant || joined.String("/data/attributes/role") != "member" {
		t.Errorf("joined %s", joined.Raw)
	}
	accept(bob, token).Want(t, 400)
	here := server.LogIn(t, "Bob@Example.com", ada.Tenant)
	me := here.Get(t, "/users/me?include=roles").Want(t, 200)
	if me.Len("/data/relationships/roles/data") != 1 || me.Len("/data/relationships/memberships/data") != 2 || me.Len("/included") != 1 {
		t.Errorf("bob is %s", me.Raw)
	}
}

func TestAnInvitationThatHasLapsedIsGone(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	created := ada.Invite(t, "bob@example.com").Want(t, 201)
	other := ada.Invite(t, "new@example.com").Want(t, 201)
	scope := tenant.NewScope(uuid.MustParse(ada.Tenant), uuid.Nil, tenant.SeeNone())
	err := server.App.Tenants.Write(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error {
		for id, email := range map[string]string{created.String("/data/id"): "bob@example.com", other.String("/data/id"): "new@example.com"} {
			params := tenantdb.UpdateInvitationParams{ID: uuid.MustParse(id), Email: email, ExpiresAt: time.Now().Add(-time.Minute)}
			if err := tenantdb.New(tx).UpdateInvitation(ctx, params); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		bob.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": created.String("/data/attributes/token")}, nil).Want(t, 410)
	}
	server.Anonymous().Post(t, "/users?invitation_token="+other.String("/data/attributes/token"), "users",
		map[string]any{"name": "New Person", "email": "new@example.com", "password": apitest.Password}, nil).Want(t, 410)
	list := ada.Get(t, "/tenants/invitations?filter[state]=expired").Want(t, 200)
	if list.Len("/data") != 2 {
		t.Errorf("expired are %s", list.Raw)
	}
	// Nothing of the attempted sign-up is left.
	server.Anonymous().Post(t, "/users", "users", map[string]any{"name": "New Person", "email": "new@example.com", "password": apitest.Password}, nil).Want(t, 201)
}

func TestSignUpByInvitationIsForItsAddressAlone(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	token := ada.Invite(t, "eve@example.com").Want(t, 201).String("/data/attributes/token")
	attributes := map[string]any{"name": "Mallory Person", "email": "mallory@example.com", "password": apitest.Password}
	refused := server.Anonymous().Post(t, "/users?invitation_token="+token, "users", attributes, nil).Want(t, 400)
	if refused.String("/errors/0/detail") != "Invalid invitation code." {
		t.Errorf("refused with %s", refused.Raw)
	}
	server.Anonymous().Post(t, "/users?invitation_token="+strings.ToLower(token), "users", attributes, nil).Want(t, 400)
}

// Two invitations of one address at the same moment: one of them is made.
func TestOneAddressIsInvitedOnce(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	made := make([]bool, 4)
	var group sync.WaitGroup
	for i := range made {
		group.Go(func() { made[i] = ada.Invite(t, "eve@example.com").Status == 201 })
	}
	group.Wait()
	count := 0
	for _, one := range made {
		if one {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d invitations were made", count)
	}
}
