package jsonapi

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// fault says what is wrong with a text that is no JSON document (RFC 8259) and where, in the words of the wire; empty when
// nothing is found. It keeps its own stack of open brackets, so that deep nesting costs a byte a level.
func fault(body []byte) string {
	s := &scanner{text: body}
	if !s.document() {
		line := 1 + bytes.Count(body[:s.at], []byte("\n"))
		column := 1 + utf8.RuneCount(body[bytes.LastIndexByte(body[:s.at], '\n')+1:s.at])
		return fmt.Sprintf("%s: line %d column %d (char %d)", s.wrong, line, column, utf8.RuneCount(body[:s.at]))
	}
	return ""
}

// scanner walks a document up to its first fault.
type scanner struct {
	text  []byte
	at    int    // next byte; where the fault is, once there is one
	open  []byte // the brackets that are open
	wrong string
}

const (
	expectValue = "Expecting value"
	expectName  = "Expecting property name enclosed in double quotes"
	expectColon = "Expecting ':' delimiter"
	expectComma = "Expecting ',' delimiter"
)

func (s *scanner) document() bool {
	for {
		begun, ok := s.begin()
		if !ok {
			return false
		}
		if begun { // a bracket was opened and is not empty
			continue
		}
		more, ok := s.after()
		if !ok {
			return false
		}
		if !more {
			s.peek()
			return s.at == len(s.text) || s.fail("Extra data")
		}
	}
}

// begin reads a value, or the bracket and, in an object, the name that a value inside begins with; nested means that another
// value has to follow.
func (s *scanner) begin() (nested, ok bool) {
	switch first := s.peek(); {
	case first == '{' || first == '[':
		s.at++
		s.open = append(s.open, first)
		if next := s.peek(); next == first+2 { // '}' is '{'+2 and ']' is '['+2
			return false, true
		}
		return true, first == '[' || s.name()
	case first == '"':
		return false, s.string()
	default:
		return false, s.atom()
	}
}

// after reads what follows a value: closing brackets, then a comma and, in an object, the next name. more is false at the end
// of the outermost value.
func (s *scanner) after() (more, ok bool) {
	for len(s.open) > 0 {
		bracket := s.open[len(s.open)-1]
		switch s.peek() {
		case bracket + 2:
			s.at++
			s.open = s.open[:len(s.open)-1]
		case ',':
			s.at++
			return true, bracket == '[' || s.name()
		default:
			return false, s.fail(expectComma)
		}
	}
	return false, true
}

// name reads the name of an object's member and the colon.
func (s *scanner) name() bool {
	if s.peek() != '"' {
		return s.fail(expectName)
	}
	if !s.string() {
		return false
	}
	if s.peek() != ':' {
		return s.fail(expectColon)
	}
	s.at++
	return true
}

func (s *scanner) string() bool {
	start := s.at
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return true
		case c < ' ':
			return s.fail("Invalid control character at")
		case c == '\\':
			if !s.escape() {
				return s.wrong == "" && s.unterminated(start)
			}
		}
	}
	return s.unterminated(start)
}

func (s *scanner) unterminated(start int) bool {
	s.at = start
	return s.fail("Unterminated string starting at")
}

// escape steps onto the last byte of an escape; false without a fault means that the text ends.
func (s *scanner) escape() bool {
	if s.at+1 >= len(s.text) {
		return false
	}
	switch s.text[s.at+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at++
		return true
	case 'u':
		for i := 2; i < 6; i++ {
			if s.at+i >= len(s.text) || !isHex(s.text[s.at+i]) {
				s.at++
				return s.fail("Invalid \\uXXXX escape")
			}
		}
		s.at += 5
		return true
	}
	return s.fail("Invalid \\escape")
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

// atom reads a literal or as much of a number as is one.
func (s *scanner) atom() bool {
	for _, literal := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(s.text[s.at:], []byte(literal)) {
			s.at += len(literal)
			return true
		}
	}
	at := s.at
	if at < len(s.text) && s.text[at] == '-' {
		at++
	}
	digits := s.digits(at)
	if digits == at {
		return s.fail(expectValue)
	}
	if s.text[at] == '0' {
		digits = at + 1
	}
	s.at = digits
	if s.at < len(s.text) && s.text[s.at] == '.' && s.digits(s.at+1) > s.at+1 {
		s.at = s.digits(s.at + 1)
	}
	if s.at < len(s.text) && s.text[s.at]|0x20 == 'e' {
		exponent := s.at + 1
		if exponent < len(s.text) && (s.text[exponent] == '+' || s.text[exponent] == '-') {
			exponent++
		}
		if s.digits(exponent) > exponent {
			s.at = s.digits(exponent)
		}
	}
	return true
}

// digits is where the run of digits that begins at a place ends.
func (s *scanner) digits(at int) int {
	for at < len(s.text) && '0' <= s.text[at] && s.text[at] <= '9' {
		at++
	}
	return at
}

// peek skips white space and returns the next byte without reading it; 0, which begins nothing, at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
		default:
			return s.text[s.at]
		}
	}
	return 0
}

func (s *scanner) fail(wrong string) bool {
	s.wrong = wrong
	return false
}
