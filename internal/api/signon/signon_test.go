package signon_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/palisade-sec/palisade/internal/api/signon"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/samltest"
)

const failed = "http://ui.example.com/sign-in?lang=en&sso_saml_failed=true"

func TestSignOnFromEndToEnd(t *testing.T) {
	t.Parallel()
	server := start(t)
	ada := server.SignUp(t, "Ada")
	provider, _ := configure(t, server, ada, "corp.example")
	provider.Person(t, "Eve@corp.example", map[string]string{"firstName": "Eve", "lastName": "Example", "organization": "Corp"})
	ended := signOn(t, server, "Eve@corp.example", "/findings?x=1&y=2")
	if ended.Host+ended.Path != "ui.example.com/callback" || ended.Query().Get("callbackUrl") != "/findings?x=1&y=2" {
		t.Fatalf("ended at %s", ended)
	}
	pair := redeem(t, server, ended.Query().Get("id")).Want(t, 200)
	if pair.Header.Get("Content-Type") != "application/vnd.api+json" || len(pair.Body.(map[string]any)) != 1 {
		t.Errorf("pair %s", pair.Header)
	}
	redeem(t, server, ended.Query().Get("id")).Want(t, 404)
	me := as(t, server, pair.String("/data/access"), "GET", "/users/me?include=roles,memberships", nil).Want(t, 200)
	if me.String("/data/attributes/email") != "eve@corp.example" || me.String("/data/attributes/name") != "Eve Example" ||
		me.String("/data/attributes/company_name") != "Corp" || me.Len("/data/relationships/memberships/data") != 1 || me.Len("/data/relationships/roles/data") != 1 {
		t.Fatalf("eve is %s", me.Raw)
	}
	if role := held(t, ada, me.String("/data/id")); role != "read_only true false" {
		t.Errorf("eve holds %s", role)
	}
	// Nobody knows a password of hers.
	server.Anonymous().Post(t, "/tokens", "tokens", map[string]any{"email": "eve@corp.example", "password": apitest.Password}, nil).Want(t, 400)
	// She comes again, is called something else, and holds the role that the provider names.
	auditor := ada.Role(t, "auditor", map[string]any{"manage_scans": true})
	provider.Person(t, "Eve@corp.example", map[string]string{"userType": "auditor"})
	access, _ := enter(t, server, "Eve@corp.example")
	again := as(t, server, access, "GET", "/users/me", nil).Want(t, 200)
	if again.String("/data/id") != me.String("/data/id") || again.String("/data/attributes/name") != "N/A" || again.String("/data/attributes/company_name") != "" ||
		again.Len("/data/relationships/roles/data") != 1 || again.String("/data/relationships/roles/data/0/id") != auditor {
		t.Errorf("eve is %s", again.Raw)
	}
	// A role that is not there is made, and changes nothing; without a name the roles stay.
	provider.Person(t, "Eve@corp.example", map[string]string{"userType": "visitor"})
	enter(t, server, "Eve@corp.example")
	provider.Person(t, "Eve@corp.example", nil)
	enter(t, server, "Eve@corp.example")
	if role := held(t, ada, me.String("/data/id")); role != "visitor true false" {
		t.Errorf("eve holds %s", role)
	}
}

// held are the roles of a member: name, whether it sees all, whether it manages anything.
func held(t *testing.T, manager *apitest.Client, user string) string {
	t.Helper()
	answer := manager.Get(t, "/users/"+user+"?include=roles").Want(t, 200)
	var roles []string
	for i := range max(0, answer.Len("/included")) {
		at := func(name string) any { return answer.At(fmt.Sprintf("/included/%d/attributes/%s", i, name)) }
		manages := at("manage_users") == true || at("manage_account") == true || at("manage_providers") == true || at("manage_integrations") == true || at("manage_scans") == true
		roles = append(roles, fmt.Sprintf("%v %v %v", at("name"), at("unlimited_visibility"), manages))
	}
	return strings.Join(roles, ", ")
}

func TestARoleThatIsCalledReadOnlyAndIsNotIsPassedOver(t *testing.T) {
	t.Parallel()
	server := start(t)
	ada := server.SignUp(t, "Ada")
	provider, _ := configure(t, server, ada, "corp.example")
	ada.Role(t, "read_only", map[string]any{"manage_account": true, "unlimited_visibility": true})
	ada.Role(t, "read_only_0", map[string]any{"unlimited_visibility": false})
	for _, address := range []string{"eve@corp.example", "fay@corp.example"} {
		provider.Person(t, address, nil)
		access, _ := enter(t, server, address)
		me := as(t, server, access, "GET", "/users/me", nil).Want(t, 200)
		if role := held(t, ada, me.String("/data/id")); role != "read_only_1 true false" {
			t.Errorf("%s holds %s", address, role)
		}
	}
}

// count is a number that the database knows.
func count(t *testing.T, server *apitest.Server, query string, arguments ...any) int {
	t.Helper()
	var number int
	if err := server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), query, arguments...).Scan(&number); err != nil {
		t.Fatal(err)
	}
	return number
}

// people is what a refused sign-on must not change.
func people(t *testing.T, server *apitest.Server) string {
	t.Helper()
	var state string
	err := server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select concat_ws(' ', (select string_agg(u.email || u.name || u.password, ',' order by u.id) from users u),
		(select count(*) from memberships), (select count(*) from roles), (select string_agg(role_id::text || user_id, ',' order by role_id, user_id) from role_users),
		(select count(*) from saml_tokens))`).Scan(&state)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestSAMLOfOneTenantCannotLogInAUserOfAnother(t *testing.T) {
	t.Parallel()
	server := start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	evil, _ := configure(t, server, ada, "evil.example")
	configure(t, server, bob, "corp.example")
	// Somebody whose address is of Ada's domain, but who has joined Bob's organisation alone.
	role := bob.Role(t, "reader", nil)
	token := bob.Invite(t, "carol@evil.example", role).Want(t, 201).String("/data/attributes/token")
	server.Anonymous().Post(t, "/users?invitation_token="+token, "users", map[string]any{"name": "Carol Person", "email": "carol@evil.example", "password": apitest.Password}, nil).Want(t, 201)
	before := people(t, server)
	for _, address := range []string{
		"carol@evil.example", "bob@example.com", "bob@corp.example", "bob@corp.example@evil.example", "bob@sub.evil.example", "bob@notevil.example",
		"bob@evil.example.corp.example", "bob@еvil.example", "bоb@evil.example", "bob@evil.example.", "", "evil.example", "\"a b\"@evil.example ,x",
	} {
		one := begin(t, server, "evil.example")
		statement := samltest.New(evil.EntityID, address, "urn:prowler.com:sp", page(server, "evil.example", "acs/"), one.request, time.Now())
		if ended := one.bring(t, statement.Encode(t, evil.Key)); ended.String() != failed {
			t.Errorf("%q ended at %s", address, ended)
		}
	}
	if after := people(t, server); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
	// What is right is let in: the test's statements are not wrong for another reason.
	one := begin(t, server, "evil.example")
	statement := samltest.New(evil.EntityID, "dan@EVIL.example", "urn:prowler.com:sp", page(server, "evil.example", "acs/"), one.request, time.Now())
	if ended := one.bring(t, statement.Encode(t, evil.Key)); ended.Path != "/callback" {
		t.Errorf("dan ended at %s", ended)
	}
}

// TestASignOnStaysInItsTenant: a member of two organisations, whom the identity provider of one vouches for, reaches nothing of
// the other: whoever runs that provider could sign on as them.
func TestASignOnStaysInItsTenant(t *testing.T) {
	t.Parallel()
	server := start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	carol := ada.Member(t, "Carol", ada.Role(t, "all", map[string]any{"manage_account": true, "manage_users": true}))
	token := bob.Invite(t, "carol@example.com", bob.Role(t, "all", map[string]any{"manage_account": true})).Want(t, 201).String("/data/attributes/token")
	carol.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": token}, nil).Want(t, 201)
	provider, _ := configure(t, server, ada, "example.com")
	provider.Person(t, "carol@example.com", map[string]string{"firstName": "Impostor"})
	access, refresh := enter(t, server, "carol@example.com")
	third := server.SignUp(t, "Third").Invite(t, "carol@example.com").Want(t, 201).String("/data/attributes/token")
	for range 2 {
		if me := as(t, server, access, "GET", "/users/me", nil).Want(t, 200); me.Len("/data/relationships/memberships/data") != 1 || me.String("/data/attributes/name") != "Carol Person" {
			t.Errorf("carol is %s", me.Raw)
		}
		if list := as(t, server, access, "GET", "/tenants", nil).Want(t, 200); list.Len("/data") != 1 || list.String("/data/0/id") != ada.Tenant {
			t.Errorf("tenants %s", list.Raw)
		}
		as(t, server, access, "GET", "/roles", nil).Want(t, 200)
		as(t, server, access, "POST", "/tokens/switch", apitest.Resource("tokens-switch-tenant", "", map[string]any{"tenant_id": bob.Tenant}, nil)).Want(t, 403)
		as(t, server, access, "POST", "/invitations/accept", apitest.Resource("invitations", "", map[string]any{"invitation_token": third}, nil)).Want(t, 403)
		as(t, server, access, "GET", "/tenants/"+bob.Tenant, nil).Want(t, 404)
		as(t, server, access, "GET", "/tenants/"+bob.Tenant+"/memberships", nil).Want(t, 404)
		as(t, server, access, "PATCH", "/tenants/"+bob.Tenant, apitest.Resource("tenants", bob.Tenant, map[string]any{"name": "Mine"}, nil)).Want(t, 404)
		as(t, server, access, "PATCH", "/users/"+carol.User, apitest.Resource("users", carol.User, map[string]any{"password": "Another-Horse-9x!"}, nil)).Want(t, 400)
		as(t, server, access, "PATCH", "/users/"+carol.User, apitest.Resource("users", carol.User, map[string]any{"email": "impostor@example.com"}, nil)).Want(t, 400)
		as(t, server, access, "DELETE", "/users/"+carol.User, nil).Want(t, 403)
		renewed := server.Anonymous().Post(t, "/tokens/refresh", "tokens-refresh", map[string]any{"refresh": refresh}, nil).Want(t, 200)
		access, refresh = renewed.String("/data/attributes/access"), renewed.String("/data/attributes/refresh")
	}
	server.LogIn(t, "carol@example.com", bob.Tenant)
}

func TestSAMLOfOneTenantCannotClaimAnothersDomain(t *testing.T) {
	t.Parallel()
	server := start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	key := samltest.NewKey(t)
	metadata := func(i int) string {
		return samltest.Metadata(fmt.Sprintf("https://idp.example.com/%d", i), "https://idp.example.com/sso", key)
	}
	config := func(by *apitest.Client, domain string, i int) *apitest.Answer {
		return by.Post(t, "/saml-config", "saml-configurations", map[string]any{"email_domain": domain, "metadata_xml": metadata(i)}, nil)
	}
	config(ada, "corp.example", 1).Want(t, 201)
	for _, domain := range []string{"corp.example", " CORP.Example "} {
		if refused := config(bob, domain, 2).Want(t, 400); refused.String("/errors/0/detail") != "There is a problem with your email domain." {
			t.Errorf("%q: %s", domain, refused.Raw)
		}
	}
	for _, domain := range []string{"cоrp.example", "corp.example.", "corp", "corp.example/x", "@corp.example", "corp.example@evil.example", "corp .example"} {
		if refused := config(bob, domain, 2).Want(t, 400); refused.String("/errors/0/source/pointer") != "/data/attributes/email_domain" {
			t.Errorf("%q: %s", domain, refused.Raw)
		}
	}
	config(bob, "other.example", 1).Want(t, 400) // the same identity provider
	id := config(bob, "other.example", 2).Want(t, 201).String("/data/id")
	for _, change := range []map[string]any{{"email_domain": "Corp.example"}, {"metadata_xml": metadata(1)}} {
		bob.Patch(t, "/saml-config/"+id, "saml-configurations", id, change, nil).Want(t, 400)
	}
	if found := count(t, server, `select count(*) from saml_configurations where email_domain = 'corp.example'`); found != 1 {
		t.Errorf("%d configurations of one domain", found)
	}
}

// Two organisations that claim a domain at the same moment: one gets it, the other is refused.
func TestOneDomainIsClaimedOnce(t *testing.T) {
	t.Parallel()
	server := start(t)
	key := samltest.NewKey(t)
	clients := []*apitest.Client{server.SignUp(t, "Ada"), server.SignUp(t, "Bob"), server.SignUp(t, "Carol"), server.SignUp(t, "Dan")}
	statuses := make([]int, len(clients))
	var group sync.WaitGroup
	for i, one := range clients {
		group.Go(func() {
			statuses[i] = one.Post(t, "/saml-config", "saml-configurations", map[string]any{"email_domain": "corp.example",
				"metadata_xml": samltest.Metadata(fmt.Sprintf("https://idp.example.com/%d", i), "https://idp.example.com/sso", key)}, nil).Status
		})
	}
	group.Wait()
	made := 0
	for _, status := range statuses {
		if status == 201 {
			made++
		} else if status != 400 {
			t.Errorf("statuses %v", statuses)
		}
	}
	if made != 1 {
		t.Errorf("statuses %v", statuses)
	}
}

// TestResponsesThatLetNobodyIn brings over HTTP what the tests of internal/saml judge, and what only the database can tell.
func TestResponsesThatLetNobodyIn(t *testing.T) {
	t.Parallel()
	server := start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	provider, _ := configure(t, server, ada, "corp.example")
	other, _ := configure(t, server, bob, "other.example")
	before := people(t, server)
	for name, change := range map[string]func(*samltest.Statement){
		"unsigned":                    func(s *samltest.Statement) { s.SignAssertion = false },
		"expired":                     func(s *samltest.Statement) { s.Until = time.Now().Add(-2 * time.Minute) },
		"not yet valid":               func(s *samltest.Statement) { s.NotBefore = time.Now().Add(2 * time.Minute) },
		"wrong audience":              func(s *samltest.Statement) { s.Audience = "urn:other:sp" },
		"wrong recipient":             func(s *samltest.Statement) { s.Recipient = "https://elsewhere.example.com/acs/" },
		"for the other tenant's page": func(s *samltest.Statement) { s.Recipient = page(server, "other.example", "acs/") },
		"of another issuer":           func(s *samltest.Statement) { s.Issuer = other.EntityID },
		"unsolicited":                 func(s *samltest.Statement) { s.InResponseTo, s.ConfirmInResponseTo = "", "" },
		"to a request that nobody made": func(s *samltest.Statement) {
			s.InResponseTo, s.ConfirmInResponseTo = "id-0000000000000000000000000000000000000000", "id-0000000000000000000000000000000000000000"
		},
		"to an odd request": func(s *samltest.Statement) { s.InResponseTo = "id'; drop table users --" },
		"wrapped": func(s *samltest.Statement) {
			s.After = func(r *etree.Element) {
				evil := r.FindElement("./Assertion").Copy()
				evil.RemoveChild(evil.FindElement("./Signature"))
				evil.CreateAttr("ID", "evil")
				evil.FindElement("./Subject/NameID").SetText("root@corp.example")
				r.InsertChildAt(r.FindElement("./Assertion").Index(), evil)
			}
		},
	} {
		one := begin(t, server, "corp.example")
		statement := samltest.New(provider.EntityID, "eve@corp.example", "urn:prowler.com:sp", page(server, "corp.example", "acs/"), one.request, time.Now())
		change(&statement)
		if ended := one.bring(t, statement.Encode(t, provider.Key)); ended.String() != failed {
			t.Errorf("%s: ended at %s", name, ended)
		}
	}
	good := func(one begun) samltest.Statement {
		return samltest.New(provider.EntityID, "eve@corp.example", "urn:prowler.com:sp", page(server, "corp.example", "acs/"), one.request, time.Now())
	}
	one := begin(t, server, "corp.example")
	if ended := one.bring(t, good(one).Encode(t, other.Key)); ended.String() != failed {
		t.Errorf("wrong certificate: ended at %s", ended)
	}
	// The other tenant's page does not take what was said to this one's, by whichever provider.
	theirs := begun{server: server, domain: "other.example", browser: one.browser}
	if ended := theirs.bring(t, good(one).Encode(t, provider.Key)); ended.String() != failed {
		t.Errorf("other tenant's page: ended at %s", ended)
	}
	stolen := good(one)
	stolen.Issuer = other.EntityID
	if ended := one.bring(t, stolen.Encode(t, other.Key)); ended.String() != failed {
		t.Errorf("other tenant's provider: ended at %s", ended)
	}
	for name, form := range map[string]url.Values{"nothing": {}, "text": {"SAMLResponse": {"x"}}, "too much": {"SAMLResponse": {strings.Repeat("A", 1<<20)}}, "an artifact": {"SAMLart": {"x"}}} {
		if ended := one.browser.post(t, page(server, "corp.example", "acs/"), form).want(t, 302).location; ended.String() != failed {
			t.Errorf("%s: ended at %s", name, ended)
		}
	}
	if after := people(t, server); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
	if ended := one.bring(t, good(one).Encode(t, provider.Key)); ended.Path != "/callback" {
		t.Errorf("a good response after the bad ones: ended at %s", ended)
	}
}

func TestAResponseIsGoodOnce(t *testing.T) {
	t.Parallel()
	server := start(t)
	ada := server.SignUp(t, "Ada")
	provider, _ := configure(t, server, ada, "corp.example")
	one := begin(t, server, "corp.example")
	statement := samltest.New(provider.EntityID, "eve@corp.example", "urn:prowler.com:sp", page(server, "corp.example", "acs/"), one.request, time.Now())
	response := statement.Encode(t, provider.Key)
	if ended := one.bring(t, response); ended.Path != "/callback" {
		t.Fatalf("ended at %s", ended)
	}
	if ended := one.bring(t, response); ended.String() != failed {
		t.Errorf("replayed: ended at %s", ended)
	}
	// The same assertion in answer to another request, as a careless provider might say it.
	again := begin(t, server, "corp.example")
	second := statement
	second.InResponseTo, second.ConfirmInResponseTo = again.request, again.request
	if ended := again.bring(t, second.Encode(t, provider.Key)); ended.String() != failed {
		t.Errorf("the same assertion: ended at %s", ended)
	}
	// At the same moment, one of several is taken.
	race := begin(t, server, "corp.example")
	third := samltest.New(provider.EntityID, "fay@corp.example", "urn:prowler.com:sp", page(server, "corp.example", "acs/"), race.request, time.Now()).Encode(t, provider.Key)
	ends := make([]string, 6)
	var group sync.WaitGroup
	for i := range ends {
		group.Go(func() {
			racer := begun{server: server, domain: "corp.example", browser: &browser{&http.Client{Jar: race.browser.client.Jar, CheckRedirect: race.browser.client.CheckRedirect}}}
			ends[i] = racer.bring(t, third).Path
		})
	}
	group.Wait()
	if taken := strings.Count(strings.Join(ends, " "), "/callback"); taken > 1 {
		t.Errorf("ended at %v", ends)
	}
	if made := count(t, server, `select count(*) from users where email like '%@corp.example'`); made > 2 {
		t.Errorf("%d people", made)
	}
}

// TestTheBrowserThatBeganFinishes: a response that an attacker got for themselves signs nobody else's browser on.
func TestTheBrowserThatBeganFinishes(t *testing.T) {
	t.Parallel()
	server := start(t)
	ada := server.SignUp(t, "Ada")
	provider, _ := configure(t, server, ada, "corp.example")
	one, victim := begin(t, server, "corp.example"), newBrowser(t)
	response := func(of begun) string {
		return samltest.New(provider.EntityID, "eve@corp.example", "urn:prowler.com:sp", page(server, "corp.example", "acs/"), of.request, time.Now()).Encode(t, provider.Key)
	}
	if ended := (begun{server: server, domain: "corp.example", browser: victim}).bring(t, response(one)); ended.String() != failed {
		t.Errorf("a browser that began nothing ended at %s", ended)
	}
	two := begin(t, server, "corp.example")
	if ended := (begun{server: server, domain: "corp.example", browser: begin(t, server, "corp.example").browser}).bring(t, response(two)); ended.String() != failed {
		t.Errorf("a browser that began something else ended at %s", ended)
	}
	if ended := newBrowser(t).get(t, page(server, "corp.example", "acs/finish/")).want(t, 302).location; ended.String() != failed {
		t.Errorf("without anything: ended at %s", ended)
	}
	if made := count(t, server, `select count(*) from users where email like '%@corp.example'`); made != 0 {
		t.Errorf("%d people", made)
	}
}

func TestAChangedConfigurationEndsWhatWasBegun(t *testing.T) {
	t.Parallel()
	server := start(t)
	ada := server.SignUp(t, "Ada")
	provider, id := configure(t, server, ada, "corp.example")
	provider.Person(t, "eve@corp.example", nil)
	answer := func(one begun) string {
		return one.bring(t, samltest.New(provider.EntityID, "eve@corp.example", "urn:prowler.com:sp", page(server, "corp.example", "acs/"), one.request, time.Now()).Encode(t, provider.Key)).String()
	}
	one := begin(t, server, "corp.example")
	token := signOn(t, server, "eve@corp.example", "").Query().Get("id")
	ada.Patch(t, "/saml-config/"+id, "saml-configurations", id, map[string]any{"metadata_xml": provider.Metadata}, nil).Want(t, 200)
	if ended := answer(one); ended != failed {
		t.Errorf("ended at %s", ended)
	}
	redeem(t, server, token).Want(t, 404)
	two := begin(t, server, "corp.example")
	token = signOn(t, server, "eve@corp.example", "").Query().Get("id")
	ada.Delete(t, "/saml-config/"+id).Want(t, 204)
	if ended := answer(two); ended != failed {
		t.Errorf("ended at %s", ended)
	}
	redeem(t, server, token).Want(t, 404)
	if status, _ := initiate(t, server, "corp.example", ""); status != 403 {
		t.Errorf("initiate: %d", status)
	}
	newBrowser(t).get(t, page(server, "corp.example", "login/")).want(t, 404)
	// A sign-on that waited too long is over, too.
	configure(t, server, ada, "late.example")
	late := begin(t, server, "late.example")
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update saml_requests set expires_at = now() - interval '1 second'`); err != nil {
		t.Fatal(err)
	}
	if ended := answer(late); ended != failed {
		t.Errorf("late: ended at %s", ended)
	}
	begin(t, server, "late.example")
	if left := count(t, server, `select count(*) from saml_requests where expires_at < now()`); left != 0 {
		t.Errorf("%d sign-ons are kept for nothing", left)
	}
}

func TestAOneTimeTokenIsGoodOnceAndNotForLong(t *testing.T) {
	t.Parallel()
	server := start(t)
	ada := server.SignUp(t, "Ada")
	provider, _ := configure(t, server, ada, "corp.example")
	provider.Person(t, "eve@corp.example", nil)
	id := signOn(t, server, "eve@corp.example", "").Query().Get("id")
	if kept := count(t, server, `select count(*) from saml_tokens where digest = sha256($1::text::bytea) and position(convert_to($1, 'UTF8') in digest) = 0`, id); kept != 1 {
		t.Errorf("%d rows of the token", kept)
	}
	statuses := make([]int, 8)
	var group sync.WaitGroup
	for i := range statuses {
		group.Go(func() { statuses[i] = redeem(t, server, id).Status })
	}
	group.Wait()
	won := 0
	for _, status := range statuses {
		if status == 200 {
			won++
		} else if status != 404 {
			t.Errorf("statuses %v", statuses)
		}
	}
	if won != 1 {
		t.Errorf("statuses %v", statuses)
	}
	if left := count(t, server, `select count(*) from saml_tokens`); left != 0 {
		t.Errorf("%d tokens are left", left)
	}
	id = signOn(t, server, "eve@corp.example", "").Query().Get("id")
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update saml_tokens set expires_at = now() - interval '1 second'`); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if late := redeem(t, server, id).Want(t, 400); late.String("/errors/detail") != "Token expired." {
			t.Errorf("late: %s", late.Raw)
		}
	}
	// A person who may not come in any more does not.
	id = signOn(t, server, "eve@corp.example", "").Query().Get("id")
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update users set is_active = false where email = 'eve@corp.example'`); err != nil {
		t.Fatal(err)
	}
	redeem(t, server, id).Want(t, 404)
	if ended := signOn(t, server, "eve@corp.example", ""); ended.String() != failed {
		t.Errorf("inactive: ended at %s", ended)
	}
	for _, text := range []string{"", "abc", "{" + id + "}x"} {
		if refused := redeem(t, server, text).Want(t, 400); refused.String("/errors/0/detail") != "“"+text+"” is not a valid UUID." {
			t.Errorf("%q: %s", text, refused.Raw)
		}
	}
}

func TestTheLastAccountManagerKeepsTheirRole(t *testing.T) {
	t.Parallel()
	server := start(t)
	ada := server.SignUp(t, "Ada") // ada@example.com, alone manages the account
	provider, _ := configure(t, server, ada, "example.com")
	provider.Person(t, "ada@example.com", map[string]string{"userType": "visitor"})
	enter(t, server, "ada@example.com")
	if role := held(t, ada, ada.User); role != "admin true true" {
		t.Errorf("ada holds %s", role)
	}
	if made := count(t, server, `select count(*) from roles where name = 'visitor'`); made != 0 {
		t.Error("a role was made for nobody")
	}
	// A role that manages the account too may take the other's place.
	ada.Role(t, "boss", map[string]any{"manage_account": true, "manage_users": true, "unlimited_visibility": true})
	provider.Person(t, "ada@example.com", map[string]string{"userType": "boss"})
	enter(t, server, "ada@example.com")
	if role := held(t, ada, ada.User); role != "boss true true" {
		t.Errorf("ada holds %s", role)
	}
	// Of two managers who are demoted at the same moment, one stays.
	boss := ada.Get(t, "/roles?filter[name]=boss").Want(t, 200).String("/data/0/id")
	ada.Member(t, "Bea", boss)
	for _, address := range []string{"ada@example.com", "bea@example.com"} {
		provider.Person(t, address, map[string]string{"userType": "visitor"})
	}
	var group sync.WaitGroup
	for _, address := range []string{"ada@example.com", "bea@example.com"} {
		group.Go(func() { signOn(t, server, address, "") })
	}
	group.Wait()
	managers := count(t, server, `select count(*) from role_users ru join roles ro on ro.id = ru.role_id where ro.manage_account and ro.tenant_id = $1`, ada.Tenant)
	if managers != 1 {
		t.Errorf("%d people manage the account", managers)
	}
}

func TestTheFirstSignOnsOfOnePersonMakeOnePerson(t *testing.T) {
	t.Parallel()
	server := start(t)
	ada := server.SignUp(t, "Ada")
	provider, _ := configure(t, server, ada, "corp.example")
	provider.Person(t, "eve@corp.example", nil)
	ends := make([]string, 4)
	var group sync.WaitGroup
	for i := range ends {
		group.Go(func() { ends[i] = signOn(t, server, "eve@corp.example", "").Path })
	}
	group.Wait()
	if got := strings.Join(ends, " "); got != strings.TrimSpace(strings.Repeat("/callback ", 4)) {
		t.Errorf("ended at %s", got)
	}
	if rows := count(t, server, `select (select count(*) from users where email = 'eve@corp.example') * 100 + (select count(*) from roles where name like 'read\_only%') * 10
		+ (select count(*) from memberships m join users u on u.id = m.user_id where u.email = 'eve@corp.example')`); rows != 111 {
		t.Errorf("people, roles and memberships: %d", rows)
	}
}

func TestConfigurationRefusals(t *testing.T) {
	t.Parallel()
	server := start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	_, id := configure(t, server, ada, "corp.example")
	manager := ada.Member(t, "Mia", ada.Role(t, "integrations", map[string]any{"manage_integrations": true}))
	nobody := ada.Member(t, "Nils", ada.Role(t, "others", map[string]any{"manage_account": true, "manage_users": true, "manage_providers": true, "manage_scans": true}))
	if one := manager.Get(t, "/saml-config/"+id).Want(t, 200); one.String("/data/attributes/email_domain") != "corp.example" {
		t.Errorf("one %s", one.Raw)
	}
	for _, path := range []string{"/saml-config", "/saml-config/" + id} {
		nobody.Get(t, path).Want(t, 403)
		server.Anonymous().Get(t, path).Want(t, 401)
	}
	nobody.Patch(t, "/saml-config/"+id, "saml-configurations", id, nil, nil).Want(t, 403)
	nobody.Delete(t, "/saml-config/"+id).Want(t, 403)
	bob.Get(t, "/saml-config/"+id).Want(t, 404)
	bob.Patch(t, "/saml-config/"+id, "saml-configurations", id, map[string]any{"email_domain": "bob.example"}, nil).Want(t, 404)
	bob.Delete(t, "/saml-config/"+id).Want(t, 404)
	if list := bob.Get(t, "/saml-config").Want(t, 200); list.Len("/data") != 0 {
		t.Errorf("bob sees %s", list.Raw)
	}
	for name, one := range map[string]struct {
		attributes map[string]any
		status     int
	}{
		"a list":      {map[string]any{"email_domain": []string{"x"}}, 400},
		"null":        {map[string]any{"metadata_xml": nil}, 400},
		"a NUL":       {map[string]any{"email_domain": "a\x00.example"}, 400},
		"a long name": {map[string]any{"email_domain": strings.Repeat("a.", 150) + "example"}, 400},
		"large":       {map[string]any{"metadata_xml": strings.Repeat("x", 300<<10)}, 400},
		"nothing":     {map[string]any{}, 200},
		"unknown":     {map[string]any{"colour": "blue"}, 200},
	} {
		if answer := ada.Patch(t, "/saml-config/"+id, "saml-configurations", id, one.attributes, nil); answer.Status != one.status {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
	}
}

func TestWhereThePagesLead(t *testing.T) {
	t.Parallel()
	server := start(t)
	ada := server.SignUp(t, "Ada")
	configure(t, server, ada, "corp.example")
	for callback, want := range map[string]string{"/a?b=c": "/a?b=c", "": "", "//evil.example": "", "/\\evil.example": "", "/\t/evil.example": "", "https://evil.example": "", "evil": ""} {
		status, location := initiate(t, server, "somebody@Corp.example", callback)
		address, err := url.Parse(location)
		if err != nil || status != 302 || address.Query().Get("callback_url") != want || address.Host != "" {
			t.Errorf("%q: %d %s", callback, status, location)
		}
	}
	// What comes to the page itself is looked at again.
	for callback, want := range map[string]int{"/ok": 1, "//evil.example": 0} {
		newBrowser(t).get(t, page(server, "corp.example", "login/")+"?callback_url="+url.QueryEscape(callback))
		if kept := count(t, server, `select count(*) from saml_requests where callback = $1`, callback); kept != want {
			t.Errorf("%q is kept %d times", callback, kept)
		}
	}
	plain := &browser{&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	for _, one := range []struct {
		method, path string
		status       int
		location     string
	}{
		{"GET", "corp.example/login", 301, "/api/v1/accounts/saml/corp.example/login/"},
		{"GET", "corp.example/acs/finish?x=1", 301, "/api/v1/accounts/saml/corp.example/acs/finish/?x=1"},
		{"GET", "corp.example/acs/", 405, ""},
		{"POST", "corp.example/metadata/", 405, ""},
		{"DELETE", "corp.example/login/", 405, ""},
		{"GET", "CORP.example/metadata/", 200, ""},
		{"GET", "nobody.example/metadata/", 404, ""},
		{"GET", "nobody.example/login/", 404, ""},
		{"GET", "nobody.example/sls/", 404, ""},
		{"GET", "corp.example/sls/", 501, ""},
		{"POST", "nobody.example/acs/", 302, "/api/v1/accounts/saml/nobody.example/acs/finish/"},
		{"POST", "%2F%2Fevil.example/acs/", 302, "/api/v1/accounts/saml/%2F%2Fevil.example/acs/finish/"},
		{"POST", "%00/acs/", 302, "/api/v1/accounts/saml/%00/acs/finish/"},
		{"GET", "%ff/login/", 404, ""},
		{"GET", "corp.example/other/", 404, ""},
	} {
		seen := plain.do(t, one.method, server.URL+"/accounts/saml/"+one.path, nil)
		location := ""
		if seen.location != nil {
			location = seen.location.RequestURI()
		}
		if seen.status != one.status || location != one.location {
			t.Errorf("%s %s: %d %s", one.method, one.path, seen.status, location)
		}
	}
	seen := plain.get(t, page(server, "corp.example", "login/"))
	cookie := seen.header.Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Lax", "Path=/api/v1/accounts/saml/corp.example/", "Max-Age=660"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("cookie %s lacks %s", cookie, part)
		}
	}
	if seen.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", seen.header)
	}
}

func TestSettingsThatAreMissing(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	key := samltest.NewKey(t)
	ada.Post(t, "/saml-config", "saml-configurations", map[string]any{"email_domain": "corp.example",
		"metadata_xml": samltest.Metadata("https://idp.example.com/1", "https://idp.example.com/sso", key)}, nil).Want(t, 201)
	for _, name := range []string{"login/", "acs/finish/"} {
		if seen := newBrowser(t).get(t, page(server, "corp.example", name)).want(t, 503); !strings.Contains(string(seen.body), "sign-in-url is missing") {
			t.Errorf("%s: %s", name, seen.body)
		}
	}
	// Under another name than the machine's own, nobody is believed to be the host they say they ask.
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page(server, "corp.example", "metadata/"), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "evil.example"
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != 503 {
		t.Errorf("%v, %v", answer, err)
	}
	_ = answer.Body.Close()
	set := apitest.StartWith(t, apitest.Setup{DB: server.DB, Settings: app.Settings{KeyDir: server.KeyDir,
		SignOn: signon.Settings{ExternalURL: "https://api.example.com/", SignInURL: signInURL, CallbackURL: callbackURL, EntityID: "urn:ours"}}})
	document := string(newBrowser(t).get(t, page(set, "corp.example", "metadata/")).want(t, 200).body)
	if !strings.Contains(document, `entityID="urn:ours"`) || !strings.Contains(document, `Location="https://api.example.com/api/v1/accounts/saml/corp.example/acs/"`) {
		t.Errorf("metadata %s", document)
	}
	if _, location := initiate(t, set, "corp.example", ""); location != "https://api.example.com/api/v1/accounts/saml/corp.example/login/" {
		t.Errorf("initiate leads to %s", location)
	}
	plain := &browser{&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if cookie := plain.get(t, page(set, "corp.example", "login/")).want(t, 302).header.Get("Set-Cookie"); !strings.Contains(cookie, "Secure") {
		t.Errorf("cookie %s", cookie)
	}
	for _, wrong := range []signon.Settings{{ExternalURL: "api.example.com"}, {ExternalURL: "https://api.example.com/api"}, {SignInURL: "javascript:x"}, {CallbackURL: "/callback"}, {CallbackURL: "https://a:b@ui.example.com"}} {
		if wrong.Check() == nil {
			t.Errorf("%+v is accepted", wrong)
		}
	}
}
