//go:build !linux

package pgtest

// scratchDir returns the folder in which servers are set up; empty means the system's folder for temporary files.
func scratchDir() string { return "" }
