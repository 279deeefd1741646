package config

import (
	"fmt"
	"io"
	"strings"
)

// mask stands for a secret that is set.
const mask = "********"

// Print writes the settings as lines of "key = value", secrets masked.
func (s Settings) Print(w io.Writer) error {
	for _, field := range fields(&s) {
		text := fmt.Sprint(field.value.Interface())
		if words, ok := field.value.Interface().([]string); ok {
			text = strings.Join(words, ",")
		}
		if field.secret && text != "" {
			text = mask
		}
		if _, err := fmt.Fprintf(w, "%s = %s\n", field.key, text); err != nil {
			return err
		}
	}
	return nil
}
