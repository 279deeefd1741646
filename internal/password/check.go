// Package password holds the rules for passwords: which may be chosen, how they are kept and how one is verified.
//
// It knows nothing of users, requests or the database.
package password

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// Length limits in characters.
const (
	MinLength = 12
	MaxLength = 72
)

// Check returns one error per rule that password breaks, in the order of the wire contract; none when it may be
// chosen. about are the e-mail addresses of its owner, which the password must not resemble.
func Check(password string, about ...string) jsonapi.Errors {
	length := utf8.RuneCountInString(password)
	var broken jsonapi.Errors
	for _, rule := range []struct {
		broken       bool
		code, detail string
	}{
		{similarToAny(password, about), "password_too_similar", "The password is too similar to the email."},
		{length < MinLength, "password_too_short", fmt.Sprintf("This password is too short. It must contain at least %d characters.", MinLength)},
		{length > MaxLength, "password_too_long", fmt.Sprintf("This password is too long. It must contain no more than %d characters.", MaxLength)},
		{common(password), "password_too_common", "This password is too common."},
		{all(password, unicode.IsDigit), "password_entirely_numeric", "This password is entirely numeric."},
		{!strings.ContainsFunc(password, special), "password_no_special_characters", "This password must contain at least one special character."},
		{!strings.ContainsFunc(password, unicode.IsUpper), "password_no_uppercase_letters", "This password must contain at least 1 uppercase letter."},
		{!strings.ContainsFunc(password, unicode.IsLower), "password_no_lowercase_letters", "This password must contain at least 1 lowercase letter."},
		{!strings.ContainsFunc(password, unicode.IsDigit), "password_no_numeric_characters", "This password must contain at least 1 numeric character."},
	} {
		if rule.broken {
			broken = append(broken, jsonapi.Field("password", rule.code, rule.detail))
		}
	}
	return broken
}

// special reports whether r is ASCII punctuation: printable, no letter, no digit, no space.
func special(r rune) bool {
	return r > ' ' && r < unicode.MaxASCII && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

func all(text string, is func(rune) bool) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !is(r) })
}
