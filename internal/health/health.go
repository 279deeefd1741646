// Package health answers the two questions of an operator's machinery: does the process live, and can it work? The answers
// are in the format of the Internet-Draft "Health Check Response Format for HTTP APIs". They stand outside the API: no
// credentials, no JSON:API.
//
// What does not belong here: what a check does. The caller brings it.
package health

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"
)

// MediaType is the only type that the answers come in.
const MediaType = "application/health+json"

// keep is how long the outcome of the checks is kept, failures included, so that probing costs next to nothing.
const keep = 3 * time.Second

// Check examines something that the program needs.
type Check struct {
	Name string // e.g. "postgres"
	Run  func(ctx context.Context) error
}

// Advice examines something that operators ought to know about and that keeps the program from nothing.
type Advice struct {
	Name string // e.g. "policy"
	// Run returns a sentence for everybody to read, without anything that is nobody's business; empty: all is well.
	Run func() string
}

// Config is what the answers say.
type Config struct {
	Release string // version of the program
	Checks  []Check
	Advices []Advice
	Timeout time.Duration // of one check; 0: 5 s
	Logger  *slog.Logger  // learns why a check failed; the answer does not say it
	// Live and Ready bound how often a client may ask, and are called with each request: false means too often. Nil: no bound.
	Live, Ready func(r *http.Request) bool
}

// Live answers whether the process runs: always 200.
func Live(config Config) http.Handler {
	return endpoint{allow: config.Live, answer: func(context.Context) (int, any) {
		return http.StatusOK, config.document("pass", nil)
	}}
}

// Ready answers whether the program can work: 200 when all checks pass, else 503. An advice makes it no worse than a
// warning.
func Ready(config Config) http.Handler {
	if config.Timeout == 0 {
		config.Timeout = 5 * time.Second
	}
	probe := &probe{config: config}
	return endpoint{allow: config.Ready, answer: probe.answer}
}

type document struct {
	Status      string           `json:"status"`
	Version     string           `json:"version"`
	ReleaseID   string           `json:"releaseId"`
	ServiceID   string           `json:"serviceId"`
	Description string           `json:"description"`
	Checks      map[string][]any `json:"checks,omitempty"`
}

type outcome struct {
	ComponentID   string  `json:"componentId"`
	ComponentType string  `json:"componentType"`
	ObservedValue float64 `json:"observedValue"`
	ObservedUnit  string  `json:"observedUnit"`
	Status        string  `json:"status"`
	Time          string  `json:"time"`
}

// counsel is the outcome of an advice, which measures nothing.
type counsel struct {
	ComponentID   string `json:"componentId"`
	ComponentType string `json:"componentType"`
	Status        string `json:"status"`
	Time          string `json:"time"`
	Output        string `json:"output,omitempty"`
}

func (c Config) document(status string, checks map[string][]any) document {
	return document{Status: status, Version: "1", ReleaseID: c.Release, ServiceID: "palisade", Description: "Palisade API", Checks: checks}
}

// probe runs the checks and keeps their outcome for a moment.
type probe struct {
	config Config
	mutex  sync.Mutex
	at     time.Time
	status int
	body   document
}

func (p *probe) answer(ctx context.Context) (int, any) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.at.IsZero() || time.Since(p.at) > keep {
		// The outcome serves the next clients too: one that hangs up must not make it a failure.
		p.status, p.body = p.run(context.WithoutCancel(ctx))
		p.at = time.Now()
	}
	return p.status, p.body
}

func (p *probe) run(ctx context.Context) (int, document) {
	status, word := http.StatusOK, "pass"
	outcomes := make(map[string][]any, len(p.config.Checks)+len(p.config.Advices))
	for _, advice := range p.config.Advices {
		one := counsel{ComponentID: advice.Name, ComponentType: "component", Status: "pass", Time: now(), Output: advice.Run()}
		if one.Output != "" {
			one.Status, word = "warn", "warn"
		}
		outcomes[advice.Name] = []any{one}
	}
	for _, check := range p.config.Checks {
		limited, cancel := context.WithTimeout(ctx, p.config.Timeout)
		start := time.Now()
		err := check.Run(limited)
		cancel()
		one := outcome{ComponentID: check.Name, ComponentType: "datastore", ObservedUnit: "ms", Status: "pass",
			ObservedValue: math.Round(float64(time.Since(start).Microseconds())/10) / 100,
			Time:          now()}
		if err != nil {
			one.Status, word, status = "fail", "fail", http.StatusServiceUnavailable
			if p.config.Logger != nil {
				p.config.Logger.WarnContext(ctx, "not ready", "check", check.Name, "error", err)
			}
		}
		outcomes[check.Name+":responseTime"] = []any{one}
	}
	return status, p.config.document(word, outcomes)
}

func now() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z") }

// endpoint is what the two have in common: methods, negotiation, bounds.
type endpoint struct {
	allow  func(r *http.Request) bool
	answer func(ctx context.Context) (int, any)
}

func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "GET, HEAD, OPTIONS")
	w.Header().Set("Content-Type", MediaType)
	refuse := func(status int, detail string) {
		send(w, r, status, map[string]string{"detail": detail})
	}
	switch {
	case !acceptable(r):
		refuse(http.StatusNotAcceptable, "Could not satisfy the request Accept header.")
	case r.Method == http.MethodOptions:
		send(w, r, http.StatusOK, map[string]any{"name": "Health", "renders": []string{MediaType}})
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		refuse(http.StatusMethodNotAllowed, fmt.Sprintf("Method %q not allowed.", r.Method))
	case e.allow != nil && !e.allow(r):
		refuse(http.StatusTooManyRequests, "Request was throttled.")
	default:
		status, body := e.answer(r.Context())
		w.Header().Set("Cache-Control", "max-age=3, must-revalidate")
		send(w, r, status, body)
	}
}

func send(w http.ResponseWriter, r *http.Request, status int, body any) {
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return // strings and numbers always encode
	}
	_, _ = w.Write(encoded) // the client is gone when this fails
}

func acceptable(r *http.Request) bool {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(accept) == "" {
		return true
	}
	for part := range strings.SplitSeq(accept, ",") {
		kind, _, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "*/*", "application/*", MediaType:
			return true
		}
	}
	return false
}
