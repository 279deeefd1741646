package finding

import (
	"context"
	"fmt"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Choices are what a filter form can offer; lists are sorted and never nil.
type Choices struct {
	Services, Regions, Types []string
	Categories, Groups       []string
}

// Wanted says which of the lists that cost a statement of their own to read.
type Wanted struct{ Categories, Groups bool }

// ScansQuery and places of a filter form: scans is a condition on scans s, typeField names the filter by type of resource.
type ScansQuery struct {
	Scans     Scans
	Where     filter.Fragment
	TypeField string
}

// Choices returns the services, regions and types of what the chosen scans saw, restricted by the query's filters of those
// three, and the categories and resource groups of the scans, which no filter restricts.
func (r *Reader) Choices(ctx context.Context, scope tenant.Scope, query *filter.Query, scans ScansQuery, wanted Wanted) (Choices, error) {
	where, err := placesWhere(query, scans.TypeField)
	if err != nil {
		return Choices{}, err
	}
	var perProvider *int64
	if scans.Scans == Newest {
		one := int64(1)
		perProvider = &one
	}
	rows, err := tenantdb.New(r.executor.Read(scope).Shaped(map[string]filter.Fragment{"scans": scans.Where, "where": where})).ListScanPlaces(ctx, perProvider)
	if err != nil {
		return Choices{}, fmt.Errorf("list places of scans: %w", err)
	}
	var choices Choices
	for _, row := range rows {
		choices.Services, choices.Regions = append(choices.Services, row.Service), append(choices.Regions, row.Region)
		choices.Types = append(choices.Types, row.ResourceType)
	}
	choices.Services, choices.Regions, choices.Types = distinct(choices.Services), distinct(choices.Regions), distinct(choices.Types)
	choices.Categories, choices.Groups = []string{}, []string{}
	queries := tenantdb.New(r.executor.Read(scope).Shaped(map[string]filter.Fragment{"scans": scans.Where}))
	if wanted.Categories {
		if choices.Categories, err = queries.ListScanCategories(ctx, perProvider); err != nil {
			return Choices{}, fmt.Errorf("list categories of scans: %w", err)
		}
	}
	if wanted.Groups {
		if choices.Groups, err = queries.ListScanResourceGroups(ctx, perProvider); err != nil {
			return Choices{}, fmt.Errorf("list resource groups of scans: %w", err)
		}
	}
	return choices, nil
}

// placesWhere restricts places by the exact values of a query's filters.
func placesWhere(query *filter.Query, typeField string) (filter.Fragment, error) {
	var parts []filter.Fragment
	for _, field := range [][2]string{{"service", "r.service"}, {"region", "r.region"}, {typeField, "r.resource_type"}} {
		values, given := query.Texts(field[0])
		if !given {
			continue
		}
		if values == nil {
			values = []string{}
		}
		one, err := filter.Condition(filter.Column(field[1]), filter.In, values)
		if err != nil {
			return filter.Fragment{}, fmt.Errorf("filter places: %w", err)
		}
		parts = append(parts, one)
	}
	return filter.And(parts...), nil
}
