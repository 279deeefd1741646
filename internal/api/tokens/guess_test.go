package tokens_test

import (
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
)

func TestPasswordsOfOneAccountCannotBeGuessedForEver(t *testing.T) {
	t.Parallel()
	server := apitest.StartWith(t, apitest.Setup{Settings: app.Settings{AccountLimit: "3/day", TrustProxy: true}})
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	guess := func(email, password string) *apitest.Answer {
		return server.Anonymous().Post(t, "/tokens", "tokens", map[string]any{"email": email, "password": password}, nil)
	}
	for range 5 {
		guess(ada.Email, apitest.Password).Want(t, 200)
	}
	// Three wrong ones, in whatever case the address is written, then the few tries that every address has.
	for i, email := range []string{ada.Email, "ADA@example.com", " ada@example.com ", ada.Email, ada.Email, ada.Email, ada.Email, ada.Email} {
		if answer := guess(email, "Wrong-Horse-1!"); answer.Status != 400 {
			t.Fatalf("guess %d: %d %s", i, answer.Status, answer.Raw)
		}
	}
	for _, password := range []string{"Wrong-Horse-1!", apitest.Password} {
		refused := guess(ada.Email, password).Want(t, 429)
		if refused.String("/errors/0/code") != "throttled" || refused.Header.Get("Retry-After") == "" || refused.Header.Get("RateLimit-Limit") != "" {
			t.Errorf("%v %s", refused.Header, refused.Raw)
		}
	}
	guess(bob.Email, apitest.Password).Want(t, 200)
	// An account that does not exist looks the same.
	for range 8 {
		guess("nobody@example.com", "Wrong-Horse-1!").Want(t, 400)
	}
	guess("nobody@example.com", "Wrong-Horse-1!").Want(t, 429)
	// Who is in stays in.
	ada.Get(t, "/users/me").Want(t, 200)
}

// TestLogInsOfOneAddressAreBounded also looks at the headers that tell a client what it has left.
func TestLogInsOfOneAddressAreBounded(t *testing.T) {
	t.Parallel()
	server := apitest.StartWith(t, apitest.Setup{Settings: app.Settings{TokenLimit: "3/day"}})
	ada := server.SignUp(t, "Ada")
	log := func() *apitest.Answer {
		return server.Anonymous().Post(t, "/tokens", "tokens", map[string]any{"email": ada.Email, "password": apitest.Password}, nil)
	}
	if answer := log().Want(t, 200); answer.Header.Get("RateLimit-Limit") != "3" || answer.Header.Get("RateLimit-Remaining") != "1" || answer.Header.Get("RateLimit-Reset") == "" {
		t.Errorf("%v", answer.Header)
	}
	log().Want(t, 200)
	if answer := log().Want(t, 429); answer.Header.Get("RateLimit-Remaining") != "0" || answer.Header.Get("Retry-After") == "" {
		t.Errorf("%v", answer.Header)
	}
	if answer := ada.Get(t, "/users/me").Want(t, 200); answer.Header.Get("RateLimit-Limit") != "" {
		t.Errorf("a request without a limit speaks of one: %v", answer.Header)
	}
}
