package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// step makes some files from some others.
type step struct {
	name    string
	inputs  []string // file patterns
	outputs []string // file patterns
	make    func(ctx context.Context) error
}

// hash covers the inputs and the outputs, so that an edited output is noticed as well.
func (s step) hash() (string, error) {
	sum := sha256.New()
	for _, pattern := range append(append([]string{}, s.inputs...), s.outputs...) {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return "", fmt.Errorf("pattern %s: %w", pattern, err)
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(sum, "%s %d\n", path, len(content))
			sum.Write(content)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
