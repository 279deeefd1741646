package overviews

import (
	"context"
	"fmt"
	"slices"

	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/finding"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
)

// counters are all counters of findings.
type counters struct {
	New          int64 `json:"new"`
	Changed      int64 `json:"changed"`
	Unchanged    int64 `json:"unchanged"`
	FailNew      int64 `json:"fail_new"`
	FailChanged  int64 `json:"fail_changed"`
	PassNew      int64 `json:"pass_new"`
	PassChanged  int64 `json:"pass_changed"`
	MutedNew     int64 `json:"muted_new"`
	MutedChanged int64 `json:"muted_changed"`
	Total        int64 `json:"total"`
	Fail         int64 `json:"fail"`
	Muted        int64 `json:"muted"`
	Pass         int64 `json:"pass"`
}

// severities count findings that are not muted.
type severities struct {
	Critical      int64 `json:"critical"`
	High          int64 `json:"high"`
	Medium        int64 `json:"medium"`
	Low           int64 `json:"low"`
	Informational int64 `json:"informational"`
}

// service are the findings of a service.
type service struct {
	Total int64 `json:"total"`
	Fail  int64 `json:"fail"`
	Muted int64 `json:"muted"`
	Pass  int64 `json:"pass"`
}

// region are the findings of a region of a provider type.
type region struct {
	ProviderType string `json:"provider_type"`
	Region       string `json:"region"`
	Total        int64  `json:"total"`
	Fail         int64  `json:"fail"`
	Muted        int64  `json:"muted"`
	Pass         int64  `json:"pass"`
}

// table is what the figures can be filtered by. Dates are those of the aggregates, after the newest scans are chosen.
func table(sorts []string, more ...filter.Field) *filter.Table {
	fields := append(finding.ProviderFields()[:2:2], finding.ProviderFields()[4],
		filter.Field{Name: "region", Column: "m.region", Lookups: filter.Exact | filter.In | filter.IContains},
		filter.Field{Name: "inserted_at", Kind: filter.DateTime, Column: "m.inserted_at", Lookups: filter.Exact | filter.OnDate | filter.GTE | filter.LTE})
	t := filter.Table{Fields: append(fields, more...), Unpaged: true, Tiebreak: "m.region"}
	for _, name := range sorts {
		t.Sorts = append(t.Sorts, filter.Sort{Name: name, Column: "m.region"})
	}
	return filter.MustTable(t)
}

// sortable are the names that a sort may give; figures have an order of their own, so it changes nothing.
var sortable = []string{"id", "inserted_at", "check_id", "service", "severity", "region", "pass", "fail", "muted", "total", "new", "changed",
	"unchanged", "fail_new", "fail_changed", "pass_new", "pass_changed", "muted_new", "muted_changed"}

// Query is the allow-list of the parameters.
var Query = table(sortable)

// SeverityQuery is the allow-list for findings per severity: a status restricts what is counted.
var SeverityQuery = table(sortable,
	filter.Field{Name: "status", Kind: filter.Choice, Choices: []string{"FAIL", "PASS"}},
	filter.Field{Name: "status", Kind: filter.Choice, Choices: []string{"FAIL", "PASS"}, Lookups: filter.In,
		Refuse: func(bad []string) jsonapi.Error { return jsonapi.Invalid("Invalid status value: " + bad[0]) }})

func (h handlers) findings(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	queries, err := h.figures(ctx, r, !r.Query.Has("region"))
	if err != nil {
		return nil, err
	}
	row, err := queries.OverviewFindings(ctx)
	if err != nil {
		return nil, fmt.Errorf("count findings: %w", err)
	}
	return r.One(jsonapi.Resource{Type: "findings-overview", ID: "n/a", Attributes: jsonapi.Attributes(counters(row))}), nil
}

func (h handlers) severities(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	queries, err := h.figures(ctx, r, !r.Query.Has("region"))
	if err != nil {
		return nil, err
	}
	row, err := queries.OverviewSeverities(ctx)
	if err != nil {
		return nil, fmt.Errorf("count severities: %w", err)
	}
	statuses, given := r.Query.Texts("status")
	var counts severities
	if !given || slices.Contains(statuses, "FAIL") {
		counts = severities{Critical: row.FailCritical, High: row.FailHigh, Medium: row.FailMedium, Low: row.FailLow, Informational: row.FailInformational}
	}
	if !given || slices.Contains(statuses, "PASS") {
		counts.Critical, counts.High, counts.Medium = counts.Critical+row.PassCritical, counts.High+row.PassHigh, counts.Medium+row.PassMedium
		counts.Low, counts.Informational = counts.Low+row.PassLow, counts.Informational+row.PassInformational
	}
	return r.One(jsonapi.Resource{Type: "findings-severity-overview", ID: "n/a", Attributes: jsonapi.Attributes(counts)}), nil
}

func (h handlers) services(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	queries, err := h.figures(ctx, r, !r.Query.Has("region"))
	if err != nil {
		return nil, err
	}
	rows, err := queries.OverviewServices(ctx)
	if err != nil {
		return nil, fmt.Errorf("count services: %w", err)
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = jsonapi.Resource{Type: "services-overview", ID: row.Service,
			Attributes: jsonapi.Attributes(service{Total: row.Total, Fail: row.Fail, Muted: row.Muted, Pass: row.Pass})}
	}
	return all(r, many), nil
}

func (h handlers) regions(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	queries, err := h.figures(ctx, r, false)
	if err != nil {
		return nil, err
	}
	rows, err := queries.OverviewRegions(ctx)
	if err != nil {
		return nil, fmt.Errorf("count regions: %w", err)
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = jsonapi.Resource{Type: "regions-overview", ID: row.Provider + ":" + row.Region, Attributes: jsonapi.Attributes(region{
			ProviderType: row.Provider, Region: row.Region, Total: row.Total, Fail: row.Fail, Muted: row.Muted, Pass: row.Pass})}
	}
	return all(r, many), nil
}
