package jsonapi

import "bytes"

// compact appends valid JSON without the spaces between its tokens. It is json.Compact for texts that nobody has to check again, as
// those that the database gives: documents are mostly texts, and inside of those there is nothing to look at but their end.
func compact(buffer *bytes.Buffer, valid []byte) {
	for len(valid) > 0 {
		end := bytes.IndexByte(valid, '"')
		if end < 0 {
			end = len(valid)
		}
		for _, c := range valid[:end] {
			if c > ' ' {
				buffer.WriteByte(c)
			}
		}
		valid = valid[end:]
		length := textLength(valid)
		buffer.Write(valid[:length])
		valid = valid[length:]
	}
}

// textLength is the length of the JSON string that begins here, quotes included; 0 at the end.
func textLength(valid []byte) int {
	for length := 1; length < len(valid); {
		next := bytes.IndexByte(valid[length:], '"')
		if next < 0 {
			break
		}
		length += next + 1
		escapes := 0
		for valid[length-2-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return length
		}
	}
	return len(valid)
}
