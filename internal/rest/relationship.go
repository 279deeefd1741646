package rest

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/tenant"
)

// Change changes a relationship of the object of the id; linked are the ids that the request lists.
type Change func(ctx context.Context, scope tenant.Scope, id uuid.UUID, linked []uuid.UUID) error

// Relate is the handler of a to-many relationship (JSON:API 1.1, "Updating To-Many Relationships") of the object that the
// path parameter id names: POST adds what the body lists, PATCH replaces all by it, DELETE takes all away: its body has to be
// readable, but what it lists does not count.
func Relate(relationship string, found Finder, change Change) Handler {
	return func(ctx context.Context, r *Request) (*Answer, error) {
		scope, err := found(ctx, r)
		if err != nil {
			return nil, err
		}
		linked, err := r.linkage(relationship)
		if err != nil {
			return nil, err
		}
		if err := change(ctx, scope, r.ID("id"), linked); err != nil {
			return nil, err
		}
		return NoContent(), nil
	}
}

func (r *Request) linkage(relationship string) ([]uuid.UUID, error) {
	input, err := r.Input()
	if err != nil {
		return nil, err
	}
	switch r.operation.Method {
	case http.MethodPost:
		return input.LinkageToAdd(relationship)
	case http.MethodPatch:
		return input.Linkage(relationship)
	default:
		return nil, nil
	}
}
