package tenants_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

const nobody = "00000000-0000-4000-8000-000000000000"

// count asks the database, past every wall.
func count(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) int {
	t.Helper()
	var count int
	if err := pool.QueryRow(t.Context(), sql, args...).Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

// gone waits until nothing of a tenant is left; the test's own limit is the only clock.
func gone(t *testing.T, pool *pgxpool.Pool, tenant string) {
	t.Helper()
	for count(t, pool, `select count(*) from tenants where id = $1`, tenant) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
}

func TestWhoMayDeleteATenant(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	plain := ada.Member(t, "Plain", ada.Role(t, "plain", nil))
	keeper := ada.Member(t, "Keeper", ada.Role(t, "keeper", map[string]any{"manage_account": true}))
	limited := ada.Member(t, "Limited", ada.Role(t, "limited", map[string]any{"manage_account": true, "unlimited_visibility": false}))
	none := ada.Member(t, "None", ada.Role(t, "taken away", nil))
	ada.Delete(t, "/users/"+none.User+"/relationships/roles").Want(t, 204)
	path := "/tenants/" + ada.Tenant
	for name, one := range map[string]struct {
		by     *apitest.Client
		status int
		detail string
	}{
		"nobody":                       {server.Anonymous(), 401, "Authentication credentials were not provided."},
		"a member without permission":  {plain, 403, "You do not have permission to perform this action."},
		"a member without a role":      {none, 403, ""},
		"a manager who is no owner":    {keeper, 403, "Only owners can delete a tenant."},
		"one who sees little":          {limited, 403, "Only owners can delete a tenant."},
		"a stranger":                   {bob, 404, "No Tenant matches the given query."},
		"a key of another tenant":      {bob.ByKey(t, "a key"), 404, "No Tenant matches the given query."},
		"a key of a manager, no owner": {keeper.ByKey(t, "another key"), 403, "Only owners can delete a tenant."},
	} {
		if answer := one.by.Delete(t, path); answer.Status != one.status || one.detail != "" && answer.String("/errors/0/detail") != one.detail {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
	}
	ada.Delete(t, "/tenants/"+nobody).Want(t, 404)
	ada.Delete(t, "/tenants/12").Want(t, 404)
	if members := ada.Get(t, path+"/memberships").Want(t, 200); members.Len("/data") != 5 {
		t.Errorf("after all refusals: %s", members.Raw)
	}
	ada.Delete(t, path).Want(t, 204)
}

// TestOwnershipElsewhereDeletesNothing: the permission and the ownership have to be of the tenant in question.
func TestOwnershipElsewhereDeletesNothing(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	token := ada.Invite(t, bob.Email, ada.Role(t, "plain", nil)).Want(t, 201).String("/data/attributes/token")
	bob.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": token}, nil).Want(t, 201)
	bob.Delete(t, "/tenants/"+ada.Tenant).Want(t, 403) // owner and manager at home, plain member there
	second := ada.Post(t, "/tenants", "tenants", map[string]any{"name": "Second"}, nil).Want(t, 201).String("/data/id")
	ada.ByKey(t, "of the first").Delete(t, "/tenants/"+second).Want(t, 404) // a key is for its tenant alone
	ada.Get(t, "/tenants/"+second).Want(t, 200)
	ada.Delete(t, "/tenants/"+second).Want(t, 204) // with a token of the first: the roles held in the second decide
	ada.Get(t, "/tenants/"+ada.Tenant).Want(t, 200)
	bob.Get(t, "/tenants/"+bob.Tenant).Want(t, 200)
}

// TestADeletedTenantIsGoneAtOnce looks for what is left of a tenant before anything is erased: nothing runs here in the background.
func TestADeletedTenantIsGoneAtOnce(t *testing.T) {
	t.Parallel()
	var settings app.Settings
	settings.SignOn.SignInURL, settings.SignOn.CallbackURL = "https://ui.example/sign-in", "https://ui.example/callback"
	server := apitest.StartWith(t, apitest.Setup{Settings: settings})
	pool := server.DB.Pool(t, pgtest.Superuser)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	role := ada.Role(t, "reader", map[string]any{"unlimited_visibility": true})
	eve := ada.Member(t, "Eve", role)
	pending := ada.Invite(t, "new@example.com", role).Want(t, 201).String("/data/attributes/token")
	forBob := ada.Invite(t, bob.Email, role).Want(t, 201).String("/data/attributes/token")
	carl := server.SignUp(t, "Carl")
	carls := ada.Invite(t, carl.Email, role).Want(t, 201).String("/data/attributes/token")
	carl.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": carls}, nil).Want(t, 201)
	inside := server.LogIn(t, carl.Email, ada.Tenant)
	key, bobsKey := ada.ByKey(t, "a key"), bob.ByKey(t, "a key")
	provider := ada.Connect(t, "111111111111", "Hers")
	ada.Post(t, "/schedules/daily", "daily-schedules", map[string]any{"provider_id": provider}, nil).Want(t, 202)
	refresh := server.Anonymous().Post(t, "/tokens", "tokens", map[string]any{"email": carl.Email, "password": apitest.Password, "tenant_id": ada.Tenant}, nil).
		Want(t, 200).String("/data/attributes/refresh")
	evesRefresh := server.Anonymous().Post(t, "/tokens", "tokens", map[string]any{"email": eve.Email, "password": apitest.Password}, nil).
		Want(t, 200).String("/data/attributes/refresh")

	_, err := pool.Exec(t.Context(), `insert into saml_configurations (tenant_id, id, email_domain, entity_id, metadata_xml) values ($1, $2, 'hers.example', 'urn:hers', '')`,
		ada.Tenant, uuid.New())
	if err != nil {
		t.Fatal(err)
	}

	ada.Delete(t, "/tenants/"+ada.Tenant).Want(t, 204)

	logIn := func(email, tenant string) *apitest.Answer {
		attributes := map[string]any{"email": email, "password": apitest.Password}
		if tenant != "" {
			attributes["tenant_id"] = tenant
		}
		return server.Anonymous().Post(t, "/tokens", "tokens", attributes, nil)
	}
	renew := func(refresh string) *apitest.Answer {
		return server.Anonymous().Post(t, "/tokens/refresh", "tokens-refresh", map[string]any{"refresh": refresh}, nil)
	}
	signUp := func(email, token string) *apitest.Answer {
		return server.Anonymous().Post(t, "/users?invitation_token="+token, "users", map[string]any{"name": "Some Person", "email": email, "password": apitest.Password}, nil)
	}
	for name, one := range map[string]struct {
		answer *apitest.Answer
		status int
		detail string
	}{
		"the owner's token":         {ada.Get(t, "/users/me"), 401, "User not found"},
		"a member's token":          {eve.Get(t, "/providers"), 401, "User not found"},
		"a token of a person left":  {inside.Get(t, "/providers"), 401, "The user is not a member of this tenant."},
		"an API key":                {key.Get(t, "/providers"), 401, ""},
		"log-in of the owner":       {logIn(ada.Email, ""), 400, "Invalid credentials"},
		"log-in into it":            {logIn(carl.Email, ada.Tenant), 400, "Tenant does not exist or user is not a member."},
		"refresh of a person left":  {renew(refresh), 400, "Invalid or expired token"},
		"refresh of a person gone":  {renew(evesRefresh), 400, "Invalid or expired token"},
		"single sign-on":            {server.Anonymous().Post(t, "/auth/saml/initiate/", "saml-initiate", map[string]any{"email_domain": "hers.example"}, nil), 403, ""},
		"switch into it":            {carl.Post(t, "/tokens/switch", "tokens-switch-tenant", map[string]any{"tenant_id": ada.Tenant}, nil), 400, ""},
		"the tenant":                {carl.Get(t, "/tenants/"+ada.Tenant), 404, "No Tenant matches the given query."},
		"its memberships":           {carl.Get(t, "/tenants/"+ada.Tenant+"/memberships"), 404, "No Tenant matches the given query."},
		"deleting it again":         {carl.Delete(t, "/tenants/"+ada.Tenant), 404, "No Tenant matches the given query."},
		"renaming it":               {carl.Patch(t, "/tenants/"+ada.Tenant, "tenants", ada.Tenant, map[string]any{"name": "x"}, nil), 404, ""},
		"accepting an invitation":   {bob.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": forBob}, nil), 404, "Invitation is not valid."},
		"signing up by invitation":  {signUp("new@example.com", pending), 400, "Invalid invitation code."},
		"a key of another tenant":   {bobsKey.Get(t, "/providers"), 200, ""},
		"the person left, at home":  {carl.Get(t, "/tenants/"+carl.Tenant), 200, ""},
		"the owner's address anew":  {signUp(ada.Email, ""), 201, ""},
		"the address of a member":   {signUp(eve.Email, ""), 201, ""},
		"whoever was invited, anew": {signUp("new@example.com", ""), 201, ""},
	} {
		if one.answer.Status != one.status || one.detail != "" && one.answer.String("/errors/0/detail") != one.detail {
			t.Errorf("%s: %d %s", name, one.answer.Status, one.answer.Raw)
		}
	}
	if list := carl.Get(t, "/tenants").Want(t, 200); list.Len("/data") != 1 || list.String("/data/0/id") != carl.Tenant {
		t.Errorf("carl is in %s", list.Raw)
	}
	if list := carl.Get(t, "/users/me/memberships").Want(t, 200); list.Len("/data") != 1 {
		t.Errorf("carl's memberships: %s", list.Raw)
	}
	if n := count(t, pool, `select count(*) from memberships where tenant_id = $1`, ada.Tenant); n != 0 {
		t.Errorf("%d members are left", n)
	}
	if n := count(t, pool, `select count(*) from river.river_job where kind = 'tenant-deletion' and args ->> 'erased_tenant_id' = $1`, ada.Tenant); n != 1 {
		t.Errorf("%d erasures are queued", n)
	}
}

// TestNoWayInThroughTheDatabase: whatever statement makes a membership, a tenant that is being deleted takes none.
func TestNoWayInThroughTheDatabase(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	ada.Delete(t, "/tenants/"+ada.Tenant).Want(t, 204)
	_, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `insert into memberships (tenant_id, id, user_id) values ($1, $2, $3)`, ada.Tenant, uuid.New(), bob.User)
	if err == nil {
		t.Error("a superuser's statement made a member")
	}
}

// TestJoiningAndDeletingMeet sends an acceptance and a deletion at the same moment, many times: the person is in a tenant that
// lives or in none, and nothing fails.
func TestJoiningAndDeletingMeet(t *testing.T) {
	t.Parallel()
	server := apitest.StartWorking(t)
	pool := server.DB.Pool(t, pgtest.Superuser)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	joined := 0
	for range 12 {
		tenant := ada.Post(t, "/tenants", "tenants", map[string]any{"name": "Short"}, nil).Want(t, 201).String("/data/id")
		inside := ada.Switch(t, tenant)
		token := inside.Invite(t, bob.Email, inside.Role(t, "reader", nil)).Want(t, 201).String("/data/attributes/token")
		answers := make(chan *apitest.Answer, 1)
		go func() {
			answers <- bob.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": token}, nil)
		}()
		ada.Delete(t, "/tenants/"+tenant).Want(t, 204)
		switch accepted := <-answers; accepted.Status {
		case 201:
			joined++
		case 404:
		default:
			t.Errorf("accepted with %d %s", accepted.Status, accepted.Raw)
		}
		gone(t, pool, tenant)
	}
	if list := bob.Get(t, "/tenants").Want(t, 200); list.Len("/data") != 1 {
		t.Errorf("bob is in %s", list.Raw)
	}
	t.Logf("joined %d times of 12 before the deletion", joined)
}

// TestATenantWithoutMembersIsErased: the last one who leaves, in whichever way, takes the tenant along.
func TestATenantWithoutMembersIsErased(t *testing.T) {
	t.Parallel()
	server := apitest.StartWorking(t)
	pool := server.DB.Pool(t, pgtest.Superuser)
	t.Run("account closed", func(t *testing.T) {
		ada := server.SignUp(t, "Ada")
		second := ada.Post(t, "/tenants", "tenants", map[string]any{"name": "Second"}, nil).Want(t, 201).String("/data/id")
		ada.Connect(t, "111111111111", "Hers")
		ada.Delete(t, "/users/"+ada.User).Want(t, 204)
		gone(t, pool, ada.Tenant)
		gone(t, pool, second)
	})
	t.Run("membership ended", func(t *testing.T) {
		bob := server.SignUp(t, "Bob")
		eve := bob.Member(t, "Eve", bob.Role(t, "manager", map[string]any{"manage_account": true}))
		bob.Delete(t, "/users/"+bob.User).Want(t, 204)
		eve.Get(t, "/roles").Want(t, 200) // others live on in it
		if n := count(t, pool, `select count(*) from tenants where id = $1 and deleted_at is null`, bob.Tenant); n != 1 {
			t.Fatal("the tenant went with one of two members")
		}
		own := eve.Get(t, "/users/me").Want(t, 200).String("/data/relationships/memberships/data/0/id")
		eve.Delete(t, "/tenants/"+bob.Tenant+"/memberships/"+own).Want(t, 204)
		gone(t, pool, bob.Tenant)
		if n := count(t, pool, `select count(*) from users where id = $1`, eve.User); n != 0 {
			t.Error("the last member's account is left")
		}
	})
	t.Run("two last ones at once", func(t *testing.T) {
		for _, name := range []string{"One", "Two", "Three", "Four"} {
			owner := server.SignUp(t, "Own"+name)
			other := owner.Member(t, "Oth"+name, owner.Role(t, "manager", map[string]any{"manage_account": true, "manage_users": true}))
			answers := make(chan *apitest.Answer, 2)
			for _, one := range []*apitest.Client{owner, other} {
				go func() { answers <- one.Delete(t, "/users/"+one.User) }()
			}
			for range 2 {
				if answer := <-answers; answer.Status != 204 {
					t.Errorf("closed with %d %s", answer.Status, answer.Raw)
				}
			}
			gone(t, pool, owner.Tenant)
		}
	})
}
