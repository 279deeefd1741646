package engine

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"
)

// Report says what the engine of this machine can do.
type Report struct {
	Name        string // "prowler"
	Installed   bool
	Version     string
	Interpreter string // file name alone: the folder is the operator's
	Problem     string // why it cannot be used, for everybody to read; empty when it can
	Providers   []ProviderReport
	ExaminedAt  time.Time

	Err error // more about the problem, for operators; without secrets
}

// ProviderReport is what the engine can do for one provider type.
type ProviderReport struct {
	Type   string
	Usable bool
	Lacks  string // what a scan needs and is not there; empty when it is usable
	Checks int    // checks that are in the engine's files; 0 for types whose checks come with another scanner
}

const (
	reportName     = "prowler"
	notExaminable  = "The engine could not be examined."
	surveyTimeout  = 30 * time.Second
	keepReport     = 10 * time.Minute
	keepBadReport  = time.Minute
	mostOfProvider = 64 // lines of the child about provider types
)

// Survey examines the engine of this machine, at most once at a time, and remembers for a while what it found. It is safe for
// use by several goroutines.
type Survey struct {
	engine *Prowler
	now    func() time.Time

	mutex    sync.Mutex
	latest   *Report
	underWay chan struct{} // closed at the end of the examination; nil: none is under way
}

// NewSurvey returns a survey of the engine with these settings. It starts nothing.
func NewSurvey(options Options) *Survey {
	options.DescribeTimeout = surveyTimeout
	return &Survey{engine: NewProwler(options), now: time.Now}
}

// Report returns what is known, which may be some minutes old, or examines the engine. The error is that of ctx: what is wrong
// with the engine stands in the report.
func (s *Survey) Report(ctx context.Context) (Report, error) {
	for {
		s.mutex.Lock()
		if s.latest != nil && s.now().Before(s.latest.ExaminedAt.Add(s.latest.keep())) {
			report := *s.latest
			s.mutex.Unlock()
			return report, nil
		}
		if s.underWay == nil {
			s.underWay = make(chan struct{})
			go s.examine(context.WithoutCancel(ctx)) // others wait for it too
		}
		ended := s.underWay
		s.mutex.Unlock()
		select {
		case <-ended:
		case <-ctx.Done():
			return Report{}, ctx.Err()
		}
	}
}

func (s *Survey) examine(ctx context.Context) {
	report := s.engine.capabilities(ctx)
	report.ExaminedAt = s.now().UTC()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.latest = &report
	close(s.underWay)
	s.underWay = nil
}

// keep is how long the report is good for: what is wrong is looked at again soon.
func (r *Report) keep() time.Duration {
	if r.Problem != "" {
		return keepBadReport
	}
	return keepReport
}

// capabilities asks the child what it can do.
func (p *Prowler) capabilities(ctx context.Context) Report {
	report := Report{Name: reportName}
	run := p.process(wireRequest{Operation: "capabilities"}, p.options.DescribeTimeout)
	err := run.do(ctx, func(l *line) error {
		switch {
		case l.Type == "header":
			report.Version = l.Version
		case l.Type == "provider" && len(report.Providers) < mostOfProvider:
			report.Providers = append(report.Providers, ProviderReport{Type: l.Provider, Usable: l.Lacks == "", Lacks: l.Lacks, Checks: l.Checks})
		default:
			return unexpected(l)
		}
		return nil
	})
	if interpreter, err := FindInterpreter(p.options.Python); err == nil {
		report.Interpreter = filepath.Base(interpreter)
	}
	switch {
	case err == nil:
		report.Installed = true
	case errors.Is(err, ErrNotInstalled):
		return Report{Name: reportName, Problem: ErrNotInstalled.Error(), Err: err}
	default:
		return Report{Name: reportName, Interpreter: report.Interpreter, Problem: notExaminable, Err: err}
	}
	return report
}
