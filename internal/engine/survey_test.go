package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/enginetest"
	"github.com/palisade-sec/palisade/internal/provider"
)

// surveyed is a survey of an engine that runs this script in place of ours, by a clock that stands still.
func surveyed(t *testing.T, script string) (*Survey, *time.Time) {
	t.Helper()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	survey := NewSurvey(Options{})
	survey.engine = fake(t, script, Options{})
	survey.now = func() time.Time { return now }
	return survey, &now
}

func TestSurveyExaminesOnceForAll(t *testing.T) {
	t.Parallel()
	count := filepath.Join(t.TempDir(), "count")
	survey, now := surveyed(t, `
open("`+count+`", "a").write("x")
say(type="header", engine="prowler", version="9.9")
say(type="provider", provider="aws", checks=7, lacks="")
say(type="provider", provider="iac", checks=0, lacks="the program trivy")
say(type="done")
`)
	examined := func() int {
		content, err := os.ReadFile(count)
		if err != nil {
			t.Fatal(err)
		}
		return len(content)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			got, err := survey.Report(t.Context())
			if err != nil || !got.Installed || got.Version != "9.9" || got.Problem != "" || len(got.Providers) != 2 || got.ExaminedAt != *now ||
				got.Interpreter == "" || strings.Contains(got.Interpreter, "/") {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	group.Wait()
	if survey.latest.Providers[0] != (ProviderReport{Type: "aws", Usable: true, Checks: 7}) || survey.latest.Providers[1] != (ProviderReport{Type: "iac", Lacks: "the program trivy"}) {
		t.Errorf("got %+v", survey.latest.Providers)
	}
	if examined() != 1 {
		t.Errorf("examined %d times", examined())
	}
	*now = now.Add(keepReport)
	if _, err := survey.Report(t.Context()); err != nil || examined() != 2 {
		t.Errorf("an old report was given again: %d, %v", examined(), err)
	}
}

func TestSurveyOfWhatDoesNotWork(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct{ script, problem string }{
		"not installed": {`say(type="error", code="not_installed", detail="No module named 'prowler'")`, ErrNotInstalled.Error()},
		"dies":          {`sys.stderr.write("/home/operator/secret"); os._exit(3)`, notExaminable},
		"babbles":       {`print("hello")`, notExaminable},
		"other lines":   {`say(type="finding")`, notExaminable},
		"endless": {`
for _ in range(1000): say(type="provider", provider="aws")
say(type="done")`, notExaminable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			survey, now := surveyed(t, one.script)
			got, err := survey.Report(t.Context())
			if err != nil || got.Installed || got.Version != "" || len(got.Providers) != 0 || got.Problem != one.problem || got.Err == nil {
				t.Errorf("got %+v, %v", got, err)
			}
			first := survey.latest
			*now = now.Add(keepBadReport)
			if _, err := survey.Report(t.Context()); err != nil || survey.latest == first {
				t.Errorf("it was not examined again: %v", err)
			}
		})
	}
	survey := NewSurvey(Options{Python: "/nowhere/python-of-the-operator"})
	if got, err := survey.Report(t.Context()); err != nil || got.Problem != ErrNotInstalled.Error() || got.Interpreter != "" {
		t.Errorf("without an interpreter: %+v, %v", got, err)
	}
}

func TestSurveyOutlivesTheOneWhoAsked(t *testing.T) {
	t.Parallel()
	survey, _ := surveyed(t, `
say(type="header", engine="prowler", version="9.9")
say(type="done")`)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := survey.Report(gone); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got, err := survey.Report(t.Context()); err != nil || !got.Installed {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestRealEngineSurvey(t *testing.T) {
	got, err := NewSurvey(Options{Python: enginetest.Real(t), TempDir: t.TempDir()}).Report(t.Context())
	if err != nil || !got.Installed || got.Version == "" || len(got.Providers) != len(provider.Types()) {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, one := range got.Providers {
		bare := one.Type == string(provider.IaC) || one.Type == string(provider.Image)
		if !provider.Type(one.Type).Valid() || (one.Checks == 0) != bare || !bare && !one.Usable {
			t.Errorf("got %+v", one)
		}
	}
}
