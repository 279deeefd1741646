package provider

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// The kinds of fields that credentials have. Each returns the value to store or the errors of the wire contract.

const nullText = "This field may not be null."

// maxText is the length of the longest text: the largest contents of files are well below it.
const maxText = 256 << 10

// text is a text that is not blank; a number counts as its digits. White space around it is stored as given.
func text(path string, value any) (any, jsonapi.Errors) {
	given, refused := asText(path, value)
	return given, refused
}

func asText(path string, value any) (string, jsonapi.Errors) {
	var given string
	switch value := value.(type) {
	case nil:
		return "", jsonapi.Errors{jsonapi.Field(path, "null", nullText)}
	case string:
		given = value
	case json.Number:
		given = value.String()
	default:
		return "", jsonapi.Errors{jsonapi.Field(path, "invalid", "Not a valid string.")}
	}
	switch {
	case strings.TrimSpace(given) == "":
		return "", jsonapi.Errors{jsonapi.Field(path, "blank", "This field may not be blank.")}
	case utf8.RuneCountInString(given) > maxText:
		detail := fmt.Sprintf("Ensure this field has no more than %d characters.", maxText)
		return "", jsonapi.Errors{jsonapi.Field(path, "max_length", detail)}
	case strings.ContainsRune(given, 0):
		return "", jsonapi.Errors{jsonapi.Field(path, "null_characters_not_allowed", "Null characters are not allowed.")}
	}
	return given, nil
}

// checkedText is text whose trimmed form passes check.
func checkedText(path string, value any, check func(trimmed string) *jsonapi.Error) (any, jsonapi.Errors) {
	given, refused := asText(path, value)
	if refused != nil {
		return nil, refused
	}
	if broken := check(strings.TrimSpace(given)); broken != nil {
		return nil, jsonapi.Errors{*broken}
	}
	return given, nil
}

// email is a text that looks like a mail address: the dot-string form of RFC 5321 at a domain of two labels or more.
func email(path string, value any) (any, jsonapi.Errors) {
	return checkedText(path, value, func(trimmed string) *jsonapi.Error {
		if len(trimmed) <= maxEmail && emailForm.MatchString(trimmed) {
			return nil
		}
		refusal := jsonapi.Field(path, "invalid", "Enter a valid email address.")
		return &refusal
	})
}

// maxEmail is the longest address: 64 octets, @, 255 octets (RFC 5321, section 4.5.3.1).
const maxEmail = 320

var emailForm = func() *regexp.Regexp {
	const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
	const label = `[\p{L}\p{N}]([\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?`
	return match(atom + `(\.` + atom + `)*@(` + label + `\.)+` + `[\p{L}\p{N}][\p{L}\p{N}-]{0,61}[\p{L}\p{N}]`)
}()

// integer is a whole number, as number or text, of any size.
func integer(path string, value any) (any, jsonapi.Errors) {
	number, refused := asInteger(path, value)
	if refused != nil {
		return nil, refused
	}
	return json.Number(number.String()), nil
}

// integerBetween is integer within both bounds.
func integerBetween(least, most int64) reader {
	return func(path string, value any) (any, jsonapi.Errors) {
		number, refused := asInteger(path, value)
		switch {
		case refused != nil:
			return nil, refused
		case number.Cmp(big.NewInt(least)) < 0:
			return nil, jsonapi.Errors{jsonapi.Field(path, "min_value", fmt.Sprintf("Ensure this value is greater than or equal to %d.", least))}
		case number.Cmp(big.NewInt(most)) > 0:
			return nil, jsonapi.Errors{jsonapi.Field(path, "max_value", fmt.Sprintf("Ensure this value is less than or equal to %d.", most))}
		}
		return json.Number(number.String()), nil
	}
}

// maxIntegerText bounds the work of reading a number.
const maxIntegerText = 1000

// zeroFraction is what may follow a whole number: 900.0 is 900.
var zeroFraction = regexp.MustCompile(`\.0*\s*\z`)

func asInteger(path string, value any) (*big.Int, jsonapi.Errors) {
	var given string
	switch value := value.(type) {
	case nil:
		return nil, jsonapi.Errors{jsonapi.Field(path, "null", nullText)}
	case string:
		given = value
	case json.Number:
		given = plainNumber(value)
	}
	if len(given) > maxIntegerText {
		return nil, jsonapi.Errors{jsonapi.Field(path, "max_string_length", "String value too large.")}
	}
	number, ok := new(big.Int).SetString(strings.TrimSpace(zeroFraction.ReplaceAllString(given, "")), 10)
	if !ok {
		return nil, jsonapi.Errors{jsonapi.Field(path, "invalid", "A valid integer is required.")}
	}
	return number, nil
}

// plainNumber writes a number with an exponent (9e2) without one, as far as it is exact.
func plainNumber(number json.Number) string {
	if !strings.ContainsAny(number.String(), "eE") {
		return number.String()
	}
	const exactBelow = 1 << 53
	float, err := number.Float64()
	if err != nil || float >= exactBelow || float <= -exactBelow {
		return ""
	}
	return strconv.FormatFloat(float, 'f', -1, 64)
}

// listOfText is a list, empty or not, of texts.
func listOfText(path string, value any) (any, jsonapi.Errors) {
	list, isList := value.([]any)
	switch {
	case value == nil:
		return nil, jsonapi.Errors{jsonapi.Field(path, "null", nullText)}
	case !isList:
		detail := fmt.Sprintf("Expected a list of items but got type %q.", typeName(value))
		return nil, jsonapi.Errors{jsonapi.Field(path, "not_a_list", detail)}
	}
	stored := make([]string, len(list))
	var refused jsonapi.Errors
	for i, element := range list {
		given, wrong := asText(path+"/"+strconv.Itoa(i), element)
		stored[i] = given
		refused = append(refused, wrong...)
	}
	return stored, refused
}

// anything is any value, null too.
func anything(_ string, value any) (any, jsonapi.Errors) { return value, nil }

// certificate is a text of strict base64 (RFC 4648, section 4).
func certificate(path string, value any) (any, jsonapi.Errors) {
	return checkedText(path, value, func(trimmed string) *jsonapi.Error {
		var reason string
		switch _, err := base64.StdEncoding.DecodeString(trimmed); {
		case strings.ContainsFunc(trimmed, notBase64):
			reason = "Only base64 data is allowed"
		case err != nil:
			reason = "Incorrect padding"
		default:
			return nil
		}
		// The last member stands twice in the pointer of the wire.
		refusal := jsonapi.Field(path+"/certificate_content", "m365-certificate-content",
			"The provided certificate content is not valid base64 encoded data: "+reason)
		return &refusal
	})
}

func notBase64(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '/' || r == '=')
}

// pemOrJWK is a private key as PEM or JWK. The library takes anything else for the path of a file, if there is one.
func pemOrJWK(path string, value any) (any, jsonapi.Errors) {
	return checkedText(path, value, func(trimmed string) *jsonapi.Error {
		if strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "-----BEGIN ") || !strings.ContainsAny(trimmed, `/\`) {
			return nil
		}
		refusal := jsonapi.Field(path, "invalid", "The private key has to be given as PEM or JWK, not as the path of a file.")
		return &refusal
	})
}

// shellText is a text that the library puts between single quotes of a PowerShell command. To PowerShell the typographic
// quotes are single quotes too, which the library does not know; and a line break would end the command.
func shellText(path string, value any) (any, jsonapi.Errors) {
	given, refused := asText(path, value)
	if refused != nil {
		return nil, refused
	}
	if strings.ContainsFunc(given, breaksQuotes) {
		return nil, jsonapi.Errors{jsonapi.Field(path, "invalid", "Typographic quotes and control characters are not allowed.")}
	}
	return given, nil
}

func breaksQuotes(r rune) bool {
	const firstQuote, lastQuote = '\u2018', '\u201b'
	return r >= firstQuote && r <= lastQuote || unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
}
