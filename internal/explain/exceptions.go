package explain

import (
	_ "embed"
	"fmt"
	"path"
	"strings"
)

//go:embed exceptions.txt
var known string

// Exception is a fault that has a reason. Operation, shape and fault are patterns as path.Match takes them.
type Exception struct {
	Operation, Shape, Fault string
	Reason                  string
	used                    bool
}

// Exceptions are those that are known, in order.
type Exceptions []*Exception

// Known are the exceptions of exceptions.txt.
func Known() (Exceptions, error) { return parseExceptions(known) }

func parseExceptions(text string) (Exceptions, error) {
	var all Exceptions
	for number, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 4 {
			return nil, fmt.Errorf("exception in line %d: not OPERATION SHAPE FAULT REASON", number+1)
		}
		for _, pattern := range fields[:3] {
			if _, err := path.Match(pattern, ""); err != nil {
				return nil, fmt.Errorf("exception in line %d: %q: %w", number+1, pattern, err)
			}
		}
		all = append(all, &Exception{Operation: fields[0], Shape: fields[1], Fault: fields[2], Reason: strings.Join(fields[3:], " ")})
	}
	return all, nil
}

// Allow is the first exception that a fault is, nil when it is none.
func (all Exceptions) Allow(operation, shape, fault string) *Exception {
	for _, one := range all {
		if matches(one.Operation, operation) && matches(one.Shape, shape) && matches(one.Fault, fault) {
			one.used = true
			return one
		}
	}
	return nil
}

// Unused are the exceptions that no fault was, of those that name an operation out of some.
func (all Exceptions) Unused(operations []string) Exceptions {
	var left Exceptions
	for _, one := range all {
		if !one.used && one.names(operations) {
			left = append(left, one)
		}
	}
	return left
}

// names reports whether the exception is about any of the operations.
func (e *Exception) names(operations []string) bool {
	for _, operation := range operations {
		if matches(e.Operation, operation) {
			return true
		}
	}
	return false
}

func matches(pattern, name string) bool {
	ok, _ := path.Match(pattern, name) // patterns are checked when they are parsed
	return ok
}
