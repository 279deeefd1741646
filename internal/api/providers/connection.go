package providers

import (
	"context"
	"errors"
	"net/http"

	"github.com/palisade-sec/palisade/internal/api/tasks"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/scan"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// ConnectionOperation declares the operation that checks whether a provider can be reached with its secret. A body is not
// looked at: clients send none, or an empty object.
func ConnectionOperation(executor *tenant.Executor, service *scan.Service) rest.Operation {
	h := handlers{tenants: executor}
	return rest.Operation{ID: "providers.connection", Method: http.MethodPost, Path: "/providers/{id}/connection", Tag: "Providers",
		Summary: "Check whether a provider can be reached", Query: Query, Mode: rest.One, Response: tasks.Schema(), Status: http.StatusAccepted,
		Handle: func(ctx context.Context, r *rest.Request) (*rest.Answer, error) { return h.connection(ctx, r, service) }}
}

func (h handlers) connection(ctx context.Context, r *rest.Request, service *scan.Service) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	var started task.Task
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		row, err := source.One(ctx, tx, r.ID("id"), r.Query.Where)
		if err != nil {
			return err
		}
		started, err = service.Check(ctx, tx, row.ID)
		return err
	})
	if errors.Is(err, scan.ErrNoProvider) {
		return nil, jsonapi.NotFound("Provider")
	}
	if err != nil {
		return nil, err
	}
	return tasks.Accepted(started), nil
}
