// Command lint runs the repository's own rules (internal/lint) on packages.
//
//	lint ./...
package main

import (
	"golang.org/x/tools/go/analysis/multichecker"

	"github.com/palisade-sec/palisade/internal/lint"
)

func main() { multichecker.Main(lint.Analyzers()...) }
