package cells_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"testing"

	"github.com/palisade-sec/palisade/internal/cells"
)

func TestLinesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	want := []string{"", "plain", "a;b", "a,b", `say "x"`, "two\nlines", "ä"}
	for _, delimiter := range []byte{',', ';'} {
		var line bytes.Buffer
		cells.WriteLine(&line, delimiter, want)
		reader := csv.NewReader(&line)
		reader.Comma = rune(delimiter)
		if got, err := reader.Read(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%c: read %q (%v)", delimiter, got, err)
		}
	}
}

func TestFormulasAreTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\ta": "'\ta", "\ra": "'\ra", "": "", "a=1": "a=1"} {
		if got := cells.Harmless(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
