package listing

import (
	"context"

	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Include reads the resources beside some rows that a request asks for by its include parameter.
type Include[Row any] func(ctx context.Context, r *rest.Request, read tenant.DB, rows ...Row) ([]jsonapi.Resource, error)

// Pages is the handler that answers a page of the source in the request's scope. include may be nil: nothing stands beside
// the rows.
func (s Source[Row, Page]) Pages(tenants *tenant.Executor, resource func(*rest.Request, Row) jsonapi.Resource, include Include[Row]) rest.Handler {
	return func(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
		read, err := r.DB(ctx, tenants)
		if err != nil {
			return nil, err
		}
		rows, window, err := s.Page(ctx, read, r.Query)
		if err != nil {
			return nil, err
		}
		included, err := include.of(ctx, r, read, rows...)
		if err != nil {
			return nil, err
		}
		return rest.ListOf(r, rows, window, resource, included...), nil
	}
}

// Single is the handler that answers the row of the path's id in the request's scope, if it meets the request's filters.
func (s Source[Row, Page]) Single(tenants *tenant.Executor, resource func(*rest.Request, Row) jsonapi.Resource, include Include[Row]) rest.Handler {
	return func(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
		read, err := r.DB(ctx, tenants)
		if err != nil {
			return nil, err
		}
		row, err := s.One(ctx, read, r.ID("id"), r.Query.Where)
		if err != nil {
			return nil, err
		}
		included, err := include.of(ctx, r, read, row)
		if err != nil {
			return nil, err
		}
		return r.One(resource(r, row), included...), nil
	}
}

func (i Include[Row]) of(ctx context.Context, r *rest.Request, read tenant.DB, rows ...Row) ([]jsonapi.Resource, error) {
	if i == nil {
		return nil, nil
	}
	return i(ctx, r, read, rows...)
}
