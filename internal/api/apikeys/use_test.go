package apikeys_test

import (
	"bytes"
	"log/slog"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// refused presents a key and fails unless it is refused with that sentence.
func refused(t *testing.T, server *apitest.Server, text, detail string) {
	t.Helper()
	answer := server.WithKey(text).Get(t, "/users/me")
	if answer.Status != 401 || answer.String("/errors/0/detail") != detail || answer.Len("/errors") != 1 ||
		answer.String("/errors/0/code") != "authentication_failed" {
		t.Errorf("want 401 %s: %d %s", detail, answer.Status, answer.Raw)
	}
}

const invalid, expired, revoked = "Invalid API Key.", "API Key has already expired.", "This API Key has been revoked."

func exec(t *testing.T, pool *pgxpool.Pool, statement string, args ...any) {
	t.Helper()
	if tag, err := pool.Exec(t.Context(), statement, args...); err != nil || tag.RowsAffected() != 1 {
		t.Fatalf("arrange: %v (%d rows)", err, tag.RowsAffected())
	}
}

func TestAKeyHasToMatchExactly(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	_, text := ada.Key(t, "nightly")
	_, theirs := bob.Key(t, "nightly")
	server.WithKey(text).Get(t, "/users/me").Want(t, 200)
	prefix, secret, _ := strings.Cut(text, ".")
	theirPrefix, _, _ := strings.Cut(theirs, ".")
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(letters, text[len(text)-1])
	for name, other := range map[string]string{
		"a letter appended":            text + "A",
		"padding appended":             text + "=",
		"the last letter gone":         text[:len(text)-1],
		"a letter changed":             text[:len(text)-20] + string(letters[(strings.IndexByte(letters, text[len(text)-20])+1)%64]) + text[len(text)-19:],
		"another spelling in base64":   text[:len(text)-1] + string(letters[last^1]),
		"a small letter in the prefix": strings.Replace(text, "pk_", "PK_", 1),
		"a prefix that nobody has":     "pk_22222222." + secret,
		"another tenant's prefix":      theirPrefix + "." + secret,
		"no secret":                    prefix + ".",
		"the prefix alone":             prefix,
		"two keys":                     text + " " + theirs,
		"a space before":               " " + text,
		"a key in a key":               prefix + "." + text,
	} {
		t.Run(name, func(t *testing.T) { refused(t, server, other, invalid) })
	}
}

func TestAKeyEndsWhenItExpires(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	made := ada.Post(t, "/api-keys", "api-keys", map[string]any{"name": "old", "expires_at": "2020-01-01"}, nil).Want(t, 201)
	refused(t, server, made.String("/data/attributes/api_key"), expired)
	id, text := ada.Key(t, "nightly")
	server.WithKey(text).Get(t, "/users/me").Want(t, 200)
	exec(t, server.DB.Pool(t, pgtest.Superuser), `update api_keys set expires_at = now() where id = $1`, id)
	refused(t, server, text, expired)
	if one := ada.Get(t, "/api-keys/"+made.String("/data/id")).Want(t, 200); one.At("/data/attributes/last_used_at") != nil {
		t.Errorf("a refused key counts as used: %s", one.Raw)
	}
}

func TestARevokedKeyStaysOutside(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	id, text := ada.Key(t, "nightly")
	key := server.WithKey(text)
	key.Get(t, "/users/me").Want(t, 200)
	key.Delete(t, "/api-keys/"+id+"/revoke").Want(t, 200) // it may end itself
	refused(t, server, text, revoked)
	key.Post(t, "/tokens", "tokens", map[string]any{"email": ada.Email, "password": apitest.Password}, nil).Want(t, 401)
	key.Do(t, http.MethodPut, "/users/me", "", nil).Want(t, 401)
}

func TestAKeyOfAnInactivePersonIsRefused(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	_, text := ada.Key(t, "nightly")
	exec(t, server.DB.Pool(t, pgtest.Superuser), `update users set is_active = false where id = $1`, ada.User)
	refused(t, server, text, "User is inactive")
}

// expel ends a person's membership of the owner's tenant.
func expel(t *testing.T, owner *apitest.Client, user string) {
	t.Helper()
	list := owner.Get(t, "/tenants/"+owner.Tenant+"/memberships?page[size]=100").Want(t, 200)
	for i := range list.Len("/data") {
		if at := "/data/" + string(rune('0'+i)); list.String(at+"/relationships/user/data/id") == user {
			owner.Delete(t, "/tenants/"+owner.Tenant+"/memberships/"+list.String(at+"/id")).Want(t, 204)
			return
		}
	}
	t.Fatalf("%s is no member", user)
}

// enter makes a person who has a tenant of their own a member of the owner's, with a role that manages the account.
func enter(t *testing.T, owner, person *apitest.Client) *apitest.Client {
	t.Helper()
	role := owner.Role(t, "for "+person.Email+" "+time.Now().String(), map[string]any{"manage_account": true, "manage_users": true})
	token := owner.Invite(t, person.Email, role).Want(t, 201).String("/data/attributes/token")
	person.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": token}, nil).Want(t, 201)
	there := person.Switch(t, owner.Tenant)
	return there
}

func TestAKeyDiesWithTheMembershipInThatTenantAlone(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	there := enter(t, ada, bob)
	id, dying := there.Key(t, "in ada's")
	_, living := bob.Key(t, "at home")
	_, hers := ada.Key(t, "ada's own")
	server.WithKey(dying).Get(t, "/users/me").Want(t, 200)
	expel(t, ada, bob.User)
	refused(t, server, dying, revoked)
	server.WithKey(living).Get(t, "/users/me").Want(t, 200)
	server.WithKey(hers).Get(t, "/users/me").Want(t, 200)
	one := ada.Get(t, "/api-keys/"+id+"?include=entity").Want(t, 200)
	if one.At("/data/attributes/revoked") != true || one.At("/data/relationships/entity/data") != nil || strings.Contains(string(one.Raw), bob.User) {
		t.Errorf("the key is %s", one.Raw)
	}
	enter(t, ada, bob)
	refused(t, server, dying, revoked) // coming back does not bring it back
	ada.Delete(t, "/api-keys/"+id+"/revoke").Want(t, 400)
}

func TestKeysOfAClosedAccountDieInEveryTenant(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, cid, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Cid"), server.SignUp(t, "Bob")
	var keys, ids []string
	for _, owner := range []*apitest.Client{ada, cid} {
		id, text := enter(t, owner, bob).Key(t, "bob's")
		ids, keys = append(ids, id), append(keys, text)
	}
	_, home := bob.Key(t, "at home")
	bob.Delete(t, "/users/"+bob.User).Want(t, 204)
	for _, text := range append(keys, home) {
		refused(t, server, text, revoked)
	}
	for i, owner := range []*apitest.Client{ada, cid} {
		one := owner.Get(t, "/api-keys/"+ids[i]).Want(t, 200)
		if one.At("/data/attributes/revoked") != true || one.At("/data/relationships/entity/data") != nil {
			t.Errorf("the key is %s", one.Raw)
		}
	}
	// The last membership that ends closes the account, and its keys with it.
	eve := ada.Member(t, "Eve", ada.Role(t, "keepers", map[string]any{"manage_account": true}))
	_, text := eve.Key(t, "eve's")
	expel(t, ada, eve.User)
	refused(t, server, text, revoked)
}

func TestAKeyHasTheRolesOfTheMomentAndOutlivesAPassword(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	open, hidden := ada.Connect(t, "111111111111", "open"), ada.Connect(t, "222222222222", "hidden")
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "seen"},
		map[string]any{"providers": apitest.Many("providers", open)}).Want(t, 201).String("/data/id")
	role := ada.Role(t, "keepers", map[string]any{"manage_account": true}, group)
	kim := ada.Member(t, "Kim", role)
	key := kim.ByKey(t, "kim's")
	if list := key.Get(t, "/providers").Want(t, 200); list.Len("/data") != 1 || list.String("/data/0/id") != open {
		t.Errorf("the key sees %s", list.Raw)
	}
	key.Get(t, "/providers/"+hidden).Want(t, 404)
	key.Get(t, "/users").Want(t, 403)
	ada.Patch(t, "/roles/"+role, "roles", role, map[string]any{"manage_users": true, "manage_account": false, "unlimited_visibility": true}, nil).Want(t, 200)
	key.Get(t, "/users").Want(t, 200)
	key.Get(t, "/providers/"+hidden).Want(t, 200)
	key.Get(t, "/api-keys").Want(t, 403)
	kim.Patch(t, "/users/"+kim.User, "users", kim.User, map[string]any{"password": "Another-Horse-8y!"}, nil).Want(t, 200)
	key.Get(t, "/users").Want(t, 200)
	ada.Do(t, http.MethodDelete, "/users/"+kim.User+"/relationships/roles", "application/vnd.api+json", apitest.Linkage("roles")).Want(t, 204)
	key.Get(t, "/users").Want(t, 403)
	key.Get(t, "/providers").Want(t, 403)
	if me := key.Get(t, "/users/me").Want(t, 200); me.Len("/data/relationships/roles/data") != 0 {
		t.Errorf("kim is %s", me.Raw)
	}
}

// A key is made for one tenant. Its owner may do anything in another; with the key there is no such place.
func TestAKeyStaysInItsTenant(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	other := bob.Post(t, "/tenants", "tenants", map[string]any{"name": "Bob's other"}, nil).Want(t, 201).String("/data/id")
	there := bob.Switch(t, other)
	role := there.Role(t, "guests", nil)
	there.Invite(t, ada.Email, role).Want(t, 201)
	memberships := there.Get(t, "/tenants/"+other+"/memberships").Want(t, 200)
	membership := memberships.String("/data/0/id")
	key := bob.ByKey(t, "nightly")
	for _, path := range []string{"/tenants", "/users/me?include=memberships,memberships.tenant,roles", "/users/me/memberships", "/users/" + bob.User + "?include=memberships.tenant",
		"/users?include=memberships.tenant", "/tenants?filter[name]=Bob%27s%20other", "/tenants/" + bob.Tenant + "/memberships"} {
		answer := key.Get(t, path).Want(t, 200)
		for what, secret := range map[string]string{"the tenant": other, "the membership": membership, "the name": "Bob's other"} {
			if strings.Contains(string(answer.Raw), secret) && !strings.Contains(path, "Bob%27s") {
				t.Errorf("%s tells %s: %s", path, what, answer.Raw)
			}
		}
	}
	if list := key.Get(t, "/tenants").Want(t, 200); list.Len("/data") != 1 || list.String("/data/0/id") != bob.Tenant {
		t.Errorf("tenants %s", list.Raw)
	}
	rename := map[string]any{"name": "Taken over"}
	for name, answer := range map[string]*apitest.Answer{
		"read":                 key.Get(t, "/tenants/"+other),
		"rename":               key.Patch(t, "/tenants/"+other, "tenants", other, rename, nil),
		"list the members":     key.Get(t, "/tenants/"+other+"/memberships"),
		"end a membership":     key.Delete(t, "/tenants/"+other+"/memberships/"+membership),
		"read the membership":  key.Get(t, "/users/me/memberships/"+membership),
		"read a role":          key.Get(t, "/roles/"+role),
		"a tenant that is not": key.Get(t, "/tenants/"+nobody),
	} {
		if answer.Status != 404 {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
	}
	for _, unknown := range []string{other, nobody} {
		key.Get(t, "/users/me/memberships?filter[tenant]="+unknown).Want(t, 400)
	}
	key.Get(t, "/users/me/memberships?filter[tenant]="+bob.Tenant).Want(t, 200)
	key.Get(t, "/users/me/memberships?filter[user]="+bob.User).Want(t, 200)
	key.Get(t, "/users/me/memberships?filter[user]="+ada.User).Want(t, 400)
	key.Patch(t, "/tenants/"+bob.Tenant, "tenants", bob.Tenant, rename, nil).Want(t, 200)
	if one := there.Get(t, "/tenants/"+other).Want(t, 200); one.String("/data/attributes/name") != "Bob's other" {
		t.Errorf("the other tenant is %s", one.Raw)
	}
}

// What a person may do with a password and a key may not: all of it would reach beyond the key's tenant, or outlive the key.
func TestAKeyIsNoPerson(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	key := bob.ByKey(t, "nightly")
	invitation := ada.Invite(t, bob.Email, ada.Role(t, "guests", nil)).Want(t, 201).String("/data/attributes/token")
	for _, to := range []string{bob.Tenant, ada.Tenant, nobody} {
		key.Post(t, "/tokens/switch", "tokens-switch-tenant", map[string]any{"tenant_id": to}, nil).Want(t, 403)
	}
	key.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": invitation}, nil).Want(t, 403)
	key.Delete(t, "/users/"+bob.User).Want(t, 403)
	for _, change := range []map[string]any{{"password": "Another-Horse-8y!"}, {"email": "mallory@example.com"}, {"name": "Mallory", "password": "Another-Horse-8y!"}} {
		key.Patch(t, "/users/"+bob.User, "users", bob.User, change, nil).Want(t, 400)
	}
	if me := server.LogIn(t, "bob@example.com", "").Get(t, "/users/me").Want(t, 200); me.String("/data/attributes/name") != "Bob Person" ||
		me.Len("/data/relationships/memberships/data") != 1 {
		t.Errorf("bob is %s", me.Raw)
	}
}

func TestKeysWorkOnEveryKindOfOperation(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	key := ada.ByKey(t, "nightly")
	key.Do(t, http.MethodGet, "/", "", nil).Want(t, 200)
	provider := key.Connect(t, "111111111111", "account")
	group := key.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "all"}, nil).Want(t, 201).String("/data/id")
	key.Do(t, http.MethodPost, "/provider-groups/"+group+"/relationships/providers", "application/vnd.api+json", apitest.Linkage("providers", provider)).Want(t, 204)
	key.Patch(t, "/providers/"+provider, "providers", provider, map[string]any{"alias": "renamed"}, nil).Want(t, 200)
	key.Get(t, "/providers/"+provider+"?include=provider_groups").Want(t, 200)
	key.Get(t, "/overviews/providers").Want(t, 200)
	key.Get(t, "/findings/latest").Want(t, 200)
	key.Post(t, "/scans", "scans", map[string]any{"name": "by key"}, map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 202)
	key.Invite(t, "eve@example.com", key.Role(t, "guests", nil)).Want(t, 201)
	key.Delete(t, "/provider-groups/"+group).Want(t, 204)
	key.Do(t, http.MethodPut, "/providers", "", nil).Want(t, 405)
	key.Post(t, "/tokens", "tokens", map[string]any{"email": ada.Email, "password": apitest.Password}, nil).Want(t, 200)
	var file, body bytes.Buffer
	if err := (ocsftest.File{Account: "111111111111", Findings: 2}).Write(&file); err != nil {
		t.Fatal(err)
	}
	form := multipart.NewWriter(&body)
	part, _ := form.CreateFormFile("file", "findings.json")
	_, _ = part.Write(file.Bytes())
	_ = form.Close()
	key.Do(t, http.MethodPost, "/ingestions", form.FormDataContentType(), body.Bytes()).Want(t, 202)
	made, _ := key.Key(t, "made by a key")
	if one := ada.Get(t, "/api-keys/"+made).Want(t, 200); one.String("/data/relationships/entity/data/id") != ada.User {
		t.Errorf("the key's key is %s", one.Raw)
	}
}

func TestTheLastUseIsNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	pool := server.DB.Pool(t, pgtest.Superuser)
	id, text := ada.Key(t, "nightly")
	version := func() (written uint32, used *time.Time) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), `select xmin, last_used_at from api_keys where id = $1`, id).Scan(&written, &used); err != nil {
			t.Fatal(err)
		}
		return written, used
	}
	unused, used := version()
	if used != nil {
		t.Fatalf("used at %v before it was", used)
	}
	use := func() {
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() { server.WithKey(text).Get(t, "/users/me").Want(t, 200) })
		}
		group.Wait()
	}
	use()
	first, used := version()
	if used == nil || first == unused {
		t.Fatal("the first use is not noted")
	}
	use()
	if again, _ := version(); again != first {
		t.Error("a use within the minute was written")
	}
	exec(t, pool, `update api_keys set last_used_at = now() - interval '2 minutes' where id = $1`, id)
	use()
	if _, later := version(); later == nil || later.Before(*used) {
		t.Errorf("last used at %v, after %v", later, used)
	}
}

// buffer collects what a server logs.
type buffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *buffer) Write(line []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(line)
}

func (b *buffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

func TestTheLogNamesKeysAndHoldsNone(t *testing.T) {
	t.Parallel()
	lines := &buffer{}
	server := apitest.StartWith(t, apitest.Setup{Logger: slog.New(slog.NewJSONHandler(lines, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	ada := server.SignUp(t, "Ada")
	id, text := ada.Key(t, "nightly")
	prefix, secret, _ := strings.Cut(text, ".")
	key := server.WithKey(text)
	key.Get(t, "/users/me").Want(t, 200)
	key.Get(t, "/providers?filter[nonsense]=1").Want(t, 400)
	key.Post(t, "/tokens/switch", "tokens-switch-tenant", map[string]any{"tenant_id": ada.Tenant}, nil).Want(t, 403)
	server.WithKey(text+"A").Get(t, "/users/me").Want(t, 401)
	ada.Delete(t, "/api-keys/"+id+"/revoke").Want(t, 200)
	key.Get(t, "/users/me").Want(t, 401)
	log := lines.String()
	if strings.Count(log, `"api_key_prefix":"`+prefix+`"`) < 3 {
		t.Errorf("the log does not say which key was used: %s", log)
	}
	if strings.Contains(log, secret) || strings.Contains(log, secret[:20]) {
		t.Error("the log holds the key")
	}
	var row string
	if err := server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select k::text from api_keys k where id = $1`, id).Scan(&row); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(row, secret) || !strings.Contains(row, prefix) {
		t.Errorf("the row is %s", row)
	}
}
