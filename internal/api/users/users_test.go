package users_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/jsonapi"
)

func TestUsersShowTheMembersOfTheTenant(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	manager := ada.Member(t, "Manager", ada.Role(t, "manager", map[string]any{"manage_users": true}))
	plain := ada.Member(t, "Plain", ada.Role(t, "plain", nil))

	full := ada.Get(t, "/users?sort=date_joined&include=roles,memberships.tenant").Want(t, 200)
	if full.Len("/data") != 3 || full.Len("/data/1/relationships/roles/data") != 1 || full.Len("/included") != 7 {
		t.Errorf("ada sees %s", full.Raw)
	}
	// Whoever does not manage the account sees roles and memberships of nobody else.
	part := manager.Get(t, "/users?sort=date_joined&include=roles").Want(t, 200)
	if part.Len("/data/0/relationships/roles/data") != 0 || part.Len("/data/0/relationships/memberships/data") != 0 ||
		part.Len("/data/1/relationships/roles/data") != 1 || part.Len("/included") != 1 {
		t.Errorf("the manager sees %s", part.Raw)
	}
	plain.Get(t, "/users").Want(t, 403)
	plain.Get(t, "/users/"+plain.User).Want(t, 403)
	if me := plain.Get(t, "/users/me").Want(t, 200); me.String("/data/id") != plain.User || me.At("/data/relationships/memberships/data/0/meta/active") != true {
		t.Errorf("me is %s", me.Raw)
	}
	ada.Get(t, "/users/"+bob.User).Want(t, 404)
	bob.Get(t, "/users/"+ada.User).Want(t, 404)
	if none := bob.Get(t, "/users?filter[email]=ada@example.com").Want(t, 200); none.Len("/data") != 0 {
		t.Errorf("bob finds %s", none.Raw)
	}
}

// Another tenant's membership shows to the person alone.
func TestMembershipsOfOtherTenantsShowToThePersonAlone(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	admin := ada.Get(t, "/roles").Want(t, 200).String("/data/0/id")
	token := ada.Invite(t, "bob@example.com", admin).Want(t, 201).String("/data/attributes/token")
	bob.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": token}, nil).Want(t, 201)
	if seen := ada.Get(t, "/users/"+bob.User+"?include=memberships.tenant").Want(t, 200); seen.Len("/data/relationships/memberships/data") != 1 || seen.Len("/included") != 2 {
		t.Errorf("ada sees %s", seen.Raw)
	}
	here := server.LogIn(t, "bob@example.com", ada.Tenant)
	if own := here.Get(t, "/users/"+bob.User).Want(t, 200); own.Len("/data/relationships/memberships/data") != 2 {
		t.Errorf("bob sees %s", own.Raw)
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	manager := ada.Member(t, "Manager", ada.Role(t, "manager", map[string]any{"manage_users": true}))
	plain := ada.Member(t, "Plain", ada.Role(t, "plain", nil))
	patch := func(by, whom *apitest.Client, attributes map[string]any) *apitest.Answer {
		return by.Patch(t, "/users/"+whom.User, "users", whom.User, attributes, nil)
	}
	patch(plain, ada, map[string]any{"name": "Hacked"}).Want(t, 400)
	patch(manager, plain, map[string]any{"name": "By the manager"}).Want(t, 200)
	patch(manager, plain, map[string]any{"name": "Taken", "email": "mine@example.com"}).Want(t, 400)
	patch(manager, plain, map[string]any{"name": "Taken", "password": "Another-Horse-9x!"}).Want(t, 400)
	patch(plain, plain, map[string]any{"email": "ADA@example.com"}).Want(t, 400)
	patch(plain, plain, map[string]any{"company_name": "Acme", "roles": []string{}}).Want(t, 400)
	patch(plain, plain, map[string]any{"password": "plain@example.com-9X"}).Want(t, 400)
	if me := plain.Get(t, "/users/me").Want(t, 200); me.String("/data/attributes/name") != "By the manager" || me.String("/data/attributes/email") != "plain@example.com" ||
		me.String("/data/attributes/company_name") != "" {
		t.Errorf("refused changes left %s", me.Raw)
	}
	patch(plain, plain, map[string]any{"email": " Plain2@Example.com ", "password": "Another-Horse-9x!"}).Want(t, 200)
	plain.Get(t, "/users/me").Want(t, 401) // the password has been changed
	server.Anonymous().Post(t, "/tokens", "tokens", map[string]any{"email": "PLAIN2@example.com", "password": "Another-Horse-9x!"}, nil).Want(t, 200)
	stranger := server.SignUp(t, "Stranger")
	patch(stranger, ada, map[string]any{"name": "Hacked"}).Want(t, 404)
}

func TestRolesOfAMember(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	one, two := ada.Role(t, "one", nil), ada.Role(t, "two", nil)
	eve := ada.Member(t, "Eve", one)
	send := func(by *apitest.Client, method string, whom *apitest.Client, roles ...string) *apitest.Answer {
		return by.Do(t, method, "/users/"+whom.User+"/relationships/roles", jsonapi.MediaType, apitest.Linkage("roles", roles...))
	}
	send(ada, http.MethodPost, eve, one, two).Want(t, 400)
	send(ada, http.MethodPost, eve, two, bob.Role(t, "theirs", nil)).Want(t, 204)
	if me := eve.Get(t, "/users/me").Want(t, 200); me.Len("/data/relationships/roles/data") != 2 {
		t.Errorf("eve holds %s", me.Raw)
	}
	send(ada, http.MethodPatch, eve, two).Want(t, 204)
	send(ada, http.MethodPatch, ada, two).Want(t, 400)
	send(ada, http.MethodDelete, ada).Want(t, 400)
	send(ada, http.MethodDelete, eve).Want(t, 204)
	send(ada, http.MethodPost, bob, one).Want(t, 404)
	send(bob, http.MethodPatch, eve, one).Want(t, 404)
	if me := eve.Get(t, "/users/me").Want(t, 200); me.Len("/data/relationships/roles/data") != 0 {
		t.Errorf("eve holds %s", me.Raw)
	}
	eve.Get(t, "/provider-groups").Want(t, 403)
}

func TestClosingOnesAccount(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	eve := ada.Member(t, "Eve", ada.Role(t, "manager", map[string]any{"manage_users": true}))
	eve.Delete(t, "/users/"+ada.User).Want(t, 400)
	ada.Delete(t, "/users/"+ada.User).Want(t, 400) // nobody else manages the account
	ada.Get(t, "/users/me").Want(t, 200)
	eve.Delete(t, "/users/"+eve.User).Want(t, 204)
	eve.Get(t, "/users/me").Want(t, 401)
	ada.Get(t, "/users/"+eve.User).Want(t, 404)
	ada.Delete(t, "/users/"+ada.User).Want(t, 204) // nobody is left behind
}

// The last two administrators close their accounts at the same moment while a member stays: one of them is kept.
func TestTheLastAdministratorsDoNotLeaveTogether(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	admin := ada.Get(t, "/roles").Want(t, 200).String("/data/0/id")
	eve := ada.Member(t, "Eve", admin)
	ada.Member(t, "Plain")
	statuses := make([]int, 2)
	var group sync.WaitGroup
	for i, client := range []*apitest.Client{ada, eve} {
		group.Go(func() { statuses[i] = client.Delete(t, "/users/"+client.User).Status })
	}
	group.Wait()
	if statuses[0]+statuses[1] != 204+400 {
		t.Errorf("statuses %v", statuses)
	}
}

// Bytes that are no text are refused wherever they come from; they never reach the database.
func TestBytesThatAreNoText(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	const form = "application/x-www-form-urlencoded"
	person := "name=Eve+Person&email=eve%40example.com&password=" + apitest.Password
	for _, token := range []string{"%00", "%FF", "A%00BCDEFGHJKMNP", "%ED%A0%80"} {
		server.Anonymous().Do(t, http.MethodPost, "/users?invitation_token="+token, form, []byte(person)).Want(t, 400)
	}
	for _, body := range []string{"name=%FF%FE%FD&email=eve%40example.com&password=x", "name=Eve+Person&email=%FF%40example.com&password=" + apitest.Password} {
		server.Anonymous().Do(t, http.MethodPost, "/users", form, []byte(body)).Want(t, 400)
	}
	multipart := "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n\xff\xfe\xfd\r\n--x--\r\n"
	server.Anonymous().Do(t, http.MethodPost, "/users", "multipart/form-data; boundary=x", []byte(multipart)).Want(t, 400)
	for _, query := range []string{"filter[name]=%FF", "filter[name.icontains]=%FF", "filter[search]=%FF", "filter[email]=%00", "sort=%FF", "include=%FF", "page[number]=%FF"} {
		if answer := ada.Get(t, "/users?"+query); answer.Status >= 500 {
			t.Errorf("%s: %d %s", query, answer.Status, answer.Raw)
		}
	}
	if answer := ada.Get(t, "/tenants?filter[search]=%FF"); answer.Status >= 500 {
		t.Errorf("search: %d %s", answer.Status, answer.Raw)
	}
	ada.Get(t, "/users/%FF").Want(t, 404)
}
