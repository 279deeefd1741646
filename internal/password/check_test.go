package password

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

func codes(broken jsonapi.Errors) []string {
	var got []string
	for _, one := range broken {
		got = append(got, strings.TrimPrefix(one.Code, "password_"))
	}
	return got
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const email = "bob-1a2b3c4d@example.com"
	aa := strings.Repeat("Aa1!", 18)
	for _, one := range []struct {
		password string
		want     []string
	}{
		{"Correct-Horse-9x!", nil},
		{"Another-Horse-7y!", nil},
		{aa, nil},
		{"Ünï-Çödé-größe-9", nil},
		{"Abc-9xyzW!", []string{"too_short"}},
		{aa + "x", []string{"too_long"}},
		{"CorrectHorse99x", []string{"no_special_characters"}},
		{"correct-horse-9x!", []string{"no_uppercase_letters"}},
		{"CORRECT-HORSE-9X!", []string{"no_lowercase_letters"}},
		{"Correct-Horse-xx!", []string{"no_numeric_characters"}},
		{"939393939393939", []string{"entirely_numeric", "no_special_characters", "no_uppercase_letters", "no_lowercase_letters"}},
		{"Bob-1a2b3c4d@example.com1", []string{"too_similar"}},
		{"password1234", []string{"too_common", "no_special_characters", "no_uppercase_letters"}},
		{"PASSWORD1234", []string{"too_common", "no_special_characters", "no_lowercase_letters"}},
		{"a", []string{"too_short", "too_common", "no_special_characters", "no_uppercase_letters", "no_numeric_characters"}},
		{"short", []string{"too_short", "no_special_characters", "no_uppercase_letters", "no_numeric_characters"}},
		{"", []string{"too_short", "no_special_characters", "no_uppercase_letters", "no_lowercase_letters", "no_numeric_characters"}},
		{"٠١٢٣٤٥٦٧٨٩٠١", []string{"entirely_numeric", "no_special_characters", "no_uppercase_letters", "no_lowercase_letters"}},
		{"Aa1§Aa1§Aa1§", []string{"no_special_characters"}},
		{"Aa1 Aa1 Aa1 \x7f", []string{"no_special_characters"}},
	} {
		broken := Check(one.password, email)
		if got := codes(broken); !slices.Equal(got, one.want) {
			t.Errorf("%q breaks %q, want %q", one.password, got, one.want)
		}
		for _, object := range broken {
			if object.Status != 400 || object.Pointer != "/data/attributes/password" || object.Detail == "" {
				t.Errorf("%q: error object %+v", one.password, object)
			}
		}
	}
}

func TestCheckTexts(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for _, password := range []string{"x", "1", strings.Repeat("x", 73)} {
		for _, one := range Check(password, "x") {
			texts[one.Code] = one.Detail
		}
	}
	for code, want := range map[string]string{
		"password_too_similar":           "The password is too similar to the email.",
		"password_too_short":             "This password is too short. It must contain at least 12 characters.",
		"password_too_long":              "This password is too long. It must contain no more than 72 characters.",
		"password_too_common":            "This password is too common.",
		"password_entirely_numeric":      "This password is entirely numeric.",
		"password_no_special_characters": "This password must contain at least one special character.",
		"password_no_uppercase_letters":  "This password must contain at least 1 uppercase letter.",
		"password_no_lowercase_letters":  "This password must contain at least 1 lowercase letter.",
		"password_no_numeric_characters": "This password must contain at least 1 numeric character.",
	} {
		if texts[code] != want {
			t.Errorf("%s: %q, want %q", code, texts[code], want)
		}
	}
}

func TestSimilar(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		password string
		about    []string
		want     bool
	}{
		{"x", []string{"x"}, true},
		{"X", []string{"x"}, true},
		{"anything", nil, false},
		{"anything", []string{""}, false},
		{"", []string{"bob@example.com"}, false},
		{"bob@example.com", []string{"bob@example.com"}, true},
		{"moc.elpmaxe@bob", []string{"bob@example.com"}, true},       // the order does not count
		{"Example-99!", []string{"bob@example.com"}, true},           // a word of the address
		{"Ex4mple-99!!!!!!", []string{"bob@example.com"}, false},     // too much of its own
		{"abcdefghij", []string{"abcdefgxyz"}, true},                 // 14/20 is the limit itself
		{"abcdefghij", []string{"abcdefwxyz"}, false},                // 12/20
		{"aaaaaaaaaaaaaaaaaaaa", []string{"a.b"}, false},             // a part a tenth as long is passed over
		{"Größe_Müller", []string{"größe_müller@example.com"}, true}, // underscore and umlaut are of the word
		{"plain2-1234@example.com", []string{"old@example.org", "plain2-1234@example.com"}, true},
		{"Correct-Horse-9x!", []string{"owner-1a2b3c4d@example.com"}, false},
	} {
		if got := similarToAny(one.password, one.about); got != one.want {
			t.Errorf("similarToAny(%q, %q) = %v", one.password, one.about, got)
		}
	}
}

func TestCommon(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]bool{
		"password":                      true,
		"PassWord":                      true,
		"qwerty1234":                    true,
		"iloveyoumonkey":                true,
		"1234123412341":                 false,
		"x":                             true,
		"éééééééééééé":                  true,
		strings.Repeat("x", 1<<20):      true,
		"xy":                            false,
		"":                              false,
		"short":                         false,
		"correcthorse99x":               false,
		strings.Repeat("password", 3):   true,
		strings.Repeat("password", 4):   false,
		strings.Repeat("password-", 20): false,
	} {
		if got := common(password); got != want {
			t.Errorf("common(%.40q) = %v", password, got)
		}
	}
}

func TestCommonWords(t *testing.T) {
	t.Parallel()
	if n := len(commonWords()); n < 7000 {
		t.Errorf("the list has %d entries", n)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("Correct-Horse-9x!", "bob@example.com")
	f.Add("password1234", "")
	f.Add("\xff\xfe", "\x80@\x00")
	f.Fuzz(func(t *testing.T, password, email string) {
		broken := Check(password, email)
		length := utf8.RuneCountInString(password)
		if fits := length >= MinLength && length <= MaxLength; !fits && len(broken) == 0 {
			t.Errorf("%q has %d characters and is accepted", password, length)
		}
		if password != "" && len(Check(password, password)) == 0 {
			t.Errorf("%q is accepted for an address that is the same", password)
		}
	})
}
