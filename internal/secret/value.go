package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted stands wherever a secret would be printed.
const redacted = "[redacted]"

// Value is a secret in the clear. Whatever prints it (fmt, slog, encoding/json) shows only that there is one;
// to use the content, convert it or pass it where a []byte is wanted.
type Value []byte

// LogValue hides the content from slog.
func (Value) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format hides the content from every verb of fmt.
func (Value) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// MarshalJSON hides the content from encoding/json, so that a Value in a larger document does not leak.
func (Value) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
