// Command compatibility writes the generated parts of docs/compatibility.md: the operations that answer 501, from the
// operations' declarations, and the recorded steps that differ on purpose, from conformance/intended.txt. It runs in the
// repository's root.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/palisade-sec/palisade/internal/api"
	"github.com/palisade-sec/palisade/internal/app"
)

const (
	document = "docs/compatibility.md"
	intended = "conformance/intended.txt"
)

func main() {
	if err := run(context.Background(), "."); err != nil {
		fmt.Fprintln(os.Stderr, "compatibility:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root string) error {
	path := root + "/" + document
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err := fill(ctx, root, string(old))
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// fill returns the document with its generated parts as they should be.
func fill(ctx context.Context, root, text string) (string, error) {
	pending, err := pendingOperations(ctx)
	if err != nil {
		return "", err
	}
	differences, err := intendedDifferences(root)
	if err != nil {
		return "", err
	}
	if text, err = replace(text, "pending", pending); err != nil {
		return "", err
	}
	return replace(text, "intended", differences)
}

// replace puts a part between its two marks.
func replace(text, name, part string) (string, error) {
	begin, end := "<!-- begin "+name+" (generated) -->\n", "<!-- end "+name+" -->"
	before, rest, ok := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("%s has no marks for %s", document, name)
	}
	return before + begin + part + end + after, nil
}

func pendingOperations(ctx context.Context) (string, error) {
	server, err := app.Describe(ctx)
	if err != nil {
		return "", err
	}
	var lines []string
	all := server.Operations()
	for _, operation := range all {
		if api.Pending(operation) {
			lines = append(lines, fmt.Sprintf("| `%s` | `/api/v1%s` |\n", operation.Method, operation.Path))
		}
	}
	slices.SortFunc(lines, func(a, b string) int {
		return strings.Compare(strings.SplitN(a, "|", 3)[2]+a, strings.SplitN(b, "|", 3)[2]+b)
	})
	if len(lines) == 0 {
		return "None.\n", nil
	}
	return fmt.Sprintf("%d of %d operations.\n\n| method | path |\n|---|---|\n", len(lines), len(all)) + strings.Join(lines, ""), nil
}

func intendedDifferences(root string) (string, error) {
	content, err := os.ReadFile(root + "/" + intended)
	if err != nil {
		return "", err
	}
	var lines []string
	for i, line := range strings.Split(string(content), "\n") {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words := strings.Fields(line)
		if len(words) < 3 {
			return "", fmt.Errorf("%s:%d: want a conversation, a step and a reason", intended, i+1)
		}
		lines = append(lines, fmt.Sprintf("| %s | %s | %s |\n", words[0], words[1], strings.ReplaceAll(strings.Join(words[2:], " "), "|", "\\|")))
	}
	if len(lines) == 0 {
		return "None.\n", nil
	}
	slices.Sort(lines)
	return "| conversation | step | why |\n|---|---|---|\n" + strings.Join(slices.Compact(lines), ""), nil
}
