package session_test

import (
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apikey"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/session"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// keys is an Authenticator for API keys alone.
func keys(server *apitest.Server) *session.Authenticator {
	return session.New(server.App.System, nil, slog.New(slog.DiscardHandler))
}

// A key gives its owner's roles as a token does: the two are loaded by queries of their own, which must not drift apart.
func TestAKeyGivesWhatATokenOfItsOwnerGives(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	provider := ada.Connect(t, "111111111111", "account")
	var groups []string
	for _, name := range []string{"one", "two"} {
		groups = append(groups, ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": name},
			map[string]any{"providers": apitest.Many("providers", provider)}).Want(t, 201).String("/data/id"))
	}
	kim := ada.Member(t, "Kim", ada.Role(t, "keepers", map[string]any{"manage_account": true}, groups...),
		ada.Role(t, "scanners", map[string]any{"manage_scans": true}, groups[0]), ada.Role(t, "nothing", nil))
	for _, person := range []*apitest.Client{ada, kim} {
		id, text := person.Key(t, "of "+person.Email)
		got, err := keys(server).Authenticate(t.Context(), "Api-Key "+text)
		if err != nil {
			t.Fatal(err)
		}
		want, err := session.SubjectOf(t.Context(), server.App.System, person.Email, uuid.MustParse(ada.Tenant))
		if err != nil {
			t.Fatal(err)
		}
		want.Credential = authz.APIKey
		if !reflect.DeepEqual(got.Subject, want) || len(got.Subject.Roles) == 0 {
			t.Errorf("%s by key: %+v\nby token: %+v", person.Email, got.Subject, want)
		}
		if got.Key == nil || got.Key.ID.String() != id || got.Key.Prefix != text[:11] {
			t.Errorf("the key is %+v", got.Key)
		}
		if there, err := keys(server).Enter(t.Context(), got, uuid.New()); err == nil || there != nil {
			t.Errorf("the key entered another tenant: %+v %v", there, err)
		}
	}
}

// Keys are made, renamed and revoked while others authenticate with them: each gets in or is refused, nobody waits for ever
// and nothing fails. Run with -race.
func TestKeysComeAndGoWhileOthersAuthenticate(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	_, steady := ada.Key(t, "steady")
	service, authenticator := apikey.New(server.App.Tenants), keys(server)
	scope := tenant.NewScope(uuid.MustParse(ada.Tenant), uuid.MustParse(ada.User), tenant.SeeAll())
	var makers, users sync.WaitGroup
	fresh := make(chan string, 64)
	for maker := range 4 {
		makers.Go(func() {
			for i := range 8 {
				id, text, err := service.Create(t.Context(), scope, apikey.Wanted{Name: fmt.Sprintf("key %d of %d", i, maker)})
				if err != nil {
					t.Errorf("create: %v", err)
					return
				}
				if _, err := authenticator.Authenticate(t.Context(), "Api-Key "+text); err != nil {
					t.Errorf("a new key: %v", err)
				}
				fresh <- text
				if err := service.Rename(t.Context(), scope, id, fmt.Sprintf("renamed %d of %d", i, maker)); err != nil {
					t.Errorf("rename: %v", err)
				}
				if err := service.Revoke(t.Context(), scope, id); err != nil {
					t.Errorf("revoke: %v", err)
				}
				if _, err := authenticator.Authenticate(t.Context(), "Api-Key "+text); err == nil {
					t.Error("a revoked key came in")
				}
			}
		})
	}
	for range 4 {
		users.Go(func() {
			for text := range fresh {
				if _, err := authenticator.Authenticate(t.Context(), "Api-Key "+steady); err != nil {
					t.Errorf("the steady key: %v", err)
				}
				if _, err := authenticator.Authenticate(t.Context(), "Api-Key "+text); err != nil {
					if _, refused := jsonapi.AsErrors(err); !refused {
						t.Errorf("a key that goes: %v", err)
					}
				}
			}
		})
	}
	makers.Wait()
	close(fresh)
	users.Wait()
}

// Who is no member, or not any more, has no keys made for them, whatever the scope says.
func TestWhoIsNoMemberGetsNoKey(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	service := apikey.New(server.App.Tenants)
	for _, owner := range []string{bob.User, uuid.NewString()} {
		scope := tenant.NewScope(uuid.MustParse(ada.Tenant), uuid.MustParse(owner), tenant.SeeAll())
		_, text, err := service.Create(t.Context(), scope, apikey.Wanted{Name: "nobody's"})
		if refused, ok := jsonapi.AsErrors(err); !ok || refused.Status() != 403 || text != "" {
			t.Errorf("%q, %v", text, err)
		}
	}
	past := time.Now().Add(-time.Second)
	scope := tenant.NewScope(uuid.MustParse(ada.Tenant), uuid.MustParse(ada.User), tenant.SeeNone())
	_, text, err := service.Create(t.Context(), scope, apikey.Wanted{Name: "too late", ExpiresAt: &past})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys(server).Authenticate(t.Context(), "Api-Key "+text); err == nil {
		t.Error("a key that has expired came in")
	}
}

func TestWhatNamesNoKeyIsAnonymous(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	for _, header := range []string{"", "Api-Key", "Api-Key ", "api-key pk_22222222.x", "Api-Keypk_22222222.x", "API-KEY pk_22222222.x"} {
		if principal, err := keys(server).Authenticate(t.Context(), header); principal != nil || err != nil {
			t.Errorf("%q: %+v, %v", header, principal, err)
		}
	}
	for _, header := range []string{"Api-Key x", "Api-Key  ", "Api-Key .", "Api-Key pk_22222222.x", "Api-Key \x00", "Api-Key pk_22222222." + fmt.Sprintf("%043d", 0)} {
		if principal, err := keys(server).Authenticate(t.Context(), header); principal != nil || err == nil {
			t.Errorf("%q: %+v, %v", header, principal, err)
		}
	}
}
