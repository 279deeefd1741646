// Package engines declares the operation that says what the scan engine can do. Scanning with it is not done here.
package engines

import (
	"context"
	"net/http"
	"time"

	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
)

// Type is the resource type of engines.
const Type = "engines"

// Attributes are the attributes of an engine.
type Attributes struct {
	Installed   bool       `json:"installed"`
	Version     *string    `json:"version" nullable:"true"`
	Interpreter *string    `json:"interpreter" nullable:"true"`
	Problem     *string    `json:"problem" nullable:"true"`
	ExaminedAt  time.Time  `json:"examined_at"`
	Providers   []Provider `json:"providers"`
}

// Provider is what an engine can do for a provider type.
type Provider struct {
	Provider string  `json:"provider"`
	Usable   bool    `json:"usable"`
	Lacks    *string `json:"lacks" nullable:"true"`
	Checks   int     `json:"checks"`
}

var query = filter.MustTable(filter.Table{Unpaged: true, Tiebreak: "id"})

// Operations declares the operation on the engine that the survey is of.
func Operations(survey *engine.Survey) []rest.Operation {
	return []rest.Operation{{ID: "engines.list", Method: http.MethodGet, Path: "/engines", Summary: "List scan engines and what they can do",
		Tag: "Scans", Query: query, Response: rest.Schema{Type: Type, Attributes: Attributes{}, List: true},
		Handle: func(ctx context.Context, r *rest.Request) (*rest.Answer, error) { return list(ctx, r, survey) }}}
}

func list(ctx context.Context, r *rest.Request, survey *engine.Survey) (*rest.Answer, error) {
	report, err := survey.Report(ctx)
	if err != nil {
		return nil, err
	}
	attributes := Attributes{Installed: report.Installed, Version: unlessEmpty(report.Version), Interpreter: unlessEmpty(report.Interpreter),
		Problem: unlessEmpty(report.Problem), ExaminedAt: report.ExaminedAt, Providers: make([]Provider, len(report.Providers))}
	for i, one := range report.Providers {
		attributes.Providers[i] = Provider{Provider: one.Type, Usable: one.Usable, Lacks: unlessEmpty(one.Lacks), Checks: one.Checks}
	}
	one := jsonapi.Resource{Type: Type, ID: report.Name, Attributes: jsonapi.Attributes(attributes)}
	return rest.OK(jsonapi.Document{Many: []jsonapi.Resource{one}, Fields: r.Query.Fields}), nil
}

func unlessEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
