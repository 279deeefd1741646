package tokens_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/social"
	"github.com/palisade-sec/palisade/internal/socialtest"
)

const form = "application/x-www-form-urlencoded"

// world is a server that people log in to through a provider.
type world struct {
	*apitest.Server
	provider *socialtest.Server
}

func startSocial(t *testing.T, settings app.Settings) *world {
	t.Helper()
	provider := socialtest.Start(t)
	settings.Social = provider.Settings()
	return &world{apitest.StartWith(t, apitest.Setup{Settings: settings}), provider}
}

// come logs a person in through a provider, as the user interface does.
func (w *world) come(t *testing.T, name social.Name, person socialtest.Person, invitation string) *apitest.Answer {
	t.Helper()
	body := url.Values{"code": {w.provider.Agree(t, name, person)}}
	if invitation != "" {
		body.Set("invitation_token", invitation)
	}
	return w.Anonymous().Do(t, http.MethodPost, "/tokens/"+string(name), form, []byte(body.Encode()))
}

// me asks with the tokens of an answer who they are for.
func (w *world) me(t *testing.T, answer *apitest.Answer) (user, name, email string) {
	t.Helper()
	status, body := ask(t, w.Server, "Bearer "+answer.Want(t, 200).String("/data/attributes/access"))
	if status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	client := w.with(answer)
	me := client.Get(t, "/users/me").Want(t, 200)
	return me.String("/data/id"), me.String("/data/attributes/name"), me.String("/data/attributes/email")
}

func (w *world) with(answer *apitest.Answer) *apitest.Client {
	return w.Anonymous().WithToken(answer.String("/data/attributes/access"))
}

func (w *world) count(t *testing.T, sql string) int {
	t.Helper()
	var n int
	if err := w.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func refusal(t *testing.T, answer *apitest.Answer, status int, detail string) {
	t.Helper()
	if answer.Status != status || !strings.Contains(answer.String("/errors/0/detail"), detail) {
		t.Errorf("%d %s, want %d %q", answer.Status, answer.Raw, status, detail)
	}
}

func person(subject, email string) socialtest.Person {
	return socialtest.Person{Subject: subject, Email: email, Verified: true, Name: "Zoë Person", Login: "zoe-p"}
}

func TestWhoeverIsNewGetsAnOrganisation(t *testing.T) {
	t.Parallel()
	w := startSocial(t, app.Settings{})
	for provider, zoe := range map[social.Name]socialtest.Person{social.Google: person("1", "Zoe@Example.com"), social.GitHub: person("2", "zack@example.com")} {
		first := w.come(t, provider, zoe, "").Want(t, 200)
		if kind := first.String("/data/type"); kind != string(provider)+"-social-tokens" || first.At("/data/id") != nil || first.At("/meta") != nil {
			t.Errorf("%s", first.Raw)
		}
		user, name, email := w.me(t, first)
		if name != "Zoë Person" || email != strings.ToLower(zoe.Email) {
			t.Errorf("%s: %s, %s", provider, name, email)
		}
		client := w.with(first)
		tenants := client.Get(t, "/tenants").Want(t, 200)
		if local, _, _ := strings.Cut(email, "@"); tenants.Len("/data") != 1 || tenants.String("/data/0/attributes/name") != local+" default tenant" {
			t.Errorf("%s", tenants.Raw)
		}
		client.Role(t, "Made by its founder", nil)
		// The account is what counts from now on, not the address or the name.
		moved := zoe
		moved.Email, moved.Name, moved.Verified = "moved@example.com", "Another", false
		if again, _, email := w.me(t, w.come(t, provider, moved, "")); again != user || email != strings.ToLower(zoe.Email) {
			t.Errorf("%s: came back as %s %s", provider, again, email)
		}
		refreshed := w.Anonymous().Post(t, "/tokens/refresh", "tokens-refresh", map[string]any{"refresh": first.String("/data/attributes/refresh")}, nil)
		refreshed.Want(t, 200)
		// Without a password no password is right; one can be set, and ends the tokens before it.
		for _, guess := range []string{"", " ", apitest.Password, "null"} {
			if answer := w.Anonymous().Post(t, "/tokens", "tokens", map[string]any{"email": email, "password": guess}, nil); answer.Status != 400 {
				t.Errorf("password %q: %d", guess, answer.Status)
			}
		}
		client.Patch(t, "/users/"+user, "users", user, map[string]any{"password": apitest.Password}, nil).Want(t, 200)
		if status, _ := ask(t, w.Server, "Bearer "+first.String("/data/attributes/access")); status != 401 {
			t.Errorf("a token from before the password: %d", status)
		}
		w.LogIn(t, email, "")
		if again, _, _ := w.me(t, w.come(t, provider, zoe, "")); again != user {
			t.Error("the provider is forgotten")
		}
	}
	if n := w.count(t, `select count(*) from users`); n != 2 {
		t.Errorf("%d people", n)
	}
}

func TestNamesAreOnesThatPeopleMayHave(t *testing.T) {
	t.Parallel()
	w := startSocial(t, app.Settings{})
	for i, one := range []struct{ name, login, want string }{
		{"Al", "al-bert", "al-bert"},
		{"", "", "second@example.com"},
		{"  Ada\x00\n\u202e Person ", "x", "Ada Person"},
		{strings.Repeat("ü", 200), "x", strings.Repeat("ü", 150)},
		{"\u200b\u200b\u200b\u200b", "zz", "fifth@example.com"},
	} {
		email := []string{"first", "second", "third", "fourth", "fifth"}[i] + "@example.com"
		_, name, _ := w.me(t, w.come(t, social.GitHub, socialtest.Person{Subject: "1" + strconv.Itoa(i), Email: email, Verified: true, Name: one.name, Login: one.login}, ""))
		if name != one.want {
			t.Errorf("%q, %q: named %q", one.name, one.login, name)
		}
	}
}

// TestUnverifiedSocialEmailNeverLinks: nobody takes over an account by an address that is not known to be theirs on both sides.
func TestUnverifiedSocialEmailNeverLinks(t *testing.T) {
	t.Parallel()
	w := startSocial(t, app.Settings{})
	ada := w.SignUp(t, "Ada") // with a password: nobody has vouched for the address
	admin := w.SignUp(t, "Admin")
	token := admin.Invite(t, "ben@example.com").Want(t, 201).String("/data/attributes/token")
	w.Anonymous().Post(t, "/users?invitation_token="+token, "users", map[string]any{"name": "Ben Person", "email": "ben@example.com", "password": apitest.Password}, nil).Want(t, 201)
	unverified := func(p socialtest.Person) socialtest.Person { p.Verified = false; return p }

	for _, provider := range []social.Name{social.Google, social.GitHub} {
		for _, email := range []string{ada.Email, "ADA@Example.com", " ada@example.com ", "ben@example.com"} {
			refusal(t, w.come(t, provider, person("10", email), ""), 403, "There is an account with this e-mail address already.")
			refusal(t, w.come(t, provider, unverified(person("10", email)), ""), 403, "no verified e-mail address")
		}
		// The same answer where there is no such person.
		refusal(t, w.come(t, provider, unverified(person("11", "nobody@example.com")), ""), 403, "no verified e-mail address")
		refusal(t, w.come(t, provider, person("12", ""), ""), 403, "no verified e-mail address")
		refusal(t, w.come(t, provider, person("13", "no address"), ""), 403, "no verified e-mail address")
		refusal(t, w.come(t, provider, person("14", "a@b\x00.example.com"), ""), 403, "no verified e-mail address")
		refusal(t, w.come(t, provider, person("15", strings.Repeat("a", 250)+"@example.com"), ""), 403, "no verified e-mail address")
	}
	// Letters that look like others are other letters: Cyrillic here.
	if lookAlike := w.come(t, social.Google, person("16", "аda@example.com"), ""); lookAlike.Status == 200 {
		if user, _, _ := w.me(t, lookAlike); user == ada.User {
			t.Error("a look-alike came in")
		}
	}

	// An address that Google vouched for at sign-up can be linked to GitHub, but not to a second account at Google.
	zoe, _, _ := w.me(t, w.come(t, social.Google, person("20", "zoe@example.com"), ""))
	refusal(t, w.come(t, social.Google, person("21", "zoe@example.com"), ""), 403, "There is an account")
	refusal(t, w.come(t, social.GitHub, unverified(person("22", "zoe@example.com")), ""), 403, "no verified")
	if linked, _, _ := w.me(t, w.come(t, social.GitHub, person("22", "zoe@example.com"), "")); linked != zoe {
		t.Error("GitHub leads to another person")
	}
	refusal(t, w.come(t, social.GitHub, person("23", "zoe@example.com"), ""), 403, "There is an account")

	// Once she changes her address, nobody vouches for the new one, even when it was the old one before.
	yan := w.come(t, social.Google, person("30", "yan@example.com"), "").Want(t, 200)
	id, _, _ := w.me(t, yan)
	client := w.with(yan)
	for _, email := range []string{"new@example.com", "yan@example.com"} {
		client.Patch(t, "/users/"+id, "users", id, map[string]any{"email": email}, nil).Want(t, 200)
		refusal(t, w.come(t, social.GitHub, person("31", email), ""), 403, "There is an account")
	}
	if n := w.count(t, `select count(*) from social_accounts where subject <> '16'`); n != 3 {
		t.Errorf("%d accounts are linked, want those of zoe (2) and yan", n)
	}
}

func TestAnInvitationIsAcceptedOnTheWay(t *testing.T) {
	t.Parallel()
	w := startSocial(t, app.Settings{})
	ada, eve := w.SignUp(t, "Ada"), w.SignUp(t, "Eve")
	role := ada.Role(t, "Readers", map[string]any{"manage_users": true})
	invite := func(email string) string {
		return ada.Invite(t, email, role).Want(t, 201).String("/data/attributes/token")
	}

	// Somebody new joins, and has no organisation of their own.
	fresh := w.come(t, social.Google, person("1", "zoe@example.com"), invite("zoe@example.com"))
	zoe, _, _ := w.me(t, fresh)
	if tenants := w.with(fresh).Get(t, "/tenants").Want(t, 200); tenants.Len("/data") != 1 || tenants.String("/data/0/id") != ada.Tenant {
		t.Errorf("%s", tenants.Raw)
	}
	// Somebody known joins; the tokens are for the organisation of the invitation, later ones for the oldest.
	first := w.come(t, social.GitHub, person("2", "yan@example.com"), "").Want(t, 200)
	own := w.with(first).Get(t, "/tenants").Want(t, 200).String("/data/0/id")
	joined := w.come(t, social.GitHub, person("2", "yan@example.com"), invite("yan@example.com")).Want(t, 200)
	if w.with(joined).Get(t, "/tenants/"+ada.Tenant).Want(t, 200); w.with(joined).Get(t, "/users").Want(t, 200).Len("/data") != 3 {
		t.Error("the tokens are not for the organisation of the invitation")
	}
	later := w.come(t, social.GitHub, person("2", "yan@example.com"), "").Want(t, 200)
	if seen := w.with(later).Get(t, "/users").Want(t, 200).Len("/data"); seen != 1 {
		t.Errorf("later tokens see %d people; want those of %s alone", seen, own)
	}

	people := w.count(t, `select count(*) from users`)
	for name, one := range map[string]struct {
		token  string
		status int
	}{
		"of another address": {invite("other@example.com"), 404},
		"unknown":            {"AAAAAAAAAAAAAA", 404},
		"nonsense":           {"\xff", 400},
		"zero":               {"\x00", 400},
	} {
		if answer := w.come(t, social.Google, person("3", "xia@example.com"), one.token); answer.Status != one.status {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
		if answer := w.come(t, social.Google, person("1", "zoe@example.com"), one.token); answer.Status != one.status {
			t.Errorf("%s, by somebody known: %d %s", name, answer.Status, answer.Raw)
		}
	}
	late := invite("late@example.com")
	w.exec(t, `update invitations set expires_at = now() - interval '1 hour' where token = $1`, late)
	refusal(t, w.come(t, social.Google, person("4", "late@example.com"), late), 410, "expired")
	if n := w.count(t, `select count(*) from invitations where state = 'expired'`); n != 1 {
		t.Error("the lapse is not noted")
	}
	used := invite("used@example.com")
	w.come(t, social.Google, person("5", "used@example.com"), used).Want(t, 200)
	refusal(t, w.come(t, social.Google, person("5", "used@example.com"), used), 400, "no longer valid")
	if n := w.count(t, `select count(*) from users`); n != people+1 {
		t.Errorf("refusals left %d people", n-people-1)
	}
	// An address that nobody vouches for accepts nothing.
	stranger := person("6", "victim@example.com")
	stranger.Verified = false
	refusal(t, w.come(t, social.Google, stranger, invite("victim@example.com")), 403, "no verified")
	// Another organisation learns nothing of them.
	if answer := eve.Get(t, "/users/"+zoe); answer.Status != 404 {
		t.Errorf("%d", answer.Status)
	}
}

func (w *world) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := w.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func TestWhoIsInactiveOrGoneStaysOut(t *testing.T) {
	t.Parallel()
	w := startSocial(t, app.Settings{})
	zoe := person("1", "zoe@example.com")
	answer := w.come(t, social.Google, zoe, "").Want(t, 200)
	w.exec(t, `update users set is_active = false`)
	refusal(t, w.come(t, social.Google, zoe, ""), 403, "inactive")
	refusal(t, w.come(t, social.GitHub, zoe, ""), 403, "inactive")
	if status, _ := ask(t, w.Server, "Bearer "+answer.String("/data/attributes/access")); status != 401 {
		t.Errorf("an inactive person's token: %d", status)
	}
	w.exec(t, `update users set is_active = true`)
	id, _, _ := w.me(t, answer)
	w.with(answer).Delete(t, "/users/"+id).Want(t, 204)
	if n := w.count(t, `select count(*) from social_accounts`); n != 0 {
		t.Errorf("%d accounts outlive their person", n)
	}
	if again, _, _ := w.me(t, w.come(t, social.Google, zoe, "")); again == id {
		t.Error("the person is back")
	}
	w.exec(t, `delete from memberships`)
	refusal(t, w.come(t, social.Google, zoe, ""), 400, "User has no memberships.")
}

func TestOneAccountComesManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	w := startSocial(t, app.Settings{})
	var group sync.WaitGroup
	for i := range 8 {
		provider := []social.Name{social.Google, social.GitHub}[i%2]
		group.Go(func() {
			if answer := w.come(t, provider, person("1", "zoe@example.com"), ""); answer.Status != 200 {
				t.Errorf("%d %s", answer.Status, answer.Raw)
			}
		})
	}
	group.Wait()
	for sql, want := range map[string]int{`select count(*) from users`: 1, `select count(*) from tenants`: 1, `select count(*) from social_accounts`: 2} {
		if n := w.count(t, sql); n != want {
			t.Errorf("%s: %d, want %d", sql, n, want)
		}
	}
}

func TestWhatIsNoAuthorisationIsRefused(t *testing.T) {
	t.Parallel()
	w := startSocial(t, app.Settings{})
	bare := apitest.Start(t)
	const missing = "Incorrect input. access_token or code is required."
	document := func(kind string, attributes map[string]any) string {
		return string(apitest.Resource(kind, "", attributes, nil))
	}
	for _, one := range []struct {
		kind, body string
		status     int
		detail     string
	}{
		{"", "", 400, missing},
		{form, "", 400, missing},
		{form, "foo=1", 400, missing},
		{form, "code=", 400, missing},
		{form, "code=+", 400, missing},
		{form, "id_token=eyJ", 400, missing},
		{form, "access_token=gho_x", 400, "An access_token is not accepted."},
		{form, "code=%00", 400, "Null characters"},
		{form, "code=%ff", 400, "UTF-8"},
		{form, "code=%zz", 400, "URL-encoded"},
		{form, "code=" + strings.Repeat("x", 5000), 400, "no more than"},
		{form, "code=nonsense", 400, "does not accept the code"},
		{"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\nnonsense\r\n--x--\r\n", 400, "does not accept the code"},
		{"multipart/form-data", "code", 400, "boundary"},
		{"application/json", "{}", 415, "Unsupported media type"},
		{"application/json; charset=utf-8", `{"code":"x"}`, 415, "Unsupported media type"},
		{"text/plain", "code=x", 415, "Unsupported media type"},
		{jsonapi.MediaType, document("google-social-tokens", map[string]any{"code": "nonsense"}), 400, "does not accept the code"},
		{jsonapi.MediaType, document("google-social-tokens", map[string]any{"code": nil}), 400, missing},
		{jsonapi.MediaType, document("google-social-tokens", map[string]any{"code": []any{}}), 400, "Not a valid string."},
		{jsonapi.MediaType, document("tokens", map[string]any{"code": "x"}), 409, "type"},
		{jsonapi.MediaType, "{", 400, "JSON parse error"},
	} {
		refusal(t, w.Anonymous().Do(t, http.MethodPost, "/tokens/google", one.kind, []byte(one.body)), one.status, one.detail)
		// A server that is known to no provider refuses the same before it says so.
		detail := one.detail
		if strings.Contains(detail, "does not accept the code") {
			detail = "Log-in through Google is not set up."
		}
		refusal(t, bare.Anonymous().Do(t, http.MethodPost, "/tokens/google", one.kind, []byte(one.body)), one.status, detail)
	}
	refusal(t, bare.Anonymous().Do(t, http.MethodPost, "/tokens/github", form, []byte("code=x")), 400, "Log-in through GitHub is not set up.")
	if got := w.Anonymous().Get(t, "/tokens/google").Want(t, 405).Header.Get("Allow"); got != "POST" {
		t.Errorf("Allow: %s", got)
	}
	ada := w.SignUp(t, "Ada")
	code := w.provider.Agree(t, social.Google, person("1", "zoe@example.com"))
	if user, _, _ := w.me(t, ada.Do(t, http.MethodPost, "/tokens/google", form, []byte(url.Values{"code": {code}}.Encode()))); user == ada.User {
		t.Error("whoever is logged in already takes over what is new")
	}
	code = w.provider.Agree(t, social.Google, person("1", "zoe@example.com"))
	refusal(t, w.Anonymous().WithToken("nonsense").Do(t, http.MethodPost, "/tokens/google", form, []byte(url.Values{"code": {code}}.Encode())), 401, "Given token not valid")
	// The refusal spent nothing: the code was not sent on. Replayed, it is.
	w.Anonymous().Do(t, http.MethodPost, "/tokens/google", form, []byte(url.Values{"code": {code}}.Encode())).Want(t, 200)
	refusal(t, w.Anonymous().Do(t, http.MethodPost, "/tokens/google", form, []byte(url.Values{"code": {code}}.Encode())), 400, "does not accept the code")
	w.provider.Behave(socialtest.Behaviour{Answer: func(rw http.ResponseWriter, _ *http.Request) bool {
		http.Error(rw, "hunter2", http.StatusBadGateway)
		return true
	}})
	for _, name := range []string{"google", "github"} {
		answer := w.Anonymous().Do(t, http.MethodPost, "/tokens/"+name, form, []byte("code=x"))
		if refusal(t, answer, 503, "does not work at the moment"); strings.Contains(string(answer.Raw), "hunter2") {
			t.Errorf("%s", answer.Raw)
		}
	}
}

func TestClosedSignUp(t *testing.T) {
	t.Parallel()
	w := startSocial(t, app.Settings{})
	ada := w.SignUp(t, "Ada")
	zoe := person("1", "zoe@example.com")
	w.come(t, social.Google, zoe, "").Want(t, 200)

	closed := &world{apitest.StartWith(t, apitest.Setup{DB: w.DB, Settings: app.Settings{KeyDir: w.KeyDir, InvitationOnly: true, Social: w.provider.Settings()}}), w.provider}
	people := w.count(t, `select count(*) from users`)
	newcomer := map[string]any{"name": "New Person", "email": "new@example.com", "password": apitest.Password}
	for _, path := range []string{"/users", "/users?invitation_token="} {
		refusal(t, closed.Anonymous().Post(t, path, "users", newcomer, nil), 403, "Sign-up is by invitation only.")
	}
	refusal(t, closed.Anonymous().Post(t, "/users?invitation_token=AAAAAAAAAAAAAA", "users", newcomer, nil), 400, "Invalid invitation code.")
	// What is wrong with the document comes first, as where sign-up is open; whether an address is taken is not told.
	refusal(t, closed.Anonymous().Post(t, "/users", "users", map[string]any{"name": "x"}, nil), 400, "")
	taken := map[string]any{"name": "New Person", "email": ada.Email, "password": apitest.Password}
	refusal(t, closed.Anonymous().Post(t, "/users", "users", taken, nil), 403, "Sign-up is by invitation only.")
	for _, provider := range []social.Name{social.Google, social.GitHub} {
		refusal(t, closed.come(t, provider, person("2", "new@example.com"), ""), 403, "Sign-up is by invitation only.")
		refusal(t, closed.come(t, provider, person("2", "new@example.com"), "AAAAAAAAAAAAAA"), 404, "Invitation is not valid.")
	}
	if n := w.count(t, `select count(*) from users`); n != people {
		t.Errorf("%d people came in", n-people)
	}

	// Whoever is known logs in, may found an organisation, and may invite.
	closed.LogIn(t, ada.Email, "")
	closed.come(t, social.Google, zoe, "").Want(t, 200)
	there := closed.As(ada)
	there.Post(t, "/tenants", "tenants", map[string]any{"name": "Second"}, nil).Want(t, 201)
	there.Member(t, "Ben")
	token := there.Invite(t, "xia@example.com").Want(t, 201).String("/data/attributes/token")
	closed.come(t, social.GitHub, person("3", "xia@example.com"), token).Want(t, 200)
}

// TestSocialLogInsShareTheLimitOfLogIns: who tries codes has used up the tries of passwords too.
func TestSocialLogInsShareTheLimitOfLogIns(t *testing.T) {
	t.Parallel()
	server := apitest.StartWith(t, apitest.Setup{Settings: app.Settings{TokenLimit: "3/hour"}})
	for _, path := range []string{"/tokens/google", "/tokens/github", "/tokens/google"} {
		server.Anonymous().Do(t, http.MethodPost, path, form, []byte("code=x")).Want(t, 400)
	}
	for _, path := range []string{"/tokens/google", "/tokens/github"} {
		server.Anonymous().Do(t, http.MethodPost, path, form, []byte("code=x")).Want(t, 429)
	}
	server.Anonymous().Post(t, "/tokens", "tokens", map[string]any{"email": "a@example.com", "password": "x"}, nil).Want(t, 429)
}
