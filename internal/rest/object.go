package rest

import (
	"context"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Finder looks up the object that the path parameter id names, before the body is read, and returns the scope to change it in.
type Finder func(ctx context.Context, r *Request) (tenant.Scope, error)

// Found is the request's scope, once the object that the path parameter id names is there and meets the filters; one reads
// it, or returns the 404.
func Found[Row any](ctx context.Context, r *Request, executor *tenant.Executor,
	one func(ctx context.Context, db tenant.DB, id uuid.UUID, where filter.Fragment) (Row, error)) (tenant.Scope, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return scope, err
	}
	_, err = one(ctx, executor.Read(scope), r.ID("id"), r.Query.Where)
	return scope, err
}

// Remove is the handler that deletes the object which found has looked up, and answers 204.
func Remove(found Finder, remove func(ctx context.Context, scope tenant.Scope, id uuid.UUID) error) Handler {
	return func(ctx context.Context, r *Request) (*Answer, error) {
		scope, err := found(ctx, r)
		if err != nil {
			return nil, err
		}
		if err := remove(ctx, scope, r.ID("id")); err != nil {
			return nil, err
		}
		return NoContent(), nil
	}
}
