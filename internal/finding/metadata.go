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
	choices := Choices{Categories: []string{}, Groups: []string{}}
	reads := []func(tenant.DB) error{func(db tenant.DB) error {
		rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"scans": scans.Where, "where": where})).ListScanPlaces(ctx, perProvider)
		if err != nil {
			return fmt.Errorf("list places of scans: %w", err)
		}
		choices.places(rows)
		return nil
	}}
	if wanted.Categories {
		reads = append(reads, func(db tenant.DB) (err error) {
			choices.Categories, err = tenantdb.New(db.Shaped(map[string]filter.Fragment{"scans": scans.Where})).ListScanCategories(ctx, perProvider)
			return err
		})
	}
	if wanted.Groups {
		reads = append(reads, func(db tenant.DB) (err error) {
			choices.Groups, err = tenantdb.New(db.Shaped(map[string]filter.Fragment{"scans": scans.Where})).ListScanResourceGroups(ctx, perProvider)
			return err
		})
	}
	if err := tenant.Together(ctx, r.executor.Read(scope), reads...); err != nil {
		return Choices{}, fmt.Errorf("read choices: %w", err)
	}
	return choices, nil
}

func (c *Choices) places(rows []tenantdb.ListScanPlacesRow) {
	for _, row := range rows {
		c.Services, c.Regions, c.Types = append(c.Services, row.Service), append(c.Regions, row.Region), append(c.Types, row.ResourceType)
	}
	c.Services, c.Regions, c.Types = distinct(c.Services), distinct(c.Regions), distinct(c.Types)
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
