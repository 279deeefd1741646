package main

import (
	"os"
	"testing"
)

// TestTheDocumentIsInStep fails when the operations or the list of intended differences changed and the document did not.
func TestTheDocumentIsInStep(t *testing.T) {
	t.Parallel()
	const root = "../.."
	content, err := os.ReadFile(root + "/" + document)
	if err != nil {
		t.Fatal(err)
	}
	want, err := fill(t.Context(), root, string(content))
	if err != nil {
		t.Fatal(err)
	}
	if string(content) != want {
		t.Errorf("%s is out of step with the operations or with %s: make gen", document, intended)
	}
}
