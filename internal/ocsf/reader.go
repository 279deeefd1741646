package ocsf

import (
	"errors"
	"fmt"
	"io"

	"github.com/palisade-sec/palisade/internal/catalogue"
)

// Reader reads the findings of one file. Its memory is bounded by one finding and by the check metadata met.
type Reader struct {
	frames  *framer
	decoder *Decoder
	layout  layout
	index   int64
	end     error // once set, what every further Next returns
}

// layout is how the items of a file are laid out.
type layout int

const (
	unknown   layout = iota // nothing read yet
	array                   // [item, item]
	undecided               // lines or stream: the first item is read, and what stands behind it is not
	lines                   // one item a line
	stream                  // items one behind the other, over several lines
)

// NewReader reads the findings file r: a JSON array, or objects one a line or one behind the other; behind gzip
// or not, with or without a byte order mark. checks completes the check metadata and may be nil.
func NewReader(r io.Reader, limits Limits, checks *catalogue.Checks) *Reader {
	decoder := NewDecoder(limits, checks)
	return &Reader{frames: newFramer(r, decoder.limits), decoder: decoder}
}

// Next returns the next finding. An *ItemError says what is wrong with one item, and Next goes on behind it.
// Everything else ends the file: io.EOF when all is read, a *FileError when the file is damaged, and any other
// error when reading failed. A file that ends with an error may have given findings before.
func (r *Reader) Next() (Finding, error) {
	if r.end != nil {
		return Finding{}, r.end
	}
	item, err := r.item()
	if err == nil {
		var finding Finding
		if finding, err = r.decoder.Decode(item); err == nil {
			r.index++
			return finding, nil
		}
	}
	if refused, ok := errors.AsType[*ItemError](err); ok {
		refused.Index = r.index
		r.index++
		return Finding{}, refused
	}
	r.end = err
	return Finding{}, err
}

// Offset returns how far the file is read, in bytes of the uncompressed file.
func (r *Reader) Offset() int64 { return r.frames.offset() }

// item returns the bytes of the next item, valid until the next call.
func (r *Reader) item() ([]byte, error) {
	if r.layout == undecided {
		r.decide()
	}
	switch r.layout {
	case array:
		return r.arrayItem()
	case lines:
		return r.lineItem()
	case stream:
		return r.streamItem()
	}
	return r.firstItem()
}

// firstItem finds the layout out.
func (r *Reader) firstItem() ([]byte, error) {
	if err := r.frames.begin(); err != nil {
		return nil, err
	}
	first, err := r.frames.peek()
	if errors.Is(err, io.EOF) {
		return nil, r.frames.fault(FileEmpty, "The file is empty.")
	}
	if err != nil {
		return nil, err
	}
	switch first {
	case '[':
		r.layout = array
		r.frames.skip(1)
		return r.firstOfArray()
	case '{':
		r.layout = undecided
		return r.frames.object()
	case 'P':
		return nil, r.frames.fault(FileNotJSON, "The file is not JSON; if it is a ZIP archive, unpack it or compress the findings with gzip instead.")
	}
	return nil, r.frames.fault(FileNotJSON, "The file is not JSON: a findings file begins with [ or {.")
}

func (r *Reader) firstOfArray() ([]byte, error) {
	next, err := r.frames.peek()
	if err != nil {
		return nil, r.frames.cutOff(err)
	}
	if next == ']' {
		return nil, r.arrayEnd()
	}
	return r.element(next)
}

// decide looks behind the first object of a file that is no array. If that ended on its line, the file is one of
// lines: a damaged line then costs that line alone.
func (r *Reader) decide() {
	r.layout = stream
	if !r.frames.broken && r.frames.lineEnds() {
		r.layout = lines
	}
}

// arrayItem reads what stands behind an element and then the next element.
func (r *Reader) arrayItem() ([]byte, error) {
	separator, err := r.frames.peek()
	if err != nil {
		return nil, r.frames.cutOff(err)
	}
	switch separator {
	case ']':
		return nil, r.arrayEnd()
	case ',':
	default:
		return nil, r.frames.fault(FileSyntax, "The file is not a JSON array: a comma or ] is missing.")
	}
	r.frames.skip(1)
	next, err := r.frames.peek()
	if err != nil {
		return nil, r.frames.cutOff(err)
	}
	return r.element(next)
}

// element reads one element of the array.
func (r *Reader) element(first byte) ([]byte, error) {
	switch first {
	case '{':
		return r.frames.object()
	case ',', ']', '}', ':':
		return nil, r.frames.fault(FileSyntax, "The file is not a JSON array: a finding is missing where one should stand.")
	}
	if err := r.frames.skipElement(); err != nil {
		return nil, err
	}
	return nil, &ItemError{Code: CodeNotObject, Detail: "The item is not a JSON object."}
}

// arrayEnd reads the array's end and says what stands behind it: io.EOF for nothing.
func (r *Reader) arrayEnd() error {
	r.frames.skip(1)
	behind, err := r.frames.peek()
	if err != nil {
		return err
	}
	switch behind {
	case '[', '{', ',':
		return r.frames.fault(FileAppendedRun, "A second run was appended behind the end of the first: "+
			"the scanner was given an output file that existed. Split the file there, or scan again into a new file.")
	}
	return r.frames.fault(FileTrailing, "Something else stands behind the end of the JSON array.")
}

// lineItem reads the next line that is not blank.
func (r *Reader) lineItem() ([]byte, error) {
	line, ended, err := r.frames.line()
	if err != nil {
		return nil, err
	}
	if line[0] != '{' {
		return nil, &ItemError{Code: CodeNotObject, Detail: "The line is not a JSON object."}
	}
	if !ended && !balanced(line) {
		return nil, r.frames.cutOff(io.EOF)
	}
	return line, nil
}

// streamItem reads the next of several objects that stand one behind the other.
func (r *Reader) streamItem() ([]byte, error) {
	next, err := r.frames.peek()
	if err != nil {
		return nil, err
	}
	if next != '{' {
		return nil, r.frames.fault(FileTrailing, "Something other than a finding stands behind a finding: "+
			"the file is neither a JSON array nor one finding a line.")
	}
	return r.frames.object()
}

// balanced tells whether the braces of a line close.
func balanced(line []byte) bool {
	var scan braces
	return scan.end(line, 0) >= 0
}

func (f *framer) fault(code, detail string) *FileError {
	return &FileError{Code: code, Detail: detail, Offset: f.offset()}
}

// cutOff turns the end of the input, met inside an item or an array, into the file's error.
func (f *framer) cutOff(err error) error {
	if !errors.Is(err, io.EOF) {
		return err
	}
	return f.fault(FileTruncated, "The file ends in the middle: it was cut off, or its scan has not ended.")
}

// readError says what an error of the input means.
func (f *framer) readError(err error) error {
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	if f.zipped {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return f.fault(FileTruncated, "The compressed file ends in the middle: it was cut off.")
		}
		if damagedGzip(err) {
			return f.fault(FileGzip, "The compressed file is damaged.")
		}
	}
	return fmt.Errorf("read findings: %w", err)
}
