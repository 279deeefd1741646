package engine

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/ocsf"
)

//go:embed prowler.py
var prowlerScript []byte

// Options are the settings of the Prowler engine. A zero field means its default.
type Options struct {
	Python  string        // PALISADE_PROWLER_PYTHON: interpreter that has prowler; default: see FindInterpreter
	PassEnv []string      // PALISADE_ENGINE_PASS_ENV: names of variables that the child gets beside the few it needs
	TempDir string        // where the child's private folder is made; default: the system's
	Memory  int64         // bytes of memory the child and each of its children may have; default 4 GiB, -1 for no limit
	Checks  CatalogueFunc // completes the check metadata of findings; nil for none
	// Services are all that scans look at, by provider type; types that are not in it are scanned whole. See ParseServices.
	Services map[string][]string

	DescribeTimeout time.Duration // default 10 minutes
	ConnectTimeout  time.Duration // default 2 minutes
	ScanTimeout     time.Duration // default 24 hours
	EventsTimeout   time.Duration // default 1 minute

	Limits ocsf.Limits // of findings
}

// CatalogueFunc returns the catalogue in force when a scan begins; it may return nil.
type CatalogueFunc func(context.Context) (*catalogue.Checks, error)

const (
	defaultMemory          = 4 << 30
	defaultDescribeTimeout = 10 * time.Minute
	defaultConnectTimeout  = 2 * time.Minute
	defaultScanTimeout     = 24 * time.Hour
	defaultEventsTimeout   = time.Minute
)

// Prowler is the Prowler engine: its SDK, driven by a script of ours in a child process per operation. It is safe
// for use by several goroutines.
type Prowler struct {
	options Options
	script  []byte // stands in for prowlerScript in tests
}

// NewProwler returns the engine with these settings. It starts nothing: an engine that is not installed shows at
// the first operation, as ErrNotInstalled.
func NewProwler(options Options) *Prowler {
	if options.Memory == 0 {
		options.Memory = defaultMemory
	}
	for limit, value := range map[*time.Duration]time.Duration{
		&options.DescribeTimeout: defaultDescribeTimeout, &options.ConnectTimeout: defaultConnectTimeout, &options.ScanTimeout: defaultScanTimeout,
		&options.EventsTimeout: defaultEventsTimeout,
	} {
		if *limit <= 0 {
			*limit = value
		}
	}
	return &Prowler{options: options, script: prowlerScript}
}

// line is one line that the child writes.
type line struct {
	Type      string          `json:"type"`
	Code      string          `json:"code"`
	Detail    string          `json:"detail"`
	Engine    string          `json:"engine"`
	Version   string          `json:"version"`
	Provider  string          `json:"provider"`
	ID        string          `json:"id"`
	UID       string          `json:"uid"`
	Check     json.RawMessage `json:"check"`
	Framework json.RawMessage `json:"framework"`
	Connected bool            `json:"connected"`
	Error     *string         `json:"error"`
	Value     float64         `json:"value"`
	Tags      jsonTags        `json:"tags"`
	OCSF      json.RawMessage `json:"ocsf"`
	Checks    int             `json:"checks"`
	Lacks     string          `json:"lacks"`
	Event     *Event          `json:"event"`
}

// Describe hands every check and compliance framework of the given provider types to its function, and returns the
// engine's name and version. Without provider types it describes all. An error of a function ends the description.
func (p *Prowler) Describe(ctx context.Context, check func(catalogue.Check) error, framework func(catalogue.Framework) error, providers ...string) (catalogue.Header, error) {
	var header catalogue.Header
	run := p.process(wireRequest{Operation: "describe", Providers: providers}, p.options.DescribeTimeout)
	err := run.do(ctx, func(l *line) error {
		switch l.Type {
		case "header":
			header = catalogue.Header{Engine: l.Engine, Version: l.Version}
			return nil
		case "check":
			return described(l.Check, l.Provider, l.ID, func(c catalogue.Check) error {
				c.Provider = l.Provider
				return check(c)
			})
		case "framework":
			return described(l.Framework, l.Provider, l.ID, func(f catalogue.Framework) error {
				f.Provider, f.ID = l.Provider, l.ID
				return framework(f)
			})
		}
		return unexpected(l)
	})
	return header, err
}

// described decodes one entry of the catalogue and hands it on.
func described[T any](raw json.RawMessage, provider, id string, visit func(T) error) error {
	var entry T
	if err := json.Unmarshal(raw, &entry); err != nil {
		return fmt.Errorf("%w: entry %s of %s: %v", ErrProtocol, id, provider, err)
	}
	return visit(entry)
}

// ConnectResult says whether a secret opens its account.
type ConnectResult struct {
	Connected bool
	Error     string // what the provider's SDK says when it does not, without secrets; else empty
}

// Connect tries the secret against the provider, and that it belongs to the account uid. An error means that it
// could not be tried.
func (p *Prowler) Connect(ctx context.Context, request Request) (ConnectResult, error) {
	var result *ConnectResult
	run := p.process(request.wire("connect"), p.options.ConnectTimeout)
	err := run.do(ctx, func(l *line) error {
		if l.Type != "connection" {
			return unexpected(l)
		}
		result = &ConnectResult{Connected: l.Connected, Error: run.redactor.clean(l.reason())}
		return nil
	})
	if err != nil {
		return ConnectResult{}, err
	}
	if result == nil {
		return ConnectResult{}, &ProcessError{Cause: ErrProtocol, Detail: "it gave no result"}
	}
	return *result, nil
}

// Sink takes what a scan gives, in its order and from one goroutine. An error of a method ends the scan and is
// returned by it.
type Sink interface {
	// Connected is called once, before any finding, when the secret has opened the account.
	Connected() error
	// Progress takes the share of checks that are done, from 0 to 100; it never falls.
	Progress(percent float64) error
	// Finding takes one finding of the account. It may keep it.
	Finding(finding ocsf.Finding) error
	// Refused takes a finding that cannot be stored.
	Refused(refused *ocsf.ItemError) error
}

// ScanResult is what there is to say about a scan beside its findings.
type ScanResult struct {
	Findings int64  // findings handed to the sink
	Refused  int64  // findings that cannot be stored, handed to the sink as such
	Output   string // end of the engine's error output, without secrets; for logs
}

// Scan scans the account. A secret that does not open it gives a *NotConnectedError, a finding of another account
// ErrWrongAccount; what the sink took before an error is to be given up.
func (p *Prowler) Scan(ctx context.Context, request Request, sink Sink) (ScanResult, error) {
	var checks *catalogue.Checks
	if p.options.Checks != nil {
		var err error
		if checks, err = p.options.Checks(ctx); err != nil {
			return ScanResult{}, fmt.Errorf("load the catalogue: %w", err)
		}
	}
	narrowed, ok := request.Scope.within(p.options.Services[request.Provider])
	if !ok {
		return ScanResult{}, &ProcessError{Cause: ErrRefused, Detail: "scans of this installation do not look at the services of the scope", Exit: exitNotFound}
	}
	request.Scope = narrowed
	run := p.process(request.wire("scan"), p.options.ScanTimeout)
	scan := scanning{request: request, sink: sink, redactor: run.redactor, decoder: ocsf.NewDecoder(p.options.Limits, checks)}
	run.overlong = scan.overlong
	err := run.do(ctx, scan.line)
	scan.result.Output = run.output.String()
	if err == nil && !scan.connected {
		err = &ProcessError{Cause: ErrProtocol, Detail: "it ended without a connection"}
	}
	return scan.result, err
}

// scanning is one scan under way.
type scanning struct {
	request   Request
	sink      Sink
	redactor  *redactor
	decoder   *ocsf.Decoder
	result    ScanResult
	connected bool
	progress  float64
}

func (s *scanning) line(l *line) error {
	if !s.connected {
		return s.connection(l)
	}
	switch l.Type {
	case "progress":
		if l.Value <= s.progress {
			return nil
		}
		s.progress = min(l.Value, 100)
		return s.sink.Progress(s.progress)
	case "finding":
		return s.finding(l)
	case "lost":
		return s.refuse(&ocsf.ItemError{Code: ocsf.CodeMalformed, Detail: "The engine could not write the finding.",
			UID: strings.ReplaceAll(l.UID, "\x00", "")})
	}
	return unexpected(l)
}

func (s *scanning) connection(l *line) error {
	if l.Type != "connection" {
		return unexpected(l)
	}
	if !l.Connected {
		return &NotConnectedError{Provider: s.request.Provider, Reason: s.redactor.clean(l.reason())}
	}
	s.connected = true
	return s.sink.Connected()
}

func (s *scanning) finding(l *line) error {
	finding, err := s.decoder.Decode(l.OCSF)
	if err != nil {
		refused, ok := err.(*ocsf.ItemError)
		if !ok {
			return fmt.Errorf("%w: %v", ErrProtocol, err)
		}
		return s.refuse(refused)
	}
	if finding.Provider != s.request.Provider || !finding.BelongsTo(s.request.UID) {
		return ErrWrongAccount
	}
	if l.Tags != nil {
		finding.Resource.Tags = l.Tags
	}
	s.result.Findings++
	return s.sink.Finding(finding)
}

func (s *scanning) overlong() error {
	return s.refuse(&ocsf.ItemError{Code: ocsf.CodeTooLarge, Detail: "The finding is too large."})
}

func (s *scanning) refuse(refused *ocsf.ItemError) error {
	refused.Index = s.result.Findings + s.result.Refused
	s.result.Refused++
	return s.sink.Refused(refused)
}

func (l *line) reason() string {
	switch {
	case l.Connected:
		return ""
	case l.Error == nil || *l.Error == "":
		return "The provider gave no reason."
	}
	return *l.Error
}

func unexpected(l *line) error {
	return fmt.Errorf("%w: a line of type %.20q was not expected", ErrProtocol, l.Type)
}
