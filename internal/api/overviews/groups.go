package overviews

import (
	"context"
	"fmt"
	"strings"

	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
)

// breakdown are failed findings by severity.
type breakdown struct {
	Informational int64 `json:"informational"`
	Low           int64 `json:"low"`
	Medium        int64 `json:"medium"`
	High          int64 `json:"high"`
	Critical      int64 `json:"critical"`
}

// category are the findings of a category.
type category struct {
	TotalFindings     int64     `json:"total_findings"`
	FailedFindings    int64     `json:"failed_findings"`
	NewFailedFindings int64     `json:"new_failed_findings"`
	Severity          breakdown `json:"severity"`
}

// resourceGroup are the findings and resources of a resource group.
type resourceGroup struct {
	TotalFindings     int64     `json:"total_findings"`
	FailedFindings    int64     `json:"failed_findings"`
	NewFailedFindings int64     `json:"new_failed_findings"`
	ResourcesCount    int64     `json:"resources_count"`
	Severity          breakdown `json:"severity"`
}

// surface are the findings of an attack surface.
type surface struct {
	TotalFindings       int64 `json:"total_findings"`
	FailedFindings      int64 `json:"failed_findings"`
	MutedFailedFindings int64 `json:"muted_failed_findings"`
}

// tolerant is what the operations below have in common: they look at the values of the filters that they know.
const tolerant = filter.AnyQuery | filter.NoDots | filter.BareFilters

// SurfaceQuery is the allow-list for attack surfaces.
var SurfaceQuery = filter.MustTable(filter.Table{Unpaged: true, Tolerate: tolerant | filter.PlainCodes, Fields: scanChoice()})

// CategoryQuery is the allow-list for categories.
var CategoryQuery = groupTable("category", "m.category")

// ResourceGroupQuery is the allow-list for resource groups.
var ResourceGroupQuery = groupTable("resource_group", "m.resource_group")

// groupTable takes the filters that choose providers and the one by the group's name. Its refusals are worded as the wire has
// them here.
func groupTable(name string, column filter.Column) *filter.Table {
	fields := scanChoice()
	for i := range fields {
		fields[i].Refuse = refuseID
		if fields[i].Kind == filter.Choice {
			fields[i].Refuse = refuseChoice
		}
	}
	fields = append(fields, filter.Field{Name: name, Column: column, Lookups: filter.Exact | filter.In})
	return filter.MustTable(filter.Table{Unpaged: true, Tolerate: tolerant, Fields: fields})
}

func refuseID(bad []string) jsonapi.Error {
	return jsonapi.Invalid("“" + bad[0] + "” is not a valid UUID.")
}

func refuseChoice(bad []string) jsonapi.Error {
	if len(bad) == 1 {
		return jsonapi.Invalid("Invalid choice: " + bad[0])
	}
	return jsonapi.Invalid("Invalid choices: " + strings.Join(bad, ", "))
}

func (h handlers) categories(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	queries, err := h.queries(ctx, r)
	if err != nil {
		return nil, err
	}
	rows, err := queries.OverviewCategories(ctx)
	if err != nil {
		return nil, fmt.Errorf("count categories: %w", err)
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = jsonapi.Resource{Type: "category-overviews", ID: row.Category, Attributes: jsonapi.Attributes(category{TotalFindings: row.Total,
			FailedFindings: row.Failed, NewFailedFindings: row.NewFailed, Severity: breakdown{Informational: row.Informational, Low: row.Low,
				Medium: row.Medium, High: row.High, Critical: row.Critical}})}
	}
	return all(r, many), nil
}

func (h handlers) resourceGroups(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	queries, err := h.queries(ctx, r)
	if err != nil {
		return nil, err
	}
	rows, err := queries.OverviewResourceGroups(ctx)
	if err != nil {
		return nil, fmt.Errorf("count resource groups: %w", err)
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = jsonapi.Resource{Type: "resource-group-overviews", ID: row.ResourceGroup, Attributes: jsonapi.Attributes(resourceGroup{
			TotalFindings: row.Total, FailedFindings: row.Failed, NewFailedFindings: row.NewFailed, ResourcesCount: row.Resources,
			Severity: breakdown{Informational: row.Informational, Low: row.Low, Medium: row.Medium, High: row.High, Critical: row.Critical}})}
	}
	return all(r, many), nil
}

// surfaceNames are the attack surfaces in their order on the wire: all of them are always in the answer.
var surfaceNames = []string{"internet-exposed", "secrets", "privilege-escalation", "ec2-imdsv1"}

func (h handlers) surfaces(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	queries, err := h.ofProviders(ctx, r)
	if err != nil {
		return nil, err
	}
	rows, err := queries.OverviewAttackSurfaces(ctx)
	if err != nil {
		return nil, fmt.Errorf("count attack surfaces: %w", err)
	}
	counts := make(map[string]surface, len(rows))
	for _, row := range rows {
		counts[row.Surface] = surface{TotalFindings: row.Total, FailedFindings: row.Failed, MutedFailedFindings: row.MutedFailed}
	}
	many := make([]jsonapi.Resource, len(surfaceNames))
	for i, name := range surfaceNames {
		many[i] = jsonapi.Resource{Type: "attack-surface-overviews", ID: name, Attributes: jsonapi.Attributes(counts[name])}
	}
	return all(r, many), nil
}
