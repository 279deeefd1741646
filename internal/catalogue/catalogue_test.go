package catalogue_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/catalogue"
)

func small(t *testing.T) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/small.json")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func zipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	if _, err := writer.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestReadGivesChecksAndFrameworks(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{"plain": small(t), "gzip": zipped(t, small(t))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var checks catalogue.Checks
			var frameworks []catalogue.Framework
			header, err := catalogue.Read(bytes.NewReader(content),
				func(c catalogue.Check) error { checks.Add(c); return nil },
				func(f catalogue.Framework) error { frameworks = append(frameworks, f); return nil })
			if err != nil {
				t.Fatal(err)
			}
			if header.Engine != "prowler" || header.Version != "0.0.1" {
				t.Errorf("header %+v", header)
			}
			check, ok := checks.Lookup("aws", "lamp_is_off")
			if !ok || check.Remediation.Code.CLI != "lamp off" || check.ResourceGroup != "lighting" || check.Aliases[0] != "lamp_dark" {
				t.Errorf("check %+v", check)
			}
			if _, ok := checks.Lookup("gcp", "lamp_is_off"); ok {
				t.Error("a check was found under another provider type")
			}
			if len(frameworks) != 1 || frameworks[0].ID != "house_1.0_aws" || frameworks[0].Provider != "aws" || len(frameworks[0].Requirements) != 2 {
				t.Fatalf("frameworks %+v", frameworks)
			}
			if first := frameworks[0].Requirements[0]; string(first.Attributes) != `[{"Section": "Light"}]` || first.Checks[0] != "lamp_is_off" {
				t.Errorf("requirement %+v", first)
			}
		})
	}
}

func TestReadRefusesDamagedFiles(t *testing.T) {
	t.Parallel()
	whole := string(small(t))
	for name, content := range map[string]string{
		"empty":           "",
		"not json":        "hello",
		"cut off":         whole[:len(whole)/2],
		"list":            "[]",
		"no version":      `{"engine":"x","providers":{}}`,
		"other id inside": strings.Replace(whole, `"CheckID": "lamp_is_off"`, `"CheckID": "other"`, 1),
		"wrong type":      strings.Replace(whole, `["House/Light"]`, `7`, 1),
		"more behind":     whole + whole,
		"damaged gzip":    string(zipped(t, []byte(whole))[:200]),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ignore := func(catalogue.Check) error { return nil }
			if _, err := catalogue.Read(strings.NewReader(content), ignore, func(catalogue.Framework) error { return nil }); err == nil {
				t.Error("read without an error")
			}
		})
	}
}

func TestReadStopsAtTheErrorOfItsCaller(t *testing.T) {
	t.Parallel()
	stop := errors.New("full")
	_, err := catalogue.Read(bytes.NewReader(small(t)), func(catalogue.Check) error { return stop }, nil)
	if !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

func TestChecksOfNothing(t *testing.T) {
	t.Parallel()
	var none *catalogue.Checks
	if _, ok := none.Lookup("aws", "x"); ok || none.Len() != 0 {
		t.Error("an empty catalogue found something")
	}
}
