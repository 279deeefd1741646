package invitations_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/identity"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// lookalikes are addresses that a person, a keyboard or a careless comparison could take for india@example.com.
var lookalikes = map[string]string{
	"dotless i":         "ındia@example.com",
	"capital dotted I":  "İndia@example.com",
	"fullwidth":         "ｉndia@example.com",
	"combining mark":    "i\u0307ndia@example.com",
	"trailing dot":      "india@example.com.",
	"dot in front of @": "india.@example.com",
	"Cyrillic a":        "indiа@example.com",
	"zero width":        "in\u200bdia@example.com",
	"quoted":            `"india"@example.com`,
	"comment":           "india(x)@example.com",
	"fullwidth domain":  "india@ｅxample.com",
	"soft hyphen":       "in\u00addia@example.com",
	"plus":              "india+x@example.com",
	"long s":            "india@example.com\u017f",
}

// An invitation is for the address that it was made for: in another case it is the same, in letters that look alike it is
// another person's.
func TestAnInvitationIsForOneAddressHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	token := ada.Invite(t, "India@Example.com", ada.Role(t, "reader", nil)).Want(t, 201).String("/data/attributes/token")
	signUp := func(email string) *apitest.Answer {
		return server.Anonymous().Post(t, "/users?invitation_token="+token, "users",
			map[string]any{"name": "Some Person", "email": email, "password": apitest.Password}, nil)
	}
	for name, email := range lookalikes {
		if answer := signUp(email); answer.Status != 400 {
			t.Errorf("%s (%q) signs up with the invitation: %d %s", name, email, answer.Status, answer.Raw)
		}
	}
	if users := ada.Get(t, "/users").Want(t, 200); users.Len("/data") != 1 {
		t.Errorf("somebody came in: %s", users.Raw)
	}
	signUp(" INDIA@EXAMPLE.COM ").Want(t, 201)
	ada.Invite(t, "iNdIa@example.com").Want(t, 400) // a member now
}

// Only ASCII stands before the @, so composed and decomposed letters, fullwidth ones and the like cannot make two people of one
// address; in a domain they stand for the same letters everywhere.
func TestLookalikesAreNoAddresses(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	for _, email := range []string{"andr\u00e9@example.com", "andre\u0301@example.com", "ındia@example.com", "İndia@example.com", "\u212aim@example.com",
		"ada@\u212aim.example.com", "ada@İndia.example.com", "ａda@example.com", "аda@example.com", "ad\u200ba@example.com"} {
		for name, answer := range map[string]*apitest.Answer{
			"invitation": ada.Invite(t, email),
			"sign-up":    server.Anonymous().Post(t, "/users", "users", map[string]any{"name": "Some Person", "email": email, "password": apitest.Password}, nil),
			"profile":    ada.Patch(t, "/users/"+ada.User, "users", ada.User, map[string]any{"email": email}, nil),
		} {
			if answer.Status != 400 || answer.String("/errors/0/source/pointer") != "/data/attributes/email" {
				t.Errorf("%s of %q: %d %s", name, email, answer.Status, answer.Raw)
			}
		}
	}
}

// What the program takes for an address in its normal form the database does too, whatever the letters.
func TestTheDatabaseAgreesOnNormalAddresses(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t, pgtest.Superuser)
	var letters, normal []string
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if utf8.ValidRune(r) && unicode.IsLetter(r) {
			letters = append(letters, string(r))
			normal = append(normal, identity.NormalEmail("x"+string(r)+"x"))
		}
	}
	var refused []string
	if err := pool.QueryRow(t.Context(), `select coalesce(array_agg(letter), '{}') from unnest($1::text[], $2::text[]) x(letter, normal) where lower(normal) <> normal`,
		letters, normal).Scan(&refused); err != nil {
		t.Fatal(err)
	}
	for i, letter := range letters {
		if letter[0] >= utf8.RuneSelf && normal[i] == strings.ToLower(normal[i]) && len(normal[i]) == 3 {
			t.Errorf("%q is the same as %q", letter, normal[i])
		}
	}
	if len(letters) < 100000 || len(refused) > 0 {
		t.Errorf("of %d letters the database has another small form of %d: %q", len(letters), len(refused), refused)
	}
}
