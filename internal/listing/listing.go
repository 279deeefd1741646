// Package listing reads the lists of a tenant that people page through and filter, and single rows of them: each resource
// declares a Source over its two generated queries, and all of them are counted, placed, read and answered in the same way.
//
// What does not belong here: which filters there are (internal/filter and the tables beside the operations), how rows look
// on the wire (internal/api), and lists whose queries need more than a page.
package listing

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/paging"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Paging are the parameters that sqlc generates for a list that needs nothing but a page.
type Paging interface {
	~struct {
		PageOffset int32
		PageSize   int32
	}
}

// Source is a list: Count has the marker "where", List the markers "where" and "order". A List whose rows have a Position has the
// marker "position" too, and can be paged by cursor.
type Source[Row any, Page Paging] struct {
	Name  string        // of one row in a 404, e.g. "ProviderGroup"
	ID    filter.Column // of the row's id, e.g. "g.id"
	Count func(*tenantdb.Queries, context.Context) (int64, error)
	List  func(*tenantdb.Queries, context.Context, Page) ([]Row, error)
}

// Page reads the page that the query asks for: behind a cursor, or by its number among the rows that the query's condition leaves,
// which are counted. A page beyond the last is a 404.
func (s Source[Row, Page]) Page(ctx context.Context, db tenant.DB, query filter.Query) ([]Row, filter.Window, error) {
	return paging.Read(ctx, tenant.Together, db, &query, func(db tenant.DB, where filter.Fragment) (int64, error) {
		count, err := s.Count(tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": where})), ctx)
		if err != nil {
			return 0, fmt.Errorf("count %s: %w", s.Name, err)
		}
		return count, nil
	}, func(db tenant.DB, part paging.Part) ([]Row, error) { return s.read(ctx, db, part) })
}

// One reads the row of the id when it meets the condition; the zero Fragment is none. One that is hidden, another tenant's,
// deleted or none at all is the same 404.
func (s Source[Row, Page]) One(ctx context.Context, db tenant.DB, id uuid.UUID, where filter.Fragment) (Row, error) {
	var none Row
	that := filter.MustCondition(s.ID, filter.Exact, id)
	rows, err := s.read(ctx, db, paging.Part{Where: filter.And(that, where), Size: 1})
	if err != nil {
		return none, err
	}
	if len(rows) == 0 {
		return none, jsonapi.NotFound(s.Name)
	}
	return rows[0], nil
}

// Written reads the row of the id as a change has left it: from the primary, where the change is.
func (s Source[Row, Page]) Written(ctx context.Context, executor *tenant.Executor, scope tenant.Scope, id uuid.UUID) (row Row, err error) {
	err = executor.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) (err error) {
		row, err = s.One(ctx, tx, id, filter.Fragment{})
		return err
	})
	return row, err
}

// Stream is a list that is paged by cursor alone; List has the markers "where", "order" and "position".
type Stream[Row any] struct {
	Name string        // of one row in a 404
	ID   filter.Column // of the row's id
	List func(*tenantdb.Queries, context.Context, int32) ([]Row, error)
}

// Page reads the page that the query asks for.
func (s Stream[Row]) Page(ctx context.Context, db tenant.DB, query filter.Query) ([]Row, filter.Window, error) {
	return paging.Walk(&query, func(part paging.Part) ([]Row, error) { return s.read(ctx, db, part) })
}

// One reads the row of the id when it meets the condition; any other is a 404.
func (s Stream[Row]) One(ctx context.Context, db tenant.DB, id uuid.UUID, where filter.Fragment) (row Row, err error) {
	rows, err := s.read(ctx, db, paging.Part{Where: filter.And(filter.MustCondition(s.ID, filter.Exact, id), where), Size: 1})
	if err == nil && len(rows) == 0 {
		err = jsonapi.NotFound(s.Name)
	}
	if err != nil {
		return row, err
	}
	return rows[0], nil
}

func (s Stream[Row]) read(ctx context.Context, db tenant.DB, part paging.Part) ([]Row, error) {
	rows, err := s.List(tenantdb.New(db.Shaped(part.Markers())), ctx, int32(part.Size))
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", s.Name, err)
	}
	return rows, nil
}

func (s Source[Row, Page]) read(ctx context.Context, db tenant.DB, part paging.Part) ([]Row, error) {
	markers := part.Markers()
	if !paging.HasPosition[Row]() {
		delete(markers, "position")
	}
	rows, err := s.List(tenantdb.New(db.Shaped(markers)), ctx, Page{PageOffset: int32(part.Offset), PageSize: int32(part.Size)})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", s.Name, err)
	}
	return rows, nil
}
