package invitation_test

import (
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/invitation"
)

func TestTokensAreLegibleAndDiffer(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for range 2000 {
		token := invitation.NewToken()
		if len(token) != 14 || strings.Trim(token, "23456789ABCDEFGHJKMNPQRSTVWXYZ") != "" {
			t.Fatalf("token %q", token)
		}
		if seen[token] {
			t.Fatalf("token %q came twice", token)
		}
		seen[token] = true
	}
}
