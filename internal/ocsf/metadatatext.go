package ocsf

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// MetadataText returns the wire's form of a resource's metadata: JSON text with a blank behind every comma and
// colon, no other white space outside texts, and characters beyond ASCII escaped, as the Prowler API writes it.
// raw must be valid JSON; nil gives the empty string.
func MetadataText(raw []byte) string {
	var out strings.Builder
	out.Grow(len(raw) + len(raw)/8)
	inText := false
	for i := 0; i < len(raw); {
		c := raw[i]
		switch {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(raw[i:])
			writeEscaped(&out, r)
			i += size
			continue
		case inText && c == '\\' && i+1 < len(raw):
			i += writeEscape(&out, raw[i:])
			continue
		case c == '"':
			inText = !inText
			out.WriteByte(c)
		case inText:
			out.WriteByte(c)
		case c == ',' || c == ':':
			out.WriteByte(c)
			out.WriteByte(' ')
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		default:
			out.WriteByte(c)
		}
		i++
	}
	return out.String()
}

// writeEscape copies the escape at the beginning of raw and returns its length; of the two spellings of a slash
// the plain one is written.
func writeEscape(out *strings.Builder, raw []byte) int {
	if raw[1] == '/' {
		out.WriteByte('/')
		return 2
	}
	out.Write(raw[:2])
	return 2
}

// writeEscaped writes a character as one or two \u escapes.
func writeEscaped(out *strings.Builder, r rune) {
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		fmt.Fprintf(out, `\u%04x\u%04x`, high, low)
		return
	}
	fmt.Fprintf(out, `\u%04x`, r)
}
