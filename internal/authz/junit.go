package authz

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Name    string       `xml:"name,attr"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Line    int           `xml:"line,attr,omitempty"`
	Failure *junitMessage `xml:"failure"`
	Error   *junitMessage `xml:"error"`
	Skipped *junitMessage `xml:"skipped"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report as JUnit XML: a suite for each package of tests, a test case for each test or, of a table of
// cases, for each case; and suites for operations without a test and for files that the tests do not reach whole.
func (r Report) WriteJUnit(out io.Writer) error {
	document := junitSuites{Name: "policy " + r.Revision}
	for _, test := range r.Tests {
		name := strings.TrimPrefix(test.Package, "data.")
		i := slices.IndexFunc(document.Suites, func(suite junitSuite) bool { return suite.Name == name })
		if i < 0 {
			i = len(document.Suites)
			document.Suites = append(document.Suites, junitSuite{Name: name})
		}
		document.Suites[i].Cases = append(document.Suites[i].Cases, test.junit(name)...)
	}
	document.Suites = append(document.Suites, r.junitExamination()...)
	for i := range document.Suites {
		document.Suites[i].count()
	}
	if _, err := io.WriteString(out, xml.Header); err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	encoder := xml.NewEncoder(out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	_, err := io.WriteString(out, "\n")
	return err
}

func (t TestResult) junit(class string) []junitCase {
	one := junitCase{Class: class, Name: t.Name, File: t.File, Line: t.Row}
	where := fmt.Sprintf("%s:%d: %s.%s", t.File, t.Row, class, t.Name)
	switch {
	case t.Skipped:
		one.Skipped = &junitMessage{Message: "marked as to do"}
		return []junitCase{one}
	case t.Error != "":
		one.Error = &junitMessage{Message: "could not be evaluated", Text: where + ": " + t.Error}
		return []junitCase{one}
	case len(t.Cases) == 0:
		if !t.Passed {
			one.Failure = &junitMessage{Message: "failed", Text: where + " does not hold"}
		}
		return []junitCase{one}
	}
	cases := make([]junitCase, len(t.Cases))
	for i, given := range t.Cases {
		cases[i] = one
		cases[i].Name += "[" + given.Name + "]"
		if !given.Passed {
			cases[i].Failure = &junitMessage{Message: "failed for " + given.Name, Text: where + " does not hold for " + given.Name}
		}
	}
	return cases
}

// junitExamination is what the tests as a whole fail to do.
func (r Report) junitExamination() []junitSuite {
	var suites []junitSuite
	operations := junitSuite{Name: "operations"}
	for _, operation := range r.Untested {
		operations.Cases = append(operations.Cases, junitCase{Class: "operations", Name: string(operation),
			Failure: &junitMessage{Message: "untested", Text: "no test case of package palisade.rbac_test is named " + string(operation)}})
	}
	if len(operations.Cases) > 0 {
		suites = append(suites, operations)
	}
	coverage := junitSuite{Name: "coverage"}
	for _, file := range r.Files {
		one := junitCase{Class: "coverage", Name: file.File, File: file.File}
		if file.Percent < 100 {
			one.Failure = &junitMessage{Message: fmt.Sprintf("%.1f %% covered", file.Percent),
				Text: fmt.Sprintf("no test reaches the lines %v", file.Uncovered)}
		}
		coverage.Cases = append(coverage.Cases, one)
	}
	if len(coverage.Cases) > 0 {
		suites = append(suites, coverage)
	}
	return suites
}

func (s *junitSuite) count() {
	s.Tests = len(s.Cases)
	for _, one := range s.Cases {
		switch {
		case one.Failure != nil:
			s.Failures++
		case one.Error != nil:
			s.Errors++
		case one.Skipped != nil:
			s.Skipped++
		}
	}
}
