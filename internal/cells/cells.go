// Package cells writes lines of delimited values (RFC 4180) that spreadsheets do not calculate.
//
// What does not belong here: what the values are.
package cells

import (
	"bytes"
	"strings"
)

// Harmless keeps spreadsheets from calculating what somebody else has written: a text that begins like a formula gets an apostrophe
// in front.
func Harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// Write adds a cell, in quotation marks where the text needs them.
func Write(line *bytes.Buffer, delimiter byte, text string) {
	if strings.IndexByte(text, delimiter) < 0 && !strings.ContainsAny(text, "\"\r\n") {
		line.WriteString(text)
		return
	}
	line.WriteByte('"')
	line.WriteString(strings.ReplaceAll(text, `"`, `""`))
	line.WriteByte('"')
}

// WriteLine adds a line of cells as they are.
func WriteLine(line *bytes.Buffer, delimiter byte, texts []string) {
	for i, text := range texts {
		if i > 0 {
			line.WriteByte(delimiter)
		}
		Write(line, delimiter, text)
	}
	line.WriteString("\r\n")
}
