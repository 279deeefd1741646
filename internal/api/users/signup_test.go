package users_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// tablesOfAnIdentity are those that signing up, joining and founding write to.
var tablesOfAnIdentity = []string{"users", "tenants", "memberships", "roles", "role_users", "invitations"}

// rows is what the tables of identities hold.
func rows(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	var all strings.Builder
	for _, table := range tablesOfAnIdentity {
		var digest string
		err := pool.QueryRow(t.Context(), `select count(*) || ' ' || coalesce(md5(string_agg((to_jsonb(x) - 'last_login')::text, '' order by x::text)), '') from `+table+` x`).Scan(&digest)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s %s\n", table, digest)
	}
	return all.String()
}

// A statement that fails undoes a sign-up, the founding of an organisation and the acceptance of an invitation as a whole,
// whichever statement it is.
func TestSignUpIsAllOrNothing(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	pool := server.DB.Pool(t, pgtest.Superuser)
	exec := func(sql string) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`create function break() returns trigger language plpgsql as $$ begin raise exception 'broken on purpose'; end $$`)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	role := ada.Role(t, "reader", nil)
	invited := ada.Invite(t, "new@example.com", role).Want(t, 201).String("/data/attributes/token")
	bobs := ada.Invite(t, bob.Email, role).Want(t, 201).String("/data/attributes/token")
	signUp := func(email, query string) *apitest.Answer {
		return server.Anonymous().Post(t, "/users"+query, "users", map[string]any{"name": "New Person", "email": email, "password": apitest.Password}, nil)
	}
	for _, one := range []struct {
		name   string
		do     func() *apitest.Answer
		tables []string // that it writes to
	}{
		{"sign-up", func() *apitest.Answer { return signUp("fresh@example.com", "") }, []string{"users", "tenants", "memberships", "roles", "role_users"}},
		{"sign-up by invitation", func() *apitest.Answer { return signUp("new@example.com", "?invitation_token="+invited) }, []string{"users", "memberships", "role_users", "invitations"}},
		{"acceptance", func() *apitest.Answer {
			return bob.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": bobs}, nil)
		}, []string{"memberships", "role_users", "invitations"}},
		{"another organisation", func() *apitest.Answer {
			return bob.Post(t, "/tenants", "tenants", map[string]any{"name": "Second"}, nil)
		},
			[]string{"tenants", "memberships", "roles", "role_users"}},
	} {
		before := rows(t, pool)
		for _, table := range one.tables {
			exec(`create trigger break after insert or update on ` + table + ` for each row execute function break()`)
			answer := one.do()
			exec(`drop trigger break on ` + table)
			if answer.Status != http.StatusInternalServerError || strings.Contains(string(answer.Raw), "broken") {
				t.Errorf("%s without %s: %d %s", one.name, table, answer.Status, answer.Raw)
			}
			if after := rows(t, pool); after != before {
				t.Errorf("%s without %s left\n%s of\n%s", one.name, table, after, before)
			}
		}
		one.do().Want(t, http.StatusCreated) // it was the fault alone
	}
}

func TestRefusedSignUps(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	pool := server.DB.Pool(t, pgtest.Superuser)
	server.SignUp(t, "Ada")
	before := rows(t, pool)
	good := map[string]any{"name": "New Person", "email": "new@example.com", "password": apitest.Password}
	for name, one := range map[string]struct {
		attributes, relationships map[string]any
		code                      string
	}{
		"unknown attribute":           {map[string]any{"is_superuser": true}, nil, "invalid"},
		"attribute of the table":      {map[string]any{"is_active": false}, nil, "invalid"},
		"unknown relationship":        {nil, map[string]any{"tenants": apitest.Many("tenants")}, "invalid"},
		"long company":                {map[string]any{"company_name": strings.Repeat("ä", 151)}, nil, "max_length"},
		"long name":                   {map[string]any{"name": strings.Repeat("x", 151)}, nil, "max_length"},
		"long address":                {map[string]any{"email": strings.Repeat("x", 250) + "@example.com"}, nil, "max_length"},
		"somebody's address":          {map[string]any{"email": "ada@example.com"}, nil, "unique"},
		"the same in another case":    {map[string]any{"email": "ADA@Example.COM"}, nil, "unique"},
		"the same with white space":   {map[string]any{"email": "\u00a0ada@example.com\t"}, nil, "unique"},
		"company that is a list":      {map[string]any{"company_name": []string{"Acme"}}, nil, "invalid"},
		"password that is a number":   {map[string]any{"password": 123456789012}, nil, "password_entirely_numeric"},
		"null where there is no null": {map[string]any{"name": nil}, nil, "null"},
	} {
		attributes := maps.Clone(good)
		maps.Copy(attributes, one.attributes)
		answer := server.Anonymous().Post(t, "/users", "users", attributes, one.relationships)
		if answer.Status != http.StatusBadRequest || !strings.Contains(string(answer.Raw), `"code":"`+one.code+`"`) {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
	}
	if after := rows(t, pool); after != before {
		t.Errorf("a refusal left\n%s of\n%s", after, before)
	}
	server.Anonymous().Post(t, "/users", "users", good, nil).Want(t, http.StatusCreated)
}

// Whoever manages people in one organisation changes and takes only the roles that are held there.
func TestRolesInOtherOrganisationsStay(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	here, more := ada.Role(t, "here", nil), ada.Role(t, "more", nil)
	token := ada.Invite(t, bob.Email, here).Want(t, 201).String("/data/attributes/token")
	bob.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": token}, nil).Want(t, 201)
	home := bob.Get(t, "/users/me?include=roles").Want(t, 200).String("/data/relationships/roles/data/0/id")
	if home == "" || home == here {
		t.Fatalf("bob holds %q at home", home)
	}
	for _, change := range []struct {
		method string
		roles  []string
	}{{http.MethodPatch, []string{more}}, {http.MethodPost, []string{here}}, {http.MethodPatch, nil}, {http.MethodPatch, []string{home}}, {http.MethodDelete, nil}} {
		ada.Do(t, change.method, "/users/"+bob.User+"/relationships/roles", jsonapi.MediaType, apitest.Linkage("roles", change.roles...)).Want(t, 204)
		if me := bob.Get(t, "/users/me").Want(t, 200); me.Len("/data/relationships/roles/data") != 1 || me.String("/data/relationships/roles/data/0/id") != home {
			t.Errorf("%s %v left bob with %s at home", change.method, change.roles, me.Raw)
		}
	}
	bob.Get(t, "/roles").Want(t, 200)
	if there := server.LogIn(t, bob.Email, ada.Tenant).Get(t, "/users/me").Want(t, 200); there.Len("/data/relationships/roles/data") != 0 {
		t.Errorf("bob holds %s", there.Raw)
	}
}

// A role grants what it grants in its own organisation alone, whichever one the person was logged in to first.
func TestARoleInOneOrganisationGivesNothingInAnother(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	bob.Connect(t, "222222222222", "bob's")
	ada.Connect(t, "111111111111", "ada's")
	token := ada.Invite(t, bob.Email, ada.Role(t, "nothing", nil)).Want(t, 201).String("/data/attributes/token")
	bob.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": token}, nil).Want(t, 201)
	there := server.LogIn(t, bob.Email, ada.Tenant)
	for range 2 { // the second time from a decision that is remembered
		for _, path := range []string{"/roles", "/users", "/tenants/invitations", "/providers/secrets"} {
			bob.Get(t, path).Want(t, 200)
			there.Get(t, path).Want(t, 403)
		}
		if seen := there.Get(t, "/providers").Want(t, 200); seen.Len("/data") != 0 {
			t.Errorf("bob sees %s", seen.Raw)
		}
		if own := bob.Get(t, "/providers").Want(t, 200); own.Len("/data") != 1 || own.String("/data/0/attributes/alias") != "bob's" {
			t.Errorf("bob sees %s at home", own.Raw)
		}
	}
	there.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": "333333333333"}, nil).Want(t, 403)
}

// Nobody without a role reads what concerns the organisation as a whole either.
func TestAMemberWithoutARoleReadsNothing(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	eve := ada.Member(t, "Eve")
	const id = "/00000000-0000-4000-8000-000000000000"
	for _, path := range []string{"/tasks", "/tasks" + id, "/lighthouse/configuration", "/lighthouse-configurations", "/lighthouse/providers", "/lighthouse/providers" + id,
		"/lighthouse/models", "/findings/metadata", "/findings/metadata/latest", "/findings/latest", "/resources/metadata", "/resources/metadata/latest",
		"/compliance-overviews/metadata", "/compliance-overviews/attributes", "/overviews/findings", "/provider-groups", "/scans", "/ingestions"} {
		if answer := eve.Get(t, path); answer.Status != http.StatusForbidden {
			t.Errorf("%s: %d %s", path, answer.Status, answer.Raw)
		}
	}
	eve.Delete(t, "/tasks"+id).Want(t, 403)
	eve.Get(t, "/users/me").Want(t, 200)
}
