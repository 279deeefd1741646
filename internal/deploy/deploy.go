// Package deploy examines whether an installation is fit to be used: its database, keys, policy and settings. The checks are
// data: each has a name that stays, says what is wrong when something is, and how to mend it. docs/deploy.md lists them.
//
// What does not belong here: changing anything. A check reads, connects, and asks the server for its headers.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/password"
	"github.com/palisade-sec/palisade/internal/token"
)

// Severity is how bad it is when a check fails.
type Severity string

// The severities.
const (
	Fatal   Severity = "fatal"   // tenants are not kept apart, or everybody can come in: the server does not start
	Error   Severity = "error"   // not fit for production
	Warning Severity = "warning" // fit for some; whoever runs it should know
)

// Check is one thing that is examined.
type Check struct {
	ID       string
	Title    string // what is so when all is well
	Severity Severity
	Always   bool   // examined also where an installation need not be fit for production
	Remedy   string // what to do when it fails

	// find returns what is wrong, one sentence each. An error says that it could not be found out.
	find func(ctx context.Context, d *Deployment) ([]string, error)
}

// Deployment is what is examined.
type Deployment struct {
	Settings  config.Settings
	AppURL    string // connection strings in effect, also of a Postgres of the program's own
	SystemURL string
	OwnerURL  string                                       // may be empty
	Servers   int                                          // processes that share the database; 0: one
	Policy    func(context.Context) error                  // examines the access policy
	Engine    func(context.Context) (engine.Report, error) // examines the scan engine of this machine; may be nil
	Front     http.Handler                                 // the server, for the headers of its answers

	Tokens token.Config                                                        // the zero value has the defaults
	Hash   func(ctx context.Context, password string) (hash string, err error) // nil: that of the program

	states map[string]migrate.ServerState
	faults *[]string
}

// Status is the outcome of a check.
type Status string

// The outcomes.
const (
	OK      Status = "ok"
	Failed  Status = "failed"
	Unknown Status = "unknown" // it could not be found out, for a reason that is no fault
)

// Verdict is what a check found. Its JSON form is that of palisade check --format json.
type Verdict struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Severity Severity `json:"severity"`
	Status   Status   `json:"status"`
	Problems []string `json:"problems"` // what is wrong, or why it is unknown
	Remedy   string   `json:"remedy"`

	unexamined bool
}

// Bad reports whether the verdict is against using the installation.
func (v Verdict) Bad() bool { return v.Status == Failed && v.Severity != Warning }

// unknown says why something cannot be found out and need not be.
type unknown string

func (u unknown) Error() string { return string(u) }

// Checks are all checks, in the order of docs/deploy.md.
func Checks() []Check {
	var all []Check
	for _, some := range [][]Check{databaseChecks, keyChecks, policyChecks, accessChecks, transportChecks, engineChecks} {
		all = append(all, some...)
	}
	return all
}

// Examine runs the checks that are wanted. What cannot be examined has failed.
func Examine(ctx context.Context, d *Deployment, wanted func(Check) bool) []Verdict {
	var verdicts []Verdict
	for _, check := range Checks() {
		if wanted(check) {
			verdicts = append(verdicts, check.examine(ctx, d))
		}
	}
	return verdicts
}

// Everything wants all checks.
func Everything(Check) bool { return true }

// Essential wants those that hold everywhere, not in production alone.
func Essential(check Check) bool { return check.Always }

func (c Check) examine(ctx context.Context, d *Deployment) Verdict {
	verdict := Verdict{ID: c.ID, Title: c.Title, Severity: c.Severity, Status: OK, Problems: []string{}, Remedy: c.Remedy}
	problems, err := c.find(ctx, d)
	var cannot unknown
	switch {
	case errors.As(err, &cannot):
		verdict.Status, verdict.Problems = Unknown, []string{string(cannot)}
	case err != nil:
		verdict.unexamined = true
		verdict.Status, verdict.Problems = Failed, []string{"could not be examined: " + err.Error()}
	case len(problems) > 0:
		verdict.Status, verdict.Problems = Failed, problems
	}
	return verdict
}

// Refuse returns an error when something is so wrong that a server must not start.
func Refuse(ctx context.Context, d *Deployment) error {
	var reasons []error
	for _, verdict := range Examine(ctx, d, func(c Check) bool { return c.Severity == Fatal }) {
		switch problems := strings.Join(verdict.Problems, "; "); {
		case verdict.unexamined:
			reasons = append(reasons, fmt.Errorf("%s: %s", verdict.ID, problems))
		case verdict.Status == Failed:
			reasons = append(reasons, fmt.Errorf("%s: %s. To mend it: %s", verdict.ID, problems, verdict.Remedy))
		}
	}
	return errors.Join(reasons...)
}

func (d *Deployment) hash(ctx context.Context) (string, error) {
	if d.Hash != nil {
		return d.Hash(ctx, "an example")
	}
	return password.Hash(ctx, "an example")
}

// when is the sentence, if it holds.
func when(holds bool, format string, args ...any) []string {
	if !holds {
		return nil
	}
	return []string{fmt.Sprintf(format, args...)}
}
