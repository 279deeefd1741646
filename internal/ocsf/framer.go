package ocsf

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// framer finds where items begin and end, without looking into them. Its buffer holds one item at most.
type framer struct {
	source io.Reader
	zipped bool
	limits Limits
	buffer []byte // read and not yet consumed, from position at
	at     int
	passed int64 // bytes consumed before buffer[0]
	failed error // error of source, met when the buffer is used up
	broken bool  // the last object held a line break outside texts or inside them
}

const readSize = 64 << 10

func newFramer(source io.Reader, limits Limits) *framer {
	return &framer{source: source, limits: limits, buffer: make([]byte, 0, 2*readSize)}
}

// begin looks at the first bytes: gzip, a byte order mark, an encoding that is not read.
func (f *framer) begin() error {
	if err := f.want(4); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if bytes.HasPrefix(f.buffer, []byte{0x1f, 0x8b}) {
		if err := f.unzip(); err != nil {
			return err
		}
	}
	head := f.buffer
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		f.skip(3)
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}), bytes.HasPrefix(head, []byte{'[', 0}),
		bytes.HasPrefix(head, []byte{0, 0}), bytes.HasPrefix(head, []byte{0, '['}), bytes.HasPrefix(head, []byte{'{', 0}), bytes.HasPrefix(head, []byte{0, '{'}):
		return f.fault(FileEncoding, "The file is not UTF-8 but UTF-16 or UTF-32, as some shells write when output is redirected. Convert it to UTF-8.")
	}
	return nil
}

// unzip puts the decompressor between source and buffer.
func (f *framer) unzip() error {
	f.zipped = true
	behind := f.source
	if f.failed != nil {
		behind = failing{f.failed}
	}
	reader, err := gzip.NewReader(io.MultiReader(bytes.NewReader(bytes.Clone(f.buffer)), behind))
	f.buffer, f.failed = f.buffer[:0], nil
	if err != nil {
		// A header that stops is an end, not a clean one.
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return f.readError(err)
	}
	f.source = reader
	if err := f.want(4); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// failing is a reader that has failed.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func damagedGzip(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || errors.As(err, &corrupt)
}

// offset returns the position of the next byte in the uncompressed file.
func (f *framer) offset() int64 { return f.passed + int64(f.at) }

// skip consumes n bytes that are in the buffer.
func (f *framer) skip(n int) { f.at += n }

// want makes n unconsumed bytes available; io.EOF when the input ends before.
func (f *framer) want(n int) error {
	for len(f.buffer)-f.at < n {
		if err := f.fill(); err != nil {
			return err
		}
	}
	return nil
}

// fill reads more input behind what is not yet consumed; it drops what is.
func (f *framer) fill() error {
	if f.failed != nil {
		return f.failed
	}
	if f.at > 0 {
		f.passed += int64(f.at)
		f.buffer = f.buffer[:copy(f.buffer, f.buffer[f.at:])]
		f.at = 0
	}
	if f.limits.MaxFileBytes > 0 && f.passed+int64(len(f.buffer)) > f.limits.MaxFileBytes {
		f.failed = f.fault(FileTooLarge, "The file is larger than what is accepted.")
		return f.failed
	}
	if cap(f.buffer)-len(f.buffer) < readSize {
		grown := make([]byte, len(f.buffer), 2*cap(f.buffer))
		copy(grown, f.buffer)
		f.buffer = grown
	}
	const patience = 100 // reads of nothing, after which a source counts as broken
	for range patience {
		n, err := f.source.Read(f.buffer[len(f.buffer):cap(f.buffer)])
		f.buffer = f.buffer[:len(f.buffer)+n]
		if err != nil {
			f.failed = f.readError(err)
		}
		if n > 0 {
			return nil
		}
		if err != nil {
			return f.failed
		}
	}
	f.failed = io.ErrNoProgress
	return f.failed
}

// peek returns the next byte that is no white space, without consuming it; io.EOF at the end.
func (f *framer) peek() (byte, error) {
	for {
		for f.at < len(f.buffer) {
			c := f.buffer[f.at]
			if !space(c) {
				return c, nil
			}
			f.at++
		}
		if err := f.fill(); err != nil {
			return 0, err
		}
	}
}

func space(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// object consumes the object that begins at the next byte and returns it, valid until the next call. Of one that
// is too large it returns an *ItemError and keeps nothing. Square brackets are left to the decoder: an object
// whose brackets do not match then costs that object alone.
func (f *framer) object() ([]byte, error) {
	var scan braces
	scanned := 0
	for {
		if end := scan.end(f.buffer[f.at:], scanned); end >= 0 {
			object := f.buffer[f.at : f.at+end]
			f.at += end
			if end > f.limits.MaxFindingBytes {
				return nil, tooLarge(f.limits)
			}
			f.broken = bytes.IndexByte(object, '\n') >= 0
			return object, nil
		}
		scanned = len(f.buffer) - f.at
		if scanned > f.limits.MaxFindingBytes {
			return nil, f.skipObject(scan)
		}
		if err := f.fill(); err != nil {
			return nil, f.cutOff(err)
		}
	}
}

// skipObject consumes the rest of an object that is too large, from where scan stands.
func (f *framer) skipObject(scan braces) error {
	f.broken = true // where its lines end is not known
	// A text's closing quote is known by the backslashes before it: they are kept.
	scan.escaped = scan.escaped || (scan.inText && oddBackslashes(f.buffer[f.at:]))
	f.at = len(f.buffer)
	for {
		if err := f.fill(); err != nil {
			return f.cutOff(err)
		}
		if end := scan.slowEnd(f.buffer[f.at:]); end >= 0 {
			f.at += end
			return tooLarge(f.limits)
		}
		f.at = len(f.buffer)
	}
}

// skipElement consumes an element of an array that is not an object, up to the comma or bracket behind it.
func (f *framer) skipElement() error {
	depth, inText, escaped := 0, false, false
	for {
		for ; f.at < len(f.buffer); f.at++ {
			c := f.buffer[f.at]
			switch {
			case escaped:
				escaped = false
			case inText:
				escaped, inText = c == '\\', c != '"'
			case c == '"':
				inText = true
			case c == '[' || c == '{':
				depth++
			case depth == 0 && (c == ',' || c == ']'):
				return nil
			case c == ']' || c == '}':
				depth--
			}
			depth = max(depth, 0)
		}
		if err := f.fill(); err != nil {
			return f.cutOff(err)
		}
	}
}

// lineEnds consumes blanks and tells whether the line, or the file, ends behind them.
func (f *framer) lineEnds() bool {
	for {
		for ; f.at < len(f.buffer); f.at++ {
			switch c := f.buffer[f.at]; {
			case c == '\n':
				return true
			case !space(c):
				return false
			}
		}
		if err := f.fill(); err != nil {
			return true
		}
	}
}

// line consumes the next line that is not blank and returns it without white space at its ends, valid until the
// next call. ended is false when the file ended before the line did.
func (f *framer) line() (line []byte, ended bool, err error) {
	if _, err := f.peek(); err != nil {
		return nil, false, err
	}
	scanned := 0
	for {
		if at := bytes.IndexByte(f.buffer[f.at+scanned:], '\n'); at >= 0 {
			return f.takeLine(scanned+at, true)
		}
		scanned = len(f.buffer) - f.at
		if scanned > f.limits.MaxFindingBytes+1 { // a carriage return may stand behind the object
			return nil, false, f.skipLine()
		}
		if err := f.fill(); err != nil {
			if !errors.Is(err, io.EOF) {
				return nil, false, err
			}
			return f.takeLine(scanned, false)
		}
	}
}

func (f *framer) takeLine(length int, ended bool) ([]byte, bool, error) {
	line := bytes.TrimRight(f.buffer[f.at:f.at+length], " \t\r")
	f.at += length
	return line, ended, nil
}

// skipLine consumes the rest of a line that is too long.
func (f *framer) skipLine() error {
	for {
		if at := bytes.IndexByte(f.buffer[f.at:], '\n'); at >= 0 {
			f.at += at
			return tooLarge(f.limits)
		}
		f.at = len(f.buffer)
		if err := f.fill(); err != nil {
			return f.cutOff(err)
		}
	}
}

// braces counts the braces of an object outside its texts.
type braces struct {
	depth   int
	inText  bool
	escaped bool // for slowEnd: the next byte is escaped
}

// end continues at position from of object, which begins with the object's first byte at every call, and returns
// the position behind the brace that closes it; -1 when more input is needed, then with from at the input's end.
func (b *braces) end(object []byte, from int) int {
	for i := from; i < len(object); i++ {
		if b.inText {
			quote := bytes.IndexByte(object[i:], '"')
			if quote < 0 {
				return -1
			}
			i += quote
			b.inText = oddBackslashes(object[:i])
			continue
		}
		switch object[i] {
		case '"':
			b.inText = true
		case '{':
			b.depth++
		case '}':
			b.depth--
			if b.depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// slowEnd is end for input of which nothing is kept: part is what follows what was seen before.
func (b *braces) slowEnd(part []byte) int {
	for i, c := range part {
		switch {
		case b.escaped:
			b.escaped = false
		case b.inText:
			b.escaped, b.inText = c == '\\', c != '"'
		case c == '"':
			b.inText = true
		case c == '{':
			b.depth++
		case c == '}':
			b.depth--
			if b.depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// oddBackslashes tells whether text ends with an odd number of backslashes: what follows is escaped.
func oddBackslashes(text []byte) bool {
	count := 0
	for i := len(text) - 1; i >= 0 && text[i] == '\\'; i-- {
		count++
	}
	return count%2 == 1
}
