package deploy

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the list of checks into docs/deploy.md")

const (
	document = "../../docs/deploy.md"
	begin    = "<!-- begin checks (generated) -->\n"
	end      = "<!-- end checks -->\n"
)

// TestTheListIsDocumented keeps docs/deploy.md equal to the checks.
func TestTheListIsDocumented(t *testing.T) {
	content, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(content), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the list", document)
	}
	want := before + begin + table() + end + after
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(content) != want {
		t.Errorf("%s is not what the checks say: make gen", document)
	}
}

func table() string {
	var text strings.Builder
	text.WriteString("| check | severity | when | what is so when all is well | how to mend it |\n|---|---|---|---|---|\n")
	for _, check := range Checks() {
		when := "`--deploy`"
		if check.Always {
			when = "always"
		}
		if check.Severity == Fatal {
			when = "always, and when a server starts"
		}
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s | %s |\n", check.ID, check.Severity, when, check.Title, strings.ReplaceAll(check.Remedy, "|", `\|`))
	}
	return text.String()
}
