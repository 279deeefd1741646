// Package paging reads the page of a list that a request asks for, by number or behind a cursor, from a statement that counts the
// list and one that reads part of it.
//
// What does not belong here: what a request may ask for (internal/filter), the statements (their domains and internal/listing), and
// the links of an answer (internal/rest).
package paging

import (
	"context"
	"reflect"

	"github.com/palisade-sec/palisade/internal/filter"
)

// positionField is where the generated rows of a list have what their cursor is made of.
const positionField = "Position"

// Part is what to read of a list: so many rows that meet a condition, from an offset in an order on.
type Part struct {
	Where, Order, Position filter.Fragment
	Offset, Size           int64
}

// Markers are the fragments for the markers of a list's statement.
func (p Part) Markers() map[string]filter.Fragment {
	return map[string]filter.Fragment{"where": p.Where, "order": p.Order, "position": p.Position}
}

// shallow is up to which row of a list a page is read together with the count. A deeper one waits for it: to find out that
// there is no such page must not cost walking there.
const shallow = 10_000

// Together runs reads that do not need each other's results; tenant.Together and system.Together do it in one round trip.
type Together[DB any] func(ctx context.Context, db DB, reads ...func(DB) error) error

// Read reads the page that a query asks for: behind a cursor, or by its number among the rows that the query's condition leaves,
// which are counted. A page beyond the last is a 404.
func Read[Row, DB any](ctx context.Context, together Together[DB], db DB, query *filter.Query,
	count func(DB, filter.Fragment) (int64, error), read func(DB, Part) ([]Row, error)) ([]Row, filter.Window, error) {
	if query.Page.Cursor {
		return Walk(query, func(part Part) ([]Row, error) { return read(db, part) })
	}
	part := Part{Where: query.Where, Order: query.Order, Size: query.Page.Limit()}
	var all int64
	var rows []Row
	counting := func(db DB) (err error) {
		all, err = count(db, query.Where)
		return err
	}
	reading := func(db DB) (err error) {
		rows, err = read(db, part)
		return err
	}
	offset, known := query.Page.Start()
	if known && offset < shallow {
		part.Offset = offset
		if err := together(ctx, db, counting, reading); err != nil {
			return nil, filter.Window{}, err
		}
		window, err := query.Page.Resolve(all)
		return rows, window, err
	}
	if err := counting(db); err != nil {
		return nil, filter.Window{}, err
	}
	window, err := query.Page.Resolve(all)
	if err != nil || all == 0 {
		return nil, window, err
	}
	part.Offset = window.Offset
	err = reading(db)
	return rows, window, err
}

// Walk reads the page behind the query's cursor. Whether another one follows is seen from one row more, which is not shown.
func Walk[Row any](query *filter.Query, read func(Part) ([]Row, error)) ([]Row, filter.Window, error) {
	window := filter.Window{Cursor: true, Limit: query.Page.Limit()}
	if !HasPosition[Row]() {
		return nil, window, filter.BadPage("page[after]", "This list has no cursors.")
	}
	rows, err := read(Part{Where: filter.And(query.Where, query.Behind), Order: query.Order, Position: query.Position, Size: window.Limit + 1})
	if err != nil || int64(len(rows)) <= window.Limit {
		return rows, window, err
	}
	rows = rows[:window.Limit]
	last := reflect.ValueOf(rows[len(rows)-1])
	window.After = query.After(last.FieldByName(positionField).String())
	return rows, window, nil
}

// HasPosition reports whether the rows of a list have a position.
func HasPosition[Row any]() bool {
	field, ok := reflect.TypeFor[Row]().FieldByName(positionField)
	return ok && field.Type.Kind() == reflect.String
}
