package tokens_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
)

// ask sends a GET of one's own account with an Authorization header as it is.
func ask(t *testing.T, server *apitest.Server, authorization string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/users/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var text strings.Builder
	if err := response.Write(&text); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, text.String()
}

func logIn(t *testing.T, server *apitest.Server, email string) (access, refresh string) {
	t.Helper()
	answer := server.Anonymous().Post(t, "/tokens", "tokens", map[string]any{"email": email, "password": apitest.Password}, nil).Want(t, 200)
	return answer.String("/data/attributes/access"), answer.String("/data/attributes/refresh")
}

func TestOnlyAGoodAccessTokenComesIn(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	access, refresh := logIn(t, server, ada.Email)
	if status, body := ask(t, server, "Bearer "+access); status != 200 {
		t.Fatalf("a good token: %d %s", status, body)
	}
	for authorization, code := range map[string]string{
		"":                                  "not_authenticated",
		"Basic YTpi":                        "not_authenticated",
		"bearer " + access:                  "not_authenticated",
		"Bearer":                            "bad_authorization_header",
		"Bearer a b":                        "bad_authorization_header",
		"Bearer nonsense":                   "token_not_valid",
		"Bearer " + access + "x":            "token_not_valid",
		"Bearer " + refresh:                 "Token has wrong type",
		"Bearer " + strings.ToUpper(access): "token_not_valid",
	} {
		status, body := ask(t, server, authorization)
		if status != 401 || !strings.Contains(body, code) {
			t.Errorf("%.20q: %d, want 401 with %s: %s", authorization, status, code, body)
		}
	}
}

func TestTokensEndWithThePassword(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	access, refresh := logIn(t, server, ada.Email)
	ada.Patch(t, "/users/"+ada.User, "users", ada.User, map[string]any{"password": "Another-Horse-8y!"}, nil).Want(t, 200)
	if status, body := ask(t, server, "Bearer "+access); status != 401 || !strings.Contains(body, "password_changed") {
		t.Errorf("the old access token: %d %s", status, body)
	}
	server.Anonymous().Post(t, "/tokens/refresh", "tokens-refresh", map[string]any{"refresh": refresh}, nil).Want(t, 400)
	server.Anonymous().Post(t, "/tokens", "tokens", map[string]any{"email": ada.Email, "password": apitest.Password}, nil).Want(t, 400)
}

func TestTokensEndWithTheMembershipAndThePerson(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	role := ada.Role(t, "Members", map[string]any{"manage_users": true})
	ben, cid := ada.Member(t, "Ben", role), ada.Member(t, "Cid", role)
	_, refresh := logIn(t, server, ben.Email)
	ben.Get(t, "/users/me").Want(t, 200)
	memberships := ada.Get(t, "/tenants/"+ada.Tenant+"/memberships?page[size]=100").Want(t, 200)
	for i := range memberships.Len("/data") {
		if at := "/data/" + string(rune('0'+i)); memberships.String(at+"/relationships/user/data/id") == ben.User {
			ada.Delete(t, "/tenants/"+ada.Tenant+"/memberships/"+memberships.String(at+"/id")).Want(t, 204)
		}
	}
	if refused := ben.Get(t, "/users/me"); refused.Status != 401 {
		t.Errorf("an expelled person: %d %s", refused.Status, refused.Raw)
	}
	server.Anonymous().Post(t, "/tokens/refresh", "tokens-refresh", map[string]any{"refresh": refresh}, nil).Want(t, 400)
	cid.Delete(t, "/users/"+cid.User).Want(t, 204)
	if refused := cid.Get(t, "/users/me").Want(t, 401); refused.String("/errors/0/detail") != "User not found" {
		t.Errorf("a person who is gone: %s", refused.Raw)
	}
}

func TestARefreshTokenIsGoodOnce(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	_, refresh := logIn(t, server, ada.Email)
	var won atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			answer := server.Anonymous().Post(t, "/tokens/refresh", "tokens-refresh", map[string]any{"refresh": refresh}, nil)
			switch answer.Status {
			case 200:
				won.Add(1)
			case 400:
			default:
				t.Errorf("refresh: %d %s", answer.Status, answer.Raw)
			}
		})
	}
	group.Wait()
	if won.Load() != 1 {
		t.Errorf("the token was good %d times", won.Load())
	}
}

func TestSwitchingNeedsAMembership(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	ada.Post(t, "/tokens/switch", "tokens-switch-tenant", map[string]any{"tenant_id": bob.Tenant}, nil).Want(t, 400)
	server.Anonymous().Post(t, "/tokens", "tokens", map[string]any{"email": ada.Email, "password": apitest.Password, "tenant_id": bob.Tenant}, nil).Want(t, 400)
	other := ada.Post(t, "/tenants", "tenants", map[string]any{"name": "Second"}, nil).Want(t, 201).String("/data/id")
	ada.Post(t, "/tokens/switch", "tokens-switch-tenant", map[string]any{"tenant_id": other}, nil).Want(t, 200)
}
