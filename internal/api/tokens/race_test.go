package tokens_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
)

// A web client sends one refresh token several times at once, and asks on with what it has meanwhile: one answer is a new
// pair, the others are refusals, and the session goes on with the new pair.
func TestASessionSurvivesSimultaneousRefreshes(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	access, refresh := logIn(t, server, ada.Email)
	for times := 2; times <= 5; times++ {
		answers := make([]*apitest.Answer, times)
		var group sync.WaitGroup
		for i := range answers {
			group.Go(func() {
				answers[i] = server.Anonymous().Post(t, "/tokens/refresh", "tokens-refresh", map[string]any{"refresh": refresh}, nil)
			})
			group.Go(func() {
				if status, body := ask(t, server, "Bearer undefined"); status != http.StatusUnauthorized {
					t.Errorf("Bearer undefined: %d %s", status, body)
				}
			})
		}
		group.Wait()
		won := 0
		for _, answer := range answers {
			switch answer.Status {
			case http.StatusOK:
				won++
				access, refresh = answer.String("/data/attributes/access"), answer.String("/data/attributes/refresh")
			case http.StatusBadRequest:
			default:
				t.Errorf("%d at once: %d %s", times, answer.Status, answer.Raw)
			}
		}
		if won != 1 {
			t.Fatalf("of %d refreshes at once %d were good", times, won)
		}
		if status, body := ask(t, server, "Bearer "+access); status != http.StatusOK {
			t.Errorf("the new token: %d %s", status, body)
		}
	}
}
